package cycle

import (
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// workers carry out tasks, so many at a time at most, for as long as a cycle
// runs. A goroutine for each task would grow its stack anew each time: encoding
// and sending go deep.
type workers struct {
	limit   int
	tasks   chan func() error
	hired   int
	pending sync.WaitGroup // tasks

	mu  sync.Mutex
	err error // the first one
}

func newWorkers(limit int) *workers {
	return &workers{limit: limit, tasks: make(chan func() error, limit)}
}

// Go has a task carried out. It waits while as many tasks as there are workers
// wait for one: whoever is done finds the next task at hand, and nobody is woken to
// hand it over. It is called by one goroutine at a time.
func (w *workers) Go(task func() error) {
	w.pending.Add(1)
	if w.hired < w.limit {
		w.hired++
		go w.work()
	}
	w.tasks <- task
}

func (w *workers) work() {
	for task := range w.tasks {
		if err := task(); err != nil {
			w.mu.Lock()
			if w.err == nil {
				w.err = err
			}
			w.mu.Unlock()
		}
		w.pending.Done()
	}
}

// Wait waits for all tasks and gives the first error since the last Wait.
func (w *workers) Wait() error {
	w.pending.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.err
	w.err = nil
	return err
}

// dismiss ends the workers, who have nothing to do any more.
func (w *workers) dismiss() { close(w.tasks) }

// each calls f for all items, so many at a time at most, and gives the first
// error. After one no more are begun.
func each(items []*item, limit int, f func(*item) error) error {
	var group errgroup.Group
	var next, failed atomic.Int64
	for range min(limit, len(items)) {
		group.Go(func() error {
			for failed.Load() == 0 {
				i := int(next.Add(1)) - 1
				if i >= len(items) {
					return nil
				}
				if err := f(items[i]); err != nil {
					failed.Store(1)
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}
