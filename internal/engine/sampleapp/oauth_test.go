package sampleapp_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

// What the app gives is what a client of somebody else's making asks for.
func TestAccessTokens(t *testing.T) {
	now := time.Now()
	app := sampleapp.New(sampleapp.Options{ClientID: "client", ClientSecret: "a:b c", Now: func() time.Time { return now }})
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	client := func(secret string, style oauth2.AuthStyle) *http.Client {
		config := clientcredentials.Config{ClientID: "client", ClientSecret: secret, TokenURL: server.URL + "/scim/v2/oauth/token", AuthStyle: style}
		return config.Client(context.Background())
	}
	status := func(client *http.Client) int {
		t.Helper()
		answer, err := client.Get(server.URL + "/scim/v2/Users")
		if err != nil {
			return 0
		}
		answer.Body.Close()
		return answer.StatusCode
	}
	if got := status(http.DefaultClient); got != 401 {
		t.Errorf("without a token: %d", got)
	}
	if got := status(client("wrong", oauth2.AuthStyleInHeader)); got != 0 {
		t.Errorf("with a wrong secret: %d", got)
	}
	for _, style := range []oauth2.AuthStyle{oauth2.AuthStyleInHeader, oauth2.AuthStyleInParams} {
		if got := status(client("a:b c", style)); got != 200 {
			t.Errorf("style %d: %d", style, got)
		}
	}
	kept := client("a:b c", oauth2.AuthStyleInHeader)
	if status(kept); len(app.AccessTokens()) != 3 {
		t.Errorf("tokens: %v", app.AccessTokens())
	}
	app.RevokeTokens()
	if got := status(kept); got != 401 {
		t.Errorf("with a revoked token: %d", got)
	}
	aging := client("a:b c", oauth2.AuthStyleInHeader)
	status(aging)
	now = now.Add(time.Hour)
	if got := status(aging); got != 401 || len(app.AccessTokens()) != 0 {
		t.Errorf("with an old token: %d", got)
	}
	app.SetClientSecret("other")
	if got := status(client("a:b c", oauth2.AuthStyleInParams)); got != 0 {
		t.Errorf("with the secret of before: %d", got)
	}
	if n := app.Counts()["token oauth/token"].Requests; n != 6 {
		t.Errorf("%d requests for tokens", n)
	}
}
