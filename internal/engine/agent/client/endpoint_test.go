package client

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent/remote"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api/apitest"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// peer is a server with a certificate of its own.
type peer struct {
	url string
	ca  string // PEM
}

// startPeer serves a handler with a certificate that template says; nil: one
// for 127.0.0.1 that counts now.
func startPeer(t *testing.T, handler http.Handler, template *x509.Certificate) peer {
	t.Helper()
	if template == nil {
		template = &x509.Certificate{NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	}
	template.SerialNumber, template.IsCA, template.BasicConstraintsValid = big.NewInt(1), true, true
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return peer{server.URL, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
}

// agentOf is the network's face of an agent of a version, which lets a token in.
func agentOf(t *testing.T, service api.Service, version string) (http.Handler, remote.Tokens, string) {
	t.Helper()
	tokens := remote.TokensOf(t.TempDir())
	token, err := tokens.Create(t.Context(), "ci", time.Now(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	handshake := func() api.Handshake {
		return api.Handshake{API: api.Version, Version: version, StoreID: "store-1", DataDir: "/there"}
	}
	handler := api.Handler(service, handshake, api.Options{Remote: true})
	return remote.Guard(handler, tokens, slog.New(slog.DiscardHandler), time.Now), tokens, token
}

// dialled gives the error of a connection.
func dialled(t *testing.T, endpoint Endpoint) error {
	t.Helper()
	c, err := Connect(t.Context(), Options{Endpoint: endpoint, Version: "1.2.3"})
	if err == nil {
		c.Close()
	}
	return err
}

func TestConnect_endpoint(t *testing.T) {
	var asked []string
	handler, _, token := agentOf(t, apitest.Service(func(_ context.Context, method string, _ ...any) (any, error) {
		asked = append(asked, method)
		return nil, nil
	}), "1.2.3")
	p := startPeer(t, handler, nil)
	c := connect(t, Options{Endpoint: Endpoint{URL: p.url + "/", Token: token, CACertificate: p.ca}, Version: "1.2.3", Autostart: true})
	if _, err := c.Status(t.Context(), "app"); err != nil {
		t.Error(err)
	}
	if h := c.Handshake(); h.DataDir != "/there" || c.Started() {
		t.Errorf("the agent is %+v, started %t", h, c.Started())
	}
	for name, err := range map[string]error{"stop": c.Stop(t.Context()), "backup": c.Backup(t.Context(), io.Discard)} {
		if told := wantCode(t, err, api.CodeConflict); !strings.Contains(told.Summary, "over the network") || !strings.Contains(told.Advice, "there") {
			t.Errorf("%s: %v", name, told)
		}
	}
	if len(asked) != 1 || asked[0] != "Status" {
		t.Errorf("the engine was asked for %v", asked)
	}
}

// TestConnect_endpointErrors: each error says what is wrong and the way out, and
// holds no token.
func TestConnect_endpointErrors(t *testing.T) {
	page := func(code int, kind, text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(code)
			io.WriteString(w, text)
		})
	}
	handler, tokens, token := agentOf(t, apitest.Service(nil), "1.2.3")
	well := startPeer(t, handler, nil)
	another := startPeer(t, handler, nil)
	gone, err := tokens.Create(t.Context(), "gone", time.Now(), time.Time{})
	if err == nil {
		err = tokens.Revoke(t.Context(), "gone", time.Now())
	}
	if err != nil {
		t.Fatal(err)
	}
	old, err := tokens.Create(t.Context(), "old", time.Now(), time.Now().Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	plain := httptest.NewServer(handler)
	t.Cleanup(plain.Close)
	of := func(p peer) Endpoint { return Endpoint{URL: p.url, Token: token, CACertificate: p.ca} }
	with := func(h http.Handler) Endpoint { return of(startPeer(t, h, nil)) }
	certified := func(template *x509.Certificate) Endpoint { return of(startPeer(t, handler, template)) }
	versioned := func(version string) Endpoint {
		h, _, token := agentOf(t, apitest.Service(nil), version)
		e := with(h)
		e.Token = token
		return e
	}
	for name, test := range map[string]struct {
		endpoint Endpoint
		code     api.Code
		says     []string
	}{
		"refused connection": {Endpoint{URL: "https://127.0.0.1:1", Token: token}, api.CodeUnavailable,
			[]string{"Cannot reach the agent of endpoint", "connection refused", "--listen"}},
		"unknown authority": {Endpoint{URL: well.url, Token: token}, api.CodeUnavailable,
			[]string{"authority that is not trusted here", "ca_certificate", "PROVISIONING_CA_CERTIFICATE", "tls-ca.pem"}},
		"wrong authority": {Endpoint{URL: well.url, Token: token, CACertificate: another.ca}, api.CodeUnavailable,
			[]string{"not signed by the authority that was given"}},
		"expired certificate": {certified(&x509.Certificate{NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}),
			api.CodeUnavailable, []string{"certificate does not count now", "Renew the certificate"}},
		"wrong host": {certified(&x509.Certificate{NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"agent.example.com"}}),
			api.CodeUnavailable, []string{"certificate is for another name", "Use an endpoint with a name of the certificate"}},
		"no TLS":          {Endpoint{URL: strings.Replace(plain.URL, "http:", "https:", 1), Token: token}, api.CodeUnavailable, []string{"does not speak TLS", "port"}},
		"page":            {with(page(200, "text/html", "<html>Welcome</html>")), api.CodeIncompatible, []string{"is no provisioning agent", "Correct endpoint"}},
		"missing page":    {with(page(404, "text/html", "<html>Not here</html>")), api.CodeIncompatible, []string{"is no provisioning agent", "404"}},
		"other JSON":      {with(page(200, "application/json", `{"hello": "world"}`)), api.CodeIncompatible, []string{"is no provisioning agent"}},
		"other JSON list": {with(page(200, "application/json", `[]`)), api.CodeIncompatible, []string{"is no provisioning agent"}},
		"redirect":        {with(http.RedirectHandler("https://example.com/", http.StatusFound)), api.CodeIncompatible, []string{"is no provisioning agent", "302"}},
		"gateway":         {with(page(502, "text/html", "<html>Bad gateway</html>")), api.CodeUnavailable, []string{"what stands before it answers 502", "See that the agent runs"}},
		"reset":           {with(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })), api.CodeUnavailable, []string{"did not answer in full"}},
		"wrong token":     {Endpoint{URL: well.url, Token: token + "x", CACertificate: well.ca}, api.CodeUnauthorized, []string{"does not accept the token", "knows no such token", "token create"}},
		"revoked token":   {Endpoint{URL: well.url, Token: gone, CACertificate: well.ca}, api.CodeUnauthorized, []string{`token "gone" was revoked`, "token create"}},
		"expired token":   {Endpoint{URL: well.url, Token: old, CACertificate: well.ca}, api.CodeUnauthorized, []string{`token "old" expired`, "token create"}},
		"newer agent":     {versioned("1.3.0"), api.CodeIncompatible, []string{"newer than this program", "Upgrade this program to version 1.3.0", "terraform init -upgrade"}},
		"older agent":     {versioned("1.1.9"), api.CodeIncompatible, []string{"older than this program", "Upgrade the agent: put version 1.2.3 in its place"}},
		"developer's":     {versioned("dev"), api.CodeIncompatible, []string{"newer than this program"}},
		"later patch":     {versioned("1.2.9"), "", nil},
		"earlier patch":   {versioned("1.2.0"), "", nil},
		"release to come": {versioned("1.2.3-beta.1"), api.CodeIncompatible, []string{"older than this program"}},
		"no token":        {Endpoint{URL: well.url}, api.CodeInvalid, []string{"No token", "PROVISIONING_TOKEN"}},
		"unencrypted":     {Endpoint{URL: plain.URL, Token: token}, api.CodeInvalid, []string{"is not encrypted", "https://"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := dialled(t, test.endpoint)
			if test.code == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			told := wantCode(t, err, test.code)
			for _, part := range test.says {
				if !strings.Contains(told.Error(), part) {
					t.Errorf("%q lacks %q", told, part)
				}
			}
			if told.Advice == "" || strings.Contains(told.Error(), test.endpoint.Token) && test.endpoint.Token != "" {
				t.Errorf("%q has no way out, or holds the token", told)
			}
		})
	}
}

