package provider

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

var _ function.Function = (*inScopeFunction)(nil)

func newInScopeFunction() function.Function { return &inScopeFunction{} }

type inScopeFunction struct{}

func (f *inScopeFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "in_scope"
}

func (f *inScopeFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Whether an object meets the clauses of a scoping filter",
		MarkdownDescription: "Tells whether an object meets all the clauses, in the shape that `clauses` of `provisioning_scoping_filter` takes. " +
			"Without clauses it does. It touches nothing, so that filters can be tested with `terraform test`.",
		Parameters: []function.Parameter{
			function.DynamicParameter{
				Name:                "clauses",
				MarkdownDescription: "List of objects, each with `attribute`, `operator` and, where the operator takes one, `value`.",
			},
			function.DynamicParameter{
				Name:                "object",
				MarkdownDescription: "Attributes of the object: each a text, number, bool or list of them.",
			},
		},
		Return: function.BoolReturn{},
	}
}

func (f *inScopeFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var given, object types.Dynamic
	if resp.Error = req.Arguments.Get(ctx, &given, &object); resp.Error != nil {
		return
	}
	in, failed := inScope(given, object)
	switch {
	case failed == nil:
		resp.Error = resp.Result.Set(ctx, types.BoolValue(in))
	case errors.Is(failed.cause, errUnknownValue):
		resp.Error = resp.Result.Set(ctx, types.BoolUnknown())
	default:
		resp.Error = function.NewArgumentFuncError(failed.argument, clause(failed.cause.Error()))
	}
}

func inScope(given, object types.Dynamic) (bool, *argumentError) {
	clauses, err := clausesOf(given)
	if err != nil {
		return false, &argumentError{0, err}
	}
	attributes, err := attributesOf(object)
	if err != nil {
		return false, &argumentError{1, err}
	}
	in, err := scoping.ClausesMatch(clauses, attributes.Get)
	var evaluation *scoping.EvaluationError
	switch {
	case errors.As(err, &evaluation):
		return false, &argumentError{1, err}
	case err != nil:
		return false, &argumentError{0, err}
	}
	return in, nil
}

// clausesOf reads a list of clauses, in which Terraform checks no key.
func clausesOf(v attr.Value) ([]scoping.Clause, error) {
	var elements []attr.Value
	switch v := v.(type) {
	case basetypes.DynamicValue:
		return clausesOf(v.UnderlyingValue())
	case basetypes.ListValue:
		elements = v.Elements()
	case basetypes.TupleValue:
		elements = v.Elements()
	default:
		return nil, errors.New("a list of clauses is needed, such as [{ attribute = \"department\", operator = \"equals\", value = \"Sales\" }]")
	}
	if v.IsUnknown() {
		return nil, errUnknownValue
	}
	clauses := make([]scoping.Clause, len(elements))
	for i, element := range elements {
		members, err := membersOf(element)
		if errors.Is(err, errUnknownValue) {
			return nil, err
		}
		if err != nil {
			return nil, errors.New("clause " + strconv.Itoa(i+1) + " is no object with attribute, operator and value")
		}
		for name, member := range members {
			value, err := valueOf(member)
			if err != nil {
				return nil, err
			}
			text := value.String()
			switch name {
			case "attribute":
				clauses[i].Attribute = text
			case "operator":
				clauses[i].Operator = scoping.Operator(text)
			case "value":
				if !value.IsNull() {
					clauses[i].Value = scalarText(value)
				}
			default:
				return nil, fmt.Errorf("clause %d: there is no %q in a clause; there are attribute, operator and value", i+1, name)
			}
		}
	}
	return clauses, nil
}

// scalarText gives a text as Terraform converts it for the resource, where
// true is "true" and not "True".
func scalarText(value directory.Value) *string {
	text := value.String()
	if b, ok := value.AsBoolean(); ok {
		text = strconv.FormatBool(b)
	}
	return &text
}
