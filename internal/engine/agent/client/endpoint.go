package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-version"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
)

// Names, in the environment, of what an Endpoint is made of.
const (
	EndpointVariable      = "PROVISIONING_ENDPOINT"
	TokenVariable         = "PROVISIONING_TOKEN"
	CACertificateVariable = "PROVISIONING_CA_CERTIFICATE"
)

// Endpoint is how an agent is reached over the network. The zero value is none.
type Endpoint struct {
	URL           string // https://host:port
	Token         string // that `token create` gave
	CACertificate string // PEM: trusted in place of the system's; empty: the system's
}

// Check tells what is wrong with an endpoint, as an *api.Error whose path is the
// attribute of the provider. It connects to nothing.
func (e Endpoint) Check() error {
	refuse := func(attribute, summary, detail, advice string) error {
		return &api.Error{Code: api.CodeInvalid, Summary: summary, Detail: detail, Advice: advice, Path: []string{attribute}}
	}
	const form = `Give it as "https://agent.example.com:8443".`
	address, err := url.Parse(e.URL)
	switch {
	case err != nil:
		return refuse("endpoint", "The endpoint is no URL", "it cannot be read", form)
	case address.User != nil: // before anything that repeats the text
		return refuse("endpoint", "The endpoint holds a user name or password", "whoever sees the configuration would see it", form+" The token goes into token.")
	case address.Scheme == "http":
		return refuse("endpoint", fmt.Sprintf("The endpoint %q is not encrypted", e.URL), "all in between would see the token, and what is asked", form)
	case address.Scheme != "https" || address.Hostname() == "":
		return refuse("endpoint", fmt.Sprintf("The endpoint %q is no https URL", e.URL), "", form)
	case address.RawQuery != "" || address.Fragment != "":
		return refuse("endpoint", fmt.Sprintf("The endpoint %q has a query or fragment", e.URL), "", form)
	case e.Token == "":
		return refuse("token", fmt.Sprintf("No token for endpoint %q", e.URL), "the agent lets in nobody without one",
			fmt.Sprintf("Set token, or the environment variable %s, to what `token create` printed on the agent's machine.", TokenVariable))
	case strings.ContainsFunc(e.Token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return refuse("token", "The token holds a space, a line end or a letter that no token has", "",
			"Give it as `token create` printed it, without anything around it.")
	case e.CACertificate != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(e.CACertificate)):
		return refuse("ca_certificate", "The CA certificate is not PEM", `it holds no "BEGIN CERTIFICATE"`,
			`Give the content of the file, as in ca_certificate = file("tls-ca.pem").`)
	}
	return nil
}

// String names the endpoint in messages.
func (e Endpoint) String() string { return fmt.Sprintf("endpoint %q", e.URL) }

// transport gives what carries calls to the endpoint, by way of the
// environment's proxy where there is one.
func (e Endpoint) transport() *http.Transport {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(0)}
	if e.CACertificate != "" {
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM([]byte(e.CACertificate))
	}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: handshakeTimeout}).DialContext,
		TLSClientConfig:       config,
		TLSHandshakeTimeout:   handshakeTimeout,
		ExpectContinueTimeout: time.Second,
	}
}

// greetRemote asks the agent of the endpoint what it is. There is nothing that
// could be started or replaced: every error says what is to be done there.
func (c *Client) greetRemote(ctx context.Context) (found api.Handshake, err error) {
	patient, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	response, err := c.open(patient, http.MethodGet, "/v1/handshake", nil)
	var told *api.Error
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return found, ctx.Err()
	case patient.Err() != nil:
		return found, c.unreachable(fmt.Errorf("nothing came for %v", handshakeTimeout))
	case isDial(err):
		return found, c.unreachable(err)
	case errors.As(err, &told) && told.Code == api.CodeIncompatible:
		return found, c.notAnAgent(told.Detail)
	default:
		return found, err
	}
	defer response.Body.Close()
	err = json.NewDecoder(io.LimitReader(response.Body, maxError)).Decode(&found)
	if err != nil || found.API == 0 {
		return found, c.notAnAgent(response.Status)
	}
	return found, nil
}

