package engine

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/oauth"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/gallery"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/secret"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// credentials are those in use, by id: all connectors of one share what it
// holds in memory, such as an access token.
type credentials struct {
	mu     sync.Mutex
	inUse  map[string]connector.Credential
	opened sync.Map // secrets, by sealedField: opening costs more than the request that it is for
}

// sealedField is a field of a credential whose value is sealed.
type sealedField struct{ credentialID, name string }

// forget has a credential that was changed or destroyed made anew at its next
// use.
func (c *credentials) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.inUse, id)
	c.opened.Clear()
}

// credential gives a stored credential, whose secrets are resolved when used.
func (e *Engine) credential(id string) (connector.Credential, error) {
	e.credentials.mu.Lock()
	defer e.credentials.mu.Unlock()
	if c, ok := e.credentials.inUse[id]; ok {
		return c, nil
	}
	thing, err := e.catalog.Get(config.KindCredential, id)
	if err != nil {
		return connector.Credential{}, err
	}
	c, err := e.credentialOf(thing.(*config.Credential), nil)
	if err == nil {
		e.credentials.inUse[id] = c
	}
	return c, err
}

// credentialOf makes the credential of a declaration, with secrets that are
// given now in place of sealed ones. It shares nothing with others.
func (e *Engine) credentialOf(declared *config.Credential, secrets config.Secrets) (connector.Credential, error) {
	c := connector.Credential{Kind: declared.Method, Fields: make(map[string]connector.Secret)}
	for name, field := range declared.Fields {
		switch given, now := secrets[name]; {
		case field.Reference != "":
			reference, err := secret.ParseReference(field.Reference)
			if err != nil {
				return c, err
			}
			c.Fields[name] = reference.Resolve
		case now:
			c.Fields[name] = func(context.Context) (string, error) { return given, nil }
		case field.Version != nil:
			c.Fields[name] = func(context.Context) (string, error) { return e.unseal(declared, name) }
		default:
			c.Fields[name] = func(context.Context) (string, error) { return field.Value, nil }
		}
	}
	if declared.Method != config.OAuth2ClientCredentials {
		return c, nil
	}
	client, err := oauth.NewClient(oauth.Grant{
		TokenURL: declared.Fields["token_url"].Value, ClientID: declared.Fields["client_id"].Value, ClientSecret: c.Fields["client_secret"],
		Scopes: declared.Fields["scopes"].Values, Parameters: declared.Fields["endpoint_params"].Parameters,
		AuthStyle: declared.Fields["auth_style"].Value, CACertificate: declared.Fields["ca_certificate"].Value,
	}, e.clock.Now)
	if err != nil {
		return c, err
	}
	c.Fields, c.Renew = map[string]connector.Secret{"token": client.Token}, client.Renew
	return c, nil
}

// unseal opens a sealed secret, once until it is forgotten. What was read before
// a change is not kept after it: forget waits.
func (e *Engine) unseal(c *config.Credential, field string) (string, error) {
	key := sealedField{c.ID, field}
	if opened, ok := e.credentials.opened.Load(key); ok {
		return opened.(string), nil
	}
	e.credentials.mu.Lock()
	defer e.credentials.mu.Unlock()
	sealed, err := e.catalog.Secret(c.ID, field)
	if err != nil {
		return "", err
	}
	if sealed == nil {
		return "", fmt.Errorf("credential %q holds no %s: give it again and raise %s_wo_version", c.Name, field, field)
	}
	opened, err := e.keyring.Open(sealed)
	if err == nil {
		e.credentials.opened.Store(key, opened)
	}
	return opened, err
}

// seal gives the mutations that keep given secrets, and drop those that the
// declaration has no place for any more. before is nil for a new thing.
func (e *Engine) seal(thing, before config.Thing, secrets config.Secrets) ([]store.Mutation, error) {
	c, ok := thing.(*config.Credential)
	if !ok {
		return nil, nil
	}
	var mutations []store.Mutation
	if was, ok := before.(*config.Credential); ok {
		for _, name := range config.SecretFields(was.Method) {
			if c.Fields[name].Version == nil {
				mutations = append(mutations, e.catalog.DropSecret(c.ID, name))
			}
		}
	}
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

// checkCredential tests what was changed against each source and app that uses
// it before it replaces what was (decisions 45).
func (e *Engine) checkCredential(ctx context.Context, c *config.Credential, before config.Thing, secrets config.Secrets) error {
	was, _ := before.(*config.Credential)
	for _, name := range config.SecretFields(c.Method) {
		if c.Fields[name].Version != nil && secrets[name] == "" && (was == nil || !sameVersion(was.Fields[name], c.Fields[name])) {
			return &api.Error{Code: api.CodeInvalid, Summary: fmt.Sprintf("Cannot save %s", describe(c)), Path: []string{c.Method, name + "_wo"},
				Detail: fmt.Sprintf("The %s is empty.", name), Advice: "Give a value; the variable it comes from may be unset."}
		}
	}
	if was == nil || len(secrets) == 0 && was.Method == c.Method && reflect.DeepEqual(was.Fields, c.Fields) {
		return nil
	}
	given, err := e.credentialOf(c, secrets)
	if err != nil {
		return internal(err)
	}
	return e.eachUser(c.ID, func(source *config.Source) error {
		opened, err := e.openSourceWith(source, &given)
		if err == nil {
			_, err = opened.Test(ctx)
		}
		return unchanged(source, err)
	}, func(app *config.App) error {
		if app.SkipTestConnection {
			return nil
		}
		template, err := gallery.Get(app.Template, app.TemplateRevision)
		if err != nil {
			return internal(err)
		}
		opened, err := e.openTargetWith(app, &given)
		if err == nil {
			_, err = opened.Test(ctx, template.Matching())
		}
		return unchanged(app, err)
	})
}

// unchanged tells that a credential was refused, and what that means.
func unchanged(thing config.Thing, err error) error {
	if err == nil {
		return nil
	}
	failed := connectionFailed(thing, err)
	failed.Detail += " The credential stays as it was."
	return failed
}

func sameVersion(a, b config.Field) bool {
	return a.Version != nil && b.Version != nil && *a.Version == *b.Version
}

// eachUser visits the sources and apps that use a credential.
func (e *Engine) eachUser(credentialID string, source func(*config.Source) error, app func(*config.App) error) error {
	err := e.catalog.Each(config.KindSource, func(thing config.Thing) error {
		if s := thing.(*config.Source); s.CredentialID == credentialID {
			return source(s)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return e.catalog.Each(config.KindApp, func(thing config.Thing) error {
		if a := thing.(*config.App); a.CredentialID == credentialID {
			return app(a)
		}
		return nil
	})
}

// replaced tells the jobs of all who use a credential that it was changed.
func (e *Engine) replaced(ctx context.Context, credentialID string) error {
	e.credentials.forget(credentialID)
	lift := make(map[string]bool)
	err := e.eachUser(credentialID, func(source *config.Source) error {
		return e.catalog.Each(config.KindApp, func(thing config.Thing) error {
			if a := thing.(*config.App); a.SourceID == source.ID {
				lift[a.ID] = true
			}
			return nil
		})
	}, func(app *config.App) error {
		lift[app.ID] = true
		return nil
	})
	if err != nil {
		return err
	}
	for _, appID := range slices.Sorted(maps.Keys(lift)) {
		if err := e.jobs.Lifted(ctx, appID); err != nil {
			return err
		}
	}
	return nil
}
