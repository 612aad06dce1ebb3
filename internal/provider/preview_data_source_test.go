package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// A preview tells what a cycle would do, and does nothing.
func TestAccPreview_dryRun(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	// Six people, one of them without the mail that the template's match needs.
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{{
			Config: header + service.app(`scope = "all"`) + `
data "provisioning_preview" "chat" { app_id = provisioning_app.chat.id }
output "users" { value = length([for change in data.provisioning_preview.chat.changes : change if change.type == "User" && change.action == "create"]) }`,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownOutputValue("users", knownvalue.Int64Exact(5)),
			},
		}},
	})
	if n := service.accounts.Len(sampleapp.User); n != 0 {
		t.Errorf("the app has %d users after a preview", n)
	}
}

// What a fixed engine tells arrives as it is.
func TestAccPreview(t *testing.T) {
	t.Parallel()
	service := newFake(t)
	old := "Engineer"
	service.preview = status.Preview{
		Counts: status.Counts{Updated: 1}, More: 2, OpenDoors: []string{"no filter"},
		Changes: []status.Change{{Action: "update", Type: "User", Anchor: "2", Source: "Ada Lovelace", Target: "t2", Details: []status.Property{{Name: "title", Old: &old}}}},
	}
	check := func(want knownvalue.Check, path tfjsonpath.Path) statecheck.StateCheck {
		return statecheck.ExpectKnownValue("data.provisioning_preview.chat", path, want)
	}
	change := tfjsonpath.New("changes").AtSliceIndex(0)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{{
			Config: header + `data "provisioning_preview" "chat" { app_id = "a1" }`,
			ConfigStateChecks: []statecheck.StateCheck{
				check(knownvalue.Int64Exact(1), tfjsonpath.New("updated")), check(knownvalue.Int64Exact(0), tfjsonpath.New("created")),
				check(knownvalue.StringExact("Ada Lovelace"), change.AtMapKey("source")), check(knownvalue.Bool(false), change.AtMapKey("held")),
				check(knownvalue.Null(), change.AtMapKey("modified_properties").AtSliceIndex(0).AtMapKey("new")),
				check(knownvalue.Int64Exact(2), tfjsonpath.New("more")), check(knownvalue.ListSizeExact(1), tfjsonpath.New("open_doors")),
			},
		}},
	})
}
