package scim

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

var ada = creating(directory.User, set("userName", directory.Text("ada")))

// A fault of each kind, on a write and on a read: what class it is, and
// whether the account was made.
func TestFaults(t *testing.T) {
	for name, test := range map[string]struct {
		fault sampleapp.Fault
		write connector.Class
		read  connector.Class
		code  string
		made  bool
	}{
		"429":                        {sampleapp.Fault{Status: 429}, connector.Throttled, connector.Throttled, codeThrottled, false},
		"500":                        {sampleapp.Fault{Status: 500}, connector.Unknown, connector.Transient, codeServer, false},
		"500 after it was done":      {sampleapp.Fault{Status: 500, Commit: true}, connector.Unknown, connector.Transient, codeServer, true},
		"502 in HTML":                {sampleapp.Fault{Status: 502, Body: "<html>bad gateway</html>", ContentType: "text/html"}, connector.Unknown, connector.Transient, codeServer, false},
		"503":                        {sampleapp.Fault{Status: 503}, connector.Unknown, connector.Throttled, codeServer, false},
		"503 that says when":         {sampleapp.Fault{Status: 503, Header: http.Header{"Retry-After": {"5"}}}, connector.Throttled, connector.Throttled, codeServer, false},
		"504":                        {sampleapp.Fault{Status: 504, Commit: true}, connector.Unknown, connector.Transient, codeServer, true},
		"reset before":               {sampleapp.Fault{Reset: true}, connector.Unknown, connector.Transient, codeProtocol, false},
		"reset after":                {sampleapp.Fault{Reset: true, Commit: true}, connector.Unknown, connector.Transient, codeProtocol, true},
		"truncated":                  {sampleapp.Fault{Truncate: 20}, connector.Unknown, connector.Rejected, codeIncompatible, true},
		"garbage":                    {sampleapp.Fault{Replace: true, Body: "\x00\xff}{"}, connector.Unknown, connector.Rejected, codeIncompatible, true},
		"another JSON":               {sampleapp.Fault{Status: 200, Body: `{"status":"error","msg":"please sign in"}`}, connector.Unknown, connector.Rejected, codeIncompatible, false},
		"a sign-in page":             {sampleapp.Fault{Status: 200, Body: "<html><body>Sign in</body></html>", ContentType: "text/html"}, connector.Unknown, connector.Rejected, codeIncompatible, false},
		"a list where one is due":    {sampleapp.Fault{Status: 200, Body: `[]`}, connector.Unknown, connector.Rejected, codeIncompatible, false},
		"null":                       {sampleapp.Fault{Status: 200, Body: `null`}, connector.Unknown, connector.Rejected, codeIncompatible, false},
		"deep":                       {sampleapp.Fault{Status: 200, Body: strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1000)}, connector.Unknown, connector.Rejected, codeIncompatible, false},
		"an id that no path carries": {sampleapp.Fault{Status: 201, Body: `{"id":"..","schemas":[],"userName":"ada"}`}, connector.Unknown, connector.Rejected, codeIncompatible, false},
		"401":                        {sampleapp.Fault{Status: 401, Body: "token " + token + " is unknown"}, connector.Denied, connector.Denied, codeUnauthorized, false},
		"403":                        {sampleapp.Fault{Status: 403}, connector.Rejected, connector.Rejected, codeRights, false},
		"422":                        {sampleapp.Fault{Status: 422, Body: `{"detail":["a","b"]}`}, connector.Rejected, connector.Rejected, codeUnprocessable, false},
		"a status of its own":        {sampleapp.Fault{Status: 418}, connector.Rejected, connector.Rejected, codeUnprocessable, false},
	} {
		t.Run(name, func(t *testing.T) {
			app, target := play(t, sampleapp.Quirks{}, "")
			app.Schedule(sampleapp.Rule{Operation: sampleapp.Create, Target: "ADA", Fault: test.fault}, sampleapp.Rule{Operation: sampleapp.Get, Fault: test.fault})
			_, err := target.Send(t.Context(), ada)
			e := refused(t, err, test.write, test.code)
			if overloaded := test.fault.Status == http.StatusTooManyRequests || test.fault.Status == http.StatusServiceUnavailable; e.Overloaded != overloaded {
				t.Errorf("overloaded: %t", e.Overloaded)
			}
			if _, made := app.User("ada"); made != test.made {
				t.Errorf("made: %t", made)
			}
			if n := app.Counts()["create User"].Requests; n != 1 {
				t.Errorf("the create was sent %d times", n)
			}
			id := add(t, app, sampleapp.User, "bob")
			_, err = target.Get(t.Context(), directory.User, id, nil)
			refused(t, err, test.read, test.code)
			if idle := app.Unfired(); len(idle) > 0 {
				t.Errorf("rules that never fired: %v", idle)
			}
		})
	}
}

