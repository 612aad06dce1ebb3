package audit

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store/storetest"
)

// TestFullDisk has the day files refuse, then recover by themselves.
func TestFullDisk(t *testing.T) {
	b := newBench(t, store.Memory())
	b.add(entry("app", "1"))
	b.flush()
	path := filepath.Join(b.dir, today)
	moved := path + ".moved"
	if err := os.Rename(path, moved); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil { // a folder cannot be written to, whoever asks
		t.Fatal(err)
	}
	b.add(entry("app", "2"))
	if err := b.Flush(t.Context()); err == nil || b.Err() == nil {
		t.Errorf("flushed into a folder; Err is %v", b.Err())
	}
	if err := errors.Join(os.Remove(path), os.Rename(moved, path)); err != nil {
		t.Fatal(err)
	}
	b.expect(Query{}, "2", "1")
	b.flush()
	if b.Err() != nil || len(b.lines(today)) != 2 {
		t.Errorf("after it: %q, Err %v", b.lines(today), b.Err())
	}
	b.expect(Query{}, "2", "1")
}

// TestOutboxThatStays has the deletion from the outbox fail after the file was
// written: nothing may be in the file twice.
func TestOutboxThatStays(t *testing.T) {
	s := storetest.Faulty(store.Memory())
	b := newBench(t, s)
	b.add(entry("app", "1"))
	for range 3 {
		s.Fail(errors.New("disk full"))
		if err := b.Flush(t.Context()); err == nil {
			t.Fatal("flushed")
		}
		b.expect(Query{}, "1")
		s.Fail(nil)
	}
	b.add(entry("app", "2"))
	b.flush()
	b.expect(Query{}, "2", "1")
	if lines := b.lines(today); len(lines) != 2 {
		t.Errorf("%q", lines)
	}
}

// TestRowsThatAreNoEntries has rows in the outbox that no file is for.
func TestRowsThatAreNoEntries(t *testing.T) {
	b := newBench(t, store.Memory())
	b.add(entry("app", "1"), entry("app", "2"))
	rows, err := b.store.Page(outbox, nil, nil, 10)
	if err != nil {
		t.Fatal(err)
	}
	line := rows[0].Value
	broken := [][]byte{
		nil, line[:40], line[:60], []byte("{}"),
		bytes.Replace(line, []byte("2026-11-21T12:00:00Z"), []byte("0001-01-01T00:00:00Z"), 1),
		bytes.Replace(line, []byte("2026"), []byte("20x6"), 1),
		bytes.Replace(line, []byte(`"app"`), []byte(`".."`), 1),
	}
	for i, line := range broken {
		if err := b.store.Commit(t.Context(), store.Put(outbox, fmt.Append(nil, i), line)); err != nil {
			t.Fatal(err)
		}
	}
	b.flush()
	if got := b.Damaged(); got != int64(len(broken)) {
		t.Errorf("%d damaged lines, want %d", got, len(broken))
	}
	b.expect(Query{}, "2", "1")
	if rows, err := b.store.Page(outbox, nil, nil, 10); err != nil || len(rows) > 0 {
		t.Errorf("%d rows stayed in the outbox, error %v", len(rows), err)
	}
}

// TestCutSweep dies after each commit, and opens again: every entry that was
// committed is in the file once.
func TestCutSweep(t *testing.T) {
	const total = 5
	for n := range 2*total + 1 {
		below := store.Memory()
		s := storetest.Faulty(below)
		b := newBench(t, s)
		s.CutAfter(n)
		committed := []string{}
		for i := range total {
			mutations, _ := b.Mutations(entry("app", fmt.Sprint(i)))
			if s.Commit(t.Context(), mutations...) == nil {
				committed = append(committed, fmt.Sprint(i))
			}
			_ = b.Flush(t.Context())
		}
		b.Close()
		again := openBench(t, b.dir, below, b.clock)
		again.flush()
		if got := again.reasons(Query{}); !slices.Equal(reversed(got), committed) {
			t.Errorf("cut after %d: %q, want %q", n, got, committed)
		}
		if len(committed) > 0 && len(again.lines(today)) != len(committed) {
			t.Errorf("cut after %d: %q", n, again.lines(today))
		}
	}
}

func reversed(s []string) []string {
	s = slices.Clone(s)
	slices.Reverse(s)
	return s
}

