package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
)

// make a store with rows at path and close it.
func filled(t *testing.T, path string) {
	t.Helper()
	s := opened(t, path)
	for page := range 5 {
		var mutations []Mutation
		for i := range 200 {
			key := binary.BigEndian.AppendUint32([]byte{byte(page)}, uint32(i))
			mutations = append(mutations, Put("table", key, bytes.Repeat([]byte("v"), 100)))
		}
		if err := s.Commit(t.Context(), mutations...); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func opened(t *testing.T, path string) Store {
	t.Helper()
	s, err := Open(path, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestOpenMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	if _, err := Open(path, Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file without Create: %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it left a file: %v", err)
	}
	if _, err := Open(filepath.Join(path, "no", "folder"), Options{Create: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing folder: %v", err)
	}
}

func TestCreate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "store.db")
	s, err := Open(path, Options{Create: true, Random: strings.NewReader("0123456789abcdef rest")})
	if err != nil {
		t.Fatal(err)
	}
	const identity = "30313233343536373839616263646566"
	if got := s.(Identified).Identity(); got != identity {
		t.Errorf("identity %q, want %q", got, identity)
	}
	s.Close()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("creation left %d files", len(files))
	}
	if got := opened(t, path).(Identified).Identity(); got != identity {
		t.Errorf("opened again, identity %q", got)
	}
	if _, err := Open(filepath.Join(dir, "b"), Options{Create: true, Random: strings.NewReader("short")}); err == nil {
		t.Error("created without an identity")
	}
	if _, err := os.Stat(filepath.Join(dir, "b")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a failed creation left a store")
	}
}

func TestOpenInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	opened(t, path)
	if _, err := Open(path, Options{Create: true}); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), path) {
		t.Errorf("second open: %v", err)
	}
}

// TestOpenDamaged damages a store in many ways. None may open as if it were
// whole and empty, panic, or change the file.
func TestOpenDamaged(t *testing.T) {
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole")
	filled(t, whole)
	data, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	page := filePageSize
	alien := filepath.Join(dir, "alien")
	db, err := bbolt.Open(alien, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	alienData, _ := os.ReadFile(alien)
	flip := func(at int) []byte {
		changed := bytes.Clone(data)
		for i := at; i < min(at+64, len(changed)); i++ {
			changed[i] ^= 0xff
		}
		return changed
	}
	both := flip(0)
	for i := page; i < page+64; i++ {
		both[i] ^= 0xff
	}
	for name, damaged := range map[string][]byte{
		"empty":              {},
		"one byte":           {0},
		"text":               []byte("this is no store\n"),
		"long text":          bytes.Repeat([]byte("this is no store\n"), 4096),
		"zeros":              make([]byte, 64<<10),
		"both metas":         both,
		"cut to one page":    data[:page],
		"cut to two pages":   data[:2*page],
		"cut to four pages":  data[:4*page],
		"cut in the middle":  data[:hwm(t, whole)/2],
		"cut by one byte":    data[:hwm(t, whole)-1],
		"bbolt of another":   alienData,
		"root pages garbled": garble(data, page),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store.db")
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := Open(path, Options{Create: true})
			if err == nil {
				s.Close()
			}
			if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), path) {
				t.Errorf("open: %v", err)
			}
			after, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(after, damaged) {
				t.Errorf("the file was changed, error %v", err)
			}
		})
	}
}

// garble overwrites the headers of all pages but the metas.
func garble(data []byte, page int) []byte {
	changed := bytes.Clone(data)
	for at := 2 * page; at < len(changed); at += page {
		for i := range 16 {
			changed[at+i] = 0xa5
		}
	}
	return changed
}

// hwm gives how many bytes of the file are in use.
func hwm(t *testing.T, path string) int {
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var size int64
	db.View(func(tx *bbolt.Tx) error { size = tx.Size(); return nil })
	return int(size)
}

