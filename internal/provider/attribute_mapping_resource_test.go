package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

const usersAddress = "provisioning_attribute_mapping.users"

const twoAttributes = `{
    "userName"    = { source = "userPrincipalName", matching_precedence = 1 }
    "displayName" = { expression = "Join(\" \", [givenName], [surname])" }
  }`

func TestAccMapping_lifecycle(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	revision := statecheck.CompareValue(compare.ValuesSame())
	track := func() statecheck.StateCheck { return revision.AddStateValue(usersAddress, tfjsonpath.New("revision")) }
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{
				Config: header + service.users("", twoAttributes),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectKnownValue(usersAddress, tfjsonpath.New("id"), knownvalue.NotNull()),
					plancheck.ExpectKnownValue(usersAddress, tfjsonpath.New("revision"), knownvalue.StringRegexp(says("User mapping "))),
				}},
				ConfigStateChecks: []statecheck.StateCheck{track()},
			},
			{ // blanks within an expression are no change
				Config: header + service.users("", `{
    "userName"    = { source = "userPrincipalName", matching_precedence = 1 }
    "displayName" = { expression = "Join( \" \",[givenName],  [surname] )" }
  }`),
				ConfigPlanChecks:  resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
				ConfigStateChecks: []statecheck.StateCheck{track()},
			},
			{ // what a default says anyway is no new revision
				Config:            header + service.users(`actions = ["update", "create", "delete"]`, twoAttributes),
				ConfigStateChecks: []statecheck.StateCheck{track()},
			},
			{ResourceName: usersAddress, ImportState: true, ImportStateId: "chat/User", ImportStateKind: resource.ImportBlockWithID},
			{
				Config: header + service.users("", `merge(provider::provisioning::template("scim").mappings["User"].attributes, {
    "nickName" = { expression = "ToLower([givenName])" }
  })`),
				Check: func(*terraform.State) error {
					m := only[*config.Mapping](t, service, config.KindMapping)
					if m.Attributes["nickName"].Expression == nil || m.Attributes["userName"].MatchingPrecedence == nil || len(m.Actions) != 3 {
						t.Errorf("the engine has %+v", m)
					}
					return nil
				},
			},
			{ResourceName: usersAddress, ImportState: true, ImportStateKind: resource.ImportBlockWithID},
			{PreConfig: forget(t, service, config.KindMapping), Config: header + service.users("", twoAttributes)},
		},
	})
}

// To write a default or nothing is the same, so that a mapping that comes back
// without them, as from the schema of Microsoft Graph, is no change.
func TestAccMapping_defaults(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	of := func(more, aboutTitle, title string) string {
		return header + service.users(more, `{
    "userName" = { source = "userPrincipalName", matching_precedence = 1 }
    "title"    = { source = "`+title+`"`+aboutTitle+` }
  }`)
	}
	const all, each = `actions = ["delete", "create", "update"]` + "\n" + `enabled = true`, `, apply = "always", when_null = "clear_own"`
	planned := func(checks ...plancheck.PlanCheck) resource.ConfigPlanChecks {
		return resource.ConfigPlanChecks{PreApply: checks}
	}
	actions, apply := tfjsonpath.New("actions"), tfjsonpath.New("attributes").AtMapKey("title").AtMapKey("apply")
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{Config: of(all, each, "jobTitle")},
			{Config: of("", "", "jobTitle"), ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan())},
			{ // another change leaves them as they are
				Config: of("", "", "department"),
				ConfigPlanChecks: planned(
					plancheck.ExpectKnownValue(usersAddress, actions, knownvalue.SetSizeExact(3)),
					plancheck.ExpectKnownValue(usersAddress, apply, knownvalue.StringExact("always")),
					plancheck.ExpectKnownValue(usersAddress, tfjsonpath.New("revision"), knownvalue.NotNull())),
			},
			{Config: of(`actions = ["create"]`, `, apply = "on_create"`, "department")},
			{ // what is no default ends with its line
				Config: of("", "", "department"),
				ConfigPlanChecks: planned(
					plancheck.ExpectKnownValue(usersAddress, actions, knownvalue.Null()),
					plancheck.ExpectKnownValue(usersAddress, apply, knownvalue.Null())),
				Check: func(*terraform.State) error {
					if m := only[*config.Mapping](t, service, config.KindMapping); m.Actions != nil || m.Attributes["title"].Apply != "" {
						t.Errorf("the engine has %+v", m)
					}
					return nil
				},
			},
		},
	})
}