func TestAnotherAccountIsNoAnswer(t *testing.T) {
	app, target := play(t, sampleapp.Quirks{}, "")
	id := add(t, app, sampleapp.User, "a")
	app.Schedule(sampleapp.Rule{Operation: sampleapp.Get, Fault: sampleapp.Fault{Status: 200, Body: `{"id":"other","userName":"b","schemas":[]}`}})
	_, err := target.Get(t.Context(), directory.User, id, nil)
	refused(t, err, connector.Rejected, codeMultiple)
}

func TestNoAnswer(t *testing.T) {
	app, target := play(t, sampleapp.Quirks{}, "")
	app.Schedule(sampleapp.Rule{Fault: sampleapp.Fault{Hang: true, Commit: true}})
	target.timeout = 50 * time.Millisecond
	for _, ctx := range []context.Context{t.Context(), context.WithoutCancel(t.Context())} {
		_, err := target.Send(ctx, ada)
		refused(t, err, connector.Unknown, codeTimeout)
		_, err = target.Get(ctx, directory.User, "1", nil)
		refused(t, err, connector.Transient, codeTimeout)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := target.Send(ctx, ada)
	refused(t, err, connector.Transient, codeProtocol) // it was never sent
}

func TestNobodyListens(t *testing.T) {
	target := open(t, "http://127.0.0.1:1", "")
	_, err := target.Send(t.Context(), ada)
	refused(t, err, connector.Transient, codeProtocol)
	_, err = target.Test(t.Context(), nil)
	if e := refused(t, err, connector.Fatal, codeProtocol); !strings.Contains(e.Advice, "base_url") {
		t.Errorf("advice %q", e.Advice)
	}
}

func TestBodiesWithoutEnd(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			block := []byte(strings.Repeat(" ", 1<<20))
			for range maxBody>>20 + 2 {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		},
		"gzip bomb": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			packed := gzip.NewWriter(w)
			block := make([]byte, 1<<20)
			for range maxBody>>20 + 2 {
				if _, err := packed.Write(block); err != nil {
					return
				}
			}
			_ = packed.Close()
		},
		"headers": func(w http.ResponseWriter, _ *http.Request) {
			for i := range 200 {
				w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("x", 1000))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			target := connect(t, handler, "")
			_, err := target.Get(t.Context(), directory.User, "1", nil)
			if class := connector.ClassOf(err); class != connector.Rejected && class != connector.Transient {
				t.Errorf("read: %v", err)
			}
			_, err = target.Send(t.Context(), ada)
			if class := connector.ClassOf(err); class != connector.Unknown {
				t.Errorf("write: %v %v", class, err)
			}
		})
	}
}

