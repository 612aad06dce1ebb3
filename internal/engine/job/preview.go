package job

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/catalog"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/cycle"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/snapshot"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// defaultChanges is how many changes a preview lists unless told otherwise.
const defaultChanges = 1000

// PreviewOptions say what a preview runs on.
type PreviewOptions struct {
	Pending bool // the declared configuration, as it would be after its release
	Fresh   bool // read the source first
	Limit   int  // of listed changes; 0: 1000
}

// Preview tells what a cycle would do now. It is the very driver of cycles,
// over an overlay of the store and with a target that carries nothing out.
func (m *Manager) Preview(ctx context.Context, appID string, options PreviewOptions, progress func(status.Progress)) (status.Preview, error) {
	before, err := m.catalog.Released(appID)
	if err != nil {
		return status.Preview{}, err
	}
	a, err := m.rehearse(ctx, appID, options)
	if err != nil {
		return status.Preview{}, err
	}
	defer a.close()
	keys, _, err := a.keys()
	if err != nil {
		return status.Preview{}, err
	}
	recorder := &recorder{limit: options.Limit}
	if recorder.limit == 0 {
		recorder.limit = defaultChanges
	}
	recent := a.state.recent(m.Clock.Now())
	of := a.cycleJob(recent)
	of.Preview = true
	environment := a.environment()
	environment.Target, environment.Log, environment.Progress = connector.DryRun(a.target), recorder, progress
	summary, err := cycle.Run(ctx, of, keys, environment)
	if err != nil {
		return status.Preview{}, err
	}
	if summary.Stopped {
		return status.Preview{}, ctx.Err()
	}
	preview := status.Preview{AppID: appID, AppName: a.released.App.Name, Counts: summary.Counts, Changes: recorder.changes, More: recorder.more}
	if summary.Held != nil {
		preview.Held = summary.Held.Count
	}
	preview.OpenDoors = openDoors(before, a.released)
	return preview, nil
}

// rehearse prepares what only looks at what a cycle would do: an activity over
// an overlay of the store, its source read if it never was, its target open.
// Its close drops all of it.
func (m *Manager) rehearse(ctx context.Context, appID string, options PreviewOptions) (*activity, error) {
	r, err := m.runner(appID)
	if err != nil {
		return nil, err
	}
	released, job, err := r.previewed(options.Pending)
	if err != nil {
		return nil, err
	}
	if released.App == nil || released.Source == nil {
		return nil, errors.New("nothing of the app is in force yet: preview what is declared (pending)")
	}
	before, err := m.catalog.Released(appID)
	if err != nil {
		return nil, err
	}
	overlay := store.Overlay(m.Store)
	a := &activity{runner: r, job: job, released: released, store: overlay, close: func() {}, rehearsal: true}
	err = a.prepareRehearsal(ctx, before, options.Fresh)
	disconnect := a.close
	a.close = func() {
		disconnect()
		_ = overlay.Close()
	}
	if err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

func (a *activity) prepareRehearsal(ctx context.Context, before *catalog.Released, fresh bool) error {
	a.mu.Lock()
	a.state = *a.runner.state
	a.mu.Unlock()
	a.state.Touched = append(slices.Clone(a.state.Touched), assignmentChanges(before, a.released)...)
	a.snapshot = snapshot.Open(a.store, a.released.Source.ID, snapshot.Options{Now: a.m.Clock.Now})
	a.cycle = status.Cycle{ID: "preview", Kind: status.Incremental, StartedAt: a.m.Clock.Now()}
	if a.state.Restart || a.state.Shape != a.released.Shape() || a.state.SourceID != a.released.Source.ID {
		a.cycle.Kind = status.Initial
	}
	sequence, err := a.snapshot.Sequence()
	if err != nil {
		return err
	}
	if fresh || sequence == 0 {
		err = a.importSource(ctx)
	} else {
		err = a.readEpoch()
	}
	if err != nil {
		return err
	}
	if err := a.openTarget(ctx); err != nil {
		return err
	}
	return a.tie(ctx)
}

// previewed gives the configuration that a preview runs on.
func (r *runner) previewed(pending bool) (*catalog.Released, *config.Job, error) {
	job, err := r.m.job(r.appID)
	if err != nil {
		return nil, nil, err
	}
	if job == nil {
		job = &config.Job{AppID: r.appID}
	}
	released, err := r.m.catalog.Released(r.appID)
	if err != nil {
		return nil, nil, err
	}
	if !pending && released.App != nil {
		return released, job, nil
	}
	declared, err := r.m.catalog.Declared(r.appID)
	return declared, job, err
}

// openDoors tells where a filter or mapping that is no longer there lets more
// in than before (decisions 33).
func openDoors(before, after *catalog.Released) []string {
	var doors []string
	filters := func(r *catalog.Released, typ string) (n int) {
		for _, f := range r.Filters {
			if f.ObjectType == typ {
				n++
			}
		}
		return n
	}
	for _, typ := range after.Source.ObjectTypes() {
		if filters(before, typ) > 0 && filters(after, typ) == 0 {
			doors = append(doors, "The last scoping filter of "+typ+" is gone: every one that is otherwise in scope gets an account.")
		}
		if isDeclared(before, typ) && !isDeclared(after, typ) {
			doors = append(doors, "The mapping of "+typ+" is gone: the template's preconfigured one applies.")
		}
	}
	return doors
}

// recorder is the log of a preview: it keeps the changes and writes nothing.
type recorder struct {
	mu      sync.Mutex
	limit   int
	changes []status.Change
	more    int64
}

// Mutations implements cycle.Log.
func (r *recorder) Mutations(entries ...audit.Entry) ([]store.Mutation, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range entries {
		if len(r.changes) >= r.limit {
			r.more++
			continue
		}
		change := status.Change{
			Action: string(e.Action), Type: e.Source.Type, Anchor: e.Source.ID, Source: e.Source.DisplayName, Target: e.Target.ID,
			Reason: e.Reason, Failed: e.Status == audit.Failure, Skipped: e.Status == audit.Skipped, Held: e.Action == audit.StagedDelete,
		}
		for _, property := range e.ModifiedProperties {
			change.Details = append(change.Details, status.Property(property))
		}
		r.changes = append(r.changes, change)
	}
	return nil, nil
}

// Append implements cycle.Log.
func (r *recorder) Append(mutations []store.Mutation, entry audit.Entry) ([]store.Mutation, error) {
	more, err := r.Mutations(entry)
	return append(mutations, more...), err
}

// Wake implements cycle.Log.
func (r *recorder) Wake() {}
