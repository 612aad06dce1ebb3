package config

import (
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

// A revision is known by what is declared: ids, order of sets and defaults that
// are written out change nothing, everything else does.
func TestRevision(t *testing.T) {
	type change struct {
		name string
		edit func() Thing
		same bool
	}
	source := func(edit func(*Source)) func() Thing { return func() Thing { s := goodSource(); edit(s); return s } }
	app := func(edit func(*App)) func() Thing {
		return func() Thing { a := goodApp(); a.Protected = []string{"b", "a"}; edit(a); return a }
	}
	mapped := func(edit func(*Mapping)) func() Thing { return func() Thing { m := goodMapping(); edit(m); return m } }
	filter := func(edit func(*Filter)) func() Thing { return func() Thing { f := goodFilter(); edit(f); return f } }
	assigned := func(edit func(*Assignment)) func() Thing {
		return func() Thing { a := &Assignment{AppID: "a1", Group: "staff"}; edit(a); return a }
	}
	tests := []struct {
		label   string
		bare    func() Thing
		changes []change
	}{
		{"source hr", source(func(*Source) {}), []change{
			{"ids", source(func(s *Source) { s.ID, s.CredentialID = "x", "y" }), true},
			{"no aliases", source(func(s *Source) { s.Attributes = nil }), false},
			{"path", source(func(s *Source) { s.File.Users.Path = "/other.csv" }), false},
			{"reference", source(func(s *Source) { s.File.Users.References = nil }), false},
		}},
		{"app chat", app(func(*App) {}), []change{
			{"ids", app(func(a *App) { a.ID, a.SourceID, a.CredentialID, a.TemplateRevision = "x", "y", "z", "2" }), true},
			{"labels and the test", app(func(a *App) { a.Labels, a.SkipTestConnection = map[string]string{"a": "b"}, true }), true},
			{"defaults", app(func(a *App) { a.Mode, a.Scope = Automatic, ScopeAssigned }), true},
			{"order of protected", app(func(a *App) { a.Protected = []string{"a", "b", "a"} }), true},
			{"protected", app(func(a *App) { a.Protected = []string{"a"} }), false},
			{"scope", app(func(a *App) { a.Scope = ScopeAll }), false},
			{"base_url", app(func(a *App) { a.SCIM.BaseURL += "/" }), false},
		}},
		{"User mapping", mapped(func(*Mapping) {}), []change{
			{"ids", mapped(func(m *Mapping) { m.ID, m.AppID = "x", "y" }), true},
			{"enabled", mapped(func(m *Mapping) { m.Enabled = ref(true) }), true},
			{"all actions", mapped(func(m *Mapping) {
				m.Actions = []mapping.Action{mapping.ActionUpdate, mapping.ActionDelete, mapping.ActionCreate}
			}), true},
			{"defaults of an attribute", mapped(func(m *Mapping) {
				a := m.Attributes["userName"]
				a.Apply, a.WhenNull = mapping.ApplyAlways, mapping.ClearOwn
				m.Attributes["userName"] = a
			}), true},
			{"no action", mapped(func(m *Mapping) { m.Actions = []mapping.Action{} }), false},
			{"two actions", mapped(func(m *Mapping) { m.Actions = []mapping.Action{mapping.ActionCreate, mapping.ActionUpdate} }), false},
			{"attribute", mapped(func(m *Mapping) { m.Attributes["title"] = mapping.Attribute{Source: ref("jobTitle")} }), false},
			{"source or expression", mapped(func(m *Mapping) {
				m.Attributes["userName"] = mapping.Attribute{Expression: ref("userPrincipalName"), MatchingPrecedence: ref(int64(1))}
			}), false},
			{"empty default", mapped(func(m *Mapping) {
				a := m.Attributes["userName"]
				a.Default = ref("")
				m.Attributes["userName"] = a
			}), false},
		}},
		{"User filter engineers", filter(func(*Filter) {}), []change{
			{"ids", filter(func(f *Filter) { f.ID, f.AppID = "x", "y" }), true},
			{"value", filter(func(f *Filter) { f.Clauses[0].Value = ref("Sales") }), false},
			{"operator", filter(func(f *Filter) { f.Clauses[0].Operator = scoping.NotEquals }), false},
		}},
		{"assignment group/staff", assigned(func(*Assignment) {}), []change{
			{"ids", assigned(func(a *Assignment) { a.ID, a.AppID = "x", "y" }), true},
			{"what the agent sets", assigned(func(a *Assignment) {
				a.Object, a.CreatedAt = directory.Key{Type: "Group", Anchor: "g"}, time.Unix(1, 0)
			}), true},
			{"role", assigned(func(a *Assignment) { a.Role = "admin" }), false},
			{"user", assigned(func(a *Assignment) { a.User, a.Group = "staff", "" }), false},
		}},
	}
	for _, tt := range tests {
		bare := tt.bare().Revision()
		if !strings.HasPrefix(bare, tt.label+" ") || len(bare) != len(tt.label)+13 {
			t.Errorf("%s: revision %q", tt.label, bare)
		}
		seen := map[string]string{}
		for _, c := range tt.changes {
			thing := c.edit()
			got := thing.Revision()
			if (got == bare) != c.same {
				t.Errorf("%s, %s: %q, bare %q", tt.label, c.name, got, bare)
			}
			if thing.Revision() != got || tt.bare().Revision() != bare {
				t.Errorf("%s, %s: asking changes it", tt.label, c.name)
			}
			if other := seen[got]; other != "" && !c.same {
				t.Errorf("%s: %s is the same as %s", tt.label, c.name, other)
			}
			seen[got] = c.name
		}
	}
	if goodCredential().Revision() != "" || goodJob().Revision() != "" {
		t.Error("credentials and jobs have no revision")
	}
	a := goodApp()
	a.Protected = []string{"b", "a"}
	a.Revision()
	if a.Protected[0] != "b" {
		t.Error("the declaration is sorted in place")
	}
}

func TestID(t *testing.T) {
	identity := Identity{KindFilter, "app", "name"}
	id := ID(identity, 1)
	if id != ID(identity, 1) || len(id) != 20 {
		t.Errorf("the id is %q", id)
	}
	for _, other := range []Identity{{KindMapping, "app", "name"}, {KindFilter, "ap", "pname"}, {KindFilter, "app", "name "}, {KindFilter, `app" "name`, ""}} {
		if ID(other, 1) == id {
			t.Errorf("%+v has the same id", other)
		}
	}
	if ID(identity, 2) == id {
		t.Error("a name used again has the same id")
	}
}

// No two assignments share a name.
func TestAssignment_Identity(t *testing.T) {
	seen := map[Identity]Assignment{}
	for _, a := range []Assignment{
		{User: "a"}, {Group: "a"}, {User: "a", Role: "b"}, {User: "a/b"}, {User: "a/b", Role: "c"}, {User: "a", Role: "b/c"}, {User: "a%2Fb"}, {Group: "Staff/Berlin"},
	} {
		a.AppID = "app"
		if other, twice := seen[a.Identity()]; twice {
			t.Errorf("%+v and %+v are both %+v", a, other, a.Identity())
		}
		seen[a.Identity()] = a
	}
	if got := (&Assignment{Group: "Engineering", Role: "admin"}).Identity().Name; got != "group/Engineering/admin" {
		t.Errorf("named %q", got)
	}
}
