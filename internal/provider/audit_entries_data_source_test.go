package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
)

func TestAccAuditEntries(t *testing.T) {
	const address = "data.provisioning_audit_entries.skipped"
	service := newFake(t)
	title := "Engineer"
	service.entries = []audit.Entry{{
		ID: "01E", Time: moment, AppID: "a1", CycleID: "c1", Category: audit.Provisioning, Action: audit.Other, Status: audit.Skipped,
		Source: audit.Identity{Type: "User", ID: "4", DisplayName: "Edsger Dijkstra"}, Reason: "NotInScope", RecommendedAction: "Change the filter.",
		Steps:              []audit.Step{{Name: "EntrySynchronizationScoping", Type: audit.StepScoping, Status: audit.Skipped, Details: map[string]string{"Assigned": "True"}}},
		ModifiedProperties: []audit.Property{{Name: "title", New: &title}},
	}, {ID: "01F", Time: moment}}
	at := func(i int, names ...string) tfjsonpath.Path {
		p := tfjsonpath.New("entries").AtSliceIndex(i)
		for _, name := range names {
			p = p.AtMapKey(name)
		}
		return p
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{{
			Config: header + `
data "provisioning_audit_entries" "skipped" {
  app_id   = "a1"
  cycle_id = "c1"
  status   = "skipped"
  object   = "4"
  since    = "2026-11-21T11:30:00+02:00"
  limit    = 100
}`,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(address, at(0, "source", "display_name"), knownvalue.StringExact("Edsger Dijkstra")),
				statecheck.ExpectKnownValue(address, at(0, "target", "id"), knownvalue.Null()),
				statecheck.ExpectKnownValue(address, at(0, "reason"), knownvalue.StringExact("NotInScope")),
				statecheck.ExpectKnownValue(address, at(0, "modified_properties").AtSliceIndex(0).AtMapKey("old"), knownvalue.Null()),
				statecheck.ExpectKnownValue(address, at(0, "steps").AtSliceIndex(0).AtMapKey("details").AtMapKey("Assigned"), knownvalue.StringExact("True")),
				statecheck.ExpectKnownValue(address, at(1, "source", "type"), knownvalue.Null()),
				statecheck.ExpectKnownValue(address, at(1, "steps"), knownvalue.ListSizeExact(0)),
			},
			Check: func(*terraform.State) error {
				want := audit.Query{AppID: "a1", CycleID: "c1", Status: audit.Skipped, Object: "4", Since: moment, Limit: 100}
				got := service.queries[0]
				got.Since = got.Since.UTC()
				if got != want {
					t.Errorf("the query is %+v, want %+v", got, want)
				}
				return nil
			},
		}},
	})
}

func TestAccAuditEntries_invalid(t *testing.T) {
	for name, test := range map[string]struct{ query, want string }{
		"unknown status": {`status = "skiped"`, `Did you mean "skipped"?`},
		"unknown action": {`action = "remove"`, "staged_delete"},
		"no time":        {`since = "yesterday"`, "Write since in RFC 3339"},
		"no limit":       {`limit = 0`, "Give 1 to 10000 entries."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: factories(newFake(t)),
				Steps:                    []resource.TestStep{{Config: header + `data "provisioning_audit_entries" "x" { ` + test.query + ` }`, ExpectError: says(test.want)}},
			})
		})
	}
}
