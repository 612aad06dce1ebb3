package web

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
)

// authorized is a transport that authenticates.
type authorized struct {
	transport  http.RoundTripper
	credential connector.Credential
	header     func(context.Context, connector.Credential) (string, error)
	origin     *url.URL
}

// headers make the value of the Authorization header, by kind of credential.
var headers = map[string]func(context.Context, connector.Credential) (string, error){
	"bearer":                    bearer,
	"oauth2_client_credentials": bearer,
	"basic":                     basic,
}

// Authorize gives a transport that authenticates the requests which go to the
// scheme and host of origin, and no others. The credential is resolved at each
// request. After a 401 it is resolved anew: when that gives something else, a
// token that was renewed or a file that was rewritten, the request is repeated
// once, since a refusal did nothing; else the 401 stands. A credential that
// cannot be resolved is a *connector.Error, and nothing is sent.
func Authorize(transport http.RoundTripper, credential connector.Credential, origin *url.URL) (http.RoundTripper, error) {
	if credential.Kind == "" {
		return transport, nil
	}
	header, ok := headers[credential.Kind]
	if !ok {
		return nil, fmt.Errorf("%s takes a bearer, basic or oauth2_client_credentials credential, not %s", origin.Host, credential.Kind)
	}
	return &authorized{transport, credential, header, origin}, nil
}

func (a *authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	return a.send(withHeaderOfItsOwn(r))
}

// CloseIdleConnections is for http.Client, which does not see the transport within.
func (a *authorized) CloseIdleConnections() {
	if t, ok := a.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// Send is the transport's RoundTrip for a request that the caller gives away, with
// its header: one of Authorize writes there, where RoundTrip has to make a copy.
func Send(transport http.RoundTripper, r *http.Request) (*http.Response, error) {
	if a, ok := transport.(*authorized); ok {
		return a.send(r)
	}
	return transport.RoundTrip(r)
}

// send is RoundTrip for a request of ours. What was sent is not written to again.
func (a *authorized) send(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != a.origin.Scheme || r.URL.Host != a.origin.Host {
		return a.transport.RoundTrip(r)
	}
	first, err := a.authorization(r)
	if err != nil {
		closeBody(r)
		return nil, err
	}
	answer, err := a.sendBy(first, r)
	if err != nil || answer.StatusCode != http.StatusUnauthorized || r.Body != nil && r.GetBody == nil {
		return answer, err
	}
	if a.credential.Renew != nil {
		a.credential.Renew(strings.TrimPrefix(first, bearerPrefix))
	}
	second, err := a.authorization(r)
	if err == nil && second == first {
		return answer, nil
	}
	discard(answer)
	if err != nil {
		return nil, err
	}
	again := withHeaderOfItsOwn(r)
	if again.GetBody != nil {
		if again.Body, err = again.GetBody(); err != nil {
			return nil, err
		}
	}
	return a.sendBy(second, again)
}

// sendBy sends a request of ours by what says who asks. It leaves the request in its
// answer, for Secrets.
func (a *authorized) sendBy(authorization string, r *http.Request) (*http.Response, error) {
	r.Header["Authorization"] = []string{authorization}
	answer, err := a.transport.RoundTrip(r)
	if answer != nil {
		answer.Request = r
	}
	return answer, err
}

// authorization gives the value of the header.
func (a *authorized) authorization(r *http.Request) (string, error) {
	value, err := a.header(r.Context(), a.credential)
	if err != nil {
		return "", unresolved(r.Context(), err)
	}
	return value, nil
}

// withHeaderOfItsOwn gives a copy whose header may be added to; its values are only read.
func withHeaderOfItsOwn(r *http.Request) *http.Request {
	out := r.WithContext(r.Context())
	out.Header = make(http.Header, len(r.Header)+1)
	maps.Copy(out.Header, r.Header)
	return out
}

// unresolved tells why there is nothing to authenticate with.
func unresolved(ctx context.Context, err error) error {
	var known *connector.Error
	if ctx.Err() != nil || errors.As(err, &known) {
		return err
	}
	return &connector.Error{Class: connector.Denied, Code: codeUnauthorized, Detail: fmt.Sprintf("the credential cannot be resolved: %v", err),
		Advice: "Give the credential what it refers to, as said above; then apply again, or start the job.", Err: err}
}

const (
	bearerPrefix = "Bearer "
	basicPrefix  = "Basic "
)

// bearer is RFC 6750.
func bearer(ctx context.Context, c connector.Credential) (string, error) {
	token, err := field(ctx, c, "token")
	return bearerPrefix + strings.TrimSpace(token), err
}

// basic is RFC 7617. A colon would end the user name too early.
func basic(ctx context.Context, c connector.Credential) (string, error) {
	username, err := field(ctx, c, "username")
	if err != nil {
		return "", err
	}
	if strings.Contains(username, ":") {
		return "", errors.New("the basic credential's username holds a colon, which HTTP does not allow")
	}
	password, err := field(ctx, c, "password")
	return basicPrefix + base64.StdEncoding.EncodeToString([]byte(username+":"+password)), err
}

func field(ctx context.Context, c connector.Credential, name string) (string, error) {
	value, err := c.Field(ctx, name)
	if err != nil {
		return "", err
	}
	value = strings.TrimRight(value, "\r\n")
	if strings.TrimSpace(value) == "" {
		return "", fmt.Errorf("the %s credential's %s is empty", c.Kind, name)
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", fmt.Errorf("the %s credential's %s holds a line break or another control character", c.Kind, name)
	}
	return value, nil
}

// Secrets gives the texts that the answer to a request may repeat and that no
// error may hold: what it authenticated with. nil is no request.
func Secrets(r *http.Request) []string {
	if r == nil {
		return nil
	}
	header := r.Header.Get("Authorization")
	if token, ok := strings.CutPrefix(header, bearerPrefix); ok {
		return []string{token}
	}
	encoded, ok := strings.CutPrefix(header, basicPrefix)
	if !ok {
		return nil
	}
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return []string{encoded}
	}
	_, password, _ := strings.Cut(string(decoded), ":")
	return []string{encoded, password}
}

// maxDiscarded bounds what is read of an answer that nobody wants, so that its
// connection can be used again.
const maxDiscarded = 64 << 10

func discard(answer *http.Response) {
	_, _ = io.CopyN(io.Discard, answer.Body, maxDiscarded) // the connection is not used again then
	_ = answer.Body.Close()
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}
