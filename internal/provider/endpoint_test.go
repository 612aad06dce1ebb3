package provider

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent/client"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
)

const elsewhere = "https://agent.example.com:8443"

// remoteSource is a source whose file is on the agent's machine alone.
func remoteSource(path string) string {
	return `
resource "provisioning_source" "people" {
  name = "people"
  file = { users = { path = "` + path + `", id = "id" } }
}
`
}

// TestAccProvider_endpoint leads to the endpoint that is written, else to that
// of the environment.
func TestAccProvider_endpoint(t *testing.T) {
	var reached Options
	service := newFake(t)
	connect := func(_ context.Context, options Options) (api.Service, error) {
		reached = options
		return service, nil
	}
	t.Setenv(client.TokenVariable, "from-environment")
	check := func(url, token, dir string) func() {
		return func() {
			if reached.Endpoint.URL != url || reached.Endpoint.Token != token || reached.DataDir != dir {
				t.Errorf("reached %+v, want %q with %q, or %q", reached, url, token, dir)
			}
		}
	}
	t.Setenv(client.EndpointVariable, elsewhere)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factoriesOf(connect),
		Steps: []resource.TestStep{
			{Config: header + remoteSource("/only/there.csv")},
			{PreConfig: check(elsewhere, "from-environment", ""), Config: header + `
provider "provisioning" {
  endpoint = "https://other.example.com"
  token    = "written"
}
` + remoteSource("/only/there.csv")},
			{PreConfig: check("https://other.example.com", "written", ""), Config: header + `provider "provisioning" { data_dir = "/here" }` + remoteSource("/only/there.csv")},
			{PreConfig: check("", "", "/here"), Config: header + remoteSource("there.csv"), ExpectError: says("Relative path", "absolute path that the file has there")},
			{
				Config: header + strings.Replace(remoteSource("/only/there.csv"), "file = {",
					`file = { objects = { Device = { path = "devices.csv", id = "id" } },`, 1),
				ExpectError: says(`file.objects["Device"].path`, `"devices.csv" is relative to where Terraform runs`),
			},
			{Config: header + remoteSource("/only/there.csv")},
		},
	})
}

// TestAccProvider_endpointUnknown: a token that is not known when planning
// leaves ids unknown.
func TestAccProvider_endpointUnknown(t *testing.T) {
	t.Parallel()
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(newFake(t)),
		Steps: []resource.TestStep{{
			Config: header + `
resource "terraform_data" "token" { input = "later" }
provider "provisioning" {
  endpoint = "` + elsewhere + `"
  token    = terraform_data.token.output
}
` + remoteSource("/only/there.csv"),
			ConfigPlanChecks: plans(plancheck.ExpectUnknownValue("provisioning_source.people", tfjsonpath.New("id"))),
		}},
	})
}

// TestAccProvider_endpointOnce asks an endpoint that cannot be reached once, not
// once a resource: each time could take as long as a time-out.
func TestAccProvider_endpointOnce(t *testing.T) {
	t.Parallel()
	calls := 0
	connect := func(context.Context, Options) (api.Service, error) {
		calls++
		return nil, errors.New("no route to host")
	}
	more := ""
	for _, name := range []string{"a", "b", "c"} {
		more += `
resource "provisioning_source" "` + name + `" {
  name = "` + name + `"
  file = { users = { path = "/only/there.csv", id = "id" } }
}
`
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factoriesOf(connect),
		Steps: []resource.TestStep{{
			Config: header + `
provider "provisioning" {
  endpoint = "` + elsewhere + `"
  token    = "x"
}
` + more, PlanOnly: true, ExpectError: says("No route to host"),
		}},
	})
	if calls != 1 {
		t.Errorf("it was asked %d times", calls)
	}
}
