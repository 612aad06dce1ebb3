package provider

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// What the connected systems have is told as it is, aliases too.
func TestAccSchema_connected(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	has := func(output string, want knownvalue.Check) statecheck.StateCheck {
		return statecheck.ExpectKnownOutputValue(output, want)
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{{
			Config: header + service.app("") + `
data "provisioning_source_schema" "people" { source_id = provisioning_source.people.id }
data "provisioning_target_schema" "chat" { app_id = provisioning_app.chat.id }
locals {
  from = { for a in data.provisioning_source_schema.people.object_types[0].attributes : a.name => a }
  to   = { for a in data.provisioning_target_schema.chat.object_types[0].attributes : a.name => a }
}
output "types"    { value = [for t in data.provisioning_source_schema.people.object_types : t.name] }
output "alias"    { value = local.from["userPrincipalName"].alias_of }
output "own"      { value = local.from["email"].alias_of == null && contains(keys(local.from), "first_name") }
output "manager"  { value = local.from["manager"].references }
output "anchor"   { value = local.from["employee_id"].required }
output "userName" { value = [local.to["userName"].required, local.to["userName"].unique] }
output "groups"   { value = local.to["groups"].mutability }
output "emails"   { value = contains(local.to["emails"].sub_attributes[*].name, "value") && local.to["emails"].multi_valued }
`,
			ConfigStateChecks: []statecheck.StateCheck{
				has("types", knownvalue.TupleExact([]knownvalue.Check{knownvalue.StringExact("User"), knownvalue.StringExact("Group")})),
				has("alias", knownvalue.StringExact("email")), has("own", knownvalue.Bool(true)), has("anchor", knownvalue.Bool(true)),
				has("manager", knownvalue.ListExact([]knownvalue.Check{knownvalue.StringExact("User")})),
				has("userName", knownvalue.TupleExact([]knownvalue.Check{knownvalue.Bool(true), knownvalue.Bool(true)})),
				has("groups", knownvalue.StringExact("readOnly")), has("emails", knownvalue.Bool(true)),
			},
		}},
	})
}

// What a fixed engine tells arrives as it is, and what it does not tell as null
// or empty.
func TestAccSchema_told(t *testing.T) {
	t.Parallel()
	service := newFake(t)
	service.schema = directory.Schema{Types: []directory.ObjectType{{Name: "User", Attributes: []directory.Definition{
		{Name: "a", Type: directory.TypeComplex, Sub: []directory.Definition{{Name: "b", Type: directory.TypeBoolean, CaseExact: true}}},
	}}, {Name: "Desk"}}}
	attribute := tfjsonpath.New("object_types").AtSliceIndex(0).AtMapKey("attributes").AtSliceIndex(0)
	var checks []statecheck.StateCheck
	for _, address := range []string{"data.provisioning_source_schema.s", "data.provisioning_target_schema.t"} {
		for _, want := range []struct {
			path  tfjsonpath.Path
			value knownvalue.Check
		}{
			{tfjsonpath.New("object_types").AtSliceIndex(1).AtMapKey("attributes"), knownvalue.ListSizeExact(0)},
			{attribute.AtMapKey("alias_of"), knownvalue.Null()}, {attribute.AtMapKey("mutability"), knownvalue.Null()},
			{attribute.AtMapKey("references"), knownvalue.ListSizeExact(0)},
			{attribute.AtMapKey("sub_attributes").AtSliceIndex(0).AtMapKey("case_exact"), knownvalue.Bool(true)},
		} {
			checks = append(checks, statecheck.ExpectKnownValue(address, want.path, want.value))
		}
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{{
			Config: header + `
data "provisioning_source_schema" "s" { source_id = "s1" }
data "provisioning_target_schema" "t" { app_id = "a1" }`,
			ConfigStateChecks: checks,
		}},
	})
}

// A system that is not declared is an error.
func TestAccSchema_missing(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{Config: header + `data "provisioning_source_schema" "s" { source_id = "nothing" }`, ExpectError: regexp.MustCompile("Not found")},
			{Config: header + `data "provisioning_target_schema" "t" { app_id = "nothing" }`, ExpectError: regexp.MustCompile("Not found")},
		},
	})
}
