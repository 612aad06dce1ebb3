package gallery

import (
	"fmt"
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
)

// CheckMapping gives what a declared mapping lacks to create anything in an app
// of this template: an attribute that the app requires and no rule maps.
func (t Template) CheckMapping(m *config.Mapping) config.Problems {
	if m.Actions != nil && !slices.Contains(m.Actions, mapping.ActionCreate) {
		return nil
	}
	var problems config.Problems
	for _, required := range t.Required[m.ObjectType] {
		if isMapped(m, required) {
			continue
		}
		problems = append(problems, config.Problem{Path: []string{"attributes"}, Summary: "Required attribute is not mapped",
			Detail: fmt.Sprintf("%s creates no %s without %s; map it, or leave create out of actions.", t.Title, m.ObjectType, required)})
	}
	return problems
}

// isMapped reports whether a rule writes the attribute, or a part of it.
func isMapped(m *config.Mapping, attribute string) bool {
	for text := range m.Attributes {
		path, err := directory.ParsePath(text)
		if err == nil && (strings.EqualFold(path.Attribute().String(), attribute) || strings.EqualFold(path.String(), attribute)) {
			return true
		}
	}
	return false
}

// Require marks in what an app says of an object type the attributes that the
// template requires.
func (t Template) Require(target directory.ObjectType) directory.ObjectType {
	target.Attributes = slices.Clone(target.Attributes)
	for i, definition := range target.Attributes {
		if slices.ContainsFunc(t.Required[target.Name], func(name string) bool { return strings.EqualFold(name, definition.Name) }) {
			target.Attributes[i].Required = true
		}
	}
	return target
}
