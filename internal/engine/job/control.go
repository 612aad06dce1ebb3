package job

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/catalog"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/ledger"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// ErrNoJob says that an app has no job.
var ErrNoJob = errors.New("the app has no job")

// ErrNotHeld says that no held set has the digest that an approval names.
var ErrNotHeld = errors.New("no removals are held under that digest")

// Start lifts a pause, a quarantine and the state disabled, and runs a cycle at
// once.
func (m *Manager) Start(ctx context.Context, appID, by string) error {
	r, job, err := m.withJob(appID)
	if err != nil {
		return err
	}
	if !job.IsEnabled() {
		return fmt.Errorf("the job is off: set enabled = true")
	}
	noted, err := m.note(appID, by, "Enable/start provisioning configuration", "")
	if err != nil {
		return err
	}
	err = r.update(ctx, func(s *State) { s.Pause, s.Quarantine, s.Disabled, s.LastFailure = nil, nil, false, nil }, noted...)
	r.mu.Lock()
	r.force = true
	r.mu.Unlock()
	r.rouse()
	return err
}

// Enable is Start by an apply that turned enabled to true: it lifts an
// operator's pause as well.
func (m *Manager) Enable(ctx context.Context, appID string) error {
	r, err := m.runner(appID)
	if err != nil {
		return err
	}
	err = r.update(ctx, func(s *State) { s.Pause, s.Disabled = nil, false })
	r.rouse()
	return err
}

// Disable stops a running cycle of a job that was turned off or destroyed.
func (m *Manager) Disable(appID string) {
	if r, err := m.runner(appID); err == nil {
		r.halt(errPaused)
		r.rouse()
	}
}

// Pause stops the job after the objects in hand, until it is started again.
func (m *Manager) Pause(ctx context.Context, appID, by string) error {
	r, _, err := m.withJob(appID)
	if err != nil {
		return err
	}
	noted, err := m.note(appID, by, "Disable/pause provisioning configuration", "")
	if err != nil {
		return err
	}
	now := m.Clock.Now()
	err = r.update(ctx, func(s *State) {
		if s.Pause == nil {
			s.Pause = &Pause{by, now}
		}
	}, noted...)
	r.halt(errPaused)
	r.rouse()
	return err
}

// Restart forgets parts of the state (config.RestartScopes) and begins an
// initial cycle. Links are kept unless the scope names them.
func (m *Manager) Restart(ctx context.Context, appID, by string, scope []string) error {
	r, _, err := m.withJob(appID)
	if err != nil {
		return err
	}
	if scope == nil {
		scope = config.DefaultRestartScope
	}
	for _, part := range scope {
		if !slices.Contains(config.RestartScopes, part) {
			return fmt.Errorf("%q cannot be restarted; there are %s", part, strings.Join(config.RestartScopes, ", "))
		}
	}
	r.halt(errReconfigured)
	r.busy.Lock()
	defer r.busy.Unlock()
	noted, err := m.note(appID, by, "Enable/restart provisioning configuration", "forgets "+strings.Join(scope, ", "))
	if err != nil {
		return err
	}
	if slices.Contains(scope, "links") {
		commit := func(mutations ...store.Mutation) error { return m.Store.Commit(ctx, mutations...) }
		if err := ledger.Forget(m.Store, appID, commit); err != nil {
			return err
		}
	} else if slices.Contains(scope, "escrows") {
		if err := r.forgetEscrows(ctx); err != nil {
			return err
		}
	}
	err = r.update(ctx, func(s *State) {
		s.Restart, s.Running, s.LastFailure = true, nil, nil
		if slices.Contains(scope, "quarantine") {
			s.Quarantine, s.Disabled = nil, false
		}
	}, noted...)
	r.mu.Lock()
	r.force = true
	r.mu.Unlock()
	r.rouse()
	return err
}

