package sampleapp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// resource is one user or group. Attributes are kept as their JSON, which is
// small and ready to be sent; id, meta and members stand beside it.
type resource struct {
	id                string
	typ               string
	name              string // userName or displayName
	externalID        string
	body              []byte // a JSON object
	created, modified time.Time
	version           uint64
	members           *memberSet // of a group; nil when there are none
	at                int        // place in the collection's order
}

// collection holds the resources of one type, in order of creation.
type collection struct {
	typ        string
	order      []*resource // nil where one was deleted
	deleted    int
	byID       map[string]*resource
	byName     map[string][]*resource // folded
	byExternal map[string][]*resource
}

func newCollection(typ string) *collection {
	return &collection{
		typ: typ, byID: map[string]*resource{}, byName: map[string][]*resource{}, byExternal: map[string][]*resource{},
	}
}

func (c *collection) len() int { return len(c.order) - c.deleted }

func (c *collection) add(r *resource) {
	r.at = len(c.order)
	c.order = append(c.order, r)
	c.byID[r.id] = r
	c.index(r)
}

func (c *collection) index(r *resource) {
	c.byName[fold(r.name)] = append(c.byName[fold(r.name)], r)
	if r.externalID != "" {
		c.byExternal[r.externalID] = append(c.byExternal[r.externalID], r)
	}
}

func (c *collection) unindex(r *resource) {
	drop := func(index map[string][]*resource, key string) {
		if left := slices.DeleteFunc(index[key], func(x *resource) bool { return x == r }); len(left) > 0 {
			index[key] = left
		} else {
			delete(index, key)
		}
	}
	drop(c.byName, fold(r.name))
	drop(c.byExternal, r.externalID)
}

func (c *collection) remove(r *resource) {
	c.unindex(r)
	delete(c.byID, r.id)
	c.order[r.at] = nil
	c.deleted++
	if c.deleted > 1000 && c.deleted > len(c.order)/2 {
		c.compact()
	}
}

// compact closes the gaps that deletions left.
func (c *collection) compact() {
	c.order = slices.DeleteFunc(c.order, func(r *resource) bool { return r == nil })
	c.deleted = 0
	for i, r := range c.order {
		r.at = i
	}
}

// parseResource reads the resource in a request's body.
func (a *App) parseResource(typ string, body []byte) (resource, *problem) {
	attributes, err := decode(body)
	if err != nil {
		return resource{}, invalid("invalidSyntax", "the body is no JSON object: "+err.Error())
	}
	return a.makeResource(typ, attributes)
}

// makeResource checks a resource and brings it into the form that is kept.
func (a *App) makeResource(typ string, attributes map[string]any) (resource, *problem) {
	r := resource{typ: typ}
	if p := a.tidy(attributes); p != nil {
		return r, p
	}
	for _, name := range a.options.Quirks.DropAttributes {
		removePath(attributes, splitPath(name))
	}
	if members, ok := attributes["members"]; ok && typ == Group {
		set, p := newMemberSet(members, a.options.Quirks.KeepDuplicateMembers)
		if p != nil {
			return r, p
		}
		r.members = set
		delete(attributes, "members")
	}
	return r, r.setAttributes(attributes)
}

// setAttributes takes what a client may write into the resource.
func (r *resource) setAttributes(attributes map[string]any) *problem {
	delete(attributes, "id")
	delete(attributes, "meta")
	required := "userName"
	if r.typ == Group {
		required = "displayName"
	} else {
		delete(attributes, "groups")
	}
	delete(attributes, "password") // never returned
	attributes["schemas"] = schemasOf(r.typ, attributes)
	name, ok := attributes[required].(string)
	if !ok || strings.TrimSpace(name) == "" {
		return invalid("invalidValue", required+" is required")
	}
	r.name = name
	r.externalID, _ = attributes["externalId"].(string)
	body, err := json.Marshal(attributes)
	if err != nil {
		return invalid("invalidValue", err.Error())
	}
	r.body = body
	return nil
}

func schemasOf(typ string, attributes map[string]any) []any {
	list := []any{schemaUser}
	if typ == Group {
		list[0] = schemaGroup
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if len(name) > 4 && strings.EqualFold(name[:4], "urn:") {
			list = append(list, name)
		}
	}
	return list
}

// decode reads a JSON object with numbers as json.Number.
func decode(data []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var m map[string]any
	if err := decoder.Decode(&m); err != nil {
		return nil, err
	}
	if m == nil {
		return nil, fmt.Errorf("it is null")
	}
	return m, nil
}

// attributes gives what the resource holds, members aside, to be changed freely.
func (r *resource) attributes() map[string]any {
	m, err := decode(r.body)
	if err != nil {
		panic("sampleapp: a stored resource does not decode: " + err.Error())
	}
	return m
}

func (r *resource) etag() string { return fmt.Sprintf(`W/"%d"`, r.version) }

// location gives the resource's URL under the base.
func (r *resource) location(base string) string {
	return base + "/" + r.typ + "s/" + escapeID(r.id)
}

