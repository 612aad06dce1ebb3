package connector_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// outage is a target whose calls and whose probe fail with these errors.
func outage(calls, probe error) (*stub, *atomic.Int64) {
	probes := new(atomic.Int64)
	return &stub{answer: func(_ context.Context, method connector.Method, _ int) error {
		if method == connector.MethodTest {
			probes.Add(1)
			return probe
		}
		return calls
	}}, probes
}

func isOpen(t *testing.T, err error, class connector.Class) {
	t.Helper()
	cause, open := connector.OpenCause(err)
	if !open || cause.Class != class || !errors.Is(err, connector.ErrOpen) || connector.ClassOf(err) != connector.Fatal {
		t.Errorf("error is %v (class %s), want an open breaker because of %s", err, connector.ClassOf(err), class)
	}
}

func TestBreakerOpens(t *testing.T) {
	dead := failure(connector.Transient)
	for class, let := range map[connector.Class]int{connector.Transient: 19, connector.Fatal: 19, connector.Denied: 0} {
		t.Run(string(class), func(t *testing.T) {
			target, probes := outage(failure(class), dead)
			b := connector.Breaker(target, nil)
			for i := range let {
				if err := find(t.Context(), b); connector.ClassOf(err) != class || errors.Is(err, connector.ErrOpen) {
					t.Fatalf("failure %d is told as %v", i+1, err)
				}
			}
			isOpen(t, find(t.Context(), b), connector.Transient)
			calls := target.calls.Load()
			for method, call := range every {
				t.Run(string(method), func(t *testing.T) { isOpen(t, call(t.Context(), b), connector.Transient) })
			}
			if probes.Load() != 1 || target.calls.Load() != calls {
				t.Errorf("%d probes, and %d calls through an open breaker", probes.Load(), target.calls.Load()-calls)
			}
		})
	}
}

// TestBreakerTellsUnknown: a write that may have been carried out is never
// told as one that was not sent.
func TestBreakerTellsUnknown(t *testing.T) {
	target, probes := outage(failure(connector.Unknown), failure(connector.Fatal))
	b := connector.Breaker(target, nil)
	for range 20 {
		if err := send(t.Context(), b); connector.ClassOf(err) != connector.Unknown {
			t.Fatalf("error is %v", err)
		}
	}
	isOpen(t, send(t.Context(), b), connector.Fatal)
	if probes.Load() != 1 {
		t.Errorf("%d probes", probes.Load())
	}
}

func TestBreakerStaysClosed(t *testing.T) {
	tests := []struct {
		name   string
		calls  error
		probe  error
		probes int64 // after 40 failures
	}{
		{"rejected", failure(connector.Rejected), failure(connector.Fatal), 0},
		{"conflict", failure(connector.Conflict), failure(connector.Fatal), 0},
		{"gone", failure(connector.Gone), failure(connector.Fatal), 0},
		{"throttled", failure(connector.Throttled), failure(connector.Fatal), 0},
		{"cannot filter", connector.ErrCannotFilter, failure(connector.Fatal), 0},
		{"probe succeeds", failure(connector.Transient), nil, 2},
		{"denied to one object", failure(connector.Denied), nil, 2},
		{"probe throttled", failure(connector.Transient), failure(connector.Throttled), 2},
		{"probe rejected", failure(connector.Transient), failure(connector.Rejected), 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			target, probes := outage(test.calls, test.probe)
			b := connector.Breaker(target, nil)
			for range 40 {
				if err := find(t.Context(), b); err != test.calls {
					t.Fatalf("error is %v", err)
				}
			}
			if probes.Load() != test.probes {
				t.Errorf("%d probes, want %d", probes.Load(), test.probes)
			}
		})
	}
}

func TestBreakerCountsInARow(t *testing.T) {
	class := connector.Transient
	target := &stub{answer: func(_ context.Context, method connector.Method, n int) error {
		switch {
		case method == connector.MethodTest:
			t.Error("probed without need")
		case n%20 == 0:
			return nil
		}
		return failure(class)
	}}
	b := connector.Breaker(target, nil)
	for range 60 {
		_ = find(t.Context(), b)
	}
	// Answers about one object reset nothing.
	target, probes := outage(nil, failure(connector.Fatal))
	target.answer = func(_ context.Context, method connector.Method, n int) error {
		switch {
		case method == connector.MethodTest:
			probes.Add(1)
			return failure(connector.Fatal)
		case n%2 == 0:
			return failure(connector.Rejected)
		}
		return failure(connector.Transient)
	}
	b = connector.Breaker(target, nil)
	for range 40 {
		_ = find(t.Context(), b)
	}
	if probes.Load() != 1 {
		t.Errorf("%d probes", probes.Load())
	}
}

func TestBreakerProbesOnRefusedConnection(t *testing.T) {
	refused := failure(connector.Transient)
	refused.Err = fmt.Errorf("dial: %w", syscall.ECONNREFUSED)
	named := failure(connector.Transient)
	named.Code = "ConnectionRefused"
	for _, e := range []*connector.Error{refused, named} {
		target, probes := outage(e, e)
		b := connector.Breaker(target, nil)
		isOpen(t, send(t.Context(), b), connector.Transient)
		if probes.Load() != 1 {
			t.Errorf("%d probes", probes.Load())
		}
	}
}

