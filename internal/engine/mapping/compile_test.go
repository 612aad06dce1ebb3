package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

func ref[T any](v T) *T { return &v }

func from(name string) Attribute     { return Attribute{Source: &name} }
func computed(text string) Attribute { return Attribute{Expression: &text} }
func constant(text string) Attribute { return Attribute{Constant: &text} }

func matching(a Attribute, precedence int64) Attribute {
	a.MatchingPrecedence = &precedence
	return a
}

func applied(a Attribute, apply Apply) Attribute {
	a.Apply = apply
	return a
}

func orElse(a Attribute, fallback string) Attribute {
	a.Default = &fallback
	return a
}

// userType is what the test target has of users.
var userType = &directory.ObjectType{Name: directory.User, Attributes: []directory.Definition{
	{Name: "userName", Type: directory.TypeString, Required: true},
	{Name: "externalId", Type: directory.TypeString, CaseExact: true},
	{Name: "active", Type: directory.TypeBoolean},
	{Name: "level", Type: directory.TypeInteger},
	{Name: "since", Type: directory.TypeDateTime},
	{Name: "tags", Type: directory.TypeString, MultiValued: true},
	{Name: "hired", Type: directory.TypeString, Mutability: directory.Immutable},
	{Name: "password", Type: directory.TypeString, Mutability: directory.WriteOnly},
	{Name: "name", Type: directory.TypeComplex, Sub: []directory.Definition{{Name: "givenName", Type: directory.TypeString}}},
	{Name: "emails", Type: directory.TypeComplex, MultiValued: true, Sub: []directory.Definition{
		{Name: "value", Type: directory.TypeString, CaseExact: true}, {Name: "primary", Type: directory.TypeBoolean}}},
	{Name: "manager", Type: directory.TypeReference},
	{Name: "groups", Type: directory.TypeReference, MultiValued: true},
	{Name: "urn:x:2.0:User:badge", Type: directory.TypeInteger},
}}

