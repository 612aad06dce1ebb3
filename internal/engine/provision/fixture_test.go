package provision

import (
	"bytes"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

var (
	now  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	anna = directory.Key{Type: directory.User, Anchor: "anna"}
)

const day = 24 * time.Hour

// userType is what the test target has of users.
var userType = directory.ObjectType{Name: directory.User, Attributes: []directory.Definition{
	{Name: "userName", Type: directory.TypeString, Required: true, Unique: true},
	{Name: "externalId", Type: directory.TypeString, CaseExact: true},
	{Name: "active", Type: directory.TypeBoolean},
	{Name: "displayName", Type: directory.TypeString},
	{Name: "title", Type: directory.TypeString},
	{Name: "nickName", Type: directory.TypeString},
	{Name: "badge", Type: directory.TypeInteger},
	{Name: "tags", Type: directory.TypeString, MultiValued: true},
	{Name: "password", Type: directory.TypeString, Mutability: directory.WriteOnly},
	{Name: "hired", Type: directory.TypeString, Mutability: directory.Immutable},
	{Name: "manager", Type: directory.TypeReference},
}}

var groupType = directory.ObjectType{Name: directory.Group, Attributes: []directory.Definition{
	{Name: "displayName", Type: directory.TypeString, Required: true},
	{Name: "members", Type: directory.TypeReference, MultiValued: true},
}}

func ref[T any](v T) *T { return &v }

func from(source string) mapping.Attribute          { return mapping.Attribute{Source: &source} }
func expression(text string) mapping.Attribute      { return mapping.Attribute{Expression: &text} }
func constant(text string) mapping.Attribute        { return mapping.Attribute{Constant: &text} }
func defaultOnly(fallback string) mapping.Attribute { return mapping.Attribute{Default: &fallback} }

func matching(a mapping.Attribute, precedence int64) mapping.Attribute {
	a.MatchingPrecedence = &precedence
	return a
}

func onCreate(a mapping.Attribute) mapping.Attribute {
	a.Apply = mapping.ApplyOnCreate
	return a
}

func addValues(a mapping.Attribute) mapping.Attribute {
	a.Apply = mapping.ApplyAddValues
	return a
}

func whenNull(a mapping.Attribute, rule mapping.WhenNull) mapping.Attribute {
	a.WhenNull = rule
	return a
}

func orElse(a mapping.Attribute, fallback string) mapping.Attribute {
	a.Default = &fallback
	return a
}

type attributes map[string]mapping.Attribute

// plain is the mapping of most tests.
func plain() attributes {
	return attributes{
		"userName":    matching(from("userPrincipalName"), 1),
		"active":      expression("Not([IsSoftDeleted])"),
		"displayName": from("displayName"),
		"title":       from("jobTitle"),
		"manager":     from("manager"),
	}
}

func (a attributes) plus(path string, rule mapping.Attribute) attributes {
	a[path] = rule
	return a
}

func programOf(t testing.TB, definition mapping.Definition, target directory.ObjectType, clauses []scoping.Clause) *Program {
	t.Helper()
	definition.Enabled = true
	compiled, err := mapping.Compile(definition, mapping.Source{References: []string{"manager", "members"}}, &target)
	if err != nil {
		t.Fatal(err)
	}
	var filters []scoping.Filter
	if clauses != nil {
		filters = []scoping.Filter{{Name: "filter", Clauses: clauses}}
	}
	scope, err := scoping.Compile(filters)
	if err != nil {
		t.Fatal(err)
	}
	var job *config.Job
	p := &Program{
		ObjectType: definition.ObjectType, Mapping: compiled, Scope: scope, Policy: job.DeprovisioningOf(definition.ObjectType),
		CanDisable: true, CanDelete: true, EnabledPath: directory.MustPath("active"),
	}
	if definition.ObjectType == directory.Group {
		p.CanDisable, p.EnabledPath = false, directory.Path{}
	}
	return p
}

func users(t testing.TB, a attributes, edits ...func(*Program)) *Program {
	t.Helper()
	p := programOf(t, mapping.Definition{ObjectType: directory.User, Attributes: a}, userType, nil)
	for _, edit := range edits {
		edit(p)
	}
	return p
}

func usersWith(t testing.TB, a attributes, actions ...mapping.Action) *Program {
	t.Helper()
	return programOf(t, mapping.Definition{ObjectType: directory.User, Attributes: a, Actions: actions}, userType, nil)
}

func groups(t testing.TB) *Program {
	t.Helper()
	return programOf(t, mapping.Definition{ObjectType: directory.Group, Attributes: attributes{
		"displayName": matching(from("displayName"), 1), "members": from("members"),
	}}, groupType, nil)
}

func filtered(t testing.TB, clauses ...scoping.Clause) *Program {
	t.Helper()
	return programOf(t, mapping.Definition{ObjectType: directory.User, Attributes: plain()}, userType, clauses)
}

func view(key directory.Key, values map[string]directory.Value) *mapping.View {
	return &mapping.View{Object: directory.Object{Key: key, Attributes: directory.NewAttributes(values)}}
}

type values map[string]directory.Value

func txt(s string) directory.Value { return directory.Text(s) }

func annas() values {
	return values{"userPrincipalName": txt("anna@x"), "displayName": txt("Anna"), "jobTitle": txt("Clerk")}
}

// present is a situation of an assigned object that the source has.
func present(v values) Situation {
	return Situation{Now: now, Key: anna, Presence: Present, Since: now.Add(-day), View: view(anna, v), Assigned: true,
		Assignments: []string{"a1"}, Random: bytes.NewReader(bytes.Repeat([]byte{7}, 4096))}
}

// linkedTo is what a link looks like after a create of annas().
func linkedTo(id string) *Link {
	return &Link{TargetID: id, CreatedByUs: true, Display: "Anna", Assignment: []string{"a1"},
		Claims: []Claim{{"userName", "anna@x"}}, LinkedAt: now.Add(-10 * day),
		Sent: NewSentValues(map[string]Sent{
			"userName": {txt("anna@x"), true}, "displayName": {txt("Anna"), true}, "title": {txt("Clerk"), true},
			"active": {directory.Boolean(true), true},
		})}
}

func disabledFor(loss Loss, since time.Time) *Link {
	l := linkedTo("id1")
	l.Disabled = &Disabled{loss, since}
	l.Sent.set("active", Sent{Value: directory.Boolean(false)})
	return l
}

// leftAt gives what the link remembers of an attribute.
func leftAt(d Decision, path string) Sent {
	sent, _ := d.After.Sent.Get(path)
	return sent
}

func account(id string, v values) *connector.Account {
	return &connector.Account{Type: directory.User, ID: id, Version: "v1", Values: v}
}

func matched(ids ...string) []MatchResult {
	return []MatchResult{{Match: mapping.Match{Path: directory.MustPath("userName"), Value: txt("anna@x")}, Accounts: ids}}
}

// shape is the part of a decision that tests compare most.
type shape struct {
	Outcome Outcome
	Action  Action
	Reason  string
}

func shapeOf(d Decision) shape { return shape{d.Outcome, d.Action, d.Reason} }

func check(t *testing.T, d Decision, want shape) {
	t.Helper()
	if len(d.Need) > 0 {
		t.Fatalf("asks for %+v", d.Need)
	}
	if got := shapeOf(d); got != want {
		t.Fatalf("decided %+v (%s), want %+v", got, d.Detail, want)
	}
	consistent(t, d)
}

// consistent checks what holds of every decision.
func consistent(t interface {
	Helper()
	Error(...any)
	Errorf(string, ...any)
}, d Decision) {
	t.Helper()
	switch {
	case len(d.Need) > 0:
		if d.Operation != nil || d.Removal {
			t.Errorf("a decision that asks sends something: %+v", d)
		}
	case (d.Outcome == Sends) != (d.Operation != nil):
		t.Errorf("outcome %d goes with operation %v", d.Outcome, d.Operation)
	case d.Outcome != Sends && (d.Removal || d.Action != ActionNone):
		t.Errorf("outcome %d goes with action %q, removal %t", d.Outcome, d.Action, d.Removal)
	case d.Removal != (d.Action == ActionDisable || d.Action == ActionDelete):
		t.Errorf("action %q goes with removal %t", d.Action, d.Removal)
	case (d.Outcome == Failed || d.Outcome == Skipped || d.Removal) && d.Reason == "":
		t.Errorf("outcome %d, action %q, has no reason", d.Outcome, d.Action)
	case d.Action == ActionDelete && d.After != nil:
		t.Error("a link outlives the account")
	case d.Outcome == Sends && d.Action != ActionDelete && d.After == nil:
		t.Error("an account is left without link")
	case d.Outcome != Unchanged && len(d.Steps) == 0:
		t.Error("nothing is explained")
	}
	if d.Operation != nil && d.Operation.Kind == connector.Create != (d.Operation.ID == "") {
		t.Errorf("%s has the id %q", d.Operation.Kind, d.Operation.ID)
	}
}

// written gives what an operation does, by path: the value's text, "-" for a
// clear, "+" before values that are added.
func written(d Decision) map[string]string {
	if d.Operation == nil {
		return nil
	}
	out := map[string]string{}
	for _, m := range d.Operation.Modifications {
		switch m.Verb {
		case connector.Set:
			out[m.Path.String()] = m.Value.String()
		case connector.Clear:
			out[m.Path.String()] = "-"
		case connector.Add:
			out[m.Path.String()] = "+" + m.Value.String()
		}
	}
	if d.Operation.Enabled != nil {
		out["enabled"] = directory.Boolean(*d.Operation.Enabled).String()
	}
	return out
}
