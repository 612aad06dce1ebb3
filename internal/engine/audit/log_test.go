package audit

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store/storetest"
)

// testClock is a time that only the test moves.
type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// bench is a log with what it stands on. Its own flusher never comes to run:
// tests call Flush.
type bench struct {
	*Log
	t     testing.TB
	dir   string
	store store.Store
	clock *testClock
}

func newBench(t testing.TB, s store.Store) *bench {
	return openBench(t, filepath.Join(t.TempDir(), "audit"), s, &testClock{now: noon})
}

func openBench(t testing.TB, dir string, s store.Store, c *testClock) *bench {
	t.Helper()
	l, err := Open(dir, s, Options{Now: c.Now, Sleep: func(ctx context.Context, _ time.Duration) error {
		<-ctx.Done()
		return ctx.Err()
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return &bench{l, t, dir, s, c}
}

// add commits entries without flushing them.
func (b *bench) add(entries ...Entry) {
	b.t.Helper()
	mutations, err := b.Mutations(entries...)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := b.store.Commit(context.Background(), mutations...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) flush() {
	b.t.Helper()
	if err := b.Flush(context.Background()); err != nil {
		b.t.Fatal(err)
	}
}

// reasons gives the reasons of the entries that match.
func (b *bench) reasons(q Query) []string {
	b.t.Helper()
	entries, err := b.Query(context.Background(), q)
	if err != nil {
		b.t.Fatal(err)
	}
	reasons := []string{}
	for _, e := range entries {
		reasons = append(reasons, e.Reason)
	}
	return reasons
}

func (b *bench) expect(q Query, want ...string) {
	b.t.Helper()
	if got := b.reasons(q); !slices.Equal(got, want) {
		b.t.Errorf("query %+v gives %q, want %q", q, got, want)
	}
}

// lines gives the lines of a day file.
func (b *bench) lines(name string) []string {
	b.t.Helper()
	data, err := os.ReadFile(filepath.Join(b.dir, name))
	if err != nil {
		b.t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
}

func entry(app, reason string) Entry {
	return Entry{AppID: app, Reason: reason, Category: Provisioning, Action: Create, Status: Success}
}

const today = "app/2026-11-21.jsonl"

func TestEntriesAreSeenBeforeAndAfterTheFlush(t *testing.T) {
	b := newBench(t, store.Memory())
	b.add(entry("app", "1"), entry("app", "2"))
	b.expect(Query{}, "2", "1")
	b.flush()
	b.expect(Query{}, "2", "1")
	b.clock.advance(time.Second)
	b.add(entry("app", "3"))
	b.expect(Query{}, "3", "2", "1")
	b.expect(Query{Limit: 2}, "3", "2")
	b.flush()
	b.flush()
	if lines := b.lines(today); len(lines) != 3 {
		t.Errorf("%d lines, want 3: %q", len(lines), lines)
	}
	rows, _ := b.store.Page(outbox, nil, nil, 10)
	if len(rows) != 0 {
		t.Errorf("%d rows stayed in the outbox", len(rows))
	}
	info, err := os.Stat(filepath.Join(b.dir, today))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the day file: %v, error %v", info.Mode(), err)
	}
}

func TestEntryKeepsWhatItHolds(t *testing.T) {
	b := newBench(t, store.Memory())
	value := "line\nend \u2028 <&> \x00 “quoted”"
	want := Entry{
		AppID: "app", CycleID: "c", ChangeID: "x", Category: Job, Action: StagedDelete, Status: Warning,
		Source: Identity{"User", "1", "Ann"}, Target: Identity{"User", "t-1", "ann"},
		Steps:              []Step{{"EntryImport", StepImport, Success, value, Details{{"a", value}}}},
		ModifiedProperties: []Property{{"userName", nil, &value}, {"title", &value, nil}},
		Reason:             value, ErrorCode: Held, RecommendedAction: "approve", InitiatedBy: "service", DurationMS: 12,
	}
	b.add(want)
	b.flush()
	got, err := b.Query(t.Context(), Query{})
	if err != nil || len(got) != 1 {
		t.Fatalf("%d entries, error %v", len(got), err)
	}
	want.ID, want.Time = got[0].ID, noon
	a, _ := encode(&want)
	c, _ := encode(&got[0])
	if !bytes.Equal(a, c) || bytes.ContainsRune(c, '\n') {
		t.Errorf("got %s\nwant %s", c, a)
	}
}

func TestIDsAscend(t *testing.T) {
	b := newBench(t, store.Memory())
	var ids []string
	var wait sync.WaitGroup
	var mu sync.Mutex
	for range 4 {
		wait.Go(func() {
			mutations, err := b.Mutations(make([]Entry, 500)...)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for i, m := range mutations {
				if i > 0 && bytes.Compare(mutations[i-1].Key, m.Key) >= 0 {
					t.Errorf("%s after %s", m.Key, mutations[i-1].Key)
				}
				ids = append(ids, string(m.Key))
			}
		})
	}
	wait.Wait()
	slices.Sort(ids)
	if n := len(slices.Compact(ids)); n != 2000 {
		t.Errorf("%d ids of 2000", n)
	}
	b.clock.advance(-time.Hour) // a clock set back gives other ids, not the same ones
	if _, err := b.Mutations(Entry{}); err != nil {
		t.Error(err)
	}
}

func TestMutationsRefuseWhatIsNoApp(t *testing.T) {
	b := newBench(t, store.Memory())
	for _, app := range []string{"..", "a/b", "_", ".", "a b", "-a", strings.Repeat("a", 200), "a\x00", "ä"} {
		if _, err := b.Mutations(Entry{AppID: app}); err == nil {
			t.Errorf("app %q was taken", app)
		}
		b.expect(Query{AppID: app})
		if err := b.Drop(t.Context(), app); err == nil {
			t.Errorf("app %q was dropped", app)
		}
	}
}

func TestEachDayAndAppHasItsFile(t *testing.T) {
	b := newBench(t, store.Memory())
	b.clock.now = time.Date(2026, 11, 21, 23, 59, 59, 999e6, time.FixedZone("", 3600)).Add(time.Hour)
	b.add(entry("app", "late"), entry("other", "other"), entry("", "none"))
	b.clock.advance(time.Millisecond)
	b.add(entry("app", "early"))
	b.flush()
	for name, lines := range map[string]int{"app/2026-11-21.jsonl": 1, "app/2026-11-22.jsonl": 1, "other/2026-11-21.jsonl": 1, "_/2026-11-21.jsonl": 1} {
		if got := b.lines(name); len(got) != lines {
			t.Errorf("%s: %q", name, got)
		}
	}
	b.expect(Query{}, "early", "none", "other", "late")
	b.expect(Query{Limit: 1}, "early")
	b.expect(Query{AppID: "other"}, "other")
}

func TestFlusher(t *testing.T) {
	defer goleak.VerifyNone(t)
	s := store.Memory()
	slept := make(chan time.Duration)
	l, err := Open(t.TempDir(), s, Options{Sleep: func(ctx context.Context, d time.Duration) error {
		select {
		case slept <- d:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	<-slept // of Open itself
	mutations, _ := l.Mutations(entry("app", "1"))
	s.Commit(t.Context(), mutations...)
	changed := l.change()
	l.Wake()
	l.Wake()
	if d := <-slept; d != flushDelay {
		t.Errorf("waited for %v", d)
	}
	<-changed
	mutations, _ = l.Mutations(entry("app", "2"))
	s.Commit(t.Context(), mutations...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	rows, _ := s.Page(outbox, nil, nil, 10)
	if len(rows) != 0 {
		t.Errorf("Close left %d rows in the outbox", len(rows))
	}
}

func TestFlusherTriesAgain(t *testing.T) {
	s := storetest.Faulty(store.Memory())
	slept := make(chan time.Duration)
	l, err := Open(t.TempDir(), s, Options{Sleep: func(ctx context.Context, d time.Duration) error {
		select {
		case slept <- d:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	mutations, _ := l.Mutations(entry("app", "1"))
	s.Commit(t.Context(), mutations...)
	s.Fail(errors.New("disk full"))
	last := time.Duration(0)
	for range 12 {
		d := <-slept
		if d < last || d > maxRetryDelay {
			t.Errorf("waited %v after %v", d, last)
		}
		last = d
	}
	if last != maxRetryDelay || l.Err() == nil {
		t.Errorf("the last wait was %v, Err is %v", last, l.Err())
	}
}
