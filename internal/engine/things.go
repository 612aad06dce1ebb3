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
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/gallery"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/job"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
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
	sealed, err := e.seal(thing, secrets)
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
	sealed, err := e.seal(thing, secrets)
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

// check tests a thing before it is saved: by itself, against what it refers to,
// and, for what connects, by connecting. before is nil for a new one.
func (e *Engine) check(ctx context.Context, thing, before config.Thing, secrets config.Secrets) error {
	if problems := thing.Validate(); len(problems) > 0 {
		return invalid(thing, problems)
	}
	switch x := thing.(type) {
	case *config.Credential:
		return e.checkCredential(ctx, x, before, secrets)
	case *config.Source:
		return e.checkSource(ctx, x)
	case *config.App:
		was, _ := before.(*config.App)
		return e.checkApp(ctx, x, was)
	case *config.Mapping:
		return e.checkMapping(ctx, x)
	case *config.Filter:
		return e.checkFilter(ctx, x)
	case *config.Assignment:
		return e.checkAssignment(ctx, x, before)
	case *config.Job:
		return e.checkJob(x, before)
	}
	return nil
}

func (e *Engine) parent(thing config.Thing, appID string) error {
	if _, err := e.catalog.Get(config.KindApp, appID); err != nil {
		return &api.Error{Code: api.CodeInvalid, Summary: fmt.Sprintf("Cannot save %s", describe(thing)), Path: []string{"app_id"},
			Detail: fmt.Sprintf("There is no app of the id %q.", appID), Advice: "Refer to the id of a provisioning_app."}
	}
	return nil
}

func (e *Engine) checkAssignment(ctx context.Context, a *config.Assignment, before config.Thing) error {
	if err := e.parent(a, a.AppID); err != nil {
		return err
	}
	if was, ok := before.(*config.Assignment); ok && was.User == a.User && was.Group == a.Group {
		a.Object, a.CreatedAt = was.Object, was.CreatedAt
		return nil
	}
	declared, err := e.catalog.Declared(a.AppID)
	if err != nil {
		return internal(err)
	}
	if declared.Source == nil {
		return api.Errorf(api.CodeInvalid, "Cannot assign", "The app's source is gone.")
	}
	source, err := e.openSource(ctx, declared.Source)
	if err != nil {
		return connectionFailed(a, err)
	}
	typ, text, path := directory.User, a.User, "user"
	if text == "" {
		typ, text, path = directory.Group, a.Group, "group"
	}
	key, _, err := job.Resolve(ctx, source, declared.Source, typ, text)
	var missing *job.NotFoundError
	var several *job.AmbiguousError
	switch {
	case errors.As(err, &missing):
		return &api.Error{Code: api.CodeInvalid, Summary: fmt.Sprintf("Cannot assign %q", text), Path: []string{path},
			Detail: config.Sentence(err.Error()), Advice: "Correct the name, or add it to the source first."}
	case errors.As(err, &several):
		return &api.Error{Code: api.CodeAmbiguous, Summary: fmt.Sprintf("Cannot assign %q", text), Path: []string{path},
			Detail: config.Sentence(err.Error()), Advice: "Name it by its id."}
	case err != nil:
		return connectionFailed(a, err)
	}
	a.Object, a.CreatedAt = key, e.clock.Now().UTC()
	return nil
}

func (e *Engine) checkJob(j *config.Job, before config.Thing) error {
	if err := e.parent(j, j.AppID); err != nil {
		return err
	}
	app, err := e.catalog.Get(config.KindApp, j.AppID)
	if err != nil {
		return internal(err)
	}
	if app.(*config.App).Mode == config.Manual {
		return &api.Error{Code: api.CodeInvalid, Summary: "Cannot save the job", Path: []string{"app_id"},
			Detail: fmt.Sprintf("App %q has mode = \"manual\", which allows no job.", app.(*config.App).Name), Advice: `Set mode = "automatic", or remove the job.`}
	}
	j.MetRevisions, j.AwaitedCycle = nil, ""
	if was, ok := before.(*config.Job); ok {
		j.MetRevisions, j.AwaitedCycle = was.MetRevisions, was.AwaitedCycle
	}
	if j.WaitFor == "" || j.WaitFor == "none" || !j.IsEnabled() {
		j.MetRevisions = slices.Clone(j.Revisions) // nothing is waited for
	}
	var unknown *job.ErrUnknownRevision
	if err := e.jobs.CheckRevisions(j.AppID, j.Revisions); errors.As(err, &unknown) {
		return &api.Error{Code: api.CodeConflict, Summary: "Cannot release the configuration", Path: []string{"revisions"},
			Detail: config.Sentence(unknown.Error()), Advice: "List revisions by reference, such as provisioning_app.x.revision, and apply again."}
	} else if err != nil {
		return internal(err)
	}
	return nil
}

func (e *Engine) checkSource(ctx context.Context, s *config.Source) error {
	if s.CredentialID != "" {
		if _, err := e.catalog.Get(config.KindCredential, s.CredentialID); err != nil {
			return noCredential(s, s.CredentialID)
		}
	}
	source, err := e.openSource(ctx, s)
	if err != nil {
		return connectionFailed(s, err)
	}
	if _, err := source.Test(ctx); err != nil {
		return connectionFailed(s, err)
	}
	return nil
}

