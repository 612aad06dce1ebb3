package web_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/web"
)

// gate is a server that lets in whoever authenticates as wanted, and keeps what
// it was told.
type gate struct {
	*httptest.Server
	wanted  string
	offered []string
	bodies  []string
}

func newGate(t *testing.T, wanted string) *gate {
	g := &gate{wanted: wanted}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		g.offered, g.bodies = append(g.offered, r.Header.Get("Authorization")), append(g.bodies, string(body))
		if g.offered[len(g.offered)-1] != g.wanted {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *gate) client(t *testing.T, c connector.Credential) *http.Client {
	t.Helper()
	origin, err := url.Parse(g.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := web.Authorize(g.Client().Transport, c, origin)
	if err != nil {
		t.Fatal(err)
	}
	return web.NewClient(transport)
}

// ways are those to send a request by a client's transport.
var ways = map[string]func(*http.Client, *http.Request) (*http.Response, error){
	"client":     (*http.Client).Do,
	"given away": func(c *http.Client, r *http.Request) (*http.Response, error) { return web.Send(c.Transport, r) },
}

// post gives the status of the answer, and what no error about it may hold.
func post(t *testing.T, client *http.Client, way, url string) (int, []string, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("content"))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := ways[way](client, request)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	return answer.StatusCode, web.Secrets(answer.Request), nil
}

func TestAuthorize(t *testing.T) {
	failing := connector.Credential{Kind: "bearer", Fields: map[string]connector.Secret{
		"token": func(context.Context) (string, error) { return "", errors.New("env:X is not set") },
	}}
	for name, test := range map[string]struct {
		credential connector.Credential
		header     string
		secrets    []string
		err        string // what the error says; nothing is sent then
	}{
		"none":                   {credential: connector.Credential{}, header: ""},
		"bearer":                 {credential: credential("bearer", "token", "t0ken"), header: "Bearer t0ken", secrets: []string{"t0ken"}},
		"bearer, line break":     {credential: credential("bearer", "token", " t0ken\r\n"), header: "Bearer t0ken", secrets: []string{"t0ken"}},
		"access token":           {credential: credential("oauth2_client_credentials", "token", "t0ken"), header: "Bearer t0ken", secrets: []string{"t0ken"}},
		"basic":                  {credential: credential("basic", "username", "u", "password", "p:ü "), header: "Basic dTpwOsO8IA==", secrets: []string{"dTpwOsO8IA==", "p:ü "}},
		"empty":                  {credential: credential("bearer", "token", " "), err: "token is empty"},
		"no password":            {credential: credential("basic", "username", "u"), err: "no password"},
		"colon in the user name": {credential: credential("basic", "username", "u:v", "password", "hunter2"), err: "colon"},
		"header injection":       {credential: credential("bearer", "token", "a\r\nX: hunter2"), err: "control character"},
		"unresolved":             {credential: failing, err: "env:X is not set"},
	} {
		for way := range ways {
			t.Run(name+" by "+way, func(t *testing.T) {
				g := newGate(t, test.header)
				status, secrets, err := post(t, g.client(t, test.credential), way, g.URL)
				if test.err == "" {
					if err != nil || status != 200 || !slices.Equal(secrets, test.secrets) || len(g.offered) != 1 {
						t.Errorf("status %d, secrets %q, %d requests, error %v", status, secrets, len(g.offered), err)
					}
					return
				}
				if connector.ClassOf(err) != connector.Denied || !strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("error %v, want %q", err, test.err)
				}
				if len(g.offered) > 0 {
					t.Errorf("it was sent with %q", g.offered)
				}
			})
		}
	}
	if _, err := web.Authorize(nil, connector.Credential{Kind: "mutual_tls"}, &url.URL{Host: "a.example.com"}); err == nil || !strings.Contains(err.Error(), "bearer, basic or") {
		t.Errorf("an unknown kind: %v", err)
	}
}

