package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/network"
)

// Codes of the provisioning log.
const (
	codeProtocol     = "WebExceptionProtocolError"
	codeTimeout      = "Timeout"
	codeUnauthorized = "Unauthorized"
)

// Exchange is what an error names of a request: what it is, the address that it
// went to, and the attribute that the address stands in.
type Exchange struct {
	Request string // "GET Users"
	Address *url.URL
	Setting string // "base_url"
}

// Failure classifies an exchange that gave no whole answer: Fatal where only
// another configuration helps, else Transient; Unknown when something may have
// been written. An error of Authorize stays as it is: nothing was carried out.
func (e Exchange) Failure(err error, mayHaveWritten bool) *connector.Error {
	var known *connector.Error
	if errors.As(err, &known) {
		return known
	}
	out := e.classify(err)
	if mayHaveWritten {
		out.Class = connector.Unknown
	}
	return out
}

func (e Exchange) classify(err error) *connector.Error {
	out := &connector.Error{Class: connector.Transient, Code: codeProtocol, Err: err}
	var unknownAuthority x509.UnknownAuthorityError
	var verification *tls.CertificateVerificationError
	var wrongName x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var alert *net.OpError
	var name *net.DNSError
	var address *network.AddressError
	var timeout interface{ Timeout() bool }
	host := e.Address.Host
	switch {
	case errors.As(err, &address):
		out.Class = connector.Fatal
		out.Detail = fmt.Sprintf("%s: %v", host, address)
		out.Advice = fmt.Sprintf("give %s the system's public or internal address", e.Setting)
	case errors.As(err, &wrongName):
		out.Class = connector.Fatal
		out.Detail = fmt.Sprintf("the certificate of %s is for another name", host)
		out.Advice = fmt.Sprintf("give %s the name that the certificate is made out to", e.Setting)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		out.Class = connector.Fatal
		out.Detail = fmt.Sprintf("the certificate of %s has expired or is not yet valid", host)
		out.Advice = "let the operator of that system renew the certificate, and check this machine's clock"
	case errors.As(err, &unknownAuthority), errors.As(err, &verification), errors.As(err, &invalid):
		out.Class = connector.Fatal
		out.Detail = fmt.Sprintf("the certificate of %s is signed by nobody who is trusted here", host)
		out.Advice = "give the certificate of the authority that signed it as ca_certificate"
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		out.Class = connector.Fatal
		out.Detail = fmt.Sprintf("%s does not speak TLS at that port", host)
		out.Advice = fmt.Sprintf("check the port and the scheme in %s", e.Setting)
	case errors.As(err, &alert) && alert.Op == "remote error":
		out.Class = connector.Fatal
		out.Detail = fmt.Sprintf("%s ends the TLS handshake: %v", host, alert.Err)
		out.Advice = fmt.Sprintf("check the port in %s; TLS below 1.2 is not spoken, and no certificate of a client is shown", e.Setting)
	case errors.As(err, &name):
		out.Detail = fmt.Sprintf("the host name %s is not found", e.Address.Hostname())
		out.Advice = fmt.Sprintf("check the host name in %s, and this machine's name service", e.Setting)
	case errors.Is(err, context.Canceled):
		out.Detail = fmt.Sprintf("%s was cancelled", e.Request)
	case errors.As(err, &timeout) && timeout.Timeout():
		out.Code = codeTimeout
		out.Detail = fmt.Sprintf("%s gave no whole answer to %s in time", host, e.Request)
	default:
		out.Detail = fmt.Sprintf("%s at %s: %s", e.Request, host, cause(err))
	}
	return out
}

// cause gives the innermost reason of a failed exchange; what stands around it
// repeats the address with its query.
func cause(err error) string {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the connection ended before the answer did"
	}
	return err.Error()
}

// maxRetryAfter bounds how long a server may keep us waiting.
const maxRetryAfter = time.Hour

// RetryAt reads a Retry-After header (RFC 9110 section 10.2.3): seconds or a
// date. What lies in the past is now, what is too far is cut; the zero time
// when it says nothing.
func RetryAt(header string, now time.Time) time.Time {
	header = strings.TrimSpace(header)
	if header == "" {
		return time.Time{}
	}
	latest := now.Add(maxRetryAfter)
	var at time.Time
	if seconds, err := strconv.ParseFloat(header, 64); err == nil {
		switch {
		case seconds != seconds: // not a number
			return time.Time{}
		case seconds <= 0:
			return now
		case seconds >= maxRetryAfter.Seconds():
			return latest
		}
		return now.Add(time.Duration(seconds * float64(time.Second)))
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return time.Time{}
	}
	switch {
	case at.Before(now):
		return now
	case at.After(latest):
		return latest
	}
	return at
}
