package store

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// FileName is the name of a store's file in a data directory.
const FileName = "store.db"

// Options of Open.
type Options struct {
	// Create allows a store to be created where there is no file. An empty file
	// is a damaged store, not a missing one.
	Create bool
	// Random is where the identity of a new store comes from; nil is
	// crypto/rand.
	Random io.Reader
}

// A migration raises the schema by one, in the transaction of all that are due.
type migration func(*bbolt.Tx) error

// migrations holds at i what leads from schema i+1 to i+2.
var migrations []migration

// Schema gives the number of the layout that this program writes.
func Schema() int { return len(migrations) + 1 }

// The table of what a store knows of itself, which no Mutation can name.
const aboutTable Table = "\x00store"

var (
	schemaKey   = []byte("schema")
	identityKey = []byte("identity")
)

// Open opens the store in the file at path, for this process alone. An older
// store is migrated forward.
//
// Beside errors of the file system it gives fs.ErrNotExist when there is no
// file and Options.Create is not set, ErrInUse at once when a process has it
// open, ErrNewer, and ErrCorrupt for what is not a whole store; in none of
// these is the file changed.
func Open(path string, options Options) (Store, error) {
	b, err := open(path, options, migrations)
	if err != nil {
		return nil, err
	}
	return b.start(), nil
}

func open(path string, options Options, migrations []migration) (*bolt, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && options.Create {
		err := create(path, options.Random, len(migrations)+1)
		if err != nil && !errors.Is(err, fs.ErrExist) { // another process may have been faster
			return nil, fmt.Errorf("create %s: %w", path, err)
		}
	}
	if info, err := os.Stat(path); err == nil && info.Size() == 0 {
		return nil, wrap("open", path, fmt.Errorf("%w: it is empty", ErrCorrupt)) // bbolt would begin afresh
	}
	b, err := openFile(path, bbolt.Options{})
	if err != nil {
		return nil, wrap("open", path, err)
	}
	if err := guarded(func() error { return b.prepare(migrations) }); err != nil {
		if errors.Is(err, errPanic) {
			_ = abandon(b.file)
		} else {
			b.db.Close()
		}
		return nil, wrap("open", path, err)
	}
	return b, nil
}

// filePageSize is of new files: half as many pages to find, copy and write by a
// call of their own as with those of 4 kB that most systems have.
const filePageSize = 8 << 10

// openFile opens a bbolt file that exists. Its errors lack the path.
func openFile(path string, options bbolt.Options) (*bolt, error) {
	b := &bolt{path: path}
	options.FreelistType = bbolt.FreelistMapType
	options.NoStatistics = true
	options.PageSize = filePageSize
	options.Timeout = time.Nanosecond // one attempt at the lock
	options.OpenFile = func(name string, flag int, mode os.FileMode) (*os.File, error) {
		file, err := os.OpenFile(name, flag&^os.O_CREATE, mode)
		b.file = file
		return file, err
	}
	err := guarded(func() (err error) {
		b.db, err = bbolt.Open(path, 0o600, &options)
		return err
	})
	var number syscall.Errno
	switch {
	case err == nil:
		return b, nil
	case errors.Is(err, errPanic):
		_ = abandon(b.file)
		return nil, err
	case errors.Is(err, berrors.ErrTimeout):
		return nil, fmt.Errorf("%w; stop that process, or use another data directory", ErrInUse)
	case errors.As(err, &number):
		return nil, err
	}
	return nil, fmt.Errorf("%w (%w)", ErrCorrupt, err)
}

// prepare checks that the file is whole, reads what it says of itself, and
// migrates it.
func (b *bolt) prepare(migrations []migration) error {
	var schema int
	err := b.db.View(func(tx *bbolt.Tx) error {
		info, err := b.file.Stat()
		if err != nil {
			return err
		}
		if info.Size() < tx.Size() {
			return fmt.Errorf("%w: it has %d bytes of at least %d", ErrCorrupt, info.Size(), tx.Size())
		}
		text, err := about(tx, schemaKey)
		if err != nil {
			return err
		}
		if schema, err = strconv.Atoi(text); err != nil || schema < 1 {
			return fmt.Errorf("%w: %q is no schema", ErrCorrupt, text)
		}
		b.identity, err = about(tx, identityKey)
		return err
	})
	if err != nil {
		return err
	}
	current := len(migrations) + 1
	switch {
	case schema > current:
		return fmt.Errorf("%w: it has schema %d, this version knows %d; use the newer version again, "+
			"or put back a backup made before it", ErrNewer, schema, current)
	case schema == current:
		return nil
	}
	return b.db.Update(func(tx *bbolt.Tx) error {
		for from := schema; from < current; from++ {
			if err := migrations[from-1](tx); err != nil {
				return fmt.Errorf("migrate from schema %d: %w", from, err)
			}
		}
		return setAbout(tx, schemaKey, strconv.Itoa(current))
	})
}

// about reads one row of what the store knows of itself.
func about(tx *bbolt.Tx, key []byte) (string, error) {
	bucket := tx.Bucket([]byte(aboutTable))
	if bucket == nil {
		return "", fmt.Errorf("%w: it is a bbolt file of something else", ErrCorrupt)
	}
	value, err := unseal(aboutTable, key, bucket.Get(key))
	return string(value), err
}

func setAbout(tx *bbolt.Tx, key []byte, value string) error {
	bucket, err := tx.CreateBucketIfNotExists([]byte(aboutTable))
	if err != nil {
		return err
	}
	w := seal([]Mutation{Put(aboutTable, key, []byte(value))}).writes[0]
	return bucket.Put(w.key, w.sealed)
}

// create makes a whole store beside path and gives it its name then, so that no
// crash leaves half a store there.
func create(path string, random io.Reader, schema int) error {
	if random == nil {
		random = rand.Reader
	}
	var id [16]byte
	if _, err := io.ReadFull(random, id[:]); err != nil {
		return err
	}
	return Place(path, func(file *os.File) error {
		b, err := openFile(file.Name(), bbolt.Options{})
		if err != nil {
			return err
		}
		err = b.db.Update(func(tx *bbolt.Tx) error {
			if err := setAbout(tx, schemaKey, strconv.Itoa(schema)); err != nil {
				return err
			}
			return setAbout(tx, identityKey, hex.EncodeToString(id[:]))
		})
		return errors.Join(err, b.db.Close())
	})
}

// Place fills a new file, of its owner alone, and gives it the name path, durably.
// What is there already is not overwritten: fs.ErrExist.
func Place(path string, fill func(*os.File) error) error {
	dir := filepath.Dir(path)
	file, err := os.CreateTemp(dir, filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	if err := fill(file); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}
