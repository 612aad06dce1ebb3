package job

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/catalog"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// quietPeriod passes after an app's last change before pieces that no job lists
// take effect (decisions 4).
const quietPeriod = 10 * time.Second

// Changed tells that a piece of an app was declared, changed or destroyed. It
// takes effect when the job that lists it is applied, else after the quiet
// period.
func (m *Manager) Changed(appID string) {
	r, err := m.runner(appID)
	if err != nil {
		return
	}
	r.mu.Lock()
	r.quietAt = m.Clock.Now().Add(quietPeriod)
	r.mu.Unlock()
	r.rouse()
}

// ErrUnknownRevision says that a job lists what nobody declared.
type ErrUnknownRevision struct{ Revision string }

func (e *ErrUnknownRevision) Error() string {
	return fmt.Sprintf("revision %q names nothing that is declared for this app now", e.Revision)
}

// CheckRevisions reports a revision that names nothing of the app.
func (m *Manager) CheckRevisions(appID string, revisions []string) error {
	declared, err := m.catalog.Declared(appID)
	if err != nil {
		return err
	}
	released, err := m.catalog.Released(appID)
	if err != nil {
		return err
	}
	known := make(map[string]bool)
	for _, piece := range append(declared.Pieces(), released.Pieces()...) {
		known[piece.Revision()] = true
	}
	for _, revision := range revisions {
		if !known[revision] {
			return &ErrUnknownRevision{revision}
		}
	}
	return nil
}

// Release puts into force what the job lists. It is called when a job was
// created or changed.
func (m *Manager) Release(ctx context.Context, appID string) error {
	r, err := m.runner(appID)
	if err != nil {
		return err
	}
	if err := r.release(ctx, false); err != nil {
		return err
	}
	r.rouse()
	return nil
}

// quiet releases what no job lists when the quiet period is over, and tells how
// much of it is left; 0 for none.
func (r *runner) quiet(now time.Time) time.Duration {
	r.mu.Lock()
	at := r.quietAt
	r.mu.Unlock()
	if at.IsZero() {
		return 0
	}
	if job, err := r.m.job(r.appID); err != nil || job == nil {
		return 0
	}
	plan, err := r.planned(false)
	if err != nil {
		r.m.Logger.Error("plan the release", "app", r.appID, "error", err)
		return quietPeriod
	}
	if left := at.Sub(now); left > 0 {
		if len(plan.Unlisted) == 0 && len(plan.Pending) == 0 {
			return 0
		}
		return left
	}
	if err := r.release(r.m.ctx, true); err != nil {
		r.m.Logger.Error("release", "app", r.appID, "error", err)
		return quietPeriod
	}
	r.mu.Lock()
	if r.quietAt.Equal(at) {
		r.quietAt = time.Time{}
	}
	r.mu.Unlock()
	return 0
}

// planned tells what a release would put into force.
func (r *runner) planned(quiet bool) (catalog.Release, error) {
	declared, err := r.m.catalog.Declared(r.appID)
	if err != nil {
		return catalog.Release{}, err
	}
	before, err := r.m.catalog.Released(r.appID)
	if err != nil {
		return catalog.Release{}, err
	}
	job, err := r.m.job(r.appID)
	if err != nil {
		return catalog.Release{}, err
	}
	var listed []string
	if job != nil {
		listed = job.Revisions
	}
	return catalog.Plan(declared, before, listed, quiet), nil
}

// release puts the planned configuration into force. A running cycle on another
// shape stops after the objects in hand; those whose assignment changed are
// looked at in the next cycle.
func (r *runner) release(ctx context.Context, quiet bool) error {
	before, err := r.m.catalog.Released(r.appID)
	if err != nil {
		return err
	}
	plan, err := r.planned(quiet)
	if err != nil {
		return err
	}
	released, err := r.m.catalog.PutReleased(r.appID, plan.Next)
	if err != nil {
		return err
	}
	touched := assignmentChanges(before, plan.Next)
	err = r.update(ctx, func(s *State) {
		s.Releases++
		s.Touched = slices.Clone(s.Touched)
		if before.Digest() != plan.Next.Digest() {
			s.LastFailure, s.Quarantine = nil, nil // another configuration: it is tried at once
		}
		for _, key := range touched {
			if !slices.Contains(s.Touched, key) {
				s.Touched = append(s.Touched, key)
			}
		}
	}, released)
	if err != nil {
		return err
	}
	if before.Shape() != "" && before.Shape() != plan.Next.Shape() {
		r.halt(errReconfigured)
	}
	return nil
}

func assignmentChanges(before, after *catalog.Released) []directory.Key {
	var keys []directory.Key
	for id, a := range before.Assignments {
		if now := after.Assignments[id]; now == nil || now.Object != a.Object || now.Role != a.Role {
			keys = append(keys, a.Object)
		}
	}
	for id, a := range after.Assignments {
		if old := before.Assignments[id]; old == nil || old.Object != a.Object || old.Role != a.Role {
			keys = append(keys, a.Object)
		}
	}
	slices.SortFunc(keys, directory.Key.Compare)
	return slices.Compact(keys)
}
