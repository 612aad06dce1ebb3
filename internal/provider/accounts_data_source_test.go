package provider

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// Who has an account after a cycle, and by what.
func TestAccAccounts_cycle(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	const declared = `
resource "provisioning_assignment" "engineering" {
  app_id = provisioning_app.chat.id
  group  = "Engineering"
}
resource "provisioning_assignment" "grace" {
  app_id = provisioning_app.chat.id
  user   = "grace@example.com"
  role   = "admin"
}
resource "provisioning_job" "chat" {
  app_id   = provisioning_app.chat.id
  wait_for = "initial_cycle"
  revisions = [
    provisioning_source.people.revision, provisioning_app.chat.revision, provisioning_attribute_mapping.users.revision,
    provisioning_assignment.engineering.revision, provisioning_assignment.grace.revision,
  ]
}
data "provisioning_accounts" "all" {
  app_id      = provisioning_app.chat.id
  object_type = "User"
  depends_on  = [provisioning_job.chat]
}
data "provisioning_accounts" "grace" {
  person     = "GRACE@example.com"
  depends_on = [provisioning_job.chat]
}
data "provisioning_apps" "all" {
  depends_on = [provisioning_job.chat]
}
output "enabled" { value = [for a in data.provisioning_accounts.all.accounts : a.target.display_name if a.enabled] }
output "by" { value = [for a in data.provisioning_accounts.grace.accounts[0].assignments : "${a.by} ${a.name} ${a.role}"] }
output "cycle" { value = data.provisioning_accounts.grace.accounts[0].last_change.cycle_id == provisioning_job.chat.awaited_cycle }
output "apps" { value = [for app in data.provisioning_apps.all.apps : "${app.name} ${app.code} ${app.scope} ${app.managed["User"]}"] }
`
	grace := func(name string) tfjsonpath.Path { return tfjsonpath.New("accounts").AtSliceIndex(0).AtMapKey(name) }
	const address = "data.provisioning_accounts.grace"
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{
				Config: header + service.users("", twoAttributes) + declared,
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownOutputValue("by", knownvalue.ListExact([]knownvalue.Check{knownvalue.StringExact("user grace@example.com admin")})),
					statecheck.ExpectKnownOutputValue("cycle", knownvalue.Bool(true)),
					statecheck.ExpectKnownOutputValue("enabled", knownvalue.ListSizeExact(4)),
					statecheck.ExpectKnownOutputValue("apps", knownvalue.ListExact([]knownvalue.Check{knownvalue.StringExact("chat active assigned 4")})),
					statecheck.ExpectKnownValue(address, grace("state"), knownvalue.StringExact("active")),
					statecheck.ExpectKnownValue(address, grace("linked_by"), knownvalue.StringExact("create")),
					statecheck.ExpectKnownValue(address, grace("linked_at"), knownvalue.NotNull()),
					statecheck.ExpectKnownValue(address, grace("since"), knownvalue.Null()),
				},
			},
			{Config: header + service.users("", twoAttributes) + declared, ConfigPlanChecks: plans(plancheck.ExpectEmptyPlan())},
		},
	})
}

