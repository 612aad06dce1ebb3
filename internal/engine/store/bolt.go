package store

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// queueBound is how many bytes may wait to be written: what one transaction
// holds in memory at most.
const queueBound = 16 << 20

// fullPages is how much of a page that is split stays where it is, when nothing is
// expected to come between its rows.
const fullPages = 0.95

// bolt is a Store in one bbolt file: a bucket a table.
type bolt struct {
	path     string
	db       *bbolt.DB
	file     *os.File // of db
	queue    *queue
	byTable  map[Table][]*write // used again by each apply
	sealer   sealer
	identity string
	remove   bool // the file goes when the store is closed

	// broken is set when bbolt panicked. Its locks may be held for ever by then,
	// so it is never called again.
	broken atomic.Pointer[error]

	closing  sync.Once
	closeErr error
}

// Identified is a Store that has an identity of its own, given when it was
// created and kept by its backups.
type Identified interface {
	Identity() string
}

var (
	_ Store      = (*bolt)(nil)
	_ Identified = (*bolt)(nil)
)

func (b *bolt) start() *bolt {
	b.byTable = make(map[Table][]*write)
	b.queue = newQueue(queueBound, b.apply)
	return b
}

func (b *bolt) Identity() string { return b.identity }

func (b *bolt) Get(table Table, key []byte) (value []byte, err error) {
	err = b.view(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket([]byte(table))
		if bucket == nil {
			return nil
		}
		sealed := bucket.Get(key)
		if sealed == nil {
			return nil
		}
		found, err := unseal(table, key, sealed)
		if err == nil {
			value = append(make([]byte, 0, len(found)), found...)
		}
		return err
	})
	return value, err
}

func (b *bolt) GetAll(table Table, keys [][]byte, f func(i int, value []byte) error) error {
	if len(keys) == 0 {
		return nil
	}
	var failed error
	err := b.view(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket([]byte(table))
		if bucket == nil {
			return nil
		}
		cursor := bucket.Cursor()
		var at, sealed []byte
		for i, key := range keys {
			// The cursor is at the first row that is not before the key before this
			// one. What is asked for next often stands there, or next.
			if i == 0 || bytes.Compare(key, keys[i-1]) < 0 {
				at, sealed = cursor.Seek(key)
			} else if at != nil && bytes.Compare(at, key) < 0 {
				if at, sealed = cursor.Next(); at != nil && bytes.Compare(at, key) < 0 {
					at, sealed = cursor.Seek(key)
				}
			}
			if at == nil || !bytes.Equal(at, key) {
				continue
			}
			value, err := unseal(table, key, sealed)
			if err != nil {
				return err
			}
			if failed = f(i, value); failed != nil {
				return nil
			}
		}
		return nil
	})
	return cmp.Or(err, failed)
}

func (b *bolt) Page(table Table, from, to []byte, limit int) (rows []Row, err error) {
	err = b.view(func(tx *bbolt.Tx) error {
		for key, sealed := range page(tx, table, from, to, limit) {
			row, err := openRow(table, key, sealed)
			if err != nil {
				return err
			}
			rows = append(rows, row)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

func (b *bolt) Walk(table Table, from, to []byte, limit int, f func(Row) error) error {
	var failed error
	err := b.view(func(tx *bbolt.Tx) error {
		for key, sealed := range page(tx, table, from, to, limit) {
			value, err := unseal(table, key, sealed)
			if err != nil {
				return err
			}
			if failed = f(Row{key, value}); failed != nil {
				return nil
			}
		}
		return nil
	})
	return cmp.Or(err, failed)
}

func (b *bolt) Keys(table Table, from, to []byte, limit int, f func(key []byte) error) error {
	var failed error
	err := b.view(func(tx *bbolt.Tx) error {
		for key := range page(tx, table, from, to, limit) {
			if failed = f(key); failed != nil {
				return nil
			}
		}
		return nil
	})
	return cmp.Or(err, failed)
}

// page gives the keys and sealed values of a Page, where the transaction has them.
func page(tx *bbolt.Tx, table Table, from, to []byte, limit int) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, sealed []byte) bool) {
		bucket := tx.Bucket([]byte(table))
		if bucket == nil {
			return
		}
		cursor := bucket.Cursor()
		key, sealed := cursor.Seek(from)
		for n := 0; n < limit && key != nil && (to == nil || bytes.Compare(key, to) < 0) && yield(key, sealed); n++ {
			key, sealed = cursor.Next()
		}
	}
}

func (b *bolt) PageAll(table Table, prefixes [][]byte, limit int, f func(i int, row Row) error) error {
	if len(prefixes) == 0 {
		return nil
	}
	var failed error
	err := b.view(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket([]byte(table))
		if bucket == nil {
			return nil
		}
		cursor := bucket.Cursor()
		var key, sealed []byte
		for i, prefix := range prefixes {
			// Behind the rows of the prefix before this one the cursor often stands at
			// the first of its own.
			ascends := i > 0 && bytes.Compare(prefixes[i-1], prefix) < 0 && !bytes.HasPrefix(prefix, prefixes[i-1])
			if !ascends || key != nil && bytes.Compare(key, prefix) < 0 {
				key, sealed = cursor.Seek(prefix)
			}
			for n := 0; n < limit && key != nil && bytes.HasPrefix(key, prefix); n++ {
				value, err := unseal(table, key, sealed)
				if err != nil {
					return err
				}
				if failed = f(i, Row{key, value}); failed != nil {
					return nil
				}
				key, sealed = cursor.Next()
			}
		}
		return nil
	})
	return cmp.Or(err, failed)
}

