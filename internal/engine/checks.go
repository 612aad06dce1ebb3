package engine

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/catalog"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/gallery"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/job"
)

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
	case *config.Mapping, *config.Filter, *config.Assignment:
		return e.checkPiece(ctx, x, before)
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

// checkPiece tests a piece of an app against the app and its source.
func (e *Engine) checkPiece(ctx context.Context, piece, before config.Thing) error {
	appID := piece.Identity().Parent
	if err := e.parent(piece, appID); err != nil {
		return err
	}
	declared, err := e.catalog.Declared(appID)
	if err != nil {
		return internal(err)
	}
	switch x := piece.(type) {
	case *config.Mapping:
		_, err := e.checkMapping(ctx, x, declared) // a plan shows the warnings
		return err
	case *config.Filter:
		return e.checkFilter(ctx, x, declared)
	case *config.Assignment:
		if was, ok := before.(*config.Assignment); ok && was.User == x.User && was.Group == x.Group {
			x.Object, x.CreatedAt = was.Object, was.CreatedAt
			return nil
		}
		return e.checkAssignment(ctx, x, declared)
	}
	return nil
}

// Check implements api.Service.
func (e *Engine) Check(ctx context.Context, request api.CheckRequest) ([]api.Warning, error) {
	if request.App == nil || request.Source == nil {
		return nil, api.Errorf(api.CodeInvalid, "Cannot check", "A piece is checked with its app and its source.")
	}
	app := *request.App // several pieces of one app may be checked at a time
	if stored, err := e.catalog.Get(config.KindApp, app.ID); err == nil && stored.(*config.App).Template == app.Template {
		app.TemplateRevision = stored.(*config.App).TemplateRevision
	} else if template, err := gallery.Latest(app.Template); err == nil {
		app.TemplateRevision = template.Revision
	}
	planned := &catalog.Released{App: &app, Source: request.Source}
	switch {
	case request.Mapping != nil:
		return e.checkMapping(ctx, request.Mapping, planned)
	case request.Filter != nil:
		return nil, e.checkFilter(ctx, request.Filter, planned)
	case request.Assignment != nil:
		if !e.trusted(planned.Source, planned.Source.CredentialID) {
			return nil, nil
		}
		assignment := *request.Assignment
		err := e.checkAssignment(ctx, &assignment, planned)
		var refused *api.Error
		if errors.As(err, &refused) && refused.Code == api.CodeConnectionFailed {
			return nil, nil // the source tells when it is saved
		}
		return nil, err
	}
	return nil, api.Errorf(api.CodeInvalid, "Cannot check", "No piece is given.")
}

// checkAssignment finds the one object that an assignment names.
func (e *Engine) checkAssignment(ctx context.Context, a *config.Assignment, declared *catalog.Released) error {
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
		if reflect.DeepEqual(was, connection) && before.CredentialID == a.CredentialID && before.Template == a.Template {
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
	if _, err := target.Test(ctx, template.Matching()); err != nil {
		return connectionFailed(a, err)
	}
	return nil
}