// Before there is a job: whose accounts are in the app?
func TestAccAccounts_unmatched(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	const address = "data.provisioning_accounts.before"
	at := func(names ...any) tfjsonpath.Path {
		p := tfjsonpath.New("unmatched")
		for _, name := range names {
			switch name := name.(type) {
			case string:
				p = p.AtMapKey(name)
			case int:
				p = p.AtSliceIndex(name)
			}
		}
		return p
	}
	answer, err := http.Post(string(service.target)+"/Users", "application/scim+json",
		strings.NewReader(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"grace@old.example.com"}`))
	if err != nil || answer.StatusCode != http.StatusCreated {
		t.Fatal(answer, err)
	}
	answer.Body.Close()
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{{
			Config: header + service.app(`scope = "all"`) + `
data "provisioning_accounts" "before" {
  app_id            = provisioning_app.chat.id
  include_unmatched = true
}`,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(address, tfjsonpath.New("accounts"), knownvalue.ListSizeExact(0)),
				statecheck.ExpectKnownValue(address, at("listed"), knownvalue.Int64Exact(1)),
				statecheck.ExpectKnownValue(address, at("complete"), knownvalue.Bool(true)),
				statecheck.ExpectKnownValue(address, at("accounts", 0, "matching"), knownvalue.StringExact("grace@old.example.com")),
				statecheck.ExpectKnownValue(address, at("accounts", 0, "near", 0, "display_name"), knownvalue.StringExact("Grace")),
				statecheck.ExpectKnownValue(address, at("accounts", 0, "near", 0, "because"), knownvalue.StringExact("the same user name at another domain")),
				statecheck.ExpectKnownValue(address, at("doubtful"), knownvalue.ListSizeExact(1)),
			},
		}},
	})
	if n := len(service.accounts.Users()); n != 1 {
		t.Errorf("the app has %d users", n)
	}
}

// What a fixed engine tells arrives as it is.
func TestAccAccounts(t *testing.T) {
	t.Parallel()
	const address = "data.provisioning_accounts.some"
	service := newFake(t)
	service.accounts = []status.Account{
		{
			AppID: "a1", AppName: "chat", ObjectType: "User", Source: status.AccountEnd{ID: "4", DisplayName: "Edsger"}, Target: status.AccountEnd{ID: "04", DisplayName: "edsger@example.com"},
			State: status.AccountEscrowed, Enabled: true, Reason: "EntryConflict", Detail: "The name is taken.", Since: moment, NextAttempt: moment, Protected: true,
			LinkedAt: moment, LinkedBy: status.LinkedByMatch, Assignments: []status.AccountAssignment{{ID: "gone"}, {By: "all"}},
			LastChange: &status.AccountChange{At: moment, Action: "update"},
		},
		{AppID: "a1", AppName: "chat", ObjectType: "User"}, {AppID: "a2", AppName: "wiki", ObjectType: "User"},
	}
	at := func(i int, names ...string) tfjsonpath.Path {
		p := tfjsonpath.New("accounts").AtSliceIndex(i)
		for _, name := range names {
			p = p.AtMapKey(name)
		}
		return p
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{{
			Config: header + `
data "provisioning_accounts" "some" {
  app_id      = "a1"
  person      = "Edsger"
  object_type = "User"
  state       = "escrowed"
  limit       = 2
}
data "provisioning_accounts" "all" {}`,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(address, at(0, "target", "display_name"), knownvalue.StringExact("edsger@example.com")),
				statecheck.ExpectKnownValue(address, at(0, "reason"), knownvalue.StringExact("EntryConflict")),
				statecheck.ExpectKnownValue(address, at(0, "next_attempt_at"), knownvalue.StringExact("2026-11-21T09:30:00Z")),
				statecheck.ExpectKnownValue(address, at(0, "protected"), knownvalue.Bool(true)),
				statecheck.ExpectKnownValue(address, at(0, "last_change", "cycle_id"), knownvalue.Null()),
				statecheck.ExpectKnownValue(address, at(0, "assignments").AtSliceIndex(0).AtMapKey("by"), knownvalue.Null()),
				statecheck.ExpectKnownValue(address, at(1, "last_change", "at"), knownvalue.Null()),
				statecheck.ExpectKnownValue(address, at(1, "assignments"), knownvalue.ListSizeExact(0)),
				statecheck.ExpectKnownValue(address, tfjsonpath.New("accounts"), knownvalue.ListSizeExact(2)),
				statecheck.ExpectKnownValue(address, tfjsonpath.New("complete"), knownvalue.Bool(false)),
				statecheck.ExpectKnownValue(address, tfjsonpath.New("unmatched"), knownvalue.Null()),
				statecheck.ExpectKnownValue("data.provisioning_accounts.all", tfjsonpath.New("complete"), knownvalue.Bool(true)),
			},
			Check: func(*terraform.State) error {
				for _, want := range []status.AccountQuery{{AppID: "a1", Person: "Edsger", ObjectType: "User", State: status.AccountEscrowed, Limit: 3}, {Limit: 1001}} {
					found := false
					for _, got := range service.asked {
						found = found || got == want
					}
					if !found {
						t.Errorf("%+v was not asked, but %+v", want, service.asked)
					}
				}
				return nil
			},
		}},
	})
}

func TestAccAccounts_invalid(t *testing.T) {
	for name, test := range map[string]struct{ query, want string }{
		"unknown state": {`state = "hold"`, `Did you mean "held"?`},
		"no limit":      {`limit = 0`, "Give 1 to 100000 accounts."},
		"no app":        {`include_unmatched = true`, "add app_id"},
		"gone app":      {`app_id = "nobodys"`, "there is no such app"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: factories(newEngine(t)),
				Steps:                    []resource.TestStep{{Config: header + `data "provisioning_accounts" "x" { ` + test.query + ` }`, ExpectError: says(test.want)}},
			})
		})
	}
}

// What a fixed engine has of apps arrives with its defaults, by name.
func TestAccApps(t *testing.T) {
	t.Parallel()
	const address = "data.provisioning_apps.all"
	service := newFake(t)
	for _, app := range []*config.App{
		{Name: "wiki", SourceID: "s1", Template: "scim", Mode: config.Manual, Scope: config.ScopeAll, CredentialID: "c1", Labels: map[string]string{"team": "docs"}, SCIM: &config.SCIMConnection{BaseURL: string(nowhere)}},
		{Name: "chat", SourceID: "s1", Template: "scim", SCIM: &config.SCIMConnection{BaseURL: string(nowhere)}},
	} {
		if _, err := service.Create(t.Context(), app, nil); err != nil {
			t.Fatal(err)
		}
	}
	service.status = func(appID string) status.Job {
		return status.Job{AppID: appID, JobID: "j1", Code: status.Quarantine, Managed: map[string]int64{"User": 3}}
	}
	at := func(i int, name string) tfjsonpath.Path { return tfjsonpath.New("apps").AtSliceIndex(i).AtMapKey(name) }
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{{
			Config: header + `data "provisioning_apps" "all" {}`,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(address, at(0, "name"), knownvalue.StringExact("chat")),
				statecheck.ExpectKnownValue(address, at(0, "mode"), knownvalue.StringExact("automatic")),
				statecheck.ExpectKnownValue(address, at(0, "scope"), knownvalue.StringExact("assigned")),
				statecheck.ExpectKnownValue(address, at(0, "credential_id"), knownvalue.Null()),
				statecheck.ExpectKnownValue(address, at(0, "labels"), knownvalue.MapSizeExact(0)),
				statecheck.ExpectKnownValue(address, at(1, "mode"), knownvalue.StringExact("manual")),
				statecheck.ExpectKnownValue(address, at(1, "labels"), knownvalue.MapExact(map[string]knownvalue.Check{"team": knownvalue.StringExact("docs")})),
				statecheck.ExpectKnownValue(address, at(1, "code"), knownvalue.StringExact("quarantine")),
				statecheck.ExpectKnownValue(address, at(1, "managed").AtMapKey("User"), knownvalue.Int64Exact(3)),
			},
		}},
	})
}
