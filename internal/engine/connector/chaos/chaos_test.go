package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/chaos"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/memory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

var userName = directory.MustPath("userName")

func around(target connector.Target, rules ...chaos.Rule) *chaos.Target {
	return chaos.New(target, connector.SystemClock(), rules...)
}

func create(name string) connector.Operation {
	return connector.Operation{Kind: connector.Create, Type: directory.User, Modifications: []connector.Modification{
		{Path: userName, Verb: connector.Set, Value: directory.Text(name)},
		{Path: directory.MustPath("title"), Verb: connector.Set, Value: directory.Text("Baker")},
	}}
}

func send(ctx context.Context, target connector.Target, operation connector.Operation) error {
	_, err := target.Send(ctx, operation)
	return err
}

func find(ctx context.Context, target connector.Target, name string) error {
	_, err := target.Find(ctx, directory.User, userName, directory.Text(name), nil)
	return err
}

func TestMatching(t *testing.T) {
	ann, bob := create("ann"), create("bob")
	disable := connector.Operation{Kind: connector.Update, Type: directory.User, ID: "1"}
	tests := []struct {
		name string
		rule chaos.Rule
		want []string // of the calls below
	}{
		{"everything", chaos.Rule{}, []string{"create ann", "create bob", "update 1", "find ann", "get 1", "list", "describe", "test"}},
		{"method", chaos.Rule{Method: connector.MethodSend}, []string{"create ann", "create bob", "update 1"}},
		{"kind", chaos.Rule{Kind: connector.Update}, []string{"update 1"}},
		{"type", chaos.Rule{Type: directory.Group}, []string{"list"}},
		{"id", chaos.Rule{ID: "1"}, []string{"update 1", "get 1"}},
		{"path", chaos.Rule{Path: "userName"}, []string{"create ann", "create bob", "find ann"}},
		{"value", chaos.Rule{Path: "userName", Value: "ann"}, []string{"create ann", "find ann"}},
		{"method and value", chaos.Rule{Method: connector.MethodFind, Path: "userName", Value: "ann"}, []string{"find ann"}},
		{"other value", chaos.Rule{Path: "userName", Value: "cid"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			planned := errors.New("planned")
			test.rule.Before = planned
			target := around(memory.New(memory.Options{}), test.rule)
			ctx := t.Context()
			calls := []struct {
				name string
				call func() error
			}{
				{"create ann", func() error { return send(ctx, target, ann) }},
				{"create bob", func() error { return send(ctx, target, bob) }},
				{"update 1", func() error { return send(ctx, target, disable) }},
				{"find ann", func() error { return find(ctx, target, "ann") }},
				{"get 1", func() error { _, err := target.Get(ctx, directory.User, "1", nil); return err }},
				{"list", func() error {
					_, err := target.List(ctx, directory.Group, nil, func(connector.Account) error { return nil })
					return err
				}},
				{"describe", func() error { _, _, err := target.Describe(ctx); return err }},
				{"test", func() error { _, err := target.Test(ctx, nil); return err }},
			}
			var failed []string
			for _, c := range calls {
				if errors.Is(c.call(), planned) {
					failed = append(failed, c.name)
				}
			}
			if !slices.Equal(failed, test.want) || target.Fired()[0] != len(test.want) {
				t.Errorf("failed: %v, want %v; fired %v", failed, test.want, target.Fired())
			}
		})
	}
}

