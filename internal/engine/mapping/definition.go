// Package mapping compiles the attribute mapping of one object type and
// evaluates it: which value flows from a source object into which attribute of
// its account.
package mapping

// Attribute says where the value of one target attribute comes from, as
// declared: at most one of Source, Constant and Expression.
type Attribute struct {
	Source             *string  `json:"source,omitempty"`
	Constant           *string  `json:"constant,omitempty"`
	Expression         *string  `json:"expression,omitempty"`
	Default            *string  `json:"default,omitempty"`
	MatchingPrecedence *int64   `json:"matching_precedence,omitempty"`
	Apply              Apply    `json:"apply,omitempty"`     // empty: always
	WhenNull           WhenNull `json:"when_null,omitempty"` // empty: clear_own
}

// Apply says when a mapping flows.
type Apply string

// The values of Apply. The empty one means ApplyAlways.
const (
	ApplyAlways    Apply = "always"
	ApplyOnCreate  Apply = "on_create"
	ApplyAddValues Apply = "add_values" // values are added, never removed
)

// WhenNull says what becomes of the target's value when the source has none.
type WhenNull string

// The values of WhenNull. The empty one means ClearOwn.
const (
	ClearOwn WhenNull = "clear_own" // removed when a mapping wrote it from a source value
	Ignore   WhenNull = "ignore"    // left standing
	Clear    WhenNull = "clear"     // always removed
)

// Action is something that a mapping may do to accounts.
type Action string

// The actions.
const (
	ActionCreate Action = "create"
	ActionUpdate Action = "update"
	ActionDelete Action = "delete"
)

// Definition is the attribute mapping of one object type, as declared.
type Definition struct {
	ObjectType string
	Enabled    bool
	Actions    []Action             // nil: all
	Attributes map[string]Attribute // by the path's text
}
