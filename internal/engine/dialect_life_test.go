package engine_test

import (
	"maps"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

// TestLifeInEveryDialect plays the same life in apps that depart from the
// standard: accounts are adopted, made, changed, renamed, disabled and enabled,
// members come and go, and a second store finds everybody. The app ends as any
// other does, nothing is sent when there is nothing to do, and nobody has two
// accounts.
func TestLifeInEveryDialect(t *testing.T) {
	for name, app := range map[string]struct {
		quirks  sampleapp.Quirks
		dialect string
	}{
		"standard": {},

		"filters: everybody comes back":               {quirks: sampleapp.Quirks{IgnoreFilter: true}},
		"filters: by e-mail only":                     {quirks: sampleapp.Quirks{FilterMailOnly: true}},
		"filters: case-exact, uniqueness is not":      {quirks: sampleapp.Quirks{CaseExactFilter: true}},
		"filters: nothing for extensions":             {quirks: sampleapp.Quirks{NoNestedFilter: true}},
		"filters: no quotes":                          {quirks: sampleapp.Quirks{NoQuoteInFilter: true}},
		"discovery: none":                             {quirks: sampleapp.Quirks{NoDiscovery: true}},
		"discovery: bulk and sort announced, refused": {quirks: sampleapp.Quirks{AnnounceAll: true}},
		"lists: the total is the page's size":         {quirks: sampleapp.Quirks{TotalIsPageSize: true, IgnoreFilter: true}},
		"lists: the first page again past the end":    {quirks: sampleapp.Quirks{PastEndRestarts: true, TotalIsPageSize: true, IgnoreFilter: true}},
		"lists: a large count fails":                  {quirks: sampleapp.Quirks{MaxCount: 12, IgnoreFilter: true}},
		"members: never shown":                        {quirks: sampleapp.Quirks{HideMembers: true}},
		"members: removal by value empties the group": {quirks: sampleapp.Quirks{RemoveByValueEmpties: true}},
		"members: the same, in Entra's form":          {quirks: sampleapp.Quirks{RemoveByValueEmpties: true}, dialect: `{"patch":"entra"}`},
		"members: removal by filter does nothing":     {quirks: sampleapp.Quirks{RemoveByFilterIgnored: true}},
		"members: both":                               {quirks: sampleapp.Quirks{RemoveByFilterIgnored: true, RemoveByValueEmpties: true}},
		"members: removal of all does nothing":        {quirks: sampleapp.Quirks{RemoveAllIgnored: true}},
		"members: removal of all is refused":          {quirks: sampleapp.Quirks{RemoveAllRefused: true}},
		"members: duplicates are kept":                {quirks: sampleapp.Quirks{KeepDuplicateMembers: true}},
		"members: two in a request":                   {quirks: sampleapp.Quirks{MembersPerRequest: 2}},
		"patch: active is ignored":                    {quirks: sampleapp.Quirks{IgnoreActivePatch: true}},
		"patch: active is refused":                    {quirks: sampleapp.Quirks{RefuseActivePatch: true}},
		"patch: booleans as text are kept as text":    {quirks: sampleapp.Quirks{StoreTextBooleans: true}},
		"patch: booleans as text are refused":         {quirks: sampleapp.Quirks{RefuseTextBooleans: true}},
		"patch: none without a path":                  {quirks: sampleapp.Quirks{NoPathlessPatch: true}},
		"patch: an element has to exist":              {quirks: sampleapp.Quirks{AddNeedsElement: true}},
		"patch: extension paths are split at a dot":   {quirks: sampleapp.Quirks{SplitExtensionPaths: true}},
		"patch: the same, as the dialect says":        {quirks: sampleapp.Quirks{SplitExtensionPaths: true}, dialect: `{"extension_object":true}`},
		"patch: carried out and answered with 500":    {quirks: sampleapp.Quirks{PatchFails: true}},
		"patch: none":                                 {quirks: sampleapp.Quirks{NoPatch: true}},
		"answers: 204 for no change":                  {quirks: sampleapp.Quirks{NoopIsNoContent: true}},
		"answers: 201 as text":                        {quirks: sampleapp.Quirks{CreateAsText: true}},
		"answers: 201 with the address alone":         {quirks: sampleapp.Quirks{WriteWithoutBody: true}},
		"answers: 201 without an id":                  {quirks: sampleapp.Quirks{CreateWithoutID: true}},
		"answers: DELETE with a body, then 500":       {quirks: sampleapp.Quirks{DeleteWithBody: true, DeleteGoneFails: true}},
		"answers: errors in HTML":                     {quirks: sampleapp.Quirks{Errors: sampleapp.ErrorsHTML, CaseExactFilter: true, RefuseActivePatch: true}},
		"answers: errors in plain text":               {quirks: sampleapp.Quirks{Errors: sampleapp.ErrorsText, CaseExactFilter: true, RefuseActivePatch: true}},
		"answers: errors with a numeric status":       {quirks: sampleapp.Quirks{Errors: sampleapp.ErrorsNumericStatus, CaseExactFilter: true, RefuseActivePatch: true}},
		"answers: errors whose detail is a list":      {quirks: sampleapp.Quirks{Errors: sampleapp.ErrorsDetailList, CaseExactFilter: true, RefuseActivePatch: true}},
		"answers: errors without a status":            {quirks: sampleapp.Quirks{Errors: sampleapp.ErrorsWithoutStatus, CaseExactFilter: true, RefuseActivePatch: true}},
		"answers: times without zone":                 {quirks: sampleapp.Quirks{TimesWithoutZone: true}},
		"ids: the name":                               {quirks: sampleapp.Quirks{IDIsName: true}},
		"ids: with a slash":                           {quirks: sampleapp.Quirks{SlashInIDs: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, sampleapp.Options{Quirks: app.quirks}, app.dialect, func(t *testing.T, p *played) { live(t, p, app.dialect) })
		})
	}
}

