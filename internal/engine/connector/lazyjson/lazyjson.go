// Package lazyjson looks into JSON texts (RFC 8259) and changes them. A text is
// checked as a whole when it is decoded; what nobody looks into or changes stays
// the text that it was.
package lazyjson

import (
	"errors"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Kind tells what a Value is.
type Kind uint8

// The kinds of values.
const (
	KindNull Kind = iota
	KindBoolean
	KindNumber
	KindText
	KindArray
	KindObject
)

// Value is one JSON value. The zero Value is null. Its methods with a pointer
// open it, which means to take an array or object apart, one level deep; copies
// of an opened Value share what they hold, as maps do.
type Value struct {
	text string // as JSON, unless opened; empty for null
	tree *tree
}

// tree is an opened array or object.
type tree struct {
	kind  Kind
	parts []part
}

type part struct {
	name  string // of an object's member
	value Value
}

var errSyntax = errors.New("it is no JSON, or nests too deep")

// Decode reads one value whose arrays and objects nest no deeper than depth, and
// opens an object. As in encoding/json, what is no UTF-8 becomes U+FFFD, and of members
// with one name the last counts. What was decoded keeps the text in memory.
func Decode(text string, depth int) (Value, error) {
	next := (*reader).value
	if brackets(text) > depth {
		next = func(r *reader) (Value, error) { return r.bounded(depth - r.StackDepth()) }
	}
	r := read(valid(text))
	defer r.close()
	v, err := r.openedBy(next)
	if err != nil || !r.end() || v.tree != nil && depth < 1 {
		return Value{}, errSyntax
	}
	return v, nil
}

// DecodeOpen is Decode for what most will be looked into of: in a short text of few
// arrays and objects it opens them all.
func DecodeOpen(text string, depth int) (Value, error) {
	trees := brackets(text)
	if trees > depth || len(text) > short {
		return Decode(text, depth)
	}
	r := read(valid(text))
	defer r.close()
	const most = 64 // parts that there is room for before any was seen
	r.makeRoom(trees, min(trees+strings.Count(text, ","), most))
	v, err := r.whole()
	if err != nil || !r.end() {
		return Value{}, errSyntax
	}
	return v, nil
}

// Raw gives the value of a text that is known to be JSON.
func Raw(text string) Value { return Value{text: text} }

// Text gives a text value.
func Text(s string) Value { return Value{text: quote(s)} }

// Boolean gives a boolean value.
func Boolean(b bool) Value {
	if b {
		return Value{text: "true"}
	}
	return Value{text: "false"}
}

// Array gives an array.
func Array(elements ...Value) Value {
	out := []byte{'['}
	for i, element := range elements {
		if i > 0 {
			out = append(out, ',')
		}
		out = element.AppendJSON(out)
	}
	return Value{text: string(append(out, ']'))}
}

// Object gives an empty object, opened, with room for so many members.
func Object(room int) Value {
	return Value{tree: &tree{kind: KindObject, parts: make([]part, 0, room)}}
}

// Kind tells what the value is.
func (v Value) Kind() Kind {
	if v.tree != nil {
		return v.tree.kind
	}
	return kindOf(v.text)
}

func kindOf(text string) Kind {
	if text == "" {
		return KindNull
	}
	switch text[0] {
	case 'n':
		return KindNull
	case 't', 'f':
		return KindBoolean
	case '"':
		return KindText
	case '[':
		return KindArray
	case '{':
		return KindObject
	}
	return KindNumber
}

// IsNull reports whether the value is null.
func (v Value) IsNull() bool { return v.Kind() == KindNull }

// AsText gives the text of a text value, which may be a part of what it was
// decoded from.
func (v Value) AsText() (string, bool) {
	if v.Kind() != KindText {
		return "", false
	}
	return unquote(v.text), true
}

// AsBoolean gives the boolean of a boolean value.
func (v Value) AsBoolean() (value, ok bool) { return v.text == "true", v.Kind() == KindBoolean }

// AsNumber gives the digits of a number as they are written.
func (v Value) AsNumber() (string, bool) { return v.text, v.Kind() == KindNumber }

// Elements gives the elements of an array; none of any other value.
func (v Value) Elements() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.Kind() == KindArray {
			v.each((*reader).value, func(_ string, element Value) bool { return yield(element) })
		}
	}
}

// OpenElements gives the elements as Elements does, with objects opened. Those of
// a short array stay so in it, to be looked into again.
func (v *Value) OpenElements() iter.Seq[*Value] {
	return func(yield func(*Value) bool) {
		switch {
		case v.Kind() != KindArray:
		case v.tree == nil && len(v.text) > short:
			v.each((*reader).opened, func(_ string, element Value) bool { return yield(&element) })
		default:
			parts := v.openBy(KindArray, (*reader).opened).parts
			for i := range parts {
				element := &parts[i].value
				if element.Kind() == KindObject {
					element.open(KindObject)
				}
				if !yield(element) {
					return
				}
			}
		}
	}
}

// Members gives the members of an object in their order; none of any other
// value. Of one that is not opened a name may come twice.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.Kind() == KindObject {
			v.each((*reader).value, yield)
		}
	}
}

