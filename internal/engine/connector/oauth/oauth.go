// Package oauth gets access tokens by the client credentials grant of OAuth 2.0
// (RFC 6749 section 4.4). A token is kept in memory, and nowhere else, until it
// nears its end or is refused.
package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/sync/singleflight"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/web"
)

const (
	// askingTime bounds one request for a token, both of its tries included.
	askingTime = 30 * time.Second
	// maxMargin is the longest time before its end at which a token counts as
	// ended; a token of a short life has a tenth of it.
	maxMargin = time.Minute
	// renewalPause passes between two renewals of refused tokens: where a new
	// token does not help, a newer one does not either.
	renewalPause = time.Minute
)

// Grant is what tokens are asked for with.
type Grant struct {
	TokenURL      string // https, or http on this machine
	ClientID      string
	ClientSecret  connector.Secret // resolved whenever a token is asked for
	Scopes        []string
	Parameters    map[string]string // more of the form that is sent, such as audience
	AuthStyle     string            // how the client authenticates: "header" or "body"; empty: found out
	CACertificate string            // PEM; beside the system's
}

var authStyles = map[string]oauth2.AuthStyle{
	"": oauth2.AuthStyleAutoDetect, "header": oauth2.AuthStyleInHeader, "body": oauth2.AuthStyleInParams,
}

// Client holds the token of one grant. It is safe for concurrent use: those who
// ask at once share one request.
type Client struct {
	config   *clientcredentials.Config // of whoever is asking
	secret   connector.Secret
	endpoint web.Exchange
	http     *http.Client
	now      func() time.Time
	asking   singleflight.Group

	mu      sync.Mutex
	token   string
	end     time.Time // when the token is no longer used; zero: when it is refused
	renewed time.Time // when a refused token was last given up
}

// NewClient makes the client of a grant. No connection is made.
func NewClient(grant Grant, now func() time.Time) (*Client, error) {
	address, err := url.Parse(grant.TokenURL)
	if err != nil {
		return nil, errors.New("token_url is no URL")
	}
	transport, err := web.NewTransport(grant.CACertificate)
	if err != nil {
		return nil, err
	}
	transport.DisableKeepAlives = true // it is long until the next request
	parameters := url.Values{}
	for name, value := range grant.Parameters {
		parameters.Set(name, value)
	}
	return &Client{
		config: &clientcredentials.Config{
			ClientID: grant.ClientID, TokenURL: grant.TokenURL, Scopes: grant.Scopes,
			EndpointParams: parameters, AuthStyle: authStyles[grant.AuthStyle],
		},
		secret:   grant.ClientSecret,
		endpoint: web.Exchange{Request: "the request for an access token", Address: address, Setting: "token_url"},
		http:     web.NewClient(transport),
		now:      now,
	}, nil
}

// Token gives an access token, asking for one when none is held. The error is a
// *connector.Error, or that of ctx.
func (c *Client) Token(ctx context.Context) (string, error) {
	if token := c.held(); token != "" {
		return token, nil
	}
	// Whoever asks first may leave; the others still wait for the answer.
	answer := c.asking.DoChan("", func() (any, error) {
		if token := c.held(); token != "" {
			return token, nil
		}
		asking, stop := context.WithTimeout(context.Background(), askingTime)
		defer stop()
		return c.ask(asking)
	})
	select {
	case got := <-answer:
		token, _ := got.Val.(string)
		return token, got.Err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (c *Client) held() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.end.IsZero() && !c.now().Before(c.end) {
		c.token = ""
	}
	return c.token
}

// Renew gives up a token that was refused, so that Token asks for another. A
// token that is no longer held, or one that is refused within a minute of the
// renewal before, changes nothing.
func (c *Client) Renew(refused string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if refused != c.token || !c.renewed.IsZero() && now.Sub(c.renewed) < renewalPause {
		return
	}
	c.token, c.renewed = "", now
}

// ask gets a token and keeps it. It is under way once at a time.
func (c *Client) ask(ctx context.Context) (string, error) {
	secret, err := c.secret(ctx)
	if err != nil {
		return "", err
	}
	c.config.ClientSecret = secret
	asked := c.now()
	token, err := c.config.Token(context.WithValue(ctx, oauth2.HTTPClient, c.http))
	if err != nil {
		return "", c.failure(err, secret)
	}
	if !strings.EqualFold(token.Type(), "Bearer") {
		return "", &connector.Error{Class: connector.Fatal, Code: codeProtocol,
			Detail: fmt.Sprintf("%s gives tokens of the type %q", c.endpoint.Address.Host, printable(token.Type(), secret)),
			Advice: "have the authorization server give Bearer tokens (RFC 6750): others are not spoken"}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token, c.end = token.AccessToken, time.Time{}
	if life := time.Until(token.Expiry); !token.Expiry.IsZero() {
		c.end = asked.Add(life - min(life/10, maxMargin))
	}
	return c.token, nil
}
