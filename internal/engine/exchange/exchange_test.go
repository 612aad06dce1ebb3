package exchange

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

func ref[T any](v T) *T { return &v }

// chat is an app with a bit of everything.
func chat() Declared {
	return Declared{
		App: &config.App{
			ID: "a1", Name: "chat", SourceID: "s1", Template: "scim", TemplateRevision: "1", CredentialID: "c1",
			SCIM:      &config.SCIMConnection{BaseURL: "https://chat.example.com/scim/v2?tenant=${x}"},
			Protected: []string{"root@example.com"}, Labels: map[string]string{"owner": "IT | ops", "cost-center": "4711"},
		},
		Source: &config.Source{
			ID: "s1", Name: "people", File: &config.FileSource{
				Users:  &config.FileSet{Path: "/srv/people.csv", IDColumn: "employee_id", References: map[string]string{"manager": "manager_id"}},
				Groups: &config.FileSet{Path: "/srv/groups.json", IDColumn: "id", Members: "members"},
			},
			Attributes: map[string]string{"userPrincipalName": "email", "mail": "email", "givenName": "first_name", "surname": "last_name"},
		},
		Credentials: []*config.Credential{{ID: "c1", Name: "Chat (production)", Method: "bearer", Fields: map[string]config.Field{"token": {Version: ref(int64(3))}}}},
		Mappings: []*config.Mapping{{
			ID: "m1", AppID: "a1", ObjectType: "User", Actions: []mapping.Action{mapping.ActionCreate, mapping.ActionUpdate},
			Attributes: map[string]mapping.Attribute{
				"userName":                     {Source: ref("userPrincipalName"), MatchingPrecedence: ref(int64(2))},
				"externalId":                   {Source: ref("employee_id"), MatchingPrecedence: ref(int64(1))},
				"active":                       {Expression: ref(`Switch([IsSoftDeleted], , "False", "True", "True", "False")`)},
				"displayName":                  {Expression: ref(`Join(" ", [givenName], [surname])`), Default: ref("Nobody")},
				`emails[type eq "work"].value`: {Source: ref("mail"), WhenNull: mapping.Ignore},
				"preferredLanguage":            {Constant: ref("en"), Apply: mapping.ApplyOnCreate},
				"userType":                     {Default: ref("Employee")},
				"nickName":                     {Expression: ref(`IIF([country] = "US" , [givenName] & "%{x}", IgnoreAttributeFlow)`)},
				"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager": {Source: ref("manager")},
			},
		}},
		Filters: []*config.Filter{
			{ID: "f1", AppID: "a1", ObjectType: "User", Name: "staff", Clauses: []scoping.Clause{
				{Attribute: "employee_type", Operator: scoping.NotEquals, Value: ref("contractor")}, {Attribute: "mail", Operator: scoping.IsNotNull},
			}},
			{ID: "f2", AppID: "a1", ObjectType: "User", Name: "interns/2026", Clauses: []scoping.Clause{
				{Attribute: "employee_id", Operator: scoping.StartsWith, Value: ref("I.")}, {Attribute: "mail", Operator: scoping.RegexMatch, Value: ref(`.*@(a|b)\.example`)},
			}},
		},
		Assignments: []*config.Assignment{
			{ID: "x1", AppID: "a1", Group: "Engineering"}, {ID: "x2", AppID: "a1", User: "grace@example.com", Role: "admin"},
		},
		Job: &config.Job{
			ID: "j1", AppID: "a1", Interval: "30m", AccidentalDeletions: map[string]float64{"threshold": 50, "percent": 12.5},
			Deprovisioning: map[string]map[string]string{"User": {"deleted": "disable"}}, WaitFor: "initial_cycle",
		},
	}
}

func TestGolden(t *testing.T) {
	d := chat()
	for _, thing := range []config.Thing{d.Source, d.App, d.Mappings[0], d.Filters[0], d.Filters[1], d.Assignments[0], d.Assignments[1]} {
		d.Job.Revisions = append(d.Job.Revisions, thing.Revision())
	}
	d.Job.Revisions = append(d.Job.Revisions, "User filter gone 0123456789ab")
	golden(t, "chat.tf", HCL(d))
	golden(t, "chat.md", Markdown(d))
	graph, notes, err := Graph(d)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "chat.json", graph)
	t.Log(notes)
}
