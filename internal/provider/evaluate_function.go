package provider

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/expression"
)

var _ function.Function = (*evaluateFunction)(nil)

func newEvaluateFunction() function.Function { return &evaluateFunction{} }

type evaluateFunction struct{}

func (f *evaluateFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "evaluate"
}

func (f *evaluateFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "The value of a mapping expression for an object",
		MarkdownDescription: "Evaluates an expression of the mapping language for an object and gives its value in canonical form: text as it is, " +
			"booleans as `True` and `False`, a list as a tuple. Null where the attribute or the object is to be ignored. It touches nothing, so that " +
			"mappings can be tested with `terraform test`. The function is pure: `Guid` and `RandomString` give the same value for the same arguments.",
		Parameters: []function.Parameter{
			function.StringParameter{Name: "expression", MarkdownDescription: "The expression, such as `Join(\" \", [givenName], [surname])`."},
			function.DynamicParameter{
				Name:                "object",
				MarkdownDescription: "Attributes of the object: each a text, number, bool or list of them.",
			},
		},
		VariadicParameter: function.DynamicParameter{
			Name: "options",
			MarkdownDescription: "At most one object: `now` (RFC 3339) is the time that `Now()` gives, which is an error without it; `taken` lists values " +
				"that the target has already, for `SelectUniqueValue`; `default_domain` is what `DefaultDomain()` gives, likewise an error without it.",
		},
		Return: function.DynamicReturn{},
	}
}

func (f *evaluateFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var text string
	var object types.Dynamic
	var options []types.Dynamic
	if resp.Error = req.Arguments.Get(ctx, &text, &object, &options); resp.Error != nil {
		return
	}
	value, failed := evaluate(text, object, options)
	switch {
	case failed == nil:
		resp.Error = resp.Result.Set(ctx, types.DynamicValue(value))
	case errors.Is(failed.cause, errUnknownValue):
		resp.Error = resp.Result.Set(ctx, types.DynamicUnknown())
	default:
		resp.Error = function.NewArgumentFuncError(failed.argument, clause(failed.cause.Error()))
	}
}

// argumentError is what is wrong with one argument of a function.
type argumentError struct {
	argument int64
	cause    error
}

func evaluate(text string, object types.Dynamic, options []types.Dynamic) (attr.Value, *argumentError) {
	parsed, err := expression.Parse(text)
	if err != nil {
		return nil, &argumentError{0, err}
	}
	attributes, err := attributesOf(object)
	if err != nil {
		return nil, &argumentError{1, err}
	}
	given, err := evaluateOptionsOf(options)
	if err != nil {
		return nil, &argumentError{2, err}
	}
	seed, err := json.Marshal([]any{text, attributes, given})
	if err != nil {
		return nil, &argumentError{1, err}
	}
	result, err := parsed.Evaluate(&expression.Environment{
		Attribute:     attributes.Get,
		Now:           given.now,
		Random:        rand.NewChaCha8(sha256.Sum256(seed)),
		Taken:         given.taken,
		DefaultDomain: given.DefaultDomain,
	})
	if err != nil {
		return nil, &argumentError{0, err}
	}
	if result.Ignore != expression.IgnoreNothing {
		return types.DynamicNull(), nil
	}
	return terraformValue(result.Value), nil
}

// attributesOf gives the attributes of a function's object.
func attributesOf(object attr.Value) (directory.Attributes, error) {
	members, err := membersOf(object)
	if err != nil {
		return nil, err
	}
	values := make(map[string]directory.Value, len(members))
	for name, member := range members {
		value, err := valueOf(member)
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", name, err)
		}
		values[name] = value
	}
	return directory.NewAttributes(values), nil
}

// evaluateOptions are what evaluate takes beside expression and object.
type evaluateOptions struct {
	Now           time.Time
	Taken         []string
	DefaultDomain string
}

func evaluateOptionsOf(given []types.Dynamic) (evaluateOptions, error) {
	var o evaluateOptions
	if len(given) == 0 {
		return o, nil
	}
	if len(given) > 1 {
		return o, errors.New("there is more than one object of options; put them into one")
	}
	members, err := membersOf(given[0])
	if err != nil {
		return o, err
	}
	for name, member := range members {
		value, err := valueOf(member)
		if err != nil {
			return o, err
		}
		switch name {
		case "now":
			if o.Now, err = time.Parse(time.RFC3339, value.String()); err != nil {
				return o, fmt.Errorf("now is %q; write it in RFC 3339, such as \"2026-11-21T09:30:00Z\"", value.String())
			}
		case "taken":
			if value.Kind() != directory.KindList {
				return o, errors.New("taken is not a list of texts")
			}
			for _, taken := range value.Values() {
				o.Taken = append(o.Taken, taken.String())
			}
		case "default_domain":
			o.DefaultDomain = value.String()
		default:
			return o, fmt.Errorf("there is no option %q; there are now, taken and default_domain", name)
		}
	}
	return o, nil
}

func (o evaluateOptions) now() (time.Time, error) {
	if o.Now.IsZero() {
		return time.Time{}, errors.New("the value of Now() would differ each time; give the time as an option: { now = \"2026-11-21T09:30:00Z\" }")
	}
	return o.Now, nil
}

func (o evaluateOptions) taken(value string) (taken, known bool, err error) {
	for _, other := range o.Taken {
		if directory.Fold(other) == directory.Fold(value) {
			return true, true, nil
		}
	}
	return false, true, nil
}
