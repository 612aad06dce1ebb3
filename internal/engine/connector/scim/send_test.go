package scim

import (
	"net/http"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:"

func TestLifeOfAnAccount(t *testing.T) {
	app, target := play(t, sampleapp.Quirks{}, "")
	boss := add(t, app, sampleapp.User, "boss")
	receipt := send(t, target, creating(directory.User,
		set("userName", directory.Text("ada@example.com")),
		set("active", directory.Text("True")),
		set("name.givenName", directory.Text("Ada")),
		set(`emails[type eq "work"].value`, directory.Text("ada@example.com")),
		set(`addresses[type eq "work"].locality`, directory.Text("London")),
		set(`addresses[type eq "work"].country`, directory.Text("GB")),
		set(enterprise+"department", directory.Text("R&D")),
		connector.Modification{Path: directory.MustPath(enterprise + "manager"), Verb: connector.Set, Value: directory.Text(boss), Reference: true},
	))
	account, err := target.Get(t.Context(), directory.User, receipt.ID, paths(
		"userName", "active", `emails[type eq "work"].value`, `emails[type eq "work"].primary`, `addresses[type eq "work"].locality`,
		`addresses[type eq "work"].country`, enterprise+"department", enterprise+"manager", "title"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]directory.Value{
		"userName": directory.Text("ada@example.com"), "active": directory.Boolean(true),
		`emails[type eq "work"].value`: directory.Text("ada@example.com"), `emails[type eq "work"].primary`: directory.Boolean(true),
		`addresses[type eq "work"].locality`: directory.Text("London"), `addresses[type eq "work"].country`: directory.Text("GB"),
		enterprise + "department": directory.Text("R&D"), enterprise + "manager": directory.Text(boss),
	}
	for path, value := range want {
		if !account.Values[path].Equal(value) {
			t.Errorf("%s is %v, want %v", path, account.Values[path], value)
		}
	}
	if _, ok := account.Values["title"]; ok || len(account.Values) != len(want) {
		t.Errorf("values: %v", account.Values)
	}
	made, _ := app.Resource(sampleapp.User, receipt.ID)
	if list := made.Attributes["addresses"].([]any); len(list) != 1 {
		t.Errorf("several mappings of one address made %d", len(list))
	}

	receipt = send(t, target, updating(directory.User, receipt.ID,
		set("title", directory.Text("Countess")), cleared(enterprise+"department"), cleared(`emails[type eq "work"].value`),
		set(`phoneNumbers[type eq "work"].value`, directory.Text("1")), set("name.familyName", directory.Text("Lovelace"))))
	made, _ = app.Resource(sampleapp.User, receipt.ID)
	if made.Attributes["title"] != "Countess" || made.Attributes["emails"] != nil || made.Attributes["phoneNumbers"] == nil {
		t.Errorf("after the update: %v", made.Attributes)
	}
	send(t, target, disabling(receipt.ID))
	if made, _ = app.Resource(sampleapp.User, receipt.ID); made.Active() {
		t.Error("the account is still active")
	}
	remove := connector.Operation{Kind: connector.Delete, Type: directory.User, ID: receipt.ID}
	send(t, target, remove)
	send(t, target, remove)
	_, err = target.Get(t.Context(), directory.User, receipt.ID, nil)
	refused(t, err, connector.Gone, codeInvalidAnchor)
}

func TestMembers(t *testing.T) {
	app, target := play(t, sampleapp.Quirks{}, "")
	a, b, c := add(t, app, sampleapp.User, "a"), add(t, app, sampleapp.User, "b"), add(t, app, sampleapp.User, "c")
	g := add(t, app, sampleapp.Group, "g")
	send(t, target, updating(directory.Group, g, members(connector.Add, a, b, c)))
	send(t, target, updating(directory.Group, g, members(connector.Remove, b)))
	if got := group(t, app, g); len(got) != 2 || got[0] != a || got[1] != c {
		t.Errorf("members %v", got)
	}
	if target.learned.removalForm() != RemoveByFilter {
		t.Errorf("removal form %q", target.learned.removalForm())
	}
	account, err := target.Get(t.Context(), directory.Group, g, []directory.Path{membersPath})
	if err != nil || !account.Values["members"].Equal(directory.Texts(a, c)) {
		t.Errorf("%v, %v", account.Values, err)
	}
	send(t, target, updating(directory.Group, g, cleared("members")))
	if got := group(t, app, g); len(got) != 0 {
		t.Errorf("members %v", got)
	}
}

// Of a new account that is as it was sent there is nothing to tell but its id; of
// any other, what became of each attribute.
func TestReceiptOfACreate(t *testing.T) {
	sent := []connector.Modification{
		set("userName", directory.Text("a\"ä")), set("active", directory.Boolean(true)), set(`emails[type eq "work"].value`, directory.Text("a@example.com")),
		set(enterprise+"department", directory.Text("d")), set("password", directory.Text("p")), manager("m"),
	}
	const same = `{"id":"1","userName":"a\"\u00e4","active":true,"emails":[{"value":"h","type":"home"},{"value":"a@example.com","type":"work"}],` +
		`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"d"},"title":"of its own"}`
	for name, test := range map[string]struct{ from, to, path, want string }{
		"as it was sent":       {},
		"another text":         {`"a\"\u00e4"`, `"b"`, "userName", "b"},
		"other case":           {`"a\"\u00e4"`, `"A\"ä"`, "userName", `A"ä`},
		"none":                 {`"department":"d"`, ``, enterprise + "department", ""},
		"null":                 {`"d"`, `null`, enterprise + "department", ""},
		"another state":        {`true`, `false`, "active", "False"},
		"a state as text":      {`true`, `"True"`, "active", "True"},
		"a number":             {`"a\"\u00e4"`, `7`, "userName", "7"},
		"an element less":      {`"type":"work"`, `"type":"other"`, `emails[type eq "work"].value`, ""},
		"another in the end":   {`"title":`, `"userName":"c","title":`, "userName", "c"},
		"extension at the top": {`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"d"}`, `"` + enterprise + `department":"e"`, enterprise + "department", "e"},
	} {
		t.Run(name, func(t *testing.T) {
			target := open(t, "http://127.0.0.1:1/scim/v2", "")
			target.client = &http.Client{Transport: fixed(strings.Replace(same, test.from, test.to, 1))}
			for range 2 { // put together, and by a stencil
				receipt := send(t, target, creating(directory.User, sent...))
				switch {
				case receipt.ID != "1":
					t.Errorf("id %q", receipt.ID)
				case (receipt.Account == nil) != (test.path == ""):
					t.Errorf("account %+v", receipt.Account)
				case receipt.Account != nil && receipt.Account.Values[test.path].String() != test.want:
					t.Errorf("%s is %v", test.path, receipt.Account.Values[test.path])
				}
			}
		})
	}
}
