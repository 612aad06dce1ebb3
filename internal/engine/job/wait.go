package job

import (
	"context"
	"fmt"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// progressInterval passes at most between two calls of a wait's progress.
const progressInterval = 250 * time.Millisecond

// Outcome is how a wait ended.
type Outcome struct {
	Succeeded bool
	Cycle     status.Cycle
	Reason    string
	Advice    string
}

// Wait blocks until a cycle has ended on the configuration in force and, with
// next, one that began after the call; or until it is clear that none will.
// progress is called whenever something moved.
func (m *Manager) Wait(ctx context.Context, appID string, next bool, progress func(status.Progress)) (Outcome, error) {
	r, err := m.runner(appID)
	if err != nil {
		return Outcome{}, err
	}
	r.mu.Lock()
	before := r.begun // an attempt that is under way began before the call
	failed := r.state.LastFailure
	r.mu.Unlock()
	if next || failed != nil {
		// What failed before may work now: it is tried at once.
		r.mu.Lock()
		r.force = true
		r.mu.Unlock()
		r.rouse()
	}
	for {
		outcome, done, err := r.outcome(before, next, failed)
		if err != nil || done {
			return outcome, err
		}
		r.mu.Lock()
		changed, p := r.changed, r.progress
		r.mu.Unlock()
		if p != nil && progress != nil {
			progress(*p)
		}
		if err := r.pause(ctx, changed); err != nil {
			return Outcome{}, err
		}
	}
}

// pause waits for a change of state, at most as long as a progress line may
// stay unchanged.
func (r *runner) pause(ctx context.Context, changed <-chan struct{}) error {
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		defer stop()
		_ = r.m.Clock.Sleep(waiting, progressInterval)
	}()
	select {
	case <-changed:
	case <-waiting.Done():
	}
	return ctx.Err()
}

func (r *runner) outcome(before int64, next bool, failed *status.Cycle) (Outcome, bool, error) {
	job, err := r.m.job(r.appID)
	if err != nil {
		return Outcome{}, false, err
	}
	released, err := r.m.catalog.Released(r.appID)
	if err != nil {
		return Outcome{}, false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.state
	refuse := func(reason, advice string) (Outcome, bool, error) {
		o := Outcome{Reason: reason, Advice: advice}
		if s.Last != nil {
			o.Cycle = *s.Last
		}
		return o, true, nil
	}
	switch {
	case job == nil:
		return refuse("the app has no job", "Declare a provisioning_job for the app.")
	case !job.IsEnabled():
		return refuse("the job is off", "Set enabled = true.")
	case s.Pause != nil:
		return refuse(fmt.Sprintf("the job was paused by %s at %s", s.Pause.By, s.Pause.At.UTC().Format("2006-01-02 15:04:05 MST")),
			"Start it with the command job start.")
	case s.Disabled:
		return refuse("the job was disabled after 28 days in quarantine", "Correct what the status names, and start it with the command job start.")
	case s.Quarantine != nil:
		return refuse("the job is in quarantine: "+s.Quarantine.Message, s.Quarantine.Advice)
	case s.LastFailure != nil && s.LastFailure != failed:
		return refuse("cycle "+s.LastFailure.ID+" failed: "+s.LastFailure.Reason, s.FailureAdvice)
	}
	met := s.Done != "" && s.Done == released.Digest() && s.Running == nil && !s.Restart
	if next {
		met = met && r.ended > before
	}
	if !met {
		return Outcome{}, false, nil
	}
	o := Outcome{Succeeded: true}
	if s.Last != nil {
		o.Cycle = *s.Last
	}
	return o, true, nil
}
