package provider

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

// whole is one of each resource, with most of what each can say.
func (u target) whole() string {
	return header + `
variable "secret" {
  type      = string
  ephemeral = true
  default   = "canary"
}
resource "provisioning_source" "people" {
  name = "people"
  file = {
    users  = { path = "testdata/people.csv", id = "employee_id", references = { manager = "manager_id" } }
    groups = { path = "testdata/groups.json", id = "id", members = "members" }
  }
  attributes = { userPrincipalName = "email", givenName = "first_name" }
}
resource "provisioning_credential" "chat" {
  name   = "chat"
  bearer = { token_wo = var.secret, token_wo_version = 3 }
}
resource "provisioning_app" "chat" {
  name                 = "chat"
  source_id            = provisioning_source.people.id
  template             = "scim"
  scope                = "assigned"
  scim                 = { base_url = "` + string(u) + `" }
  credential_id        = provisioning_credential.chat.id
  protected            = ["root"]
  labels               = { team = "a" }
}
resource "provisioning_attribute_mapping" "users" {
  app_id      = provisioning_app.chat.id
  object_type = "User"
  actions     = ["update", "create"]
  attributes = {
    "userName" = { source = "userPrincipalName", matching_precedence = 1 }
    "title"    = { source = "title", default = "Employee", when_null = "ignore" }
    "active"   = { expression = "Switch([IsSoftDeleted], , \"False\", \"True\", \"True\", \"False\")" }
  }
}
resource "provisioning_scoping_filter" "staff" {
  app_id      = provisioning_app.chat.id
  object_type = "User"
  name        = "staff/all"
  clauses = [
    { attribute = "employee_type", operator = "not_equals", value = "contractor" },
    { attribute = "email", operator = "is_not_null" },
  ]
}
resource "provisioning_assignment" "grace" {
  app_id = provisioning_app.chat.id
  user   = "grace@example.com"
  role   = "chief/admin"
}
resource "provisioning_job" "chat" {
  app_id               = provisioning_app.chat.id
  interval             = "60m"
  accidental_deletions = { threshold = 50 }
  deprovisioning       = { User = { deleted = "disable", grace_period = "7d" } }
  rate_limit           = { requests_per_second = 100.5 }
  log_retention        = "90d"
  restart_triggers     = { a = "1" }
  restart_scope        = ["watermark", "escrows"]
  wait_for             = "initial_cycle"
  timeouts             = { create = "5m", update = "5m" }
  revisions = [
    provisioning_source.people.revision, provisioning_app.chat.revision, provisioning_attribute_mapping.users.revision,
    provisioning_scoping_filter.staff.revision, provisioning_assignment.grace.revision,
  ]
}
`
}

// addresses are the resources of whole, each with its readable name.
var addresses = map[string]string{
	"provisioning_source.people": "people", "provisioning_credential.chat": "chat", "provisioning_app.chat": "chat",
	"provisioning_attribute_mapping.users": "chat/User", "provisioning_scoping_filter.staff": "chat/User/staff/all",
	"provisioning_assignment.grace": "chat/user/grace@example.com/chief%2Fadmin", "provisioning_job.chat": "chat",
}

// kindOf gives the kind of a resource's thing.
func kindOf(address string) config.Kind {
	name, _, _ := strings.Cut(strings.TrimPrefix(address, "provisioning_"), ".")
	return config.Kind(name)
}

// released forgets all resources of whole and destroys none.
func released() string {
	var out strings.Builder
	for address := range addresses {
		fmt.Fprintf(&out, "removed {\n  from = %s\n  lifecycle { destroy = false }\n}\n", address)
	}
	return header + out.String()
}

// imports declares an import of each resource of whole.
func imports(id func(address string) string) string {
	var out strings.Builder
	for address := range addresses {
		fmt.Fprintf(&out, "import {\n  to = %s\n  id = %q\n}\n", address, id(address))
	}
	return out.String()
}

// noOps expects that nothing is created, changed or destroyed.
func noOps() resource.ConfigPlanChecks {
	var checks []plancheck.PlanCheck
	for address := range addresses {
		checks = append(checks, plancheck.ExpectResourceAction(address, plancheck.ResourceActionNoop))
	}
	return plans(checks...)
}

// Each resource is imported by its readable name and by its id, with blocks and
// with the command, and plans empty then.
func TestAccImport(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	ids := map[string]string{}
	note := func() {
		for address := range addresses {
			things, err := service.List(t.Context(), kindOf(address), api.ListQuery{})
			if err != nil || len(things) != 1 {
				t.Fatalf("there are %d of %s: %v", len(things), address, err)
			}
			ids[address] = things[0].GetID()
		}
	}
	steps := []resource.TestStep{
		{Config: service.whole()},
		{PreConfig: note, Config: released()},
		{Config: service.whole() + imports(func(address string) string { return addresses[address] }), ConfigPlanChecks: noOps()},
		{Config: released()},
	}
	// Ids are digests of what is known beforehand.
	source := config.ID(config.Identity{Kind: config.KindSource, Name: "people"}, 1)
	app := config.ID(config.Identity{Kind: config.KindApp, Name: "chat"}, 1)
	known := map[string]string{
		"provisioning_source.people": source, "provisioning_app.chat": app,
		"provisioning_credential.chat": config.ID(config.Identity{Kind: config.KindCredential, Name: "chat"}, 1),
	}
	for _, thing := range []config.Thing{
		&config.Mapping{AppID: app, ObjectType: "User"}, &config.Filter{AppID: app, ObjectType: "User", Name: "staff/all"},
		&config.Assignment{AppID: app, User: "grace@example.com", Role: "chief/admin"}, &config.Job{AppID: app},
	} {
		for address := range addresses {
			if kindOf(address) == thing.Identity().Kind {
				known[address] = config.ID(thing.Identity(), 1)
			}
		}
	}
	steps = append(steps,
		resource.TestStep{Config: service.whole() + imports(func(address string) string { return known[address] }), ConfigPlanChecks: noOps()},
		resource.TestStep{Config: released()},
	)
	for _, address := range slices.Sorted(maps.Keys(addresses)) {
		steps = append(steps, resource.TestStep{
			Config: service.whole(), ResourceName: address, ImportState: true, ImportStateId: addresses[address], ImportStatePersist: true,
		})
	}
	steps = append(steps, resource.TestStep{Config: service.whole(), ConfigPlanChecks: noOps()})
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: factories(service), Steps: steps})
	for address, id := range ids {
		if id != known[address] {
			t.Errorf("the id of %s is %s, want %s", address, id, known[address])
		}
	}
}

// A name that is not there is refused with those that are.
func TestAccImport_unknown(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	steps := []resource.TestStep{{Config: service.whole()}}
	for address, name := range addresses {
		steps = append(steps, resource.TestStep{
			ResourceName: address, ImportState: true, ImportStateId: "nothing", ExpectError: says("has that id or name. There are:", fmt.Sprintf("%q", name)),
		})
	}
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: factories(service), Steps: steps})
}
