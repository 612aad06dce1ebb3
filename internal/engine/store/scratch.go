package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// scratchPrefix begins the names of the files of scratch stores.
const scratchPrefix = "scratch-"

// Scratch gives an empty store in a file in dir, for what is dropped at the
// end: it is never synced, and the file is gone once the store is closed or,
// where the system allows it, the process has ended in any way.
func Scratch(dir string) (Store, error) {
	file, err := os.CreateTemp(dir, scratchPrefix+"*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("create a scratch store: %w", err)
	}
	path := file.Name()
	if err := file.Close(); err != nil {
		return nil, err
	}
	b, err := openFile(path, bbolt.Options{NoSync: true, NoGrowSync: true, NoFreelistSync: true})
	if err != nil {
		return nil, errors.Join(wrap("create", path, err), os.Remove(path))
	}
	// A file without a name lives as long as it is open, not longer.
	b.remove = os.Remove(path) != nil
	return b.start(), nil
}

// RemoveScratch removes the files in dir that scratch stores of a process which
// was killed have left. No scratch store may be open in dir.
func RemoveScratch(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if ok, _ := filepath.Match(scratchPrefix+"*", entry.Name()); ok && entry.Type().IsRegular() {
			err = errors.Join(err, os.Remove(filepath.Join(dir, entry.Name())))
		}
	}
	return err
}
