package mapping

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/expression"
)

// Input is what an evaluation may look at besides the object.
type Input struct {
	View   *View
	Now    time.Time
	Random io.Reader // of Guid and RandomString; nil: they are an error
	// Taken tells whether the target has a value already, for SelectUniqueValue
	// on the attribute of that path. known is false when that is not known yet:
	// Evaluate then fails with *NeedUnique.
	Taken func(path directory.Path, value string) (taken, known bool, err error)
}

// Rule is what one attribute mapping says for all objects. It is immutable.
type Rule struct {
	Path     directory.Path
	Name     string          // the text of Path
	Default  directory.Value // to be used at creation when there is no value
	Apply    Apply
	WhenNull WhenNull
	// Own tells that values come from the object, not from a constant: only such
	// values are taken back when the source loses them.
	Own       bool
	NoSource  bool // the rule has only a default
	Required  bool // the target refuses an account without it
	CaseExact bool
	WriteOnly bool // never compared with what the target returns
	Immutable bool // written at creation only
}

// Flow is what one rule gives for one object.
type Flow struct {
	*Rule
	Value    directory.Value // null when the source has none
	Redacted bool            // the log shows [Redact]
}

// Reference is one rule whose values are other objects.
type Reference struct {
	*Rule
	Attribute string // of the source, whose edges flow
	Multi     bool   // members; else a single one such as manager
}

// EvaluationError says which attribute of one object could not be had, and
// why. It concerns this object alone.
type EvaluationError struct {
	Path       directory.Path
	Expression string // as declared; empty where no expression is at fault
	Code       string // of package audit's codes
	Err        error
}

func (e *EvaluationError) Error() string { return fmt.Sprintf("%s: %v", e.Path, e.Err) }
func (e *EvaluationError) Unwrap() error { return e.Err }

// Details tells what the object's entry in the log shows: the attribute, and,
// where an expression is at fault, which argument of which function has which
// value. A redacted value is not among them.
func (e *EvaluationError) Details() map[string]string {
	details := map[string]string{"attribute": e.Path.String()}
	if e.Expression != "" {
		details["expression"] = e.Expression
	}
	var fault *expression.EvaluationError
	if errors.As(e.Err, &fault) {
		for name, text := range map[string]string{"function": fault.Function, "argument": fault.Argument, "value": fault.Value} {
			if text != "" {
				details[name] = text
			}
		}
	}
	return details
}

// NeedUnique says that it must be known whether the target has a value already
// before the mapping can be evaluated.
type NeedUnique struct {
	Path  directory.Path
	Value string
}

func (e *NeedUnique) Error() string {
	return fmt.Sprintf("%s: not known yet whether %q is taken", e.Path, e.Value)
}

// ErrIgnoreObject is returned when a rule says IgnoreObjectFlow.
var ErrIgnoreObject = errors.New("the mapping ignores this object")

// CanCreate reports whether accounts may be made.
func (c *Compiled) CanCreate() bool { return c.create }

// CanUpdate reports whether accounts may be changed; a disable is a change.
func (c *Compiled) CanUpdate() bool { return c.update }

// CanDelete reports whether accounts may be deleted.
func (c *Compiled) CanDelete() bool { return c.delete }

// TimeDependent reports whether a rule's value depends on the time.
func (c *Compiled) TimeDependent() bool { return c.timed }

// Paths gives every mapped path but the references.
func (c *Compiled) Paths() []directory.Path {
	var paths []directory.Path
	for _, r := range c.rules {
		if r.reference == "" {
			paths = append(paths, r.Path)
		}
	}
	return paths
}

// References gives the rules that carry references, which must not be changed.
func (c *Compiled) References() []Reference { return c.references }

// Maps reports whether a rule, be it one of references, maps the path of that
// text.
func (c *Compiled) Maps(name string) bool { return c.names[name] }

// MatchingPaths gives the paths by which accounts are found, first to last.
func (c *Compiled) MatchingPaths() []directory.Path {
	paths := make([]directory.Path, len(c.matching))
	for i, at := range c.matching {
		paths[i] = c.rules[at].Path
	}
	return paths
}

// Matched gives the names of the attributes, as rules write them, by which it is
// told which matching values an object has, and whether the mapping ignores it.
// false: all may be.
func (c *Compiled) Matched() (names []string, some bool) {
	if c.ignores {
		return nil, false
	}
	for _, at := range c.matching {
		if source := c.rules[at].source; source != nil {
			names = append(names, source.Attributes()...)
		}
	}
	return names, true
}

// CaseExact reports whether the target tells values of a mapped path apart by
// case.
func (c *Compiled) CaseExact(path directory.Path) bool {
	for _, r := range c.rules {
		if r.Path == path {
			return r.CaseExact
		}
	}
	return false
}

