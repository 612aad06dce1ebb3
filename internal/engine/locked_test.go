package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// locked is an app that wants to know who asks, a source of people, and an
// engine between them that reaches the app over HTTP.
type locked struct {
	t        testing.TB
	accounts *sampleapp.App
	handler  atomic.Pointer[http.Handler] // what answers in front of the app
	server   *httptest.Server
	dir      string // of the source's file
	data     string
	log      syncedBuffer
	engine   *engine.Engine

	reader     string // id of the source's credential
	source     *config.Source
	credential *config.Credential
	app        *config.App
	job        *config.Job
}

// syncedBuffer is what the engine logs.
type syncedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *syncedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

const (
	firstSecret  = "canary-first-s3cret"
	secondSecret = "canary-second-s3cret"
)

func newLocked(t testing.TB, options sampleapp.Options) *locked {
	t.Helper()
	l := &locked{t: t, accounts: sampleapp.New(options), dir: t.TempDir(), data: t.TempDir()}
	l.answer(l.accounts)
	l.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*l.handler.Load()).ServeHTTP(w, r) }))
	t.Cleanup(l.server.Close)
	l.open(nil)
	t.Cleanup(l.close)
	return l
}

func (l *locked) answer(handler http.Handler) { l.handler.Store(&handler) }

func (l *locked) open(connectors *connector.Registry) {
	l.t.Helper()
	e, err := engine.Open(engine.Options{DataDir: l.data, Version: "test", Logger: slog.New(slog.NewTextHandler(&l.log, nil)), Connectors: connectors})
	if err != nil {
		l.t.Fatal(err)
	}
	l.engine = e
}

func (l *locked) close() {
	if err := l.engine.Close(context.Background()); err != nil {
		l.t.Error(err)
	}
}

// people writes a source of n people.
func (l *locked) people(n int) {
	l.t.Helper()
	var rows strings.Builder
	rows.WriteString("id,mail\n")
	for i := range n {
		fmt.Fprintf(&rows, "%d,user%d@example.com\n", i, i)
	}
	path := filepath.Join(l.dir, "people.csv")
	if err := errors.Join(os.WriteFile(path+".new", []byte(rows.String()), 0o600), os.Rename(path+".new", path)); err != nil {
		l.t.Fatal(err)
	}
}

func (l *locked) create(thing config.Thing, secrets config.Secrets) {
	l.t.Helper()
	if _, err := l.engine.Create(l.t.Context(), thing, secrets); err != nil {
		l.t.Fatal(err)
	}
}

// declare has everything up to a job that provisions everybody.
func (l *locked) declare(credential *config.Credential, secrets config.Secrets) {
	l.t.Helper()
	l.credential = credential
	l.create(credential, secrets)
	l.source = &config.Source{Name: "people", CredentialID: l.reader, File: &config.FileSource{Users: &config.FileSet{Path: filepath.Join(l.dir, "people.csv"), IDColumn: "id"}}}
	l.create(l.source, nil)
	l.app = &config.App{Name: "chat", SourceID: l.source.ID, Template: "scim", Scope: config.ScopeAll,
		SCIM: &config.SCIMConnection{BaseURL: l.server.URL + "/scim/v2"}, CredentialID: credential.ID}
	l.create(l.app, nil)
	users := &config.Mapping{AppID: l.app.ID, ObjectType: "User", Attributes: map[string]mapping.Attribute{
		"userName": {Source: ptr("mail"), MatchingPrecedence: ptr(int64(1))},
	}}
	l.create(users, nil)
	l.job = &config.Job{AppID: l.app.ID, Interval: "1h", Revisions: []string{l.source.Revision(), l.app.Revision(), users.Revision()}}
	l.create(l.job, nil)
}

func (l *locked) oauth(version int64) *config.Credential {
	return &config.Credential{Name: "chat", Method: config.OAuth2ClientCredentials, Fields: map[string]config.Field{
		"token_url": {Value: l.server.URL + "/scim/v2/oauth/token"}, "client_id": {Value: "engine"}, "client_secret": {Version: &version},
	}}
}

// replace updates the credential.
func (l *locked) replace(credential *config.Credential, secrets config.Secrets) error {
	credential.ID = l.credential.ID
	_, err := l.engine.Update(l.t.Context(), credential, secrets)
	return err
}

// cycle waits for one that begins now.
func (l *locked) cycle() api.WaitResult {
	l.t.Helper()
	ctx, stop := context.WithTimeout(l.t.Context(), 30*time.Second)
	defer stop()
	result, err := l.engine.Wait(ctx, l.app.ID, api.WaitRequest{For: "next_cycle"}, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	return result
}

// settles waits for the first or the running cycle.
func (l *locked) settles(want bool) {
	l.t.Helper()
	ctx, stop := context.WithTimeout(l.t.Context(), 30*time.Second)
	defer stop()
	result, err := l.engine.Wait(ctx, l.app.ID, api.WaitRequest{For: "initial_cycle"}, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	if result.Succeeded != want {
		l.t.Fatalf("succeeded is %t: %+v", result.Succeeded, result)
	}
}

func (l *locked) status() status.Job {
	l.t.Helper()
	s, err := l.engine.Status(l.t.Context(), l.app.ID)
	if err != nil {
		l.t.Fatal(err)
	}
	return s
}

func (l *locked) failures() (entries []audit.Entry) {
	l.t.Helper()
	entries, err := l.engine.Audit(l.t.Context(), audit.Query{AppID: l.app.ID, Status: audit.Failure})
	if err != nil {
		l.t.Fatal(err)
	}
	return entries
}

// tokens counts the requests for access tokens.
func (l *locked) tokens() int { return l.accounts.Counts()["token oauth/token"].Requests }

// assertNowhere reports where a secret was written: the engine's files, its log
// and what it tells.
func (l *locked) assertNowhere(secrets ...string) {
	l.t.Helper()
	written := map[string][]byte{"the log": l.log.Bytes(), "what is told": []byte(fmt.Sprintf("%+v %+v", l.status(), l.failures()))}
	err := filepath.WalkDir(l.data, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			written[path], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		l.t.Error(err)
	}
	for _, secret := range secrets {
		for where, text := range written {
			if secret == "" || bytes.Contains(text, []byte(secret)) {
				l.t.Errorf("%s holds the secret %q", where, secret)
			}
		}
	}
}
