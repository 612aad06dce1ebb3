// Package clock waits by the machine's clock: what those who are given no other
// sleep with.
package clock

import (
	"context"
	"time"
)

// Sleep returns after d, or with the context's error when it ends first. A d of
// nothing or less is no wait.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
