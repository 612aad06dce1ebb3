package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/catalog"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// nameWait is how long a Create waits for a thing of its name to be destroyed:
// Terraform gives no order to a destroy and a create of one name (decisions 5).
const nameWait = 10 * time.Second

// deletions tells those who wait for a name that something was destroyed.
type deletions struct {
	mu      sync.Mutex
	changed chan struct{}
}

func newDeletions() *deletions { return &deletions{changed: make(chan struct{})} }

func (d *deletions) next() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changed
}

func (d *deletions) announce() {
	d.mu.Lock()
	close(d.changed)
	d.changed = make(chan struct{})
	d.mu.Unlock()
}

// Generation implements api.Service.
func (e *Engine) Generation(_ context.Context, identity config.Identity) (api.Generation, error) {
	next, err := e.catalog.Generation(identity)
	if err != nil {
		return api.Generation{}, internal(err)
	}
	existing, err := e.catalog.Find(identity)
	if err != nil {
		return api.Generation{}, internal(err)
	}
	return api.Generation{Next: next, ID: config.ID(identity, next), ExistingID: existing}, nil
}

// Get implements api.Service.
func (e *Engine) Get(_ context.Context, kind config.Kind, id string) (config.Thing, error) {
	thing, err := e.catalog.Get(kind, id)
	return thing, told(err)
}

// List implements api.Service.
func (e *Engine) List(_ context.Context, kind config.Kind, query api.ListQuery) ([]config.Thing, error) {
	things := []config.Thing{}
	err := e.catalog.Each(kind, func(thing config.Thing) error {
		identity := thing.Identity()
		if (query.Name == "" || identity.Name == query.Name) && (query.AppID == "" || identity.Parent == query.AppID) {
			things = append(things, thing)
		}
		return nil
	})
	return things, told(err)
}

// Create implements api.Service.
func (e *Engine) Create(ctx context.Context, thing config.Thing, secrets config.Secrets) (config.Thing, error) {
	if err := e.awaitName(ctx, thing.Identity()); err != nil {
		return nil, err
	}
	e.declaring.Lock()
	defer e.declaring.Unlock()
	if existing, err := e.catalog.Find(thing.Identity()); err != nil {
		return nil, internal(err)
	} else if existing != "" {
		return nil, e.exists(thing.Identity(), existing)
	}
	generation, err := e.catalog.Generation(thing.Identity())
	if err != nil {
		return nil, internal(err)
	}
	id := config.ID(thing.Identity(), generation)
	if thing.GetID() != "" && thing.GetID() != id {
		return nil, &api.Error{Code: api.CodeConflict, Summary: fmt.Sprintf("Cannot create %s", describe(thing)), ID: id,
			Detail: "The name was used by another since the plan was made.", Advice: "Plan and apply again."}
	}
	thing.SetID(id)
	if err := e.check(ctx, thing, nil, secrets); err != nil {
		return nil, err
	}
	mutations, err := e.catalog.Create(thing)
	if err != nil {
		return nil, internal(err)
	}
	sealed, err := e.seal(thing, nil, secrets)
	if err != nil {
		return nil, err
	}
	if err := e.store.Commit(ctx, append(mutations, sealed...)...); err != nil {
		return nil, internal(err)
	}
	return thing, e.declared(ctx, nil, thing)
}

// awaitName waits for a thing of that name to be destroyed.
func (e *Engine) awaitName(ctx context.Context, identity config.Identity) error {
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	var timer sync.Once
	for {
		changed := e.deleted.next()
		existing, err := e.catalog.Find(identity)
		if err != nil {
			return internal(err)
		}
		if existing == "" {
			return nil
		}
		timer.Do(func() {
			go func() {
				defer stop()
				_ = e.clock.Sleep(waiting, nameWait)
			}()
		})
		select {
		case <-changed:
		case <-waiting.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return e.exists(identity, existing)
		}
	}
}

func (e *Engine) exists(identity config.Identity, id string) error {
	return &api.Error{
		Code: api.CodeExists, ID: id, Summary: fmt.Sprintf("%s %q exists already", readable(identity.Kind), identity.Name),
		Detail: "Nothing is adopted silently.",
		Advice: "Import it, or, when its block was only renamed, say so with a moved block.",
	}
}

