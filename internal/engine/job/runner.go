package job

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// Causes for which a running cycle is stopped.
var (
	errPaused       = errors.New("the job was paused")
	errReconfigured = errors.New("the configuration changed")
	errInterrupted  = errors.New("interrupted, to go on at once")
	errEnded        = errors.New("the app was destroyed")
)

// runner runs the cycles of one app.
type runner struct {
	m     *Manager
	appID string

	wake chan struct{} // something changed that the schedule depends on
	done chan struct{} // closed when the loop has ended
	quit context.CancelCauseFunc

	retainedAt time.Time // the loop's own

	busy sync.Mutex // held by who runs a cycle or provisions on demand

	mu        sync.Mutex // guards what follows
	state     *State
	progress  *status.Progress
	interrupt context.CancelCauseFunc // of the running cycle
	force     bool                    // run a cycle now
	begun     int64                   // attempts so far
	ended     int64                   // number of the latest attempt that went well
	rest      time.Time               // no attempt before, after the store failed
	quietAt   time.Time               // when pieces that no job lists take effect; zero for never
	changed   chan struct{}           // closed and renewed when the state changes
}

func newRunner(m *Manager, appID string, state *State) *runner {
	return &runner{
		m: m, appID: appID, state: state, wake: make(chan struct{}, 1), done: make(chan struct{}),
		changed: make(chan struct{}), quietAt: m.Clock.Now().Add(quietPeriod), quit: func(error) {},
	}
}

// loop runs until ctx ends.
func (r *runner) loop(ctx context.Context) {
	defer close(r.done)
	ctx, quit := context.WithCancelCause(ctx)
	defer quit(nil)
	r.mu.Lock()
	r.quit = quit
	r.mu.Unlock()
	for ctx.Err() == nil {
		wait, run := r.due()
		if run {
			r.attempt(ctx)
			r.retain(ctx)
			continue
		}
		r.sleep(ctx, wait)
	}
}

// end stops the loop after the objects in hand and waits for it.
func (r *runner) end() {
	r.mu.Lock()
	quit := r.quit
	r.mu.Unlock()
	quit(errEnded)
	<-r.done
}

// sleep waits for a time, or for a change; forever when d is negative.
func (r *runner) sleep(ctx context.Context, d time.Duration) {
	sleeping, wakeUp := context.WithCancel(ctx)
	defer wakeUp()
	if d >= 0 {
		go func() {
			defer wakeUp()
			_ = r.m.Clock.Sleep(sleeping, d)
		}()
	}
	select {
	case <-r.wake:
	case <-sleeping.Done():
	}
}

func (r *runner) rouse() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// due tells whether a cycle is to be run now, else how long there is nothing to
// do; negative for until something changes.
func (r *runner) due() (wait time.Duration, run bool) {
	job, err := r.m.job(r.appID)
	if err != nil {
		r.m.Logger.Error("read the job", "app", r.appID, "error", err)
		return time.Minute, false
	}
	now := r.m.Clock.Now()
	quiet := r.quiet(now)
	r.mu.Lock()
	defer r.mu.Unlock()
	wait = -1
	if quiet > 0 {
		wait = quiet
	}
	if job == nil || !job.IsEnabled() || r.state.Pause != nil || r.state.Disabled {
		r.force = false
		return wait, false
	}
	released, err := r.m.catalog.Released(r.appID)
	if err != nil {
		r.m.Logger.Error("read the released configuration", "app", r.appID, "error", err)
		return time.Minute, false
	}
	if released.App == nil || released.Source == nil || r.state.Shape == "" && quiet > 0 && r.state.Running == nil {
		return wait, false // not released as a whole yet
	}
	if left := r.rest.Sub(now); left > 0 {
		return left, false
	}
	next := r.nextAt(job.IntervalDuration())
	if r.force || !next.After(now) || released.Digest() != r.state.Done && r.state.Quarantine == nil && r.state.LastFailure == nil {
		return 0, true
	}
	if left := next.Sub(now); wait < 0 || left < wait {
		wait = left
	}
	return wait, false
}

// nextAt gives when the next cycle begins: one interval after the last start,
// or when quarantine lets it. r.mu is held.
func (r *runner) nextAt(interval time.Duration) time.Time {
	if r.state.Quarantine != nil {
		return r.state.Quarantine.NextAttempt
	}
	if r.state.StartedAt.IsZero() || r.state.Running != nil || r.state.Restart {
		return time.Time{}
	}
	return r.state.StartedAt.Add(interval)
}

// update changes the state and makes it durable, together with other mutations.
// Of two updates the later one is stored later: each stores the whole state.
func (r *runner) update(ctx context.Context, f func(*State), mutations ...store.Mutation) error {
	r.mu.Lock()
	f(r.state)
	m, err := putState(r.appID, r.state)
	if err != nil {
		r.mu.Unlock()
		return err
	}
	ticket := r.m.Store.Enqueue(append(mutations, m)...)
	r.mu.Unlock()
	err = ticket.Wait(ctx)
	r.announce()
	return err
}

// announce wakes those who wait for the state to change.
func (r *runner) announce() {
	r.mu.Lock()
	close(r.changed)
	r.changed = make(chan struct{})
	r.mu.Unlock()
	r.m.Log.Wake()
}

// halt stops the running cycle after the objects in hand.
func (r *runner) halt(cause error) {
	r.mu.Lock()
	interrupt := r.interrupt
	r.mu.Unlock()
	if interrupt != nil {
		interrupt(cause)
	}
}
