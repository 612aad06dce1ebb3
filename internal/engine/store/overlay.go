package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// overlayBound is how many bytes an overlay holds in memory before it moves
// them to a scratch store.
const overlayBound = 32 << 20

// overlay is a Store over a Reader. Its upper store says of each key that was
// written what became of it: the first byte of a value is one of the marks.
type overlay struct {
	lower Reader
	bound int

	mu    sync.RWMutex
	upper Store
	// memory is upper until it has moved to a scratch store, then nil.
	memory *memory
	size   int // bytes put into memory
}

// The marks of an upper row.
const (
	deleted byte = iota
	present
)

// Overlay gives a store that shows what the reader holds and keeps what is
// written to itself: in memory, above a bound in a scratch store in the
// system's temporary directory. Close drops it and leaves the reader open. It
// has no Backup: errors.ErrUnsupported.
func Overlay(lower Reader) Store { return newOverlay(lower, overlayBound) }

func newOverlay(lower Reader, bound int) *overlay {
	upper := &memory{tables: map[Table]*sorted{}}
	return &overlay{lower: lower, bound: bound, upper: upper, memory: upper}
}

func (o *overlay) Get(table Table, key []byte) ([]byte, error) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	marked, err := o.upper.Get(table, key)
	switch {
	case err != nil:
		return nil, err
	case marked == nil:
		return o.lower.Get(table, key)
	case marked[0] == deleted:
		return nil, nil
	}
	return marked[1:], nil
}

func (o *overlay) GetAll(table Table, keys [][]byte, f func(i int, value []byte) error) error {
	o.mu.RLock()
	defer o.mu.RUnlock()
	written := make([]bool, len(keys))
	err := o.upper.GetAll(table, keys, func(i int, marked []byte) error {
		written[i] = true
		if marked[0] == deleted {
			return nil
		}
		return f(i, marked[1:])
	})
	if err != nil {
		return err
	}
	var below [][]byte
	var places []int
	for i, key := range keys {
		if !written[i] {
			below, places = append(below, key), append(places, i)
		}
	}
	return o.lower.GetAll(table, below, func(i int, value []byte) error { return f(places[i], value) })
}

func (o *overlay) Page(table Table, from, to []byte, limit int) ([]Row, error) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	step := min(max(limit, 16), pageSize)
	upper := cursor{reader: o.upper, table: table, from: from, to: to, step: step}
	lower := cursor{reader: o.lower, table: table, from: from, to: to, step: step}
	var page []Row
	for len(page) < limit {
		above, err := upper.peek()
		if err != nil {
			return nil, err
		}
		below, err := lower.peek()
		if err != nil {
			return nil, err
		}
		switch {
		case above == nil && below == nil:
			return page, nil
		case above == nil || below != nil && bytes.Compare(below.Key, above.Key) < 0:
			page = append(page, *below)
			lower.next()
			continue
		case below != nil && bytes.Equal(below.Key, above.Key):
			lower.next()
		}
		if above.Value[0] == present {
			page = append(page, Row{above.Key, above.Value[1:]})
		}
		upper.next()
	}
	return page, nil
}

func (o *overlay) PageAll(table Table, prefixes [][]byte, limit int, f func(i int, row Row) error) error {
	return pageAll(o, table, prefixes, limit, f)
}

func (o *overlay) Walk(table Table, from, to []byte, limit int, f func(Row) error) error {
	return pageWalk(o, table, from, to, limit, f)
}

func (o *overlay) Keys(table Table, from, to []byte, limit int, f func(key []byte) error) error {
	return pageKeys(o, table, from, to, limit, f)
}

func (o *overlay) Commit(ctx context.Context, mutations ...Mutation) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return o.apply(mutations)
}

func (o *overlay) Enqueue(mutations ...Mutation) Ticket { return settled{o.apply(mutations)} }

func (o *overlay) apply(mutations []Mutation) error {
	if err := check(mutations); err != nil {
		return err
	}
	marked := make([]Mutation, len(mutations))
	size := 0
	for i, m := range mutations {
		value := append(make([]byte, 0, 1+len(m.Value)), deleted)
		if m.Value != nil {
			value[0] = present
			value = append(value, m.Value...)
		}
		marked[i] = Put(m.Table, m.Key, value)
		size += len(m.Key) + len(value)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.memory != nil && o.size+size > o.bound {
		if err := o.spill(); err != nil {
			return err
		}
	}
	o.size += size
	return o.upper.Commit(context.Background(), marked...)
}

// spill moves what is in memory to a scratch store.
func (o *overlay) spill() error {
	if o.memory.closed {
		return ErrClosed
	}
	scratch, err := Scratch(os.TempDir())
	if err != nil {
		return err
	}
	for table := range o.memory.tables {
		var batch []Mutation
		flush := func() error {
			err := scratch.Commit(context.Background(), batch...)
			batch = batch[:0]
			return err
		}
		err := Each(o.memory, table, nil, func(row Row) error {
			if batch = append(batch, Put(table, row.Key, row.Value)); len(batch) < pageSize {
				return nil
			}
			return flush()
		})
		if err == nil {
			err = flush()
		}
		if err != nil {
			return errors.Join(err, scratch.Close())
		}
	}
	o.upper, o.memory = scratch, nil
	return nil
}

func (o *overlay) Backup(context.Context, io.Writer) error {
	return fmt.Errorf("back up an overlay: %w", errors.ErrUnsupported)
}

func (o *overlay) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.upper.Close()
}

// cursor goes through the rows of a range, reading step rows at a time.
type cursor struct {
	reader   Reader
	table    Table
	from, to []byte
	step     int
	rows     []Row
	ended    bool
}

// peek gives the row under the cursor, nil after the last.
func (c *cursor) peek() (*Row, error) {
	if len(c.rows) == 0 && !c.ended {
		rows, err := c.reader.Page(c.table, c.from, c.to, c.step)
		if err != nil {
			return nil, err
		}
		c.rows, c.ended = rows, len(rows) < c.step
		if len(rows) > 0 {
			c.from = append(bytes.Clone(rows[len(rows)-1].Key), 0)
		}
	}
	if len(c.rows) == 0 {
		return nil, nil
	}
	return &c.rows[0], nil
}

func (c *cursor) next() { c.rows = c.rows[1:] }