// Commit fails with the error of the disk when it is full or refuses; what was
// there can still be read, and the next commit is tried again.
func (b *bolt) Commit(ctx context.Context, mutations ...Mutation) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r, err := b.queue.lend(ctx, mutations)
	if err != nil {
		return b.wrap("write", err)
	}
	return r.commit(ctx)
}

func (b *bolt) Enqueue(mutations ...Mutation) Ticket {
	r, err := b.queue.push(context.Background(), mutations)
	if err != nil {
		return settled{b.wrap("write", err)}
	}
	return r
}

// apply writes table by table in the order of the keys, which costs bbolt a
// tenth of writing them in random order.
func (b *bolt) apply(writes []write) error {
	if len(writes) == 0 {
		return nil
	}
	tables := b.byTable
	for i := range writes {
		w := &writes[i]
		tables[w.table] = append(tables[w.table], w)
	}
	defer func() {
		for table, rows := range tables {
			clear(rows)
			tables[table] = rows[:0]
		}
	}()
	for table, rows := range tables {
		tables[table] = b.sealer.seal(lastOfKeys(rows))
	}
	defer b.sealer.reset()
	return b.guard("write", func() error {
		return b.db.Update(func(tx *bbolt.Tx) error {
			for table, rows := range tables {
				if err := applyTo(tx, table, rows); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// lastOfKeys gives the last write of each key, in the order of the keys.
func lastOfKeys(writes []*write) []*write {
	slices.SortStableFunc(writes, func(x, y *write) int { return bytes.Compare(x.key, y.key) })
	last := writes[:0]
	for i, w := range writes {
		if i+1 == len(writes) || !bytes.Equal(writes[i+1].key, w.key) {
			last = append(last, w)
		}
	}
	return last
}

// applyTo writes rows whose keys ascend.
func applyTo(tx *bbolt.Tx, table Table, rows []*write) error {
	if len(rows) == 0 {
		return nil
	}
	bucket, err := tx.CreateBucketIfNotExists([]byte(table))
	if err != nil {
		return err
	}
	// What comes behind all others is rarely followed by what comes between: when
	// most rows do, pages need no room.
	if last, _ := bucket.Cursor().Last(); bytes.Compare(last, rows[len(rows)/2].key) < 0 {
		bucket.FillPercent = fullPages
	}
	for _, w := range rows {
		if w.sealed == nil {
			err = bucket.Delete(w.key)
		} else {
			err = bucket.Put(w.key, w.sealed)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *bolt) view(f func(*bbolt.Tx) error) error {
	return b.guard("read", func() error { return b.db.View(f) })
}

// guard calls f, which uses bbolt. A panic of bbolt (a page that makes no
// sense) and a memory fault (the file was cut, or the disk cannot read it)
// become ErrCorrupt.
func (b *bolt) guard(operation string, f func() error) (err error) {
	if broken := b.broken.Load(); broken != nil {
		return *broken
	}
	if err := guarded(f); err != nil {
		err = b.wrap(operation, err)
		if errors.Is(err, errPanic) {
			b.broken.Store(&err)
		}
		return err
	}
	return nil
}

// errPanic marks the ErrCorrupt that was a panic.
var errPanic = fmt.Errorf("%w: its pages make no sense", ErrCorrupt)

func guarded(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%w (%v)", errPanic, cause)
		}
	}()
	return f()
}

// wrap adds the path and the way out.
func (b *bolt) wrap(operation string, err error) error {
	return wrap(operation, b.path, err)
}

func wrap(operation, path string, err error) error {
	switch {
	case errors.Is(err, ErrCorrupt):
		return fmt.Errorf("%s %s: %w; put back a backup of it", operation, path, err)
	case errors.Is(err, berrors.ErrDatabaseNotOpen), errors.Is(err, ErrClosed):
		return fmt.Errorf("%s %s: %w", operation, path, ErrClosed)
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%s %s: %w; free some space, nothing was lost", operation, path, err)
	}
	return fmt.Errorf("%s %s: %w", operation, path, err)
}

// Close of a damaged store lets go of the file and leaves the rest to the end
// of the process.
func (b *bolt) Close() error {
	b.closing.Do(func() {
		b.queue.close()
		if b.broken.Load() != nil {
			b.closeErr = abandon(b.file)
		} else {
			b.closeErr = b.db.Close()
		}
		if b.remove {
			b.closeErr = errors.Join(b.closeErr, os.Remove(b.path))
		}
	})
	return b.closeErr
}
