package connector_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// busy is a target that takes a while, and knows how many calls it has had at
// a time.
type busy struct {
	stub
	mu      sync.Mutex
	now     int
	most    int
	latency func(now int) time.Duration
}

func (b *busy) Find(ctx context.Context, typ string, path directory.Path, value directory.Value, want []directory.Path) ([]connector.Account, error) {
	b.mu.Lock()
	b.now++
	b.most = max(b.most, b.now)
	latency := b.latency(b.now)
	b.mu.Unlock()
	time.Sleep(latency)
	b.mu.Lock()
	b.now--
	b.mu.Unlock()
	return b.stub.Find(ctx, typ, path, value, want)
}

// load makes calls from that many goroutines.
func load(t *testing.T, target connector.Target, goroutines, calls int) {
	t.Helper()
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for range calls {
				if err := find(t.Context(), target); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestConcurrencyFollowsLatency(t *testing.T) {
	steady := func(int) time.Duration { return 20 * time.Millisecond }
	tests := []struct {
		name        string
		latency     func(now int) time.Duration
		concurrency int // the option
		goroutines  int
		least, most int // of Concurrency in the end
		peak        int // no more calls at a time
	}{
		{"latency holds", steady, 0, 100, 64, 64, 64},
		{"nobody waits", steady, 0, 5, 8, 8, 5},
		{"a server of four at a time", func(now int) time.Duration {
			return 20 * time.Millisecond * time.Duration(max(1, now/4))
		}, 0, 100, 8, 32, 32}, // it goes up and down below the peak
		{"a fixed bound", steady, 3, 50, 3, 3, 3},
		{"a fixed bound, whatever the latency", func(now int) time.Duration {
			return 20 * time.Millisecond * time.Duration(now)
		}, 100, 200, 100, 100, 100},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				target := &busy{latency: test.latency}
				limiter := limited(target, test.concurrency, 0)
				load(t, limiter, test.goroutines, 3000/test.goroutines)
				if got := limiter.Concurrency(); got < test.least || got > test.most {
					t.Errorf("concurrency is %d in the end, want %d to %d", got, test.least, test.most)
				}
				if target.most > test.peak {
					t.Errorf("%d calls at a time, want %d at most", target.most, test.peak)
				}
				if limiter.InFlight() != 0 {
					t.Errorf("%d in flight when all have ended", limiter.InFlight())
				}
			})
		})
	}
}

func TestConcurrencyComesBackWhenLatencyDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		overloaded := false
		target := &busy{latency: func(now int) time.Duration {
			if overloaded {
				return 20 * time.Millisecond * time.Duration(now)
			}
			return 20 * time.Millisecond
		}}
		limiter := limited(target, 0, 0)
		load(t, limiter, 100, 30)
		overloaded = true
		load(t, limiter, 100, 30)
		if got := limiter.Concurrency(); got > 24 {
			t.Errorf("concurrency is %d while the target is overloaded", got)
		}
		overloaded = false
		load(t, limiter, 100, 30)
		if got := limiter.Concurrency(); got != 64 {
			t.Errorf("concurrency is %d when the target is quick again", got)
		}
	})
}

// TestSlowerForGood: latency that does not come from the number of calls does
// not keep that number low.
func TestSlowerForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		latency := 20 * time.Millisecond
		target := &busy{latency: func(int) time.Duration { return latency }}
		limiter := limited(target, 0, 0)
		load(t, limiter, 100, 30)
		latency = 200 * time.Millisecond
		load(t, limiter, 100, 30)
		if got := limiter.Concurrency(); got != 64 {
			t.Errorf("concurrency is %d", got)
		}
	})
}

func TestConcurrencyGrowsAgainAfterAComplaint(t *testing.T) {
	for _, concurrency := range []int{0, 8} {
		synctest.Test(t, func(t *testing.T) {
			target := &busy{latency: func(int) time.Duration { return 20 * time.Millisecond }, stub: *throttling(1, time.Second)}
			limiter := limited(target, concurrency, 0)
			_ = find(t.Context(), limiter)
			if got := limiter.Concurrency(); got != 4 {
				t.Fatalf("concurrency is %d", got)
			}
			load(t, limiter, 10, 4+5+6+7)
			if got := limiter.Concurrency(); got < 8 || concurrency > 0 && got > concurrency {
				t.Errorf("concurrency is %d", got)
			}
		})
	}
}

// TestGrowthIsSlowAfterAComplaint: from the half of 64, one by one.
func TestGrowthIsSlowAfterAComplaint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := &busy{latency: func(int) time.Duration { return 20 * time.Millisecond }}
		limiter := limited(target, 0, 0)
		load(t, limiter, 100, 30)
		target.answer = throttling(int(target.calls.Load())+1, time.Second).answer
		_ = find(t.Context(), limiter)
		load(t, limiter, 100, 1)
		if got := limiter.Concurrency(); got != 35 {
			t.Errorf("concurrency is %d after 32, 33 and 34 answers", got)
		}
	})
}

// TestSlotsAreNeverLost holds the number of calls at a time against the bound,
// with calls that are given up at any moment.
func TestSlotsAreNeverLost(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		bound := rapid.IntRange(1, 4).Draw(r, "bound")
		timeouts := rapid.SliceOfN(rapid.IntRange(0, 50), 1, 40).Draw(r, "timeouts")
		took := rapid.IntRange(0, 20).Draw(r, "latency")
		synctest.Test(t, func(t *testing.T) {
			target := &busy{latency: func(int) time.Duration { return time.Duration(took) * time.Millisecond }}
			limiter := limited(target, bound, 0)
			var wg sync.WaitGroup
			for _, timeout := range timeouts {
				wg.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(timeout)*time.Millisecond)
					defer cancel()
					_ = find(ctx, limiter)
				})
			}
			wg.Wait()
			if target.most > bound || limiter.InFlight() != 0 {
				t.Errorf("%d calls at a time with a bound of %d, and %d in flight in the end", target.most, bound, limiter.InFlight())
			}
			load(t, limiter, bound, 1)
		})
	})
}
