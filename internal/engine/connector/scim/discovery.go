package scim

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// discoveryAge is how long what was discovered is held for true.
const discoveryAge = 10 * time.Minute

// discovery caches what the server tells of itself.
type discovery struct {
	asking sync.Mutex // held while the server is asked, so that it is asked once

	mu         sync.RWMutex
	at         time.Time
	catalog    *catalog                   // nil: the standard
	attributes map[attributeOf]*attribute // by the catalog; paths are written in mappings: they are few
	stencils   []*stencil                 // likewise
}

// attributeOf is a path of a type's resources.
type attributeOf struct {
	typ  string
	path directory.Path
}

// attribute is what is known of a path.
type attribute struct {
	path       directory.Path
	text       string // of the path
	definition directory.Definition
	unreadable bool // never returned: as the dialect says, or the server itself
}

// known gives the catalog without asking the server.
func (t *target) known() *catalog {
	t.discovery.mu.RLock()
	defer t.discovery.mu.RUnlock()
	return t.discovery.known()
}

func (d *discovery) known() *catalog {
	if d.catalog == nil {
		return standard
	}
	return d.catalog
}

// learn takes a catalog up.
func (d *discovery) learn(c *catalog) { d.catalog, d.attributes, d.stencils = c, nil, nil }

// attributes gives what is known of paths without asking the server.
func (t *target) attributes(typ string, paths []directory.Path) []*attribute {
	list := make([]*attribute, len(paths))
	for i, path := range paths {
		list[i] = t.attribute(typ, path)
	}
	return list
}