func noCredential(thing config.Thing, id string) error {
	return &api.Error{Code: api.CodeInvalid, Summary: fmt.Sprintf("Cannot save %s", describe(thing)), Path: []string{"credential_id"},
		Detail: fmt.Sprintf("There is no credential of the id %q.", id), Advice: "Refer to the id of a provisioning_credential."}
}

// checkApp tests the connection when it, or the credential, changed.
func (e *Engine) checkApp(ctx context.Context, a, before *config.App) error {
	if problems := gallery.Check(a); len(problems) > 0 {
		return invalid(a, problems)
	}
	if _, err := e.catalog.Get(config.KindSource, a.SourceID); err != nil {
		return &api.Error{Code: api.CodeInvalid, Summary: fmt.Sprintf("Cannot save %s", describe(a)), Path: []string{"source_id"},
			Detail: fmt.Sprintf("There is no source of the id %q.", a.SourceID), Advice: "Refer to the id of a provisioning_source."}
	}
	if a.CredentialID != "" {
		if _, err := e.catalog.Get(config.KindCredential, a.CredentialID); err != nil {
			return noCredential(a, a.CredentialID)
		}
	}
	template, err := gallery.Latest(a.Template)
	if err != nil {
		return internal(err)
	}
	a.TemplateRevision = template.Revision
	if before != nil && before.Template == a.Template {
		a.TemplateRevision = before.TemplateRevision // decisions 7
	}
	_, connection := a.Connector()
	if before != nil {
		_, was := before.Connector()
		if fmt.Sprintf("%+v", deref(was)) == fmt.Sprintf("%+v", deref(connection)) && before.CredentialID == a.CredentialID && before.Template == a.Template {
			return nil
		}
	}
	if a.SkipTestConnection {
		return nil
	}
	target, err := e.openTargetWith(a, nil)
	if err != nil {
		return connectionFailed(a, err)
	}
	if _, err := target.Test(ctx, probes(template)); err != nil {
		return connectionFailed(a, err)
	}
	return nil
}

func deref(block any) any {
	if c, ok := block.(*config.SCIMConnection); ok && c != nil {
		return *c
	}
	return block
}

// probes gives the matching attributes of a template's own mappings.
func probes(t gallery.Template) map[string]directory.Path {
	matching := make(map[string]directory.Path)
	for objectType := range t.Mappings {
		m, _ := t.Mapping("", objectType)
		if compiled, err := mapping.Compile(m.Definition(), mapping.Source{}, nil); err == nil {
			matching[objectType] = compiled.MatchingPaths()[0]
		}
	}
	return matching
}

// checkCredential tests a new secret against each app that uses it before it
// replaces the old (decisions 45).
func (e *Engine) checkCredential(ctx context.Context, c *config.Credential, before config.Thing, secrets config.Secrets) error {
	for _, name := range config.SecretFields(c.Method) {
		if c.Fields[name].Version != nil && secrets[name] == "" {
			if was, ok := before.(*config.Credential); ok && was.Method == c.Method && sameVersion(was.Fields[name], c.Fields[name]) {
				continue
			}
			return &api.Error{Code: api.CodeInvalid, Summary: fmt.Sprintf("Cannot save %s", describe(c)), Path: []string{c.Method, name + "_wo"},
				Detail: fmt.Sprintf("The %s is empty.", name), Advice: "Give a value; the variable it comes from may be unset."}
		}
	}
	if before == nil {
		return nil
	}
	given, err := e.credentialOf(c, secrets)
	if err != nil {
		return internal(err)
	}
	return e.catalog.Each(config.KindApp, func(thing config.Thing) error {
		app := thing.(*config.App)
		if app.CredentialID != c.ID || app.SkipTestConnection {
			return nil
		}
		template, err := gallery.Get(app.Template, app.TemplateRevision)
		if err != nil {
			return internal(err)
		}
		target, err := e.openTargetWith(app, &given)
		if err != nil {
			return connectionFailed(app, err)
		}
		if _, err := target.Test(ctx, probes(template)); err != nil {
			failed := connectionFailed(app, err)
			failed.Detail += " The credential stays as it was."
			return failed
		}
		return nil
	})
}

func sameVersion(a, b config.Field) bool {
	return a.Version != nil && b.Version != nil && *a.Version == *b.Version
}

// seal gives the mutations that keep given secrets.
func (e *Engine) seal(thing config.Thing, secrets config.Secrets) ([]store.Mutation, error) {
	c, ok := thing.(*config.Credential)
	if !ok {
		return nil, nil
	}
	var mutations []store.Mutation
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		if c.Fields[name].Version == nil {
			continue
		}
		sealed, err := e.keyring.Seal(secrets[name])
		if err != nil {
			return nil, internal(err)
		}
		mutations = append(mutations, e.catalog.PutSecret(c.ID, name, sealed))
	}
	return mutations, nil
}

// declared tells the jobs what a change of a declaration means for them.
func (e *Engine) declared(ctx context.Context, before, after config.Thing) error {
	switch x := after.(type) {
	case *config.Credential:
		if before == nil {
			return nil
		}
		return told(e.catalog.Each(config.KindApp, func(thing config.Thing) error {
			if thing.(*config.App).CredentialID != x.ID {
				return nil
			}
			return e.jobs.Lifted(ctx, thing.GetID())
		}))
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
