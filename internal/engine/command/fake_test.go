package command

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent/client"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fake is an agent that says what a test wants and notes what it was asked.
type fake struct {
	api.Service // what no test asks for
	apps        []config.Thing
	sources     []config.Thing
	things      []config.Thing // of other kinds
	jobs        map[string]*status.Job
	entries     []audit.Entry
	preview     status.Preview
	results     []api.ProvisionResult
	findings    []connector.Finding
	linked      []status.Account
	unmatched   status.Unmatched
	err         error // of whatever acts

	asked   []string
	query   audit.Query
	wanted  status.AccountQuery
	drop    api.DropLinkRequest
	demand  api.ProvisionRequest
	onStart func()
	follow  func(yield func(audit.Entry) error) error
	stopped bool
}

func (f *fake) note(call ...string) error {
	f.asked = append(f.asked, strings.Join(call, " "))
	return f.err
}

func (f *fake) List(_ context.Context, kind config.Kind, _ api.ListQuery) ([]config.Thing, error) {
	switch kind {
	case config.KindSource:
		return f.sources, nil
	case config.KindApp:
		return f.apps, nil
	}
	var things []config.Thing
	for _, thing := range f.things {
		if thing.Identity().Kind == kind {
			things = append(things, thing)
		}
	}
	return things, nil
}

func (f *fake) Get(_ context.Context, kind config.Kind, id string) (config.Thing, error) {
	for _, thing := range slices.Concat(f.sources, f.apps, f.things) {
		if thing.Identity().Kind == kind && thing.GetID() == id {
			return thing, nil
		}
	}
	return nil, &api.Error{Code: api.CodeNotFound, Summary: "There is no such thing"}
}

func (f *fake) Status(_ context.Context, id string) (status.Job, error) { return *f.jobs[id], nil }

func (f *fake) Audit(_ context.Context, q audit.Query) ([]audit.Entry, error) {
	f.query = q
	return f.entries[:min(len(f.entries), q.Limit)], nil
}

func (f *fake) FollowAudit(_ context.Context, q audit.Query, yield func(audit.Entry) error) error {
	f.query = q
	return f.follow(yield)
}

func (f *fake) Accounts(_ context.Context, q status.AccountQuery, yield func(status.Account) error) error {
	f.wanted = q
	for _, account := range f.linked {
		if err := yield(account); err != nil {
			return err
		}
	}
	return f.err
}

func (f *fake) Unmatched(_ context.Context, id string, progress func(status.Progress)) (status.Unmatched, error) {
	progress(status.Progress{Phase: "listing accounts", Done: 1})
	return f.unmatched, f.note("unmatched", id)
}

func (f *fake) DropLink(_ context.Context, id string, request api.DropLinkRequest) (status.Account, error) {
	f.drop = request
	return f.linked[0], f.note("drop", id, request.Object)
}

func (f *fake) Preview(_ context.Context, id string, _ api.PreviewRequest, progress func(status.Progress)) (status.Preview, error) {
	progress(status.Progress{Kind: status.Incremental, Phase: "users", Done: 1, Total: 2})
	return f.preview, f.note("preview", id)
}

func (f *fake) StartJob(_ context.Context, id, _ string) error {
	if f.onStart != nil {
		f.onStart()
	}
	return f.note("start", id)
}

func (f *fake) PauseJob(_ context.Context, id, _ string) error { return f.note("pause", id) }

func (f *fake) RestartJob(_ context.Context, id, _ string, scope []string) error {
	return f.note(append([]string{"restart", id}, scope...)...)
}

func (f *fake) ApproveRemovals(_ context.Context, id, _, digest string) error {
	return f.note("approve", id, digest)
}

func (f *fake) Provision(_ context.Context, _ string, request api.ProvisionRequest) ([]api.ProvisionResult, error) {
	f.demand = request
	return f.results, f.err
}

func (f *fake) TestConnection(_ context.Context, kind config.Kind, id string) ([]connector.Finding, error) {
	return f.findings, f.note("test", string(kind), id)
}

func (f *fake) Backup(_ context.Context, to io.Writer) error {
	_, err := io.WriteString(to, "the store")
	return errors.Join(err, f.err)
}

func (f *fake) Handshake() api.Handshake {
	return api.Handshake{
		API: api.Version, Version: "1.2.3", Build: "0123456789abcdef", StoreSchema: 1, StoreID: "store-1", DataDir: "/data", PID: 42,
		StartedAt: noon.Add(-2 * time.Hour), JobsUnattendedSince: noon.Add(-26 * time.Hour),
	}
}

