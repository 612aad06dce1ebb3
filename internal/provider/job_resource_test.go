package provider

import (
	"context"
	"errors"
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
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

const jobAddress = "provisioning_job.chat"

const otherAttributes = `{ "userName" = { source = "mail", matching_precedence = 1 } }`

func plans(checks ...plancheck.PlanCheck) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: checks}
}

func awaited(check knownvalue.Check) []statecheck.StateCheck {
	return []statecheck.StateCheck{statecheck.ExpectKnownValue(jobAddress, tfjsonpath.New("awaited_cycle"), check)}
}

// waitCounter counts the waits that an engine is asked for.
type waitCounter struct {
	*realEngine
	waits int
}

func (c *waitCounter) Wait(ctx context.Context, appID string, request api.WaitRequest, progress func(status.Progress)) (api.WaitResult, error) {
	c.waits++
	return c.realEngine.Wait(ctx, appID, request, progress)
}

func TestAccJob_waits(t *testing.T) {
	t.Parallel()
	service := &waitCounter{realEngine: newEngine(t)}
	waited := func(times int) resource.TestCheckFunc {
		return func(*terraform.State) error {
			if service.waits != times {
				t.Errorf("there were %d waits, want %d", service.waits, times)
			}
			return nil
		}
	}
	cycle := statecheck.CompareValue(compare.ValuesDiffer())
	another := func() []statecheck.StateCheck {
		return append(awaited(knownvalue.NotNull()), cycle.AddStateValue(jobAddress, tfjsonpath.New("awaited_cycle")))
	}
	wait := `wait_for = "initial_cycle"` + "\n"
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{
				Config:            service.job(twoAttributes, wait),
				ConfigPlanChecks:  plans(plancheck.ExpectUnknownValue(jobAddress, tfjsonpath.New("awaited_cycle")), plancheck.ExpectKnownValue(jobAddress, tfjsonpath.New("revisions"), knownvalue.SetSizeExact(3))),
				ConfigStateChecks: another(), Check: waited(1),
			},
			{ResourceName: jobAddress, ImportState: true, ImportStateId: "chat", ImportStateKind: resource.ImportBlockWithID},
			{ // an interval releases nothing
				Config:           service.job(twoAttributes, wait+`interval = "60s"`),
				ConfigPlanChecks: plans(plancheck.ExpectKnownValue(jobAddress, tfjsonpath.New("awaited_cycle"), knownvalue.NotNull())),
				Check:            waited(1),
			},
			{Config: service.job(twoAttributes, wait+`interval = "1m"`), ConfigPlanChecks: plans(plancheck.ExpectEmptyPlan())},
			{ // a mapping does
				Config:            service.job(otherAttributes, wait+`interval = "1m"`),
				ConfigPlanChecks:  plans(plancheck.ExpectUnknownValue(jobAddress, tfjsonpath.New("awaited_cycle"))),
				ConfigStateChecks: another(), Check: waited(2),
			},
			{Config: service.job(otherAttributes, wait+`enabled = false`), Check: waited(2)},
			{Config: service.job(otherAttributes, wait+`enabled = true`), Check: waited(3)},
			{Config: service.job(otherAttributes, wait+`restart_triggers = { when = "now" }`), ConfigStateChecks: another(), Check: waited(4)},
			{Config: service.job(twoAttributes, `wait_for = "none"`), Check: waited(4)},
			{ResourceName: jobAddress, ImportState: true, ImportStateId: "chat", ImportStateKind: resource.ImportBlockWithID},
			{PreConfig: forget(t, service, config.KindJob), Config: service.job(twoAttributes, "")},
		},
	})
}

func TestAccJob_everything(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{
				Config: service.job(twoAttributes, `
  enabled              = true
  interval             = "10m"
  accidental_deletions = { threshold = 50 }
  deprovisioning       = { User = { deleted = "delete", grace_period = "7d" }, Group = { members = "authoritative" } }
  rate_limit           = { requests_per_second = 2.5 }
  log_retention        = "90d"
  log_detail           = "all"
  restart_triggers     = { a = "1" }
  restart_scope        = ["escrows", "watermark"]
  wait_for             = "next_cycle"
  timeouts             = { create = "5m" }`),
				Check: func(*terraform.State) error {
					j := only[*config.Job](t, service, config.KindJob)
					if j.AccidentalDeletions["threshold"] != 50 || j.Deprovisioning["User"]["grace_period"] != "7d" || *j.RateLimit.RequestsPerSecond != 2.5 ||
						j.RateLimit.Concurrency != nil || j.Timeouts["create"] != "5m" || len(j.RestartScope) != 2 {
						t.Errorf("the engine has %+v", j)
					}
					return nil
				},
			},
			{ResourceName: jobAddress, ImportState: true, ImportStateId: "chat", ImportStateKind: resource.ImportBlockWithID},
			{Config: service.job(twoAttributes, "accidental_deletions = {}\n deprovisioning = {}\n restart_scope = []\n timeouts = {}\n rate_limit = {}")},
		},
	})
}

