// Package scim is the Target for apps that speak SCIM 2.0 (RFC 7643, RFC 7644).
// In what servers depart from the standard is told by a Dialect, found out
// while working, or checked in each answer: what a server says is evidence,
// not truth.
package scim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/network"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/web"
)

// Connection is the block scim of an app.
type Connection struct {
	BaseURL       string `json:"base_url"`
	CACertificate string `json:"ca_certificate,omitempty"` // PEM; beside the system's
}

// target is safe for concurrent use: what is not set by Open is guarded.
type target struct {
	base     *url.URL // without trailing slash; its query goes along with each request
	dialect  Dialect
	clock    connector.Clock
	client   *http.Client
	timeout  time.Duration // of one request with its answer, at least
	patience patience

	header, headerOfBodies http.Header // of requests without and with a body

	discovery discovery
	learned   learned
}

var _ connector.Target = (*target)(nil)

// Open makes the Target for a scim block. No connection is made. The error
// says what is wrong with the connection, dialect or credential.
func Open(options connector.Options) (connector.Target, error) {
	var connection Connection
	if err := strictJSON(options.Connection, &connection); err != nil {
		return nil, fmt.Errorf("scim connection: %w", err)
	}
	base, err := parseBase(connection.BaseURL)
	if err != nil {
		return nil, err
	}
	dialect, err := parseDialect(options.Dialect)
	if err != nil {
		return nil, err
	}
	transport := options.Transport
	if transport == nil {
		own, err := web.NewTransport(connection.CACertificate)
		if err != nil {
			return nil, err
		}
		transport = own
	}
	if transport, err = web.Authorize(transport, options.Credential, base); err != nil {
		return nil, err
	}
	t := &target{
		base: base, dialect: dialect, clock: options.Clock(), client: web.NewClient(transport), timeout: time.Minute,
	}
	t.header, t.headerOfBodies = headers(dialect, options.UserAgent)
	t.learned.pageSize = dialect.pageSize()
	t.learned.membersPerRequest = dialect.membersPerRequest()
	return t, nil
}

func (t *target) now() time.Time { return t.clock.Now() }

// Close ends the connections that are kept for later requests.
func (t *target) Close() error {
	t.client.CloseIdleConnections()
	return nil
}

// parseBase checks a base URL. http is accepted for this machine alone: a
// credential does not travel in clear text.
func parseBase(text string) (*url.URL, error) {
	if strings.TrimSpace(text) == "" {
		return nil, errors.New("base_url is missing: the address that /Users stands under, like https://app.example.com/scim/v2")
	}
	base, err := url.Parse(strings.TrimSpace(text))
	if err != nil {
		return nil, errors.New("base_url is no URL; it looks like https://app.example.com/scim/v2")
	}
	switch {
	case base.Host == "" || base.Scheme != "https" && base.Scheme != "http":
		return nil, fmt.Errorf("base_url has to begin with https:// and a host name")
	case base.User != nil:
		return nil, fmt.Errorf("base_url holds a user name or password; put them into a provisioning_credential")
	case base.Fragment != "":
		return nil, fmt.Errorf("base_url ends in #%s, which is never sent; remove it", base.Fragment)
	case base.Scheme == "http" && !network.IsLoopback(base.Hostname()):
		return nil, fmt.Errorf("base_url has to begin with https://: over http the credential could be read on its way to %s", base.Hostname())
	}
	base.Path = strings.TrimRight(base.Path, "/")
	base.RawPath = strings.TrimRight(base.RawPath, "/")
	base.Host = strings.ToLower(base.Host)
	return base, nil
}

// identity names the system that is connected to.
func (t *target) identity() string {
	u := *t.base
	u.RawQuery = ""
	return "scim " + u.String()
}

// marshal writes JSON without the escapes that are meant for HTML.
func marshal(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
