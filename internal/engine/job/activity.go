package job

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/catalog"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/cycle"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/ledger"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/snapshot"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// activity is one attempt at a cycle.
type activity struct {
	*runner
	job      *config.Job
	released *catalog.Released
	state    State // as it was when the attempt began
	store    store.Store
	snapshot *snapshot.Snapshot
	report   snapshot.Report
	epoch    string
	cycle    status.Cycle
	resumed  bool
	target   connector.Target
	close    func()            // of the target
	learner  connector.Learner // the target, when it is one
	requests *connector.Counter
	// concurrency is how many requests the job or the template allows at a time; 0:
	// neither says.
	concurrency int
	features    connector.Features
	moved       bool // the app's connection is another than before
	programs    []*provision.Program
	ledger      *ledger.Ledger
	// rehearsal says that it only looks at what a cycle would do: how far it is
	// is not told as the job's progress.
	rehearsal bool
}

// attempt runs one cycle and records what it came to.
func (r *runner) attempt(ctx context.Context) {
	r.busy.Lock()
	defer r.busy.Unlock()
	running, interrupt := context.WithCancelCause(ctx)
	defer interrupt(nil)
	r.mu.Lock()
	r.interrupt = interrupt // what changes from here on stops this attempt
	r.begun++
	number, forced := r.begun, r.force
	r.force = false
	r.mu.Unlock()
	wentWell, err := r.carryOut(running)
	r.mu.Lock()
	r.interrupt, r.progress = nil, nil
	switch {
	case errors.Is(err, errNotDue), err != nil && running.Err() != nil:
		r.force = r.force || forced
	case err != nil:
		r.force = r.force || forced
		r.m.Logger.Error("run a cycle", "app", r.appID, "error", err)
		r.rest = r.m.Clock.Now().Add(restAfterFault)
	case wentWell:
		r.ended = number
	}
	r.mu.Unlock()
	r.announce()
}

// restAfterFault passes before the next attempt when the store failed.
const restAfterFault = time.Minute

// errNotDue says that a job was stopped or destroyed just before a cycle.
var errNotDue = errors.New("no cycle is due any more")

// carryOut runs one cycle and reports whether it went well. The error is one of
// the store.
func (r *runner) carryOut(ctx context.Context) (bool, error) {
	a := &activity{runner: r, store: r.m.Store, close: func() {}}
	defer func() { a.close() }()
	if err := a.begin(ctx); err != nil {
		return false, err
	}
	summary, err := a.run(ctx)
	if err := a.keepLearned(context.WithoutCancel(ctx)); err != nil {
		return false, err
	}
	return a.finish(context.WithoutCancel(ctx), summary, err, context.Cause(ctx))
}

// begin reads what the cycle will run on, and decides its kind.
func (a *activity) begin(ctx context.Context) error {
	var err error
	if a.job, err = a.m.job(a.appID); err != nil {
		return err
	}
	if a.job == nil || !a.job.IsEnabled() {
		return errNotDue
	}
	if a.released, err = a.m.catalog.Released(a.appID); err != nil {
		return err
	}
	a.mu.Lock()
	stopped := a.runner.state.Pause != nil || a.runner.state.Disabled
	a.mu.Unlock()
	if stopped {
		return errNotDue
	}
	now := a.m.Clock.Now()
	if err := a.update(ctx, func(s *State) { s.StartedAt = now }); err != nil {
		return err
	}
	a.mu.Lock()
	a.state = *a.runner.state
	a.mu.Unlock()
	a.snapshot = a.m.Snapshot(a.released.Source.ID)
	kind := status.Incremental
	if a.state.Restart || a.state.Shape != a.released.Shape() || a.state.SourceID != a.released.Source.ID {
		kind = status.Initial
	}
	a.cycle = status.Cycle{ID: a.m.NewID(), Kind: kind, State: status.Running, StartedAt: now, Configuration: a.released.Digest()}
	if was := a.state.Running; was != nil && was.Kind == kind {
		a.cycle.ID, a.cycle.StartedAt, a.resumed = was.ID, was.StartedAt, true
	}
	return nil
}

// run reads the source, and, when there is something to do, runs the cycle.
func (a *activity) run(ctx context.Context) (*cycle.Summary, error) {
	if err := a.importSource(ctx); err != nil {
		return nil, err
	}
	// A first look without the target: an idle job sends no request.
	a.ledger = ledger.Open(a.store, a.appID, a.connection())
	if a.state.Features != nil {
		var err error
		if a.programs, err = programs(a.released, a.job, *a.state.Features, a.schema()); err != nil {
			return nil, err
		}
	}
	_, work, err := a.keys()
	if err != nil || !work {
		return nil, err
	}
	if err := a.openTarget(ctx); err != nil {
		return nil, err
	}
	if err := a.tie(ctx); err != nil {
		return nil, err
	}
	if err := a.keepFeatures(ctx); err != nil {
		return nil, err
	}
	keys, _, err := a.keys()
	if err != nil {
		return nil, err
	}
	began := a.cycle
	if err := a.update(ctx, func(s *State) { s.Running = &began }); err != nil {
		return nil, err
	}
	a.mu.Lock()
	recent := a.runner.state.recent(a.m.Clock.Now())
	a.mu.Unlock()
	summary, err := cycle.Run(ctx, a.cycleJob(recent), keys, a.environment())
	return &summary, err
}