func TestAttemptsAreCountedBySubject(t *testing.T) {
	tests := []struct {
		name string
		rule chaos.Rule
		want []string
	}{
		{"by value", chaos.Rule{Method: connector.MethodSend, Path: "userName", Attempts: []int{2}}, []string{"ann 2", "bob 2"}},
		{"by one value", chaos.Rule{Method: connector.MethodSend, Path: "userName", Value: "bob", Attempts: []int{1, 3}}, []string{"bob 1", "bob 3"}},
		{"by value of another path", chaos.Rule{Path: "title", Attempts: []int{2, 5}}, []string{"bob 1", "ann 3"}},
		{"by the whole operation", chaos.Rule{Kind: connector.Create, Attempts: []int{3}}, []string{"ann 3", "bob 3"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.rule.Before = chaos.Error(connector.Transient)
			target := around(memory.New(memory.Options{}), test.rule)
			var failed []string
			for attempt := 1; attempt <= 3; attempt++ {
				for _, name := range []string{"ann", "bob"} {
					if connector.ClassOf(send(t.Context(), target, create(name))) == connector.Transient {
						failed = append(failed, fmt.Sprint(name, " ", attempt))
					}
				}
			}
			if !slices.Equal(failed, test.want) {
				t.Errorf("failed: %v, want %v", failed, test.want)
			}
		})
	}
}

// TestOrderDoesNotMatter: the same calls fail, whichever goroutine is first.
func TestOrderDoesNotMatter(t *testing.T) {
	for range 20 {
		target := around(memory.New(memory.Options{}),
			chaos.Rule{Path: "userName", Value: "3", Before: chaos.Error(connector.Rejected)},
			chaos.Rule{Path: "userName", Attempts: []int{1}, After: chaos.Error(connector.Unknown)})
		got := make([][2]connector.Class, 8)
		var wg sync.WaitGroup
		for i := range got {
			wg.Go(func() {
				for attempt := range 2 {
					got[i][attempt] = connector.ClassOf(send(t.Context(), target, create(fmt.Sprint(i))))
				}
			})
		}
		wg.Wait()
		for i, classes := range got {
			want := [2]connector.Class{connector.Unknown, connector.Conflict}
			if i == 3 {
				want = [2]connector.Class{connector.Rejected, connector.Rejected}
			}
			if classes != want {
				t.Fatalf("%d: %v, want %v", i, classes, want)
			}
		}
	}
}

func TestFaults(t *testing.T) {
	lost := chaos.Error(connector.Unknown)
	garbage := connector.Receipt{ID: "of somebody else"}
	tests := []struct {
		name    string
		rule    chaos.Rule
		err     error
		id      string
		carried bool
	}{
		{"before", chaos.Rule{Before: lost}, lost, "", false},
		{"lost answer", chaos.Rule{After: lost}, lost, "", true},
		{"no id", chaos.Rule{Receipt: &connector.Receipt{}}, nil, "", true},
		{"another's id", chaos.Rule{Receipt: &garbage}, nil, garbage.ID, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inner := memory.New(memory.Options{})
			target := around(inner, test.rule)
			receipt, err := target.Send(t.Context(), create("ann"))
			if err != test.err || receipt.ID != test.id || receipt.Account != nil {
				t.Errorf("got %v, %v", receipt, err)
			}
			if carried := len(inner.Accounts(directory.User)) == 1; carried != test.carried {
				t.Errorf("carried out: %t", carried)
			}
			target.AssertAllFired(t)
		})
	}
}

func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := memory.New(memory.Options{})
		target := around(inner, chaos.Rule{Delay: time.Minute})
		began := time.Now()
		if err := send(t.Context(), target, create("ann")); err != nil || time.Since(began) != time.Minute {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := send(ctx, target, create("bob")); !errors.Is(err, context.DeadlineExceeded) || len(inner.Accounts(directory.User)) != 1 {
			t.Errorf("got %v, and %d accounts", err, len(inner.Accounts(directory.User)))
		}
	})
}

func TestListThatFailsAtItsEnd(t *testing.T) {
	inner := memory.New(memory.Options{})
	inner.Seed(directory.User, map[string]directory.Value{"userName": directory.Text("ann")})
	seen := 0
	complete, err := around(inner, chaos.Rule{After: chaos.Error(connector.Transient)}).
		List(t.Context(), directory.User, nil, func(connector.Account) error { seen++; return nil })
	if complete || connector.ClassOf(err) != connector.Transient || seen != 1 {
		t.Errorf("complete %t, error %v, saw %d", complete, err, seen)
	}
}

