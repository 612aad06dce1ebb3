package connector_test

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

func limited(target connector.Target, concurrency int, perSecond float64) *connector.Limiter {
	return connector.Limit(target, connector.LimitOptions{
		RequestsPerSecond: perSecond, MaxConcurrency: concurrency, Clock: connector.SystemClock(),
	})
}

func TestRate(t *testing.T) {
	tests := []struct {
		perSecond float64
		calls     int
		want      time.Duration
	}{
		{10, 21, 2 * time.Second},
		{0.5, 3, 4 * time.Second},
		{0, 100, 0},
		{-1, 100, 0},
		{math.Inf(1), 100, 0},
		{math.NaN(), 100, 0},
	}
	for _, test := range tests {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			load(t, limited(&stub{}, 0, test.perSecond), test.calls, 1)
			if got := time.Since(began).Round(time.Millisecond); got != test.want {
				t.Errorf("%d calls at %v a second take %v, want %v", test.calls, test.perSecond, got, test.want)
			}
		})
	}
}

// throttling is a target that throttles its first calls.
func throttling(calls int, retryAfter time.Duration) *stub {
	return &stub{answer: func(_ context.Context, _ connector.Method, n int) error {
		if n > calls {
			return nil
		}
		e := failure(connector.Throttled)
		if retryAfter != 0 {
			e.RetryAt = time.Now().Add(retryAfter)
		}
		return e
	}}
}

func TestOneIsThrottledAndAllWait(t *testing.T) {
	for method, call := range every {
		t.Run(string(method), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				target := throttling(1, 30*time.Second)
				limiter := limited(target, 0, 0)
				if err := call(t.Context(), limiter); connector.ClassOf(err) != connector.Throttled {
					t.Fatalf("error is %v", err)
				}
				if got := limiter.Concurrency(); got != 4 {
					t.Errorf("concurrency is %d", got)
				}
				began := time.Now()
				if want := began.Add(30 * time.Second); !limiter.PausedUntil().Equal(want) {
					t.Errorf("paused until %v", limiter.PausedUntil())
				}
				load(t, limiter, 20, 1)
				for i, at := range target.at[1:] {
					if at.Sub(began) < 30*time.Second {
						t.Errorf("call %d is sent %v after the answer", i+2, at.Sub(began))
					}
				}
			})
		})
	}
}

func TestPauses(t *testing.T) {
	tests := []struct {
		name       string
		retryAfter time.Duration
		want       []time.Duration // between a throttled call and the next
	}{
		{"in seconds", 7 * time.Second, []time.Duration{7 * time.Second, 7 * time.Second}},
		{"in a day", 24 * time.Hour, []time.Duration{15 * time.Minute, 15 * time.Minute}},
		{"not said", 0, []time.Duration{1e9, 2e9, 4e9, 8e9, 16e9, 32e9, 60e9, 60e9}},
		{"negative", -time.Hour, []time.Duration{1e9, 2e9, 4e9}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				target := throttling(len(test.want), test.retryAfter)
				limiter := limited(target, 0, 0)
				for range len(test.want) + 1 {
					_ = find(t.Context(), limiter)
				}
				for i, want := range test.want {
					if got := target.at[i+1].Sub(target.at[i]); got != want {
						t.Errorf("pause %d is %v, want %v", i+1, got, want)
					}
				}
				// A success ends the row.
				target.answer = throttling(1<<30, test.retryAfter).answer
				_ = find(t.Context(), limiter)
				if got := time.Until(limiter.PausedUntil()); got != test.want[0] {
					t.Errorf("the pause after a success is %v, want %v", got, test.want[0])
				}
			})
		})
	}
}

// TestThrottledTogetherIsOneComplaint: eight calls in flight that are throttled
// halve the concurrency once.
func TestThrottledTogetherIsOneComplaint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		target := &stub{answer: func(_ context.Context, _ connector.Method, n int) error {
			time.Sleep(time.Duration(n) * time.Millisecond)
			e := failure(connector.Throttled)
			if n == 3 {
				e.RetryAt = began.Add(time.Minute)
			}
			return e
		}}
		limiter := limited(target, 0, 0)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() { _ = find(t.Context(), limiter) })
		}
		wg.Wait()
		if got := limiter.Concurrency(); got != 4 {
			t.Errorf("concurrency is %d", got)
		}
		if got := limiter.PausedUntil().Sub(began); got != time.Minute {
			t.Errorf("the pause ends after %v, and one answer asked for a minute", got)
		}
		for range 5 {
			_ = find(t.Context(), limiter)
		}
		if got := limiter.Concurrency(); got != 1 {
			t.Errorf("concurrency is %d after complaints without end", got)
		}
	})
}

