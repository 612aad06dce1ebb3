package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/clock"
)

// Files of a data directory that locks are taken on. They stay when nobody has
// the lock: only the operating system's lock counts.
const (
	startLockName = "start.lock" // of who starts or replaces an agent, shortly
	agentLockName = "agent.lock" // of the agent, for life
)

// lockInterval is how often a lock that another process has is tried again.
const lockInterval = 20 * time.Millisecond

// fileLock is an operating system's lock on a file, held.
type fileLock struct {
	path string
	file *flock.Flock
}

// tryLock takes the lock, nil when another process has it.
func tryLock(path string) (*fileLock, error) {
	for {
		l := &fileLock{path, flock.New(path, flock.SetPermissions(0o600))}
		locked, err := l.file.TryLock()
		if err != nil {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if !locked {
			return nil, nil
		}
		if l.owned() {
			return l, nil
		}
		l.release() // the file was removed between being opened and being locked
	}
}

// waitLock takes the lock once no other process has it.
func waitLock(ctx context.Context, path string) (*fileLock, error) {
	for {
		l, err := tryLock(path)
		if l != nil || err != nil {
			return l, err
		}
		if err := clock.Sleep(ctx, lockInterval); err != nil {
			return nil, err
		}
	}
}

// owned reports whether the locked file is still the one that others find.
func (l *fileLock) owned() bool {
	own, err := l.file.Stat()
	if err != nil {
		return false
	}
	found, err := os.Lstat(l.path)
	return err == nil && os.SameFile(own, found)
}

func (l *fileLock) release() { _ = l.file.Unlock() } // nothing can be done when it fails; the process's end does it

// takeOver takes agent.lock. It waits while the holder is an agent that no
// longer, or not yet, serves, and refuses at once when it serves.
func takeOver(ctx context.Context, dir string, patience time.Duration) (*fileLock, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errSilent)
	defer cancel()
	path := filepath.Join(dir, agentLockName)
	for {
		lock, err := tryLock(path)
		if lock != nil || err != nil {
			return lock, err
		}
		if conn, err := Dial(ctx, dir); err == nil {
			conn.Close()
			return nil, &api.Error{
				Code: api.CodeConflict, Summary: fmt.Sprintf("An agent runs on data directory %q already", dir),
				Detail: "two would send everything twice", Advice: "Use that one, or stop it first with `agent stop`.",
			}
		}
		if err := clock.Sleep(ctx, lockInterval); err == nil {
			continue
		}
		if errors.Is(context.Cause(ctx), errSilent) {
			return nil, &api.Error{
				Code: api.CodeConflict, Summary: fmt.Sprintf("The data directory %q is in use", dir),
				Detail: "a process has " + path + " locked and does not answer",
				Advice: "End that process, or use another data directory.",
			}
		}
		return nil, context.Cause(ctx)
	}
}

var errSilent = errors.New("the holder of the lock is silent")

// LockStart takes the lock that keeps others from starting or replacing the
// agent of a data directory meanwhile.
func LockStart(ctx context.Context, dir string) (release func(), err error) {
	lock, err := waitLock(ctx, filepath.Join(dir, startLockName))
	if err != nil {
		return nil, err
	}
	return lock.release, nil
}

// WaitEnded returns once no agent has the data directory.
func WaitEnded(ctx context.Context, dir string) error {
	path := filepath.Join(dir, agentLockName)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	lock, err := waitLock(ctx, path)
	if err != nil {
		return err
	}
	lock.release()
	return nil
}
