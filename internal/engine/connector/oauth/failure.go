package oauth

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/web"
)

// Codes of the provisioning log.
const (
	codeProtocol     = "WebExceptionProtocolError"
	codeUnauthorized = "Unauthorized"
	codeThrottled    = "TooManyRequests"
	codeServer       = "InternalServerError"
)

// refusals are what a token endpoint says (RFC 6749 section 5.2, RFC 8707
// section 2), each with its class and what to do. The client that is not
// accepted is a credential that is not accepted.
var refusals = map[string]struct {
	class  connector.Class
	advice string
}{
	"invalid_client":         {connector.Denied, "check client_id and the client secret: they may be wrong, expired or revoked"},
	"unauthorized_client":    {connector.Denied, "allow the client the grant client_credentials at the authorization server"},
	"access_denied":          {connector.Denied, "allow the client what its scopes name at the authorization server"},
	"invalid_grant":          {connector.Denied, "check client_id and the client secret: they may be wrong, expired or revoked"},
	"invalid_scope":          {connector.Fatal, "correct scopes: the authorization server does not give the client one of them"},
	"invalid_target":         {connector.Fatal, "correct endpoint_params: the authorization server does not know that resource or audience"},
	"unsupported_grant_type": {connector.Fatal, "check token_url: this endpoint does not give tokens for client credentials"},
	"invalid_request":        {connector.Fatal, "check token_url, scopes and endpoint_params: the authorization server misses something, or knows something not"},
}

// failure classifies a request that gave no token.
func (c *Client) failure(err error, secret string) *connector.Error {
	host := c.endpoint.Address.Host
	var refusal *oauth2.RetrieveError
	var exchange *url.Error
	switch {
	case errors.As(err, &refusal):
		return c.refusal(refusal, secret)
	case errors.As(err, &exchange):
		out := c.endpoint.Failure(err, false)
		if out.Advice == "" {
			out.Advice = fmt.Sprintf("check token_url, and that the agent's machine may connect to %s", host)
		}
		return out
	}
	// The error could hold a part of what came.
	return &connector.Error{Class: connector.Transient, Code: codeProtocol,
		Detail: fmt.Sprintf("%s answers a request for an access token with something else", host),
		Advice: "check token_url: it is the address of the token endpoint of the authorization server"}
}

// refusal classifies an answer that is an error.
func (c *Client) refusal(r *oauth2.RetrieveError, secret string) *connector.Error {
	host, status := c.endpoint.Address.Host, r.Response.StatusCode
	out := &connector.Error{Class: connector.Fatal, Code: codeProtocol, Detail: fmt.Sprintf("%s gives no access token: HTTP %d", host, status)}
	if r.ErrorCode != "" {
		out.Detail += " " + printable(r.ErrorCode, secret)
	}
	if r.ErrorDescription != "" {
		out.Detail += ": " + printable(r.ErrorDescription, secret)
	}
	known, ok := refusals[r.ErrorCode]
	switch {
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		out.Class, out.Code = connector.Throttled, codeThrottled
		out.RetryAt = web.RetryAt(r.Response.Header.Get("Retry-After"), c.now())
	case status >= 500, r.ErrorCode == "temporarily_unavailable", r.ErrorCode == "server_error":
		out.Class, out.Code = connector.Transient, codeServer
	case ok:
		out.Class, out.Advice = known.class, known.advice
	case status >= 300 && status < 400:
		out.Advice = "give token_url the address that requests are to go to in the end: a redirect is not followed"
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		out.Class, out.Advice = connector.Denied, refusals["invalid_client"].advice
	default:
		out.Advice = "check token_url: it is the address of the token endpoint of the authorization server"
	}
	if out.Class == connector.Denied {
		out.Code = codeUnauthorized
	}
	return out
}

// printable makes a short text of what an authorization server says: of the
// characters that it may use (RFC 6749 section 5.2), and without the secret.
func printable(text, secret string) string {
	const most = 200
	for _, form := range []string{secret, url.QueryEscape(secret)} {
		if form != "" {
			text = strings.ReplaceAll(text, form, "[redacted]")
		}
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text[:min(len(text), most)]), " ")
}