func (r *runner) forgetEscrows(ctx context.Context) error {
	l := ledger.Open(r.m.Store, r.appID, "")
	var mutations []store.Mutation
	err := l.EachEscrow(func(e ledger.Escrow) error {
		if !e.Removal { // a removal that failed is never forgotten (decisions 17)
			mutations = append(mutations, l.SettleEscrow(&e, nil)...)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return r.m.Store.Commit(ctx, mutations...)
}

// emptyPrefix begins the digest under which an emptied object type is held.
const emptyPrefix = "empty-"

// Approve lets go a held set, named by its digest.
func (m *Manager) Approve(ctx context.Context, appID, by, digest string) error {
	r, _, err := m.withJob(appID)
	if err != nil {
		return err
	}
	noted, err := m.note(appID, by, "Allow deletes", "approves "+digest)
	if err != nil {
		return err
	}
	if typ, ok := strings.CutPrefix(digest, emptyPrefix); ok {
		r.mu.Lock()
		_, emptied := r.state.Emptied[typ]
		r.mu.Unlock()
		if !emptied {
			return fmt.Errorf("%q: %w", digest, ErrNotHeld)
		}
		err = r.update(ctx, func(s *State) { s.ApprovedEmpty = append(s.ApprovedEmpty, typ) }, noted...)
	} else {
		l := ledger.Open(m.Store, appID, "")
		held, e := l.Held()
		if e != nil {
			return e
		}
		if held.Digest == "" || held.Digest != digest {
			return fmt.Errorf("%q: %w", digest, ErrNotHeld)
		}
		err = r.update(ctx, func(*State) {}, append(noted, l.Approve(held)...)...)
	}
	r.mu.Lock()
	r.force = true
	r.mu.Unlock()
	r.rouse()
	return err
}

// Lifted tells that a credential was replaced by one that works: a quarantine
// for the old one ends, and a cycle starts (decisions 45). One under way goes on
// with the new credential: the old may be revoked any moment.
func (m *Manager) Lifted(ctx context.Context, appID string) error {
	r, err := m.runner(appID)
	if err != nil {
		return err
	}
	r.halt(errInterrupted)
	err = r.update(ctx, func(s *State) {
		if s.Quarantine != nil && s.Quarantine.Reason == "EncounteredQuarantineException" {
			s.Quarantine, s.LastFailure = nil, nil
		}
	})
	r.mu.Lock()
	r.force = true
	r.mu.Unlock()
	r.rouse()
	return err
}

func (m *Manager) withJob(appID string) (*runner, *config.Job, error) {
	r, err := m.runner(appID)
	if err != nil {
		return nil, nil, err
	}
	job, err := m.job(appID)
	if err != nil {
		return nil, nil, err
	}
	if job == nil {
		return nil, nil, ErrNoJob
	}
	return r, job, nil
}

// forget removes all that belongs to an app.
func (m *Manager) forget(ctx context.Context, appID string) error {
	commit := func(mutations ...store.Mutation) error { return m.Store.Commit(ctx, mutations...) }
	if err := ledger.Forget(m.Store, appID, commit); err != nil {
		return err
	}
	return commit(store.Delete(tableStates, store.Key(appID)), m.catalog.DropReleased(appID))
}

// Status tells of an app's job.
func (m *Manager) Status(appID string) (status.Job, error) {
	r, err := m.runner(appID)
	if err != nil {
		return status.Job{}, err
	}
	thing, err := m.catalog.Get(config.KindApp, appID)
	if err != nil {
		return status.Job{}, err
	}
	job, err := m.job(appID)
	if err != nil {
		return status.Job{}, err
	}
	plan, err := r.planned(false)
	if err != nil {
		return status.Job{}, err
	}
	released, err := m.catalog.Released(appID)
	if err != nil {
		return status.Job{}, err
	}
	types, err := m.mappedTypes(released, plan.Next)
	if err != nil {
		return status.Job{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.state
	told := status.Job{
		AppID: appID, AppName: thing.(*config.App).Name, Code: status.NotRun,
		Progress: r.progress, FirstCycle: s.First, LastCycle: s.Last, LastSuccessfulCycle: s.LastSuccessful, CheckedAt: s.CheckedAt,
		SteadyStateFirstAchievedAt: s.SteadyFirst, SteadyStateLastAchievedAt: s.SteadyLast,
		Managed: make(map[string]int64), Escrowed: s.Escrowed, Quarantine: s.Quarantine,
		Configuration: status.Configuration{Released: released.Digest(), Pending: plan.Pending, Unlisted: plan.Unlisted},
	}
	for _, typ := range types {
		told.Managed[typ] = s.Managed[typ]
	}
	if s.Held != nil {
		told.HeldRemovals = append(told.HeldRemovals, *s.Held)
	}
	for typ, known := range s.Emptied {
		told.HeldRemovals = append(told.HeldRemovals, status.HeldRemovals{Digest: emptyPrefix + typ, Count: int64(known),
			Reason: fmt.Sprintf("the source names no %s any more, where %d were known", typ, known), Since: s.CheckedAt})
	}
	if s.First != nil || s.Last != nil {
		told.Code = status.Active
	}
	if job != nil {
		told.JobID = job.ID
		told.NextCycleAt = r.nextAt(job.IntervalDuration())
	}
	switch {
	case job != nil && (!job.IsEnabled() || s.Pause != nil):
		told.Code, told.NextCycleAt = status.Paused, time.Time{}
		if s.Pause != nil {
			told.PausedBy, told.PausedAt = s.Pause.By, s.Pause.At
		}
	case s.Disabled:
		told.Code, told.NextCycleAt = status.Disabled, time.Time{}
	case s.Quarantine != nil:
		told.Code = status.Quarantine
	}
	return told, nil
}

// mappedTypes gives the object types that an app maps.
func (m *Manager) mappedTypes(released, next *catalog.Released) ([]string, error) {
	if released.App == nil {
		released = next
	}
	if released.App == nil {
		return nil, nil
	}
	matching := matchingOf(released)
	types := make([]string, 0, len(matching))
	for typ := range matching {
		types = append(types, typ)
	}
	slices.Sort(types)
	return types, nil
}
