package scim

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
)

const (
	// maxBody bounds an answer, unpacked.
	maxBody = 32 << 20
	// maxIDLength bounds ids that are believed.
	maxIDLength = 1024

	contentType = "application/scim+json"
)

// request is one HTTP request to the server.
type request struct {
	method   string
	endpoint string // "Users"
	id       string
	query    url.Values
	body     any
	version  string // for If-Match
}

func (r request) writes() bool { return r.method != http.MethodGet }

// response is an answer of any status.
type response struct {
	request request
	status  int
	header  http.Header
	body    []byte
	secrets []string // that must not show in errors
}

func (r response) ok() bool { return r.status >= 200 && r.status < 300 }

// do sends one request, once. The error is a *connector.Error, and says that
// there was no whole answer; of what class it is depends on whether a write
// may have arrived.
func (t *target) do(ctx context.Context, r request) (response, error) {
	out := response{request: r}
	var body io.Reader
	if r.body != nil {
		encoded, err := marshal(r.body)
		if err != nil {
			return out, rejected(codeInternal, "the request cannot be written as JSON", err)
		}
		body = bytes.NewReader(encoded)
	}
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	// Until a connection was had, nothing can have arrived.
	var connected atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	message, err := http.NewRequestWithContext(traced, r.method, t.url(r), body)
	if err != nil {
		return out, rejected(codeInternal, fmt.Sprintf("%s %s has an address that is no URL", r.method, r.endpoint), nil)
	}
	if out.secrets, err = t.authorize(ctx, message); err != nil {
		return out, &connector.Error{Class: connector.Denied, Code: codeUnauthorized, Detail: fmt.Sprintf("the credential cannot be resolved: %v", err),
			Advice: "Give the credential what it refers to, as said above; then apply again, or start the job.", Err: err}
	}
	message.Header.Set("Accept", "application/scim+json, application/json")
	if t.userAgent != "" {
		message.Header.Set("User-Agent", t.userAgent)
	}
	if body != nil {
		message.Header.Set("Content-Type", contentType)
	}
	if r.version != "" {
		message.Header.Set("If-Match", r.version)
	}
	for name, value := range t.dialect.Headers {
		message.Header.Set(name, value)
	}
	answer, err := t.client.Do(message)
	if err != nil {
		return out, t.failure(err, r, connected.Load())
	}
	defer func() { _ = answer.Body.Close() }()
	out.status, out.header = answer.StatusCode, answer.Header
	out.body, err = io.ReadAll(io.LimitReader(answer.Body, maxBody+1))
	if err != nil {
		if !r.writes() || out.ok() {
			return out, t.failure(err, r, true)
		}
		// A refusal whose reason was cut off is a refusal.
	}
	if len(out.body) > maxBody {
		detail := fmt.Sprintf("the answer to %s %s is larger than %d MiB", r.method, r.endpoint, maxBody>>20)
		return out, incompatible(r, detail, "")
	}
	if t.throttled(out) {
		return out, t.throttle(out)
	}
	return out, nil
}

// url gives the address. The base's query goes along as it was written.
func (t *target) url(r request) string {
	var out strings.Builder
	base := *t.base
	base.RawQuery = ""
	out.WriteString(base.String())
	out.WriteByte('/')
	out.WriteString(r.endpoint)
	if r.id != "" {
		out.WriteByte('/')
		out.WriteString(url.PathEscape(r.id))
	}
	query := t.base.RawQuery
	if encoded := r.query.Encode(); encoded != "" {
		if query != "" {
			query += "&"
		}
		query += encoded
	}
	if query != "" {
		out.WriteByte('?')
		out.WriteString(query)
	}
	return out.String()
}

// authorize sets the credential and gives the texts that no error may hold.
func (t *target) authorize(ctx context.Context, message *http.Request) ([]string, error) {
	switch t.credential.Kind {
	case "bearer":
		token, err := t.secret(ctx, "token")
		if err != nil {
			return nil, err
		}
		message.Header.Set("Authorization", "Bearer "+token)
		return []string{token}, nil
	case "basic":
		username, err := t.secret(ctx, "username")
		if err != nil {
			return nil, err
		}
		password, err := t.secret(ctx, "password")
		if err != nil {
			return nil, err
		}
		message.SetBasicAuth(username, password)
		_, encoded, _ := strings.Cut(message.Header.Get("Authorization"), " ")
		return []string{encoded, password}, nil
	}
	return nil, nil
}

func (t *target) secret(ctx context.Context, field string) (string, error) {
	value, err := t.credential.Field(ctx, field)
	if err != nil {
		return "", err
	}
	value = strings.TrimSpace(value)
	if value == "" {
		return "", fmt.Errorf("the %s credential's %s is empty", t.credential.Kind, field)
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", fmt.Errorf("the %s credential's %s holds a line break or another control character", t.credential.Kind, field)
	}
	return value, nil
}

// failure classifies an exchange that gave no whole answer. sent tells that
// the request may have arrived.
func (t *target) failure(err error, r request, sent bool) *connector.Error {
	out := &connector.Error{Class: connector.Transient, Code: codeProtocol, Err: err}
	var unknownAuthority x509.UnknownAuthorityError
	var verification *tls.CertificateVerificationError
	var wrongName x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var name *net.DNSError
	var address *addressError
	var timeout interface{ Timeout() bool }
	host := t.base.Host
	switch {
	case errors.As(err, &address):
		out.Class = connector.Fatal
		out.Detail = fmt.Sprintf("%s: %v", host, address)
		out.Advice = "give base_url the app's public or internal address"
	case errors.As(err, &wrongName):
		out.Class = connector.Fatal
		out.Detail = fmt.Sprintf("the certificate of %s is for another name", host)
		out.Advice = "give base_url the name that the certificate is made out to"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		out.Class = connector.Fatal
		out.Detail = fmt.Sprintf("the certificate of %s has expired or is not yet valid", host)
		out.Advice = "let the app's operator renew the certificate, and check this machine's clock"
	case errors.As(err, &unknownAuthority), errors.As(err, &verification), errors.As(err, &invalid):
		out.Class = connector.Fatal
		out.Detail = fmt.Sprintf("the certificate of %s is signed by nobody who is trusted here", host)
		out.Advice = "give the certificate of the authority that signed it as ca_certificate"
	case errors.As(err, &record), errors.As(err, &alert):
		out.Class = connector.Fatal
		out.Detail = fmt.Sprintf("%s and this machine find no common TLS 1.2 or 1.3", host)
		out.Advice = "check the port and the scheme in base_url; TLS below 1.2 is not spoken"
	case errors.As(err, &name):
		out.Detail = fmt.Sprintf("the host name %s is not found", t.base.Hostname())
		out.Advice = "check the host name in base_url, and this machine's name service"
	case errors.Is(err, context.Canceled):
		out.Detail = fmt.Sprintf("%s %s was cancelled", r.method, r.endpoint)
	case errors.As(err, &timeout) && timeout.Timeout():
		out.Code = codeTimeout
		out.Detail = fmt.Sprintf("%s gave no whole answer to %s %s in time", host, r.method, r.endpoint)
	default:
		out.Detail = fmt.Sprintf("%s %s at %s: %s", r.method, r.endpoint, host, cause(err))
	}
	if sent && r.writes() {
		out.Class = connector.Unknown
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
