package scim

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// Every request has its time, and no more than a little over it, whenever it begins.
func TestPatience(t *testing.T) {
	const timeout = 16 * time.Second
	type name struct{}
	synctest.Test(t, func(t *testing.T) {
		var p patience
		cancellable, cancel := context.WithCancel(t.Context())
		parent := context.WithValue(context.WithoutCancel(cancellable), name{}, "value")
		var ends []<-chan struct{}
		for range 40 {
			began := time.Now()
			ctx, done := p.bound(parent, timeout)
			ends = append(ends, ctx.Done())
			if deadline, ok := ctx.Deadline(); !ok || deadline.Before(began.Add(timeout)) || deadline.After(began.Add(timeout*17/16)) {
				t.Errorf("it ends after %v", deadline.Sub(began))
			}
			if ctx.Value(name{}) != "value" {
				t.Error("the value is lost")
			}
			go func() {
				defer done()
				within, done := context.WithCancel(ctx)
				defer done()
				<-within.Done()
				if took := time.Since(began); took < timeout || took > timeout*17/16 || !errors.Is(within.Err(), context.DeadlineExceeded) {
					t.Errorf("%v after %v", within.Err(), took)
				}
			}()
			time.Sleep(timeout / 64)
		}
		shared := 0
		for i := range ends[1:] {
			if ends[i] == ends[i+1] {
				shared++
			}
		}
		if shared != 30 {
			t.Errorf("%d shared a context", shared)
		}
		ctx, done := p.bound(cancellable, timeout)
		defer done()
		cancel()
		<-ctx.Done()
		if !errors.Is(ctx.Err(), context.Canceled) {
			t.Error(ctx.Err())
		}
		time.Sleep(2 * timeout)
	})
}
