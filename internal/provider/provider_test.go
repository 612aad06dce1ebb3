package provider

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
)

// Every schema is one that the protocol can carry.
func TestProvider_schemas(t *testing.T) {
	server, err := providerserver.NewProtocol6WithError(New("test", failing(nil))())()
	if err != nil {
		t.Fatal(err)
	}
	schemas, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range schemas.Diagnostics {
		t.Errorf("%s: %s", d.Summary, d.Detail)
	}
	for name, resource := range schemas.ResourceSchemas {
		for _, attribute := range resource.Block.Attributes {
			if attribute.Description == "" {
				t.Errorf("%s.%s has no description", name, attribute.Name)
			}
		}
	}
}

func TestAccProvider_dataDir(t *testing.T) {
	var reached []string
	service := newFake(t)
	connect := func(_ context.Context, options Options) (api.Service, error) {
		reached = append(reached, options.DataDir)
		return service, nil
	}
	t.Setenv(dataDirVariable, "/from/environment")
	last := func(want string) resource.TestCheckFunc {
		return func(*terraform.State) error {
			if got := reached[len(reached)-1]; got != want {
				t.Errorf("the engine of %q was reached, want %q", got, want)
			}
			return nil
		}
	}
	relative, err := filepath.Abs("here")
	if err != nil {
		t.Fatal(err)
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factoriesOf(connect),
		Steps: []resource.TestStep{
			{Config: header + people, Check: last("/from/environment")},
			{Config: header + `provider "provisioning" { data_dir = "here" }` + people, Check: last(relative)},
			{Config: header + `provider "provisioning" { data_dir = "" }` + people, ExpectError: says("Empty data_dir")},
			{Config: header + people},
		},
	})
}

// A data directory that is not known when planning leaves ids unknown.
func TestAccProvider_unknown(t *testing.T) {
	t.Parallel()
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(newFake(t)),
		Steps: []resource.TestStep{{
			Config: header + `
resource "terraform_data" "dir" { input = "/later" }
provider "provisioning" { data_dir = terraform_data.dir.output }
` + people,
			ConfigPlanChecks: plans(plancheck.ExpectUnknownValue("provisioning_source.people", tfjsonpath.New("id"))),
		}},
	})
}

// Validation and functions reach no engine.
func TestAccProvider_startsNothing(t *testing.T) {
	t.Parallel()
	connect := func(context.Context, Options) (api.Service, error) {
		t.Error("an agent would be started")
		return nil, errUnknownAgent
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factoriesOf(connect),
		Steps:                    []resource.TestStep{{Config: header + `output "x" { value = provider::provisioning::in_scope([], {}) }`}},
	})
}