// TestBitFlips flips bytes all over a store. What can be read must be what was
// written; the rest is ErrCorrupt, never a panic or another value.
func TestBitFlips(t *testing.T) {
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole")
	filled(t, whole)
	data, _ := os.ReadFile(whole)
	used := hwm(t, whole)
	noticed := 0
	for at := 0; at < used; at += 331 {
		changed := bytes.Clone(data[:used])
		changed[at] ^= 0x10
		path := filepath.Join(dir, "flipped")
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(path, Options{})
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrNewer) {
				t.Fatalf("byte %d: open: %v", at, err)
			}
			noticed++
			continue
		}
		err = Each(s, "table", nil, func(row Row) error {
			if len(row.Key) != 5 || !bytes.Equal(row.Value, bytes.Repeat([]byte("v"), 100)) {
				t.Fatalf("byte %d: row %q = %q", at, row.Key, row.Value)
			}
			return nil
		})
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("byte %d: read: %v", at, err)
			}
			noticed++
		}
		if err := s.Commit(t.Context(), Put("table", []byte("new"), nil)); err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("byte %d: write: %v", at, err)
		}
		s.Close()
	}
	if noticed == 0 {
		t.Error("no flipped bit was noticed")
	}
}

// TestCutWhileOpen cuts the file under an open store: a memory fault.
func TestCutWhileOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	filled(t, path)
	s := opened(t, path)
	if err := os.Truncate(path, 2*filePageSize); err != nil {
		t.Fatal(err)
	}
	_, err := s.Page("table", nil, nil, 10000)
	if !errors.Is(err, ErrCorrupt) {
		t.Fatalf("read: %v", err)
	}
	if err := s.Commit(t.Context(), Put("table", []byte("a"), nil)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("write: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if _, err := Open(path, Options{}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("open again: %v", err)
	}
}

func TestSchemas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	filled(t, path)
	rename := func(tx *bbolt.Tx) error {
		bucket, err := tx.CreateBucket([]byte("renamed"))
		if err != nil {
			return err
		}
		w := seal([]Mutation{Put("renamed", []byte("a"), []byte("1"))}).writes[0]
		return bucket.Put(w.key, w.sealed)
	}
	fail := func(*bbolt.Tx) error { return errors.New("no") }
	if _, err := open(path, Options{}, []migration{rename, fail}); err == nil {
		t.Fatal("a migration failed and the store was opened")
	}
	b, err := open(path, Options{}, []migration{rename}) // the first was rolled back, else this fails
	if err != nil {
		t.Fatal(err)
	}
	s := b.start()
	if value, err := s.Get("renamed", []byte("a")); err != nil || string(value) != "1" {
		t.Errorf("after the migration: %q, %v", value, err)
	}
	s.Close()
	before, _ := os.ReadFile(path)
	if _, err := Open(path, Options{Create: true}); !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "schema 2") {
		t.Errorf("a newer store: %v", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("refusing a newer store changed it")
	}
}

func TestBackup(t *testing.T) {
	dir := t.TempDir()
	path, copied := filepath.Join(dir, "store.db"), filepath.Join(dir, "copy.db")
	filled(t, path)
	s := opened(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	backup := func(ctx context.Context) error {
		return Place(copied, func(file *os.File) error { return s.Backup(ctx, file) })
	}
	if err := backup(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled backup: %v", err)
	}
	if err := backup(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := backup(t.Context()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a backup over a file: %v", err)
	}
	if info, _ := os.Stat(copied); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if err := s.Commit(t.Context(), Put("table", []byte("later"), nil)); err != nil {
		t.Fatal(err)
	}
	c := opened(t, copied)
	if a, b := s.(Identified).Identity(), c.(Identified).Identity(); a != b {
		t.Errorf("the backup's identity is %s, not %s", b, a)
	}
	rows, err := c.Page("table", nil, nil, 10000)
	if err != nil || len(rows) != 1000 {
		t.Errorf("the backup has %d rows of 1000, error %v", len(rows), err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 2 {
		t.Errorf("%d files, want the store and its backup", len(files))
	}
}
