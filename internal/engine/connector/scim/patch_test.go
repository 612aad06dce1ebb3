package scim

import (
	"fmt"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

// Every form in which a server takes an update leads to the same account.
func TestUpdates(t *testing.T) {
	for name, test := range map[string]struct {
		quirks  sampleapp.Quirks
		dialect string
	}{
		"standard":                 {},
		"Entra":                    {dialect: `{"patch":"entra"}`},
		"Entra with the flag":      {dialect: `{"patch":"entra_compat"}`},
		"PUT":                      {dialect: `{"put":true}`},
		"PATCH is not offered":     {quirks: sampleapp.Quirks{NoPatch: true}},
		"no patch without path":    {quirks: sampleapp.Quirks{NoPathlessPatch: true}},
		"an element has to exist":  {quirks: sampleapp.Quirks{AddNeedsElement: true}},
		"paths are split at a dot": {quirks: sampleapp.Quirks{SplitExtensionPaths: true}, dialect: `{"extension_object":true}`},
		"no discovery":             {quirks: sampleapp.Quirks{NoDiscovery: true}},
		"204 for no change":        {quirks: sampleapp.Quirks{NoopIsNoContent: true}},
		"ids with a slash":         {quirks: sampleapp.Quirks{SlashInIDs: true}},
		"times without zone":       {quirks: sampleapp.Quirks{TimesWithoutZone: true}},
		"all is announced":         {quirks: sampleapp.Quirks{AnnounceAll: true}},
	} {
		t.Run(name, func(t *testing.T) {
			app, target := play(t, test.quirks, test.dialect)
			boss := add(t, app, sampleapp.User, "boss")
			id := send(t, target, creating(directory.User, set("userName", directory.Text("a")), set("title", directory.Text("old")))).ID
			for range 2 {
				send(t, target, updating(directory.User, id,
					set("title", directory.Text("new")),
					set("name.givenName", directory.Text("A")),
					set(`emails[type eq "work"].value`, directory.Text("a@example.com")),
					set(`addresses[type eq "work"].locality`, directory.Text("London")),
					set(`addresses[type eq "work"].country`, directory.Text("GB")),
					set(enterprise+"department", directory.Text("R&D")),
					connector.Modification{Path: directory.MustPath(enterprise + "manager"), Verb: connector.Set, Value: directory.Text(boss), Reference: true},
				))
			}
			want := paths("title", "name.givenName", `emails[type eq "work"].value`, `addresses[type eq "work"].locality`,
				`addresses[type eq "work"].country`, enterprise+"department", enterprise+"manager")
			account, err := target.Get(t.Context(), directory.User, id, want)
			if err != nil {
				t.Fatal(err)
			}
			for i, value := range []string{"new", "A", "a@example.com", "London", "GB", "R&D", boss} {
				if got := account.Values[want[i].String()]; !got.Equal(directory.Text(value)) {
					t.Errorf("%s is %v, want %s", want[i], got, value)
				}
			}
			r, _ := app.Resource(sampleapp.User, id)
			if n := len(r.Attributes["addresses"].([]any)); n != 1 {
				t.Errorf("%d addresses", n)
			}
			if schemas := fmt.Sprint(r.Attributes["schemas"]); !strings.Contains(schemas, "enterprise") {
				t.Errorf("schemas %s", schemas)
			}
		})
	}
}

func TestStaleVersion(t *testing.T) {
	app, target := play(t, sampleapp.Quirks{}, "")
	id := add(t, app, sampleapp.User, "a")
	account, err := target.Get(t.Context(), directory.User, id, nil)
	if err != nil || account.Version == "" {
		t.Fatal(account, err)
	}
	o := updating(directory.User, id, set("title", directory.Text("x")))
	o.Version = account.Version
	send(t, target, o)
	_, err = target.Send(t.Context(), o)
	refused(t, err, connector.Transient, codeConflict)
}

func TestPatchThatIsNotCarriedOutShowsInTheReceipt(t *testing.T) {
	app, target := play(t, sampleapp.Quirks{PatchIgnored: true}, "")
	id := add(t, app, sampleapp.User, "a", "title", "old")
	receipt := send(t, target, updating(directory.User, id, set("title", directory.Text("new"))))
	if receipt.Account == nil || receipt.Account.Values["title"].String() != "old" {
		t.Errorf("%+v", receipt.Account)
	}
}

func TestAttributesTheAppRefuses(t *testing.T) {
	app, target := play(t, sampleapp.Quirks{
		RefuseAttributes: []string{"nickName"}, RequireAttributes: []string{enterprise + "organization"}, DropAttributes: []string{"title"},
	}, "")
	_, err := target.Send(t.Context(), creating(directory.User, set("userName", directory.Text("a"))))
	if e := refused(t, err, connector.Rejected, codeMandatory); !strings.Contains(e.Detail, "organization") {
		t.Errorf("the app's own words are lost: %s", e.Detail)
	}
	id := add(t, app, sampleapp.User, "b")
	_, err = target.Send(t.Context(), updating(directory.User, id, set("nickName", directory.Text("x"))))
	refused(t, err, connector.Rejected, codeNoAttribute)
	receipt := send(t, target, updating(directory.User, id, set("title", directory.Text("x"))))
	if receipt.Account == nil || receipt.Account.Values["title"].String() != "" {
		t.Errorf("the receipt does not show that title was dropped: %v", receipt.Account)
	}
}
