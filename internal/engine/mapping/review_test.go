package mapping

import (
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

func TestReviewTarget(t *testing.T) {
	attribute := func(name string) Attribute { return Attribute{Source: &name} }
	match := func(name string, precedence int64) Attribute {
		return Attribute{Source: &name, MatchingPrecedence: &precedence}
	}
	lower, one := "ToLower([email])", int64(1)
	defaults := map[string]Attribute{"userName": match("userPrincipalName", 1), "nickName": attribute("mailNickname")}
	target := directory.ObjectType{Name: "User", Attributes: []directory.Definition{
		{Name: "userName", Required: true, Unique: true}, {Name: "externalId", CaseExact: true}, {Name: "title"}, {Name: "name", Sub: []directory.Definition{{Name: "givenName"}}},
		{Name: "groups", Mutability: directory.ReadOnly, Sub: []directory.Definition{{Name: "value"}}},
		{Name: "emails", MultiValued: true, Sub: []directory.Definition{{Name: "value"}, {Name: "type"}}},
		{Name: "urn:x:User:badge", Required: true}, {Name: "urn:x:User:desk"}, {Name: "seal", Required: true, Mutability: directory.ReadOnly},
	}}
	source := Source{Aliases: map[string]string{"mail": "email"}, Known: []string{"employee_id"}}
	whole := func(name string, a Attribute) map[string]Attribute {
		return map[string]Attribute{"userName": match("employeeId", 1), "urn:x:User:badge": attribute("b"), name: a}
	}
	for name, test := range map[string]struct {
		attributes                         map[string]Attribute
		actions                            []Action
		problem, unknown, missing, matches string // part of what is said; empty: nothing
	}{
		"fine":              {attributes: whole("TITLE", attribute("jobTitle"))},
		"misspelt":          {attributes: whole("titel", attribute("jobTitle")), unknown: `does not list "titel". Did you mean "title"?`},
		"sub-attribute":     {attributes: whole(`emails[type eq "work"].valeu`, attribute("mail")), unknown: `Did you mean "value"?`},
		"condition":         {attributes: whole(`emails[type eq "work"].value`, attribute("mail"))},
		"sub of name":       {attributes: whole("name.givenName", attribute("givenName"))},
		"core URN":          {attributes: whole("urn:ietf:params:scim:schemas:core:2.0:User:title", attribute("jobTitle"))},
		"extension":         {attributes: whole("urn:x:User:dsek", attribute("desk")), unknown: `Did you mean "urn:x:User:desk"?`},
		"template's own":    {attributes: whole("nickName", attribute("mailNickname"))},
		"not as template's": {attributes: whole("nickName", attribute("givenName")), unknown: `"nickName"`},
		"read-only":         {attributes: whole("groups", attribute("x")), problem: "takes no value"},
		"part of read-only": {attributes: whole(`groups[type eq "a"].value`, attribute("x")), problem: "takes no value"},
		"required":          {attributes: map[string]Attribute{"userName": match("employeeId", 1)}, missing: `requires "urn:x:User:badge"`},
		"no create":         {attributes: map[string]Attribute{"externalId": match("employeeId", 1)}, actions: []Action{ActionUpdate}},
		"not unique":        {attributes: whole("title", match("badge", 2)), matches: `does not promise that "title" is unique`},
		"moves": {attributes: map[string]Attribute{"userName": match("mail", 1), "urn:x:User:badge": attribute("b")},
			matches: `"userName" is matched by mail, which changes when a person moves or marries`},
		"moves under its own name": {attributes: map[string]Attribute{"userName": {Expression: &lower, MatchingPrecedence: &one}, "urn:x:User:badge": attribute("b")},
			matches: `"externalId" = { source = "employee_id", matching_precedence = 1 }`},
		"moves, beside what stays":        {attributes: map[string]Attribute{"userName": match("mail", 1), "externalId": match("employeeId", 2), "urn:x:User:badge": attribute("b")}},
		"moves, but so does the template": {attributes: map[string]Attribute{"userName": match("userPrincipalName", 1), "urn:x:User:badge": attribute("b")}},
	} {
		t.Run(name, func(t *testing.T) {
			r := ReviewTarget(Definition{ObjectType: "User", Attributes: test.attributes, Actions: test.actions}, defaults, source, target)
			var problems []string
			for _, p := range r.Problems {
				problems = append(problems, p.Error())
			}
			for _, said := range []struct {
				what string
				got  []string
				want string
			}{{"problems", problems, test.problem}, {"unknown", r.Unknown, test.unknown}, {"missing", r.Missing, test.missing}, {"matching", r.Matching, test.matches}} {
				if len(said.got) > 1 || (said.want == "") != (len(said.got) == 0) || !strings.Contains(strings.Join(said.got, "\n"), said.want) {
					t.Errorf("%s: got %q, want %q", said.what, said.got, said.want)
				}
			}
		})
	}
}

// TestReviewTarget_untold: of a target that tells nothing, nothing is said that
// needs its schema.
func TestReviewTarget_untold(t *testing.T) {
	one := int64(1)
	mail, title := "mail", "jobTitle"
	r := ReviewTarget(Definition{ObjectType: "User", Attributes: map[string]Attribute{
		"userName": {Source: &mail, MatchingPrecedence: &one}, "titel": {Source: &title},
	}}, nil, Source{}, directory.ObjectType{})
	if len(r.Problems)+len(r.Unknown)+len(r.Missing) > 0 || len(r.Matching) != 1 || !strings.Contains(r.Matching[0], "which changes when") {
		t.Errorf("got %+v", r)
	}
}
