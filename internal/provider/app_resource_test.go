package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

// app is the source and an app with more attributes.
func app(more string) string {
	return people + `
resource "provisioning_app" "chat" {
  name      = "chat"
  source_id = provisioning_source.people.id
  template  = "scim"
  scim      = { base_url = "http://127.0.0.1:8080/scim/v2" }
  ` + more + `
}
`
}

func TestAccApp_lifecycle(t *testing.T) {
	service := newFake(t)
	const address = "provisioning_app.chat"
	updated := resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, plancheck.ResourceActionUpdate)}}
	sameRevision := statecheck.CompareValue(compare.ValuesSame())
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{
				Config: header + app(""),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectKnownValue(address, tfjsonpath.New("source_id"), knownvalue.StringExact(config.ID(config.Identity{Kind: config.KindSource, Name: "people"}, 1))),
					plancheck.ExpectKnownValue(address, tfjsonpath.New("id"), knownvalue.NotNull()),
				}},
				ConfigStateChecks: []statecheck.StateCheck{sameRevision.AddStateValue(address, tfjsonpath.New("revision"))},
			},
			{Config: header + app(`scope = "assigned"`+"\n"+`labels = { team = "a" }`), ConfigPlanChecks: updated, ConfigStateChecks: []statecheck.StateCheck{sameRevision.AddStateValue(address, tfjsonpath.New("revision"))}},
			{ResourceName: address, ImportState: true, ImportStateId: "chat", ImportStateKind: resource.ImportBlockWithID},
			{
				Config: header + app(`protected = ["root", "admin"]`+"\n"+`skip_test_connection = true`), ConfigPlanChecks: updated,
				Check: func(*terraform.State) error {
					if a := only[*config.App](t, service); len(a.Protected) != 2 || a.Protected[0] != "admin" || !a.SkipTestConnection {
						t.Errorf("the engine has %+v", a)
					}
					return nil
				},
			},
			{ResourceName: address, ImportState: true, ImportStateId: "chat", ImportStateKind: resource.ImportBlockWithID},
			{PreConfig: service.forget(config.KindApp), Config: header + app("")},
		},
	})
}

func TestAccApp_targetDown(t *testing.T) {
	service := newFake(t)
	service.refuse = func(thing config.Thing) error {
		if _, ok := thing.(*config.App); !ok {
			return nil
		}
		return &api.Error{
			Code: api.CodeConnectionFailed, Summary: `Cannot connect app "chat"`, Detail: "127.0.0.1:8080 refused the connection",
			Advice: "Start the app, or correct base_url.", Path: []string{"scim", "base_url"},
		}
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{{
			Config:      header + app(""),
			ExpectError: says(`Cannot connect app "chat"`, "scim.base_url: 127.0.0.1:8080 refused the connection.", "Start the app, or correct base_url."),
		}},
	})
}

func TestAccApp_sourceInUse(t *testing.T) {
	service := newFake(t)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{Config: header + app("")},
			{
				Config: header + `
resource "provisioning_app" "chat" {
  name      = "chat"
  source_id = "` + config.ID(config.Identity{Kind: config.KindSource, Name: "people"}, 1) + `"
  template  = "scim"
  scim      = { base_url = "http://127.0.0.1:8080/scim/v2" }
}`,
				ExpectError: says("It is in use", `App "chat" uses it.`),
			},
			{Config: header + app("")},
		},
	})
}

func TestAccApp_invalid(t *testing.T) {
	const address = "http://127.0.0.1/scim"
	for name, test := range map[string]struct{ template, more, want string }{
		"unknown template": {`"scimm"`, `scim = { base_url = "` + address + `" }`, `there are: scim`},
		"no connection":    {`"scim"`, ``, "Missing scim"},
		"plain http":       {`"scim"`, `scim = { base_url = "http://chat.example.com/scim" }`, "use https"},
		"no address":       {`"scim"`, `scim = { base_url = "chat" }`, "is no http or https address"},
		"unknown scope":    {`"scim"`, `scope = "some"` + "\n" + `scim = { base_url = "` + address + `" }`, "use assigned or all"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: factories(newFake(t)),
				Steps: []resource.TestStep{{
					Config: header + `resource "provisioning_app" "chat" {
  name      = "chat"
  source_id = "x"
  template  = ` + test.template + "\n" + test.more + "\n}",
					PlanOnly: true, ExpectError: says(test.want),
				}},
			})
		})
	}
}
