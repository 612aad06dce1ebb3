package connector

import (
	"context"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/clock"
)

// Clock is the time by which a Target around a Target waits.
type Clock interface {
	Now() time.Time
	// Sleep returns after d, or with the context's error when it ends first. A d
	// of nothing or less is no wait.
	Sleep(ctx context.Context, d time.Duration) error
}

// SystemClock gives the machine's clock.
func SystemClock() Clock { return systemClock{} }

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) Sleep(ctx context.Context, d time.Duration) error { return clock.Sleep(ctx, d) }

// maxPause bounds how long a target may keep everybody waiting, whatever its
// Retry-After says.
const maxPause = 15 * time.Minute

// pauseUntil gives the time before which nobody is to send after a Throttled
// answer. ok is false when the answer did not say, or names the past.
func pauseUntil(e *Error, now time.Time) (until time.Time, ok bool) {
	if !e.RetryAt.After(now) {
		return time.Time{}, false
	}
	if latest := now.Add(maxPause); e.RetryAt.After(latest) {
		return latest, true
	}
	return e.RetryAt, true
}

// cancelled is the error of a call whose context ended before it was sent.
func cancelled(err error) *Error {
	return &Error{Class: Transient, Code: "Timeout", Detail: "cancelled before it was sent", Err: err}
}