func TestEndpoint_Check(t *testing.T) {
	for name, test := range map[string]struct {
		endpoint Endpoint
		path     string // "": nothing is wrong
	}{
		"well":            {Endpoint{URL: "https://agent.example.com:8443", Token: "x"}, ""},
		"behind a proxy":  {Endpoint{URL: "https://example.com/provisioning/", Token: "x"}, ""},
		"IPv6":            {Endpoint{URL: "https://[::1]:8443", Token: "x"}, ""},
		"no scheme":       {Endpoint{URL: "agent.example.com:8443", Token: "x"}, "endpoint"},
		"unencrypted":     {Endpoint{URL: "http://agent.example.com", Token: "x"}, "endpoint"},
		"no host":         {Endpoint{URL: "https://:8443", Token: "x"}, "endpoint"},
		"user":            {Endpoint{URL: "https://me:secret@agent.example.com", Token: "x"}, "endpoint"},
		"query":           {Endpoint{URL: "https://agent.example.com?token=secret", Token: "x"}, "endpoint"},
		"unreadable":      {Endpoint{URL: "https://a b:secret", Token: "x"}, "endpoint"},
		"no token":        {Endpoint{URL: "https://agent.example.com"}, "token"},
		"token with line": {Endpoint{URL: "https://agent.example.com", Token: "secret\n"}, "token"},
		"path of a CA":    {Endpoint{URL: "https://agent.example.com", Token: "x", CACertificate: "/etc/ca.pem"}, "ca_certificate"},
	} {
		err := test.endpoint.Check()
		if test.path == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if told := wantCode(t, err, api.CodeInvalid); told.Path[0] != test.path || told.Advice == "" || name == "user" && strings.Contains(told.Error(), "secret") {
			t.Errorf("%s: %v at %v, want it at %s", name, told, told.Path, test.path)
		}
	}
}

