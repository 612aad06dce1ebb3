package provider

import (
	"context"
	"encoding/json"
	"math/big"
	"os"
	"reflect"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

// attrOf gives what Terraform makes of a JSON value.
func attrOf(v any) attr.Value {
	switch v := v.(type) {
	case string:
		return types.StringValue(v)
	case bool:
		return types.BoolValue(v)
	case float64:
		return types.NumberValue(big.NewFloat(v))
	case []any:
		elements, elementTypes := make([]attr.Value, len(v)), make([]attr.Type, len(v))
		for i := range v {
			elements[i] = attrOf(v[i])
			elementTypes[i] = elements[i].Type(context.Background())
		}
		return types.TupleValueMust(elementTypes, elements)
	case map[string]any:
		attributes, attributeTypes := map[string]attr.Value{}, map[string]attr.Type{}
		for name := range v {
			attributes[name] = attrOf(v[name])
			attributeTypes[name] = attributes[name].Type(context.Background())
		}
		return types.ObjectValueMust(attributeTypes, attributes)
	}
	return types.DynamicNull()
}

// jsonOf is attrOf's opposite.
func jsonOf(v attr.Value) any {
	if v.IsNull() {
		return nil
	}
	switch v := v.(type) {
	case basetypes.StringValue:
		return v.ValueString()
	case basetypes.BoolValue:
		return v.ValueBool()
	case basetypes.TupleValue:
		out := []any{}
		for _, element := range v.Elements() {
			out = append(out, jsonOf(element))
		}
		return out
	case basetypes.ObjectValue:
		out := map[string]any{}
		for name, attribute := range v.Attributes() {
			out[name] = jsonOf(attribute)
		}
		return out
	}
	return v.String()
}

// The function agrees with the vectors of the language.
func TestEvaluate_vectors(t *testing.T) {
	data, err := os.ReadFile("../engine/expression/testdata/expressions.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		ID         string
		Expression string
		Source     map[string]any
		Expected   any
		Error      bool
		Ignore     string
		Matches    []string
		Now        string
		Taken      []any
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		t.Run(v.ID, func(t *testing.T) {
			options := map[string]any{}
			if v.Now != "" {
				options["now"] = v.Now
			}
			if v.Taken != nil {
				options["taken"] = v.Taken
			}
			if v.Source == nil {
				v.Source = map[string]any{}
			}
			value, failed := evaluate(v.Expression, types.DynamicValue(attrOf(v.Source)), []types.Dynamic{types.DynamicValue(attrOf(options))})
			switch {
			case failed != nil:
				if !v.Error {
					t.Fatal(failed.cause)
				}
			case v.Error:
				t.Errorf("there is a value: %s", value)
			case v.Matches != nil:
				for _, pattern := range v.Matches {
					if text, _ := jsonOf(value).(string); !regexp.MustCompile(pattern).MatchString(text) {
						t.Errorf("%q does not match %s", text, pattern)
					}
				}
			case !reflect.DeepEqual(jsonOf(value), v.Expected):
				t.Errorf("got %v, want %v", jsonOf(value), v.Expected)
			}
		})
	}
}

func TestEvaluate_pure(t *testing.T) {
	object := types.DynamicValue(attrOf(map[string]any{"a": "1"}))
	first, failed := evaluate(`Guid()`, object, nil)
	if failed != nil {
		t.Fatal(failed.cause)
	}
	if again, _ := evaluate(`Guid()`, object, nil); !first.Equal(again) {
		t.Errorf("the same arguments gave %s and %s", first, again)
	}
	if other, _ := evaluate(`Guid()`, types.DynamicValue(attrOf(map[string]any{"a": "2"})), nil); first.Equal(other) {
		t.Errorf("other arguments gave %s as well", other)
	}
}

func TestEvaluate_refused(t *testing.T) {
	object := types.DynamicValue(attrOf(map[string]any{}))
	for name, test := range map[string]struct {
		expression string
		object     types.Dynamic
		options    []any
		argument   int64
	}{
		"now not given":  {"Now()", object, nil, 0},
		"no domain":      {"DefaultDomain()", object, nil, 0},
		"no object":      {"[a]", types.DynamicValue(types.StringValue("a")), nil, 1},
		"unknown option": {"[a]", object, []any{map[string]any{"nwo": "x"}}, 2},
		"no time":        {"[a]", object, []any{map[string]any{"now": "today"}}, 2},
		"no list":        {"[a]", object, []any{map[string]any{"taken": "a"}}, 2},
		"two options":    {"[a]", object, []any{map[string]any{}, map[string]any{}}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			var options []types.Dynamic
			for _, option := range test.options {
				options = append(options, types.DynamicValue(attrOf(option)))
			}
			value, failed := evaluate(test.expression, test.object, options)
			if failed == nil {
				t.Fatalf("there is a value: %s", value)
			}
			if failed.argument != test.argument {
				t.Errorf("argument %d is blamed for %v", failed.argument, failed.cause)
			}
		})
	}
}

func TestAccEvaluate(t *testing.T) {
	t.Parallel()
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(nil),
		Steps: []resource.TestStep{
			{
				Config: header + `
resource "terraform_data" "later" { input = "ADA" }
locals { ada = { givenName = "Ada", surname = null, tags = ["a", null], level = 5, active = true } }
output "join"  { value = provider::provisioning::evaluate("Join(\" \", [givenName], [surname])", local.ada) }
output "tuple" { value = provider::provisioning::evaluate("[tags]", local.ada) == ["a", null] }
output "null"  { value = provider::provisioning::evaluate("[surname]", local.ada) == null }
output "bool"  { value = provider::provisioning::evaluate("[active]", local.ada) }
output "later" { value = provider::provisioning::evaluate("ToLower([n])", { n = terraform_data.later.output }) }
output "now"   { value = provider::provisioning::evaluate("Now()", {}, { now = "2026-11-21T09:30:00Z" }) }
output "domain" { value = provider::provisioning::evaluate("DefaultDomain()", {}, { default_domain = "contoso.com" }) }`,
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownOutputValue("join", knownvalue.StringExact("Ada")),
					statecheck.ExpectKnownOutputValue("tuple", knownvalue.Bool(true)),
					statecheck.ExpectKnownOutputValue("null", knownvalue.Bool(true)),
					statecheck.ExpectKnownOutputValue("bool", knownvalue.StringExact("True")),
					statecheck.ExpectKnownOutputValue("later", knownvalue.StringExact("ada")),
					statecheck.ExpectKnownOutputValue("now", knownvalue.StringExact("11/21/2026 9:30:00 AM")),
					statecheck.ExpectKnownOutputValue("domain", knownvalue.StringExact("contoso.com")),
				},
			},
		},
	})
}
