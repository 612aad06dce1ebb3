package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// held is what a queue applies to in these tests: it waits at a gate.
type held struct {
	gate chan error

	mu      sync.Mutex // a timer's goroutine is not in step with the test's
	batches [][]string
}

func (h *held) apply(writes []write) error {
	err := <-h.gate
	var keys []string
	for _, w := range writes {
		keys = append(keys, string(w.key))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.batches = append(h.batches, keys)
	return err
}

func (h *held) applied() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return fmt.Sprint(h.batches)
}

func key(s string) []Mutation { return []Mutation{Put("t", []byte(s), nil)} }

func TestQueueSharesTransactions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &held{gate: make(chan error, 10)}
		q := newQueue(1<<20, h.apply)
		var requests []*request
		for _, name := range []string{"a", "b", "c"} {
			r, err := q.push(t.Context(), key(name))
			if err != nil {
				t.Fatal(err)
			}
			requests = append(requests, r)
			q.hurry()
			synctest.Wait()
		}
		full := errors.New("disk full")
		h.gate <- nil
		h.gate <- full
		if err := requests[0].Wait(t.Context()); err != nil {
			t.Errorf("a: %v", err)
		}
		for _, r := range requests[1:] {
			if err := r.Wait(t.Context()); err != full {
				t.Errorf("b or c: %v", err)
			}
		}
		h.gate <- nil
		r, _ := q.push(t.Context(), key("d"))
		if err := r.Wait(t.Context()); err != nil {
			t.Errorf("after a failure: %v", err)
		}
		q.close()
		if got := h.applied(); got != "[[a] [b c] [d]]" {
			t.Errorf("batches %s", got)
		}
	})
}

// TestQueueGathers lets writes wait for others as long as nobody waits for them.
func TestQueueGathers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &held{gate: make(chan error, 10)}
		for range 10 {
			h.gate <- nil
		}
		q := newQueue(1<<20, h.apply)
		push := func(name string) *request {
			r, err := q.push(t.Context(), key(name))
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			return r
		}
		push("a")
		push("b")
		if got := h.applied(); got != "[]" {
			t.Errorf("batches %s although nobody waits", got)
		}
		if err := push("c").Wait(t.Context()); err != nil { // somebody waits
			t.Error(err)
		}
		time.Sleep(patience / 2)
		push("d")
		time.Sleep(patience / 2)
		synctest.Wait()
		if got := h.applied(); got != "[[a b c]]" {
			t.Errorf("batches %s: what waited before hurries what came since", got)
		}
		time.Sleep(patience / 2) // long enough
		synctest.Wait()
		push("e")
		if _, err := q.push(t.Context(), []Mutation{Put("t", []byte("f"), make([]byte, 1<<19))}); err != nil { // enough
			t.Error(err)
		}
		synctest.Wait()
		if got := h.applied(); got != "[[a b c] [d] [e f]]" {
			t.Errorf("batches %s", got)
		}
		q.close()
	})
}

func TestQueueWithdraws(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &held{gate: make(chan error, 10)}
		q := newQueue(1<<20, h.apply)
		ctx, cancel := context.WithCancel(t.Context())
		begun, _ := q.push(ctx, key("begun"))
		q.hurry()
		synctest.Wait()
		waiting, _ := q.push(ctx, key("waiting"))
		results := make(chan error, 2)
		go func() { results <- waiting.commit(ctx) }()
		cancel()
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("the waiting one: %v", err)
		}
		go func() { results <- begun.commit(ctx) }()
		synctest.Wait()
		select {
		case err := <-results:
			t.Errorf("the one under way returned early: %v", err)
		default:
		}
		h.gate <- nil
		h.gate <- nil
		if err := <-results; err != nil {
			t.Errorf("the one under way: %v", err)
		}
		q.close()
		if got := h.applied(); got != "[[begun] []]" {
			t.Errorf("batches %s", got)
		}
		if !q.room.TryAcquire(q.bound) {
			t.Error("room was not given back")
		}
	})
}

func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &held{gate: make(chan error, 10)}
		q := newQueue(10, h.apply) // of writes of 6 bytes: table, key, checksum
		first, _ := q.push(t.Context(), key("a"))
		q.hurry()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		results := make(chan error, 1)
		go func() { _, err := q.push(ctx, key("b")); results <- err }()
		synctest.Wait()
		cancel()
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("waiting for room: %v", err)
		}
		go func() { _, err := q.push(t.Context(), key("c")); results <- err }()
		synctest.Wait()
		go q.close()
		synctest.Wait()
		h.gate <- nil
		if err := <-results; !errors.Is(err, ErrClosed) {
			t.Errorf("waiting for room while the queue closes: %v", err)
		}
		if err := first.Wait(t.Context()); err != nil {
			t.Errorf("what was in: %v", err)
		}
	})
}
