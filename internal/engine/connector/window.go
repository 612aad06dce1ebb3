package connector

import (
	"context"
	"sync"
	"time"
)

const (
	startConcurrency = 8
	mostConcurrency  = 64

	// latencyWeight divides what one call adds to a smoothed latency.
	latencyWeight = 8
	// latencySlack is how far latency may be over double its base before that
	// says anything. An app that is near answers in a millisecond, and in ten more
	// while it is busy with as many calls as a window may hold: that is no burden
	// to it yet, and below that the machine's own scheduling is measured.
	latencySlack = 10 * time.Millisecond
)

// window bounds how many calls are in flight, and moves the bound with what
// the target bears.
//
// The bound grows after as many answers as it is large, if calls had to wait
// for it: by a quarter until the target first complains, by one afterwards. An
// adaptive window grows only while latency holds and shrinks towards where it
// began when it does not. It halves when the target throttles.
type window struct {
	adaptive bool
	most     int

	// slots are what calls wait by, to be used again when they were told. Each is told
	// once at most, for which it has room.
	slots sync.Pool

	mu        sync.Mutex
	bound     int
	inFlight  int
	waiting   []chan struct{} // first come, first served; told when the slot is given
	latencies map[kind]*latency

	answers   int  // since the bound last moved
	slow      int  // of these
	full      bool // the bound was reached since it last moved
	throttled bool // the target has complained
}

// kind of calls: what is done to objects of a type.
type kind struct{ what, typ string }

// latency of one kind of call: smoothed, and its base, which it has with as few
// calls in flight as a window begins with. A target that is slower for good
// thus brings the window back to there, and from there up again.
type latency struct{ smoothed, base time.Duration }

func (l *latency) add(took time.Duration, few bool) {
	l.smoothed += (took - l.smoothed) / latencyWeight
	if few {
		l.base += (l.smoothed - l.base) / latencyWeight
	}
	l.base = min(l.base, l.smoothed)
}

func (l *latency) holds() bool { return l.smoothed <= 2*l.base+latencySlack }

// newWindow makes a window with a fixed bound, or an adaptive one for 0.
func newWindow(concurrency int) *window {
	w := &window{most: concurrency, bound: concurrency, latencies: map[kind]*latency{}}
	w.slots.New = func() any { return make(chan struct{}, 1) }
	if concurrency <= 0 {
		w.adaptive, w.most, w.bound = true, mostConcurrency, startConcurrency
	}
	return w
}

// enter waits for a slot. Without an error the caller has to leave.
func (w *window) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w.mu.Lock()
	if w.inFlight < w.bound { // nobody waits then: see admit
		w.take()
		w.mu.Unlock()
		return nil
	}
	slot := w.slots.Get().(chan struct{})
	w.waiting = append(w.waiting, slot)
	w.mu.Unlock()
	select {
	case <-slot:
		w.slots.Put(slot)
		return nil
	case <-ctx.Done():
		w.giveUp(slot)
		return ctx.Err()
	}
}

// giveUp takes a waiting call out of the line, or gives its slot back when it
// came at the same moment.
func (w *window) giveUp(slot chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, other := range w.waiting {
		if other == slot {
			w.waiting = append(w.waiting[:i], w.waiting[i+1:]...)
			return
		}
	}
	w.inFlight--
	w.admit()
}

func (w *window) take() {
	w.inFlight++
	if w.inFlight >= w.bound {
		w.full = true
	}
}

// admit gives free slots to those who wait. It is called whenever a slot comes
// free or the bound grows, so that nobody waits beside a free slot.
func (w *window) admit() {
	for w.inFlight < w.bound && len(w.waiting) > 0 {
		w.waiting[0] <- struct{}{}
		w.waiting = w.waiting[1:]
		w.take()
	}
}

// leave gives a slot back.
func (w *window) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inFlight--
	w.admit()
}

// answered notes how long the target took for a call of a kind.
func (w *window) answered(k kind, took time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.latencies[k]
	if l == nil {
		l = &latency{took, took}
		w.latencies[k] = l
	}
	l.add(took, w.bound <= startConcurrency)
	w.answers++
	if !l.holds() {
		w.slow++
	}
	if w.answers >= w.bound {
		w.adjust()
	}
}

// adjust moves the bound by one step, up or down.
func (w *window) adjust() {
	step := 1
	if !w.throttled {
		step = max(1, w.bound/4)
	}
	switch {
	case w.adaptive && 2*w.slow > w.answers:
		if w.bound > startConcurrency {
			w.bound = max(w.bound-step, startConcurrency)
		}
	case w.full:
		w.bound = min(w.bound+step, w.most)
	}
	w.restart()
	w.admit()
}

func (w *window) restart() {
	w.answers, w.slow, w.full = 0, 0, w.inFlight >= w.bound
}

// halve answers a target that throttles.
func (w *window) halve() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.throttled = true
	w.bound = max(1, w.bound/2)
	w.restart()
}

func (w *window) state() (inFlight, bound int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.inFlight, w.bound
}
