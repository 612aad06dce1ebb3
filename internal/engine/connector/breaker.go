package connector

import (
	"context"
	"errors"
	"sync"
	"syscall"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// failuresInARow of one class, without a success between, make the breaker
// look whether the target is there at all.
const failuresInARow = 20

// codeRefused is the code of an error that says that nobody listens.
const codeRefused = "ConnectionRefused"

// ErrOpen is in the error of every call that an open breaker did not let
// through. Nothing was sent.
var ErrOpen = errors.New("the target cannot be used and is left alone")

// openError is ErrOpen with what opened the breaker.
type openError struct{ cause *Error }

func (e *openError) Error() string { return ErrOpen.Error() + ": " + e.cause.Error() }

func (e *openError) Is(target error) bool { return target == ErrOpen }

// OpenCause gives the failure for which a breaker is open, when err comes from
// an open one.
func OpenCause(err error) (*Error, bool) {
	var open *openError
	if !errors.As(err, &open) {
		return nil, false
	}
	return open.cause, true
}

// breaker stops everything when the target as a whole has failed.
type breaker struct {
	target   Target
	matching map[string]directory.Path

	mu       sync.Mutex
	failures map[Class]int
	vouched  bool          // a probe succeeded although a call was denied
	probing  chan struct{} // closed when the probe under way is over; nil: none is
	cause    *Error        // set once: the breaker is open
}

var _ Target = (*breaker)(nil)

// Breaker gives a Target that stops when the target as a whole has failed, so
// that a cycle ends and no object is blamed. After 20 failures of one class
// (Transient, Unknown, Denied or Fatal) without a success between, after the
// first that is Denied, or one refused connection, it makes one Test with
// matching; calls that come meanwhile wait. Where nobody answers, or the credential is denied, it opens
// for good: every later call fails at once, with class Fatal, ErrOpen and
// OpenCause. A credential that is denied to Describe, Test or List opens it
// without a probe; one that a probe was made with after all is denied to single
// objects, and counts like other failures from then on.
//
// A call that fails while or because the breaker opens gets its error too,
// unless it is of class Unknown: a write that may have been carried out is
// always told as such.
//
// It is made for one cycle, and belongs around Retry.
func Breaker(target Target, matching map[string]directory.Path) Target {
	return &breaker{target: target, matching: matching, failures: map[Class]int{}}
}

func (b *breaker) Describe(ctx context.Context) (features Features, schema directory.Schema, err error) {
	if err := b.enter(ctx); err != nil {
		return Features{}, directory.Schema{}, err
	}
	features, schema, err = b.target.Describe(ctx)
	return features, schema, b.leaveGeneral(ctx, err)
}

func (b *breaker) Test(ctx context.Context, matching map[string]directory.Path) ([]Finding, error) {
	if err := b.enter(ctx); err != nil {
		return nil, err
	}
	findings, err := b.target.Test(ctx, matching)
	return findings, b.leaveGeneral(ctx, err)
}

func (b *breaker) List(ctx context.Context, typ string, want []directory.Path, yield func(Account) error) (bool, error) {
	if err := b.enter(ctx); err != nil {
		return false, err
	}
	passed := &yielded{yield: yield}
	complete, err := b.target.List(ctx, typ, want, passed.pass)
	if passed.err != nil {
		return complete, err
	}
	return complete, b.leaveGeneral(ctx, err)
}

func (b *breaker) Find(ctx context.Context, typ string, path directory.Path, value directory.Value, want []directory.Path) ([]Account, error) {
	if err := b.enter(ctx); err != nil {
		return nil, err
	}
	found, err := b.target.Find(ctx, typ, path, value, want)
	return found, b.leave(ctx, err)
}

func (b *breaker) Get(ctx context.Context, typ, id string, want []directory.Path) (Account, error) {
	if err := b.enter(ctx); err != nil {
		return Account{}, err
	}
	account, err := b.target.Get(ctx, typ, id, want)
	return account, b.leave(ctx, err)
}

func (b *breaker) Send(ctx context.Context, operation Operation) (Receipt, error) {
	if err := b.enter(ctx); err != nil {
		return Receipt{}, err
	}
	receipt, err := b.target.Send(ctx, operation)
	return receipt, b.leave(ctx, err)
}

// enter waits for a probe under way, and fails when the breaker is open.
func (b *breaker) enter(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.probing != nil {
		if err := b.awaitProbe(ctx); err != nil {
			return cancelled(err)
		}
	}
	if b.cause != nil {
		return b.openError()
	}
	return nil
}

// awaitProbe lets go of the mutex until the probe under way is over.
func (b *breaker) awaitProbe(ctx context.Context) error {
	probe := b.probing
	b.mu.Unlock()
	defer b.mu.Lock()
	select {
	case <-probe:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// leaveGeneral is leave for calls that concern no single object: a credential
// that is denied here is denied everywhere.
func (b *breaker) leaveGeneral(ctx context.Context, err error) error {
	if ClassOf(err) != Denied || ctx.Err() != nil {
		return b.leave(ctx, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open(AsError(err))
	return b.openError()
}

// leave counts how a call went and gives the error that its caller is to see.
func (b *breaker) leave(ctx context.Context, err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		clear(b.failures)
		return nil
	}
	class := ClassOf(err)
	if !failsTarget(err) || ctx.Err() != nil {
		return err
	}
	b.failures[class]++
	switch {
	case b.cause != nil:
	case b.probing != nil:
		_ = b.awaitProbe(ctx) // whatever ends the wait, cause tells
	case b.failures[class] >= failuresInARow || isRefused(err):
		b.probe(ctx)
	case class == Denied && !b.vouched:
		b.probe(ctx)
		b.vouched = b.cause == nil && ctx.Err() == nil
	}
	if b.cause == nil || class == Unknown {
		return err
	}
	return b.openError()
}

// probe asks whether the target is there, without the mutex. An end of the
// context leaves the question open.
func (b *breaker) probe(ctx context.Context) {
	probing := make(chan struct{})
	b.probing = probing
	b.mu.Unlock()
	err := errors.New("the probe did not return")
	defer func() {
		b.mu.Lock()
		clear(b.failures)
		if failsTarget(err) && ctx.Err() == nil {
			b.open(AsError(err))
		}
		b.probing = nil
		close(probing)
	}()
	_, err = b.target.Test(ctx, b.matching)
}

// open opens the breaker; the first cause counts.
func (b *breaker) open(cause *Error) {
	if b.cause == nil {
		b.cause = cause
	}
}

func (b *breaker) openError() error {
	detail := b.cause.Detail
	if detail == "" && b.cause.Err != nil {
		detail = b.cause.Err.Error()
	}
	return &Error{
		Class: Fatal, Code: b.cause.Code, Detail: ErrOpen.Error() + ": " + detail, Advice: b.cause.Advice,
		Err: &openError{b.cause},
	}
}

// failsTarget reports whether an error says something about the target as a
// whole. One that an answer was given with, about one object or too many
// requests, does not.
func failsTarget(err error) bool {
	if errors.Is(err, ErrCannotFilter) {
		return false
	}
	switch ClassOf(err) {
	case Transient, Unknown, Denied, Fatal:
		return true
	}
	return false
}

func isRefused(err error) bool {
	return AsError(err).Code == codeRefused || errors.Is(err, syscall.ECONNREFUSED)
}
