// Package network is how connectors connect, whatever they speak then: over TLS
// 1.2 or above, and to no address that no system of theirs lives at.
package network

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// NewDialer gives a dialer that refuses, as they are dialed, addresses that no
// system lives at, so that no answer of a name server leads to them: link-local
// ones, where clouds offer their machines' credentials, multicast and
// unspecified. The error is an *AddressError.
func NewDialer() *net.Dialer {
	return &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Control: checkAddress}
}

func checkAddress(_, address string, _ syscall.RawConn) error {
	parsed, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := parsed.Addr().Unmap()
	if ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() {
		return &AddressError{ip}
	}
	return nil
}

// AddressError says that an address is never connected to.
type AddressError struct{ Address netip.Addr }

func (e *AddressError) Error() string {
	return fmt.Sprintf("the address %s is link-local, multicast or unspecified, and never connected to", e.Address)
}

// NewTLS gives settings that trust the system's authorities, and those of a PEM
// text beside them; empty for none. A text without a certificate is an error,
// which names the attribute ca_certificate.
func NewTLS(caCertificate string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if caCertificate == "" {
		return config, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM([]byte(caCertificate)) {
		return nil, errors.New("ca_certificate holds no certificate; it has to be PEM, beginning with -----BEGIN CERTIFICATE-----")
	}
	config.RootCAs = roots
	return config, nil
}

// IsLoopback reports whether the host of a URL is this machine, so that nobody
// can read what is sent to it without TLS.
func IsLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && address.Unmap().IsLoopback()
}
