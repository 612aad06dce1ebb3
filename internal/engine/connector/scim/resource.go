package scim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// maxDepth bounds how deep the arrays and objects of an answer nest.
const maxDepth = 32

// resource is a SCIM resource as decoded JSON. Names are found without regard
// to case; numbers are json.Number.
type resource map[string]any

var errDepth = errors.New("it nests too deep")

// decodeResource reads one JSON object.
func decodeResource(data []byte) (resource, error) {
	if directory.JSONNestsDeeper(data, maxDepth) {
		return nil, errDepth
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var r resource
	if err := decoder.Decode(&r); err != nil {
		return nil, err
	}
	if r == nil {
		return nil, errors.New("it is null")
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("something follows it")
	}
	return r, nil
}

// lookup finds a name and gives it as it is written in the resource.
func (r resource) lookup(name string) (key string, value any, ok bool) {
	if value, ok := r[name]; ok {
		return name, value, true
	}
	for key, value := range r {
		if strings.EqualFold(key, name) {
			return key, value, true
		}
	}
	return name, nil, false
}

// text gives a text attribute; a number counts as its digits.
func (r resource) text(name string) string {
	_, value, _ := r.lookup(name)
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// id gives the resource's id, "" when there is none that can be used.
func (r resource) id() string {
	id := r.text("id")
	if !usableID(id) {
		return ""
	}
	return id
}

// usableID refuses ids that could not stand in a path.
func usableID(id string) bool {
	return id != "" && id != "." && id != ".." && len(id) <= maxIDLength &&
		!strings.ContainsFunc(id, func(c rune) bool { return c < ' ' || c == 0x7f })
}

func (r resource) version(header string) string {
	_, meta, _ := r.lookup("meta")
	if m, ok := meta.(map[string]any); ok {
		if v := resource(m).text("version"); v != "" {
			return v
		}
	}
	return header
}

func isCore(urn string) bool {
	return urn == "" || strings.HasPrefix(strings.ToLower(urn), "urn:ietf:params:scim:schemas:core:2.0:")
}

// holder gives the map that holds the path's attribute, and the name under
// which to look there. Some servers write an extension's attributes with
// their full name at the top.
func (r resource) holder(path directory.Path) (resource, string) {
	if isCore(path.URN) {
		return r, path.Name
	}
	if _, value, ok := r.lookup(path.URN); ok {
		if m, ok := value.(map[string]any); ok {
			return m, path.Name
		}
	}
	return r, path.URN + ":" + path.Name
}

// raw gives what stands at the path: nothing for null and for an empty list.
// A path with a condition gives the first element that meets it; one with a
// sub-attribute into a list gives that of each element.
func (r resource) raw(path directory.Path) (any, bool) {
	holder, name := r.holder(path)
	_, value, ok := holder.lookup(name)
	if !ok || value == nil {
		return nil, false
	}
	list, isList := value.([]any)
	if path.HasCondition() {
		if !isList {
			list = []any{value}
		}
		at := matching(list, path.Where)
		if at < 0 {
			return nil, false
		}
		value, isList = list[at], false
	}
	if path.Sub == "" {
		return value, !isList || len(list) > 0
	}
	if !isList {
		return sub(value, path.Sub)
	}
	var parts []any
	for _, element := range list {
		if part, ok := sub(element, path.Sub); ok {
			parts = append(parts, part)
		}
	}
	return parts, len(parts) > 0
}

func sub(value any, name string) (any, bool) {
	m, ok := value.(map[string]any)
	if !ok {
		// A list of plain values stands for one of objects with a value alone.
		return value, strings.EqualFold(name, "value")
	}
	_, part, ok := resource(m).lookup(name)
	return part, ok && part != nil
}

// matching gives the index of the first element that meets the condition, -1
// for none.
func matching(list []any, where directory.Condition) int {
	for i, element := range list {
		m, ok := element.(map[string]any)
		if !ok {
			continue
		}
		_, value, _ := resource(m).lookup(where.Attribute)
		switch v := value.(type) {
		case string:
			if directory.Fold(v) == directory.Fold(where.Value) {
				return i
			}
		case bool:
			if strings.EqualFold(where.Value, boolText(v)) {
				return i
			}
		case json.Number:
			if v.String() == where.Value {
				return i
			}
		}
	}
	return -1
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// value gives what stands at the path in the form that definition asks for:
// booleans and references as such. Absent, null and an empty list are no value.
func (r resource) value(path directory.Path, definition directory.Definition) (directory.Value, bool) {
	raw, ok := r.raw(path)
	if !ok {
		return directory.Null, false
	}
	if definition.Type == directory.TypeReference {
		return referenceValue(raw, definition.MultiValued && !path.HasCondition())
	}
	value, err := directory.FromJSON(raw)
	if err != nil || value.IsNull() {
		return directory.Null, false
	}
	if definition.Type == directory.TypeBoolean {
		value = asBoolean(value)
	}
	return value, true
}

// asBoolean turns the texts True and False into booleans, whatever their case.
func asBoolean(value directory.Value) directory.Value {
	text, ok := value.AsText()
	switch {
	case ok && strings.EqualFold(text, "true"):
		return directory.Boolean(true)
	case ok && strings.EqualFold(text, "false"):
		return directory.Boolean(false)
	}
	return value
}

// referenceValue reads references as the ids that they name.
func referenceValue(raw any, many bool) (directory.Value, bool) {
	ids := referenceIDs(raw)
	switch {
	case len(ids) == 0:
		return directory.Null, false
	case many:
		return directory.Texts(ids...), true
	}
	return directory.Text(ids[0]), true
}

// referenceIDs reads a reference in any form that is seen: the id, an object
// with the value or a $ref, or a list of such.
func referenceIDs(raw any) []string {
	switch v := raw.(type) {
	case string:
		if v != "" {
			return []string{v}
		}
	case json.Number:
		return []string{v.String()}
	case map[string]any:
		if id := resource(v).text("value"); id != "" {
			return []string{id}
		}
		if id := lastSegment(resource(v).text("$ref")); id != "" {
			return []string{id}
		}
	case []any:
		var ids []string
		for _, element := range v {
			ids = append(ids, referenceIDs(element)...)
		}
		return ids
	}
	return nil
}

// lastSegment gives the id at the end of a resource's address, "" when it is
// none.
func lastSegment(address string) string {
	address, _, _ = strings.Cut(address, "?")
	at := strings.LastIndexByte(address, '/')
	if at < 0 {
		return ""
	}
	id, err := url.PathUnescape(address[at+1:])
	if err != nil || !usableID(id) {
		return ""
	}
	return id
}