func TestAccJob_waitFails(t *testing.T) {
	t.Parallel()
	service := newFake(t)
	outcome := api.WaitResult{}
	var failure error
	service.wait = func(context.Context, api.WaitRequest, func(status.Progress)) (api.WaitResult, error) {
		return outcome, failure
	}
	wait := `wait_for = "initial_cycle"` + "\n"
	met := func(n int) []statecheck.StateCheck {
		return []statecheck.StateCheck{statecheck.ExpectKnownValue(jobAddress, tfjsonpath.New("revisions"), knownvalue.SetSizeExact(n))}
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{
				PreConfig:   func() { outcome.Reason, outcome.Advice = "the source cannot be read", "Correct the path." },
				Config:      service.job(twoAttributes, wait),
				ExpectError: says(`The initial cycle of app "chat" did not succeed`, "The source cannot be read.", "Correct the path.", "the next apply waits again"),
			},
			{
				PreConfig: func() {
					outcome = api.WaitResult{Succeeded: true, Cycle: status.Cycle{ID: "good"}, Warnings: []api.Warning{{Summary: "1 object failed", Detail: "Look."}}}
				},
				Config: service.job(twoAttributes, wait), ConfigStateChecks: append(awaited(knownvalue.StringExact("good")), met(3)...),
			},
			{
				PreConfig:   func() { failure = api.Errorf(api.CodeUnavailable, "The agent ended", "it was stopped") },
				Config:      service.job(otherAttributes, wait),
				ExpectError: says("The agent ended", "It was stopped."),
			},
			{ // what was not met is waited for again
				PreConfig:        func() { failure = nil },
				Config:           service.job(otherAttributes, wait),
				ConfigPlanChecks: plans(plancheck.ExpectResourceAction(jobAddress, plancheck.ResourceActionUpdate), plancheck.ExpectUnknownValue(jobAddress, tfjsonpath.New("awaited_cycle"))),
			},
		},
	})
}

func TestAccJob_timeout(t *testing.T) {
	t.Parallel()
	service := newFake(t)
	service.wait = func(ctx context.Context, _ api.WaitRequest, progress func(status.Progress)) (api.WaitResult, error) {
		progress(status.Progress{Phase: "users", Done: 340, Total: 1000, Counts: status.Counts{Created: 300, Failed: 40}, StartedAt: moment})
		<-ctx.Done()
		return api.WaitResult{}, errors.New("the connection was closed")
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{{
			Config: service.job(twoAttributes, `wait_for = "initial_cycle"`+"\n"+`timeouts = { create = "100ms" }`),
			ExpectError: says(`The initial cycle of app "chat" has not ended within 100ms`,
				"So far: users, 340 of 1000; 300 created, 0 updated, 0 disabled, 0 deleted, 0 skipped, 40 failed; begun at 2026-11-21T09:30:00Z.",
				"timeouts.create"),
		}},
	})
}

func TestAccJob_manualApp(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{{
			Config:   header + service.app(`mode = "manual"`) + `resource "provisioning_job" "chat" { app_id = provisioning_app.chat.id }`,
			PlanOnly: true, ExpectError: says(`App "chat" has no job`, `Set mode = "automatic"`),
		}},
	})
}

func TestAccJob_invalid(t *testing.T) {
	for name, test := range map[string]struct{ more, want string }{
		"negative interval":   {`interval = "-5m"`, `"-5m" is negative`},
		"short interval":      {`interval = "100ms"`, "under the shortest interval"},
		"no interval":         {`interval = "ten minutes"`, "is no duration"},
		"unknown limit":       {`accidental_deletions = { treshold = 50 }`, `accidental_deletions["treshold"]: "treshold" is no limit`},
		"unknown rule":        {`deprovisioning = { User = { deletd = "delete" } }`, `deprovisioning["User"]["deletd"]: "deletd" is no rule`},
		"unknown wait":        {`wait_for = "initial"`, "use none, initial_cycle or next_cycle"},
		"bad time-out":        {`timeouts = { create = "soon" }`, "timeouts.create:"},
		"no time":             {`timeouts = { update = "0s" }`, `wait_for = "none"`},
		"unknown restart":     {`restart_scope = ["everything"]`, "there are watermark, escrows, quarantine, links"},
		"too short retention": {`log_retention = "1h"`, "give 1d or more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: factories(newEngine(t)),
				Steps: []resource.TestStep{{
					Config:   header + "resource \"provisioning_job\" \"chat\" {\n  app_id = \"x\"\n" + test.more + "\n}",
					PlanOnly: true, ExpectError: says(test.want),
				}},
			})
		})
	}
}
