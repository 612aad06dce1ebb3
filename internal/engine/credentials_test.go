package engine_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// refusedBy wants an error that names who refused and says that nothing changed.
func refusedBy(t testing.TB, err error, who string) {
	t.Helper()
	var e *api.Error
	if !errors.As(err, &e) || !strings.Contains(e.Summary, who) || !strings.Contains(e.Detail, "The credential stays as it was.") {
		t.Errorf("the error is %v", err)
	}
	if text := fmt.Sprintf("%+v", e); strings.Contains(text, "canary") {
		t.Errorf("the error holds a secret: %s", text)
	}
}

// One access token serves every connection, until it is refused: then one more
// is asked for, and nobody notices.
func TestAccessTokenIsSharedAndRenewed(t *testing.T) {
	l := newLocked(t, sampleapp.Options{ClientID: "engine", ClientSecret: firstSecret})
	l.people(3)
	l.declare(l.oauth(1), config.Secrets{"client_secret": firstSecret})
	l.settles(true)
	if n := l.tokens(); n != 1 {
		t.Errorf("%d tokens were asked for by the test of the connection and the first cycle", n)
	}
	first := l.accounts.AccessTokens()
	l.accounts.RevokeTokens()
	l.people(30)
	if result := l.cycle(); !result.Succeeded || result.Cycle.Failed != 0 || l.accounts.Len(sampleapp.User) != 30 {
		t.Errorf("after the token was revoked: %+v, %d accounts", result, l.accounts.Len(sampleapp.User))
	}
	if n := l.tokens(); n != 2 {
		t.Errorf("%d tokens were asked for, want one more", n)
	}
	l.assertNowhere(append(first, append(l.accounts.AccessTokens(), firstSecret)...)...)
}

// A credential that dies in mid-cycle ends the cycle, not one object after the
// other, and puts the job in quarantine. A new one lifts it.
func TestCredentialThatDiesInMidCycle(t *testing.T) {
	const people = 200
	for name, test := range map[string]struct {
		options sampleapp.Options
		declare func(l *locked)
		renew   func(l *locked) error
	}{
		"bearer": {
			options: sampleapp.Options{Token: firstSecret},
			declare: func(l *locked) {
				l.declare(&config.Credential{Name: "chat", Method: config.Bearer, Fields: map[string]config.Field{"token": {Version: ptr(int64(1))}}},
					config.Secrets{"token": firstSecret})
			},
			renew: func(l *locked) error {
				return l.replace(&config.Credential{Name: "chat", Method: config.Bearer, Fields: map[string]config.Field{"token": {Version: ptr(int64(2))}}},
					config.Secrets{"token": secondSecret})
			},
		},
		"oauth2": {
			options: sampleapp.Options{ClientID: "engine", ClientSecret: firstSecret},
			declare: func(l *locked) { l.declare(l.oauth(1), config.Secrets{"client_secret": firstSecret}) },
			renew:   func(l *locked) error { return l.replace(l.oauth(2), config.Secrets{"client_secret": secondSecret}) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLocked(t, test.options)
			// After 50 accounts the app knows the second secret alone.
			var once sync.Once
			var dead atomic.Bool
			var denied atomic.Int64
			l.answer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if l.accounts.Len(sampleapp.User) >= 50 {
					once.Do(func() {
						l.accounts.SetClientSecret(secondSecret)
						l.accounts.RevokeTokens()
						dead.Store(true)
					})
				}
				if dead.Load() && test.options.Token != "" {
					if r.Header.Get("Authorization") != "Bearer "+secondSecret {
						denied.Add(1)
						w.WriteHeader(http.StatusUnauthorized)
						return
					}
					r.Header.Set("Authorization", "Bearer "+firstSecret)
				}
				l.accounts.ServeHTTP(w, r)
			}))
			l.people(people)
			test.declare(l)
			l.settles(false)
			s := l.status()
			if s.Quarantine == nil || s.Quarantine.Reason != "EncounteredQuarantineException" || s.LastCycle.State != status.Failed {
				t.Fatalf("the job is %+v", s)
			}
			for _, entry := range l.failures() {
				if entry.Category != audit.Job {
					t.Errorf("an object is blamed: %+v", entry)
				}
			}
			if s.Escrowed != 0 || s.LastCycle.Failed != 0 {
				t.Errorf("%d escrows, %d failed", s.Escrowed, s.LastCycle.Failed)
			}
			if n := l.tokens() + int(denied.Load()); n > 100 {
				t.Errorf("%d requests were made in vain", n)
			}
			if err := test.renew(l); err != nil {
				t.Fatal(err)
			}
			l.settles(true)
			if s := l.status(); s.Quarantine != nil || s.Managed["User"] != people || l.accounts.Len(sampleapp.User) != people {
				t.Errorf("after the renewal: %+v, %d accounts", s, l.accounts.Len(sampleapp.User))
			}
			l.assertNowhere(firstSecret, secondSecret)
		})
	}
}

