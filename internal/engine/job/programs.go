package job

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/catalog"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/cycle"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/gallery"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

// programs compiles a configuration: one program an object type, users first
// and groups last. Where no mapping is declared, the template's applies.
func programs(released *catalog.Released, job *config.Job, features connector.Features, schema directory.Schema) ([]*provision.Program, error) {
	template, err := gallery.Get(released.App.Template, released.App.TemplateRevision)
	if err != nil {
		return nil, err
	}
	mappings := make(map[string]*config.Mapping)
	for objectType := range template.Mappings {
		mappings[objectType], _ = template.Mapping(released.App.ID, objectType)
	}
	for _, m := range released.Mappings {
		mappings[m.ObjectType] = m
	}
	filters := make(map[string][]scoping.Filter)
	for _, id := range slices.Sorted(maps.Keys(released.Filters)) {
		f := released.Filters[id]
		filters[f.ObjectType] = append(filters[f.ObjectType], scoping.Filter{Name: f.Name, Clauses: f.Clauses})
	}
	protected := protectedBy(released.App)
	var compiled []*provision.Program
	for _, objectType := range ordered(mappings) {
		if !slices.Contains(features.Types, objectType) {
			if _, declared := template.Mappings[objectType]; declared && !isDeclared(released, objectType) {
				continue // preconfigured, and this app does not have it
			}
		}
		var target *directory.ObjectType
		if t, ok := schema.Type(objectType); ok {
			t = template.Require(t)
			target = &t
		}
		m, err := mapping.Compile(mappings[objectType].Definition(), released.Source.MappingSource(objectType), target)
		if err != nil {
			return nil, fmt.Errorf("the %s mapping: %w", objectType, err)
		}
		scope, err := scoping.Compile(filters[objectType])
		if err != nil {
			return nil, fmt.Errorf("the scoping filters of %s: %w", objectType, err)
		}
		compiled = append(compiled, &provision.Program{
			ObjectType: objectType, Mapping: m, Scope: scope, All: entitlements(released).Whole(objectType),
			Policy: job.DeprovisioningOf(objectType), Protected: protected,
			CanDisable: features.CanDisable[objectType], CanDelete: features.CanDelete[objectType], EnabledPath: features.EnabledPath[objectType],
		})
	}
	if len(compiled) == 0 {
		return nil, errors.New("the app has none of the mapped object types")
	}
	return compiled, nil
}

// matchingOf gives the first matching attribute of each object type, by which a
// connection is probed.
func matchingOf(released *catalog.Released) map[string]directory.Path {
	matching := make(map[string]directory.Path)
	if template, err := gallery.Get(released.App.Template, released.App.TemplateRevision); err == nil {
		matching = template.Matching()
	}
	for _, m := range released.Mappings {
		compiled, err := mapping.Compile(m.Definition(), mapping.Source{}, nil)
		if err == nil && compiled.Enabled {
			matching[m.ObjectType] = compiled.MatchingPaths()[0]
		}
	}
	return matching
}

func isDeclared(released *catalog.Released, objectType string) bool {
	for _, m := range released.Mappings {
		if m.ObjectType == objectType {
			return true
		}
	}
	return false
}

// ordered puts users first and groups last, since groups refer to users.
func ordered(mappings map[string]*config.Mapping) []string {
	return usersFirst(slices.Sorted(maps.Keys(mappings)))
}

// usersFirst puts users first and groups last.
func usersFirst(types []string) []string {
	rank := func(objectType string) int {
		switch objectType {
		case directory.User:
			return 0
		case directory.Group:
			return 2
		}
		return 1
	}
	slices.SortStableFunc(types, func(a, b string) int { return rank(a) - rank(b) })
	return types
}

// protectedBy gives an app's protected accounts as a Program holds them.
func protectedBy(app *config.App) map[string]bool {
	protected := make(map[string]bool)
	for _, value := range app.Protected {
		protected[value], protected[directory.Fold(value)] = true, true
	}
	return protected
}

// entitlements gives the assignments in force.
func entitlements(released *catalog.Released) cycle.Entitlements {
	e := cycle.Entitlements{All: released.App.Scope == config.ScopeAll}
	for _, id := range slices.Sorted(maps.Keys(released.Assignments)) {
		a := released.Assignments[id]
		e.Assignments = append(e.Assignments, cycle.Assignment{ID: a.ID, Object: a.Object, Role: a.Role, CreatedAt: a.CreatedAt})
	}
	return e
}