type meta struct {
	ResourceType string `json:"resourceType"`
	Created      string `json:"created"`
	LastModified string `json:"lastModified"`
	Location     string `json:"location,omitempty"`
	Version      string `json:"version"`
}

func (a *App) meta(r *resource, base string) meta {
	layout := "2006-01-02T15:04:05.000Z07:00"
	if a.options.Quirks.TimesWithoutZone {
		layout = "2006-01-02T15:04:05"
	}
	return meta{r.typ, r.created.UTC().Format(layout), r.modified.UTC().Format(layout), r.location(base), r.etag()}
}

// appendJSON writes the resource as it is returned.
func (a *App) appendJSON(out []byte, r *resource, base string, members bool) []byte {
	out = append(out, `{"id":`...)
	out = appendText(out, r.id)
	out = append(out, `,"meta":`...)
	encoded, _ := json.Marshal(a.meta(r, base)) // texts alone
	out = append(out, encoded...)
	if members && r.members.len() > 0 {
		out = append(out, `,"members":[`...)
		first := true
		for m := range r.members.all() {
			if !first {
				out = append(out, ',')
			}
			first = false
			out = m.appendJSON(out)
		}
		out = append(out, ']')
	}
	out = append(out, ',')
	return append(out, r.body[1:]...)
}

func appendText(out []byte, s string) []byte {
	encoded, _ := json.Marshal(s) // a text always encodes
	return append(out, encoded...)
}

// represent writes the resource with the attributes that the request asks for
// (RFC 7644 section 3.9).
func (a *App) represent(c *call, r *resource) []byte {
	wanted, unwanted := names(c.query.Get("attributes")), names(c.query.Get("excludedAttributes"))
	members := !a.options.Quirks.HideMembers
	if len(unwanted) == 1 && strings.EqualFold(unwanted[0], "members") {
		members, unwanted = false, nil
	}
	if len(wanted) == 0 && len(unwanted) == 0 {
		return a.appendJSON(nil, r, c.base, members)
	}
	if members && len(wanted) > 0 {
		members = slices.ContainsFunc(wanted, func(name string) bool { return strings.EqualFold(splitPath(name).name, "members") })
	}
	full, err := decode(a.appendJSON(nil, r, c.base, members))
	if err != nil {
		panic("sampleapp: a resource does not decode: " + err.Error())
	}
	for _, name := range unwanted {
		if path := splitPath(name); path.name != "id" && path.name != "schemas" {
			removePath(full, path)
		}
	}
	if len(wanted) > 0 {
		full = project(full, wanted)
	}
	out, _ := json.Marshal(full) // decoded JSON encodes
	return out
}

func names(list string) []string {
	if list == "" {
		return nil
	}
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

func removePath(resource map[string]any, path attributePath) {
	m := container(resource, path.urn)
	key, value, ok := lookup(m, path.name)
	if !ok {
		return
	}
	if path.sub == "" {
		delete(m, key)
		return
	}
	for _, element := range elements(m, key) {
		if sub, ok := element.(map[string]any); ok {
			name, _, _ := lookup(sub, path.sub)
			delete(sub, name)
		}
	}
	if sub, ok := value.(map[string]any); ok && len(sub) == 0 {
		delete(m, key)
	}
}

func project(full map[string]any, wanted []string) map[string]any {
	out := map[string]any{"id": full["id"], "schemas": full["schemas"]}
	for _, name := range wanted {
		if key, value, ok := lookup(full, name); ok {
			out[key] = value
			continue
		}
		path := splitPath(name)
		from := container(full, path.urn)
		key, value, ok := lookup(from, path.name)
		if !ok {
			continue
		}
		into := out
		if !isCore(path.urn) {
			urn, _, _ := lookup(full, path.urn)
			extension, ok := out[urn].(map[string]any)
			if !ok {
				extension = map[string]any{}
				out[urn] = extension
			}
			into = extension
		}
		into[key] = projectSub(value, path.sub, into[key])
	}
	return out
}

// projectSub leaves one sub-attribute of a value, beside those that were left
// before.
func projectSub(value any, sub string, before any) any {
	if sub == "" {
		return value
	}
	switch v := value.(type) {
	case map[string]any:
		kept, ok := before.(map[string]any)
		if !ok {
			kept = map[string]any{}
		}
		if key, x, ok := lookup(v, sub); ok {
			kept[key] = x
		}
		return kept
	case []any:
		had, _ := before.([]any)
		list := make([]any, len(v))
		for i, element := range v {
			var kept any
			if i < len(had) {
				kept = had[i]
			}
			list[i] = projectSub(element, sub, kept)
		}
		return list
	}
	return value
}

// precondition checks If-Match.
func precondition(c *call, r *resource) *problem {
	wanted := c.header.Get("If-Match")
	if wanted == "" || wanted == "*" || wanted == r.etag() {
		return nil
	}
	return &problem{status: http.StatusPreconditionFailed, detail: "the resource has changed since"}
}