// each visits the parts of an array or object, which next reads out of a text.
func (v Value) each(next func(*reader) (Value, error), visit func(name string, value Value) bool) {
	if v.tree == nil {
		r := read(v.text)
		defer r.close()
		_ = r.parts(next, visit) // it was checked
		return
	}
	for _, part := range v.tree.parts {
		if !visit(part.name, part.value) {
			return
		}
	}
}

// Lookup finds a member of an object by name, and by a name in other case where
// there is none such; name is as it is written in the object.
func (v Value) Lookup(wanted string) (name string, value Value, ok bool) {
	if v.tree != nil {
		if i := v.tree.find(wanted); i >= 0 {
			return v.tree.parts[i].name, v.tree.parts[i].value, true
		}
		return wanted, Value{}, false
	}
	for found, member := range v.Members() {
		if found == wanted || ok && found == name || !ok && strings.EqualFold(found, wanted) {
			name, value, ok = found, member, true
		}
	}
	if !ok {
		name = wanted
	}
	return name, value, ok
}

// Find gives the member that Lookup finds, nil for none. A short object is opened
// for it, so that the next one is found quickly.
func (v *Value) Find(name string) *Value {
	switch {
	case v.Kind() != KindObject:
		return nil
	case v.tree == nil && len(v.text) > short:
		_, member, ok := v.Lookup(name)
		if !ok {
			return nil
		}
		return &member
	}
	t := v.open(KindObject)
	i := t.find(name)
	if i < 0 {
		return nil
	}
	return &t.parts[i].value
}

// Open takes an array or object apart, so that to look into it is quick.
func (v *Value) Open() {
	if kind := v.Kind(); kind == KindArray || kind == KindObject {
		v.open(kind)
	}
}

// open gives the value's tree; what is of another kind becomes empty.
func (v *Value) open(kind Kind) *tree { return v.openBy(kind, (*reader).value) }

// openBy is open, and reads the parts by way of next.
func (v *Value) openBy(kind Kind, next func(*reader) (Value, error)) *tree {
	switch {
	case v.Kind() != kind:
		*v = Value{tree: &tree{kind: kind}}
	case v.tree == nil:
		r := read(v.text)
		defer r.close()
		v.tree, _ = r.tree(kind, next) // it was checked
		v.text = ""
	}
	return v.tree
}

// Member gives the member that Lookup finds, and makes it, as null, where there
// is none. What is no object becomes one. The pointer holds until another member
// is added or deleted.
func (v *Value) Member(name string) *Value {
	t := v.open(KindObject)
	i := t.find(name)
	if i < 0 {
		i = len(t.parts)
		t.parts = append(t.parts, part{name: name})
	}
	return &t.parts[i].value
}

// Delete takes away the member that Lookup finds.
func (v *Value) Delete(name string) {
	t := v.open(KindObject)
	if i := t.find(name); i >= 0 {
		t.parts = append(t.parts[:i:i], t.parts[i+1:]...)
	}
}

// Element gives an element of an array. The pointer holds until one is added.
func (v *Value) Element(i int) *Value { return &v.open(KindArray).parts[i].value }

// Append adds an element to an array and gives it. What is no array becomes one.
func (v *Value) Append(element Value) *Value {
	t := v.open(KindArray)
	t.parts = append(t.parts, part{value: element})
	return &t.parts[len(t.parts)-1].value
}

// AppendJSON appends the value as JSON.
func (v Value) AppendJSON(out []byte) []byte {
	if v.tree == nil {
		if v.text == "" {
			return append(out, "null"...)
		}
		return append(out, v.text...)
	}
	object := v.tree.kind == KindObject
	if object {
		out = append(out, '{')
	} else {
		out = append(out, '[')
	}
	for i, part := range v.tree.parts {
		if i > 0 {
			out = append(out, ',')
		}
		if object {
			out = append(AppendText(out, part.name), ':')
		}
		out = part.value.AppendJSON(out)
	}
	if object {
		return append(out, '}')
	}
	return append(out, ']')
}

// MarshalJSON gives the value as JSON.
func (v Value) MarshalJSON() ([]byte, error) { return v.AppendJSON(nil), nil }

// find gives the index of the member that Lookup finds, -1 for none.
func (t *tree) find(name string) int {
	if t.kind != KindObject {
		return -1
	}
	for i := range t.parts {
		if t.parts[i].name == name {
			return i
		}
	}
	for i := range t.parts {
		if strings.EqualFold(t.parts[i].name, name) {
			return i
		}
	}
	return -1
}

// quote writes a text as JSON.
func quote(s string) string {
	var room [128]byte
	return string(AppendText(room[:0], s))
}

// AppendText appends a text as JSON, with U+FFFD where it is no UTF-8, which is
// all that jsontext finds wrong with it.
func AppendText(out []byte, s string) []byte {
	out, _ = jsontext.AppendQuote(out, s)
	return out
}

// unquote reads a text as JSON writes it.
func unquote(quoted string) string {
	if strings.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	out, _ := jsontext.AppendUnquote(nil, quoted) // it was checked
	return string(out)
}

// valid leaves U+FFFD in place of each byte that is no UTF-8.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.Map(func(r rune) rune { return r }, s)
}
