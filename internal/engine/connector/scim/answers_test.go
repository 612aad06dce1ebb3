package scim

import (
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

func TestAnswersToWrites(t *testing.T) {
	for name, quirks := range map[string]sampleapp.Quirks{
		"standard":                   {},
		"201 as text":                {CreateAsText: true},
		"201 with the Location only": {WriteWithoutBody: true},
		"DELETE with a body":         {DeleteWithBody: true},
		"second DELETE fails":        {DeleteGoneFails: true},
		"the id is the name":         {IDIsName: true},
		"ids with a slash":           {SlashInIDs: true},
	} {
		t.Run(name, func(t *testing.T) {
			app, target := play(t, quirks, "")
			id := send(t, target, creating(directory.User, set("userName", directory.Text("a/b c")))).ID
			if _, ok := app.Resource(sampleapp.User, id); !ok {
				t.Fatalf("the app has no %q", id)
			}
			renamed := send(t, target, updating(directory.User, id, set("userName", directory.Text("b"))))
			if _, ok := app.Resource(sampleapp.User, renamed.ID); !ok {
				t.Fatalf("after the rename the app has no %q", renamed.ID)
			}
			remove := connector.Operation{Kind: connector.Delete, Type: directory.User, ID: renamed.ID}
			send(t, target, remove)
			send(t, target, remove)
			if app.Len(sampleapp.User) != 0 {
				t.Error("the account is still there")
			}
		})
	}
}

// Outcomes that nobody knows are told as such, and nothing is sent twice.
func TestUnknownOutcomes(t *testing.T) {
	t.Run("created without an id", func(t *testing.T) {
		app, target := play(t, sampleapp.Quirks{CreateWithoutID: true}, "")
		_, err := target.Send(t.Context(), creating(directory.User, set("userName", directory.Text("a"))))
		refused(t, err, connector.Unknown, codeIncompatible)
		if n := app.Counts()["create User"].Requests; n != 1 {
			t.Errorf("%d creates", n)
		}
	})
	t.Run("applied and answered with 500", func(t *testing.T) {
		app, target := play(t, sampleapp.Quirks{PatchFails: true}, "")
		id := add(t, app, sampleapp.User, "a")
		_, err := target.Send(t.Context(), updating(directory.User, id, set("title", directory.Text("x"))))
		refused(t, err, connector.Unknown, codeServer)
		if n := app.Counts()["patch User"].Requests + app.Counts()["replace User"].Requests; n != 1 {
			t.Errorf("%d writes", n)
		}
	})
}

func TestConflict(t *testing.T) {
	for name, quirks := range map[string]sampleapp.Quirks{
		"standard":       {},
		"numeric status": {Errors: sampleapp.ErrorsNumericStatus},
		"detail a list":  {Errors: sampleapp.ErrorsDetailList},
		"plain text":     {Errors: sampleapp.ErrorsText},
		"case":           {CaseExactFilter: true},
	} {
		t.Run(name, func(t *testing.T) {
			app, target := play(t, quirks, "")
			add(t, app, sampleapp.User, "Ada")
			_, err := target.Send(t.Context(), creating(directory.User, set("userName", directory.Text("ada"))))
			if e := refused(t, err, connector.Conflict, codeEntryConflict); !strings.Contains(e.Detail, "exists already") {
				t.Errorf("the app's own words are lost: %s", e.Detail)
			}
		})
	}
}

func TestThrottledInASecondFormIsThrottled(t *testing.T) {
	app, target := play(t, sampleapp.Quirks{NoPatch: true}, "")
	id := add(t, app, sampleapp.User, "a")
	app.Schedule(sampleapp.Rule{Operation: sampleapp.Get, Fault: sampleapp.Fault{Status: 429}})
	_, err := target.Send(t.Context(), updating(directory.User, id, set("title", directory.Text("x"))))
	refused(t, err, connector.Throttled, codeThrottled)
}
