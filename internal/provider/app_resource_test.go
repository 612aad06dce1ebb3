package provider

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

func TestAccApp_lifecycle(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	const address = "provisioning_app.chat"
	updated := resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, plancheck.ResourceActionUpdate)}}
	sameRevision := statecheck.CompareValue(compare.ValuesSame())
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{
				Config: header + service.app(""),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectKnownValue(address, tfjsonpath.New("source_id"), knownvalue.StringExact(config.ID(config.Identity{Kind: config.KindSource, Name: "people"}, 1))),
					plancheck.ExpectKnownValue(address, tfjsonpath.New("id"), knownvalue.NotNull()),
				}},
				ConfigStateChecks: []statecheck.StateCheck{sameRevision.AddStateValue(address, tfjsonpath.New("revision"))},
			},
			{Config: header + service.app(`scope = "assigned"`+"\n"+`labels = { team = "a" }`), ConfigPlanChecks: updated, ConfigStateChecks: []statecheck.StateCheck{sameRevision.AddStateValue(address, tfjsonpath.New("revision"))}},
			{ResourceName: address, ImportState: true, ImportStateId: "chat", ImportStateKind: resource.ImportBlockWithID},
			{
				Config: header + service.app(`protected = ["root", "admin"]`+"\n"+`skip_test_connection = true`), ConfigPlanChecks: updated,
				Check: func(*terraform.State) error {
					if a := only[*config.App](t, service, config.KindApp); len(a.Protected) != 2 || a.Protected[0] != "admin" || !a.SkipTestConnection {
						t.Errorf("the engine has %+v", a)
					}
					return nil
				},
			},
			{ResourceName: address, ImportState: true, ImportStateId: "chat", ImportStateKind: resource.ImportBlockWithID},
			{PreConfig: forget(t, service, config.KindApp), Config: header + service.app("")},
		},
	})
}

// What answers at base_url decides: an app that is down, that refuses the
// credential, or that does not speak SCIM is not saved.
func TestAccApp_connectionFails(t *testing.T) {
	for name, test := range map[string]struct {
		handler http.Handler
		want    []string
	}{
		"down":        {nil, []string{"connection refused.", "Check base_url, and that this machine may connect to"}},
		"wrong token": {sampleapp.New(sampleapp.Options{Token: "another"}), []string{"401"}},
		"no SCIM": {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Write([]byte("<html>Welcome</html>"))
		}), []string{"what came is not SCIM", "Check base_url and the credential"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := newEngine(t)
			url := "http://127.0.0.1:1" // nobody listens there
			if test.handler != nil {
				server := httptest.NewServer(test.handler)
				t.Cleanup(server.Close)
				url = server.URL
			}
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: factories(service),
				Steps: []resource.TestStep{
					{Config: header + target(url).app(""), ExpectError: says(append([]string{`Cannot connect app "chat"`}, test.want...)...)},
					{Config: header + service.app("")},
				},
			})
		})
	}
}

func TestAccApp_sourceInUse(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{Config: header + service.app("")},
			{
				Config: header + `
resource "provisioning_app" "chat" {
  name      = "chat"
  source_id = "` + config.ID(config.Identity{Kind: config.KindSource, Name: "people"}, 1) + `"
  template  = "scim"
  scim      = { base_url = "` + string(service.target) + `" }
}`,
				ExpectError: says(`Source "people" is in use`, `It is used by app "chat".`, "Change or destroy those first."),
			},
			{Config: header + service.app("")},
		},
	})
}

func TestAccApp_invalid(t *testing.T) {
	const address = "http://127.0.0.1/scim"
	for name, test := range map[string]struct{ template, more, want string }{
		"unknown template": {`"scimm"`, `scim = { base_url = "` + address + `" }`, `there are: scim`},
		"no connection":    {`"scim"`, ``, "Missing scim"},
		"plain http":       {`"scim"`, `scim = { base_url = "http://chat.example.com/scim" }`, "use https"},
		"no address":       {`"scim"`, `scim = { base_url = "chat" }`, "scim.base_url:"},
		"unknown scope":    {`"scim"`, `scope = "some"` + "\n" + `scim = { base_url = "` + address + `" }`, "use assigned or all"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: factories(newEngine(t)),
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