// A new secret is tried before it replaces the old one, by a token of its own.
func TestRotationIsTestedFirst(t *testing.T) {
	l := newLocked(t, sampleapp.Options{ClientID: "engine", ClientSecret: firstSecret})
	l.people(3)
	l.declare(l.oauth(1), config.Secrets{"client_secret": firstSecret})
	l.settles(true)

	refusedBy(t, l.replace(l.oauth(2), config.Secrets{"client_secret": secondSecret}), `app "chat"`)
	if stored, err := l.engine.Get(t.Context(), config.KindCredential, l.credential.ID); err != nil || *stored.(*config.Credential).Fields["client_secret"].Version != 1 {
		t.Errorf("stored is %+v, %v", stored, err)
	}
	l.accounts.RevokeTokens()
	if _, err := l.engine.TestConnection(t.Context(), config.KindApp, l.app.ID); err != nil {
		t.Errorf("the old secret is not used any more: %v", err)
	}

	// Versions are names, not numbers: one that was used before holds what it
	// holds now.
	for _, step := range []struct {
		version int64
		secret  string
	}{{2, secondSecret}, {1, firstSecret}, {2, secondSecret}} {
		l.accounts.SetClientSecret(step.secret)
		if err := l.replace(l.oauth(step.version), config.Secrets{"client_secret": step.secret}); err != nil {
			t.Fatal(err)
		}
		l.accounts.RevokeTokens()
		if _, err := l.engine.TestConnection(t.Context(), config.KindApp, l.app.ID); err != nil {
			t.Errorf("version %d: %v", step.version, err)
		}
	}

	// A rename tests nothing and needs no secret.
	l.server.Close()
	renamed := l.oauth(2)
	renamed.Name = "chat renamed"
	if err := l.replace(renamed, nil); err != nil {
		t.Errorf("a rename: %v", err)
	}
}

// A credential that is replaced in mid-cycle is used from then on: the old one
// may be revoked as soon as the new one is in its place.
func TestRotationInMidCycle(t *testing.T) {
	const people = 200
	l := newLocked(t, sampleapp.Options{Token: firstSecret, Username: "engine", Password: secondSecret})
	reached, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	var revoked atomic.Bool
	l.answer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, basic := r.BasicAuth(); revoked.Load() && !basic {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.Method == http.MethodPost && l.accounts.Len(sampleapp.User) >= 50 {
			once.Do(func() { close(reached) })
			<-goOn
		}
		l.accounts.ServeHTTP(w, r)
	}))
	l.people(people)
	l.declare(&config.Credential{Name: "chat", Method: config.Bearer, Fields: map[string]config.Field{"token": {Version: ptr(int64(1))}}},
		config.Secrets{"token": firstSecret})
	<-reached
	err := l.replace(&config.Credential{Name: "chat", Method: config.Basic, Fields: map[string]config.Field{
		"username": {Value: "engine"}, "password": {Version: ptr(int64(1))},
	}}, config.Secrets{"password": secondSecret})
	revoked.Store(true)
	close(goOn)
	if err != nil {
		t.Fatal(err)
	}
	l.settles(true)
	if failures := l.failures(); len(failures) > 0 || l.status().Quarantine != nil || l.accounts.Len(sampleapp.User) != people {
		t.Errorf("%d accounts, status %+v, failures %+v", l.accounts.Len(sampleapp.User), l.status(), failures)
	}
	if n := l.accounts.Counts()["create User"].Requests; n != people {
		t.Errorf("%d creates were sent for %d people", n, people)
	}
}

// guarded is a source that wants a password.
type guarded struct {
	connector.Source
	credential connector.Credential
	wanted     *atomic.Pointer[string]
}

func (g *guarded) admitted(ctx context.Context) error {
	password, err := g.credential.Field(ctx, "password")
	if err == nil && password != *g.wanted.Load() {
		err = &connector.Error{Class: connector.Denied, Code: "Unauthorized", Detail: "the directory does not let us in", Advice: "check the password"}
	}
	return err
}

func (g *guarded) Test(ctx context.Context) ([]connector.Finding, error) {
	if err := g.admitted(ctx); err != nil {
		return nil, err
	}
	return g.Source.Test(ctx)
}

func (g *guarded) Read(ctx context.Context, request connector.ReadRequest, yield func(connector.Change) error) (connector.ReadResult, error) {
	if err := g.admitted(ctx); err != nil {
		return connector.ReadResult{}, err
	}
	return g.Source.Read(ctx, request, yield)
}