func (a *activity) cycleJob(recent map[string]int64) cycle.Job {
	return cycle.Job{
		AppID: a.appID, AppName: a.released.App.Name, InitiatedBy: "system", Cycle: a.cycle, Resumed: a.resumed,
		Programs: a.programs, Entitled: entitlements(a.released), Features: a.features,
		Threshold: a.job.Threshold(), Recent: recent, LogAll: a.job.LogDetail == "all", Concurrency: a.concurrency,
	}
}

func (a *activity) environment() cycle.Environment {
	return cycle.Environment{
		Store: a.store, Snapshot: a.snapshot, Ledger: a.ledger, Target: a.target, Log: a.m.Log, Clock: a.m.Clock, Progress: a.tell,
		Earlier: func(ctx context.Context, f func(audit.Entry)) error {
			entries, err := a.m.Log.Query(ctx, audit.Query{AppID: a.appID, CycleID: a.cycle.ID, Limit: 1_000_000})
			for _, e := range entries {
				f(e)
			}
			return err
		},
	}
}

func (a *activity) tell(p status.Progress) {
	if a.rehearsal {
		return
	}
	a.mu.Lock()
	a.progress = &p
	a.mu.Unlock()
}

// importSource brings the snapshot up to date. What cannot be read ends the
// cycle as failed, and removes nobody.
func (a *activity) importSource(ctx context.Context) error {
	a.tell(status.Progress{CycleID: a.cycle.ID, Kind: a.cycle.Kind, Phase: "reading the source", StartedAt: a.cycle.StartedAt})
	source, err := a.m.OpenSource(ctx, a.released.Source)
	if err != nil {
		return &sourceError{err}
	}
	approved := func(typ string, _ int) bool {
		for _, t := range a.state.ApprovedEmpty {
			if t == typ {
				return true
			}
		}
		return false
	}
	if a.report, err = a.snapshot.Import(ctx, source, a.released.Source.ObjectTypes(), approved); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &sourceError{err}
	}
	return a.readEpoch()
}

// sourceError says that the source could not be read.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return "the source cannot be read: " + e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

func (a *activity) connection() string {
	if a.state.Features == nil {
		return ""
	}
	return a.state.Features.Connection
}

func (a *activity) schema() directory.Schema {
	if a.state.Schema == nil {
		return directory.Schema{}
	}
	return *a.state.Schema
}

// keepLearned remembers what the connector found out about the target.
func (a *activity) keepLearned(ctx context.Context) error {
	if a.learner == nil {
		return nil
	}
	learned := a.learner.Learned()
	if bytes.Equal(learned, a.state.Learned) {
		return nil
	}
	return a.update(ctx, func(s *State) { s.Learned = learned })
}

// openTarget connects to the app. What it told of itself, and what was found out
// about it, is asked and found out again in initial cycles only.
func (a *activity) openTarget(ctx context.Context) error {
	bare, err := a.m.OpenTarget(ctx, a.released.App)
	if err != nil {
		return err
	}
	a.close = func() {
		if c, ok := bare.(io.Closer); ok {
			_ = c.Close() // idle connections; nothing is lost with them
		}
	}
	if learner, ok := bare.(connector.Learner); ok {
		a.learner = learner
		if a.state.Features != nil && a.cycle.Kind != status.Initial {
			learner.Recall(a.state.Learned, a.schema())
		}
	}
	a.requests = connector.Count(bare)
	limits := connector.LimitOptions{Clock: a.m.Clock}
	if a.state.Features != nil {
		limits.RequestsPerSecond, limits.MaxConcurrency = a.state.Features.RequestsPerSecond, a.state.Features.Concurrency
	}
	if rate := a.job.RateLimit; rate != nil {
		if rate.RequestsPerSecond != nil {
			limits.RequestsPerSecond = *rate.RequestsPerSecond
		}
		if rate.Concurrency != nil {
			limits.MaxConcurrency = int(*rate.Concurrency)
		}
	}
	a.concurrency = limits.MaxConcurrency
	a.target = connector.Breaker(connector.Retry(connector.Limit(a.requests, limits), a.m.Clock, rand.Float64), matchingOf(a.released))
	if a.state.Features != nil && a.cycle.Kind == status.Incremental {
		a.features = *a.state.Features
		return nil
	}
	features, schema, err := a.target.Describe(ctx)
	if err != nil {
		return err
	}
	a.features = features
	if before := a.state.Features; before != nil && before.Connection != features.Connection {
		a.moved = true
	}
	a.state.Schema = &schema
	return nil
}

// failure tells why a cycle could not be run, with what to do.
func failure(err error) (code, reason, advice string) {
	var source *sourceError
	if errors.As(err, &source) {
		e := connector.AsError(source.err)
		if e.Advice != "" {
			return audit.SourceUnavailable, err.Error(), e.Advice
		}
		return audit.SourceUnavailable, err.Error(), audit.Explain(audit.SourceUnavailable).Advice
	}
	cause, open := connector.OpenCause(err)
	if !open {
		var e *connector.Error
		if !errors.As(err, &e) {
			return audit.InternalError, err.Error(), audit.Explain(audit.InternalError).Advice
		}
		cause = e
	}
	advice = cause.Advice
	if advice == "" {
		advice = audit.Explain(cause.Code).Advice
	}
	return cause.Code, fmt.Sprintf("the app cannot be used: %s", cause.Error()), advice
}
