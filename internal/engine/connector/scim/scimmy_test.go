package scim

import (
	"errors"
	"fmt"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/scim/peer"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/targettest"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// TestScimmy runs the suite on a server that is not ours: scimmy-routers, under
// Express 4 and under Express 5, where it loses filters and startIndex.
func TestScimmy(t *testing.T) {
	for framework, change := range map[string]func(*targettest.Caps){
		"express":  func(*targettest.Caps) {},
		"express5": func(c *targettest.Caps) { c.Searches, c.ListsCompletely = false, false },
	} {
		t.Run(framework, func(t *testing.T) {
			server := peer.Scimmy(t, framework, token)
			tenant := 0
			targettest.Run(t, func(t *testing.T) (connector.Target, targettest.Caps) {
				changed := caps
				changed.Versions = false
				changed.CaseFolds = false
				change(&changed)
				tenant++
				return open(t, fmt.Sprintf("%s/%d/scim", server, tenant), ""), changed
			})
		})
	}
}

// The names differ in case: the search misses, the create is refused, and the
// list shows who stands in the way.
func TestScimmyCase(t *testing.T) {
	target := open(t, peer.Scimmy(t, "express", token)+"/1/scim", "")
	id := send(t, target, creating(directory.User, set("userName", directory.Text("Ada")))).ID
	_, err := target.Send(t.Context(), creating(directory.User, set("userName", directory.Text("ADA"))))
	refused(t, err, connector.Conflict, codeEntryConflict)
	if ids, complete := list(t, target, directory.User); !complete || len(ids) != 1 || ids[0] != id {
		t.Errorf("%v, complete %t", ids, complete)
	}
	for _, name := range []string{`a"b`, `a\b`} { // refused, and silently not found
		send(t, target, creating(directory.User, set("userName", directory.Text(name))))
		if found, err := find(t, target, directory.User, "userName", name); !errors.Is(err, connector.ErrCannotFilter) {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
}
