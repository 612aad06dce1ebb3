package sampleapp

import (
	"iter"
	"net/url"
)

// member is one reference in a group.
type member struct {
	value, typ, display string
}

func (m member) appendJSON(out []byte) []byte {
	out = append(out, `{"value":`...)
	out = appendText(out, m.value)
	if m.typ != "" {
		out = append(out, `,"type":`...)
		out = appendText(out, m.typ)
	}
	if m.display != "" {
		out = append(out, `,"display":`...)
		out = appendText(out, m.display)
	}
	return append(out, '}')
}

// memberSet keeps a group's members in the order of their coming; adding and
// removing one takes the same time in a small group and in a large one.
type memberSet struct {
	order      []member // an empty value where one was removed
	at         map[string]int
	duplicates bool // the same member may stand in it several times
	live       int
}

func emptyMemberSet(duplicates bool) *memberSet {
	return &memberSet{at: map[string]int{}, duplicates: duplicates}
}

// newMemberSet reads members as a client sends them: objects with a value, or
// bare ids, one or a list.
func newMemberSet(from any, duplicates bool) (*memberSet, *problem) {
	list, p := readMembers(from)
	if p != nil {
		return nil, p
	}
	set := emptyMemberSet(duplicates)
	for _, m := range list {
		set.add(m)
	}
	return set, nil
}

func readMembers(from any) ([]member, *problem) {
	elements, ok := from.([]any)
	if !ok {
		elements = []any{from}
	}
	list := make([]member, 0, len(elements))
	for _, element := range elements {
		var m member
		switch e := element.(type) {
		case string:
			m.value = e
		case map[string]any:
			_, value, _ := lookup(e, "value")
			m.value, _ = value.(string)
			m.typ, _ = e["type"].(string)
			m.display, _ = e["display"].(string)
		}
		if m.value == "" {
			return nil, invalid("invalidValue", "a member has no value")
		}
		list = append(list, m)
	}
	return list, nil
}

func (s *memberSet) len() int {
	if s == nil {
		return 0
	}
	return s.live
}

func (s *memberSet) has(value string) bool {
	if s == nil {
		return false
	}
	_, ok := s.at[value]
	return ok
}

// add reports whether the set changed.
func (s *memberSet) add(m member) bool {
	if _, ok := s.at[m.value]; ok && !s.duplicates {
		return false
	}
	s.at[m.value] = len(s.order)
	s.order = append(s.order, m)
	s.live++
	return true
}

// remove reports whether the set changed.
func (s *memberSet) remove(value string) bool {
	at, ok := s.at[value]
	if !ok {
		return false
	}
	delete(s.at, value)
	s.order[at] = member{}
	s.live--
	if s.duplicates {
		for i := range s.order {
			if s.order[i].value == value {
				s.order[i] = member{}
				s.live--
			}
		}
	}
	if len(s.order) > 64 && s.live < len(s.order)/2 {
		s.compact()
	}
	return true
}

func (s *memberSet) compact() {
	kept := make([]member, 0, s.live)
	for m := range s.all() {
		s.at[m.value] = len(kept)
		kept = append(kept, m)
	}
	s.order = kept
}

func (s *memberSet) all() iter.Seq[member] {
	return func(yield func(member) bool) {
		if s == nil {
			return
		}
		for _, m := range s.order {
			if m.value != "" && !yield(m) {
				return
			}
		}
	}
}

// json gives the members as decoded JSON, for filters.
func (s *memberSet) json() []any {
	list := make([]any, 0, s.len())
	for m := range s.all() {
		element := map[string]any{"value": m.value}
		if m.typ != "" {
			element["type"] = m.typ
		}
		if m.display != "" {
			element["display"] = m.display
		}
		list = append(list, element)
	}
	return list
}

func escapeID(id string) string { return url.PathEscape(id) }