// TestFilesOfAnotherTime opens files that do not fit the store: torn, longer
// than it knows, or of a store that was lost.
func TestFilesOfAnotherTime(t *testing.T) {
	write := func(t *testing.T, b *bench, change func([]byte) []byte) {
		t.Helper()
		path := filepath.Join(b.dir, today)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, change(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		change  func([]byte) []byte
		lost    bool // the store is
		want    []string
		damaged bool
	}{
		"torn line":     {change: func(d []byte) []byte { return append(d, `{"id":"01J`...) }, want: []string{"3", "2", "1"}},
		"foreign lines": {change: func(d []byte) []byte { return append(d, "what is this\n\n{}\n"...) }, want: []string{"3", "2", "1"}, damaged: true},
		"lost store":    {change: func(d []byte) []byte { return d }, lost: true, want: []string{"3", "2", "1"}},
		"lost and torn": {change: func(d []byte) []byte { return d[:len(d)-5] }, lost: true, want: []string{"3", "1"}},
		"shorter":       {change: func(d []byte) []byte { return d[:len(d)-5] }, want: []string{"3", "1"}},
		"empty":         {change: func(d []byte) []byte { return nil }, want: []string{"3"}},
		"zeros":         {change: func(d []byte) []byte { return append(d, make([]byte, 4096)...) }, want: []string{"3", "2", "1"}},
		"very long line": {change: func(d []byte) []byte {
			return append(append(bytes.Repeat([]byte("x"), 3*maxLine), '\n'), d...)
		}, want: []string{"3", "2", "1"}, damaged: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := store.Memory()
			b := newBench(t, s)
			b.add(entry("app", "1"), entry("app", "2"))
			b.flush()
			write(t, b, test.change)
			b.clock.advance(time.Minute)
			if test.lost {
				s = store.Memory()
			}
			again := openBench(t, b.dir, s, b.clock)
			again.add(entry("app", "3"))
			again.expect(Query{}, test.want...)
			again.flush()
			again.expect(Query{}, test.want...)
			if got := again.Damaged() > 0; got != test.damaged {
				t.Errorf("%d damaged lines", again.Damaged())
			}
		})
	}
}

// TestRowsOfManyEntries has entries share a row of the outbox, as those do that
// are committed together.
func TestRowsOfManyEntries(t *testing.T) {
	below, err := store.Open(filepath.Join(t.TempDir(), "store.db"), store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { below.Close() })
	s := storetest.Faulty(below)
	b := newBench(t, s)
	b.add(entry("app", "1"), entry("other", "2"), entry("app", "3"), entry("third", "4"), entry("app", "5"))
	if rows, err := s.Page(outbox, nil, nil, 10); err != nil || len(rows) != 1 {
		t.Fatalf("%d rows, error %v", len(rows), err)
	}
	b.expect(Query{}, "5", "4", "3", "2", "1")
	if err := b.Drop(t.Context(), "third"); err != nil {
		t.Fatal(err)
	}
	b.expect(Query{}, "5", "3", "2", "1")

	// The last file cannot be written, then the row cannot be deleted.
	folder := filepath.Join(b.dir, "other")
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.Flush(t.Context()); err == nil {
		t.Fatal("flushed into a file in place of a folder")
	}
	if err := os.Remove(folder); err != nil {
		t.Fatal(err)
	}
	s.Fail(errors.New("disk full"))
	if err := b.Flush(t.Context()); err == nil {
		t.Fatal("flushed")
	}
	b.expect(Query{}, "5", "3", "2", "1")
	if lines := b.lines(today); len(lines) != 3 {
		t.Errorf("%q", lines)
	}

	// Then the process dies, and with it the end of a file is lost.
	path := filepath.Join(b.dir, today)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data[:len(data)*2/3-10], 0o600); err != nil {
		t.Fatal(err)
	}
	again := openBench(t, b.dir, below, b.clock)
	again.flush()
	again.expect(Query{}, "5", "3", "2", "1")
	if lines := again.lines(today); len(lines) != 3 || again.Damaged() != 0 {
		t.Errorf("%d damaged lines, %q", again.Damaged(), lines)
	}
	if rows, err := below.Page(outbox, nil, nil, 10); err != nil || len(rows) > 0 {
		t.Errorf("%d rows stayed in the outbox, error %v", len(rows), err)
	}
}

// TestLeaving has entries leave the outbox while nobody waits for it.
func TestLeaving(t *testing.T) {
	below, err := store.Open(filepath.Join(t.TempDir(), "store.db"), store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { below.Close() })
	s := storetest.Faulty(below)
	b := newBench(t, s)
	bring := func() error { return b.bring(t.Context(), false) }
	b.add(entry("app", "1"), entry("other", "2"))
	s.Fail(errors.New("disk full"))
	if err := bring(); err != nil {
		t.Fatal(err)
	}
	b.expect(Query{}, "2", "1")
	s.Fail(nil)
	b.add(entry("app", "3"))
	if err := bring(); err == nil {
		t.Error("nobody is told that the entries could not leave")
	}
	if err := bring(); err != nil {
		t.Fatal(err)
	}
	b.expect(Query{}, "3", "2", "1")
	b.add(entry("app", "4"), entry("other", "5"))
	if err := bring(); err != nil {
		t.Fatal(err)
	}
	if err := b.Drop(t.Context(), "other"); err != nil {
		t.Fatal(err)
	}
	b.flush()
	b.expect(Query{}, "4", "3", "1")
	if lines := b.lines(today); len(lines) != 3 {
		t.Errorf("%q", lines)
	}
}
