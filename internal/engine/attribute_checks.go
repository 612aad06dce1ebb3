package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/catalog"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/expression"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/gallery"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
)

// checkMapping tests a mapping against the source that it reads and the app
// that it writes to.
func (e *Engine) checkMapping(ctx context.Context, m *config.Mapping, declared *catalog.Released) ([]api.Warning, error) {
	var source mapping.Source
	if declared.Source != nil {
		if problems := declared.Source.CheckObjectType(m.ObjectType); len(problems) > 0 {
			return nil, invalid(m, problems)
		}
		source = declared.Source.MappingSource(m.ObjectType)
		source.Known = e.known(ctx, declared, m.ObjectType)
	}
	problems := m.ValidateWith(source, nil)
	if template, err := gallery.Get(declared.App.Template, declared.App.TemplateRevision); err == nil {
		problems = append(problems, template.CheckMapping(m)...)
	}
	if len(problems) > 0 {
		return nil, invalid(m, problems)
	}
	problems, warnings := e.reviewMapping(ctx, m, declared, source)
	if len(problems) > 0 {
		return warnings, invalid(m, problems)
	}
	return warnings, nil
}

// checkFilter refuses clauses on attributes that the source does not have: a
// misspelt one is null for everybody, and lets nobody or everybody in.
func (e *Engine) checkFilter(ctx context.Context, f *config.Filter, declared *catalog.Released) error {
	if declared.Source == nil {
		return nil
	}
	if problems := f.ValidateWith(declared.Source); len(problems) > 0 {
		return invalid(f, problems)
	}
	known := e.known(ctx, declared, f.ObjectType)
	if known == nil {
		return nil
	}
	known = slices.Concat(known, slices.Collect(maps.Keys(declared.Source.Aliases(f.ObjectType))), mapping.Computed)
	var problems config.Problems
	for i, clause := range f.Clauses {
		name := clause.Attribute
		if slices.Contains(known, name) {
			continue
		}
		detail := fmt.Sprintf("Source %q has no attribute %q for objects of type %s.", declared.Source.Name, name, f.ObjectType)
		if nearest, ok := expression.Nearest(name, known); ok {
			detail += fmt.Sprintf(" Did you mean %q?", nearest)
		}
		problems = append(problems, config.Problem{Path: []string{"clauses", strconv.Itoa(i), "attribute"}, Summary: "Unknown attribute",
			Detail: detail + " If some objects do have it, name it in the source's attributes."})
	}
	if len(problems) > 0 {
		return invalid(f, problems)
	}
	return nil
}

// known gives the names that mappings and filters of an object type may use
// without declaring them: those that the source has now, and those that the
// template maps whether or not the source has them. Nil when the source cannot
// be asked: then nothing is refused.
func (e *Engine) known(ctx context.Context, declared *catalog.Released, objectType string) []string {
	if !e.trusted(declared.Source, declared.Source.CredentialID) {
		return nil
	}
	source, err := e.openSource(ctx, declared.Source)
	if err != nil {
		return nil
	}
	schema, err := source.Schema(ctx)
	if err != nil {
		return nil
	}
	described, ok := schema.Type(objectType)
	if !ok {
		return nil
	}
	names := []string{mapping.AccountEnabled}
	for _, attribute := range described.Attributes {
		names = append(names, attribute.Name)
	}
	template, err := gallery.Get(declared.App.Template, declared.App.TemplateRevision)
	if err != nil {
		return names
	}
	for _, attribute := range template.Mappings[objectType].Attributes {
		if attribute.Source != nil {
			names = append(names, *attribute.Source)
		}
		if attribute.Expression != nil {
			if parsed, err := expression.Parse(*attribute.Expression); err == nil {
				names = append(names, parsed.Attributes()...)
			}
		}
	}
	return names
}
