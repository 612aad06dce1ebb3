package expression

import (
	"io"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Environment is all that an evaluation sees of the world.
type Environment struct {
	// Attribute gives a value of the source object; false when it is absent,
	// which the language does not tell from null. Nil: every attribute is.
	Attribute func(name string) (directory.Value, bool)
	// Now gives the time of the evaluation. Nil: Now() is an error.
	Now func() (time.Time, error)
	// Random gives the bytes of Guid and RandomString. Nil: they are an error.
	Random io.Reader
	// Taken tells whether the target has the value already, compared without
	// case. known is false when that has not been looked up: Evaluate then
	// returns *NeedUnique. Nil: nothing is taken.
	Taken func(value string) (taken, known bool, err error)
	// DefaultDomain is what DefaultDomain() gives. Empty: it is an error.
	DefaultDomain string
}

// Ignore says what an expression asks to be left alone.
type Ignore uint8

// What may be left alone.
const (
	IgnoreNothing   Ignore = iota
	IgnoreAttribute        // neither set nor cleared
	IgnoreObject           // the whole object is skipped
)

// Result is what an evaluation gives. Value is null when something is ignored.
type Result struct {
	Value    directory.Value
	Ignore   Ignore
	Redacted bool // the value stands in no log
}

// NeedUnique asks whether the target has Value: evaluate again with a Taken
// that knows.
type NeedUnique struct{ Value string }

func (e *NeedUnique) Error() string {
	return "whether the target has the value must be looked up first"
}
