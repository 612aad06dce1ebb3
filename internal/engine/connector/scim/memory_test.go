package scim

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

// Another connection to the same app knows what the first one found out, and
// tries no form again that did not work.
func TestLearnedIsRecalled(t *testing.T) {
	app, first := play(t, sampleapp.Quirks{IgnoreActivePatch: true, SplitExtensionPaths: true, RemoveByFilterIgnored: true, MembersPerRequest: 2}, "")
	_, schema, err := first.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		ids = append(ids, add(t, app, sampleapp.User, name, "active", true))
	}
	g := add(t, app, sampleapp.Group, "g")
	write := func(target connector.Target, leaver, remover string) {
		t.Helper()
		send(t, target, disabling(leaver))
		send(t, target, updating(directory.User, ids[4], set(enterprise+"department", directory.Text("of "+leaver))))
		send(t, target, updating(directory.Group, g, members(connector.Add, ids[0], ids[1], ids[2], ids[3])))
		send(t, target, updating(directory.Group, g, members(connector.Remove, remover)))
		if _, err := find(t, target, directory.User, "userName", "nobody"); err != nil {
			t.Error(err)
		}
	}
	write(first, ids[0], ids[0])

	learned := first.Learned()
	second := open(t, first.base.String(), "")
	second.Recall(learned, schema)
	if app.Counts()["discover schemas"].Requests != 1 {
		t.Errorf("%v", app.Counts())
	}
	app.ForgetRequests()
	write(second, ids[1], ids[1])
	for kind, want := range map[string]int{
		"patch User": 0, "replace User": 2, "patch Group": 3, "search User": 1, "list User": 0, "discover schemas": 0,
	} {
		if got := app.Counts()[kind].Requests; got != want {
			t.Errorf("%s: %d, want %d", kind, got, want)
		}
	}
	if again := second.Learned(); string(again) != string(learned) {
		t.Errorf("it learned %s, then %s", learned, again)
	}
}

func TestRecallOfNonsense(t *testing.T) {
	app, target := play(t, sampleapp.Quirks{}, "")
	id := add(t, app, sampleapp.User, "a")
	for _, text := range []string{``, `null`, `[]`, `{"types":7}`, `{"types":[{"name":"User","endpoint":"../admin"}],"active":9,"removal":"x"}`} {
		target.Recall(json.RawMessage(text), directory.Schema{})
		if _, err := target.Get(t.Context(), directory.User, id, nil); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Types that the app has of its own stand under their own endpoint in later
// connections as well, and their attributes keep their types.
func TestOwnTypesAreRecalled(t *testing.T) {
	target := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/ResourceTypes"):
			_, _ = io.WriteString(w, `{"Resources":[{"name":"Device","endpoint":"/Gadgets","schema":"urn:x:Device"}]}`)
		case strings.HasSuffix(r.URL.Path, "/Schemas"):
			_, _ = io.WriteString(w, `{"Resources":[{"id":"urn:x:Device","attributes":[{"name":"locked","type":"boolean"},{"name":"pin","type":"string","returned":"never"}]}]}`)
		case strings.HasSuffix(r.URL.Path, "/Gadgets/1"):
			_, _ = io.WriteString(w, `{"schemas":["urn:x:Device"],"id":"1","locked":"True"}`)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}), "")
	_, schema, err := target.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	later := open(t, target.base.String(), "")
	later.Recall(target.Learned(), schema)
	for _, connection := range []connector.Target{target, later} {
		account, err := connection.Get(t.Context(), "Device", "1", paths("locked", "pin"))
		if err != nil {
			t.Fatal(err)
		}
		if locked, ok := account.Values["locked"].AsBoolean(); !ok || !locked || !account.Unreadable["pin"] {
			t.Errorf("%+v", account)
		}
	}
}