// What was refused is renewed and repeated once, with its body; nothing is
// repeated that would be refused again.
func TestAuthorizeRenews(t *testing.T) {
	token := "old"
	current := connector.Credential{Kind: "oauth2_client_credentials", Fields: map[string]connector.Secret{
		"token": func(context.Context) (string, error) { return token, nil },
	}}
	var refused []string
	renewing := current
	renewing.Renew = func(t string) {
		refused = append(refused, t)
		token = "new"
	}
	broken := current
	broken.Fields = map[string]connector.Secret{"token": func(context.Context) (string, error) {
		if token == "old" {
			token = ""
			return "old", nil
		}
		return "", &connector.Error{Class: connector.Throttled, Code: "TooManyRequests"}
	}}
	for name, test := range map[string]struct {
		credential connector.Credential
		wanted     string
		status     int
		class      connector.Class
		offered    []string
	}{
		"renewed":            {renewing, "Bearer new", 200, "", []string{"Bearer old", "Bearer new"}},
		"renewed in vain":    {renewing, "Bearer other", 401, "", []string{"Bearer old", "Bearer new"}},
		"cannot be renewed":  {current, "Bearer other", 401, "", []string{"Bearer old"}},
		"the renewal failed": {broken, "Bearer other", 0, connector.Throttled, []string{"Bearer old"}},
	} {
		for way := range ways {
			t.Run(name+" by "+way, func(t *testing.T) {
				token, refused = "old", nil
				g := newGate(t, test.wanted)
				status, _, err := post(t, g.client(t, test.credential), way, g.URL)
				if status != test.status || connector.ClassOf(err) != test.class || !slices.Equal(g.offered, test.offered) {
					t.Errorf("status %d, error %v, offered %q", status, err, g.offered)
				}
				for _, body := range g.bodies {
					if body != "content" {
						t.Errorf("the body was %q", body)
					}
				}
				if test.credential.Renew != nil && !slices.Equal(refused, []string{"old"}) {
					t.Errorf("told of %q", refused)
				}
			})
		}
	}
}

// A body that cannot be had again is not sent twice.
func TestAuthorizeRepeatsOnlyWhatItCan(t *testing.T) {
	g := newGate(t, "Bearer new")
	values := []string{"old", "new"}
	client := g.client(t, connector.Credential{Kind: "bearer", Fields: map[string]connector.Secret{
		"token": func(context.Context) (string, error) {
			value := values[0]
			values = values[1:]
			return value, nil
		},
	}})
	answer, err := client.Post(g.URL, "text/plain", struct{ io.Reader }{bytes.NewReader([]byte("content"))})
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != 401 || len(g.offered) != 1 {
		t.Errorf("status %d, offered %q", answer.StatusCode, g.offered)
	}
}

// The credential goes to its own system alone, even by a client that follows
// every redirect.
func TestAuthorizeKeepsToItsOrigin(t *testing.T) {
	elsewhere := newGate(t, "")
	g := newGate(t, "")
	g.Config.Handler = http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect)
	client := g.client(t, credential("bearer", "token", "t0ken"))
	client.CheckRedirect = nil
	status, _, err := post(t, client, "client", g.URL)
	if err != nil || status != 200 || !slices.Equal(elsewhere.offered, []string{""}) {
		t.Errorf("status %d, error %v, elsewhere was offered %q", status, err, elsewhere.offered)
	}
	for way := range ways {
		elsewhere.offered = nil
		status, _, err := post(t, client, way, elsewhere.URL)
		if err != nil || status != 200 || !slices.Equal(elsewhere.offered, []string{""}) {
			t.Errorf("by %s: status %d, error %v, elsewhere was offered %q", way, status, err, elsewhere.offered)
		}
	}
}

// A request that others have, too, is left as it is.
func TestAuthorizeLeavesTheRequest(t *testing.T) {
	g := newGate(t, "Bearer t0ken")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := g.client(t, credential("bearer", "token", "t0ken")).Transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if len(request.Header) > 0 || answer.StatusCode != 200 {
		t.Errorf("status %d, header %v", answer.StatusCode, request.Header)
	}
}

// The connections of a client that authenticates can be closed.
func TestAuthorizeClosesConnections(t *testing.T) {
	closed := make(chan struct{})
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			close(closed)
		}
	}
	server.Start()
	defer server.Close()
	g := &gate{Server: server}
	client := g.client(t, credential("bearer", "token", "t0ken"))
	if _, _, err := post(t, client, "client", g.URL); err != nil {
		t.Fatal(err)
	}
	client.CloseIdleConnections()
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Error("the connection is still open")
	}
}
