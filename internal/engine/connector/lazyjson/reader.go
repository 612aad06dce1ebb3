package lazyjson

import (
	"bytes"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// reader reads a text by jsontext, and gives the values in it as parts of the text.
type reader struct {
	jsontext.Decoder

	text   string
	buffer bytes.Buffer // holds a short text whole, as the decoder then takes it in place
	parsed []part       // of the arrays and objects that are being opened, the inner after the outer

	// What is opened of a text as a whole lies here, as far as there is room.
	trees   []tree
	members []part
}

// readers are those of short texts, to be used again.
var readers = sync.Pool{New: func() any { return new(reader) }}

const short = 1 << 16

// options let through what encoding/json does: names that come twice, and halves
// of surrogate pairs.
var options = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// read begins to read a text.
func read(text string) *reader {
	if len(text) > short {
		r := &reader{text: text}
		r.Reset(strings.NewReader(text), options...)
		return r
	}
	r := readers.Get().(*reader)
	r.text = text
	r.buffer.Reset()
	r.buffer.WriteString(text)
	r.Reset(&r.buffer, options...)
	return r
}

func (r *reader) close() {
	if len(r.text) <= short {
		r.text, r.trees, r.members = "", nil, nil
		readers.Put(r)
	}
}

// value reads one value.
func (r *reader) value() (Value, error) {
	raw, err := r.ReadValue()
	end := int(r.InputOffset())
	return Value{text: r.text[end-len(raw) : end]}, err
}

// opened reads one value, and opens an object.
func (r *reader) opened() (Value, error) { return r.openedBy((*reader).value) }

// openedBy is opened, and reads what it does not open by way of next.
func (r *reader) openedBy(next func(*reader) (Value, error)) (Value, error) {
	if r.PeekKind() != '{' {
		return next(r)
	}
	opened, err := r.tree(KindObject, next)
	return Value{tree: opened}, err
}

// whole reads one value, and opens all in it.
func (r *reader) whole() (Value, error) {
	kind := KindObject
	switch r.PeekKind() {
	case '[':
		kind = KindArray
	case '{':
	default:
		return r.value()
	}
	opened, err := r.tree(kind, (*reader).whole)
	return Value{tree: opened}, err
}

// tree reads an array or object, its values by way of next. Of members with one
// name the last takes the place of the first.
func (r *reader) tree(kind Kind, next func(*reader) (Value, error)) (*tree, error) {
	begin := len(r.parsed)
	var places names
	err := r.parts(next, func(name string, value Value) bool {
		if at := places.of(name, kind, r.parsed[begin:]); at >= 0 {
			r.parsed[begin+at].value = value
		} else {
			r.parsed = append(r.parsed, part{name, value})
		}
		return true
	})
	out := r.keep(kind, r.parsed[begin:])
	clear(r.parsed[begin:])
	r.parsed = r.parsed[:begin]
	return out, err
}

// makeRoom has what is opened from now on lie together.
func (r *reader) makeRoom(trees, parts int) {
	r.trees, r.members = make([]tree, 0, trees), make([]part, 0, parts)
}

// keep gives a tree of its own of the parts.
func (r *reader) keep(kind Kind, parts []part) *tree {
	if len(r.trees) == cap(r.trees) || len(parts) > cap(r.members)-len(r.members) {
		return &tree{kind: kind, parts: slices.Clone(parts)}
	}
	begin := len(r.members)
	r.members = append(r.members, parts...)
	r.trees = append(r.trees, tree{kind: kind, parts: slices.Clip(r.members[begin:])})
	return &r.trees[len(r.trees)-1]
}

// names are the places of members by their names, when they are many.
type names map[string]int

// of finds the member of a name that is about to be added; -1 for none.
func (n *names) of(name string, kind Kind, members []part) int {
	const few = 32 // so many are compared sooner than looked up
	switch {
	case kind == KindArray:
		return -1
	case len(members) < few:
		return slices.IndexFunc(members, func(p part) bool { return p.name == name })
	case *n == nil:
		*n = make(names)
		for i, member := range members {
			(*n)[member.name] = i
		}
	}
	if at, ok := (*n)[name]; ok {
		return at
	}
	(*n)[name] = len(members)
	return -1
}

// bounded is value where arrays and objects nest no deeper than depth. It looks at
// the parts one by one, as each account of a page has too few brackets for more.
func (r *reader) bounded(depth int) (Value, error) {
	kind := r.PeekKind()
	if kind != '{' && kind != '[' {
		return r.value()
	}
	before, within := r.InputOffset(), depth > 0
	err := r.parts((*reader).value, func(_ string, part Value) bool {
		within = within && nestsWithin(part.text, depth-1)
		return within
	})
	if err != nil || !within {
		return Value{}, errSyntax
	}
	return Value{text: r.since(before, byte(kind))}, nil
}

// parts reads an array or object, its values by way of next, and visits them with
// the names of members. It ends early when visit does.
func (r *reader) parts(next func(*reader) (Value, error), visit func(name string, value Value) bool) error {
	opening, err := r.ReadToken()
	if err != nil {
		return err
	}
	object := opening.Kind() == '{'
	for {
		name := ""
		if object || r.PeekKind() == ']' {
			before := r.InputOffset()
			token, err := r.ReadToken()
			if err != nil || token.Kind() != '"' {
				return err
			}
			name = unquote(r.since(before, '"'))
		}
		value, err := next(r)
		if err != nil || !visit(name, value) {
			return err
		}
	}
}

// since gives what was read since an offset, from its first byte on.
func (r *reader) since(offset int64, first byte) string {
	text := r.text[offset:r.InputOffset()]
	return text[strings.IndexByte(text, first):]
}

// end reports whether nothing but space is left.
func (r *reader) end() bool {
	return strings.TrimLeft(r.text[r.InputOffset():], " \t\r\n") == ""
}

// nestsWithin reports whether the arrays and objects of a JSON text nest no deeper
// than depth. They cannot where there are fewer brackets.
func nestsWithin(text string, depth int) bool {
	if brackets(text) <= depth {
		return true
	}
	r := read(text)
	defer r.close()
	for r.StackDepth() <= depth {
		if _, err := r.ReadToken(); err != nil {
			return true // at the end
		}
	}
	return false
}

func brackets(text string) int { return strings.Count(text, "[") + strings.Count(text, "{") }
