package provider

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// fakeEngine is an api.Service in memory: it stores what is declared, runs no
// cycle, and fails as it is told to.
type fakeEngine struct {
	target
	mu          sync.Mutex
	store       string
	things      []config.Thing
	generations map[config.Identity]int64
	secrets     map[string]config.Secrets // by id, as last sent
	sent        int                       // how often secrets were sent

	status   func(appID string) status.Job
	entries  []audit.Entry
	accounts []status.Account
	asked    []status.AccountQuery
	compared status.Unmatched
	queries  []audit.Query
	preview  status.Preview
	warnings []api.Warning
	wait     func(ctx context.Context, request api.WaitRequest, progress func(status.Progress)) (api.WaitResult, error)
	waits    []api.WaitRequest
	refuse   func(thing config.Thing) error // of Create and Update
	schema   directory.Schema
	checks   func(request api.CheckRequest) ([]api.Warning, error)
}

var _ api.Service = (*fakeEngine)(nil)

func newFake(t *testing.T) *fakeEngine {
	t.Helper()
	return &fakeEngine{target: nowhere, store: "01STORE", generations: map[config.Identity]int64{}, secrets: map[string]config.Secrets{}}
}

// copyOf gives the thing as it would come over the wire.
func copyOf(thing config.Thing) config.Thing {
	data, err := json.Marshal(thing)
	if err != nil {
		panic(err)
	}
	out := config.New(thing.Identity().Kind)
	if err := json.Unmarshal(data, out); err != nil {
		panic(err)
	}
	return out
}

func (f *fakeEngine) find(match func(config.Thing) bool) int {
	return slices.IndexFunc(f.things, match)
}

func withID(kind config.Kind, id string) func(config.Thing) bool {
	return func(t config.Thing) bool { return t.Identity().Kind == kind && t.GetID() == id }
}

func withIdentity(identity config.Identity) func(config.Thing) bool {
	return func(t config.Thing) bool { return t.Identity() == identity }
}

func (f *fakeEngine) generation(identity config.Identity) api.Generation {
	g := api.Generation{Next: f.generations[identity] + 1}
	g.ID = config.ID(identity, g.Next)
	if at := f.find(withIdentity(identity)); at >= 0 {
		g.ExistingID = f.things[at].GetID()
	}
	return g
}

func (f *fakeEngine) Generation(_ context.Context, identity config.Identity) (api.Generation, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.generation(identity), nil
}

func (f *fakeEngine) check(thing config.Thing) error {
	if problems := thing.Validate(); len(problems) > 0 {
		return &api.Error{Code: api.CodeInvalid, Summary: "Invalid", Problems: problems}
	}
	if f.refuse != nil {
		return f.refuse(thing)
	}
	return nil
}

func (f *fakeEngine) SourceSchema(context.Context, string) (directory.Schema, error) {
	return f.schema, nil
}

func (f *fakeEngine) TargetSchema(context.Context, string) (directory.Schema, error) {
	return f.schema, nil
}

func (f *fakeEngine) Check(_ context.Context, request api.CheckRequest) ([]api.Warning, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.checks == nil {
		return nil, nil
	}
	return f.checks(request)
}

func (f *fakeEngine) Create(_ context.Context, thing config.Thing, secrets config.Secrets) (config.Thing, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.check(thing); err != nil {
		return nil, err
	}
	thing = copyOf(thing)
	g := f.generation(thing.Identity())
	switch {
	case g.ExistingID != "":
		return nil, &api.Error{Code: api.CodeExists, Summary: "exists", ID: g.ExistingID}
	case thing.GetID() == "":
		thing.SetID(g.ID)
	case thing.GetID() != g.ID:
		return nil, api.Errorf(api.CodeConflict, "The plan is stale", "planned %s, due is %s", thing.GetID(), g.ID)
	}
	f.generations[thing.Identity()] = g.Next
	if job, ok := thing.(*config.Job); ok {
		f.release(job, nil)
	}
	if secrets != nil {
		f.secrets[thing.GetID()], f.sent = secrets, f.sent+1
	}
	f.things = append(f.things, thing)
	return copyOf(thing), nil
}

// release records as met the revisions that need no wait.
func (f *fakeEngine) release(job, before *config.Job) {
	if before != nil {
		job.MetRevisions, job.AwaitedCycle = before.MetRevisions, before.AwaitedCycle
	}
	if job.WaitFor == "" || job.WaitFor == waitForNone || !job.IsEnabled() {
		job.MetRevisions = job.Revisions
	}
}