// An answer that comes byte by byte, and never to its end, ends by the deadline.
func TestAnswersThatTrickle(t *testing.T) {
	for name, begin := range map[string]string{"headers": "HTTP/1.1 200 OK\r\nX-", "body": "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"} {
		t.Run(name, func(t *testing.T) {
			target := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				connection, _, err := w.(http.Hijacker).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				defer connection.Close()
				if _, err := io.WriteString(connection, begin); err != nil {
					return
				}
				for tick := time.NewTicker(5 * time.Millisecond); ; <-tick.C {
					if _, err := io.WriteString(connection, "x"); err != nil {
						return
					}
				}
			}), "")
			target.timeout = 100 * time.Millisecond
			_, err := target.Get(t.Context(), directory.User, "1", nil)
			refused(t, err, connector.Transient, codeTimeout)
			_, err = target.Send(t.Context(), ada)
			refused(t, err, connector.Unknown, codeTimeout)
		})
	}
}

// Of a name that comes twice one value counts; accounts that are lost so make a
// list incomplete, and another's id is nobody's answer.
func TestNamesThatComeTwice(t *testing.T) {
	target := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/Users") {
			_, _ = io.WriteString(w, `{"totalResults":2,"Resources":[{"id":"1"}],"Resources":[{"id":"2"}],"resources":[]}`)
			return
		}
		_, _ = io.WriteString(w, `{"schemas":[],"id":"1","userName":"a","id":"2","ID":"3"}`)
	}), "")
	if ids, complete := list(t, target, directory.User); complete || len(ids) != 1 {
		t.Errorf("%v, complete %t", ids, complete)
	}
	_, err := target.Get(t.Context(), directory.User, "1", nil)
	refused(t, err, connector.Rejected, codeMultiple)
}

func TestEnormousTotals(t *testing.T) {
	for _, total := range []string{"1000000000", "-5", `"many"`, "1e300", "null"} {
		target := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			list := ""
			if r.URL.Query().Get("startIndex") == "1" {
				list = `{"id":"1"},{"id":"1"},{"x":1},null,7`
			}
			_, _ = fmt.Fprintf(w, `{"totalResults":%s,"Resources":[%s]}`, total, list)
		}), "")
		ids, complete := list(t, target, directory.User)
		if len(ids) != 1 || complete {
			t.Errorf("%s: %v, complete %t", total, ids, complete)
		}
	}
}

func TestRedirectsDoNotTakeTheCredentialAlong(t *testing.T) {
	stolen := make(chan string, 10)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		stolen <- r.Header.Get("Authorization")
	}))
	t.Cleanup(elsewhere.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		target := connect(t, http.RedirectHandler(elsewhere.URL+"/Users", status), "")
		_, err := target.Get(t.Context(), directory.User, "1", nil)
		refused(t, err, connector.Fatal, codeProtocol)
		_, err = target.Send(t.Context(), ada)
		refused(t, err, connector.Fatal, codeProtocol)
	}
	if len(stolen) > 0 {
		t.Errorf("a request arrived elsewhere, with %q", <-stolen)
	}
}

func TestRedirectToTheSameHostIsFollowedByReadsAlone(t *testing.T) {
	app := sampleapp.New(sampleapp.Options{Token: token})
	id := add(t, app, sampleapp.User, "a")
	target := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/scim/v2/") {
			http.Redirect(w, r, "/moved"+strings.TrimPrefix(r.URL.Path, "/scim/v2"), http.StatusTemporaryRedirect)
			return
		}
		app.ServeHTTP(w, r)
	}), "")
	if _, err := target.Get(t.Context(), directory.User, id, nil); err != nil {
		t.Error(err)
	}
	_, err := target.Send(t.Context(), ada)
	refused(t, err, connector.Fatal, codeProtocol)
	if app.Len(sampleapp.User) != 1 {
		t.Error("a write followed a redirect")
	}
}