func compile(t testing.TB, attributes map[string]Attribute) *Compiled {
	t.Helper()
	c, err := Compile(Definition{ObjectType: directory.User, Enabled: true, Attributes: attributes}, Source{References: []string{"manager", "groups"}}, userType)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCompile_problems(t *testing.T) {
	source := Source{References: []string{"manager"}, Aliases: map[string]string{"mail": "email_address"}, Known: []string{"email_address", "login"}, DefaultDomain: ref("")}
	ok := matching(from("login"), 1)
	tests := []struct {
		name       string
		attributes map[string]Attribute
		actions    []Action
		path       string // of the problem
		field      string
		says       []string
	}{
		{"no path", map[string]Attribute{"userName": ok, "emails[type eq work]": from("login")}, nil, "emails[type eq work]", "", []string{"quotes"}},
		{"id", map[string]Attribute{"userName": ok, "id": from("login")}, nil, "id", "", []string{"cannot be mapped"}},
		{"two sources", map[string]Attribute{"userName": {Source: ref("login"), Constant: ref("x"), MatchingPrecedence: ref(int64(1))}}, nil, "userName", "", []string{"more than one", "keep one"}},
		{"no source", map[string]Attribute{"userName": ok, "title": {}}, nil, "title", "", []string{"none of", "give one"}},
		{"brackets", map[string]Attribute{"userName": matching(from("[login]"), 1)}, nil, "userName", "source", []string{"without brackets"}},
		{"empty source", map[string]Attribute{"userName": ok, "title": from("")}, nil, "title", "source", []string{"attribute name"}},
		{"syntax", map[string]Attribute{"userName": ok, "title": computed("Jion([login])")}, nil, "title", "expression", []string{"line 1, column 1", "Join"}},
		{"unknown attribute", map[string]Attribute{"userName": ok, "title": from("logn")}, nil, "title", "source", []string{"logn", "login"}},
		{"unknown attribute in an expression", map[string]Attribute{"userName": ok, "title": computed("ToUpper([logn])")}, nil, "title", "expression", []string{"logn", "login"}},
		{"reference in an expression", map[string]Attribute{"userName": ok, "title": computed("ToUpper([manager])")}, nil, "title", "expression", []string{`source = "manager"`}},
		{"reference that matches", map[string]Attribute{"userName": ok, "manager": matching(from("manager"), 2)}, nil, "manager", "matching_precedence", []string{"reference"}},
		{"constant that matches", map[string]Attribute{"userName": matching(constant("x"), 1)}, nil, "userName", "matching_precedence", []string{"same for all"}},
		{"default that matches", map[string]Attribute{"userName": matching(Attribute{Default: ref("x")}, 1)}, nil, "userName", "matching_precedence", []string{"needs a source"}},
		{"precedence 0", map[string]Attribute{"userName": matching(from("login"), 0)}, nil, "userName", "matching_precedence", []string{"0 is no precedence"}},
		{"precedence twice", map[string]Attribute{"userName": ok, "externalId": matching(from("login"), 1)}, nil, "userName", "matching_precedence", []string{"externalId"}},
		{"nothing matches", map[string]Attribute{"userName": from("login")}, nil, "", "", []string{"matching_precedence = 1"}},
		{"random that changes", map[string]Attribute{"userName": ok, "title": computed("Guid()")}, nil, "title", "expression", []string{`apply = "on_create"`}},
		{"unique that changes", map[string]Attribute{"userName": ok, "title": computed(`SelectUniqueValue([login], "x")`)}, nil, "title", "expression", []string{`apply = "on_create"`}},
		{"unique that matches", map[string]Attribute{"userName": matching(applied(computed(`SelectUniqueValue([login], "x")`), ApplyOnCreate), 1)}, nil, "userName", "matching_precedence", []string{"SelectUniqueValue"}},
		{"random that matches", map[string]Attribute{"userName": matching(applied(computed("Guid()"), ApplyOnCreate), 1)}, nil, "userName", "matching_precedence", []string{"never found again"}},
		{"apply", map[string]Attribute{"userName": ok, "title": applied(from("login"), "once")}, nil, "title", "apply", []string{"on_create"}},
		{"when_null", map[string]Attribute{"userName": ok, "title": {Source: ref("login"), WhenNull: "keep"}}, nil, "title", "when_null", []string{"clear_own"}},
		{"added values that are cleared", map[string]Attribute{"userName": ok, "tags": {Source: ref("login"), Apply: ApplyAddValues, WhenNull: Clear}}, nil, "tags", "when_null", []string{"add_values"}},
		{"one attribute twice", map[string]Attribute{"userName": ok, `emails[type eq "work"].value`: from("mail"), `emails[ type  eq "work" ].value`: from("login")}, nil,
			`emails[type eq "work"].value`, "", []string{"same attribute"}},
		{"one attribute in another case", map[string]Attribute{"userName": ok, "UserName": from("login")}, nil, "userName", "", []string{"same attribute"}},
		{"records of roles", map[string]Attribute{"userName": ok, "roles": from(AppRoles)}, nil, "roles", "source", []string{"SingleAppRoleAssignment([appRoleAssignments])"}},
		{"records of roles in an expression", map[string]Attribute{"userName": ok, "roles": computed(" [appRoleAssignments] ")}, nil, "roles", "expression", []string{"AssertiveAppRoleAssignmentsComplex"}},
		{"roles that only come, and are cleared", map[string]Attribute{"userName": ok, "roles": {Expression: ref("AppRoleAssignmentsComplex([appRoleAssignments])"), WhenNull: Clear}}, nil,
			"roles", "when_null", []string{"Assertive"}},
		{"default domain", map[string]Attribute{"userName": ok, "title": computed(`Append([login], DefaultDomain())`)}, nil, "title", "expression", []string{"has no value", "default_domain"}},
		{"action", map[string]Attribute{"userName": ok}, []Action{"creat"}, "", "", []string{`"creat"`, "create, update or delete"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Compile(Definition{ObjectType: directory.User, Attributes: tt.attributes, Actions: tt.actions}, source, nil)
			if err == nil || c != nil {
				t.Fatalf("compiled to %v, error %v", c, err)
			}
			var problem *Problem
			if !errors.As(err, &problem) {
				t.Fatalf("%T is no problem", err)
			}
			if problem.Attribute != tt.path || problem.Field != tt.field {
				t.Errorf("found at %q %q: %v", problem.Attribute, problem.Field, problem)
			}
			for _, part := range tt.says {
				if !strings.Contains(problem.Text, part) {
					t.Errorf("%q does not say %q", problem.Text, part)
				}
			}
		})
	}
}

// All problems are reported at once, in one order.
func TestCompile_allProblems(t *testing.T) {
	attributes := map[string]Attribute{"id": from("x"), "title": {}, "nickName": computed("((")}
	var first string
	for range 5 {
		_, err := Compile(Definition{ObjectType: directory.User, Attributes: attributes, Actions: []Action{"x"}}, Source{}, nil)
		joined, ok := err.(interface{ Unwrap() []error })
		if !ok || len(joined.Unwrap()) != 4 {
			t.Fatalf("reports %v", err)
		}
		if first == "" {
			first = err.Error()
		}
		if err.Error() != first {
			t.Fatalf("reports %q and then %q", first, err)
		}
	}
}

func TestCompile_actions(t *testing.T) {
	attributes := map[string]Attribute{"userName": matching(from("login"), 1)}
	for _, tt := range []struct {
		actions                []Action
		create, update, delete bool
	}{
		{nil, true, true, true},
		{[]Action{}, false, false, false},
		{[]Action{ActionUpdate}, false, true, false},
		{[]Action{ActionDelete, ActionCreate}, true, false, true},
	} {
		c, err := Compile(Definition{ObjectType: directory.User, Attributes: attributes, Actions: tt.actions}, Source{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.CanCreate() != tt.create || c.CanUpdate() != tt.update || c.CanDelete() != tt.delete {
			t.Errorf("%v: create %t, update %t, delete %t", tt.actions, c.CanCreate(), c.CanUpdate(), c.CanDelete())
		}
	}
}

func TestCompiled_tells(t *testing.T) {
	c := compile(t, map[string]Attribute{
		"userName":                      matching(from("login"), 9),
		"externalId":                    matching(from("objectId"), 2),
		"manager":                       from("manager"),
		"groups":                        from("groups"),
		`emails[type eq "work"].value`:  from("mail"),
		"urn:x:2.0:User:badge":          from("badge"),
		"EMAILS[primary eq true].value": from("mail"),
	})
	if got := fmt.Sprint(c.MatchingPaths()); got != "[externalId userName]" {
		t.Errorf("matches by %s", got)
	}
	if got := c.References(); len(got) != 2 || got[0].Path.Name() != "groups" || !got[0].Multi || got[1].Multi || got[1].Attribute != "manager" {
		t.Errorf("references are %+v", got)
	}
	if paths := c.Paths(); len(paths) != 5 || slices.Contains(paths, directory.MustPath("manager")) {
		t.Errorf("paths are %v", paths)
	}
	for path, exact := range map[string]bool{"userName": false, "externalId": true, `emails[type eq "work"].value`: true, "EMAILS[primary eq true].value": true, "nobody": false} {
		if c.CaseExact(directory.MustPath(path)) != exact {
			t.Errorf("%s is case-exact: %t", path, !exact)
		}
	}
	if c.TimeDependent() {
		t.Error("depends on the time")
	}
	c = compile(t, map[string]Attribute{"userName": matching(from("login"), 1), "active": computed(`IIF(DateDiff("d", Now(), CDate([start])) < 1, "True", "False")`)})
	if !c.TimeDependent() {
		t.Error("does not depend on the time")
	}

	// Without a schema members are many, and anything else is one.
	c, err := Compile(Definition{ObjectType: directory.Group, Attributes: map[string]Attribute{
		"displayName": matching(from("n"), 1), "members": from("members"), "owner": from("owner")}}, Source{References: []string{"members", "owner"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.References(); len(got) != 2 || !got[0].Multi || got[1].Multi {
		t.Errorf("references are %+v", got)
	}
}
