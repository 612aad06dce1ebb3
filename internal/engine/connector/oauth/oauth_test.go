package oauth

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const canary = "canary s3cret&/ü"

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func canarySecret(context.Context) (string, error) { return canary, nil }

// server gives tokens, and a client that asks for them by a clock of the test's.
type server struct {
	*Client
	now      time.Time
	requests []*http.Request // with their forms
}

func serve(t *testing.T, grant Grant, answer http.HandlerFunc) *server {
	t.Helper()
	s := &server{now: start}
	var noting sync.Mutex // a request that was cut off may still be served when it is repeated
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		noting.Lock()
		s.requests = append(s.requests, r)
		noting.Unlock()
		answer(w, r)
	}))
	t.Cleanup(endpoint.Close)
	grant.TokenURL = endpoint.URL + "/token"
	if grant.ClientSecret == nil {
		grant.ClientSecret = canarySecret
	}
	client, err := NewClient(grant, func() time.Time { return s.now })
	if err != nil {
		t.Fatal(err)
	}
	s.Client = client
	return s
}

// counting gives the tokens t1, t2, …
func counting(more string) http.HandlerFunc {
	n := 0
	return func(w http.ResponseWriter, _ *http.Request) {
		n++
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":"t%d","token_type":"bearer"%s}`, n, more)
	}
}

func (s *server) want(t *testing.T, token string) {
	t.Helper()
	if got, err := s.Token(t.Context()); err != nil || got != token {
		t.Errorf("the token is %q, %v; want %q", got, err, token)
	}
}

func TestWhatIsAskedFor(t *testing.T) {
	for style, check := range map[string]func(*http.Request) bool{
		"header": func(r *http.Request) bool {
			id, secret, ok := r.BasicAuth()
			return ok && id == "a%3Ab" && secret == "canary+s3cret%26%2F%C3%BC" && r.PostForm.Get("client_secret") == ""
		},
		"body": func(r *http.Request) bool {
			_, _, ok := r.BasicAuth()
			return !ok && r.PostForm.Get("client_id") == "a:b" && r.PostForm.Get("client_secret") == canary
		},
	} {
		s := serve(t, Grant{ClientID: "a:b", Scopes: []string{"users.read", "users.write"}, Parameters: map[string]string{"audience": "https://a/&"}, AuthStyle: style}, counting(""))
		s.want(t, "t1")
		r := s.requests[0]
		if !check(r) || r.Method != http.MethodPost || r.PostForm.Get("grant_type") != "client_credentials" ||
			r.PostForm.Get("scope") != "users.read users.write" || r.PostForm.Get("audience") != "https://a/&" || r.URL.RawQuery != "" {
			t.Errorf("%s: %v %v %v", style, r.URL, r.Header, r.PostForm)
		}
	}
}

// How the client authenticates is found out once.
func TestAuthStyleIsFoundOut(t *testing.T) {
	good := counting("")
	s := serve(t, Grant{ClientID: "c"}, func(w http.ResponseWriter, r *http.Request) {
		if r.PostForm.Get("client_secret") != canary {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		good(w, r)
	})
	s.want(t, "t1")
	s.Renew("t1")
	s.want(t, "t2")
	if len(s.requests) != 3 {
		t.Errorf("%d requests, want 2 for the first token and 1 for the second", len(s.requests))
	}
}

func TestTokensAreKeptUntilTheyNearTheirEnd(t *testing.T) {
	for name, test := range map[string]struct {
		life  string
		after time.Duration
		want  string
	}{
		"an hour, early":          {`,"expires_in":3600`, 58 * time.Minute, "t1"},
		"an hour, near its end":   {`,"expires_in":3600`, 59*time.Minute + time.Second, "t2"},
		"as text":                 {`,"expires_in":"3600"`, 59*time.Minute + time.Second, "t2"},
		"ten seconds, early":      {`,"expires_in":10`, 8 * time.Second, "t1"},
		"ten seconds, near":       {`,"expires_in":10`, 9*time.Second + 100*time.Millisecond, "t2"},
		"no end is told":          {``, 1000 * time.Hour, "t1"},
		"zero tells nothing":      {`,"expires_in":0`, time.Hour, "t1"},
		"ended when it was given": {`,"expires_in":-5`, 0, "t2"},
	} {
		s := serve(t, Grant{}, counting(test.life))
		s.want(t, "t1")
		s.now = start.Add(test.after)
		if got, err := s.Token(t.Context()); err != nil || got != test.want {
			t.Errorf("%s: %q, %v; want %s", name, got, err, test.want)
		}
	}
}

func TestRenew(t *testing.T) {
	s := serve(t, Grant{}, counting(""))
	s.want(t, "t1")
	s.Renew("another")
	s.want(t, "t1")
	s.Renew("t1")
	s.Renew("t1") // by a request that was under way at the same time
	s.want(t, "t2")
	s.Renew("t2") // a new token did not help
	s.want(t, "t2")
	s.now = s.now.Add(renewalPause)
	s.Renew("t2")
	s.want(t, "t3")
}

func TestThoseWhoAskAtOnceShareARequest(t *testing.T) {
	asked, answer := make(chan struct{}, 100), make(chan struct{})
	good := counting("")
	s := serve(t, Grant{}, func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-answer
		good(w, r)
	})
	leaving, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := s.Token(leaving)
		left <- err
	}()
	<-asked
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() { s.want(t, "t1") })
	}
	leave() // whoever began it leaves, and nobody else is harmed
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("who left got %v", err)
	}
	close(answer)
	wait.Wait()
	if len(s.requests) != 1 {
		t.Errorf("%d requests", len(s.requests))
	}
}

