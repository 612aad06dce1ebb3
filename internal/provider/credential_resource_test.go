package provider

import (
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

func credential(block string) string {
	return header + `
variable "secret" {
  type      = string
  ephemeral = true
  default   = "canary-one"
}

resource "provisioning_credential" "chat" {
  name = "chat"
  ` + block + `
}
`
}

func TestAccCredential_rotation(t *testing.T) {
	service := newFake(t)
	holds := func(field, want string, sent int) resource.TestCheckFunc {
		return func(state *terraform.State) error {
			c := only[*config.Credential](t, service)
			if got := service.secrets[c.ID][field]; got != want || service.sent != sent {
				t.Errorf("the engine has %s %q after %d sendings, want %q after %d", field, got, service.sent, want, sent)
			}
			if text := state.String() + fmt.Sprint(state.RootModule().Resources["provisioning_credential.chat"].Primary.Attributes); says("canary").MatchString(text) {
				t.Error("the secret is in the state")
			}
			return nil
		}
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{
				Config: credential(`bearer = { token_wo = var.secret, token_wo_version = 1 }`),
				Check:  holds("token", "canary-one", 1),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue("provisioning_credential.chat", tfjsonpath.New("bearer").AtMapKey("token_wo"), knownvalue.Null()),
				},
			},
			{ // another value alone is not seen
				Config:           credential(`bearer = { token_wo = "canary-two", token_wo_version = 1 }`),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
				Check:            holds("token", "canary-one", 1),
			},
			{Config: credential(`bearer = { token_wo = "canary-two", token_wo_version = 2 }`), Check: holds("token", "canary-two", 2)},
			{ResourceName: "provisioning_credential.chat", ImportState: true, ImportStateId: "chat", ImportStateKind: resource.ImportBlockWithID},
			{Config: credential(`bearer = { token_ref = "env:CHAT_TOKEN" }`), Check: holds("token", "canary-two", 2)},
			{Config: credential(`basic = { username = "ada", password_wo = var.secret, password_wo_version = 2 }`), Check: holds("password", "canary-one", 3)},
			{ResourceName: "provisioning_credential.chat", ImportState: true, ImportStateId: "chat", ImportStateKind: resource.ImportBlockWithID},
		},
	})
}

func TestAccCredential_invalid(t *testing.T) {
	for name, test := range map[string]struct{ block, want string }{
		"none":                  {``, "Give exactly one of basic and bearer."},
		"two blocks":            {`bearer = { token_ref = "env:A" }` + "\n" + `basic = { username = "a", password_ref = "env:A" }`, "keep one of basic and bearer"},
		"no secret":             {`bearer = {}`, "Give either token_wo with token_wo_version, or token_ref."},
		"no version":            {`bearer = { token_wo = "canary" }`, "Add token_wo_version = 1"},
		"version alone":         {`bearer = { token_wo_version = 1 }`, "Add token_wo, or leave both out"},
		"value and reference":   {`bearer = { token_wo = "canary", token_ref = "env:A" }`, "keep one of them"},
		"version and reference": {`bearer = { token_wo_version = 1, token_ref = "env:A" }`, "not both"},
		"empty secret":          {`bearer = { token_wo = "", token_wo_version = 1 }`, "token_wo is an empty text"},
		"no reference":          {`bearer = { token_ref = "canary" }`, "Not a reference to a secret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: factories(newFake(t)),
				Steps:                    []resource.TestStep{{Config: credential(test.block), PlanOnly: true, ExpectError: says(test.want)}},
			})
		})
	}
}
