package targettest_test

import (
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/memory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/targettest"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

func TestMemory(t *testing.T) {
	targettest.Run(t, func(*testing.T) (connector.Target, targettest.Caps) {
		return memory.New(memory.Options{}), targettest.Caps{
			UserName: directory.MustPath("userName"), GroupName: directory.MustPath("displayName"),
			Text: directory.MustPath("title"), Element: directory.MustPath(`emails[type eq "work"].value`),
			Manager:  directory.MustPath("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"),
			Members:  directory.MustPath("members"),
			Searches: true, CaseFolds: true, ListsCompletely: true, Versions: true,
		}
	})
}