// A write that was refused, and for which no other token is to be had, was not
// carried out: its outcome is not unknown.
func TestRefusedWriteWhoseTokenCannotBeRenewed(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	t.Cleanup(server.Close)
	connection, err := json.Marshal(Connection{BaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	credential := connector.Credential{Kind: "oauth2_client_credentials", Fields: map[string]connector.Secret{
		"token": func(context.Context) (string, error) {
			if asked++; asked == 1 {
				return token, nil
			}
			return "", &connector.Error{Class: connector.Transient, Code: codeServer, Detail: "the authorization server is out of order"}
		},
	}}
	opened, err := Open(connector.Options{Connection: connection, Credential: credential})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = opened.(io.Closer).Close() }()
	_, err = opened.Send(t.Context(), ada)
	refused(t, err, connector.Transient, codeServer)
	if asked != 2 {
		t.Errorf("the token was asked for %d times", asked)
	}
}

func TestThrottleInDisguise(t *testing.T) {
	dialect := `{"throttled":[{"status":500,"contains":"rate limit"},{"status":200,"contains":"Slow Down"}]}`
	app, target := play(t, sampleapp.Quirks{}, dialect)
	id := add(t, app, sampleapp.User, "a")
	app.Schedule(
		sampleapp.Rule{Operation: sampleapp.Create, Fault: sampleapp.Fault{Status: 500, Body: "Rate Limit exceeded"}},
		sampleapp.Rule{Operation: sampleapp.Get, Fault: sampleapp.Fault{Status: 200, Body: `{"error":"slow down"}`, Header: http.Header{"Retry-After": {"7"}}}},
	)
	_, err := target.Send(t.Context(), ada)
	refused(t, err, connector.Throttled, codeThrottled)
	_, err = target.Get(t.Context(), directory.User, id, nil)
	if e := refused(t, err, connector.Throttled, codeThrottled); e.RetryAt.IsZero() {
		t.Error("it said when, and that was lost")
	}
}

func TestCertificates(t *testing.T) {
	app := sampleapp.New(sampleapp.Options{Token: token})
	server := httptest.NewUnstartedServer(app)
	server.Config.ErrorLog = nil
	server.StartTLS()
	t.Cleanup(server.Close)
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	at := func(url, ca string) error {
		connection, err := json.Marshal(Connection{BaseURL: url, CACertificate: ca})
		if err != nil {
			t.Fatal(err)
		}
		opened, err := Open(connector.Options{Connection: connection, Credential: bearer(token)})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = opened.(io.Closer).Close() }()
		_, err = opened.Test(t.Context(), nil)
		return err
	}
	if err := at(server.URL, certificate); err != nil {
		t.Errorf("with its authority: %v", err)
	}
	err := at(server.URL, "")
	if e := refused(t, err, connector.Fatal, codeProtocol); !strings.Contains(e.Advice, "ca_certificate") {
		t.Errorf("advice %q", e.Advice)
	}
	err = at(strings.Replace(server.URL, "127.0.0.1", "localhost", 1), certificate)
	if e := refused(t, err, connector.Fatal, codeProtocol); !strings.Contains(e.Detail, "another name") {
		t.Errorf("detail %q", e.Detail)
	}
	plain := httptest.NewServer(app)
	t.Cleanup(plain.Close)
	refused(t, at(strings.Replace(plain.URL, "http:", "https:", 1), ""), connector.Fatal, codeProtocol)
}

func TestAddressesThatAreNeverConnectedTo(t *testing.T) {
	target := open(t, "https://169.254.169.254/scim", "")
	_, err := target.Test(t.Context(), nil)
	refused(t, err, connector.Fatal, codeProtocol)
}

func TestShorten(t *testing.T) {
	for text, want := range map[string]string{
		"<html><head><style>b{}</style></head><body><h1>Bad</h1>\n<p>gateway</p></body></html>": "Bad gateway",
		"<script>var x = 1 < 2;</script>text":                                                   "text",
		"1 < 2 and 3 > 2":                                                                       "1 < 2 and 3 > 2",
		"a\r\nb\x00c\u202ed":                                                                    "a b c d",
		"<":                                                                                     "<",
		"<never closed":                                                                         "",
		strings.Repeat("ü", 400):                                                                strings.Repeat("ü", 300) + "…",
	} {
		if got := shorten(text); got != want {
			t.Errorf("%.40q: %q, want %q", text, got, want)
		}
	}
}
