package sampleapp

import "fmt"

// applyElements changes the elements of a multi-valued attribute that meet a
// filter.
func (w *patching) applyElements(op string, m map[string]any, t target, value any) *problem {
	key, existing, _ := lookup(m, t.name)
	list, _ := existing.([]any)
	var kept []any
	found := false
	for _, element := range list {
		object, ok := element.(map[string]any)
		if !ok || !t.filter.Matches(object) {
			kept = append(kept, element)
			continue
		}
		found = true
		switch {
		case t.sub != "":
			setSub(op, object, t.sub, value)
			kept = append(kept, object)
		case op != "remove":
			changes, ok := value.(map[string]any)
			if !ok {
				return invalid("invalidValue", fmt.Sprintf("an element of %s has to be an object", t.name))
			}
			for name, v := range changes {
				setSub(op, object, name, v)
			}
			onePrimaryOf(list, object)
			kept = append(kept, object)
		}
	}
	if !found && op != "remove" {
		if op == "replace" || w.app.options.Quirks.AddNeedsElement {
			return invalid("noTarget", fmt.Sprintf("no element of %s meets the filter", t.name))
		}
		element, p := newElement(t, value)
		if p != nil {
			return p
		}
		kept = append(kept, element)
	}
	m[key] = kept
	return nil
}

// onePrimaryOf takes primary from all elements but the one, if that is.
func onePrimaryOf(list []any, chosen map[string]any) {
	if chosen["primary"] != true {
		return
	}
	for _, element := range list {
		if m, ok := element.(map[string]any); ok && m["primary"] == true {
			m["primary"] = false
		}
	}
	chosen["primary"] = true
}

// newElement builds the element that a filter of equalities describes.
func newElement(t target, value any) (map[string]any, *problem) {
	element := map[string]any{}
	simple := true
	t.filter.root.walk(func(n *filterNode) {
		switch {
		case n.kind == "compare" && n.operator == "eq" && n.path.sub == "":
			element[n.path.name] = n.value
		case n.kind != "and":
			simple = false
		}
	})
	if !simple {
		return nil, invalid("noTarget", fmt.Sprintf("no element of %s meets the filter", t.name))
	}
	if t.sub != "" {
		element[t.sub] = value
		return element, nil
	}
	changes, ok := value.(map[string]any)
	if !ok {
		return nil, invalid("invalidValue", fmt.Sprintf("an element of %s has to be an object", t.name))
	}
	for name, v := range changes {
		element[name] = v
	}
	return element, nil
}

// union appends the values that the list does not hold.
func union(list, added []any) []any {
	for _, value := range added {
		held := false
		for _, element := range list {
			held = held || sameValue(element, value)
		}
		if held {
			continue
		}
		if m, ok := value.(map[string]any); ok && m["primary"] == true {
			onePrimaryOf(list, m)
		}
		list = append(list, value)
	}
	return list
}

// without leaves out the given values: equal ones, or elements with one of
// their values.
func without(list []any, values any) []any {
	unwanted, ok := values.([]any)
	if !ok {
		unwanted = []any{values}
	}
	var kept []any
	for _, element := range list {
		held := false
		for _, value := range unwanted {
			held = held || sameValue(element, value)
			if m, ok := element.(map[string]any); ok {
				if v, ok := value.(map[string]any); ok {
					value = v["value"]
				}
				held = held || value != nil && sameValue(m["value"], value)
			}
		}
		if !held {
			kept = append(kept, element)
		}
	}
	return kept
}
