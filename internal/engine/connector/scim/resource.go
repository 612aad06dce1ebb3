package scim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"reflect"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

const maxDepth = 32

// resource is a SCIM resource as decoded JSON. Names are found without regard
// to case; numbers are json.Number.
type resource map[string]any

var errDepth = errors.New("it nests too deep")

// decodeResource reads one JSON object.
func decodeResource(data []byte) (resource, error) {
	if err := checkDepth(data); err != nil {
		return nil, err
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

// checkDepth refuses JSON whose arrays and objects nest too deep, before
// anything is built of it.
func checkDepth(data []byte) error {
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return errDepth
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
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

// set puts a value at the path; of an element that a condition selects, the
// element is made when it is missing.
func (r resource) set(path directory.Path, value any) {
	holder := r
	name := path.Name
	if !isCore(path.URN) {
		key, existing, _ := r.lookup(path.URN)
		extension, ok := existing.(map[string]any)
		if !ok {
			extension = map[string]any{}
			r[key] = extension
		}
		holder = extension
	}
	key, existing, _ := holder.lookup(name)
	if path.HasCondition() {
		list, _ := existing.([]any)
		at := matching(list, path.Where)
		if at < 0 {
			list = append(list, map[string]any{path.Where.Attribute: conditionValue(path.Where)})
			at = len(list) - 1
			holder[key] = list
		}
		element := resource(list[at].(map[string]any))
		if path.Sub != "" {
			name, _, _ := element.lookup(path.Sub)
			element[name] = value
		} else if members, ok := plain(value).(map[string]any); ok {
			for name, v := range members {
				element[name] = v
			}
		} else {
			element["value"] = value
		}
		return
	}
	if path.Sub == "" {
		holder[key] = value
		return
	}
	switch v := existing.(type) {
	case map[string]any:
		name, _, _ := resource(v).lookup(path.Sub)
		v[name] = value
	case []any:
		for _, element := range v {
			if m, ok := element.(map[string]any); ok {
				name, _, _ := resource(m).lookup(path.Sub)
				m[name] = value
			}
		}
	default:
		holder[key] = map[string]any{path.Sub: value}
	}
}

// clear takes away what stands at the path.
func (r resource) clear(path directory.Path) {
	holder, name := r.holder(path)
	key, existing, ok := holder.lookup(name)
	if !ok {
		return
	}
	remove := func(element any) {
		if m, ok := element.(map[string]any); ok {
			name, _, _ := resource(m).lookup(path.Sub)
			delete(m, name)
		}
	}
	list, isList := existing.([]any)
	switch {
	case path.HasCondition() && isList:
		at := matching(list, path.Where)
		switch {
		case at < 0:
		case path.Sub == "" || strings.EqualFold(path.Sub, "value"):
			holder[key] = append(list[:at:at], list[at+1:]...)
		default:
			remove(list[at])
		}
	case path.Sub == "":
		delete(holder, key)
	case isList:
		for _, element := range list {
			remove(element)
		}
	default:
		remove(existing)
	}
}

// add appends the values that are not there.
func (r resource) add(path directory.Path, values []any) {
	raw, _ := r.raw(path.Attribute())
	list, ok := raw.([]any)
	if !ok && raw != nil {
		list = []any{raw}
	}
	for _, value := range values {
		if at := indexOf(list, value); at < 0 {
			list = append(list, value)
		}
	}
	r.set(path.Attribute(), list)
}

// remove takes values away.
func (r resource) remove(path directory.Path, values []any) {
	raw, _ := r.raw(path.Attribute())
	list, ok := raw.([]any)
	if !ok {
		return
	}
	for _, value := range values {
		for at := indexOf(list, value); at >= 0; at = indexOf(list, value) {
			list = append(list[:at:at], list[at+1:]...)
		}
	}
	r.set(path.Attribute(), list)
}

// indexOf gives the index of an equal element, or of one with the same value
// where both have one; -1 for none.
func indexOf(list []any, value any) int {
	value = plain(value)
	for i, element := range list {
		element = plain(element)
		a, isObject := element.(map[string]any)
		b, alsoObject := value.(map[string]any)
		if isObject && alsoObject {
			if id := resource(b).text("value"); id != "" && id == resource(a).text("value") {
				return i
			}
		}
		if reflect.DeepEqual(element, value) {
			return i
		}
	}
	return -1
}

// plain gives a value as decoded JSON.
func plain(value any) any {
	v, ok := value.(directory.Value)
	if !ok {
		return value
	}
	switch v.Kind() {
	case directory.KindText:
		text, _ := v.AsText()
		return text
	case directory.KindBoolean:
		b, _ := v.AsBoolean()
		return b
	}
	encoded, err := v.MarshalJSON()
	if err != nil {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	var out any
	if decoder.Decode(&out) != nil {
		return nil
	}
	return out
}

// conditionValue gives the value that an element has to have to meet the
// condition. primary is a boolean, also where a path writes it as text.
func conditionValue(where directory.Condition) any {
	boolean := !where.Quoted || strings.EqualFold(where.Attribute, "primary")
	switch {
	case boolean && strings.EqualFold(where.Value, "true"):
		return true
	case boolean && strings.EqualFold(where.Value, "false"):
		return false
	case !where.Quoted:
		return json.Number(where.Value)
	}
	return where.Value
}
