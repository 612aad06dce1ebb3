package directory

import (
	"encoding/json"
	"slices"
	"strings"
)

// Attribute is one named value of an object.
type Attribute struct {
	Name  string
	Value Value
}

// Attributes are an object's values, ascending by name, each name once. Names
// are case-sensitive.
type Attributes []Attribute

// NewAttributes gives the attributes of a map.
func NewAttributes(values map[string]Value) Attributes {
	attributes := make(Attributes, 0, len(values))
	for name, value := range values {
		attributes = append(attributes, Attribute{name, value})
	}
	slices.SortFunc(attributes, func(a, b Attribute) int { return strings.Compare(a.Name, b.Name) })
	return attributes
}

// Get gives the value of that name, and whether there is one: a null that is
// there is not the same as an absent attribute.
func (a Attributes) Get(name string) (Value, bool) {
	at, found := a.search(name)
	if !found {
		return Null, false
	}
	return a[at].Value, true
}

// With gives the attributes with one value set.
func (a Attributes) With(name string, value Value) Attributes {
	at, found := a.search(name)
	if found {
		changed := slices.Clone(a)
		changed[at].Value = value
		return changed
	}
	return slices.Insert(slices.Clone(a), at, Attribute{name, value})
}

// search is slices.BinarySearchFunc without a call for each comparison: every
// mapped attribute of every object is looked for.
func (a Attributes) search(name string) (int, bool) {
	low, high := 0, len(a)
	for low < high {
		middle := (low + high) / 2
		switch c := strings.Compare(a[middle].Name, name); {
		case c == 0:
			return middle, true
		case c < 0:
			low = middle + 1
		default:
			high = middle
		}
	}
	return low, false
}

// Equal reports whether both hold the same names with equal values.
func (a Attributes) Equal(other Attributes) bool {
	return slices.EqualFunc(a, other, func(x, y Attribute) bool {
		return x.Name == y.Name && x.Value.Equal(y.Value)
	})
}

// MarshalJSON writes an object of name to value.
func (a Attributes) MarshalJSON() ([]byte, error) {
	values := make(map[string]Value, len(a))
	for _, attribute := range a {
		values[attribute.Name] = attribute.Value
	}
	return json.Marshal(values)
}

// UnmarshalJSON reads an object of name to value.
func (a *Attributes) UnmarshalJSON(data []byte) error {
	var values map[string]Value
	if err := json.Unmarshal(data, &values); err != nil {
		return err
	}
	*a = NewAttributes(values)
	return nil
}

// Object is what a source says of one identity. It holds no references:
// those are Edges.
type Object struct {
	Key
	Attributes Attributes
}

// Display gives the name under which the object stands in the log: its
// displayName, else given and family name, else userPrincipalName, else the
// anchor. The attribute look-up is the caller's, since names may be aliases.
func Display(key Key, attribute func(name string) Value) string {
	if name := attribute("displayName").String(); name != "" {
		return name
	}
	full := strings.TrimSpace(attribute("givenName").String() + " " + attribute("surname").String())
	if full != "" {
		return full
	}
	if name := attribute("userPrincipalName").String(); name != "" {
		return name
	}
	return key.Anchor
}
