// Package job runs the jobs of apps: it releases configurations, schedules
// cycles, pauses, resumes and restarts them, and keeps what they come to:
// quarantine, held removals, status. One runner an app; no two cycles of a job
// overlap.
package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/catalog"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/snapshot"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// Options are what jobs work with.
type Options struct {
	Store   store.Store
	Log     *audit.Log
	Clock   connector.Clock
	NewID   func() string
	Logger  *slog.Logger
	Scratch string // directory of files that may be lost

	OpenSource func(ctx context.Context, source *config.Source) (connector.Source, error)
	OpenTarget func(ctx context.Context, app *config.App) (connector.Target, error)
}

// Manager keeps one runner an app.
type Manager struct {
	Options
	catalog catalog.Catalog

	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu        sync.Mutex
	closed    bool
	runners   map[string]*runner
	snapshots map[string]*snapshot.Snapshot
}

// ErrNoApp says that an app is not declared.
var ErrNoApp = errors.New("there is no such app")

// NewManager starts a runner for every app that is declared.
func NewManager(options Options) (*Manager, error) {
	ctx, stop := context.WithCancel(context.Background())
	m := &Manager{
		Options: options, catalog: catalog.Open(options.Store), ctx: ctx, stop: stop,
		runners: make(map[string]*runner), snapshots: make(map[string]*snapshot.Snapshot),
	}
	err := m.catalog.Each(config.KindApp, func(thing config.Thing) error {
		return m.Added(thing.GetID())
	})
	if err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// Close stops every job after the objects in hand and waits for it.
func (m *Manager) Close() {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.stop()
	m.wg.Wait()
}

// Added starts the runner of an app that came to be declared.
func (m *Manager) Added(appID string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || m.runners[appID] != nil {
		return nil
	}
	state, err := readState(m.Store, appID)
	if err != nil {
		return err
	}
	r := newRunner(m, appID, state)
	m.runners[appID] = r
	m.wg.Add(1)
	go func() {
		defer m.wg.Done()
		r.loop(m.ctx)
	}()
	return nil
}

// Removed ends the runner of an app and forgets all that belongs to the app:
// its accounts stay as they are.
func (m *Manager) Removed(ctx context.Context, appID string) error {
	m.mu.Lock()
	r := m.runners[appID]
	delete(m.runners, appID)
	m.mu.Unlock()
	if r != nil {
		r.end()
	}
	return m.forget(ctx, appID)
}

// Snapshot gives the snapshot of a source, which its apps share.
func (m *Manager) Snapshot(sourceID string) *snapshot.Snapshot {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.snapshots[sourceID]
	if s == nil {
		s = snapshot.Open(m.Store, sourceID, snapshot.Options{Now: m.Clock.Now})
		m.snapshots[sourceID] = s
	}
	return s
}

func (m *Manager) runner(appID string) (*runner, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.runners[appID]; r != nil {
		return r, nil
	}
	return nil, fmt.Errorf("app %q: %w", appID, ErrNoApp)
}

// job gives the job of an app, nil when it has none.
func (m *Manager) job(appID string) (*config.Job, error) {
	id, err := m.catalog.Find(config.Identity{Kind: config.KindJob, Parent: appID, Name: "job"})
	if err != nil || id == "" {
		return nil, err
	}
	thing, err := m.catalog.Get(config.KindJob, id)
	if err != nil {
		return nil, err
	}
	return thing.(*config.Job), nil
}

// note writes an entry about the job itself.
func (m *Manager) note(appID, by, what, detail string) ([]store.Mutation, error) {
	return m.Log.Mutations(audit.Entry{
		AppID: appID, Category: audit.Job, Action: audit.Other, Status: audit.Success, Reason: what, InitiatedBy: by,
		Steps: []audit.Step{{Name: what, Type: audit.StepProcessing, Status: audit.Success, Description: detail}},
	})
}

// Attended writes when an agent last kept the jobs, so that the next one knows
// since when nobody did.
func (m *Manager) Attended(ctx context.Context) error {
	return m.Store.Commit(ctx, store.Put(tableAttended, []byte("at"), []byte(m.Clock.Now().UTC().Format(time.RFC3339))))
}

const tableAttended store.Table = "attended"

// UnattendedSince gives when an agent last kept the jobs, if any job is on.
func UnattendedSince(r store.Reader) (time.Time, error) {
	on := false
	err := catalog.Open(r).Each(config.KindJob, func(thing config.Thing) error {
		on = on || thing.(*config.Job).IsEnabled()
		return nil
	})
	if err != nil || !on {
		return time.Time{}, err
	}
	var latest time.Time
	data, err := r.Get(tableAttended, []byte("at"))
	if err != nil {
		return time.Time{}, err
	}
	if at, err := time.Parse(time.RFC3339, string(data)); err == nil {
		latest = at
	}
	// An agent that was killed wrote no note; what its jobs last did tells.
	err = store.Each(r, tableStates, nil, func(row store.Row) error {
		state, err := readState(r, string(row.Key))
		if err == nil && state.CheckedAt.After(latest) {
			latest = state.CheckedAt
		}
		return err
	})
	return latest, err
}
