package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

const staffAddress = "provisioning_scoping_filter.staff"

const twoClauses = `[
    { attribute = "employee_type", operator = "not_equals", value = "contractor" },
    { attribute = "mail", operator = "is_not_null" },
  ]`

func TestAccFilter_lifecycle(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{Config: service.staff("staff", twoClauses)},
			{
				Config: service.staff("all staff", `[{ attribute = "mail", operator = "is_not_null" }]`),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(staffAddress, plancheck.ResourceActionUpdate),
				}},
			},
			{ResourceName: staffAddress, ImportState: true, ImportStateId: "chat/User/all staff", ImportStateKind: resource.ImportBlockWithID},
			{PreConfig: forget(t, service, config.KindFilter), Config: service.staff("staff", twoClauses)},
		},
	})
}

func TestAccFilter_invalid(t *testing.T) {
	for name, test := range map[string]struct{ clauses, want string }{
		"open door":        {`[]`, "remove the filter if that is meant"},
		"unknown operator": {`[{ attribute = "mail", operator = "is_not_nul" }]`, "did you mean is_not_null?"},
		"value missing":    {`[{ attribute = "mail", operator = "equals" }]`, "needs a value"},
		"value too many":   {`[{ attribute = "mail", operator = "is_null", value = "x" }]`, "takes no value"},
		"bad pattern":      {`[{ attribute = "mail", operator = "regex_match", value = "(" }]`, "regular expression"},
		"misspelt key":     {`[{ atribute = "mail", operator = "is_null" }]`, `attribute "attribute" is required`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := newEngine(t)
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: factories(service),
				Steps:                    []resource.TestStep{{Config: service.staff("staff", test.clauses), PlanOnly: true, ExpectError: says(test.want)}},
			})
		})
	}
}
