package sampleapp

import (
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// tokenEndpoint is the last part of the path at which access tokens are given.
const tokenEndpoint = "oauth/token"

// authorizationServer gives access tokens to one client (RFC 6749 section 4.4).
type authorizationServer struct {
	mu     sync.Mutex
	secret string
	tokens map[string]time.Time // with their ends
}

// SetClientSecret makes another secret the client's. Tokens that were given
// stay good.
func (a *App) SetClientSecret(secret string) {
	a.oauth.mu.Lock()
	defer a.oauth.mu.Unlock()
	a.oauth.secret = secret
}

// AccessTokens gives the access tokens that are good now.
func (a *App) AccessTokens() []string {
	a.oauth.mu.Lock()
	defer a.oauth.mu.Unlock()
	a.oauth.expire(a.options.Now())
	return slices.Sorted(maps.Keys(a.oauth.tokens))
}

// RevokeTokens makes all access tokens bad.
func (a *App) RevokeTokens() {
	a.oauth.mu.Lock()
	defer a.oauth.mu.Unlock()
	clear(a.oauth.tokens)
}

func (s *authorizationServer) expire(now time.Time) {
	maps.DeleteFunc(s.tokens, func(_ string, end time.Time) bool { return !end.After(now) })
}

// accepts reports whether an access token is good.
func (s *authorizationServer) accepts(token string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(now)
	_, ok := s.tokens[token]
	return ok
}

// token answers a request for an access token.
func (a *App) token(c *call) answer {
	form, err := url.ParseQuery(string(c.body))
	if err != nil {
		return refusedToken(http.StatusBadRequest, "invalid_request", "the body is no form")
	}
	id, secret := form.Get("client_id"), form.Get("client_secret")
	if scheme, _, _ := strings.Cut(c.header.Get("Authorization"), " "); strings.EqualFold(scheme, "Basic") {
		id, secret = clientOf(c.header)
	}
	a.oauth.mu.Lock()
	defer a.oauth.mu.Unlock()
	switch {
	case !same(id, a.options.ClientID) || !same(secret, a.oauth.secret):
		out := refusedToken(http.StatusUnauthorized, "invalid_client", "the client is not known, or its secret is wrong")
		out.header = http.Header{"Www-Authenticate": {"Basic"}}
		return out
	case form.Get("grant_type") != "client_credentials":
		return refusedToken(http.StatusBadRequest, "unsupported_grant_type", "only client_credentials is offered")
	}
	now := a.options.Now()
	a.oauth.expire(now)
	token := "access-" + rand.Text()
	a.oauth.tokens[token] = now.Add(a.options.TokenLife)
	body, _ := json.Marshal(object{ // plain data
		"access_token": token, "token_type": "Bearer", "expires_in": int(a.options.TokenLife / time.Second), "scope": form.Get("scope"),
	})
	return answer{status: http.StatusOK, header: http.Header{"Cache-Control": {"no-store"}}, contentType: "application/json", body: body}
}

// clientOf reads a client from a Basic header, whose parts are encoded as in a
// form (RFC 6749 section 2.3.1).
func clientOf(header http.Header) (id, secret string) {
	id, secret, _ = (&http.Request{Header: header}).BasicAuth()
	for _, part := range []*string{&id, &secret} {
		if decoded, err := url.QueryUnescape(*part); err == nil {
			*part = decoded
		}
	}
	return id, secret
}

// refusedToken is an error of RFC 6749 section 5.2.
func refusedToken(status int, code, description string) answer {
	body, _ := json.Marshal(object{"error": code, "error_description": description}) // plain data
	return answer{status: status, contentType: "application/json", body: body}
}
