package engine

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/catalog"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/gallery"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
)

// SourceSchema implements api.Service.
func (e *Engine) SourceSchema(ctx context.Context, id string) (directory.Schema, error) {
	thing, err := e.catalog.Get(config.KindSource, id)
	if err != nil {
		return directory.Schema{}, told(err)
	}
	declared := thing.(*config.Source)
	source, err := e.openSource(ctx, declared)
	if err != nil {
		return directory.Schema{}, connectionFailed(declared, err)
	}
	schema, err := source.Schema(ctx)
	if err != nil {
		return directory.Schema{}, connectionFailed(declared, err)
	}
	for i, t := range schema.Types {
		schema.Types[i].Attributes = withAliases(t.Attributes, declared.MappingSource(t.Name).Aliases)
	}
	return schema, nil
}

// withAliases adds a definition for each alias of an attribute that is there.
// An alias wins over an attribute of its name.
func withAliases(attributes []directory.Definition, aliases map[string]string) []directory.Definition {
	out := slices.DeleteFunc(slices.Clone(attributes), func(d directory.Definition) bool {
		own, ok := aliases[d.Name]
		return ok && own != d.Name && has(attributes, own)
	})
	for _, name := range slices.Sorted(maps.Keys(aliases)) {
		for _, d := range attributes {
			if d.Name == aliases[name] && d.Name != name {
				d.AliasOf, d.Name = d.Name, name
				out = append(out, d)
			}
		}
	}
	return out
}

func has(attributes []directory.Definition, name string) bool {
	return slices.ContainsFunc(attributes, func(d directory.Definition) bool { return d.Name == name })
}

// TargetSchema implements api.Service.
func (e *Engine) TargetSchema(ctx context.Context, id string) (directory.Schema, error) {
	thing, err := e.catalog.Get(config.KindApp, id)
	if err != nil {
		return directory.Schema{}, told(err)
	}
	app := thing.(*config.App)
	target, err := e.openTarget(ctx, app)
	if err != nil {
		return directory.Schema{}, connectionFailed(app, err)
	}
	_, schema, err := target.Describe(ctx)
	if err != nil {
		return directory.Schema{}, connectionFailed(app, err)
	}
	return schema, nil
}

// connects is what has a connection: a source or an app.
type connects interface {
	config.Thing
	Connector() (kind string, connection any)
}

// trusted reports whether a credential may go to where a source or app connects:
// it has none, or the connection was saved with it. One that is only planned gets
// none, so that a plan under review sends no secret to where somebody pointed it.
func (e *Engine) trusted(planned connects, credentialID string) bool {
	if credentialID == "" {
		return true
	}
	thing, err := e.catalog.Get(planned.Identity().Kind, planned.GetID())
	if err != nil {
		return false
	}
	var storedCredential string
	switch x := thing.(type) {
	case *config.Source:
		storedCredential = x.CredentialID
	case *config.App:
		storedCredential = x.CredentialID
	}
	storedKind, stored := thing.(connects).Connector()
	kind, connection := planned.Connector()
	return storedCredential == credentialID && storedKind == kind && reflect.DeepEqual(stored, connection)
}

// discoveryPatience is how long a check waits for an app to tell its schema.
const discoveryPatience = 10 * time.Second

// discovered gives the schema of an app; an empty one when the app cannot be
// asked, or is not to be: a connection that is only planned gets no credential.
func (e *Engine) discovered(ctx context.Context, app *config.App) directory.Schema {
	if app.SkipTestConnection {
		return directory.Schema{}
	}
	if !e.trusted(app, app.CredentialID) {
		return directory.Schema{}
	}
	target, err := e.openTarget(ctx, app)
	if err != nil {
		return directory.Schema{}
	}
	ctx, stop := context.WithTimeout(ctx, discoveryPatience)
	defer stop()
	_, schema, err := target.Describe(ctx)
	if err != nil {
		return directory.Schema{}
	}
	return schema
}

// reviewMapping compares a mapping with the schema of the app that it maps to:
// what the app never takes is a problem, what it does not list, or lists beside
// that, is said. Of an app that tells nothing, only what needs no schema is said.
func (e *Engine) reviewMapping(ctx context.Context, m *config.Mapping, declared *catalog.Released, source mapping.Source) (config.Problems, []api.Warning) {
	app := declared.App
	if app == nil {
		return nil, nil
	}
	schema := e.discovered(ctx, app)
	var defaults map[string]mapping.Attribute
	if template, err := gallery.Get(app.Template, app.TemplateRevision); err == nil {
		defaults = template.Mappings[m.ObjectType].Attributes
	}
	var warnings []api.Warning
	warn := func(summary string, sentences []string, advice string) {
		if len(sentences) > 0 {
			warnings = append(warnings, api.Warning{
				Summary: fmt.Sprintf("%s: %s mapping %s", app.Name, m.ObjectType, summary), Detail: strings.Join(append(sentences, advice), "\n"),
			})
		}
	}
	described, ok := schema.Type(m.ObjectType)
	if !ok && len(schema.Types) > 0 {
		var names []string
		for _, t := range schema.Types {
			names = append(names, t.Name)
		}
		warn("is of an object type that the app does not list", []string{fmt.Sprintf("The app lists %s.", strings.Join(names, ", "))},
			"Correct object_type, unless the app is known to have it.")
		return nil, warnings
	}
	review := mapping.ReviewTarget(m.Definition(), defaults, source, described)
	warn("writes attributes that the app does not list", review.Unknown,
		"An app may take more than it lists; if it does not, correct or remove them. The data source provisioning_target_schema shows the list.")
	warn("leaves required attributes out", review.Missing, "Creating an account may fail without them.")
	warn("matches accounts by values that may mislead", review.Matching, "Accounts that are linked already are not matched again.")
	var problems config.Problems
	for _, p := range review.Problems {
		problems = append(problems, config.Problem{Path: []string{"attributes", p.Attribute}, Summary: "Read-only attribute", Detail: config.Sentence(p.Text)})
	}
	return problems, warnings
}
