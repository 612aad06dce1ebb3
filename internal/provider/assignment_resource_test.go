package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

const graceAddress = "provisioning_assignment.grace"

func grace(whom string) string {
	return header + app("") + `
resource "provisioning_assignment" "grace" {
  app_id = provisioning_app.chat.id
  ` + whom + `
}
`
}

func TestAccAssignment_lifecycle(t *testing.T) {
	service := newFake(t)
	replaced := resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
		plancheck.ExpectResourceAction(graceAddress, plancheck.ResourceActionReplace),
	}}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{Config: grace(`user = "grace@example.com"`)},
			{ResourceName: graceAddress, ImportState: true, ImportStateId: "chat/user/grace@example.com", ImportStateKind: resource.ImportBlockWithID},
			{Config: grace(`group = "Engineering"` + "\n" + `role = "admin"`), ConfigPlanChecks: replaced},
			{ResourceName: graceAddress, ImportState: true, ImportStateId: "chat/group/Engineering/admin", ImportStateKind: resource.ImportBlockWithID},
			{PreConfig: service.forget(config.KindAssignment), Config: grace(`user = "1"`)},
		},
	})
}

func TestAccAssignment_nobody(t *testing.T) {
	service := newFake(t)
	service.refuse = func(thing config.Thing) error {
		if _, ok := thing.(*config.Assignment); !ok {
			return nil
		}
		return &api.Error{Code: api.CodeInvalid, Summary: `Cannot assign user "nobody"`, Detail: `source "people" has no such user`,
			Advice: "Give the id, user name or mail of a user in the source.", Path: []string{"user"}}
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{{
			Config:      grace(`user = "nobody"`),
			ExpectError: says(`Cannot assign user "nobody"`, `user = "nobody"`, `Source "people" has no such user.`),
		}},
	})
}

func TestAccAssignment_invalid(t *testing.T) {
	for name, test := range map[string]struct{ whom, want string }{
		"nobody": {``, "Give exactly one of group and user."},
		"both":   {`user = "a"` + "\n" + `group = "b"`, "keep one of group and user"},
		"empty":  {`user = ""`, "Give exactly one of user and group."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: factories(newFake(t)),
				Steps:                    []resource.TestStep{{Config: grace(test.whom), PlanOnly: true, ExpectError: says(test.want)}},
			})
		})
	}
}
