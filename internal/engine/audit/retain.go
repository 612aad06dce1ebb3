package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// Retain deletes the app's day files whose last moment is older than age; an
// empty id is for the entries of no app. A clock that was set forward while
// this process runs makes no file older.
func (l *Log) Retain(ctx context.Context, appID string, age time.Duration) error {
	l.files.Lock()
	defer l.files.Unlock()
	names, err := l.dayFiles(appID, false)
	if err != nil {
		return fmt.Errorf("retention of the provisioning log: %w", err)
	}
	now := l.now()
	// Sub measures by the monotonic clock, so this one cannot jump.
	if steady := l.opened.Round(0).Add(now.Sub(l.opened)); steady.Before(now) {
		now = steady
	}
	for _, name := range names {
		day, _ := dayOf(name)
		if day.AddDate(0, 0, 1).After(now.Add(-age)) {
			continue
		}
		if err := l.remove(ctx, name); err != nil {
			return fmt.Errorf("retention of the provisioning log: %w", err)
		}
	}
	return nil
}

// Drop deletes all that the log has of an app that is no more.
func (l *Log) Drop(ctx context.Context, appID string) error {
	if !isApp(appID) {
		return fmt.Errorf("drop the provisioning log: %q is no id of an app", appID)
	}
	l.files.Lock()
	defer l.files.Unlock()
	if err := l.drop(ctx, appID); err != nil {
		return fmt.Errorf("drop the provisioning log of %s: %w", appID, err)
	}
	return nil
}

func (l *Log) drop(ctx context.Context, appID string) error {
	if err := l.settle(ctx); err != nil { // no row that moved may come back
		return err
	}
	var mutations []store.Mutation
	err := l.eachUnmoved(func(row store.Row) error {
		lines := slices.Collect(linesOf(row))
		others := slices.DeleteFunc(slices.Clone(lines), func(line []byte) bool {
			entry, err := decode(line)
			return err == nil && entry.AppID == appID
		})
		switch len(others) {
		case 0:
			mutations = append(mutations, store.Delete(outbox, row.Key))
		case len(lines):
		default:
			mutations = append(mutations, store.Put(outbox, row.Key, bytes.Join(others, lineEnd)))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := l.store.Commit(ctx, mutations...); err != nil {
		return err
	}
	names, err := l.dayFiles(appID, false)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := l.remove(ctx, name); err != nil {
			return err
		}
	}
	if err := os.Remove(filepath.Join(l.dir, folder(appID))); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// remove deletes a day file and what is known of it.
func (l *Log) remove(ctx context.Context, name string) error {
	if err := os.Remove(filepath.Join(l.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	l.mu.Lock()
	delete(l.days, name)
	l.mu.Unlock()
	return l.store.Commit(ctx, store.Delete(positions, []byte(name)))
}
