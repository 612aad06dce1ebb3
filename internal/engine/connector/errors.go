package connector

import (
	"errors"
	"fmt"
	"time"
)

// Class says what the engine does about an error. Few classes steer the loop.
type Class string

// The classes.
const (
	Transient Class = "transient" // try again in the next cycle; nothing was written
	Throttled Class = "throttled" // not before RetryAt; nothing was written
	Rejected  Class = "rejected"  // the target will not have it; nothing was written
	Conflict  Class = "conflict"  // a value belongs to another account; nothing was written
	Gone      Class = "gone"      // the account does not exist
	Unknown   Class = "unknown"   // a write may have been carried out or not
	Denied    Class = "denied"    // credentials are not accepted (401); nothing was written
	Fatal     Class = "fatal"     // the target as a whole cannot be used
)

// Error is what a Target or Source returns when the connected system refused
// or failed.
type Error struct {
	Class   Class
	Code    string    // of package audit's codes, for example "TooManyRequests"
	Detail  string    // the system's own words, shortened; no secret
	Advice  string    // what to do; empty when the code's own advice is enough
	RetryAt time.Time // zero when the system did not say
	// Overloaded tells that the system complains of its load, as every Throttled
	// does: fewer requests are sent at once, and not before RetryAt.
	Overloaded bool
	Err        error // cause, when there is one
}

func (e *Error) Error() string {
	if e.Detail == "" && e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Code, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Detail)
}

func (e *Error) Unwrap() error { return e.Err }

// ErrCannotFilter says that accounts cannot be found by that attribute or
// value; listing them is the way out.
var ErrCannotFilter = errors.New("the target cannot filter by this attribute")

// AsError gives the *Error in err. Any other error of a connector is a fault
// of ours: transient, with code InternalError.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Class: Transient, Code: "InternalError", Detail: err.Error(), Err: err}
}

// ClassOf gives the class of an error, "" for nil.
func ClassOf(err error) Class {
	if err == nil {
		return ""
	}
	return AsError(err).Class
}
