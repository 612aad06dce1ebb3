package sampleapp

import "fmt"

// applyMembers changes a group's members in place, and notes how to take it back.
func (w *patching) applyMembers(op string, t target, value any) *problem {
	if t.filter != nil {
		return w.removeMatching(op, t)
	}
	if t.sub != "" {
		return invalid("mutability", "what a member is cannot be changed")
	}
	q := w.app.options.Quirks
	switch {
	case op == "remove" && value == nil, op == "remove" && q.RemoveByValueEmpties:
		switch {
		case value == nil && q.RemoveAllRefused:
			return invalid("invalidPath", "members cannot be removed all at once")
		case value == nil && q.RemoveAllIgnored:
			return nil
		}
		w.replaceMembers(nil)
		return nil
	case op == "replace" && q.RefuseMemberReplacement:
		return invalid("invalidValue", "members cannot be replaced")
	}
	var list []member
	if value != nil {
		var p *problem
		if list, p = readMembers(value); p != nil {
			return p
		}
	}
	if op == "remove" {
		for _, m := range list {
			w.removeMember(m.value)
		}
		return nil
	}
	set := emptyMemberSet(q.KeepDuplicateMembers)
	for _, m := range list {
		set.add(m)
	}
	if p := w.app.checkMembersExist(set); p != nil {
		return p
	}
	if op == "replace" {
		w.replaceMembers(set)
		return nil
	}
	if w.resource.members == nil {
		w.replaceMembers(emptyMemberSet(q.KeepDuplicateMembers))
		w.undo = w.undo[:len(w.undo)-1] // an empty set is no change
	}
	for m := range set.all() {
		if w.resource.members.add(m) {
			w.undo = append(w.undo, func() { w.resource.members.remove(m.value) })
		}
	}
	return nil
}

func (w *patching) replaceMembers(set *memberSet) {
	before := w.resource.members
	w.resource.members = set
	w.undo = append(w.undo, func() { w.resource.members = before })
}

func (w *patching) removeMember(value string) {
	set := w.resource.members
	if !set.has(value) {
		return
	}
	removed := set.order[set.at[value]]
	set.remove(value)
	w.undo = append(w.undo, func() { set.add(removed) })
}

// removeMatching removes the members that meet a filter; by far the most
// frequent one, value eq "…", takes no search.
func (w *patching) removeMatching(op string, t target) *problem {
	if op != "remove" || t.sub != "" {
		return invalid("mutability", "what a member is cannot be changed")
	}
	if w.app.options.Quirks.RemoveByFilterIgnored {
		return nil
	}
	if value, attribute := t.filter.equality(); attribute == "value" {
		w.removeMember(value)
		return nil
	}
	for _, element := range w.resource.members.json() {
		m := element.(map[string]any)
		if t.filter.Matches(m) {
			w.removeMember(fmt.Sprint(m["value"]))
		}
	}
	return nil
}
