package remote

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
)

func TestOptions_Check(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		says    string // "": nothing is wrong
	}{
		"files":        {Options{Address: ":8443", CertFile: "c", KeyFile: "k"}, ""},
		"self-signed":  {Options{Address: "127.0.0.1:0", SelfSigned: true}, ""},
		"no port":      {Options{Address: "localhost", SelfSigned: true}, "missing port"},
		"no TLS":       {Options{Address: ":8443"}, "without TLS"},
		"both":         {Options{Address: ":8443", CertFile: "c", KeyFile: "k", SelfSigned: true}, "Keep one"},
		"half a pair":  {Options{Address: ":8443", CertFile: "c"}, "belong together"},
		"other half":   {Options{Address: ":8443", KeyFile: "k"}, "belong together"},
		"nothing else": {Options{SelfSigned: true}, "missing port"},
	} {
		err := test.options.Check()
		if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %v, want %q", name, err, test.says)
		}
	}
}

func TestListen_refuses(t *testing.T) {
	withToken := t.TempDir()
	create(t, TokensOf(withToken), "ci", 0)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	pem := filepath.Join(withToken, "cert.pem")
	write(t, pem, []byte("garbage"))
	old := certificate(t, t.TempDir(), noon.Add(-time.Hour))
	for name, test := range map[string]struct {
		dir     string
		options Options
		code    api.Code
		says    string
	}{
		"no token":    {t.TempDir(), Options{Address: "127.0.0.1:0", SelfSigned: true}, api.CodeConflict, "token create"},
		"port taken":  {withToken, Options{Address: taken.Addr().String(), SelfSigned: true}, api.CodeUnavailable, "address already in use"},
		"no files":    {withToken, Options{Address: "127.0.0.1:0", CertFile: "/none.pem", KeyFile: "/none.key"}, api.CodeInvalid, "no such file"},
		"no PEM":      {withToken, Options{Address: "127.0.0.1:0", CertFile: pem, KeyFile: pem}, api.CodeInvalid, "PEM"},
		"expired":     {withToken, Options{Address: "127.0.0.1:0", CertFile: old.cert, KeyFile: old.key}, api.CodeInvalid, "expired on 2026-03-01"},
		"wrong usage": {withToken, Options{Address: "x"}, api.CodeInvalid, "missing port"},
	} {
		listener, err := Listen(t.Context(), test.dir, test.options, quiet, func() time.Time { return noon })
		if err == nil {
			listener.Close()
		}
		if told := wantCode(t, err, test.code); !strings.Contains(told.Error(), test.says) || told.Advice == "" {
			t.Errorf("%s: got %v, want %q", name, told, test.says)
		}
	}
}

// TestListen_worthlessTokens: an agent whose tokens have all expired starts
// again all the same.
func TestListen_worthlessTokens(t *testing.T) {
	dir := t.TempDir()
	create(t, TokensOf(dir), "ci", 0)
	revoke(t, TokensOf(dir), "ci")
	listener, err := Listen(t.Context(), dir, Options{Address: "127.0.0.1:0", SelfSigned: true}, quiet, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
}

// files are those of a certificate.
type files struct {
	cert, key string
	roots     *x509.CertPool
}

// certificate makes one for localhost that counts until a moment.
func certificate(t *testing.T, dir string, until time.Time) files {
	t.Helper()
	made, err := openAuthority(t.TempDir(), []string{"localhost", "127.0.0.1"}, func() time.Time { return until.Add(-leafLife) })
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := made.get(nil)
	if err != nil {
		t.Fatal(err)
	}
	f := files{filepath.Join(dir, "agent.pem"), filepath.Join(dir, "agent.key"), x509.NewCertPool()}
	f.roots.AddCert(made.certificate)
	f.put(t, leaf)
	return f
}

func (f files) put(t *testing.T, leaf *tls.Certificate) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(leaf.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write(t, f.cert, toPEM("CERTIFICATE", leaf.Certificate[0]))
	write(t, f.key, toPEM("PRIVATE KEY", der))
}

// served listens, answers "inside" to everybody, and gives the address.
func served(t *testing.T, dir string, options Options, logger *slog.Logger) string {
	t.Helper()
	options.Address = "127.0.0.1:0"
	listener, err := Listen(t.Context(), dir, options, logger, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		Handler:  http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }),
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		server.Serve(listener)
	}()
	t.Cleanup(func() {
		server.Close()
		<-done
	})
	return listener.Addr().String()
}

