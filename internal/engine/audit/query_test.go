package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

func TestQueryFilters(t *testing.T) {
	b := newBench(t, store.Memory())
	add := func(reason string, change func(*Entry)) {
		e := Entry{AppID: "app", Reason: reason, Category: Provisioning, Action: Create, Status: Success, CycleID: "c1",
			Source: Identity{"User", "42", "Ann Lee"}, Target: Identity{"User", "t-42", "ann"}}
		change(&e)
		b.add(e)
		b.clock.advance(time.Hour)
	}
	add("a", func(e *Entry) {})
	add("b", func(e *Entry) { e.Action, e.Status = Disable, Failure })
	add("c", func(e *Entry) { e.CycleID, e.Source, e.Target = "c2", Identity{"User", "43", "ÉMILE"}, Identity{} })
	add("d", func(e *Entry) { e.Category, e.Source, e.Target = Job, Identity{}, Identity{} })
	add("e", func(e *Entry) { e.AppID = "other" })
	for range 2 { // from the outbox, then from files
		b.expect(Query{}, "e", "d", "c", "b", "a")
		b.expect(Query{AppID: "app"}, "d", "c", "b", "a")
		b.expect(Query{AppID: "none"})
		b.expect(Query{Category: Job}, "d")
		b.expect(Query{Action: Disable}, "b")
		b.expect(Query{Status: Failure, Action: Create})
		b.expect(Query{CycleID: "c2"}, "c")
		b.expect(Query{Object: "42"}, "e", "b", "a")
		b.expect(Query{Object: "t-42", AppID: "app"}, "b", "a")
		b.expect(Query{Object: "T-42"})
		b.expect(Query{Object: "ann lee"}, "e", "b", "a")
		b.expect(Query{Object: "Émile"}, "c")
		b.expect(Query{Object: "Ann"}, "e", "b", "a")
		b.expect(Query{Since: noon.Add(time.Hour)}, "e", "d", "c", "b")
		b.expect(Query{Until: noon.Add(time.Hour)}, "a")
		b.expect(Query{Since: noon.Add(time.Hour), Until: noon.Add(3 * time.Hour), Limit: 1}, "c")
		b.expect(Query{Since: noon.AddDate(0, 0, 1)})
		b.expect(Query{Until: noon.AddDate(0, 0, -1)})
		b.flush()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Query(ctx, Query{}); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
}

// TestQueryOfRandomHistories compares with a list of all that was added.
func TestQueryOfRandomHistories(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		b := newBench(t, store.Memory())
		defer b.Close()
		var all []Entry
		for i := range rapid.IntRange(1, 30).Draw(r, "entries") {
			b.clock.advance(time.Duration(rapid.IntRange(0, 20).Draw(r, "hours")) * time.Hour)
			e := entry(rapid.SampledFrom([]string{"a", "b", ""}).Draw(r, "app"), fmt.Sprint(i))
			e.Status = rapid.SampledFrom([]Status{Success, Failure}).Draw(r, "status")
			b.add(e)
			e.Time = b.clock.Now()
			all = append(all, e)
			if rapid.Bool().Draw(r, "flush") {
				b.flush()
			}
		}
		q := Query{
			AppID:  rapid.SampledFrom([]string{"", "a"}).Draw(r, "of"),
			Status: rapid.SampledFrom([]Status{"", Failure}).Draw(r, "with"),
			Since:  noon.Add(time.Duration(rapid.IntRange(0, 200).Draw(r, "since")) * time.Hour),
			Limit:  rapid.IntRange(1, 10).Draw(r, "limit"),
		}
		want := []string{}
		for _, e := range slices.Backward(all) {
			if q.matches(e) && len(want) < q.Limit {
				want = append(want, e.Reason)
			}
		}
		if got := b.reasons(q); !slices.Equal(got, want) {
			r.Fatalf("query %+v: %q, want %q", q, got, want)
		}
	})
}
