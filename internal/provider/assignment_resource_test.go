package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

const graceAddress = "provisioning_assignment.grace"

func TestAccAssignment_lifecycle(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	replaced := resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
		plancheck.ExpectResourceAction(graceAddress, plancheck.ResourceActionReplace),
	}}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{Config: service.grace(`user = "grace@example.com"`)},
			{ResourceName: graceAddress, ImportState: true, ImportStateId: "chat/user/grace@example.com", ImportStateKind: resource.ImportBlockWithID},
			{Config: service.grace(`group = "Engineering"` + "\n" + `role = "admin"`), ConfigPlanChecks: replaced},
			{ResourceName: graceAddress, ImportState: true, ImportStateId: "chat/group/Engineering/admin", ImportStateKind: resource.ImportBlockWithID},
			{PreConfig: forget(t, service, config.KindAssignment), Config: service.grace(`user = "1"`)},
		},
	})
}

func TestAccAssignment_nobody(t *testing.T) {
	for name, test := range map[string]struct {
		whom string
		want []string
	}{
		"no such user":  {`user = "nobody"`, []string{`Cannot assign "nobody"`, `user = "nobody"`, "Correct the name, or add it to the source first."}},
		"no such group": {`group = "Nobodies"`, []string{`Cannot assign "Nobodies"`, `group = "Nobodies"`}},
		"several":       {`user = "Engineer"`, []string{`Cannot assign "Engineer"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := newEngine(t)
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: factories(service),
				Steps:                    []resource.TestStep{{Config: service.grace(test.whom), PlanOnly: true, ExpectError: says(test.want...)}},
			})
		})
	}
}

func TestAccAssignment_invalid(t *testing.T) {
	for name, test := range map[string]struct{ whom, want string }{
		"nobody": {``, "Give exactly one of group and user."},
		"both":   {`user = "a"` + "\n" + `group = "b"`, "keep one of group and user"},
		"empty":  {`user = ""`, "Give exactly one of user and group."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := newEngine(t)
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: factories(service),
				Steps:                    []resource.TestStep{{Config: service.grace(test.whom), PlanOnly: true, ExpectError: says(test.want)}},
			})
		})
	}
}