// get calls a server that a pool of authorities vouches for.
func get(t *testing.T, url string, config *tls.Config, http2 bool) (answer string, peer *x509.Certificate, err error) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: http2, DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Get(url)
	if err != nil {
		return "", nil, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if response.TLS != nil {
		peer = response.TLS.PeerCertificates[0]
	}
	return string(data), peer, err
}

func TestListen_selfSigned(t *testing.T) {
	dir := t.TempDir()
	create(t, TokensOf(dir), "ci", 0)
	var log bytes.Buffer
	address := served(t, dir, Options{SelfSigned: true}, slog.New(slog.NewTextHandler(&log, nil)))
	ca, err := os.ReadFile(filepath.Join(dir, AuthorityName))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	for http2, proto := range map[bool]string{false: "HTTP/1.1", true: "HTTP/2.0"} {
		if got, _, err := get(t, "https://"+address, &tls.Config{RootCAs: roots}, http2); err != nil || got != proto {
			t.Errorf("got %q, %v, want %s", got, err, proto)
		}
	}
	_, port, _ := net.SplitHostPort(address)
	if _, _, err := get(t, "https://localhost:"+port, &tls.Config{RootCAs: roots}, false); err != nil {
		t.Errorf("by name: %v", err)
	}
	var unknown x509.UnknownAuthorityError
	if _, _, err := get(t, "https://"+address, &tls.Config{RootCAs: x509.NewCertPool()}, false); !errors.As(err, &unknown) {
		t.Errorf("without its authority: %v", err)
	}
	if _, _, err := get(t, "https://"+address, &tls.Config{RootCAs: roots, MaxVersion: tls.VersionTLS11}, false); err == nil {
		t.Error("it speaks TLS 1.1")
	}
	if answer, _, err := get(t, "http://"+address, nil, false); err == nil && strings.Contains(answer, "HTTP/1.1") {
		t.Errorf("it answers %q without TLS", answer)
	}
	if !strings.Contains(log.String(), AuthorityName) {
		t.Errorf("the log does not name what to trust: %s", log.String())
	}

	// The next agent has the same authority.
	again := served(t, dir, Options{SelfSigned: true}, quiet)
	if _, _, err := get(t, "https://"+again, &tls.Config{RootCAs: roots}, false); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	for _, name := range []string{AuthorityName, authorityKeyName} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

// TestListen_renewed takes a certificate that others renew, once both of its
// files are there.
func TestListen_renewed(t *testing.T) {
	dir := t.TempDir()
	create(t, TokensOf(dir), "ci", 0)
	f := certificate(t, dir, time.Now().Add(time.Hour))
	address := served(t, dir, Options{CertFile: f.cert, KeyFile: f.key}, quiet)
	serial := func(f files) string {
		t.Helper()
		_, peer, err := get(t, "https://"+address, &tls.Config{RootCAs: f.roots}, false)
		if err != nil {
			t.Fatal(err)
		}
		return peer.SerialNumber.String()
	}
	first := serial(f)
	if again := serial(f); again != first {
		t.Error("the certificate changed by itself")
	}
	next := certificate(t, t.TempDir(), time.Now().Add(2*time.Hour))
	move := func(from, to string) {
		t.Helper()
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		write(t, to, data)
		later := time.Now().Add(time.Minute) // whatever the grain of the file system's clock
		if err := os.Chtimes(to, later, later); err != nil {
			t.Fatal(err)
		}
	}
	move(next.cert, f.cert)
	if got := serial(f); got != first {
		t.Error("a certificate without its key is served")
	}
	move(next.key, f.key)
	if got := serial(next); got == first {
		t.Error("the old certificate is served")
	}
	os.Remove(f.key)
	serial(next) // the one before stays
}

// TestAuthority_renews gives another certificate before the one before ends.
func TestAuthority_renews(t *testing.T) {
	now := noon
	a, err := openAuthority(t.TempDir(), []string{"localhost"}, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	first, err := a.get(nil)
	if err != nil {
		t.Fatal(err)
	}
	for after, same := range map[time.Duration]bool{time.Hour: true, leafLife/2 - time.Hour: true, leafLife/2 + time.Hour: false} {
		a.leaf, now = first, noon.Add(after)
		if got, err := a.get(nil); err != nil || (got == first) != same || now.After(got.Leaf.NotAfter) {
			t.Errorf("after %v: another %t, %v", after, got != first, err)
		}
	}
}