func (f *fake) Stop(context.Context) error { f.stopped = true; return nil }
func (f *fake) Close() error               { return nil }

// environment is what a command finds in its own.
type environment map[string]string

func (e environment) get(name string) string { return e[name] }

// company is a fake with two apps: one that is well, one that is not.
func company() *fake {
	last := &status.Cycle{
		ID: "c2", Kind: status.Incremental, State: status.Succeeded, StartedAt: noon.Add(-5*time.Minute - 2*time.Second), EndedAt: noon.Add(-5 * time.Minute),
		Counts: status.Counts{Created: 1, Updated: 2, Unchanged: 7},
	}
	first := &status.Cycle{
		ID: "c1", Kind: status.Initial, State: status.EntryErrors, StartedAt: noon.Add(-3 * time.Hour), EndedAt: noon.Add(-3*time.Hour + 90*time.Second),
		Counts: status.Counts{Created: 8, Failed: 1}, Held: 0,
	}
	failed := &status.Cycle{
		ID: "w9", Kind: status.Incremental, State: status.Failed, StartedAt: noon.Add(-61 * time.Second), EndedAt: noon.Add(-time.Minute),
		Reason: "the app cannot be reached: connection refused",
	}
	return &fake{
		apps: []config.Thing{
			&config.App{ID: "app-2", Name: "wiki", SourceID: "src-1", Template: "scim", Mode: config.Manual, Scope: config.ScopeAll},
			&config.App{ID: "app-1", Name: "chat", SourceID: "src-1", Template: "scim"},
		},
		sources: []config.Thing{&config.Source{ID: "src-1", Name: "people"}},
		jobs: map[string]*status.Job{
			"app-1": {
				AppID: "app-1", AppName: "chat", JobID: "job-1", Code: status.Active, FirstCycle: first, LastCycle: last, LastSuccessfulCycle: last,
				CheckedAt: noon.Add(-time.Minute), NextCycleAt: noon.Add(9 * time.Minute),
				SteadyStateFirstAchievedAt: first.EndedAt, SteadyStateLastAchievedAt: noon.Add(-time.Minute),
				Managed:       map[string]int64{"User": 9, "Group": 2},
				Configuration: status.Configuration{Released: "abc", Pending: []string{"User mapping 2b25cc1d27c8"}},
			},
			"app-2": {
				AppID: "app-2", AppName: "wiki", JobID: "job-2", Code: status.Quarantine, LastCycle: failed,
				Quarantine: &status.QuarantineRecord{
					Reason: "EncounteredQuarantineException", Message: "The credential is not accepted.", Advice: "Give a new one.",
					Since: noon.Add(-time.Hour), NextAttempt: noon.Add(time.Hour),
				},
				CheckedAt: failed.EndedAt, Managed: map[string]int64{"User": 1}, Escrowed: 3,
				HeldRemovals: []status.HeldRemovals{{
					Digest: "3f2a9c", Count: 60, Reason: "more than 50 removals in an hour", Since: noon.Add(-time.Hour), Examples: []string{"Ada Lovelace", "Alan Turing"},
				}},
			},
		},
	}
}

// result is what a command line came to.
type result struct {
	code        int
	out, errors string
	dialled     []client.Options
}

// run carries out a command line against an agent, nil for none.
func run(t *testing.T, agent *fake, args ...string) result {
	t.Helper()
	return runProgram(t, t.Context(), Program{}, agent, args...)
}

func runProgram(t *testing.T, ctx context.Context, p Program, agent *fake, args ...string) result {
	t.Helper()
	var r result
	var out, errs bytes.Buffer
	p.Version, p.Stdout, p.Stderr = "1.2.3", &out, &errs
	p.Now = func() time.Time { return noon }
	if p.Getenv == nil {
		p.Getenv = func(string) string { return "" }
	}
	if p.Sleep == nil {
		p.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	}
	p.Dial = func(_ context.Context, options client.Options) (Agent, error) {
		r.dialled = append(r.dialled, options)
		if agent == nil {
			return nil, &api.Error{Code: api.CodeUnavailable, Summary: "No agent runs on data directory \"/data\"", Advice: "Start one."}
		}
		return agent, nil
	}
	r.code = p.Run(ctx, append(args, "--data-dir", t.TempDir()))
	r.out, r.errors = out.String(), errs.String()
	return r
}

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}