// The credential of a source is rotated as that of an app is: tested first, and
// lifting the quarantine that the old one led to.
func TestRotationForASource(t *testing.T) {
	l := newLocked(t, sampleapp.Options{})
	l.close()
	var wanted atomic.Pointer[string]
	wanted.Store(ptr(firstSecret))
	builtin := engine.Builtin()
	l.open(&connector.Registry{Targets: builtin.Targets, Sources: map[string]func(connector.Options) (connector.Source, error){
		"file": func(options connector.Options) (connector.Source, error) {
			source, err := builtin.Sources["file"](options)
			return &guarded{source, options.Credential, &wanted}, err
		},
	}})
	l.people(3)
	basic := func(version int64) *config.Credential {
		return &config.Credential{Name: "directory", Method: config.Basic, Fields: map[string]config.Field{"username": {Value: "cn=reader"}, "password": {Version: &version}}}
	}
	directory := basic(1)
	l.create(directory, config.Secrets{"password": firstSecret})
	l.reader = directory.ID
	l.declare(&config.Credential{Name: "chat", Method: config.Bearer, Fields: map[string]config.Field{"token": {Reference: "env:PATH"}}}, nil)
	l.settles(true)

	l.credential = directory
	refusedBy(t, l.replace(basic(2), config.Secrets{"password": secondSecret}), `source "people"`)
	wanted.Store(ptr(secondSecret))
	if result := l.cycle(); result.Succeeded || l.status().Quarantine == nil {
		t.Fatalf("with the old password: %+v", result)
	}
	if err := l.replace(basic(2), config.Secrets{"password": secondSecret}); err != nil {
		t.Fatal(err)
	}
	l.settles(true)
	if s := l.status(); s.Quarantine != nil {
		t.Errorf("the quarantine stays: %+v", s.Quarantine)
	}
	l.assertNowhere(firstSecret, secondSecret)
}

// A plan may point a source elsewhere: what is asked of it before it is saved
// must not hand over the password.
func TestPlannedSourceGetsNoCredential(t *testing.T) {
	l := newLocked(t, sampleapp.Options{})
	l.close()
	var opened atomic.Int32 // elsewhere
	builtin := engine.Builtin()
	l.open(&connector.Registry{Targets: builtin.Targets, Sources: map[string]func(connector.Options) (connector.Source, error){
		"file": func(options connector.Options) (connector.Source, error) {
			if strings.Contains(string(options.Connection), "elsewhere.csv") {
				opened.Add(1)
			}
			return builtin.Sources["file"](options)
		},
	}})
	l.people(3)
	reader := &config.Credential{Name: "directory", Method: config.Bearer, Fields: map[string]config.Field{"token": {Reference: "env:PATH"}}}
	l.create(reader, nil)
	l.reader = reader.ID
	l.declare(&config.Credential{Name: "chat", Method: config.Bearer, Fields: map[string]config.Field{"token": {Reference: "env:PATH"}}}, nil)
	stored, err := l.engine.Get(t.Context(), config.KindSource, l.app.SourceID)
	if err != nil {
		t.Fatal(err)
	}
	check := func(source *config.Source) {
		for _, request := range []api.CheckRequest{
			{Filter: &config.Filter{AppID: l.app.ID, ObjectType: "User", Name: "f", Clauses: []scoping.Clause{{Attribute: "id", Operator: scoping.IsNotNull}}}},
			{Assignment: &config.Assignment{AppID: l.app.ID, User: "1"}},
		} {
			request.App, request.Source = l.app, source
			if _, err := l.engine.Check(t.Context(), request); err != nil {
				t.Error(err)
			}
		}
	}
	elsewhere := *stored.(*config.Source)
	elsewhere.File = &config.FileSource{Users: &config.FileSet{Path: filepath.Join(t.TempDir(), "elsewhere.csv"), IDColumn: "id"}}
	check(&elsewhere)
	if n := opened.Load(); n != 0 {
		t.Errorf("the planned source was opened %d times", n)
	}
	elsewhere.CredentialID = "" // nothing can leak, and what is there is looked at
	if check(&elsewhere); opened.Load() == 0 {
		t.Error("the planned source was never opened")
	}
}

// A file that another program rewrites is read again when its secret is refused.
func TestReferenceIsReadAgain(t *testing.T) {
	l := newLocked(t, sampleapp.Options{Username: "engine", Password: firstSecret})
	var wanted atomic.Pointer[string]
	l.answer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+*wanted.Load() {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		r.SetBasicAuth("engine", firstSecret)
		l.accounts.ServeHTTP(w, r)
	}))
	path := filepath.Join(l.dir, "token")
	write := func(secret string) {
		if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(firstSecret)
	wanted.Store(ptr(firstSecret))
	l.people(1)
	l.declare(&config.Credential{Name: "chat", Method: config.Bearer, Fields: map[string]config.Field{"token": {Reference: "file:" + path}}}, nil)
	l.settles(true)
	wanted.Store(ptr(secondSecret))
	write(secondSecret)
	l.people(2)
	if result := l.cycle(); !result.Succeeded {
		t.Errorf("with the new file: %+v", result)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	l.people(3)
	if result := l.cycle(); result.Succeeded || !strings.Contains(result.Reason+result.Advice, path) {
		t.Errorf("without the file: %+v", result)
	}
	if s := l.status(); s.Quarantine == nil || s.Escrowed != 0 {
		t.Errorf("without the file: %+v", s)
	}
	write(secondSecret)
	if err := l.engine.StartJob(t.Context(), l.app.ID, "ada"); err != nil {
		t.Fatal(err)
	}
	if result := l.cycle(); !result.Succeeded {
		t.Errorf("with the file again: %+v", result)
	}
	if n := l.accounts.Len(sampleapp.User); n != 3 {
		t.Errorf("%d accounts", n)
	}
	l.assertNowhere(firstSecret, secondSecret)
}
