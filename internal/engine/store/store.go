// Package store keeps what the engine must not lose: ordered tables of keys and
// values with durable, atomic commits. What a table means is its user's affair.
package store

import (
	"context"
	"errors"
	"io"
)

// Table names one ordered set of rows. Tables exist without being declared.
type Table string

// Row is one key and its value. Neither may be changed by the reader.
type Row struct {
	Key, Value []byte
}

// Mutation sets a row, or deletes it when Value is nil. Deleting what is not
// there is no error.
type Mutation struct {
	Table Table
	Key   []byte
	Value []byte

	line bool // of Line
}

// Put gives the mutation that sets a row. A nil value is stored as empty.
func Put(table Table, key, value []byte) Mutation {
	if value == nil {
		value = []byte{}
	}
	return Mutation{Table: table, Key: key, Value: value}
}

// Line gives the mutation that sets a row to a line of text, which the caller
// leaves alone from then on. Lines of one table that are written in one
// transaction may come to stand in one row: in the order of their keys, under the
// first of them, with a line feed between any two. So it costs little to write
// many, where what reads and deletes them takes whole rows.
func Line(table Table, key, line []byte) Mutation {
	mutation := Put(table, key, line)
	mutation.line = true
	return mutation
}

// Delete gives the mutation that deletes a row.
func Delete(table Table, key []byte) Mutation { return Mutation{Table: table, Key: key} }

// Reader reads committed rows. It is safe for concurrent use. No transaction
// stays open between calls: two pages may see two states.
type Reader interface {
	// Get gives the value of a key, nil when there is none.
	Get(table Table, key []byte) ([]byte, error)
	// GetAll calls f with the place of each key that has a value, and with that
	// value, all of one state, until f returns an error. f may neither keep nor
	// change the value, nor use the store. Keys that ascend are read fastest.
	GetAll(table Table, keys [][]byte, f func(i int, value []byte) error) error
	// Page gives up to limit rows with from <= key < to, ascending. A nil to is
	// no bound. Fewer rows than limit means there are no more.
	Page(table Table, from, to []byte, limit int) ([]Row, error)
	// PageAll calls f with the place of each prefix and up to limit rows whose
	// keys begin with it, ascending, until f returns an error. f may neither keep
	// nor change the row, nor use the store. Prefixes that ascend are read fastest.
	PageAll(table Table, prefixes [][]byte, limit int, f func(i int, row Row) error) error
	// Walk calls f with the rows that Page gives, until f returns an error. f may
	// neither keep nor change the row, nor use the store.
	Walk(table Table, from, to []byte, limit int, f func(Row) error) error
	// Keys calls f with the keys of the rows that Page gives, until f returns an
	// error. f may neither keep nor change the key, nor use the store. The values
	// are not looked at: damage to them does not show.
	Keys(table Table, from, to []byte, limit int, f func(key []byte) error) error
}

// Store is a Reader that can be written. One process has it open at a time.
type Store interface {
	Reader
	// Commit applies all mutations or none, and returns when they are durable.
	// Those who wait at one time share one transaction. Of two mutations of one
	// key the later counts. When ctx ends before the transaction has begun,
	// nothing is applied and its error is returned.
	Commit(ctx context.Context, mutations ...Mutation) error
	// Enqueue hands mutations over to be applied, all or none, in the order of
	// the calls of Enqueue and Commit together, and returns at once (it blocks
	// only while the queue is over its bound). The list, though not what its
	// mutations hold, is then the caller's again.
	Enqueue(mutations ...Mutation) Ticket
	// Backup writes a consistent copy: what a file holds that Open can open.
	Backup(ctx context.Context, to io.Writer) error
	// Close waits for what was enqueued and lets go of the store.
	Close() error
}

// Ticket stands for an Enqueue.
type Ticket interface {
	// Wait returns when the mutations are durable, or with the error that kept
	// them from it. When ctx ends first, they may still become durable.
	Wait(ctx context.Context) error
}

// Errors of Open and of reads. Each is wrapped with the path and the way out.
var (
	ErrCorrupt = errors.New("the store is damaged")
	ErrNewer   = errors.New("the store was written by a newer version")
	ErrInUse   = errors.New("the store is in use by another process")
	ErrClosed  = errors.New("the store is closed")
)

// Successor gives the first key after all keys that begin with the prefix, nil
// when there is none: the upper bound of a Page over a prefix.
func Successor(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i] < 0xff {
			end[i]++
			return end[:i+1]
		}
	}
	return nil
}

// pageSize is how many rows Each reads at a time.
const pageSize = 1000

// Each calls f for every row whose key begins with the prefix, a page at a
// time, until f returns an error.
func Each(r Reader, table Table, prefix []byte, f func(Row) error) error {
	return EachPaged(r, table, prefix, pageSize, f)
}

// EachPaged is Each with so many rows a page, for a table of large ones.
func EachPaged(r Reader, table Table, prefix []byte, pageSize int, f func(Row) error) error {
	from, to := prefix, Successor(prefix)
	for {
		rows, err := r.Page(table, from, to, pageSize)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := f(row); err != nil {
				return err
			}
		}
		if len(rows) < pageSize {
			return nil
		}
		last := rows[len(rows)-1].Key
		from = append(append(make([]byte, 0, len(last)+1), last...), 0)
	}
}

// pageAll is PageAll by a Page for each prefix.
func pageAll(r Reader, table Table, prefixes [][]byte, limit int, f func(i int, row Row) error) error {
	for i, prefix := range prefixes {
		rows, err := r.Page(table, prefix, Successor(prefix), limit)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := f(i, row); err != nil {
				return err
			}
		}
	}
	return nil
}

// pageWalk is Walk by a Page.
func pageWalk(r Reader, table Table, from, to []byte, limit int, f func(Row) error) error {
	rows, err := r.Page(table, from, to, limit)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := f(row); err != nil {
			return err
		}
	}
	return nil
}

// pageKeys is Keys by a Page.
func pageKeys(r Reader, table Table, from, to []byte, limit int, f func(key []byte) error) error {
	return pageWalk(r, table, from, to, limit, func(row Row) error { return f(row.Key) })
}

// Key joins parts into a key that sorts part by part: each part but the last
// ends in a zero byte, so no part but the last may hold one.
func Key(parts ...string) []byte {
	prefix := Prefix(parts...)
	return prefix[:len(prefix)-1]
}

// AppendKey appends the Key of parts to a text.
func AppendKey(text []byte, parts ...string) []byte {
	text = appendPrefix(text, parts)
	return text[:len(text)-1]
}

// Prefix joins parts into the prefix of all keys that begin with these parts.
func Prefix(parts ...string) []byte {
	size := len(parts)
	for _, part := range parts {
		size += len(part)
	}
	return appendPrefix(make([]byte, 0, size), parts)
}

func appendPrefix(text []byte, parts []string) []byte {
	for _, part := range parts {
		text = append(append(text, part...), 0)
	}
	return text
}
