// Package exchange writes what is declared of an app in the forms of others,
// and reads it back: HCL that is ready to paste, the schema of the Microsoft
// Graph synchronization API, and a sheet in Markdown for the app's owner. What
// a form cannot say is listed by name, never left out in silence. The package
// is pure: it is given what is declared, and gives text.
package exchange

import (
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/gallery"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
)

// Declared is an app with all that is declared of it. App is required.
type Declared struct {
	App         *config.App
	Source      *config.Source
	Credentials []*config.Credential // of the app and its source
	Mappings    []*config.Mapping
	Filters     []*config.Filter
	Assignments []*config.Assignment
	Job         *config.Job
}

// Note names one thing that a form does not say as it was.
type Note struct {
	Name string `json:"name"` // "User: title"
	Text string `json:"text"` // what becomes of it, and why
}

// String shows the note as "User title: was left out: …".
func (n Note) String() string { return n.Name + ": " + n.Text }

// Notes are in the order in which the things stand.
type Notes []Note

func (n *Notes) add(name, text string) { *n = append(*n, Note{name, strings.TrimSuffix(text, ".")}) }

// objectTypes gives the object types that are declared or mapped by the
// template: users first, groups after them, then the template's own.
func (d Declared) objectTypes() []string {
	seen := map[string]bool{}
	for _, m := range d.Mappings {
		seen[m.ObjectType] = true
	}
	for _, f := range d.Filters {
		seen[f.ObjectType] = true
	}
	if template, err := gallery.Get(d.App.Template, d.App.TemplateRevision); err == nil {
		for objectType := range template.Mappings {
			seen[objectType] = true
		}
	}
	var types []string
	for objectType := range seen {
		types = append(types, objectType)
	}
	slices.SortFunc(types, byObjectType)
	return types
}

// byObjectType orders users first, groups after them, then by name.
func byObjectType(a, b string) int {
	rank := func(objectType string) int {
		switch objectType {
		case directory.User:
			return 0
		case directory.Group:
			return 1
		}
		return 2
	}
	if d := rank(a) - rank(b); d != 0 {
		return d
	}
	return strings.Compare(a, b)
}

// mapping gives the mapping of an object type that is in force: the declared
// one, else the template's; nil when there is none.
func (d Declared) mapping(objectType string) (m *config.Mapping, declared bool) {
	for _, m := range d.Mappings {
		if m.ObjectType == objectType {
			return m, true
		}
	}
	if template, err := gallery.Get(d.App.Template, d.App.TemplateRevision); err == nil {
		if m, ok := template.Mapping(d.App.ID, objectType); ok {
			return m, false
		}
	}
	return nil, false
}

// filters gives the filters of an object type, by name.
func (d Declared) filters(objectType string) []*config.Filter {
	var filters []*config.Filter
	for _, f := range d.Filters {
		if f.ObjectType == objectType {
			filters = append(filters, f)
		}
	}
	slices.SortFunc(filters, func(a, b *config.Filter) int { return strings.Compare(a.Name, b.Name) })
	return filters
}

// references gives the attributes of the source that refer to other objects.
func (d Declared) references(objectType string) []string {
	if d.Source == nil {
		return nil
	}
	return d.Source.References(objectType)
}

// paths gives the target attributes of a mapping: matching ones first, in their
// order, then by path.
func paths(attributes map[string]mapping.Attribute) []string {
	list := make([]string, 0, len(attributes))
	for path := range attributes {
		list = append(list, path)
	}
	slices.SortFunc(list, func(a, b string) int {
		pa, pb := attributes[a].MatchingPrecedence, attributes[b].MatchingPrecedence
		switch {
		case pa != nil && pb != nil && *pa != *pb:
			if *pa < *pb {
				return -1
			}
			return 1
		case (pa != nil) != (pb != nil):
			if pa != nil {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	return list
}