func live(t *testing.T, p *played, dialect string) {
	for typ, attributes := range map[string]map[string]any{
		sampleapp.User:  {"userName": "User1@Example.com", "title": "Old"},
		sampleapp.Group: {"displayName": "everybody"},
	} {
		if _, err := p.app.Add(typ, attributes); err != nil {
			t.Fatal(err)
		}
	}
	p.staff(4)
	p.person(person{id: "2", name: "user2@example.com", department: "Legal", kind: "employee", manager: "1"})
	p.team(team{"g1", "Everybody", []string{"1", "2", "3", "4"}})
	p.team(team{"g2", "Pair", []string{"1", "3"}})
	p.save()
	p.declare()
	p.wait("initial_cycle")
	p.settle()
	p.holds(map[string]found{
		"user1@example.com": {true, "Engineering", ""}, "user2@example.com": {true, "Legal", "user1@example.com"},
		"user3@example.com": {true, "Engineering", ""}, "user4@example.com": {true, "Engineering", ""},
	})
	same(t, p.memberNames("Everybody"), "user1@example.com", "user2@example.com", "user3@example.com", "user4@example.com")
	same(t, p.memberNames("Pair"), "user1@example.com", "user3@example.com")

	p.person(person{id: "1", name: "user1@example.com", department: "Board", kind: "employee"})
	p.person(person{id: "2", name: "renamed@example.com", department: "Legal", kind: "employee", manager: "4"})
	delete(p.people, "3")
	p.person(person{id: "5", name: "user5@example.com", department: "Legal", kind: "employee", manager: "2"})
	p.team(team{"g1", "Everybody", []string{"1", "2", "5"}})
	p.team(team{"g2", "Pair", nil})
	p.save()
	p.cycle()
	p.settle()
	p.holds(map[string]found{
		"user1@example.com": {true, "Board", ""}, "renamed@example.com": {true, "Legal", "user4@example.com"},
		"user3@example.com": {false, "Engineering", ""}, "user4@example.com": {true, "Engineering", ""},
		"user5@example.com": {true, "Legal", "renamed@example.com"},
	})
	same(t, p.memberNames("Everybody"), "renamed@example.com", "user1@example.com", "user5@example.com")
	same(t, p.memberNames("Pair"))

	p.person(person{id: "3", name: "user3@example.com", department: "Engineering", kind: "employee"})
	p.team(team{"g2", "Pair", []string{"3", "4"}})
	p.save()
	p.cycle()
	p.settle()
	p.close()
	final := map[string]found{
		"user1@example.com": {true, "Board", ""}, "renamed@example.com": {true, "Legal", "user4@example.com"},
		"user3@example.com": {true, "Engineering", ""}, "user4@example.com": {true, "Engineering", ""},
		"user5@example.com": {true, "Legal", "renamed@example.com"},
	}
	p.holds(final)
	same(t, p.memberNames("Pair"), "user3@example.com", "user4@example.com")

	second := &played{world: newWorld(t), app: p.app}
	second.connectTo(p.app, dialect)
	second.people, second.teams = p.people, p.teams
	second.save()
	second.declare()
	if cycle := second.wait("initial_cycle"); cycle.Created != 0 || cycle.Failed != 0 {
		t.Errorf("a second store creates %d and fails at %d", cycle.Created, cycle.Failed)
	}
	second.settle()
	second.holds(final)
	same(t, second.memberNames("Everybody"), "renamed@example.com", "user1@example.com", "user5@example.com")
	second.close()
}

// holds compares what the app holds with what it should.
func (p *played) holds(want map[string]found) {
	p.t.Helper()
	if got := p.users(); !maps.Equal(got, want) {
		p.t.Errorf("the app holds\n%v\nand should hold\n%v", got, want)
	}
}
