package scim

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

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
