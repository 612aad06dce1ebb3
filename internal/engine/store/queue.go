package store

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// patience is how long writes are gathered that nobody waits for.
const patience = 250 * time.Millisecond

// queue gathers writes and hands all that wait at one time, in the order of
// their arrival, to one goroutine that applies them together: when somebody
// waits for one of them, when they are half of what may wait, or after patience.
// A transaction costs an fsync whatever it holds, so sharing wins.
type queue struct {
	apply func([]write) error
	bound int64
	room  *semaphore.Weighted // bytes that may wait or be under way

	mu      sync.Mutex
	arrived *sync.Cond
	waiting *batch
	weight  int64       // of its requests
	hurried bool        // what waits is to be applied now
	timer   *time.Timer // hurries what waits after patience; nil when nothing waits
	closed  bool

	gathered []write // used again for each batch
	stopped  chan struct{}
}

// batch is requests that are applied together.
type batch struct {
	requests []*request
	done     chan struct{}
	err      error // valid once done is closed
}

// request is what one Commit or Enqueue asks for. It is a Ticket.
type request struct {
	queue  *queue
	batch  *batch
	lent   []Mutation // of one that lend put
	sealed *sealed    // of one that push put
	weight int64
	state  atomic.Int32
}

// The states of a request. Only a waiting one can be withdrawn.
const (
	requestWaiting int32 = iota
	requestBegun
	requestWithdrawn
)

// newQueue starts the goroutine that calls apply, one call at a time, with at
// most about bound bytes.
func newQueue(bound int64, apply func([]write) error) *queue {
	q := &queue{apply: apply, bound: bound, room: semaphore.NewWeighted(bound), stopped: make(chan struct{})}
	q.arrived = sync.NewCond(&q.mu)
	go q.run()
	return q
}

// push puts the mutations at the end of the queue, where they may wait for
// others. It blocks while the queue is over its bound; when ctx ends first,
// nothing was put.
func (q *queue) push(ctx context.Context, mutations []Mutation) (*request, error) {
	if err := check(mutations); err != nil {
		return nil, err
	}
	return q.put(ctx, &request{sealed: seal(mutations)}, sizeOf(mutations))
}

// lend is push of mutations that the caller leaves alone until commit returns.
func (q *queue) lend(ctx context.Context, mutations []Mutation) (*request, error) {
	if err := check(mutations); err != nil {
		return nil, err
	}
	return q.put(ctx, &request{lent: mutations}, sizeOf(mutations))
}

func (q *queue) put(ctx context.Context, r *request, size int64) (*request, error) {
	r.queue, r.weight = q, min(size, q.bound)
	if !q.room.TryAcquire(r.weight) {
		q.hurry()
		if err := q.room.Acquire(ctx, r.weight); err != nil {
			return nil, err
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		q.room.Release(r.weight)
		return nil, ErrClosed
	}
	if q.waiting == nil {
		q.waiting = &batch{done: make(chan struct{})}
		q.timer = time.AfterFunc(patience, q.hurry)
	}
	r.batch = q.waiting
	r.batch.requests = append(r.batch.requests, r)
	q.weight += r.weight
	if q.weight > q.bound/2 {
		q.hurried = true
		q.arrived.Signal()
	}
	return r, nil
}

// hurry has what waits applied now.
func (q *queue) hurry() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.hurried = q.waiting != nil
	q.arrived.Signal()
}

// commit waits until the request is applied. When ctx ends before it has begun,
// it is withdrawn.
func (r *request) commit(ctx context.Context) error {
	r.hurry()
	select {
	case <-r.batch.done:
	case <-ctx.Done():
		if r.state.CompareAndSwap(requestWaiting, requestWithdrawn) {
			return ctx.Err()
		}
		<-r.batch.done
	}
	return r.batch.err
}

// hurry has the request applied now, unless it is being applied: what has come
// since may wait for more.
func (r *request) hurry() {
	if r.state.Load() == requestWaiting {
		r.queue.hurry()
	}
}

func (r *request) Wait(ctx context.Context) error {
	select {
	case <-r.batch.done:
		return r.batch.err
	default:
		r.hurry()
	}
	select {
	case <-r.batch.done:
		return r.batch.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (q *queue) run() {
	defer close(q.stopped)
	for {
		q.mu.Lock()
		for !q.hurried && !q.closed {
			q.arrived.Wait()
		}
		batch := q.waiting
		q.waiting, q.weight, q.hurried = nil, 0, false
		if q.timer != nil {
			q.timer.Stop() // it is not to hurry what comes after
		}
		q.mu.Unlock()
		if batch == nil {
			return
		}
		q.process(batch)
	}
}

func (q *queue) process(b *batch) {
	writes := q.gathered[:0]
	var weight int64
	begun := b.requests[:0]
	for _, r := range b.requests {
		weight += r.weight
		if r.state.CompareAndSwap(requestWaiting, requestBegun) {
			begun = append(begun, r)
			if r.sealed != nil {
				writes = append(writes, r.sealed.writes...)
			} else {
				writes = appendBare(writes, r.lent)
			}
		}
	}
	b.err = q.apply(writes)
	for _, r := range begun {
		if r.sealed != nil {
			r.sealed.release()
		}
		r.lent, r.sealed = nil, nil
	}
	b.requests = nil
	close(b.done)
	clear(writes)
	q.gathered = writes
	q.room.Release(weight)
}

// close lets in nothing more and returns when all that was in is applied.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.arrived.Signal()
	q.mu.Unlock()
	<-q.stopped
}

// settled is the Ticket of mutations that nobody has to wait for.
type settled struct{ err error }

func (s settled) Wait(context.Context) error { return s.err }
