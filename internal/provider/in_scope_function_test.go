package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

func TestInScope(t *testing.T) {
	clause := func(pairs ...any) map[string]any {
		out := map[string]any{}
		for i := 0; i < len(pairs); i += 2 {
			out[pairs[i].(string)] = pairs[i+1]
		}
		return out
	}
	staff := clause("attribute", "type", "operator", "not_equals", "value", "contractor")
	mail := clause("attribute", "mail", "operator", "is_not_null")
	for name, test := range map[string]struct {
		clauses  any
		object   any
		want     bool
		argument int64 // of the error; -1: none
	}{
		"none":           {[]any{}, map[string]any{}, true, -1},
		"all hold":       {[]any{staff, mail}, map[string]any{"type": "employee", "mail": "a"}, true, -1},
		"one fails":      {[]any{staff, mail}, map[string]any{"type": "employee"}, false, -1},
		"null value":     {[]any{clause("attribute", "mail", "operator", "is_null", "value", nil)}, map[string]any{}, true, -1},
		"number":         {[]any{clause("attribute", "level", "operator", "greater_than", "value", 4.0)}, map[string]any{"level": 5.0}, true, -1},
		"several values": {[]any{mail}, map[string]any{"mail": []any{"a", "b"}}, false, 1},
		"misspelt key":   {[]any{clause("atribute", "mail", "operator", "is_null")}, map[string]any{}, false, 0},
		"no operator":    {[]any{clause("attribute", "mail")}, map[string]any{}, false, 0},
		"no list":        {mail, map[string]any{}, false, 0},
		"no clause":      {[]any{"mail"}, map[string]any{}, false, 0},
		"no object":      {[]any{}, "mail", false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			in, failed := inScope(types.DynamicValue(attrOf(test.clauses)), types.DynamicValue(attrOf(test.object)))
			switch {
			case failed != nil && failed.argument != test.argument:
				t.Errorf("argument %d is blamed for %v", failed.argument, failed.cause)
			case failed == nil && test.argument >= 0:
				t.Errorf("there is no error, but %t", in)
			case in != test.want:
				t.Errorf("got %t, want %t", in, test.want)
			}
		})
	}
}

func TestAccInScope(t *testing.T) {
	t.Parallel()
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(nil),
		Steps: []resource.TestStep{{
			Config: header + `
variable "clauses" {
  type    = list(object({ attribute = string, operator = string, value = optional(string) }))
  default = [{ attribute = "department", operator = "equals", value = "Sales" }, { attribute = "mail", operator = "is_not_null" }]
}
output "in"  { value = provider::provisioning::in_scope(var.clauses, { department = "Sales", mail = "a" }) }
output "out" { value = provider::provisioning::in_scope(var.clauses, { department = "Legal", mail = "a" }) }
output "all" { value = provider::provisioning::in_scope([], {}) }`,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownOutputValue("in", knownvalue.Bool(true)),
				statecheck.ExpectKnownOutputValue("out", knownvalue.Bool(false)),
				statecheck.ExpectKnownOutputValue("all", knownvalue.Bool(true)),
			},
		}},
	})
}