// TestWait_reconnects: a wait goes on when the connection breaks, when nobody
// answers for a while, and when what stands before the agent answers in its
// place; it ends when the token is refused.
func TestWait_reconnects(t *testing.T) {
	refused := &api.Error{Code: api.CodeUnauthorized, Summary: "no"}
	for name, test := range map[string]struct {
		breaks func(wait int, w http.ResponseWriter) bool // reports whether it did
		want   api.Code
	}{
		"broken off": {func(wait int, _ http.ResponseWriter) bool {
			if wait < 4 {
				panic(http.ErrAbortHandler)
			}
			return false
		}, ""},
		"gateway": {func(wait int, w http.ResponseWriter) bool {
			if wait < 4 {
				w.WriteHeader(http.StatusBadGateway)
			}
			return wait < 4
		}, ""},
		"refused": {func(wait int, w http.ResponseWriter) bool {
			if wait == 1 {
				panic(http.ErrAbortHandler)
			}
			w.WriteHeader(http.StatusUnauthorized)
			io.WriteString(w, `{"code": "unauthorized", "summary": "`+refused.Summary+`"}`)
			return true
		}, api.CodeUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				waits := 0
				inner := api.Handler(apitest.Service(func(_ context.Context, _ string, args ...any) (any, error) {
					args[2].(func(status.Progress))(status.Progress{Phase: "users"})
					return api.WaitResult{Succeeded: true}, nil
				}), func() api.Handshake { return api.Handshake{API: api.Version, Version: "1.2.3"} }, api.Options{})
				p := &pipes{make(chan net.Conn), make(chan struct{})}
				server := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if strings.HasSuffix(r.URL.Path, "/wait") {
						if waits++; test.breaks(waits, w) {
							return
						}
					}
					inner.ServeHTTP(w, r)
				})}
				go server.Serve(p)
				defer server.Close()
				dials := 0
				dial := func(ctx context.Context, network, address string) (net.Conn, error) {
					if dials++; dials%3 == 0 { // nobody answers now and then
						return nil, errors.New("connection refused")
					}
					return p.dial(ctx, network, address)
				}
				c := newClient(Options{Endpoint: Endpoint{URL: "https://agent", Token: "x"}, Version: "1.2.3"}, "endpoint", socketURL, &http.Transport{DialContext: dial})
				result, err := c.Wait(t.Context(), "app", api.WaitRequest{For: "next_cycle"}, nil)
				if test.want != "" {
					wantCode(t, err, test.want)
				} else if err != nil || !result.Succeeded || waits < 4 {
					t.Errorf("after %d calls: %+v, %v", waits, result, err)
				}
			})
		})
	}
}

// TestWait_givesUp: an agent that stays away is not waited for without end.
func TestWait_givesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial := func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("connection refused") }
		c := newClient(Options{Endpoint: Endpoint{URL: "https://agent", Token: "x"}}, "endpoint", socketURL, &http.Transport{DialContext: dial})
		start := time.Now()
		_, err := c.Wait(t.Context(), "app", api.WaitRequest{For: "next_cycle"}, nil)
		wantCode(t, err, api.CodeUnavailable)
		if waited := time.Since(start); waited < returnTimeout || waited > returnTimeout+time.Minute {
			t.Errorf("given up after %v", waited)
		}
	})
}

// TestConnect_listening: who starts agents does not replace one that serves
// others too, whatever its build; it says what to do about an older one.
func TestConnect_listening(t *testing.T) {
	dir := dataDir(t)
	listener, err := net.Listen("unix", filepath.Join(dir, "agent.sock"))
	if err != nil {
		t.Fatal(err)
	}
	found := api.Handshake{API: api.Version, Version: "1.2.3", Build: "another", Listen: "0.0.0.0:8443"}
	server := &http.Server{Handler: api.Handler(apitest.Service(nil), func() api.Handshake { return found }, api.Options{
		Stop: func() { t.Error("it was stopped") },
	})}
	go server.Serve(listener)
	defer server.Close()
	connect(t, options(dir, "1.2.3", "b"))
	_, err = Connect(t.Context(), options(dir, "1.2.4", "b"))
	if told := wantCode(t, err, api.CodeIncompatible); !strings.Contains(told.Error(), "0.0.0.0:8443") || !strings.Contains(told.Advice, "Put version 1.2.4 in its place") {
		t.Errorf("got %v", told)
	}
}
