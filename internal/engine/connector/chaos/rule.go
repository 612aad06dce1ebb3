package chaos

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Rule makes certain calls go wrong. An empty field of the match matches
// everything.
type Rule struct {
	Method connector.Method
	Kind   connector.OperationKind // of Send
	Type   string
	ID     string // of the account that Get or Send names
	// Path and Value match what Find looks for, and what Send sets or adds. With
	// Path alone any value matches.
	Path  string
	Value string
	// Attempts, counted from 1, of each subject apart: the value at Path when the
	// rule has one, else the account's id, else the whole operation.
	Attempts []int

	// What happens, in this order. Nothing of it: the rule only counts.
	Delay   time.Duration
	Before  error              // in place of the call
	Receipt *connector.Receipt // in place of Send's own, after it was carried out
	After   error              // after it was carried out: the answer is lost
}

func (r Rule) String() string {
	var out strings.Builder
	for _, part := range []string{string(r.Method), string(r.Kind), r.Type, r.ID, r.Path, r.Value} {
		if part != "" {
			fmt.Fprintf(&out, "%s ", part)
		}
	}
	if len(r.Attempts) > 0 {
		fmt.Fprintf(&out, "attempts %v", r.Attempts)
	}
	return strings.TrimSpace(out.String())
}

// Error gives an error of that class with a code that is usual for it.
func Error(class connector.Class) *connector.Error {
	code := map[connector.Class]string{
		connector.Transient: "InternalServerError", connector.Throttled: "TooManyRequests",
		connector.Rejected: "UnprocessableEntity", connector.Conflict: "Conflict", connector.Gone: "InvalidAnchor",
		connector.Unknown: "Timeout", connector.Denied: "Unauthorized", connector.Fatal: "WebExceptionProtocolError",
	}[class]
	return &connector.Error{Class: class, Code: code, Detail: "made to fail"}
}

// call is one call of the target, as rules see it.
type call struct {
	method    connector.Method
	typ, id   string
	operation connector.Operation // of Send
	path      directory.Path      // of Find
	value     directory.Value
}

// subject gives what the rule counts attempts of. ok is false when the rule
// does not match the call.
func (r Rule) subject(c call) (subject string, ok bool) {
	if r.Method != "" && r.Method != c.method || r.Kind != "" && r.Kind != c.operation.Kind ||
		r.Type != "" && r.Type != c.typ || r.ID != "" && r.ID != c.id {
		return "", false
	}
	if r.Path != "" {
		value, ok := c.valueAt(r.Path)
		return value, ok && (r.Value == "" || r.Value == value)
	}
	if c.id != "" {
		return c.id, true
	}
	text, err := json.Marshal(c.operation)
	if err != nil {
		text = []byte(c.operation.String())
	}
	return fmt.Sprintf("%s %s %s %s", c.typ, c.path, c.value, text), true
}

// valueAt gives the canonical text of what the call is about at a path.
func (c call) valueAt(path string) (string, bool) {
	if c.method == connector.MethodFind && c.path.String() == path {
		return c.value.String(), true
	}
	for _, m := range c.operation.Modifications {
		if m.Path.String() == path && (m.Verb == connector.Set || m.Verb == connector.Add) {
			return m.Value.String(), true
		}
	}
	return "", false
}

func (r Rule) concerns(attempt int) bool {
	return len(r.Attempts) == 0 || slices.Contains(r.Attempts, attempt)
}