// TestOverloadedTargetIsSentLess: a complaint of load counts as such, also where
// it is not known whether the write was carried out.
func TestOverloadedTargetIsSentLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		target := &stub{answer: func(context.Context, connector.Method, int) error {
			e := failure(connector.Unknown)
			e.Overloaded, e.RetryAt = true, began.Add(5*time.Second)
			return e
		}}
		limiter := limited(target, 0, 0)
		if err := send(t.Context(), limiter); connector.ClassOf(err) != connector.Unknown {
			t.Errorf("error is %v", err)
		}
		if got := limiter.Concurrency(); got != 4 || !limiter.PausedUntil().Equal(began.Add(5*time.Second)) {
			t.Errorf("concurrency is %d, paused until %v", got, limiter.PausedUntil())
		}
	})
}

// TestPauseBeginsWhileOthersWaitForTheirRate: they wait for the pause as well,
// and afterwards still come one by one.
func TestPauseBeginsWhileOthersWaitForTheirRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttled := throttling(1, time.Minute)
		target := &stub{answer: func(ctx context.Context, method connector.Method, n int) error {
			time.Sleep(100 * time.Millisecond) // time for the others to get in line
			return throttled.answer(ctx, method, n)
		}}
		limiter := limited(target, 8, 2)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() { _ = find(t.Context(), limiter) })
		}
		wg.Wait()
		if got := target.at[1].Sub(target.at[0]); got < time.Minute {
			t.Errorf("a call is sent %v after the answer", got)
		}
		for i := 2; i < len(target.at); i++ {
			if got := target.at[i].Sub(target.at[i-1]).Round(time.Millisecond); got < 500*time.Millisecond {
				t.Errorf("calls %d and %d are %v apart", i, i+1, got)
			}
		}
	})
}

// TestTurnGivenBack: a call that is given up while it waits for its rate keeps
// nobody waiting.
func TestTurnGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := &stub{}
		limiter := limited(target, 0, 1)
		_ = find(t.Context(), limiter)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := find(ctx, limiter); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v", err)
		}
		_ = find(t.Context(), limiter)
		if got := target.at[1].Sub(target.at[0]).Round(time.Millisecond); len(target.at) != 2 || got != time.Second {
			t.Errorf("%d calls, the second after %v", len(target.at), got)
		}
	})
}

func TestWaitsEndWithTheContext(t *testing.T) {
	waits := map[string]func(ctx context.Context, limiter *connector.Limiter){
		"slot": func(ctx context.Context, limiter *connector.Limiter) {
			go func() {
				_, _ = limiter.List(ctx, directory.User, nil, func(connector.Account) error { <-ctx.Done(); return nil })
			}()
			synctest.Wait()
		},
		"pause": func(ctx context.Context, limiter *connector.Limiter) { _ = find(ctx, limiter) },
		"rate":  func(ctx context.Context, limiter *connector.Limiter) { _ = send(ctx, limiter) },
	}
	for name, begin := range waits {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				target := &stub{accounts: 1, answer: func(_ context.Context, method connector.Method, _ int) error {
					if method != connector.MethodFind {
						return nil
					}
					e := failure(connector.Throttled)
					e.RetryAt = time.Now().Add(time.Hour)
					return e
				}}
				limiter := limited(target, 1, 0.001)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				begin(ctx, limiter)
				before := target.calls.Load()
				err := send(ctx, limiter)
				if !errors.Is(err, context.DeadlineExceeded) || connector.ClassOf(err) != connector.Transient {
					t.Errorf("error is %v", err)
				}
				synctest.Wait()
				if target.calls.Load() > before+1 || limiter.InFlight() != 0 {
					t.Errorf("%d calls, %d in flight", target.calls.Load(), limiter.InFlight())
				}
				if err := send(ctx, limiter); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("with a context that has ended: %v", err)
				}
			})
		})
	}
}

func TestListErrorsOfTheCallerAreNoComplaint(t *testing.T) {
	limiter := limited(&stub{accounts: 1}, 0, 0)
	own := failure(connector.Throttled)
	own.RetryAt = time.Now().Add(time.Hour)
	_, err := limiter.List(t.Context(), directory.User, nil, func(connector.Account) error { return own })
	if err != error(own) || !limiter.PausedUntil().IsZero() || limiter.Concurrency() != 8 {
		t.Errorf("error %v, paused until %v, concurrency %d", err, limiter.PausedUntil(), limiter.Concurrency())
	}
}