func TestBreakerOpensOnDeniedInGeneral(t *testing.T) {
	for _, method := range []connector.Method{connector.MethodDescribe, connector.MethodTest, connector.MethodList} {
		target := failing(failure(connector.Denied))
		b := connector.Breaker(target, nil)
		isOpen(t, every[method](t.Context(), b), connector.Denied)
		isOpen(t, send(t.Context(), b), connector.Denied)
		if target.calls.Load() != 1 {
			t.Errorf("%s: %d calls", method, target.calls.Load())
		}
	}
}

func TestBreakerProbesWithTheMatchingAttributes(t *testing.T) {
	matching := map[string]directory.Path{directory.User: directory.MustPath("userName")}
	target := &probed{stub: failing(failure(connector.Transient))}
	b := connector.Breaker(target, matching)
	for range 20 {
		_ = find(t.Context(), b)
	}
	if fmt.Sprint(target.matching) != fmt.Sprint(matching) {
		t.Errorf("probed with %v", target.matching)
	}
}

type probed struct {
	*stub
	matching map[string]directory.Path
}

func (p *probed) Test(ctx context.Context, matching map[string]directory.Path) ([]connector.Finding, error) {
	p.matching = matching
	return p.stub.Test(ctx, matching)
}

func TestBreakerIgnoresWhatIsNotTheTargets(t *testing.T) {
	target, probes := outage(failure(connector.Transient), failure(connector.Fatal))
	b := connector.Breaker(target, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 30 {
		_ = find(ctx, b)
	}
	target.accounts = 1
	own := failure(connector.Denied)
	for range 30 {
		if _, err := b.List(t.Context(), directory.User, nil, func(connector.Account) error { return own }); err != error(own) {
			t.Fatalf("an error of yield comes back as %v", err)
		}
	}
	if probes.Load() != 0 {
		t.Errorf("%d probes", probes.Load())
	}
}

// TestBreakerProbesOnce: calls that come or fail during the probe wait for it.
func TestBreakerProbesOnce(t *testing.T) {
	for _, answer := range []error{nil, failure(connector.Denied)} {
		synctest.Test(t, func(t *testing.T) {
			probes := 0
			target := &stub{answer: func(_ context.Context, method connector.Method, _ int) error {
				if method == connector.MethodTest {
					probes++
					time.Sleep(time.Minute)
					return answer
				}
				time.Sleep(time.Second)
				return failure(connector.Transient)
			}}
			b := connector.Breaker(target, nil)
			var wg sync.WaitGroup
			var open atomic.Int64
			count := func() {
				if _, is := connector.OpenCause(find(t.Context(), b)); is {
					open.Add(1)
				}
			}
			for range 30 {
				wg.Go(count)
			}
			time.Sleep(10 * time.Second)
			during := target.calls.Load()
			for range 10 {
				wg.Go(count)
			}
			synctest.Wait()
			if target.calls.Load() != during {
				t.Error("calls go through during the probe")
			}
			wg.Wait()
			// 19 failed before the probe began.
			if want := map[bool]int64{true: 0, false: 21}[answer == nil]; probes != 1 || open.Load() != want {
				t.Errorf("%d probes, and %d calls were told that the breaker is open, want %d", probes, open.Load(), want)
			}
		})
	}
}

func TestBreakerLeavesTheQuestionOpen(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	target := &stub{answer: func(_ context.Context, method connector.Method, _ int) error {
		if method == connector.MethodTest {
			cancel()
			return failure(connector.Transient)
		}
		return failure(connector.Fatal)
	}}
	b := connector.Breaker(target, nil)
	for range 20 {
		_ = find(ctx, b)
	}
	if _, open := connector.OpenCause(find(t.Context(), b)); open {
		t.Error("a probe that was cancelled opened the breaker")
	}
}

// TestBreakerPassesOn: what the target answers goes through a closed breaker
// as it is.
func TestBreakerPassesOn(t *testing.T) {
	for method, call := range every {
		target := &stub{}
		if err := call(t.Context(), connector.Breaker(target, nil)); err != nil || target.calls.Load() != 1 {
			t.Errorf("%s gives %v after %d calls", method, err, target.calls.Load())
		}
	}
	account, err := connector.Breaker(&stub{}, nil).Get(t.Context(), directory.User, "7", nil)
	if err != nil || account.ID != "7" {
		t.Errorf("Get gives %v, %v", account, err)
	}
}

// TestOpenBreakerTellsWhy: the message names the cause and the way out.
func TestOpenBreakerTellsWhy(t *testing.T) {
	cause := &connector.Error{Class: connector.Denied, Code: "Unauthorized", Detail: "HTTP 401", Advice: "renew the token"}
	b := connector.Breaker(failing(cause), nil)
	err := connector.AsError(every[connector.MethodTest](t.Context(), b))
	want := "Unauthorized: the target cannot be used and is left alone: HTTP 401"
	if err.Error() != want || err.Advice != cause.Advice {
		t.Errorf("told %q with the advice %q", err, err.Advice)
	}
}

func TestOpenCauseOfOtherErrors(t *testing.T) {
	for _, err := range []error{nil, failure(connector.Fatal), connector.ErrOpen} {
		if cause, open := connector.OpenCause(err); open || cause != nil {
			t.Errorf("%v is told as an open breaker", err)
		}
	}
}
