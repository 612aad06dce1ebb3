package client

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api/apitest"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

// TestCall_badAnswers: whatever answers, the error is an *api.Error.
func TestCall_badAnswers(t *testing.T) {
	answers := map[string]func(http.ResponseWriter){
		"not JSON":    func(w http.ResponseWriter) { w.Write([]byte("<html>")) },
		"cut off":     func(w http.ResponseWriter) { w.Write([]byte(`{"app_id":`)) },
		"empty":       func(w http.ResponseWriter) {},
		"plain error": func(w http.ResponseWriter) { http.Error(w, "no", http.StatusBadGateway) },
		"redirect":    func(w http.ResponseWriter) { w.Header().Set("Location", "/elsewhere"); w.WriteHeader(302) },
		"reset":       func(w http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"other type":  func(w http.ResponseWriter) { w.Write([]byte(`[]`)) },
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			dir := dataDir(t)
			listener, err := net.Listen("unix", filepath.Join(dir, "agent.sock"))
			if err != nil {
				t.Fatal(err)
			}
			server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/v1/handshake" {
					json.NewEncoder(w).Encode(api.Handshake{API: api.Version, Version: "1.0.0"})
					return
				}
				answer(w)
			})}
			go server.Serve(listener)
			defer server.Close()
			c, err := Connect(t.Context(), Options{DataDir: dir, Version: "1.0.0"})
			if err != nil {
				t.Fatal(err)
			}
			var told *api.Error
			if _, err := c.Status(t.Context(), "app"); !errors.As(err, &told) {
				t.Errorf("status: got %v", err)
			}
			if _, err := c.Preview(t.Context(), "app", api.PreviewRequest{}, nil); !errors.As(err, &told) {
				t.Errorf("preview: got %v", err)
			}
		})
	}
}

// TestThingPath_odd: whatever an id holds, it stays one part of the path.
func TestThingPath_odd(t *testing.T) {
	var seen string
	c := serve(t, apitest.Service(func(_ context.Context, _ string, args ...any) (any, error) {
		seen = args[1].(string)
		return &config.App{}, nil
	}), api.Options{})
	for _, id := range []string{"a/b", "a%2Fb", "ä", "a b", "?x=y", "#", "a\nb", `"`, "{id}"} {
		seen = ""
		if _, err := c.Get(t.Context(), config.KindApp, id); err != nil || seen != id {
			t.Errorf("%q was seen as %q: %v", id, seen, err)
		}
	}
	for _, id := range []string{"", ".", ".."} {
		var told *api.Error
		if _, err := c.Get(t.Context(), config.KindApp, id); !errors.As(err, &told) {
			t.Errorf("%q: got %v", id, err)
		}
	}
}

// TestConnect_brokenOff: an agent that breaks a call off is asked again, since
// it may be about to be gone.
func TestConnect_brokenOff(t *testing.T) {
	dir := dataDir(t)
	listener, err := net.Listen("unix", filepath.Join(dir, "agent.sock"))
	if err != nil {
		t.Fatal(err)
	}
	var calls atomic.Int32
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if calls.Add(1) == 3 {
			listener.Close()
		}
		panic(http.ErrAbortHandler)
	})}
	go server.Serve(listener)
	defer server.Close()
	_, err = Connect(t.Context(), Options{DataDir: dir, Version: "1.0.0"})
	if told := wantCode(t, err, api.CodeUnavailable); !strings.Contains(told.Summary, "No agent runs") || calls.Load() < 3 {
		t.Errorf("after %d calls: %v", calls.Load(), err)
	}
}
