package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
)

// guarded is a guard before a handler that says who it is, and its log.
func guarded(t *testing.T, next http.HandlerFunc) (*guard, Tokens, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	tokens := TokensOf(t.TempDir())
	if next == nil {
		next = func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "inside") }
	}
	return Guard(next, tokens, slog.New(slog.NewTextHandler(&log, nil)), func() time.Time { return noon }).(*guard), tokens, &log
}

func call(h http.Handler, method, path, authorization string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, path, nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	h.ServeHTTP(w, r)
	return w
}

func TestGuard(t *testing.T) {
	g, tokens, log := guarded(t, nil)
	good := create(t, tokens, "good", time.Minute)
	gone := create(t, tokens, "gone", 0)
	revoke(t, tokens, "gone")
	old := create(t, tokens, "old", time.Nanosecond)
	g.now = func() time.Time { return noon.Add(time.Second) }
	for name, test := range map[string]struct {
		path, authorization string
		status              int
		says                string
	}{
		"good":             {"/v1/apps", "Bearer " + good, http.StatusOK, "inside"},
		"good, lower case": {"/v1/apps", "bearer " + good, http.StatusOK, "inside"},
		"metrics":          {"/metrics", "Bearer " + good, http.StatusOK, "inside"},
		"none":             {"/v1/apps", "", http.StatusUnauthorized, "asks for a token"},
		"none to metrics":  {"/metrics", "", http.StatusUnauthorized, "asks for a token"},
		"other scheme":     {"/v1/apps", "Basic " + good, http.StatusUnauthorized, "asks for a token"},
		"unknown":          {"/v1/apps", "Bearer " + good + "x", http.StatusUnauthorized, "knows no such token"},
		"the hash":         {"/v1/apps", "Bearer " + hash(good), http.StatusUnauthorized, "knows no such token"},
		"revoked":          {"/v1/apps", "Bearer " + gone, http.StatusUnauthorized, `token "gone" was revoked`},
		"expired":          {"/v1/apps", "Bearer " + old, http.StatusUnauthorized, `token "old" expired on 2026-03-01`},
		"alive":            {"/healthz", "", http.StatusOK, "inside"},
		"ready":            {"/readyz", "", http.StatusOK, "inside"},
		"not quite alive":  {"/healthz/../v1/apps", "", http.StatusUnauthorized, "asks for a token"},
	} {
		t.Run(name, func(t *testing.T) {
			w := call(g, http.MethodGet, test.path, test.authorization)
			if w.Code != test.status || !strings.Contains(w.Body.String(), "inside") && !strings.Contains(told(t, w).Error(), test.says) {
				t.Errorf("got %d %s, want %d %q", w.Code, w.Body, test.status, test.says)
			}
			if w.Code == http.StatusUnauthorized {
				if e := told(t, w); e.Code != api.CodeUnauthorized || e.Advice == "" || w.Header().Get("WWW-Authenticate") != "Bearer" {
					t.Errorf("the refusal is %+v, %v", e, w.Header())
				}
			}
		})
	}
	call(g, http.MethodPost, "/v1/apps/a/start", "Bearer "+good)
	if text := log.String(); !strings.Contains(text, "token=good") || !strings.Contains(text, "path=/v1/apps/a/start") || !strings.Contains(text, "remote call refused") {
		t.Errorf("the log says %s", text)
	}
	for _, secret := range []string{good, gone, old} {
		if strings.Contains(log.String(), secret) {
			t.Error("the log holds a token")
		}
	}
}

func told(t *testing.T, w *httptest.ResponseRecorder) *api.Error {
	t.Helper()
	var e api.Error
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
		t.Errorf("%s: %v", w.Body, err)
	}
	return &e
}

// TestGuard_many: those who try tokens fill no log and lock nobody out.
func TestGuard_many(t *testing.T) {
	g, tokens, log := guarded(t, nil)
	good := create(t, tokens, "good", 0)
	codes := map[int]int{}
	for range 500 {
		codes[call(g, http.MethodGet, "/v1/apps", "Bearer wrong").Code]++
	}
	if codes[http.StatusUnauthorized] != failureBurst || codes[http.StatusTooManyRequests] != 500-failureBurst {
		t.Errorf("got %v", codes)
	}
	if n := strings.Count(log.String(), "refused"); n != codes[http.StatusUnauthorized] {
		t.Errorf("the log has %d refusals, and %d were refused with a word", n, codes[http.StatusUnauthorized])
	}
	if w := call(g, http.MethodGet, "/v1/apps", "Bearer "+good); w.Code != http.StatusOK {
		t.Errorf("the good token got %d", w.Code)
	}
}

// TestGuard_revokedMeanwhile: a request that goes on ends when its token is
// revoked, and is told why.
func TestGuard_revokedMeanwhile(t *testing.T) {
	begun := make(chan struct{})
	var cause error
	g, tokens, _ := guarded(t, func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
		cause = context.Cause(r.Context())
	})
	g.recheck = time.Millisecond
	good := create(t, tokens, "good", 0)
	done := make(chan struct{})
	go func() {
		defer close(done)
		call(g, http.MethodGet, "/v1/audit/follow", "Bearer "+good)
	}()
	<-begun
	revoke(t, tokens, "good")
	<-done
	if told := wantCode(t, cause, api.CodeUnauthorized); !strings.Contains(told.Detail, "revoked") {
		t.Errorf("got %v", told)
	}
}

// TestGuard_damaged: tokens that cannot be read let nobody in.
func TestGuard_damaged(t *testing.T) {
	g, tokens, _ := guarded(t, nil)
	good := create(t, tokens, "good", 0)
	write(t, filepath.Join(tokens.dir, tokensName), []byte("{"))
	if w := call(g, http.MethodGet, "/v1/apps", "Bearer "+good); w.Code != http.StatusServiceUnavailable || told(t, w).Code != api.CodeUnavailable {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if err := os.Remove(filepath.Join(tokens.dir, tokensName)); err != nil {
		t.Fatal(err)
	}
	if w := call(g, http.MethodGet, "/v1/apps", "Bearer "+good); w.Code != http.StatusUnauthorized {
		t.Errorf("without tokens got %d", w.Code)
	}
}

// TestGuard_body: the bound of a body ends with it, so that the request may go
// on.
func TestGuard_body(t *testing.T) {
	g, tokens, _ := guarded(t, func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err != nil || r.Context().Err() != nil {
			t.Errorf("read %q, %v, %v", data, err, r.Context().Err())
		}
		w.Write(data)
	})
	good := create(t, tokens, "good", 0)
	server := httptest.NewServer(g)
	defer server.Close()
	for range 2 { // on one connection
		request, err := http.NewRequest(http.MethodPost, server.URL+"/v1/apps", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+good)
		response, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(response.Body)
		response.Body.Close()
		if string(data) != "body" || err != nil {
			t.Errorf("got %q, %v", data, err)
		}
	}
}
