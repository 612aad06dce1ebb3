package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestOverlayOver compares an overlay over rows with a memory store that holds
// the same rows, over random histories, in memory and spilled.
func TestOverlayOver(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		ctx := t.Context()
		lower, model := Memory(), Memory()
		mutation := rapid.Custom(func(r *rapid.T) Mutation {
			key := []byte(rapid.StringMatching(`[ab]{1,4}`).Draw(r, "key"))
			if rapid.Bool().Draw(r, "delete") {
				return Delete("t", key)
			}
			return Put("t", key, []byte(rapid.StringN(0, 3, -1).Draw(r, "value")))
		})
		under := rapid.SliceOf(mutation).Draw(r, "under")
		lower.Commit(ctx, under...)
		model.Commit(ctx, under...)
		before, _ := lower.Page("t", nil, nil, 1000)
		o := newOverlay(lower, rapid.SampledFrom([]int{0, 50, 1 << 20}).Draw(r, "bound"))
		defer o.Close()
		for range rapid.IntRange(0, 5).Draw(r, "commits") {
			over := rapid.SliceOf(mutation).Draw(r, "over")
			if err := o.Commit(ctx, over...); err != nil {
				r.Fatal(err)
			}
			model.Commit(ctx, over...)
			limit := rapid.IntRange(0, 40).Draw(r, "limit")
			got, err := o.Page("t", []byte("ab"), []byte("bb"), limit)
			want, _ := model.Page("t", []byte("ab"), []byte("bb"), limit)
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				r.Fatalf("page %q, want %q, error %v", got, want, err)
			}
			for _, m := range over {
				got, err := o.Get("t", m.Key)
				want, _ := model.Get("t", m.Key)
				if err != nil || !bytes.Equal(got, want) || (got == nil) != (want == nil) {
					r.Fatalf("get %q = %#v, want %#v, error %v", m.Key, got, want, err)
				}
			}
		}
		if after, _ := lower.Page("t", nil, nil, 1000); fmt.Sprint(before) != fmt.Sprint(after) {
			r.Fatal("the store below was changed")
		}
	})
}

func TestOverlaySpills(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	lower := Memory()
	o := newOverlay(lower, 1<<20)
	for i := range 3000 {
		if err := o.Commit(t.Context(), Put("t", fmt.Appendf(nil, "%05d", i), make([]byte, 1000)), Delete("u", fmt.Appendf(nil, "%05d", i))); err != nil {
			t.Fatal(err)
		}
	}
	if o.memory != nil {
		t.Error("3 MB are still in memory")
	}
	rows, err := o.Page("t", nil, nil, 5000)
	if err != nil || len(rows) != 3000 {
		t.Errorf("%d rows of 3000, error %v", len(rows), err)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	if files, _ := os.ReadDir(os.Getenv("TMPDIR")); len(files) != 0 {
		t.Errorf("%d files were left", len(files))
	}
	if _, err := lower.Get("t", []byte("x")); err != nil {
		t.Errorf("closing the overlay closed what is below: %v", err)
	}
}

func TestOverlayWithoutRoomToSpill(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing"))
	o := newOverlay(Memory(), 10)
	if err := o.Commit(t.Context(), Put("t", []byte("a"), nil)); err != nil {
		t.Fatal(err)
	}
	if err := o.Commit(t.Context(), Put("t", []byte("b"), make([]byte, 100))); err == nil {
		t.Fatal("spilled into a folder that does not exist")
	}
	rows, err := o.Page("t", nil, nil, 10)
	if err != nil || len(rows) != 1 {
		t.Errorf("after it: %q, %v", rows, err)
	}
}

func TestScratchLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	s, err := Scratch(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if err := s.Commit(t.Context(), Put("t", []byte{byte(i)}, make([]byte, 1<<20))); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("%d files were left", len(files))
	}
	if _, err := Scratch(filepath.Join(dir, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a scratch store in a missing folder: %v", err)
	}
}

func TestRemoveScratch(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{scratchPrefix + "1", scratchPrefix + "2", "store.db"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(RemoveScratch(dir), RemoveScratch(filepath.Join(dir, "missing"))); err != nil {
		t.Fatal(err)
	}
	files, _ := os.ReadDir(dir)
	if len(files) != 1 || strings.HasPrefix(files[0].Name(), scratchPrefix) {
		t.Errorf("left: %v", files)
	}
}

// TestSorted fills more than one chunk in several orders and empties it again.
func TestSorted(t *testing.T) {
	const n = 3 * chunkSize
	for name, order := range map[string]func(int) int{
		"ascending":  func(i int) int { return i },
		"descending": func(i int) int { return n - 1 - i },
		"scattered":  func(i int) int { return i * 7919 % n },
	} {
		t.Run(name, func(t *testing.T) {
			var s sorted
			for i := range n {
				s.set(Row{Key: fmt.Appendf(nil, "%06d", order(i))})
			}
			next := 0
			for row := range s.ascend(nil) {
				if string(row.Key) != fmt.Sprintf("%06d", next) {
					t.Fatalf("row %d is %s", next, row.Key)
				}
				next++
			}
			if next != n {
				t.Fatalf("%d rows of %d", next, n)
			}
			for i := range n {
				s.delete(fmt.Appendf(nil, "%06d", order(i)))
			}
			if len(s.chunks) != 0 {
				t.Errorf("%d chunks after all was deleted", len(s.chunks))
			}
		})
	}
}