func TestFailures(t *testing.T) {
	refuse := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	t.Cleanup(elsewhere.Close)
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		class  connector.Class
		want   string // in detail or advice
	}{
		"invalid_client":      {refuse(401, `{"error":"invalid_client","error_description":"no \u0000 such\u202e client"}`), connector.Denied, "client_id"},
		"with status 400":     {refuse(400, `{"error":"invalid_client"}`), connector.Denied, "client_id"},
		"with status 200":     {refuse(200, `{"error":"invalid_client"}`), connector.Denied, "client_id"},
		"unauthorized_client": {refuse(400, `{"error":"unauthorized_client"}`), connector.Denied, "allow the client"},
		"401 without a word":  {refuse(401, ``), connector.Denied, "client_id"},
		"invalid_scope":       {refuse(400, `{"error":"invalid_scope"}`), connector.Fatal, "correct scopes"},
		"another grant":       {refuse(400, `{"error":"unsupported_grant_type"}`), connector.Fatal, "token_url"},
		"not found":           {refuse(404, `<html>not here</html>`), connector.Fatal, "token_url"},
		"too many":            {refuse(429, `{"error":"slow_down"}`), connector.Throttled, "429"},
		"unavailable":         {refuse(503, ``), connector.Throttled, "503"},
		"out of order":        {refuse(500, `{"error":"invalid_client"}`), connector.Transient, "500"},
		"a page":              {refuse(200, `<html>Sign in</html>`), connector.Transient, "token_url"},
		"no token":            {refuse(200, `{"token_type":"bearer"}`), connector.Transient, "token_url"},
		"another type":        {refuse(200, `{"access_token":"x","token_type":"dpop"}`), connector.Fatal, "Bearer"},
		"echo": {func(w http.ResponseWriter, r *http.Request) {
			refuse(400, fmt.Sprintf(`{"error":%q,"error_description":%q}`, canary, "got "+canary+" "+r.PostForm.Encode()))(w, r)
		}, connector.Fatal, "[redacted]"},
		"redirect": {http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect).ServeHTTP, connector.Fatal, "not followed"},
		"reset":    {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, connector.Transient, "may connect to 127.0.0.1"},
		"endless":  {func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, io.LimitReader(zeros{}, 64<<20)) }, connector.Transient, "token_url"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, Grant{ClientID: "c"}, test.answer)
			token, err := s.Token(t.Context())
			var e *connector.Error
			if !errors.As(err, &e) || token != "" {
				t.Fatalf("%q, %v", token, err)
			}
			told := e.Error() + " " + e.Advice
			if e.Class != test.class || e.Code == "" || !strings.Contains(told, test.want) {
				t.Errorf("%s %s (advice %q), want %s with %q", e.Class, e, e.Advice, test.class, test.want)
			}
			if strings.Contains(told, "s3cret") || strings.ContainsAny(told, "\x00\u202e") {
				t.Errorf("the error holds what it must not: %q", told)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

func TestRetryAfter(t *testing.T) {
	s := serve(t, Grant{AuthStyle: "body"}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	_, err := s.Token(t.Context())
	if e := connector.AsError(err); !e.RetryAt.Equal(start.Add(30 * time.Second)) {
		t.Errorf("%v, to be tried again at %v", e, e.RetryAt)
	}
}

// The secret is resolved whenever a token is asked for, and not otherwise.
func TestSecretIsResolvedWhenAsking(t *testing.T) {
	secret, fails := "first", error(nil)
	s := serve(t, Grant{AuthStyle: "body", ClientSecret: func(context.Context) (string, error) { return secret, fails }}, counting(""))
	s.want(t, "t1")
	fails = errors.New("the file is gone")
	s.want(t, "t1")
	s.Renew("t1")
	if _, err := s.Token(t.Context()); !errors.Is(err, fails) {
		t.Errorf("error %v", err)
	}
	secret, fails = "second", nil
	s.want(t, "t2")
	if got := s.requests[1].PostForm.Get("client_secret"); got != "second" {
		t.Errorf("the secret was %q", got)
	}
}

// With an authority of one's own, and with the sample app at the other end.
func TestOverTLS(t *testing.T) {
	app := sampleapp.New(sampleapp.Options{ClientID: "client", ClientSecret: canary})
	endpoint := httptest.NewUnstartedServer(app)
	endpoint.Config.ErrorLog = log.New(io.Discard, "", 0)
	endpoint.StartTLS()
	t.Cleanup(endpoint.Close)
	authority := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: endpoint.Certificate().Raw}))
	ask := func(ca string) (string, error) {
		client, err := NewClient(Grant{TokenURL: endpoint.URL + "/oauth/token", ClientID: "client", ClientSecret: canarySecret, CACertificate: ca}, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		return client.Token(t.Context())
	}
	if token, err := ask(authority); err != nil || len(app.AccessTokens()) != 1 || token != app.AccessTokens()[0] {
		t.Errorf("%q, %v", token, err)
	}
	if _, err := ask(""); connector.ClassOf(err) != connector.Fatal || !strings.Contains(connector.AsError(err).Advice, "ca_certificate") {
		t.Errorf("with an authority that nobody knows: %v", err)
	}
}
