package storetest

import (
	"context"
	"errors"
	"sync"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// ErrCut is the error of each commit after the cut.
var ErrCut = errors.New("the process has died here, for this test")

// FaultyStore is a Store whose commits fail on demand. It counts a Commit and
// an Enqueue alike. Reads go on; closing it closes the store below.
type FaultyStore struct {
	store.Store

	mu      sync.Mutex
	commits int
	cutAt   int // 0: never
	cut     chan struct{}
	err     error
	failAt  int // 0: never
	once    error
}

var _ store.Store = (*FaultyStore)(nil)

// Faulty gives a store that fails in nothing yet.
func Faulty(s store.Store) *FaultyStore { return &FaultyStore{Store: s, cut: make(chan struct{})} }

// CutAfter lets the n-th commit, counted from the first, be the last that is
// durable: a process that dies there leaves just that. A sweep runs once
// without a cut, asks Commits, and runs again with each n up to that, from a
// new store each, opening what is below anew after each cut. n = 0 fails
// every commit.
func (f *FaultyStore) CutAfter(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n == 0 {
		f.kill()
	}
	f.cutAt = n
}

// Commits counts the commits that were tried.
func (f *FaultyStore) Commits() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.commits
}

// Cut is closed as soon as the last durable commit is durable. A target that
// refuses from then on makes the death complete; one that goes on makes it
// come just before the next commit.
func (f *FaultyStore) Cut() <-chan struct{} { return f.cut }

// Fail lets all commits fail with err, as on a full disk, until Fail(nil).
func (f *FaultyStore) Fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// FailOnce lets the one commit fail that comes after n more.
func (f *FaultyStore) FailOnce(n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failAt, f.once = f.commits+n+1, err
}

// Commit is not withdrawn when ctx ends while it waits.
func (f *FaultyStore) Commit(ctx context.Context, mutations ...store.Mutation) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return f.Enqueue(mutations...).Wait(context.WithoutCancel(ctx))
}

// Enqueue waits for the last durable commit, so that the cut has happened when
// it returns.
func (f *FaultyStore) Enqueue(mutations ...store.Mutation) store.Ticket {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.cut:
		return refused{ErrCut}
	default:
	}
	f.commits++
	if f.err != nil {
		return refused{f.err}
	}
	if f.commits == f.failAt {
		return refused{f.once}
	}
	ticket := f.Store.Enqueue(mutations...)
	if f.commits == f.cutAt {
		_ = ticket.Wait(context.Background()) // its error is the caller's to see
		f.kill()
	}
	return ticket
}

func (f *FaultyStore) kill() {
	select {
	case <-f.cut:
	default:
		close(f.cut)
	}
}

// refused is the Ticket of what was not handed on.
type refused struct{ err error }

func (r refused) Wait(context.Context) error { return r.err }
