// Package directory is the ground floor of the engine: the identities that
// sources hold and targets receive, as plain immutable data. It knows keys,
// values, objects, references between objects, paths of target attributes and
// schemas, and imports nothing of the engine.
package directory

import "strings"

// Object types that every source and target may have. A template may name
// others; an object type is never compared with anything but these two.
const (
	User  = "User"
	Group = "Group"
)

// Key identifies an object of a source. Both parts are case-exact, and an
// anchor is never given to another object.
type Key struct {
	Type   string `json:"type"`
	Anchor string `json:"anchor"`
}

// String gives the key as it stands in messages: "User/42".
func (k Key) String() string { return k.Type + "/" + k.Anchor }

// IsZero reports whether the key names nothing.
func (k Key) IsZero() bool { return k == Key{} }

// Compare orders keys by type, then anchor, bytewise.
func (k Key) Compare(other Key) int {
	if c := strings.Compare(k.Type, other.Type); c != 0 {
		return c
	}
	return strings.Compare(k.Anchor, other.Anchor)
}

// ByAnchor is the kind of reference that names an object by its anchor.
const ByAnchor = "anchor"

// Ref names an object in the way the source does: by anchor, distinguished
// name, mail address. The snapshot resolves it.
type Ref struct {
	By    string `json:"by"`
	Value string `json:"value"`
}

// Edge is one reference from one object to another: a manager, or one member
// of a group. A group of a million members is a million edges.
type Edge struct {
	Holder    Key    `json:"holder"`
	Attribute string `json:"attribute"`
	To        Ref    `json:"to"`
}