// Match is one matching attribute and the object's value for it.
type Match struct {
	Path  directory.Path
	Value directory.Value
}

// Matches is Evaluation.Matches with memory of its own.
func (c *Compiled) Matches(in Input) ([]Match, error) { return new(Evaluation).Matches(c, in) }

// Evaluate is Evaluation.Evaluate with memory of its own.
func (c *Compiled) Evaluate(in Input, creating bool) ([]Flow, error) {
	return new(Evaluation).Evaluate(c, in, creating)
}

// Evaluation evaluates mappings for objects, one after the other. What it gives
// stands in memory that it uses again for the next.
type Evaluation struct {
	view        *View // whose attributes the environment has
	environment expression.Environment
	path        directory.Path // of the present rule
	matches     []Match
	flows       []Flow
}

// Matches gives the object's matching values by precedence; those without a
// value are left out. The error is an *EvaluationError.
func (e *Evaluation) Matches(c *Compiled, in Input) ([]Match, error) {
	e.begin(c, in)
	e.matches = e.matches[:0]
	for _, i := range c.matching {
		flow, ignored, err := e.evaluate(&c.rules[i])
		if err != nil {
			return nil, err
		}
		if !ignored && !flow.Value.IsNull() {
			e.matches = append(e.matches, Match{flow.Path, flow.Value})
		}
	}
	return e.matches, nil
}

// Evaluate gives what flows into the object's account, reference rules apart,
// ascending by Name.
// Rules that apply only at creation are left out unless creating. The error is
// an *EvaluationError, *NeedUnique or ErrIgnoreObject.
func (e *Evaluation) Evaluate(c *Compiled, in Input, creating bool) ([]Flow, error) {
	e.begin(c, in)
	e.flows = slices.Grow(e.flows[:0], len(c.rules))
	for i := range c.rules {
		r := &c.rules[i]
		if r.reference != "" || !creating && (r.Apply == ApplyOnCreate || r.Immutable) {
			continue
		}
		flow, ignored, err := e.evaluate(r)
		if err != nil {
			return nil, err
		}
		if !ignored {
			e.flows = append(e.flows, flow)
		}
	}
	return e.flows, nil
}

// Ignores reports whether a rule ignores the object, account or not.
func (e *Evaluation) Ignores(c *Compiled, in Input) bool {
	if !c.ignores {
		return false
	}
	_, err := e.Evaluate(c, in, false)
	return errors.Is(err, ErrIgnoreObject)
}

// begin makes ready for one object, with no more than the rules ask for.
func (e *Evaluation) begin(c *Compiled, in Input) {
	attribute := e.environment.Attribute
	if e.view != in.View {
		e.view, attribute = in.View, in.View.Attribute
	}
	e.environment = expression.Environment{Attribute: attribute, Random: in.Random}
	if c.Source.DefaultDomain != nil {
		e.environment.DefaultDomain = *c.Source.DefaultDomain
	}
	if c.timed {
		now := in.Now
		e.environment.Now = func() (time.Time, error) { return now, nil }
	}
	if taken := in.Taken; c.unique && taken != nil {
		e.environment.Taken = func(value string) (bool, bool, error) { return taken(e.path, value) }
	}
}

func (e *Evaluation) evaluate(r *rule) (flow Flow, ignored bool, err error) {
	flow = Flow{Rule: &r.Rule}
	fail := func(code string, err error) (Flow, bool, error) {
		return Flow{}, false, &EvaluationError{r.Path, r.expression, code, err}
	}
	if r.source != nil {
		e.path = r.Path
		result, err := r.source.Evaluate(&e.environment)
		if err != nil {
			var need *expression.NeedUnique
			if errors.As(err, &need) {
				return Flow{}, false, &NeedUnique{r.Path, need.Value}
			}
			return fail("AttributeValidationFailed", err)
		}
		switch result.Ignore {
		case expression.IgnoreAttribute:
			return Flow{}, true, nil
		case expression.IgnoreObject:
			return Flow{}, false, ErrIgnoreObject
		}
		flow.Redacted = result.Redacted
		if !result.Value.IsEmpty() {
			flow.Value, err = r.target.convert(result.Value)
			switch {
			case errors.Is(err, errSeveral):
				return fail("SchemaPropertyCanOnlyAcceptValue", err)
			case err != nil && result.Redacted:
				return fail("AttributeValidationFailed", fmt.Errorf("the value is no %s; it is redacted and not shown", r.target.data))
			case err != nil:
				return fail("AttributeValidationFailed", err)
			}
		}
	}
	if r.unfit != nil {
		return fail("AttributeValidationFailed", fmt.Errorf("default: %w", r.unfit))
	}
	return flow, false, nil
}
