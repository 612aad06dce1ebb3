// Package gallery holds the app templates: for each kind of app its connector,
// the mappings that apply while none is declared, its dialect and what an
// administrator should know. Templates are embedded data; a dialect is opaque
// here and decoded by its connector.
package gallery

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
)

// Template is one revision of one entry of the gallery. Its revision never
// changes once it was published: an app keeps the one that it was created with.
type Template struct {
	Name      string             `json:"name"`
	Revision  string             `json:"revision"`
	Title     string             `json:"title"`
	Connector string             `json:"connector"` // the name of the connection block
	Fields    []Field            `json:"connection_fields"`
	Mappings  map[string]Mapping `json:"mappings"` // by object type
	// Required names, by object type, the attributes without which the app creates
	// nothing, beside those that it says so of itself.
	Required map[string][]string `json:"required,omitempty"`
	Dialect  json.RawMessage     `json:"dialect,omitempty"`
	Quirks   []string            `json:"quirks,omitempty"`
}

// Field describes one field of the connection block.
type Field struct {
	Name        string `json:"name"`
	Required    bool   `json:"required"`
	Description string `json:"description"`
}

// Mapping is a preconfigured mapping, in the very shape that a declared one
// takes.
type Mapping struct {
	Attributes map[string]mapping.Attribute `json:"attributes"`
}

//go:embed templates/*.json
var files embed.FS

var templates = load()

func load() map[string][]Template {
	entries, err := files.ReadDir("templates")
	if err != nil {
		panic(fmt.Sprintf("gallery: %v", err)) // embedded at build time
	}
	byName := map[string][]Template{}
	for _, entry := range entries {
		data, err := files.ReadFile(path.Join("templates", entry.Name()))
		if err != nil {
			panic(fmt.Sprintf("gallery: %v", err))
		}
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.DisallowUnknownFields()
		var t Template
		if err := decoder.Decode(&t); err != nil {
			panic(fmt.Sprintf("gallery: %s: %v", entry.Name(), err))
		}
		byName[t.Name] = append(byName[t.Name], t)
	}
	for _, revisions := range byName {
		slices.SortFunc(revisions, func(a, b Template) int { return strings.Compare(a.Revision, b.Revision) })
	}
	return byName
}

// Names lists the templates.
func Names() []string { return slices.Sorted(maps.Keys(templates)) }

// Latest gives the newest revision of a template.
func Latest(name string) (Template, error) {
	revisions, ok := templates[name]
	if !ok {
		return Template{}, unknown(name)
	}
	return revisions[len(revisions)-1], nil
}

// Get gives one revision of a template.
func Get(name, revision string) (Template, error) {
	revisions, ok := templates[name]
	if !ok {
		return Template{}, unknown(name)
	}
	for _, t := range revisions {
		if t.Revision == revision {
			return t, nil
		}
	}
	return Template{}, fmt.Errorf("template %q has no revision %s here; install the version that the app was created with, or a newer one", name, revision)
}

func unknown(name string) error {
	return fmt.Errorf("there is no template %q; there are: %s", name, strings.Join(Names(), ", "))
}

// Mapping gives the preconfigured mapping of an object type of an app, as if it
// had been declared; false when the template has none.
func (t Template) Mapping(appID, objectType string) (*config.Mapping, bool) {
	m, ok := t.Mappings[objectType]
	if !ok {
		return nil, false
	}
	return &config.Mapping{AppID: appID, ObjectType: objectType, Attributes: m.Attributes}, true
}

// Matching gives the first matching attribute of each preconfigured mapping, by
// which a connection is probed.
func (t Template) Matching() map[string]directory.Path {
	matching := make(map[string]directory.Path)
	for objectType := range t.Mappings {
		m, _ := t.Mapping("", objectType)
		if compiled, err := mapping.Compile(m.Definition(), mapping.Source{}, nil); err == nil {
			matching[objectType] = compiled.MatchingPaths()[0]
		}
	}
	return matching
}

// Check gives what is wrong with an app as an instance of its template.
func Check(app *config.App) config.Problems {
	t, err := Latest(app.Template)
	if err != nil {
		return config.Problems{{Path: []string{"template"}, Summary: "Unknown template", Detail: err.Error() + "."}}
	}
	if kind, _ := app.Connector(); kind != "" && kind != t.Connector {
		return config.Problems{{Path: []string{kind}, Summary: "Wrong connection block",
			Detail: fmt.Sprintf("Template %q connects by a %s block.", t.Name, t.Connector)}}
	}
	return nil
}
