package scim

import (
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/lazyjson"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// maxDepth bounds how deep the arrays and objects of an answer nest.
const maxDepth = 32

// resource is a SCIM resource as it came, or as it is to be sent. Names are
// found without regard to case.
type resource struct{ lazyjson.Value }

// decodeResource reads one JSON object.
func decodeResource(text string) (resource, error) { return decodeBy(lazyjson.Decode, text) }

// decodeCreated is decodeResource for the answer to a create, which is looked into
// all over.
func decodeCreated(text string) (resource, error) { return decodeBy(lazyjson.DecodeOpen, text) }

func decodeBy(decode func(string, int) (lazyjson.Value, error), text string) (resource, error) {
	value, err := decode(text, maxDepth)
	if err == nil && value.Kind() != lazyjson.KindObject {
		err = errors.New("it is no object")
	}
	return resource{value}, err
}

// text gives a text attribute; a number counts as its digits.
func (r resource) text(name string) string { return textOf(r.Value, name) }

// textOf is text of any value: "" where it has no such member.
func textOf(object lazyjson.Value, name string) string {
	_, value, _ := object.Lookup(name)
	if digits, ok := value.AsNumber(); ok {
		return digits
	}
	text, _ := value.AsText()
	return text
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
	_, meta, _ := r.Lookup("meta")
	if v := textOf(meta, "version"); v != "" {
		return v
	}
	return header
}

const corePrefix = "urn:ietf:params:scim:schemas:core:2.0:"

func isCore(urn string) bool { return urn == "" || hasPrefixFold(urn, corePrefix) }

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// find gives the path's attribute, nil for none. Some servers write those of an
// extension with their full name at the top.
func (r *resource) find(path directory.Path) *lazyjson.Value {
	if isCore(path.URN()) {
		return r.Find(path.Name())
	}
	if extension := r.Find(path.URN()); extension != nil && extension.Kind() == lazyjson.KindObject {
		return extension.Find(path.Name())
	}
	return r.Find(path.URN() + ":" + path.Name())
}

// raw gives what stands at the path: nothing for null and for an empty list.
// A path with a condition gives the first element that meets it; one with a
// sub-attribute into a list gives that of each element.
func (r *resource) raw(path directory.Path) (lazyjson.Value, bool) {
	value := r.find(path)
	if value == nil || value.IsNull() {
		return lazyjson.Value{}, false
	}
	isList := value.Kind() == lazyjson.KindArray
	if path.HasCondition() {
		list := value
		if !isList {
			alone := lazyjson.Array(*value)
			list = &alone
		}
		if _, value = matching(list, path.Where()); value == nil {
			return lazyjson.Value{}, false
		}
		isList = false
	}
	if path.Sub() == "" {
		return *value, !isList || !isEmpty(*value)
	}
	if !isList {
		return sub(value, path.Sub())
	}
	var parts []lazyjson.Value
	for element := range value.Elements() {
		if part, ok := sub(&element, path.Sub()); ok {
			parts = append(parts, part)
		}
	}
	return lazyjson.Array(parts...), len(parts) > 0
}

func isEmpty(list lazyjson.Value) bool {
	for range list.Elements() {
		return false
	}
	return true
}

func sub(value *lazyjson.Value, name string) (lazyjson.Value, bool) {
	if value.Kind() != lazyjson.KindObject {
		// A list of plain values stands for one of objects with a value alone.
		return *value, strings.EqualFold(name, "value")
	}
	part := value.Find(name)
	if part == nil || part.IsNull() {
		return lazyjson.Value{}, false
	}
	return *part, true
}

// matching gives the first element that meets the condition, and its index; -1
// and nil for none.
func matching(list *lazyjson.Value, where directory.Condition) (at int, found *lazyjson.Value) {
	for element := range list.OpenElements() {
		if meets(element, where) {
			return at, element
		}
		at++
	}
	return -1, nil
}

func meets(element *lazyjson.Value, where directory.Condition) bool {
	value := element.Find(where.Attribute)
	if value == nil {
		return false
	}
	switch value.Kind() {
	case lazyjson.KindText:
		text, _ := value.AsText()
		return equalFold(text, where.Value)
	case lazyjson.KindBoolean:
		boolean, _ := value.AsBoolean()
		return strings.EqualFold(where.Value, boolText(boolean))
	case lazyjson.KindNumber:
		digits, _ := value.AsNumber()
		return digits == where.Value
	}
	return false
}

// equalFold reports whether directory.Fold makes texts equal, which is so where
// strings.EqualFold holds.
func equalFold(a, b string) bool {
	return strings.EqualFold(a, b) || directory.Fold(a) == directory.Fold(b)
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// value gives what stands at the path in the form that definition asks for:
// booleans and references as such. Absent, null and an empty list are no value.
func (r *resource) value(path directory.Path, definition directory.Definition) (directory.Value, bool) {
	raw, ok := r.raw(path)
	if !ok {
		return directory.Null, false
	}
	if definition.Type == directory.TypeReference {
		return referenceValue(raw, definition.MultiValued && !path.HasCondition())
	}
	value := fromJSON(raw)
	if value.IsNull() {
		return directory.Null, false
	}
	if definition.Type == directory.TypeBoolean {
		value = asBoolean(value)
	}
	return value, true
}

// fromJSON gives a value that shares nothing with the text that it came in: it
// may be kept when that is gone. A number that is no 64-bit integer becomes its
// text.
func fromJSON(raw lazyjson.Value) directory.Value {
	switch raw.Kind() {
	case lazyjson.KindText:
		text, _ := raw.AsText()
		return directory.Text(strings.Clone(text))
	case lazyjson.KindBoolean:
		boolean, _ := raw.AsBoolean()
		return directory.Boolean(boolean)
	case lazyjson.KindNumber:
		digits, _ := raw.AsNumber()
		if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
			return directory.Integer(n)
		}
		return directory.Text(strings.Clone(digits))
	case lazyjson.KindArray:
		values := []directory.Value{}
		for element := range raw.Elements() {
			values = append(values, fromJSON(element))
		}
		return directory.List(values...)
	case lazyjson.KindObject:
		raw.Open() // which leaves one of each name
		var members []directory.Member
		for name, member := range raw.Members() {
			members = append(members, directory.Member{Name: strings.Clone(name), Value: fromJSON(member)})
		}
		return directory.Complex(members...)
	}
	return directory.Null
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
func referenceValue(raw lazyjson.Value, many bool) (directory.Value, bool) {
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
func referenceIDs(raw lazyjson.Value) []string { return appendReferenceIDs(nil, raw) }

func appendReferenceIDs(ids []string, raw lazyjson.Value) []string {
	var id string
	switch raw.Kind() {
	case lazyjson.KindText:
		id, _ = raw.AsText()
	case lazyjson.KindNumber:
		id, _ = raw.AsNumber()
	case lazyjson.KindObject:
		if id = textOf(raw, "value"); id == "" {
			id = lastSegment(textOf(raw, "$ref"))
		}
	case lazyjson.KindArray:
		for element := range raw.Elements() {
			ids = appendReferenceIDs(ids, element)
		}
	}
	if id == "" {
		return ids
	}
	return append(ids, strings.Clone(id))
}

// texts gives a list of texts.
func texts(list []string) lazyjson.Value {
	values := make([]lazyjson.Value, len(list))
	for i, text := range list {
		values[i] = lazyjson.Text(text)
	}
	return lazyjson.Array(values...)
}

// appendReference writes an id as it stands in a reference.
func appendReference(out []byte, id string) []byte {
	return append(lazyjson.AppendText(append(out, `{"value":`...), id), '}')
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
