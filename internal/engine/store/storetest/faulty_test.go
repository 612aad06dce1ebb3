package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

func TestCutAfter(t *testing.T) {
	const total = 6
	for n := range total + 1 {
		below := store.Memory()
		s := Faulty(below)
		s.CutAfter(n)
		failures := 0
		for i := range total {
			var err error
			if i%2 == 0 {
				err = s.Commit(t.Context(), put(fmt.Sprint(i), ""))
			} else {
				err = s.Enqueue(put(fmt.Sprint(i), "")).Wait(t.Context())
			}
			if errors.Is(err, ErrCut) {
				failures++
			} else if err != nil {
				t.Fatal(err)
			}
			select {
			case <-s.Cut():
				if i+1 < n {
					t.Errorf("cut after %d of %d", i+1, n)
				}
			default:
				if i+1 >= n {
					t.Errorf("no cut after %d of %d", i+1, n)
				}
			}
		}
		if got := keys(t, below, nil, nil, 100); len(got) != n || failures != total-n {
			t.Errorf("cut after %d: %d rows, %d failures", n, len(got), failures)
		}
	}
}

func TestFail(t *testing.T) {
	full := errors.New("disk full")
	s := Faulty(store.Memory())
	s.Fail(full)
	if err := s.Commit(t.Context(), put("a", "")); !errors.Is(err, full) {
		t.Errorf("commit: %v", err)
	}
	if got := keys(t, s, nil, nil, 10); len(got) != 0 {
		t.Errorf("a failed commit left %q", got)
	}
	s.Fail(nil)
	commit(t, s, put("a", ""))
	if s.Commits() != 2 {
		t.Errorf("%d commits, want 2", s.Commits())
	}
}

func TestFailOnce(t *testing.T) {
	broken := errors.New("input/output error")
	s := Faulty(store.Memory())
	commit(t, s, put("a", ""))
	s.FailOnce(1, broken)
	commit(t, s, put("b", ""))
	if err := s.Commit(t.Context(), put("c", "")); !errors.Is(err, broken) {
		t.Errorf("the second commit: %v", err)
	}
	commit(t, s, put("d", ""))
	if got := keys(t, s, nil, nil, 10); len(got) != 3 {
		t.Errorf("there are %q", got)
	}
}
