package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

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

// A block with another label and the same name is destroyed and created in one
// apply, in any order: the new one waits for the old one to go, and gets an id
// of its own.
func TestAccFilter_relabelled(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	before := service.staff("staff", twoClauses)
	after := strings.ReplaceAll(before, `"provisioning_scoping_filter" "staff"`, `"provisioning_scoping_filter" "people"`)
	id := statecheck.CompareValue(compare.ValuesDiffer())
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{Config: before, ConfigStateChecks: []statecheck.StateCheck{id.AddStateValue(staffAddress, tfjsonpath.New("id"))}},
			{
				Config: after,
				ConfigPlanChecks: plans(
					plancheck.ExpectResourceAction(staffAddress, plancheck.ResourceActionDestroy),
					plancheck.ExpectKnownValue("provisioning_scoping_filter.people", tfjsonpath.New("id"), knownvalue.NotNull())),
				ConfigStateChecks: []statecheck.StateCheck{id.AddStateValue("provisioning_scoping_filter.people", tfjsonpath.New("id"))},
			},
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
		"not in source":    {`[{ attribute = "jobTitel", operator = "is_null" }]`, `Did you mean "jobTitle"?`},
		"reference":        {`[{ attribute = "mail", operator = "is_not_null" }, { attribute = "manager", operator = "is_null" }]`, `clauses[1].attribute: "manager" refers to other objects`},
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