func (c *Client) notAnAgent(answer string) error {
	return &api.Error{
		Code: api.CodeIncompatible, Summary: "What answers at " + c.place + " is no provisioning agent",
		Detail: "no agent gives the answer " + answer, Advice: "Correct endpoint: it is what the agent's --listen says, or the proxy before it.",
	}
}

// unreachable says why no connection to the endpoint came about, and the way
// out.
func (c *Client) unreachable(err error) error {
	told := &api.Error{Code: api.CodeUnavailable, Summary: "Cannot reach the agent of " + c.place, Detail: err.Error()}
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		lookup    *net.DNSError
		plain     tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &authority):
		told.Detail = "its certificate was signed by an authority that is not trusted here"
		told.Advice = fmt.Sprintf("Give the certificate of the authority with ca_certificate, --ca-file or %s; "+
			"for an agent with --tls-self-signed it is the file tls-ca.pem of its data directory.", CACertificateVariable)
		if c.options.Endpoint.CACertificate != "" {
			told.Detail = "its certificate was not signed by the authority that was given"
			told.Advice = "Give the certificate of the right one: see which the agent logs when it starts, or ask who renewed its certificate."
		}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		told.Detail = "its certificate does not count now: " + invalid.Detail
		told.Advice = "Renew the certificate on the agent's machine, where no restart is needed for it; or set the clock of this machine."
	case errors.As(err, &name):
		told.Detail = "its certificate is for another name: " + name.Error()
		told.Advice = "Use an endpoint with a name of the certificate, or give the agent a certificate for this name."
	case errors.As(err, &invalid):
		told.Advice = "Give the agent a certificate for servers, signed by an authority."
	case errors.As(err, &plain), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		told.Detail = "what listens there does not speak TLS"
		told.Advice = "Correct the port of endpoint; an agent serves TLS only."
	case errors.As(err, &lookup):
		told.Advice = "Correct the name in endpoint, or see why it cannot be resolved here."
	default:
		told.Advice = "See that it runs there with --listen (`agent status` on its machine), and that no firewall is in between."
	}
	return told
}

// judgeRemote says whether an agent that nobody can replace from here fits this
// program: both have the version, but for patches, which change nothing of what
// is said between them.
func (c *Client) judgeRemote(found api.Handshake) error {
	if c.options.AnyVersion || found.API == api.Version && sameRelease(found.Version, c.options.Version) {
		return nil
	}
	told := &api.Error{
		Code: api.CodeIncompatible, Detail: fmt.Sprintf("the agent has version %s, this program %s", found.Version, c.options.Version),
	}
	if found.API > api.Version || found.API == api.Version && compareVersions(found.Version, c.options.Version) > 0 {
		told.Summary = "The agent of " + c.place + " is newer than this program"
		told.Advice = fmt.Sprintf("Upgrade this program to version %s: in Terraform, the version of required_providers and `terraform init -upgrade`.", found.Version)
		return told
	}
	told.Summary = "The agent of " + c.place + " is older than this program"
	told.Advice = fmt.Sprintf("Upgrade the agent: put version %s in its place on its machine and restart it. Or use version %s here meanwhile.",
		c.options.Version, found.Version)
	return told
}

// sameRelease reports whether two versions differ in their patch at most.
func sameRelease(a, b string) bool {
	left, leftErr := version.NewSemver(a)
	right, rightErr := version.NewSemver(b)
	if leftErr != nil || rightErr != nil {
		return compareVersions(a, b) == 0
	}
	l, r := left.Segments(), right.Segments()
	return l[0] == r[0] && l[1] == r[1] && (left.Prerelease() == right.Prerelease())
}
