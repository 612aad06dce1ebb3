package directory

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Kind tells what a Value holds.
type Kind uint8

// The kinds of values. The numbers are part of the stored form.
const (
	KindNull Kind = iota
	KindText
	KindBoolean
	KindInteger
	KindTime
	KindList
	KindComplex
)

func (k Kind) String() string {
	switch k {
	case KindNull:
		return "null"
	case KindText:
		return "text"
	case KindBoolean:
		return "boolean"
	case KindInteger:
		return "integer"
	case KindTime:
		return "time"
	case KindList:
		return "list"
	case KindComplex:
		return "complex"
	}
	return "kind " + strconv.Itoa(int(k))
}

// Value is one immutable value of an attribute. The zero Value is null. Absent
// (no value in Attributes), null, and empty (text "" or a list of nothing) are
// three things.
type Value struct {
	_      [0]func() // compared by Equal, never by ==
	number int64     // boolean (0, 1), integer, or seconds since 1970 of a time
	text   string    // of a text
	form   *form     // nil: null
}

// form is what a value is besides a number or text. It stands apart because
// most values share theirs: a Value of four words is passed in registers, which
// halves the time of an evaluation.
type form struct {
	kind   Kind
	nanos  int32    // of a time
	names  []string // of a complex, ascending; nil for a list
	values []Value  // of a list or complex
}

var (
	formOfText    = &form{kind: KindText}
	formOfBoolean = &form{kind: KindBoolean}
	formOfInteger = &form{kind: KindInteger}
	formOfTime    = &form{kind: KindTime} // without a fraction of a second
)

// Member is one sub-attribute of a complex value.
type Member struct {
	Name  string
	Value Value
}

// Null is the null value.
var Null Value

// Text gives a text value.
func Text(s string) Value { return Value{text: s, form: formOfText} }

// Integer gives an integer value.
func Integer(n int64) Value { return Value{number: n, form: formOfInteger} }

// Boolean gives a boolean value.
func Boolean(b bool) Value {
	v := Value{form: formOfBoolean}
	if b {
		v.number = 1
	}
	return v
}

// Time gives a point in time, kept in UTC with nanoseconds.
func Time(t time.Time) Value { return timeOf(t.Unix(), int32(t.Nanosecond())) }

func timeOf(seconds int64, nanos int32) Value {
	if nanos == 0 {
		return Value{number: seconds, form: formOfTime}
	}
	return Value{number: seconds, form: &form{kind: KindTime, nanos: nanos}}
}

// List gives a list of values. The slice is the value's from then on.
func List(values ...Value) Value {
	return Value{form: &form{kind: KindList, values: values}}
}

// Texts gives a list of text values.
func Texts(texts ...string) Value {
	values := make([]Value, len(texts))
	for i, t := range texts {
		values[i] = Text(t)
	}
	return List(values...)
}

// Complex gives a value of named sub-values. Of two members with one name the
// last counts.
func Complex(members ...Member) Value {
	p := &form{kind: KindComplex}
	for _, m := range members {
		at, found := searchStrings(p.names, m.Name)
		if found {
			p.values[at] = m.Value
			continue
		}
		p.names = append(p.names, "")
		copy(p.names[at+1:], p.names[at:])
		p.names[at] = m.Name
		p.values = append(p.values, Null)
		copy(p.values[at+1:], p.values[at:])
		p.values[at] = m.Value
	}
	return Value{form: p}
}

func searchStrings(sorted []string, s string) (int, bool) {
	low, high := 0, len(sorted)
	for low < high {
		middle := (low + high) / 2
		if sorted[middle] < s {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < len(sorted) && sorted[low] == s
}

// Kind tells what the value holds.
func (v Value) Kind() Kind {
	if v.form == nil {
		return KindNull
	}
	return v.form.kind
}

// IsNull reports whether the value is null.
func (v Value) IsNull() bool { return v.form == nil }

// IsEmpty reports whether the value is null, the empty text, a list that holds
// nothing but such values, or a complex likewise.
func (v Value) IsEmpty() bool {
	switch v.Kind() {
	case KindNull:
		return true
	case KindText:
		return v.text == ""
	case KindList, KindComplex:
		for _, part := range v.form.values {
			if !part.IsEmpty() {
				return false
			}
		}
		return true
	}
	return false
}

// AsText gives the text of a text value.
func (v Value) AsText() (string, bool) { return v.text, v.Kind() == KindText }

// AsBoolean gives the boolean of a boolean value.
func (v Value) AsBoolean() (value, ok bool) { return v.number != 0, v.Kind() == KindBoolean }

// AsInteger gives the integer of an integer value.
func (v Value) AsInteger() (int64, bool) { return v.number, v.Kind() == KindInteger }

// AsTime gives the time of a time value, in UTC.
func (v Value) AsTime() (time.Time, bool) {
	if v.Kind() != KindTime {
		return time.Time{}, false
	}
	return time.Unix(v.number, int64(v.form.nanos)).UTC(), true
}

// Values gives the elements of a list, which must not be changed; nil for any
// other kind.
func (v Value) Values() []Value {
	if v.Kind() != KindList {
		return nil
	}
	return v.form.values
}

// Members gives the sub-attributes of a complex value in ascending order of
// name; nil for any other kind.
func (v Value) Members() []Member {
	if v.Kind() != KindComplex {
		return nil
	}
	members := make([]Member, len(v.form.names))
	for i, name := range v.form.names {
		members[i] = Member{name, v.form.values[i]}
	}
	return members
}

// Member gives the sub-attribute of that name of a complex value.
func (v Value) Member(name string) (Value, bool) {
	if v.Kind() != KindComplex {
		return Null, false
	}
	at, found := searchStrings(v.form.names, name)
	if !found {
		return Null, false
	}
	return v.form.values[at], true
}

// TimeFormat is the layout of a time's canonical text.
const TimeFormat = "1/2/2006 3:04:05 PM"

// String gives the canonical text: null is "", a boolean True or False, an
// integer decimal, a time M/d/yyyy h:mm:ss tt in UTC, a list or complex its
// JSON.
func (v Value) String() string {
	switch v.Kind() {
	case KindText:
		return v.text
	case KindBoolean:
		if v.number != 0 {
			return "True"
		}
		return "False"
	case KindInteger:
		return strconv.FormatInt(v.number, 10)
	case KindTime:
		t, _ := v.AsTime()
		return t.Format(TimeFormat)
	case KindList, KindComplex:
		text, err := v.MarshalJSON()
		if err != nil {
			return fmt.Sprintf("(%v)", err)
		}
		return string(text)
	}
	return ""
}

// Equal reports whether both values are of one kind and hold the same. Lists
// are compared in order.
func (v Value) Equal(other Value) bool {
	if v.number != other.number || v.text != other.text {
		return false
	}
	if v.form == other.form {
		return true
	}
	if v.form == nil || other.form == nil {
		return false
	}
	a, b := v.form, other.form
	return a.kind == b.kind && a.nanos == b.nanos && slices.Equal(a.names, b.names) && slices.EqualFunc(a.values, b.values, Value.Equal)
}

// Fold gives the text under which values that differ only in case are equal:
// simple Unicode case folding, letter by letter.
func Fold(s string) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return strings.ToLower(strings.ToUpper(s))
		}
	}
	return strings.ToLower(s)
}

var errTruncated = errors.New("stored value is cut short")