func TestAccMapping_replaced(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	of := func(objectType, to, from string) string {
		return header + service.app("") + `
resource "provisioning_attribute_mapping" "users" {
  app_id      = provisioning_app.chat.id
  object_type = "` + objectType + `"
  attributes  = { "` + to + `" = { source = "` + from + `", matching_precedence = 1 } }
}
`
	}
	group, user := of("Group", "displayName", "displayName"), of("User", "userName", "userPrincipalName")
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{Config: group},
			{
				Config: user,
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(usersAddress, plancheck.ResourceActionReplace),
					plancheck.ExpectKnownValue(usersAddress, tfjsonpath.New("id"), knownvalue.NotNull()),
				}},
			},
			{Config: user, Taint: []string{usersAddress}},
		},
	})
}

func TestAccMapping_invalid(t *testing.T) {
	match := `"userName" = { source = "userPrincipalName", matching_precedence = 1 }` + "\n"
	for name, test := range map[string]struct{ attributes, want string }{
		"no matching attribute": {`{ "userName" = { source = "userPrincipalName" } }`, "set matching_precedence = 1"},
		"does not parse":        {`{ ` + match + `"title" = { expression = "Join(\" \", [a]" } }`, `attributes["title"].expression: Line 1, column`},
		"unknown function":      {`{ ` + match + `"title" = { expression = "Jion(\" \", [a])" } }`, "did you mean Join"},
		"two sources":           {`{ ` + match + `"title" = { source = "a", constant = "b" } }`, "keep one"},
		"no path":               {`{ ` + match + `"emails[type eq" = { source = "a" } }`, `attributes["emails[type eq"]`},
		"unknown apply":         {`{ ` + match + `"title" = { source = "a", apply = "once" } }`, "use always, on_create or add_values"},
		"not in the source":     {`{ ` + match + `"title" = { source = "jobTitel" } }`, `did you mean [jobTitle]?`},
		"not in the source, in an expression": {`{ ` + match + `"title" = { expression = "ToLower([jobTitel])" } }`,
			`attributes["title"].expression`},
		"reference in expression": {`{ ` + match + `"title" = { expression = "ToLower([manager])" } }`,
			`refers to other objects and cannot be used in an expression`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := newEngine(t)
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: factories(service),
				Steps:                    []resource.TestStep{{Config: header + service.users("", test.attributes), PlanOnly: true, ExpectError: says(test.want)}},
			})
		})
	}
}

// A mapping that uses DefaultDomain needs a source that says it, and is checked
// when the source alone changes.
func TestAccMapping_defaultDomain(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	without := header + service.users("", `{
    "userName" = { source = "userPrincipalName", matching_precedence = 1 }
    "nickName" = { expression = "Append([department], DefaultDomain())" }
  }`)
	with := strings.Replace(without, `name = "people"`, `name = "people"
  default_domain = "contoso.com"`, 1)
	const want = `attributes["nickName"].expression: DefaultDomain has no value`
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{Config: without, PlanOnly: true, ExpectError: says(want)},
			{Config: with},
			{ResourceName: "provisioning_source.people", ImportState: true, ImportStateId: "people", ImportStateKind: resource.ImportBlockWithID},
			{Config: without, PlanOnly: true, ExpectError: says(want)},
		},
	})
}

// What is unknown at validation is not complained about, whatever it may be.
func TestAccMapping_unknown(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{{
			Config: header + `resource "terraform_data" "later" { input = "userPrincipalName" }` + service.users("", `{
    "userName" = { source = terraform_data.later.output, matching_precedence = 1 }
    "title"    = { expression = "ToLower([${terraform_data.later.output}])" }
  }`),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectUnknownValue(usersAddress, tfjsonpath.New("revision")),
				plancheck.ExpectKnownValue(usersAddress, tfjsonpath.New("id"), knownvalue.NotNull()),
			}},
		}},
	})
}
