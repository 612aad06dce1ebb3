package scim

import (
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

func TestDisabling(t *testing.T) {
	for name, test := range map[string]struct {
		quirks  sampleapp.Quirks
		dialect string
		cannot  bool
	}{
		"standard":                {},
		"Entra":                   {dialect: `{"patch":"entra"}`},
		"Entra with the flag":     {dialect: `{"patch":"entra_compat"}`},
		"booleans as text":        {dialect: `{"booleans_as_text":true}`},
		"no text for booleans":    {quirks: sampleapp.Quirks{RefuseTextBooleans: true}},
		"text would be kept":      {quirks: sampleapp.Quirks{StoreTextBooleans: true}},
		"a patch is ignored":      {quirks: sampleapp.Quirks{IgnoreActivePatch: true}},
		"a patch is refused":      {quirks: sampleapp.Quirks{RefuseActivePatch: true}},
		"no PATCH":                {quirks: sampleapp.Quirks{NoPatch: true}},
		"no body":                 {quirks: sampleapp.Quirks{NoopIsNoContent: true}},
		"neither PATCH nor PUT":   {quirks: sampleapp.Quirks{IgnoreActivePatch: true, DropAttributes: []string{"active"}}},
		"errors without a status": {quirks: sampleapp.Quirks{RefuseActivePatch: true, Errors: sampleapp.ErrorsWithoutStatus}},
		"errors in HTML":          {quirks: sampleapp.Quirks{RefuseActivePatch: true, Errors: sampleapp.ErrorsHTML}},
	} {
		t.Run(name, func(t *testing.T) {
			app, target := play(t, test.quirks, test.dialect)
			for _, name := range []string{"first", "second"} {
				id := add(t, app, sampleapp.User, name, "active", true, "title", "kept", "emails", mail("m@example.com"))
				send(t, target, disabling(id))
				r, _ := app.Resource(sampleapp.User, id)
				if r.Attributes["title"] != "kept" || r.Attributes["emails"] == nil {
					t.Errorf("attributes were lost: %v", r.Attributes)
				}
				if dropped := len(test.quirks.DropAttributes) > 0; r.Attributes["active"] != false && !dropped {
					t.Errorf("active is %v", r.Attributes["active"])
				}
			}
		})
	}
}

func TestDisablingThatNeverTakesEffect(t *testing.T) {
	app, target := play(t, sampleapp.Quirks{IgnoreActivePatch: true}, "")
	id := add(t, app, sampleapp.User, "a", "active", true)
	app.Schedule(sampleapp.Rule{Operation: sampleapp.Replace, Fault: sampleapp.Fault{Status: 200, Body: `{"schemas":["x"],"id":"` + id + `","userName":"a","active":true}`}})
	_, err := target.Send(t.Context(), disabling(id))
	refused(t, err, connector.Rejected, codeNotOffered)
	features, _, err := target.Describe(t.Context())
	if err != nil || features.CanDisable[directory.User] {
		t.Errorf("CanDisable %v, %v", features.CanDisable, err)
	}
}

func TestActiveThatIsNeverShown(t *testing.T) {
	for name, rules := range map[string][]sampleapp.Rule{
		"with PUT":    nil,
		"without PUT": {{Operation: sampleapp.Replace, Fault: sampleapp.Fault{Status: 405}}},
	} {
		app, target := play(t, sampleapp.Quirks{DropAttributes: []string{"active"}}, "")
		app.Schedule(rules...)
		for _, account := range []string{"a", "b"} {
			if _, err := target.Send(t.Context(), disabling(add(t, app, sampleapp.User, account))); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
