// Package web is how connectors speak HTTP: with a credential that goes to the
// system it is for and nowhere else.
package web

import (
	"net/http"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/network"
)

const maxHeaderBytes = 64 << 10

// NewTransport gives a transport that connects as package network says, and
// trusts whom network.NewTLS does. How long an answer may take is for the
// context of its request to say.
func NewTransport(caCertificate string) (*http.Transport, error) {
	config, err := network.NewTLS(caCertificate)
	if err != nil {
		return nil, err
	}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            network.NewDialer().DialContext,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    10 * time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    256, // as many as a job may have in flight
		MaxResponseHeaderBytes: maxHeaderBytes,
		ForceAttemptHTTP2:      true,
	}, nil
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
