package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// Before the first cycle nearly all is null; after it, what it did is told.
func TestAccStatus_cycle(t *testing.T) {
	t.Parallel()
	const address = "data.provisioning_status.chat"
	service := newEngine(t)
	at := tfjsonpath.New[string]
	state := statecheck.ExpectKnownValue
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{
				Config: header + service.app("") + `data "provisioning_status" "chat" { app_id = provisioning_app.chat.id }`,
				ConfigStateChecks: []statecheck.StateCheck{
					state(address, at("code"), knownvalue.StringExact("not_run")), state(address, at("first_cycle").AtMapKey("id"), knownvalue.Null()),
				},
			},
			{
				Config: service.job(twoAttributes, `wait_for = "initial_cycle"`) + `
data "provisioning_status" "chat" {
  app_id     = provisioning_app.chat.id
  depends_on = [provisioning_job.chat]
}`,
				ConfigStateChecks: []statecheck.StateCheck{
					state(address, at("code"), knownvalue.StringExact("active")),
					state(address, at("first_cycle").AtMapKey("kind"), knownvalue.StringExact("initial")),
					state(address, at("first_cycle").AtMapKey("ended_at"), knownvalue.NotNull()),
					state(address, at("configuration").AtMapKey("released"), knownvalue.NotNull()),
					state(address, at("quarantine"), knownvalue.Null()),
				},
			},
		},
	})
}

// What a fixed engine tells arrives as it is.
func TestAccStatus(t *testing.T) {
	t.Parallel()
	const address = "data.provisioning_status.chat"
	const declared = header + `data "provisioning_status" "chat" { app_id = "a1" }
output "created" { value = data.provisioning_status.chat.first_cycle.created }`
	at := func(name string, more ...string) tfjsonpath.Path {
		p := tfjsonpath.New(name)
		for _, m := range more {
			p = p.AtMapKey(m)
		}
		return p
	}
	expect := func(check knownvalue.Check, name string, more ...string) statecheck.StateCheck {
		return statecheck.ExpectKnownValue(address, at(name, more...), check)
	}
	service := newFake(t)
	null := knownvalue.Null()
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{
				Config: declared,
				ConfigStateChecks: []statecheck.StateCheck{
					expect(knownvalue.StringExact("not_run"), "code"), expect(null, "quarantine"), expect(null, "progress"), expect(null, "checked_at"),
					expect(null, "last_cycle", "id"), expect(null, "first_cycle", "created"), expect(null, "last_successful_cycle", "started_at"),
					expect(knownvalue.MapSizeExact(0), "managed"), expect(knownvalue.ListSizeExact(0), "held_removals"),
					expect(null, "configuration", "released"), expect(knownvalue.ListSizeExact(0), "configuration", "pending"),
				},
			},
			{
				PreConfig: func() {
					service.status = func(appID string) status.Job {
						cycle := &status.Cycle{ID: "c1", Kind: status.Initial, State: status.EntryErrors, StartedAt: moment, EndedAt: moment, Counts: status.Counts{Created: 4, Skipped: 2}}
						return status.Job{
							AppID: appID, Code: status.Quarantine, FirstCycle: cycle, LastCycle: cycle, CheckedAt: moment,
							Quarantine: &status.QuarantineRecord{Reason: "Unauthorized", Message: "401", Since: moment, SeriesCount: 2, NextAttempt: moment},
							Progress:   &status.Progress{CycleID: "c2", Kind: status.Incremental, Phase: "users", Done: 3, StartedAt: moment},
							Managed:    map[string]int64{"User": 3, "Group": 1}, Escrowed: 1,
							HeldRemovals:  []status.HeldRemovals{{Digest: "d", Count: 9, Reason: "threshold", Since: moment, Examples: []string{"Ada"}}},
							Configuration: status.Configuration{Released: "r", Pending: []string{"User mapping x"}},
						}
					}
				},
				Config: declared,
				ConfigStateChecks: []statecheck.StateCheck{
					expect(knownvalue.StringExact("2026-11-21T09:30:00Z"), "first_cycle", "started_at"), expect(knownvalue.Int64Exact(4), "first_cycle", "created"),
					expect(null, "first_cycle", "reason"), expect(null, "last_successful_cycle", "id"), expect(knownvalue.Int64Exact(3), "managed", "User"),
					expect(null, "progress", "total"), expect(knownvalue.Int64Exact(2), "quarantine", "series_count"),
					statecheck.ExpectKnownValue(address, tfjsonpath.New("held_removals").AtSliceIndex(0).AtMapKey("examples"), knownvalue.ListExact([]knownvalue.Check{knownvalue.StringExact("Ada")})),
					statecheck.ExpectKnownOutputValue("created", knownvalue.Int64Exact(4)),
				},
			},
		},
	})
}

func TestAccStatus_agentCannotStart(t *testing.T) {
	for name, err := range map[string]*api.Error{
		"newer store":   {Code: api.CodeIncompatible, Summary: "The data directory is of a newer version", Detail: "schema 9 of /data is newer than 3", Advice: "Install version 2.0 or newer."},
		"corrupt store": {Code: api.CodeInternal, Summary: "The store is corrupt", Detail: "/data/store.db does not begin as a store", Advice: "Bring it back with \"agent restore\"."},
		"no agent":      {Code: api.CodeUnavailable, Summary: "The agent cannot start", Detail: "/data: permission denied", Advice: "Let this user write there."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: factoriesOf(failing(err)),
				Steps: []resource.TestStep{
					{Config: header + `data "provisioning_status" "chat" { app_id = "a1" }`, ExpectError: says(err.Summary, err.Detail[1:], err.Advice)},
					{Config: header + people, PlanOnly: true, ExpectError: says(err.Summary, err.Detail[1:], err.Advice)},
				},
			})
		})
	}
}