func TestFirstRuleHappensAndAllCount(t *testing.T) {
	target := around(memory.New(memory.Options{}),
		chaos.Rule{Attempts: []int{1}, Before: chaos.Error(connector.Transient)},
		chaos.Rule{Attempts: []int{1, 2}, Before: chaos.Error(connector.Fatal)})
	var got []connector.Class
	for range 3 {
		got = append(got, connector.ClassOf(send(t.Context(), target, create("ann"))))
	}
	if want := []connector.Class{connector.Transient, connector.Fatal, ""}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if fired := target.Fired(); !slices.Equal(fired, []int{1, 1}) {
		t.Errorf("fired %v", fired)
	}
}

// failures notes what a test is failed with.
type failures struct {
	testing.TB
	all []string
}

func (f *failures) Helper() {}

func (f *failures) Errorf(format string, args ...any) {
	f.all = append(f.all, fmt.Sprintf(format, args...))
}

func TestAssertAllFiredTells(t *testing.T) {
	target := around(memory.New(memory.Options{}),
		chaos.Rule{Method: connector.MethodFind, Before: chaos.Error(connector.Transient)},
		chaos.Rule{Method: connector.MethodSend, Kind: connector.Delete, Type: directory.User, ID: "7", Attempts: []int{2}})
	_ = find(t.Context(), target, "ann")
	noted := &failures{TB: t}
	target.AssertAllFired(noted)
	if want := []string{"rule 2 never fired: send delete User 7 attempts [2]"}; !slices.Equal(noted.all, want) {
		t.Errorf("told %q", noted.all)
	}
}

func TestErrorHasACodeForEachClass(t *testing.T) {
	for _, class := range []connector.Class{
		connector.Transient, connector.Throttled, connector.Rejected, connector.Conflict,
		connector.Gone, connector.Unknown, connector.Denied, connector.Fatal,
	} {
		if e := chaos.Error(class); e.Class != class || e.Code == "" {
			t.Errorf("%s: %v", class, e)
		}
	}
}

// TestStack: the wrappers around a target that loses answers and throttles
// make no second account and lose none.
func TestStack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := connector.SystemClock()
		inner := memory.New(memory.Options{})
		throttled := chaos.Error(connector.Throttled)
		throttled.RetryAt = time.Now().Add(20 * time.Second)
		faults := chaos.New(inner, clock,
			chaos.Rule{Kind: connector.Create, Path: "userName", Value: "1", Attempts: []int{1}, Before: throttled},
			chaos.Rule{Kind: connector.Create, Path: "userName", Value: "2", Attempts: []int{1}, After: chaos.Error(connector.Unknown)},
			chaos.Rule{Method: connector.MethodFind, Path: "userName", Value: "3", Attempts: []int{1, 2, 3}, Before: chaos.Error(connector.Transient)},
		)
		counted := connector.Count(faults)
		limiter := connector.Limit(counted, connector.LimitOptions{Clock: clock})
		target := connector.Breaker(connector.Retry(limiter, clock, func() float64 { return 0.5 }), nil)

		classes := make([]connector.Class, 5)
		var wg sync.WaitGroup
		for i := range classes {
			wg.Go(func() {
				name := fmt.Sprint(i)
				if err := find(t.Context(), target, name); err != nil {
					t.Errorf("find %s: %v", name, err)
				}
				classes[i] = connector.ClassOf(send(t.Context(), target, create(name)))
			})
		}
		wg.Wait()
		if want := []connector.Class{"", "", connector.Unknown, "", ""}; !slices.Equal(classes, want) {
			t.Errorf("classes are %v", classes)
		}
		if writes := inner.Writes(); writes.Total != 5 || len(inner.Accounts(directory.User)) != 5 {
			t.Errorf("writes are %+v", writes)
		}
		if calls := counted.Calls(); calls[connector.MethodFind] != 8 || calls[connector.MethodSend] != 6 {
			t.Errorf("calls are %v", calls)
		}
		faults.AssertAllFired(t)
	})
}