// Update implements api.Service.
func (e *Engine) Update(ctx context.Context, thing config.Thing, secrets config.Secrets) (config.Thing, error) {
	e.declaring.Lock()
	defer e.declaring.Unlock()
	before, err := e.catalog.Get(thing.Identity().Kind, thing.GetID())
	if err != nil {
		return nil, told(err)
	}
	var renamed []store.Mutation
	if before.Identity() != thing.Identity() {
		if existing, err := e.catalog.Find(thing.Identity()); err != nil {
			return nil, internal(err)
		} else if existing != "" {
			return nil, e.exists(thing.Identity(), existing)
		}
		renamed = e.catalog.Rename(before, thing)
	}
	if err := e.check(ctx, thing, before, secrets); err != nil {
		return nil, err
	}
	mutations, err := e.catalog.Put(thing)
	if err != nil {
		return nil, internal(err)
	}
	sealed, err := e.seal(thing, before, secrets)
	if err != nil {
		return nil, err
	}
	if err := e.store.Commit(ctx, slices.Concat(mutations, renamed, sealed)...); err != nil {
		return nil, internal(err)
	}
	return thing, e.declared(ctx, before, thing)
}

// Delete implements api.Service. It sends nothing to anybody (decisions 2).
func (e *Engine) Delete(ctx context.Context, kind config.Kind, id string) error {
	e.declaring.Lock()
	defer e.declaring.Unlock()
	thing, err := e.catalog.Get(kind, id)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil
	}
	if err != nil {
		return internal(err)
	}
	if err := e.unused(thing); err != nil {
		return err
	}
	if j, ok := thing.(*config.Job); ok {
		e.jobs.Disable(j.AppID)
	}
	mutations, err := e.catalog.Delete(thing)
	if err != nil {
		return internal(err)
	}
	if err := e.store.Commit(ctx, mutations...); err != nil {
		return internal(err)
	}
	defer e.deleted.announce()
	switch x := thing.(type) {
	case *config.App:
		return told(e.jobs.Removed(ctx, x.ID))
	case *config.Source:
		return told(e.jobs.Snapshot(x.ID).Drop(ctx))
	case *config.Credential:
		e.credentials.forget(x.ID)
	}
	if parent := thing.Identity().Parent; parent != "" {
		e.jobs.Changed(parent)
	}
	return nil
}

// unused reports who still refers to a thing.
func (e *Engine) unused(thing config.Thing) error {
	id := thing.GetID()
	var users []string
	note := func(other config.Thing) { users = append(users, describe(other)) }
	visit := func(kind config.Kind, refers func(config.Thing) bool) error {
		return e.catalog.Each(kind, func(other config.Thing) error {
			if refers(other) {
				note(other)
			}
			return nil
		})
	}
	var err error
	switch thing.(type) {
	case *config.Credential:
		err = errors.Join(
			visit(config.KindSource, func(t config.Thing) bool { return t.(*config.Source).CredentialID == id }),
			visit(config.KindApp, func(t config.Thing) bool { return t.(*config.App).CredentialID == id }))
	case *config.Source:
		err = visit(config.KindApp, func(t config.Thing) bool { return t.(*config.App).SourceID == id })
	case *config.App:
		err = visit(config.KindJob, func(t config.Thing) bool { return t.Identity().Parent == id })
	}
	if err != nil {
		return internal(err)
	}
	if len(users) > 0 {
		return &api.Error{Code: api.CodeInUse, ID: id, Summary: fmt.Sprintf("%s is in use", describe(thing)),
			Detail: "It is used by " + strings.Join(users, ", ") + ".", Advice: "Change or destroy those first."}
	}
	return nil
}

// declared tells the jobs what a change of a declaration means for them.
func (e *Engine) declared(ctx context.Context, before, after config.Thing) error {
	switch x := after.(type) {
	case *config.Credential:
		if before == nil {
			return nil
		}
		return told(e.replaced(ctx, x.ID))
	case *config.Source:
		return told(e.catalog.Each(config.KindApp, func(thing config.Thing) error {
			if thing.(*config.App).SourceID == x.ID {
				e.jobs.Changed(thing.GetID())
			}
			return nil
		}))
	case *config.App:
		if before == nil {
			return told(e.jobs.Added(x.ID))
		}
		e.jobs.Changed(x.ID)
	case *config.Job:
		return told(e.jobApplied(ctx, before, x))
	default:
		e.jobs.Changed(after.Identity().Parent)
	}
	return nil
}

// jobApplied releases what the job lists, and restarts it where it says so.
func (e *Engine) jobApplied(ctx context.Context, before config.Thing, now *config.Job) error {
	was, existed := before.(*config.Job)
	if existed && !was.IsEnabled() && now.IsEnabled() {
		if err := e.jobs.Enable(ctx, now.AppID); err != nil {
			return err
		}
	}
	if !now.IsEnabled() {
		e.jobs.Disable(now.AppID)
	}
	if err := e.jobs.Release(ctx, now.AppID); err != nil {
		return err
	}
	if existed && !maps.Equal(was.RestartTriggers, now.RestartTriggers) {
		return e.jobs.Restart(ctx, now.AppID, "terraform", now.RestartScope)
	}
	return nil
}