func (t *target) attribute(typ string, path directory.Path) *attribute {
	d, key := &t.discovery, attributeOf{typ, path}
	d.mu.RLock()
	a := d.attributes[key]
	d.mu.RUnlock()
	if a != nil {
		return a
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.known()
	a = &attribute{path: path, text: path.String(), definition: c.definition(typ, path)}
	a.unreadable = t.dialect.unreadable(typ, path) || strings.EqualFold(path.Name(), "password") ||
		c.definition(typ, path.Attribute()).Mutability == directory.WriteOnly
	if d.attributes == nil {
		d.attributes = map[attributeOf]*attribute{}
	}
	d.attributes[key] = a
	return a
}

// kind gives the resource type of an object type. One beyond the standard is
// asked for where nothing was discovered yet.
func (t *target) kind(ctx context.Context, typ string) (resourceType, error) {
	kind, err := t.known().typeOf(typ)
	if err == nil || t.dialect.NoDiscovery {
		return kind, err
	}
	if err := t.discover(ctx); err != nil {
		return resourceType{}, err
	}
	return t.known().typeOf(typ)
}

// Describe discovers the app by /ServiceProviderConfig, /ResourceTypes and
// /Schemas (RFC 7644 section 4). A server that answers none of them is taken
// for one of the standard; one that cannot be reached, or denies access, is
// an error.
func (t *target) Describe(ctx context.Context) (connector.Features, directory.Schema, error) {
	if err := t.discover(ctx); err != nil {
		return connector.Features{}, directory.Schema{}, err
	}
	c := t.known()
	features := connector.Features{
		Connection:        t.identity(),
		Types:             c.names(),
		CanList:           !t.dialect.NoList,
		CanDisable:        map[string]bool{},
		CanDelete:         map[string]bool{},
		EnabledPath:       map[string]directory.Path{},
		MembersPerRequest: t.learned.memberLimit(),
		Concurrency:       t.dialect.Concurrency,
		RequestsPerSecond: t.dialect.RequestsPerSecond,
		SearchLag:         time.Duration(t.dialect.SearchLag),
	}
	for _, name := range features.Types {
		features.CanDelete[name] = !slices.Contains(t.dialect.NoDelete, name)
		if name == directory.User {
			features.CanDisable[name] = !slices.Contains(t.dialect.NoDisable, name) && t.learned.canDisable()
			features.EnabledPath[name] = activePath
		}
	}
	return features, c.schema, nil
}

var activePath = directory.MustPath("active")

// discover asks the server unless it has been asked lately.
func (t *target) discover(ctx context.Context) error {
	t.discovery.asking.Lock()
	defer t.discovery.asking.Unlock()
	t.discovery.mu.Lock()
	fresh := !t.discovery.at.IsZero() && t.now().Sub(t.discovery.at) < discoveryAge
	t.discovery.mu.Unlock()
	if fresh || t.dialect.NoDiscovery {
		return nil
	}
	config, err := t.ask(ctx, "ServiceProviderConfig")
	if err != nil {
		return err
	}
	types, err := t.ask(ctx, "ResourceTypes")
	if err != nil {
		return err
	}
	schemas, err := t.ask(ctx, "Schemas")
	if err != nil {
		return err
	}
	var offered struct {
		Patch struct{ Supported *bool }
	}
	if config != nil && json.Unmarshal(config, &offered) == nil && offered.Patch.Supported != nil && !*offered.Patch.Supported {
		t.learned.noPatch()
	}
	t.discovery.mu.Lock()
	defer t.discovery.mu.Unlock()
	t.discovery.at = t.now()
	t.discovery.learn(readCatalog(types, schemas))
	return nil
}

// ask reads one discovery endpoint: nil when the server does not have it.
func (t *target) ask(ctx context.Context, endpoint string) ([]byte, error) {
	r, err := t.do(ctx, request{method: http.MethodGet, endpoint: endpoint})
	if err != nil {
		return nil, err
	}
	if r.ok() {
		body := []byte(r.body)
		if directory.JSONNestsDeeper(body, maxDepth) {
			return nil, nil
		}
		return body, nil
	}
	switch problem := t.problem(r); problem.Class {
	case connector.Denied, connector.Throttled:
		return nil, problem
	}
	return nil, nil
}

var plainEndpoint = regexp.MustCompile(`^/?[A-Za-z0-9_-]{1,64}$`)

// readCatalog makes a catalog of the two answers, either of which may be nil
// or nonsense.
func readCatalog(types, schemas []byte) *catalog {
	described := readList[wireSchema](schemas)
	var list []resourceType
	for _, w := range readList[struct {
		Name, Endpoint, Schema string
		SchemaExtensions       []struct{ Schema string }
	}](types) {
		t := resourceType{name: w.Name, schema: w.Schema}
		if t.name == "" || !plainEndpoint.MatchString(w.Endpoint) {
			continue
		}
		t.endpoint = strings.TrimPrefix(w.Endpoint, "/")
		for _, s := range standard.types {
			if strings.EqualFold(s.name, t.name) {
				t.name = s.name
			}
		}
		for _, e := range w.SchemaExtensions {
			t.extensions = append(t.extensions, e.Schema)
		}
		if !slices.ContainsFunc(list, func(have resourceType) bool { return have.name == t.name }) {
			list = append(list, t)
		}
	}
	if len(list) == 0 {
		if len(described) == 0 {
			return nil
		}
		list = guessTypes(described)
	}
	c := newCatalog(list, described)
	for i, t := range c.schema.Types {
		if s, ok := standard.schema.Type(t.Name); ok && len(t.Attributes) == 0 {
			c.schema.Types[i] = s
		}
	}
	return c
}

// guessTypes tells types by the ends of their schemas' URNs.
func guessTypes(described []wireSchema) []resourceType {
	types := slices.Clone(standard.types)
	for i, t := range types {
		types[i].extensions = nil
		for _, s := range described {
			if !isCore(s.ID) && strings.HasSuffix(strings.ToLower(s.ID), ":"+strings.ToLower(t.name)) {
				types[i].extensions = append(types[i].extensions, s.ID)
			}
		}
	}
	return types
}

// readList reads the elements of a ListResponse or a bare array, leaving out
// what does not decode.
func readList[T any](data []byte) []T {
	if len(data) == 0 {
		return nil
	}
	var response struct{ Resources []json.RawMessage }
	if json.Unmarshal(data, &response) != nil && json.Unmarshal(data, &response.Resources) != nil {
		return nil
	}
	var list []T
	for _, raw := range response.Resources {
		var element T
		if json.Unmarshal(raw, &element) == nil {
			list = append(list, element)
		}
	}
	return list
}
