package scim

import (
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/lazyjson"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// set puts a value at the path; of an element that a condition selects, the
// element is made when it is missing.
func (r *resource) set(path directory.Path, value lazyjson.Value) {
	holder := &r.Value
	if !isCore(path.URN()) {
		holder = holder.Member(path.URN())
	}
	setAttribute(holder, path, value)
}

// setAttribute is set within the object that holds the path's attribute.
func setAttribute(holder *lazyjson.Value, path directory.Path, value lazyjson.Value) {
	attribute := holder.Member(path.Name())
	switch {
	case path.HasCondition():
		setElement(attribute, path, value)
	case path.Sub() == "":
		*attribute = value
	case attribute.Kind() == lazyjson.KindArray:
		for i := range count(*attribute) {
			if element := attribute.Element(i); element.Kind() == lazyjson.KindObject {
				*element.Member(path.Sub()) = value
			}
		}
	default:
		*attribute.Member(path.Sub()) = value
	}
}

// setElement sets the element that a path's condition selects, or a
// sub-attribute of it.
func setElement(list *lazyjson.Value, path directory.Path, value lazyjson.Value) {
	var element *lazyjson.Value
	if at, _ := matching(list, path.Where()); at >= 0 {
		element = list.Element(at)
	} else {
		element = list.Append(lazyjson.Object(2))
		*element.Member(path.Where().Attribute) = conditionValue(path.Where())
	}
	switch {
	case path.Sub() != "":
		*element.Member(path.Sub()) = value
	case value.Kind() == lazyjson.KindObject:
		for name, member := range value.Members() {
			*element.Member(name) = member
		}
	default:
		*element.Member("value") = value
	}
}

// clear takes away what stands at the path.
func (r *resource) clear(path directory.Path) {
	holder, name := &r.Value, path.Name()
	if !isCore(path.URN()) {
		if _, extension, _ := r.Lookup(path.URN()); extension.Kind() == lazyjson.KindObject {
			holder = holder.Member(path.URN())
		} else {
			name = path.URN() + ":" + path.Name()
		}
	}
	if _, _, ok := holder.Lookup(name); !ok {
		return
	}
	attribute := holder.Member(name)
	isList := attribute.Kind() == lazyjson.KindArray
	switch {
	case path.HasCondition() && isList:
		at, _ := matching(attribute, path.Where())
		switch {
		case at < 0:
		case path.Sub() == "" || strings.EqualFold(path.Sub(), "value"):
			*attribute = without(*attribute, at)
		default:
			clearMember(attribute.Element(at), path.Sub())
		}
	case path.Sub() == "":
		holder.Delete(name)
	case isList:
		for i := range count(*attribute) {
			clearMember(attribute.Element(i), path.Sub())
		}
	default:
		clearMember(attribute, path.Sub())
	}
}

func clearMember(value *lazyjson.Value, name string) {
	if value.Kind() == lazyjson.KindObject {
		value.Delete(name)
	}
}

// add appends the values that are not there.
func (r *resource) add(path directory.Path, values []lazyjson.Value) {
	raw, ok := r.raw(path.Attribute())
	list := lazyjson.Array()
	switch {
	case raw.Kind() == lazyjson.KindArray:
		list = raw
	case ok:
		list.Append(raw)
	}
	for _, value := range values {
		if indexOf(list, value) < 0 {
			list.Append(value)
		}
	}
	r.set(path.Attribute(), list)
}

// remove takes values away.
func (r *resource) remove(path directory.Path, values []lazyjson.Value) {
	list, _ := r.raw(path.Attribute())
	if list.Kind() != lazyjson.KindArray {
		return
	}
	for _, value := range values {
		for at := indexOf(list, value); at >= 0; at = indexOf(list, value) {
			list = without(list, at)
		}
	}
	r.set(path.Attribute(), list)
}

func count(list lazyjson.Value) int {
	n := 0
	for range list.Elements() {
		n++
	}
	return n
}

// without gives a list that lacks an element.
func without(list lazyjson.Value, at int) lazyjson.Value {
	out := lazyjson.Array()
	i := 0
	for element := range list.Elements() {
		if i != at {
			out.Append(element)
		}
		i++
	}
	return out
}

// indexOf gives the index of an equal element, or of one with the same value
// where both have one; -1 for none.
func indexOf(list, value lazyjson.Value) int {
	i := 0
	id, whole := textOf(value, "value"), fromJSON(value)
	for element := range list.Elements() {
		same := false
		if other := textOf(element, "value"); id != "" && other != "" {
			same = other == id
		} else {
			same = fromJSON(element).Equal(whole)
		}
		if same {
			return i
		}
		i++
	}
	return -1
}

// conditionValue gives the value that an element has to have to meet the
// condition. primary is a boolean, also where a path writes it as text.
func conditionValue(where directory.Condition) lazyjson.Value {
	boolean := !where.Quoted || strings.EqualFold(where.Attribute, "primary")
	switch {
	case boolean && strings.EqualFold(where.Value, "true"):
		return lazyjson.Boolean(true)
	case boolean && strings.EqualFold(where.Value, "false"):
		return lazyjson.Boolean(false)
	case !where.Quoted:
		if number, err := lazyjson.Decode(where.Value, 0); err == nil {
			return number
		}
	}
	return lazyjson.Text(where.Value)
}
