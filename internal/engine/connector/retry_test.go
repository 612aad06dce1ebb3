package connector_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// latest is the jitter at its largest, short of nothing.
func latest() float64 { return 1 }

func TestRetryTriesAsOftenAsItMay(t *testing.T) {
	reads := []connector.Method{connector.MethodDescribe, connector.MethodList, connector.MethodFind, connector.MethodGet}
	want := map[connector.Class]map[connector.Method]int64{connector.Transient: {}, connector.Throttled: {}}
	for _, method := range reads {
		want[connector.Transient][method] = 4
	}
	for method := range every {
		want[connector.Throttled][method] = 5
	}
	classes := []connector.Class{
		connector.Transient, connector.Throttled, connector.Rejected, connector.Conflict,
		connector.Gone, connector.Unknown, connector.Denied, connector.Fatal,
	}
	for _, class := range classes {
		for method, call := range every {
			t.Run(string(class)+" "+string(method), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					target := failing(failure(class))
					err := call(t.Context(), connector.Retry(target, connector.SystemClock(), latest))
					if connector.ClassOf(err) != class {
						t.Errorf("error is %v", err)
					}
					if got, want := target.calls.Load(), max(want[class][method], 1); got != want {
						t.Errorf("called %d times, want %d", got, want)
					}
				})
			})
		}
	}
}

func TestRetryWaits(t *testing.T) {
	tests := []struct {
		name    string
		class   connector.Class
		retryAt time.Duration // from the call on; 0: not said
		first   time.Duration // wait before the second call
		all     time.Duration // before the error
	}{
		{"transient", connector.Transient, 0, 250 * time.Millisecond, 1750 * time.Millisecond},
		{"throttled without a time", connector.Throttled, 0, time.Second, 15 * time.Second},
		{"throttled until", connector.Throttled, 30 * time.Second, 30 * time.Second, 2 * time.Minute},
		{"throttled for a day", connector.Throttled, 24 * time.Hour, 15 * time.Minute, time.Hour},
		{"throttled until yesterday", connector.Throttled, -24 * time.Hour, time.Second, 15 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				target := &stub{answer: func(context.Context, connector.Method, int) error {
					e := failure(test.class)
					if test.retryAt != 0 {
						e.RetryAt = time.Now().Add(test.retryAt)
					}
					return e
				}}
				began := time.Now()
				_ = find(t.Context(), connector.Retry(target, connector.SystemClock(), latest))
				if got := target.at[1].Sub(target.at[0]); got != test.first {
					t.Errorf("the second call comes after %v, want %v", got, test.first)
				}
				if got := time.Since(began); got != test.all {
					t.Errorf("the error comes after %v, want %v", got, test.all)
				}
			})
		})
	}
}

func TestRetryJitterHalvesAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := failing(failure(connector.Throttled))
		_ = find(t.Context(), connector.Retry(target, connector.SystemClock(), func() float64 { return 0 }))
		if got := target.at[1].Sub(target.at[0]); got != time.Second/2 {
			t.Errorf("the shortest wait is %v", got)
		}
	})
}

func TestRetrySucceedsInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := &stub{answer: func(_ context.Context, _ connector.Method, n int) error {
			switch n {
			case 1, 3:
				return failure(connector.Throttled)
			case 2:
				return failure(connector.Transient)
			}
			return nil
		}}
		account, err := connector.Retry(target, connector.SystemClock(), latest).Get(t.Context(), directory.User, "7", nil)
		if err != nil || account.ID != "7" || target.calls.Load() != 4 {
			t.Errorf("got %v, %v after %d calls", account, err, target.calls.Load())
		}
	})
}

func TestRetrySendsNothingAgainAfterUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := &stub{answer: func(_ context.Context, _ connector.Method, n int) error {
			if n == 1 {
				return failure(connector.Throttled)
			}
			return failure(connector.Unknown)
		}}
		err := send(t.Context(), connector.Retry(target, connector.SystemClock(), latest))
		if connector.ClassOf(err) != connector.Unknown || target.calls.Load() != 2 {
			t.Errorf("error %v after %d calls", err, target.calls.Load())
		}
	})
}

func TestRetryGivesNoAccountTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := failing(failure(connector.Transient))
		target.accounts = 2
		seen := 0
		complete, err := connector.Retry(target, connector.SystemClock(), latest).
			List(t.Context(), directory.User, nil, func(connector.Account) error { seen++; return nil })
		if seen != 2 || complete || connector.ClassOf(err) != connector.Transient {
			t.Errorf("saw %d accounts, complete %t, error %v", seen, complete, err)
		}
	})
}

func TestRetryLeavesOtherErrorsAlone(t *testing.T) {
	own := failure(connector.Transient)
	target := &stub{accounts: 1}
	_, err := connector.Retry(target, connector.SystemClock(), latest).
		List(t.Context(), directory.User, nil, func(connector.Account) error { return own })
	if err != error(own) {
		t.Errorf("an error of yield comes back as %v", err)
	}
	target = failing(connector.ErrCannotFilter)
	if err := find(t.Context(), connector.Retry(target, connector.SystemClock(), latest)); !errors.Is(err, connector.ErrCannotFilter) || target.calls.Load() != 1 {
		t.Errorf("error %v after %d calls", err, target.calls.Load())
	}
}

func TestRetryEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		e := failure(connector.Throttled)
		e.RetryAt = time.Now().Add(time.Minute)
		target := failing(e)
		began := time.Now()
		err := send(ctx, connector.Retry(target, connector.SystemClock(), latest))
		if connector.ClassOf(err) != connector.Throttled || time.Since(began) != 10*time.Second || target.calls.Load() != 1 {
			t.Errorf("error %v after %v and %d calls", err, time.Since(began), target.calls.Load())
		}
	})
}
