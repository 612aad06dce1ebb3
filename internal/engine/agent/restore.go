package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// restorePatience bounds how long a restore waits for another that starts or
// restores.
const restorePatience = 5 * time.Second

// Restore puts a backup in the place of the data directory's store, which
// stays beside it as store.db.before-restore-N. It refuses while an agent runs
// (CodeConflict), and a backup that is no whole store of this version or an
// older one; nothing is changed then. A crash leaves the old store or the new
// one in place.
func Restore(dataDir, backup string) (err error) {
	summary := fmt.Sprintf("Cannot restore data directory %q", dataDir)
	defer func() {
		var known *api.Error
		if err != nil && !errors.As(err, &known) {
			err = &api.Error{Code: startCode(err), Summary: summary, Detail: err.Error(), Advice: "Nothing was changed."}
		}
	}()
	dir, err := PrepareDir(dataDir)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), restorePatience)
	defer cancel()
	release, err := LockStart(ctx, dir)
	if err != nil {
		return fmt.Errorf("another process is starting an agent: %w", err)
	}
	defer release()
	lock, err := tryLock(filepath.Join(dir, agentLockName))
	if err != nil {
		return err
	}
	if lock == nil {
		return &api.Error{
			Code: api.CodeConflict, Summary: summary,
			Detail: "its agent is running", Advice: "Stop it first with `agent stop`.",
		}
	}
	defer lock.release()

	restored, err := copyStore(dir, backup)
	if err != nil {
		return err
	}
	defer os.Remove(restored)
	place := filepath.Join(dir, store.FileName)
	if err := setAside(place); err != nil {
		return fmt.Errorf("keep the old store: %w", err)
	}
	if err := os.Rename(restored, place); err != nil {
		return fmt.Errorf("put the backup in place: %w", err)
	}
	return syncDir(dir)
}

// copyStore copies a backup into the directory and makes sure that it is a
// store.
func copyStore(dir, backup string) (path string, err error) {
	from, err := os.Open(backup)
	if err != nil {
		return "", fmt.Errorf("open the backup: %w", err)
	}
	defer from.Close()
	to, err := os.CreateTemp(dir, store.FileName+".restore-*") // mode 0600
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			os.Remove(to.Name())
		}
	}()
	_, err = io.Copy(to, from)
	if err = errors.Join(err, to.Sync(), to.Close()); err != nil {
		return "", fmt.Errorf("copy %s: %w", backup, err)
	}
	s, err := store.Open(to.Name(), store.Options{})
	if err != nil {
		return "", fmt.Errorf("backup %s: %w", backup, err)
	}
	if err := s.Close(); err != nil {
		return "", fmt.Errorf("backup %s: %w", backup, err)
	}
	return to.Name(), nil
}

// setAside gives the store a second name, so that replacing the first loses
// nothing. No store needs none.
func setAside(place string) error {
	for n := 1; ; n++ {
		err := os.Link(place, fmt.Sprintf("%s.before-restore-%d", place, n))
		switch {
		case errors.Is(err, fs.ErrExist):
			continue
		case errors.Is(err, fs.ErrNotExist):
			return nil
		}
		return err
	}
}
