package mapping

import (
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Attributes that the engine computes for every source object.
const (
	IsSoftDeleted  = "IsSoftDeleted"      // the object is to be deprovisioned
	ObjectID       = "objectId"           // the anchor
	AppRoles       = "appRoleAssignments" // the roles of the object's assignments
	AccountEnabled = "accountEnabled"     // false: disabled in the source; absent: enabled
)

// Computed lists the attributes that every source has without saying so.
var Computed = []string{IsSoftDeleted, ObjectID, AppRoles}

// Source describes the objects that mappings and filters read.
type Source struct {
	Aliases    map[string]string // name in mappings to the source's own name
	References []string          // attributes that name other objects
	Known      []string          // attributes that the source is known to have; nil when unknown
	// DefaultDomain is what DefaultDomain() gives; empty when the source has none,
	// nil when that is unknown.
	DefaultDomain *string
}

// Own gives the source's own names of attributes that mappings and filters name:
// what a View of the object reads.
func (s *Source) Own(names []string) []string {
	var own []string
	for _, name := range names {
		if alias, ok := s.Aliases[name]; ok {
			own = append(own, alias)
		}
		own = append(own, name)
	}
	slices.Sort(own)
	return slices.Compact(own)
}

// View gives an object's attributes under the names that mappings and filters
// use: computed ones first, then aliases, then the source's own.
type View struct {
	Object      directory.Object
	Aliases     map[string]string
	SoftDeleted bool
	Roles       directory.Value
}

// Attribute gives a value, and whether the object has the attribute.
func (v *View) Attribute(name string) (directory.Value, bool) {
	switch name {
	case IsSoftDeleted:
		return directory.Boolean(v.SoftDeleted), true
	case ObjectID:
		return directory.Text(v.Object.Anchor), true
	case AppRoles:
		return v.Roles, !v.Roles.IsNull()
	}
	if own, ok := v.Aliases[name]; ok {
		if own == ObjectID {
			return directory.Text(v.Object.Anchor), true
		}
		if value, has := v.Object.Attributes.Get(own); has {
			return value, true
		}
		// An alias made for users leaves groups that have the name itself alone.
	}
	return v.Object.Attributes.Get(name)
}

// Enabled reports whether the source says that the object is enabled: it does
// unless accountEnabled is false.
func (v *View) Enabled() bool {
	value, ok := v.Attribute(AccountEnabled)
	if !ok {
		return true
	}
	if enabled, isBoolean := value.AsBoolean(); isBoolean {
		return enabled
	}
	return !strings.EqualFold(value.String(), "false")
}

// Display gives the name under which the object stands in the log.
func (v *View) Display() string {
	return directory.Display(v.Object.Key, func(name string) directory.Value {
		value, _ := v.Attribute(name)
		return value
	})
}
