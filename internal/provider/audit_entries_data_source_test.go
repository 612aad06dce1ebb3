package provider

import (
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
)

// The log of a cycle: who got an account, and who did not, and why.
func TestAccAuditEntries_cycle(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	const declared = `
resource "provisioning_assignment" "grace" {
  app_id = provisioning_app.chat.id
  user   = "grace@example.com"
}
resource "provisioning_scoping_filter" "staff" {
  app_id      = provisioning_app.chat.id
  object_type = "User"
  name        = "staff"
  clauses     = [{ attribute = "department", operator = "equals", value = "Board" }]
}
resource "provisioning_assignment" "engineering" {
  app_id = provisioning_app.chat.id
  group  = "Engineering"
}
resource "provisioning_job" "chat" {
  app_id   = provisioning_app.chat.id
  wait_for = "initial_cycle"
  revisions = [
    provisioning_source.people.revision, provisioning_app.chat.revision, provisioning_scoping_filter.staff.revision,
    provisioning_assignment.grace.revision, provisioning_assignment.engineering.revision, provisioning_attribute_mapping.users.revision,
  ]
}
data "provisioning_audit_entries" "success" {
  app_id   = provisioning_app.chat.id
  cycle_id = provisioning_job.chat.awaited_cycle
  category = "provisioning"
  status   = "success"
}
data "provisioning_audit_entries" "skipped" {
  app_id   = provisioning_app.chat.id
  cycle_id = provisioning_job.chat.awaited_cycle
  status   = "skipped"
}
output "success" { value = [for entry in data.provisioning_audit_entries.success.entries : "${entry.action} ${entry.source.display_name}" if entry.source.type == "User"] }
output "skipped" { value = [for entry in data.provisioning_audit_entries.skipped.entries : entry.reason if entry.source.type == "User"] }
`
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{{
			Config: header + service.users("", twoAttributes) + declared,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownOutputValue("success", knownvalue.ListExact([]knownvalue.Check{knownvalue.StringExact("create Grace")})),
				statecheck.ExpectKnownOutputValue("skipped", knownvalue.ListExact(slices.Repeat([]knownvalue.Check{knownvalue.StringExact("NotInScope")}, 4))),
			},
		}},
	})
	if users := service.accounts.Users(); len(users) != 1 || users[0].Name != "grace@example.com" {
		t.Errorf("the app has %+v, want Grace alone", users)
	}
}

// What a fixed engine tells arrives as it is.
func TestAccAuditEntries(t *testing.T) {
	t.Parallel()
	const address = "data.provisioning_audit_entries.skipped"
	service := newFake(t)
	title := "Engineer"
	service.entries = []audit.Entry{{
		ID: "01E", Time: moment, AppID: "a1", CycleID: "c1", Category: audit.Provisioning, Action: audit.Other, Status: audit.Skipped,
		Source: audit.Identity{Type: "User", ID: "4", DisplayName: "Edsger Dijkstra"}, Reason: "NotInScope", RecommendedAction: "Change the filter.",
		Steps:              []audit.Step{{Name: "EntrySynchronizationScoping", Type: audit.StepScoping, Status: audit.Skipped, Details: audit.Details{{Name: "Assigned", Value: "True"}}}},
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
				ProtoV6ProviderFactories: factories(newEngine(t)),
				Steps:                    []resource.TestStep{{Config: header + `data "provisioning_audit_entries" "x" { ` + test.query + ` }`, ExpectError: says(test.want)}},
			})
		})
	}
}
