package connector

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// maxUnsaidPause bounds the pause after an answer that does not say how long
// it is to be.
const maxUnsaidPause = time.Minute

// LimitOptions say how much a target may be asked.
type LimitOptions struct {
	RequestsPerSecond float64 // 0 or less: no fixed rate
	// MaxConcurrency is how many calls may be in flight; 0: from 8 up to 64, as
	// far as latency holds.
	MaxConcurrency int
	Clock          Clock
}

// Limiter is the one budget of an app: all who use it share its rate, its
// slots and its pauses.
type Limiter struct {
	target Target
	clock  Clock
	rate   *rate.Limiter
	window *window

	mu      sync.Mutex
	until   time.Time // nobody sends before
	episode int       // counts complaints: throttled answers, but one for those sent together
	inARow  int       // complaints without a success between
}

var _ Target = (*Limiter)(nil)

// Limit gives a Target that keeps to a rate and a number of calls in flight,
// halves that number when the target throttles, and then lets nobody send
// before the time that the target named, at most 15 minutes; where it named
// none, or one in the past, for 1, 2, 4 … 60 seconds. The throttled call itself
// is not repeated: that is Retry's part, which belongs around it.
//
// A List takes one slot and one request of the rate, whatever its pages. Its
// yield must not call the Limiter when MaxConcurrency is 1. A call whose
// context ends while it waits was not sent.
func Limit(target Target, options LimitOptions) *Limiter {
	limit := rate.Inf
	if options.RequestsPerSecond > 0 && !math.IsInf(options.RequestsPerSecond, 1) {
		limit = rate.Limit(options.RequestsPerSecond)
	}
	return &Limiter{
		target: target, clock: options.Clock, window: newWindow(options.MaxConcurrency),
		rate: rate.NewLimiter(limit, 1), // servers count in windows: a burst may fall into one
	}
}

// InFlight gives the number of calls that have a slot now.
func (l *Limiter) InFlight() int {
	inFlight, _ := l.window.state()
	return inFlight
}

// Concurrency gives the number of calls that may be in flight now.
func (l *Limiter) Concurrency() int {
	_, bound := l.window.state()
	return bound
}

// PausedUntil gives the time before which nothing is sent, the zero time when
// the target was never throttled.
func (l *Limiter) PausedUntil() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.until
}

// Describe passes on when its turn has come.
func (l *Limiter) Describe(ctx context.Context) (features Features, schema directory.Schema, err error) {
	err = l.do(ctx, kind{}, func() error {
		features, schema, err = l.target.Describe(ctx)
		return err
	})
	return features, schema, err
}

// Test passes on when its turn has come.
func (l *Limiter) Test(ctx context.Context, matching map[string]directory.Path) (findings []Finding, err error) {
	err = l.do(ctx, kind{}, func() error {
		findings, err = l.target.Test(ctx, matching)
		return err
	})
	return findings, err
}

// List passes on when its turn has come.
func (l *Limiter) List(ctx context.Context, typ string, want []directory.Path, yield func(Account) error) (complete bool, err error) {
	passed := &yielded{yield: yield}
	var failure error
	err = l.do(ctx, kind{}, func() error {
		complete, failure = l.target.List(ctx, typ, want, passed.pass)
		if passed.err != nil {
			return nil // the caller's own error tells nothing of the target
		}
		return failure
	})
	if passed.err != nil {
		err = failure
	}
	return complete, err
}

// Find passes on when its turn has come.
func (l *Limiter) Find(ctx context.Context, typ string, path directory.Path, value directory.Value, want []directory.Path) (found []Account, err error) {
	err = l.do(ctx, kind{"find", typ}, func() error {
		found, err = l.target.Find(ctx, typ, path, value, want)
		return err
	})
	return found, err
}

// Get passes on when its turn has come.
func (l *Limiter) Get(ctx context.Context, typ, id string, want []directory.Path) (account Account, err error) {
	err = l.do(ctx, kind{"get", typ}, func() error {
		account, err = l.target.Get(ctx, typ, id, want)
		return err
	})
	return account, err
}

// Send passes on when its turn has come.
func (l *Limiter) Send(ctx context.Context, operation Operation) (receipt Receipt, err error) {
	err = l.do(ctx, kind{string(operation.Kind), operation.Type}, func() error {
		if operation.Complete != nil {
			operation.Modifications = operation.Complete()
		}
		receipt, err = l.target.Send(ctx, operation)
		return err
	})
	return receipt, err
}

// do makes a call when its turn has come. Calls of one kind are expected to
// take about as long as each other; those of kind "" are not measured.
func (l *Limiter) do(ctx context.Context, k kind, call func() error) error {
	if err := l.window.enter(ctx); err != nil {
		return cancelled(err)
	}
	defer l.window.leave()
	episode, began, err := l.awaitTurn(ctx)
	if err != nil {
		return cancelled(err)
	}
	err = call()
	took := l.clock.Now().Sub(began)

	e, failed := errors.AsType[*Error](err)
	switch {
	case err == nil || errors.Is(err, ErrCannotFilter):
		l.succeeded(episode)
	case !failed:
		return err
	case e.Class == Throttled || e.Overloaded:
		l.throttled(e, episode)
		return err
	case e.Class != Rejected && e.Class != Conflict && e.Class != Gone:
		return err // how long a failure takes says nothing of the load
	}
	if k != (kind{}) {
		l.window.answered(k, took)
	}
	return err
}

// awaitTurn waits for the end of a pause and for the rate. A pause that began
// meanwhile is waited for as well, and the turn taken anew. It gives the number
// of complaints that the call knows of, and the time.
func (l *Limiter) awaitTurn(ctx context.Context) (episode int, now time.Time, err error) {
	if err := ctx.Err(); err != nil {
		return 0, now, err
	}
	for {
		now = l.clock.Now()
		if pause := l.PausedUntil().Sub(now); pause > 0 {
			if err := l.clock.Sleep(ctx, pause); err != nil {
				return 0, now, err
			}
			now = l.clock.Now()
		}
		if l.rate.Limit() != rate.Inf {
			reservation := l.rate.ReserveN(now, 1)
			if err := l.clock.Sleep(ctx, reservation.DelayFrom(now)); err != nil {
				reservation.CancelAt(l.clock.Now())
				return 0, now, err
			}
			now = l.clock.Now()
		}
		if episode, ok := l.mayGo(now); ok {
			return episode, now, nil
		}
	}
}

func (l *Limiter) mayGo(now time.Time) (episode int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.episode, !l.until.After(now)
}

func (l *Limiter) succeeded(episode int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if episode == l.episode {
		l.inARow = 0
	}
}

// throttled begins a pause. Of calls that were in flight together each may be
// throttled: that is one complaint.
func (l *Limiter) throttled(e *Error, episode int) {
	l.mu.Lock()
	first := episode == l.episode
	if first {
		l.episode++
		l.inARow++
	}
	now := l.clock.Now()
	until, said := pauseUntil(e, now)
	if !said && first {
		until = now.Add(min(time.Second<<min(l.inARow-1, 16), maxUnsaidPause))
	}
	if until.After(l.until) {
		l.until = until
	}
	l.mu.Unlock()
	if first {
		l.window.halve()
	}
}
