// Package web is how connectors speak HTTP: over TLS 1.2 or above, with a
// deadline for each phase, to no address that no app lives at, and with a
// credential that goes to the system it is for and nowhere else.
package web

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

const maxHeaderBytes = 64 << 10

// NewTransport gives a transport that trusts the system's authorities, and those
// of a PEM text beside them; empty for none.
func NewTransport(caCertificate string) (*http.Transport, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if caCertificate != "" {
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool()
		}
		if !roots.AppendCertsFromPEM([]byte(caCertificate)) {
			return nil, errors.New("ca_certificate holds no certificate; it has to be PEM, beginning with -----BEGIN CERTIFICATE-----")
		}
		config.RootCAs = roots
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Control: checkAddress}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  time.Minute,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    256, // as many as a job may have in flight
		MaxResponseHeaderBytes: maxHeaderBytes,
		ForceAttemptHTTP2:      true,
	}, nil
}

// checkAddress refuses addresses that no app lives at, as they are dialed, so
// that no answer of a name server leads to them: link-local ones, where clouds
// offer their machines' credentials, and multicast.
func checkAddress(_, address string, _ syscall.RawConn) error {
	parsed, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := parsed.Addr().Unmap()
	if ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() {
		return &addressError{ip}
	}
	return nil
}

type addressError struct{ ip netip.Addr }

func (e *addressError) Error() string {
	return fmt.Sprintf("the address %s is link-local, multicast or unspecified, and never connected to", e.ip)
}

// NewClient gives a client that follows a redirect only where it leads a GET
// to the same host by the same scheme: elsewhere the credential would be given
// away, or a write done twice.
func NewClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport: transport,
		CheckRedirect: func(next *http.Request, via []*http.Request) error {
			first := via[0]
			if first.Method != http.MethodGet || len(via) > 3 ||
				next.URL.Scheme != first.URL.Scheme || next.URL.Host != first.URL.Host {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
}