func (f *fakeEngine) Update(_ context.Context, thing config.Thing, secrets config.Secrets) (config.Thing, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.check(thing); err != nil {
		return nil, err
	}
	thing = copyOf(thing)
	at := f.find(withID(thing.Identity().Kind, thing.GetID()))
	if at < 0 {
		return nil, api.Errorf(api.CodeNotFound, "Gone", "there is no %s", thing.GetID())
	}
	if job, ok := thing.(*config.Job); ok {
		f.release(job, f.things[at].(*config.Job))
	}
	if secrets != nil {
		f.secrets[thing.GetID()], f.sent = secrets, f.sent+1
	}
	f.things[at] = thing
	return copyOf(thing), nil
}

func (f *fakeEngine) Delete(_ context.Context, kind config.Kind, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, thing := range f.things {
		if app, ok := thing.(*config.App); ok && (app.SourceID == id || app.CredentialID == id) {
			return api.Errorf(api.CodeInUse, "It is in use", "app %q uses it", app.Name)
		}
	}
	f.things = slices.DeleteFunc(f.things, withID(kind, id))
	return nil
}

func (f *fakeEngine) Get(_ context.Context, kind config.Kind, id string) (config.Thing, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := f.find(withID(kind, id))
	if at < 0 {
		return nil, api.Errorf(api.CodeNotFound, "Gone", "there is no %s %s", kind, id)
	}
	return copyOf(f.things[at]), nil
}

func (f *fakeEngine) List(_ context.Context, kind config.Kind, query api.ListQuery) ([]config.Thing, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []config.Thing
	for _, thing := range f.things {
		identity := thing.Identity()
		if identity.Kind == kind && (query.Name == "" || query.Name == identity.Name) && (query.AppID == "" || query.AppID == identity.Parent) {
			out = append(out, copyOf(thing))
		}
	}
	return out, nil
}

func (f *fakeEngine) Status(_ context.Context, appID string) (status.Job, error) {
	if f.status == nil {
		return status.Job{AppID: appID, Code: status.NotRun}, nil
	}
	return f.status(appID), nil
}

func (f *fakeEngine) Warnings(context.Context, string) ([]api.Warning, error) { return f.warnings, nil }

func (f *fakeEngine) Audit(_ context.Context, query audit.Query) ([]audit.Entry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queries = append(f.queries, query)
	return f.entries, nil
}

func (f *fakeEngine) FollowAudit(context.Context, audit.Query, func(audit.Entry) error) error {
	return nil
}

func (f *fakeEngine) Accounts(_ context.Context, query status.AccountQuery, yield func(status.Account) error) error {
	f.mu.Lock()
	f.asked = append(f.asked, query)
	f.mu.Unlock()
	for i, account := range f.accounts {
		if i == query.Limit {
			break
		}
		if err := yield(account); err != nil {
			return err
		}
	}
	return nil
}

func (f *fakeEngine) Unmatched(context.Context, string, func(status.Progress)) (status.Unmatched, error) {
	return f.compared, nil
}

func (f *fakeEngine) DropLink(context.Context, string, api.DropLinkRequest) (status.Account, error) {
	return status.Account{}, nil
}

func (f *fakeEngine) Preview(context.Context, string, api.PreviewRequest, func(status.Progress)) (status.Preview, error) {
	return f.preview, nil
}

func (f *fakeEngine) Wait(ctx context.Context, appID string, request api.WaitRequest, progress func(status.Progress)) (api.WaitResult, error) {
	f.mu.Lock()
	f.waits = append(f.waits, request)
	wait, cycle := f.wait, "cycle-"+string(rune('0'+len(f.waits)))
	f.mu.Unlock()
	result := api.WaitResult{Succeeded: true, Cycle: status.Cycle{ID: cycle}}
	if wait != nil {
		var err error
		if result, err = wait(ctx, request, progress); err != nil || !result.Succeeded {
			return result, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, thing := range f.things {
		if job, ok := thing.(*config.Job); ok && job.AppID == appID {
			job.MetRevisions, job.AwaitedCycle = request.Revisions, result.Cycle.ID
		}
	}
	return result, nil
}

func (f *fakeEngine) StartJob(context.Context, string, string) error                { return nil }
func (f *fakeEngine) PauseJob(context.Context, string, string) error                { return nil }
func (f *fakeEngine) RestartJob(context.Context, string, string, []string) error    { return nil }
func (f *fakeEngine) ApproveRemovals(context.Context, string, string, string) error { return nil }
func (f *fakeEngine) Backup(context.Context, io.Writer) error                       { return nil }
func (f *fakeEngine) Provision(context.Context, string, api.ProvisionRequest) ([]api.ProvisionResult, error) {
	return nil, nil
}
func (f *fakeEngine) TestConnection(context.Context, config.Kind, string) ([]connector.Finding, error) {
	return nil, nil
}

func (f *fakeEngine) Identity(context.Context) (api.Identity, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return api.Identity{StoreID: f.store, DataDir: "/var/lib/" + f.store}, nil
}

var moment = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
