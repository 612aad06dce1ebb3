//go:build unix

package agent

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent/remote"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
)

// TestRun_remote serves the network beside the socket: to those with a token,
// and not what concerns its machine.
func TestRun_remote(t *testing.T) {
	dir := privateDir(t)
	token, err := remote.TokensOf(dir).Create(t.Context(), "ci", time.Now(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	noApps := func(context.Context, string, ...any) (any, error) { return nil, nil }
	r := start(t, dir, &fakeEngine{Service: noApps}, func(o *Options) {
		o.Remote, o.Now = &remote.Options{Address: "127.0.0.1:0", SelfSigned: true}, time.Now
	})
	shake := func(client *http.Client, url string) (h api.Handshake) {
		t.Helper()
		response, err := client.Get(url + "/v1/handshake")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if err := json.NewDecoder(response.Body).Decode(&h); err != nil {
			t.Fatal(err)
		}
		return h
	}
	local := shake(over(dir), "http://agent")
	if local.Listen == "" {
		t.Fatal("the handshake does not say where it listens")
	}
	ca, err := os.ReadFile(filepath.Join(dir, remote.AuthorityName))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	url := "https://" + local.Listen
	network := &http.Client{Transport: &bearer{token, &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}}
	if h := shake(network, url); h != local {
		t.Errorf("over the network it is %+v, by the socket %+v", h, local)
	}
	for name, test := range map[string]struct {
		method, path, token string
		status              int
	}{
		"alive":       {http.MethodGet, "/healthz", "", http.StatusOK},
		"ready":       {http.MethodGet, "/readyz", "", http.StatusOK},
		"metrics":     {http.MethodGet, "/metrics", token, http.StatusOK},
		"no metrics":  {http.MethodGet, "/metrics", "", http.StatusUnauthorized},
		"no token":    {http.MethodGet, "/v1/identity", "", http.StatusUnauthorized},
		"wrong token": {http.MethodGet, "/v1/identity", token + "x", http.StatusUnauthorized},
		"stop":        {http.MethodPost, "/v1/stop", token, http.StatusConflict},
	} {
		request, err := http.NewRequest(test.method, url+test.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := (&http.Client{Transport: &bearer{test.token, network.Transport.(*bearer).next}}).Do(request)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		response.Body.Close()
		if response.StatusCode != test.status {
			t.Errorf("%s: got %s, want %d", name, response.Status, test.status)
		}
	}
	r.end()
	if err := r.ended(t); err != nil {
		t.Errorf("its end: %v", err)
	}
	if _, err := network.Get(url + "/healthz"); err == nil {
		t.Error("it serves the network still")
	}
}

type bearer struct {
	token string
	next  http.RoundTripper
}

func (b *bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.token != "" {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	return b.next.RoundTrip(r)
}

// TestRun_remoteRefused: an agent that cannot serve the network as it was told
// to opens no engine, and leaves the directory to the next one.
func TestRun_remoteRefused(t *testing.T) {
	dir := privateDir(t)
	err := Run(t.Context(), Options{
		DataDir: dir, Remote: &remote.Options{Address: "127.0.0.1:0", SelfSigned: true},
		Open: func(string, *slog.Logger) (Engine, error) { return nil, fmt.Errorf("the engine was opened") },
	})
	var told *api.Error
	if !errors.As(err, &told) || told.Code != api.CodeConflict {
		t.Errorf("got %v", err)
	}
	r := start(t, dir, &fakeEngine{})
	r.end()
	r.ended(t)
}
