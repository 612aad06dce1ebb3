package provider

import (
	"errors"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

// The data source and the function tell the same, and neither reaches an agent.
func TestAccAppTemplate(t *testing.T) {
	t.Parallel()
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factoriesOf(failing(errors.New("no agent may be started"))),
		Steps: []resource.TestStep{
			{
				Config: header + `
data "provisioning_app_template" "scim" { name = "scim" }
output "same" {
  value = jsonencode(data.provisioning_app_template.scim) == jsonencode(provider::provisioning::template("scim"))
}
output "match" {
  value = data.provisioning_app_template.scim.mappings["User"].attributes["userName"].matching_precedence
}`,
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownOutputValue("same", knownvalue.Bool(true)),
					statecheck.ExpectKnownOutputValue("match", knownvalue.Int64Exact(1)),
				},
			},
		},
	})
}

func TestAccAppTemplate_unknown(t *testing.T) {
	t.Parallel()
	for name, declared := range map[string]string{
		"data source": `data "provisioning_app_template" "x" { name = "slak" }`,
		"function":    `output "x" { value = provider::provisioning::template("slak") }`,
	} {
		t.Run(name, func(t *testing.T) {
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: factories(nil),
				Steps:                    []resource.TestStep{{Config: header + declared, ExpectError: says(`There is no template "slak"; there are: scim`)}},
			})
		})
	}
}
