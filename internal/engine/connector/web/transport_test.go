package web

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
)

// certificate makes one that is its own authority, and its PEM.
func certificate(t *testing.T, from, until time.Time) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: from, NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// A server that cannot be trusted is told nothing, and each reason has its own
// way out.
func TestServersThatAreNotTrusted(t *testing.T) {
	now := time.Now()
	good, goodPEM := certificate(t, now.Add(-time.Hour), now.Add(time.Hour))
	expired, expiredPEM := certificate(t, now.Add(-2*time.Hour), now.Add(-time.Hour))
	early, earlyPEM := certificate(t, now.Add(time.Hour), now.Add(2*time.Hour))
	for name, test := range map[string]struct {
		config *tls.Config // nil: no TLS at all
		ca     string
		host   string
		want   string // in detail or advice; empty: trusted
	}{
		"good":            {config: &tls.Config{Certificates: []tls.Certificate{good}}, ca: goodPEM},
		"unknown":         {config: &tls.Config{Certificates: []tls.Certificate{good}}, want: "ca_certificate"},
		"wrong name":      {config: &tls.Config{Certificates: []tls.Certificate{good}}, ca: goodPEM, host: "localhost", want: "another name"},
		"expired":         {config: &tls.Config{Certificates: []tls.Certificate{expired}}, ca: expiredPEM, want: "has expired"},
		"not yet valid":   {config: &tls.Config{Certificates: []tls.Certificate{early}}, ca: earlyPEM, want: "not yet valid"},
		"TLS 1.1":         {config: &tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, ca: goodPEM, want: "TLS below 1.2 is not spoken"},
		"no TLS":          {want: "check the port and the scheme"},
		"demands our own": {config: &tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}, ca: goodPEM, want: "no certificate of a client"},
	} {
		t.Run(name, func(t *testing.T) {
			told := make(chan string, 1)
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				told <- r.Header.Get("Authorization")
			}))
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			if test.config == nil {
				server.Start()
			} else {
				server.TLS = test.config
				server.StartTLS()
			}
			t.Cleanup(server.Close)
			address, err := url.Parse(strings.Replace(server.URL, "http://", "https://", 1))
			if err != nil {
				t.Fatal(err)
			}
			if test.host != "" {
				address.Host = test.host + ":" + address.Port()
			}
			transport, err := NewTransport(test.ca)
			if err != nil {
				t.Fatal(err)
			}
			client := NewClient(transport)
			t.Cleanup(client.CloseIdleConnections)
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address.String(), nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer t0ken")
			answer, err := client.Do(request)
			if test.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				answer.Body.Close()
				return
			}
			if err == nil {
				answer.Body.Close()
				t.Fatal("it was trusted")
			}
			failure := Exchange{Request: "GET Users", Address: address, Setting: "base_url"}.Failure(err, false)
			if failure.Class != connector.Fatal || !strings.Contains(failure.Detail+" "+failure.Advice, test.want) {
				t.Errorf("%s %v (advice %q), want %q", failure.Class, failure, failure.Advice, test.want)
			}
			if len(told) > 0 {
				t.Errorf("the server was told %q", <-told)
			}
		})
	}
	if _, err := NewTransport("no certificate"); err == nil {
		t.Error("ca_certificate without a certificate was taken")
	}
}

// roundTrip is a transport of one function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A redirect is followed by reads alone, and never to where the credential has
// no business.
func TestRedirects(t *testing.T) {
	for name, test := range map[string]struct {
		method, to string
		followed   bool
	}{
		"elsewhere on the host": {http.MethodGet, "https://app.example.com/v3/Users", true},
		"relative":              {http.MethodGet, "/v3/Users", true},
		"another host":          {http.MethodGet, "https://evil.example.com/Users", false},
		"a host below":          {http.MethodGet, "https://a.app.example.com/Users", false},
		"another port":          {http.MethodGet, "https://app.example.com:8443/Users", false},
		"in the clear":          {http.MethodGet, "http://app.example.com/v3/Users", false},
		"a write":               {http.MethodPost, "https://app.example.com/v3/Users", false},
		"a delete":              {http.MethodDelete, "https://app.example.com/v3/Users", false},
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			client := NewClient(roundTrip(func(r *http.Request) (*http.Response, error) {
				asked = append(asked, r.Method+" "+r.URL.String())
				answer := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}
				if len(asked) == 1 {
					answer.StatusCode = http.StatusPermanentRedirect
					answer.Header.Set("Location", test.to)
				}
				return answer, nil
			}))
			request, err := http.NewRequestWithContext(t.Context(), test.method, "https://app.example.com/Users", nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if followed := len(asked) == 2 && answer.StatusCode == http.StatusOK; followed != test.followed || len(asked) > 2 {
				t.Errorf("asked %q, status %d", asked, answer.StatusCode)
			}
		})
	}
	endless := 0
	client := NewClient(roundTrip(func(r *http.Request) (*http.Response, error) {
		endless++
		return &http.Response{StatusCode: http.StatusFound, Header: http.Header{"Location": {"/Users"}}, Body: http.NoBody, Request: r}, nil
	}))
	answer, err := client.Get("https://app.example.com/Users")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if endless > 5 {
		t.Errorf("%d redirects were followed", endless)
	}
}

func TestRetryAt(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Time{
		"":                                 {},
		"soon":                             {},
		"NaN":                              {},
		"0":                                now,
		"-5":                               now,
		"-Inf":                             now,
		"30":                               now.Add(30 * time.Second),
		" 30 ":                             now.Add(30 * time.Second),
		"1.5":                              now.Add(1500 * time.Millisecond),
		"86400":                            now.Add(maxRetryAfter),
		"1e300":                            now.Add(maxRetryAfter),
		"Inf":                              now.Add(maxRetryAfter),
		"Sat, 21 Nov 2026 12:00:10 GMT":    now.Add(10 * time.Second),
		"Saturday, 21-Nov-26 12:00:10 GMT": now.Add(10 * time.Second),
		"Sat Nov 21 12:00:10 2026":         now.Add(10 * time.Second),
		"Sat, 21 Nov 2026 11:00:00 GMT":    now,
		"Sun, 22 Nov 2026 12:00:00 GMT":    now.Add(maxRetryAfter),
	} {
		if got := RetryAt(header, now); !got.Equal(want) {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}

func FuzzRetryAt(f *testing.F) {
	for _, header := range []string{"30", "-1", "1e99", "NaN", "Sat, 21 Nov 2026 12:00:10 GMT", "0x10", "99999999999999999999"} {
		f.Add(header)
	}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, header string) {
		at := RetryAt(header, now)
		if !at.IsZero() && (at.Before(now) || at.After(now.Add(maxRetryAfter))) {
			t.Errorf("%q: %v", header, at)
		}
	})
}
