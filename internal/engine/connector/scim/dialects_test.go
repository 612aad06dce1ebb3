package scim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

func find(t testing.TB, target connector.Target, typ, path, value string) ([]string, error) {
	t.Helper()
	found, err := target.Find(t.Context(), typ, directory.MustPath(path), directory.Text(value), nil)
	var ids []string
	for _, account := range found {
		ids = append(ids, account.ID)
	}
	return ids, err
}

func list(t testing.TB, target connector.Target, typ string) (ids []string, complete bool) {
	t.Helper()
	complete, err := target.List(t.Context(), typ, nil, func(account connector.Account) error {
		ids = append(ids, account.ID)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids, complete
}

func mail(address string) any {
	return []any{map[string]any{"type": "work", "value": address}}
}

// Filters that servers ignore, misread or refuse lead to listing, never to an
// empty answer that is believed, nor to another's account.
func TestFiltersThatCannotBeTrusted(t *testing.T) {
	employee := enterprise + "employeeNumber"
	for name, test := range map[string]struct {
		quirks sampleapp.Quirks
		path   string
		value  string
		cannot bool
		found  int
	}{
		"standard":                        {sampleapp.Quirks{}, "userName", "ADA", false, 1},
		"standard, nobody":                {sampleapp.Quirks{}, "userName", "nobody", false, 0},
		"standard, external id":           {sampleapp.Quirks{}, "externalId", "e1", false, 1},
		"standard, external id is exact":  {sampleapp.Quirks{}, "externalId", "E1", false, 0},
		"standard, extension":             {sampleapp.Quirks{}, employee, "7", false, 1},
		"standard, element":               {sampleapp.Quirks{}, `emails[type eq "work"].value`, "ADA@example.com", false, 1},
		"standard, quotes":                {sampleapp.Quirks{}, "userName", `q"u\o`, false, 1},
		"standard, quotes, nobody":        {sampleapp.Quirks{}, "userName", `a"b\c`, true, 0},
		"ignored":                         {sampleapp.Quirks{IgnoreFilter: true}, "userName", "ada", true, 0},
		"ignored, nobody":                 {sampleapp.Quirks{IgnoreFilter: true}, "userName", "nobody", true, 0},
		"mail only, by external id":       {sampleapp.Quirks{FilterMailOnly: true}, "externalId", "e2", true, 0},
		"mail only, element":              {sampleapp.Quirks{FilterMailOnly: true}, `emails[type eq "work"].value`, "ada@example.com", true, 0},
		"no extensions":                   {sampleapp.Quirks{NoNestedFilter: true}, employee, "7", true, 0},
		"no sub-attributes":               {sampleapp.Quirks{NoNestedFilter: true}, "emails.value", "ada@example.com", true, 0},
		"no brackets":                     {sampleapp.Quirks{NoNestedFilter: true}, `emails[type eq "work"].value`, "ada@example.com", true, 0},
		"no quotes":                       {sampleapp.Quirks{NoQuoteInFilter: true}, "userName", `a"b`, true, 0},
		"no quotes, other value":          {sampleapp.Quirks{NoQuoteInFilter: true}, "userName", "ada", false, 1},
		"two that differ in case":         {sampleapp.Quirks{CaseExactUniqueness: true}, "userName", "Twin", false, 2},
		"attribute that nobody has":       {sampleapp.Quirks{}, "nickName", "x", true, 0},
		"errors in HTML":                  {sampleapp.Quirks{Errors: sampleapp.ErrorsHTML, NoQuoteInFilter: true}, "userName", `a"b`, true, 0},
		"value that no filter carries":    {sampleapp.Quirks{}, "userName", "a\x00b", true, 0},
		"value that is no text":           {sampleapp.Quirks{}, "userName", "a\xffb", true, 0},
		"value longer than any address":   {sampleapp.Quirks{}, "userName", strings.Repeat("x", 1<<20), true, 0},
		"case-exact filter, as it stands": {sampleapp.Quirks{CaseExactFilter: true}, "userName", "Ada", false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			app, target := play(t, test.quirks, "")
			add(t, app, sampleapp.User, "Ada", "externalId", "e1", "emails", mail("ada@example.com"),
				"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", map[string]any{"employeeNumber": "7"})
			add(t, app, sampleapp.User, "Bob", "externalId", "e2", "emails", mail("bob@example.com"))
			add(t, app, sampleapp.User, `q"u\o`)
			if test.quirks.CaseExactUniqueness {
				add(t, app, sampleapp.User, "Twin")
				add(t, app, sampleapp.User, "tWIN")
			}
			for range 2 { // what was learnt gives the same answer
				found, err := find(t, target, directory.User, test.path, test.value)
				if errors.Is(err, connector.ErrCannotFilter) != test.cannot || err != nil && !test.cannot {
					t.Fatalf("error %v, cannot filter wanted: %t", err, test.cannot)
				}
				if len(found) != test.found {
					t.Errorf("found %v, want %d", found, test.found)
				}
			}
		})
	}
}

func TestSearchInAnEmptyAppCostsOneRequestEach(t *testing.T) {
	app, target := play(t, sampleapp.Quirks{}, "")
	for i := range 10 {
		if found, err := find(t, target, directory.User, "userName", fmt.Sprint(i)); err != nil || len(found) != 0 {
			t.Fatal(found, err)
		}
	}
	if n := app.Counts()["search User"].Requests + app.Counts()["list User"].Requests; n != 11 {
		t.Errorf("%d requests, want 10 searches and one list", n)
	}
}

func TestDeclaredFilters(t *testing.T) {
	app, target := play(t, sampleapp.Quirks{}, `{"filterable":{"User":["userName"]}}`)
	add(t, app, sampleapp.User, "ada", "externalId", "e")
	if found, err := find(t, target, directory.User, "userName", "nobody"); err != nil || len(found) != 0 {
		t.Error(found, err)
	}
	if _, err := find(t, target, directory.User, "externalId", "e"); !errors.Is(err, connector.ErrCannotFilter) {
		t.Error(err)
	}
	if n := app.Counts()["list User"].Requests; n != 0 {
		t.Errorf("%d lists although the dialect says what can be searched", n)
	}
}

// Paging that lies gives nobody twice, misses nobody unless it says so, and
// ends.
func TestLists(t *testing.T) {
	for name, test := range map[string]struct {
		quirks     sampleapp.Quirks
		pageSize   int
		accounts   int
		dialect    string
		incomplete bool
		missing    bool
		requests   int // at most
	}{
		"none":                         {accounts: 0, requests: 1},
		"one":                          {accounts: 1, requests: 2},
		"some":                         {accounts: 5, requests: 2},
		"a full page":                  {accounts: 100, requests: 2},
		"a page and one":               {accounts: 101, requests: 2},
		"many pages":                   {accounts: 1234, requests: 13},
		"small pages of the server":    {accounts: 55, pageSize: 20, requests: 3},
		"total is the page's size":     {quirks: sampleapp.Quirks{TotalIsPageSize: true}, accounts: 250, requests: 7},
		"the same, small pages":        {quirks: sampleapp.Quirks{TotalIsPageSize: true}, accounts: 41, pageSize: 20, requests: 8},
		"past the end the first again": {quirks: sampleapp.Quirks{TotalIsPageSize: true, PastEndRestarts: true}, accounts: 200, requests: 7},
		"every page is the first":      {quirks: sampleapp.Quirks{SamePage: true}, accounts: 250, incomplete: true, missing: true, requests: 3},
		"the same, total of the page":  {quirks: sampleapp.Quirks{SamePage: true, TotalIsPageSize: true}, accounts: 250, incomplete: true, missing: true, requests: 3},
		"count is too large":           {quirks: sampleapp.Quirks{MaxCount: 30}, accounts: 70, requests: 6},
		"page size of the dialect":     {accounts: 70, dialect: `{"page_size":30}`, requests: 4},
	} {
		t.Run(name, func(t *testing.T) {
			app := sampleapp.New(sampleapp.Options{Token: token, Quirks: test.quirks, PageSize: test.pageSize})
			target := connect(t, app, test.dialect)
			var want []string
			for i := range test.accounts {
				want = append(want, add(t, app, sampleapp.User, fmt.Sprintf("u%d", i)))
			}
			got, complete := list(t, target, directory.User)
			if complete == test.incomplete {
				t.Errorf("complete: %t", complete)
			}
			if !test.missing && !slices.Equal(got, want) {
				t.Errorf("%d accounts, want %d", len(got), len(want))
			}
			slices.Sort(got)
			if len(slices.Compact(got)) != len(got) {
				t.Error("somebody came twice")
			}
			if n := len(app.Requests()); n > test.requests {
				t.Errorf("%d requests, want %d at most", n, test.requests)
			}
		})
	}
}

func TestListEndsWithTheReceiver(t *testing.T) {
	app, target := play(t, sampleapp.Quirks{}, "")
	add(t, app, sampleapp.User, "a")
	stop := errors.New("enough")
	if _, err := target.List(t.Context(), directory.User, nil, func(connector.Account) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := target.List(ctx, directory.User, nil, func(connector.Account) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestRemovingMembers(t *testing.T) {
	for name, test := range map[string]struct {
		quirks  sampleapp.Quirks
		dialect string
		form    MemberRemoval
	}{
		"standard":                     {sampleapp.Quirks{}, "", RemoveByFilter},
		"filter does nothing":          {sampleapp.Quirks{RemoveByFilterIgnored: true}, "", RemoveByValue},
		"neither form works":           {sampleapp.Quirks{RemoveByFilterIgnored: true, RemoveByValueEmpties: true}, "", RemoveReplace},
		"one form, which empties":      {sampleapp.Quirks{RemoveByValueEmpties: true}, `{"member_removal":"value"}`, RemoveReplace},
		"value empties":                {sampleapp.Quirks{RemoveByValueEmpties: true}, `{"member_removal":"value"}`, RemoveReplace},
		"Entra's form":                 {sampleapp.Quirks{}, `{"patch":"entra"}`, RemoveByValue},
		"Entra's form empties":         {sampleapp.Quirks{RemoveByValueEmpties: true}, `{"patch":"entra"}`, RemoveByFilter},
		"Entra's form with the flag":   {sampleapp.Quirks{}, `{"patch":"entra_compat"}`, RemoveByFilter},
		"members are hidden":           {sampleapp.Quirks{HideMembers: true}, "", ""},
		"replacement only":             {sampleapp.Quirks{}, `{"member_removal":"replace"}`, RemoveReplace},
		"no removal of all, ignored":   {sampleapp.Quirks{RemoveAllIgnored: true}, "", RemoveByFilter},
		"no removal of all, refused":   {sampleapp.Quirks{RemoveAllRefused: true, RefuseMemberReplacement: true}, "", RemoveByFilter},
		"duplicates are kept":          {sampleapp.Quirks{KeepDuplicateMembers: true}, `{"read_members_first":true}`, RemoveByFilter},
		"PUT in place of PATCH":        {sampleapp.Quirks{NoPatch: true}, "", ""},
		"PUT by the dialect":           {sampleapp.Quirks{}, `{"put":true}`, ""},
		"a request takes two members":  {sampleapp.Quirks{MembersPerRequest: 2}, "", RemoveByFilter},
		"the dialect says two members": {sampleapp.Quirks{MembersPerRequest: 2}, `{"members_per_request":2}`, RemoveByFilter},
	} {
		t.Run(name, func(t *testing.T) {
			app, target := play(t, test.quirks, test.dialect)
			var ids []string
			for i := range 5 {
				ids = append(ids, add(t, app, sampleapp.User, fmt.Sprint("u", i)))
			}
			g := add(t, app, sampleapp.Group, "g")
			send(t, target, updating(directory.Group, g, members(connector.Add, ids...)))
			send(t, target, updating(directory.Group, g, members(connector.Add, ids[4])))
			send(t, target, updating(directory.Group, g, members(connector.Remove, ids[1])))
			if got, want := group(t, app, g), []string{ids[0], ids[2], ids[3], ids[4]}; !slices.Equal(sorted(got), want) {
				t.Fatalf("after the first removal: %v, want %v", got, want)
			}
			send(t, target, updating(directory.Group, g, members(connector.Remove, ids[0]), members(connector.Add, ids[1])))
			if got, want := group(t, app, g), []string{ids[1], ids[2], ids[3], ids[4]}; !slices.Equal(sorted(got), want) {
				t.Fatalf("after the second removal: %v, want %v", got, want)
			}
			if form := target.learned.removalForm(); form != test.form {
				t.Errorf("learnt the form %q, want %q", form, test.form)
			}
			if test.quirks.HideMembers {
				return
			}
			send(t, target, updating(directory.Group, g, cleared("members")))
			if got := group(t, app, g); len(got) != 0 {
				t.Errorf("after all were removed: %v", got)
			}
		})
	}
}

func sorted(list []string) []string { slices.Sort(list); return list }

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

func TestUnknownMembersAreLost(t *testing.T) {
	app, target := play(t, sampleapp.Quirks{RefuseUnknownMembers: true}, "")
	a := add(t, app, sampleapp.User, "a")
	g := add(t, app, sampleapp.Group, "g")
	receipt := send(t, target, updating(directory.Group, g, members(connector.Add, "gone", a)))
	if !slices.Equal(receipt.Lost, []string{"gone"}) || !slices.Equal(group(t, app, g), []string{a}) {
		t.Errorf("lost %v, members %v", receipt.Lost, group(t, app, g))
	}
	_, err := target.Send(t.Context(), updating(directory.Group, "no-group", members(connector.Add, a)))
	refused(t, err, connector.Gone, codeInvalidAnchor)
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

func TestPatchThatIsNotCarriedOutShowsInTheReceipt(t *testing.T) {
	app, target := play(t, sampleapp.Quirks{PatchIgnored: true}, "")
	id := add(t, app, sampleapp.User, "a", "title", "old")
	receipt := send(t, target, updating(directory.User, id, set("title", directory.Text("new"))))
	if receipt.Account == nil || receipt.Account.Values["title"].String() != "old" {
		t.Errorf("%+v", receipt.Account)
	}
}

func TestGroupsOfOneName(t *testing.T) {
	app, target := play(t, sampleapp.Quirks{DisplayNameNotUnique: true}, "")
	first, second := add(t, app, sampleapp.Group, "g"), add(t, app, sampleapp.Group, "G")
	if ids, err := find(t, target, directory.Group, "displayName", "g"); err != nil || !slices.Equal(ids, []string{first, second}) {
		t.Error(ids, err)
	}
}

func TestThrottledInASecondFormIsThrottled(t *testing.T) {
	app, target := play(t, sampleapp.Quirks{NoPatch: true}, "")
	id := add(t, app, sampleapp.User, "a")
	app.Schedule(sampleapp.Rule{Operation: sampleapp.Get, Fault: sampleapp.Fault{Status: 429}})
	_, err := target.Send(t.Context(), updating(directory.User, id, set("title", directory.Text("x"))))
	refused(t, err, connector.Throttled, codeThrottled)
}
