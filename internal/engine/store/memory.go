package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// memory is a Store that ends with the process.
type memory struct {
	mu     sync.RWMutex
	tables map[Table]*sorted
	closed bool
}

// Memory gives an empty store that keeps everything in memory. It has no
// Backup: errors.ErrUnsupported.
func Memory() Store { return &memory{tables: map[Table]*sorted{}} }

func (m *memory) Get(table Table, key []byte) ([]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return nil, ErrClosed
	}
	rows := m.tables[table]
	if rows == nil {
		return nil, nil
	}
	return rows.get(key), nil
}

func (m *memory) GetAll(table Table, keys [][]byte, f func(i int, value []byte) error) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return ErrClosed
	}
	rows := m.tables[table]
	if rows == nil {
		return nil
	}
	for i, key := range keys {
		if value := rows.get(key); value != nil {
			if err := f(i, value); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *memory) Page(table Table, from, to []byte, limit int) ([]Row, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return nil, ErrClosed
	}
	var page []Row
	rows := m.tables[table]
	if rows == nil || limit <= 0 {
		return nil, nil
	}
	for row := range rows.ascend(from) {
		if to != nil && bytes.Compare(row.Key, to) >= 0 {
			break
		}
		if page = append(page, row); len(page) == limit {
			break
		}
	}
	return page, nil
}

func (m *memory) PageAll(table Table, prefixes [][]byte, limit int, f func(i int, row Row) error) error {
	return pageAll(m, table, prefixes, limit, f)
}

func (m *memory) Walk(table Table, from, to []byte, limit int, f func(Row) error) error {
	return pageWalk(m, table, from, to, limit, f)
}

func (m *memory) Keys(table Table, from, to []byte, limit int, f func(key []byte) error) error {
	return pageKeys(m, table, from, to, limit, f)
}

func (m *memory) Commit(ctx context.Context, mutations ...Mutation) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return m.apply(mutations)
}

func (m *memory) Enqueue(mutations ...Mutation) Ticket { return settled{m.apply(mutations)} }

func (m *memory) apply(mutations []Mutation) error {
	if err := check(mutations); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	for _, mutation := range mutations {
		rows := m.tables[mutation.Table]
		if rows == nil {
			rows = &sorted{}
			m.tables[mutation.Table] = rows
		}
		if mutation.Value == nil {
			rows.delete(mutation.Key)
		} else {
			rows.set(Row{bytes.Clone(mutation.Key), bytes.Clone(mutation.Value)})
		}
	}
	return nil
}

func (m *memory) Backup(context.Context, io.Writer) error {
	return fmt.Errorf("back up a store in memory: %w", errors.ErrUnsupported)
}

func (m *memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed, m.tables = true, nil
	return nil
}
