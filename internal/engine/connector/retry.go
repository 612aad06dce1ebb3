package connector

import (
	"context"
	"errors"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

const (
	transientRepeats = 3                      // of a read, after the first try
	throttledRepeats = 4                      // of any call, after the first try
	transientBackoff = 250 * time.Millisecond // doubled with each repeat
	throttledBackoff = time.Second            // likewise
)

// retry repeats what is safe to repeat.
type retry struct {
	target Target
	clock  Clock
	random func() float64
}

var _ Target = (*retry)(nil)

// Retry gives a Target that repeats calls which failed and wrote nothing. A
// read of class Transient is repeated three times, a List only while nothing
// of it was yielded; any call of class Throttled is tried five times, not
// before RetryAt, else after 1, 2, 4 and 8 seconds with jitter. Every other
// error is returned as it is: after Unknown nothing is sent again. Test is not
// repeated on Transient, since it is asked what is so now.
//
// It belongs around Limit and within Breaker. random gives numbers in [0, 1).
func Retry(target Target, clock Clock, random func() float64) Target {
	return &retry{target, clock, random}
}

func (r *retry) Describe(ctx context.Context) (features Features, schema directory.Schema, err error) {
	err = r.read(ctx, func() error {
		features, schema, err = r.target.Describe(ctx)
		return err
	})
	return features, schema, err
}

func (r *retry) Test(ctx context.Context, matching map[string]directory.Path) (findings []Finding, err error) {
	err = r.do(ctx, 0, func() error {
		findings, err = r.target.Test(ctx, matching)
		return err
	})
	return findings, err
}

func (r *retry) List(ctx context.Context, typ string, want []directory.Path, yield func(Account) error) (complete bool, err error) {
	passed := &yielded{yield: yield}
	var failure error
	err = r.read(ctx, func() error {
		complete, failure = r.target.List(ctx, typ, want, passed.pass)
		if passed.count > 0 {
			return nil // what was yielded cannot be taken back
		}
		return failure
	})
	if passed.count > 0 {
		err = failure
	}
	return complete, err
}

func (r *retry) Find(ctx context.Context, typ string, path directory.Path, value directory.Value, want []directory.Path) (found []Account, err error) {
	err = r.read(ctx, func() error {
		found, err = r.target.Find(ctx, typ, path, value, want)
		return err
	})
	return found, err
}

func (r *retry) Get(ctx context.Context, typ, id string, want []directory.Path) (account Account, err error) {
	err = r.read(ctx, func() error {
		account, err = r.target.Get(ctx, typ, id, want)
		return err
	})
	return account, err
}

func (r *retry) Send(ctx context.Context, operation Operation) (receipt Receipt, err error) {
	err = r.do(ctx, 0, func() error {
		receipt, err = r.target.Send(ctx, operation)
		return err
	})
	return receipt, err
}

func (r *retry) read(ctx context.Context, call func() error) error {
	return RepeatRead(ctx, r.clock, r.random, call)
}

func (r *retry) do(ctx context.Context, repeats int, call func() error) error {
	return repeat(ctx, r.clock, r.random, repeats, call)
}

// RepeatRead repeats one read as Retry does: for connectors of whose reads many
// make one call, like the pages of a List.
func RepeatRead(ctx context.Context, clock Clock, random func() float64, read func() error) error {
	return repeat(ctx, clock, random, transientRepeats, read)
}

// repeat makes the call until it succeeds, fails for good, or was repeated often
// enough. It gives the last call's error, also when the context ends a wait.
func repeat(ctx context.Context, clock Clock, random func() float64, repeats int, call func() error) error {
	transient, throttled := 0, 0
	for {
		err := call()
		e, failed := errors.AsType[*Error](err)
		if !failed {
			return err
		}
		var wait time.Duration
		switch {
		case e.Class == Transient && transient < repeats:
			wait = jitter(transientBackoff<<transient, random)
			transient++
		case e.Class == Throttled && throttled < throttledRepeats:
			now := clock.Now()
			if until, ok := pauseUntil(e, now); ok {
				wait = until.Sub(now)
			} else {
				wait = jitter(throttledBackoff<<throttled, random)
			}
			throttled++
		default:
			return err
		}
		if ctx.Err() != nil || clock.Sleep(ctx, wait) != nil {
			return err
		}
	}
}

// jitter gives between half of d and d, so that those who failed together do
// not come back together.
func jitter(d time.Duration, random func() float64) time.Duration {
	return d/2 + time.Duration(random()*float64(d/2))
}
