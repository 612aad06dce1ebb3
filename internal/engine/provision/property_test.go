package provision

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

// rules are what a random mapping chooses from, by path.
var rules = map[string][]mapping.Attribute{
	"active": {expression("Not([IsSoftDeleted])"), constant("True"), constant("False"), from("missing"), expression(`Switch([IsSoftDeleted], , "False", "True", "True", "False")`)},
	"title": {from("jobTitle"), orElse(from("jobTitle"), "None"), constant("T"), onCreate(from("jobTitle")), whenNull(from("jobTitle"), mapping.Clear),
		whenNull(from("jobTitle"), mapping.Ignore), defaultOnly("None"), expression(`IIF([jobTitle] = "a", IgnoreAttributeFlow, [jobTitle])`),
		expression(`IIF([jobTitle] = "B", IgnoreObjectFlow, [jobTitle])`), orElse(whenNull(from("jobTitle"), mapping.Clear), "None")},
	"nickName": {from("nick"), expression("Redact([nick])"), orElse(constant("n"), "m"), expression("IIF([IsSoftDeleted] = \"True\", \"gone\", [nick])")},
	"tags":     {from("tags"), addValues(from("tags")), onCreate(from("tags"))},
	"badge":    {from("badge"), orElse(from("badge"), "7")},
	"password": {onCreate(constant("p")), from("nick")},
	"manager":  {from("manager"), onCreate(from("manager")), whenNull(from("manager"), mapping.Clear)},
}

func anyProgram(t *rapid.T) *Program {
	a := attributes{"userName": matching(from("userPrincipalName"), 1)}
	if rapid.Bool().Draw(t, "second match") {
		a["externalId"] = matching(from("employeeId"), 2)
	}
	for _, path := range slices.Sorted(maps.Keys(rules)) {
		if i := rapid.IntRange(-1, len(rules[path])-1).Draw(t, path); i >= 0 {
			a[path] = rules[path][i]
		}
	}
	var actions []mapping.Action
	if rapid.Bool().Draw(t, "some actions") {
		actions = rapid.SliceOfDistinct(rapid.SampledFrom([]mapping.Action{mapping.ActionCreate, mapping.ActionUpdate, mapping.ActionDelete}),
			func(a mapping.Action) mapping.Action { return a }).Draw(t, "actions")
		if actions == nil {
			actions = []mapping.Action{}
		}
	}
	compiled, err := mapping.Compile(mapping.Definition{ObjectType: directory.User, Enabled: true, Actions: actions, Attributes: a},
		mapping.Source{References: []string{"manager"}}, &userType)
	if err != nil {
		t.Fatal(err)
	}
	var filters []scoping.Filter
	if rapid.Bool().Draw(t, "filter") {
		filters = []scoping.Filter{{Name: "f", Clauses: []scoping.Clause{{Attribute: "jobTitle", Operator: scoping.NotEquals, Value: ref("out")}}}}
	}
	scope, err := scoping.Compile(filters)
	if err != nil {
		t.Fatal(err)
	}
	removal := rapid.SampledFrom([]config.Removal{config.RemovalDisable, config.RemovalDelete, config.RemovalIgnore})
	p := &Program{
		ObjectType: directory.User, Mapping: compiled, Scope: scope, All: rapid.Bool().Draw(t, "all"),
		Policy: config.Deprovisioning{OutOfScope: removal.Draw(t, "out_of_scope"), Deleted: removal.Draw(t, "deleted"),
			GracePeriod: rapid.SampledFrom([]time.Duration{0, day, 30 * day}).Draw(t, "grace")},
		CanDisable: rapid.Bool().Draw(t, "can disable"), CanDelete: rapid.Bool().Draw(t, "can delete"),
	}
	if rapid.Bool().Draw(t, "enabled path") {
		p.EnabledPath = directory.MustPath("active")
	}
	if rapid.Bool().Draw(t, "protected") {
		p.Protected = map[string]bool{rapid.SampledFrom([]string{"id1", "anna@x", "otto@x"}).Draw(t, "who is protected"): true}
	}
	return p
}

// anyValues gives what the source may say of an object.
func anyValues(t *rapid.T) values {
	word := rapid.SampledFrom([]directory.Value{directory.Null, txt(""), txt("a"), txt("A"), txt("B"), txt("out"), directory.Texts("a", "b")})
	v := values{}
	for _, name := range []string{"jobTitle", "nick", "employeeId"} {
		if rapid.Bool().Draw(t, name+" there") {
			v[name] = word.Draw(t, name)
		}
	}
	v["userPrincipalName"] = rapid.SampledFrom([]directory.Value{txt("anna@x"), txt("ANNA@x"), txt("otto@x"), directory.Null}).Draw(t, "userPrincipalName")
	v["badge"] = rapid.SampledFrom([]directory.Value{directory.Null, txt("7"), directory.Integer(8), txt("x")}).Draw(t, "badge")
	v["tags"] = rapid.SampledFrom([]directory.Value{directory.Null, directory.Texts(), txt("a"), directory.Texts("a", "b"), directory.Texts("B", "c", "c")}).Draw(t, "tags")
	v["accountEnabled"] = rapid.SampledFrom([]directory.Value{directory.Null, directory.Boolean(true), txt("False")}).Draw(t, "accountEnabled")
	return v
}

func anySource(t *rapid.T, at time.Time) Situation {
	s := Situation{Now: at, Key: anna, Presence: Presence(rapid.IntRange(int(Unseen), int(Unreadable)).Draw(t, "presence")),
		Since: at.Add(-time.Duration(rapid.IntRange(0, 40).Draw(t, "days")) * day)}
	s.View = view(anna, anyValues(t))
	if rapid.Bool().Draw(t, "assigned") {
		s.Assigned, s.Assignments = true, []string{"a1"}
	}
	switch rapid.IntRange(0, 3).Draw(t, "manager") {
	case 1:
		s.References = []Referred{{Attribute: "manager", Name: "boss"}}
	case 2:
		s.References = []Referred{{Attribute: "manager", Name: "boss", TargetID: "b1"}}
	case 3:
		s.References = []Referred{{Attribute: "manager", Name: "boss", TargetID: "b1"}, {Attribute: "manager", Name: "other"}}
	}
	s.ReferencesFinal = rapid.Bool().Draw(t, "final")
	return s
}

func anyAccountValues(t *rapid.T) values {
	v := values{"userName": rapid.SampledFrom([]directory.Value{txt("anna@x"), txt("Otto@x"), txt("eve@x")}).Draw(t, "has userName")}
	for _, path := range []string{"title", "nickName", "externalId"} {
		if rapid.Bool().Draw(t, "has "+path) {
			v[path] = rapid.SampledFrom([]directory.Value{txt("a"), txt("z")}).Draw(t, path)
		}
	}
	if rapid.Bool().Draw(t, "has active") {
		v["active"] = directory.Boolean(rapid.Bool().Draw(t, "active"))
	}
	return v
}

func anyLinkOf(t *rapid.T) *Link {
	l := &Link{TargetID: "id1", CreatedByUs: rapid.Bool().Draw(t, "created"), Unproven: rapid.Bool().Draw(t, "unproven"),
		Claims: []Claim{{"userName", "anna@x"}}}
	for path, value := range anyAccountValues(t) {
		l.Sent.set(path, Sent{value, rapid.Bool().Draw(t, "own "+path)})
	}
	if loss := rapid.SampledFrom([]Loss{LossNone, LossOutOfScope, LossDisabled, LossAbsent, LossDeleted}).Draw(t, "disabled for"); loss != LossNone {
		l.Disabled = &Disabled{loss, now.Add(-time.Duration(rapid.IntRange(0, 40).Draw(t, "disabled days")) * day)}
	}
	return l
}

func anySituation(t *rapid.T) Situation {
	s := anySource(t, now)
	if rapid.Bool().Draw(t, "linked") {
		s.Link = anyLinkOf(t)
	}
	switch rapid.IntRange(0, 3).Draw(t, "matches") {
	case 1:
		s.Matches = matched()
	case 2:
		s.Matches = matched("id2")
	case 3:
		s.Matches = matched("id2", "id3")
	}
	if rapid.Bool().Draw(t, "sought") {
		s.Sought = rapid.SampledFrom([]string{"id1", "id2"}).Draw(t, "id")
		if s.Missing = rapid.Bool().Draw(t, "missing"); !s.Missing {
			s.Current = account(s.Sought, anyAccountValues(t))
			s.Owner = rapid.SampledFrom([]string{"", "User/otto"}).Draw(t, "owner")
		}
		s.Recovered = rapid.Bool().Draw(t, "recovered")
	}
	if rapid.Bool().Draw(t, "rivals") {
		s.Rivals = []directory.Key{{Type: directory.User, Anchor: "otto"}}
	}
	s.Refused = rapid.SampledFrom([]string{"", "taken"}).Draw(t, "refused")
	return s
}

func sown(s Situation) Situation {
	s.Random = bytes.NewReader(bytes.Repeat([]byte{42}, 4096))
	return s
}

// Any situation at all has a decision that is in keeping with itself and the
// same each time, removes nobody in scope, and writes to no account that is
// unproven, somebody else's or not asked for.
func TestDecide_anySituation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyProgram(t)
		s := anySituation(t)
		d := Decide(sown(s), p)
		consistent(t, d)
		if again := Decide(sown(s), p); fmt.Sprintf("%+v", shown(again)) != fmt.Sprintf("%+v", shown(d)) {
			t.Fatalf("decided\n%+v and then\n%+v", shown(d), shown(again))
		}
		inScope := s.Presence == Present && s.View.Enabled() && (p.All || s.Assigned)
		if verdict, err := p.Scope.Evaluate(s.View.Attribute); err != nil || !verdict.InScope {
			inScope = false
		}
		if d.Removal && (inScope || s.Link == nil || s.Link.Unproven) {
			t.Fatalf("removes: in scope %t, link %+v", inScope, s.Link)
		}
		if d.Operation == nil || d.Operation.ID == "" {
			return
		}
		switch d.Operation.ID {
		case "id1":
			if s.Link == nil && s.Sought != "id1" || s.Link != nil && s.Link.Unproven && (s.Sought != "id1" || s.Current == nil) {
				t.Errorf("writes to id1: %+v", s)
			}
		case s.Sought:
		default:
			t.Errorf("writes to %s, which was not looked at", d.Operation.ID)
		}
		if s.Owner != "" && s.Sought == d.Operation.ID && s.Presence == Present && inScope {
			t.Errorf("writes to %s's account", s.Owner)
		}
		if _, renamed := written(d)["userName"]; renamed && s.Current != nil && s.Current.ID == d.Operation.ID &&
			p.Protected[directory.Fold(s.Current.Values["userName"].String())] {
			t.Errorf("renames a protected account")
		}
	})
}

// shown is a decision without pointers.
func shown(d Decision) any {
	var after Link
	if d.After != nil {
		after = *d.After
		after.Disabled = nil
	}
	var changes []string
	for _, c := range d.Changes {
		changes = append(changes, fmt.Sprint(c.Name, deref(c.Old), deref(c.New)))
	}
	return []any{d.Need, d.Outcome, d.Action, d.Reason, d.Detail, d.Steps, changes, written(d), d.Removal, d.After != nil, after, d.Pending, d.Members, d.Loss}
}

func deref(s *string) string {
	if s == nil {
		return "nil"
	}
	return "=" + *s
}

// fakeApp is one account at most, as a target keeps it.
type fakeApp struct {
	id     string
	values values
	writes int
}

func (a *fakeApp) send(op *connector.Operation, path directory.Path) connector.Receipt {
	a.writes++
	switch op.Kind {
	case connector.Create:
		a.id, a.values = fmt.Sprintf("id%d", a.writes), values{"active": directory.Boolean(true)}
	case connector.Delete:
		a.id, a.values = "", nil
		return connector.Receipt{ID: op.ID}
	}
	for _, m := range op.Modifications {
		name := m.Path.String()
		switch m.Verb {
		case connector.Set:
			a.values[name] = m.Value
		case connector.Clear:
			delete(a.values, name)
		case connector.Add:
			a.values[name] = directory.List(append(slices.Clone(elements(a.values[name])), m.Value.Values()...)...)
		}
	}
	if op.Enabled != nil {
		name := "active"
		if !path.IsZero() {
			name = path.String()
		}
		a.values[name] = directory.Boolean(*op.Enabled)
	}
	back := maps.Clone(a.values)
	delete(back, "password")
	return connector.Receipt{ID: a.id, Account: &connector.Account{ID: a.id, Values: back, Unreadable: map[string]bool{"password": true}}}
}

// drive decides until nothing more is to be looked up.
func (a *fakeApp) drive(t *rapid.T, s Situation, p *Program) Decision {
	for range 8 {
		d := Decide(sown(s), p)
		if len(d.Need) == 0 {
			return d
		}
		for _, need := range d.Need {
			switch need.Kind {
			case LookupMatch:
				s.Matches = []MatchResult{}
				for _, m := range need.Matches {
					result := MatchResult{Match: m}
					if a.id != "" && Fold(p.Mapping, m.Path, a.values[m.Path.String()]) == Fold(p.Mapping, m.Path, m.Value) {
						result.Accounts = []string{a.id}
					}
					s.Matches = append(s.Matches, result)
					if len(result.Accounts) > 0 {
						break
					}
				}
			case LookupCurrent:
				s.Sought, s.Missing, s.Current = need.ID, need.ID != a.id, nil
				if !s.Missing {
					s.Current = a.current()
				}
			}
		}
	}
	t.Fatal("asks without end")
	return Decision{}
}

func (a *fakeApp) current() *connector.Account {
	has := maps.Clone(a.values)
	delete(has, "password")
	return &connector.Account{Type: directory.User, ID: a.id, Values: has, Unreadable: map[string]bool{"password": true}}
}

// Over a life of changes in the source: what a decision sends leaves nothing
// for the same decision to send again, whether the account is read or not, and
// there is never a second account.
// A Decider decides as one that has decided nothing before, and leaves what it has
// decided as it was.
func TestDecider(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d Decider
		var situations []Situation
		var programs []*Program
		var decisions []Decision
		for range rapid.IntRange(2, 4).Draw(t, "objects") {
			s, p := anySituation(t), anyProgram(t)
			situations, programs, decisions = append(situations, s), append(programs, p), append(decisions, d.Decide(sown(s), p))
		}
		for i, s := range situations {
			if want := Decide(sown(s), programs[i]); !reflect.DeepEqual(decisions[i], want) {
				t.Fatalf("decided\n%+v not\n%+v", shown(decisions[i]), shown(want))
			}
		}
	})
}

// What Matched names is all that it takes to tell whether an unlinked object has
// to be matched, and by which values, whatever its attributes are called.
func TestProgram_Matched(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyProgram(t)
		s := anySource(t, now)
		if rapid.Bool().Draw(t, "alias") {
			p.Mapping.Source.Aliases = map[string]string{"userPrincipalName": "badge", "jobTitle": "nick", "accountEnabled": "tags"}
		}
		s.View.Aliases = p.Mapping.Source.Aliases
		var d Decider
		whole := d.Decide(sown(s), p).Need
		names := p.Matched()
		if names == nil {
			return
		}
		s.View.Object.Attributes = slices.DeleteFunc(s.View.Object.Attributes, func(a directory.Attribute) bool { return !slices.Contains(names, a.Name) })
		if some := d.Decide(sown(s), p).Need; !reflect.DeepEqual(some, whole) {
			t.Fatalf("with %q alone it needs %+v, not %+v", names, some, whole)
		}
	})
}

func TestDecide_settles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyProgram(t)
		app := &fakeApp{}
		if rapid.Bool().Draw(t, "account there") {
			app.id, app.values = "old", anyAccountValues(t)
		}
		var link *Link
		for step := range rapid.IntRange(1, 6).Draw(t, "steps") {
			at := now.Add(time.Duration(step) * 20 * day)
			if rapid.IntRange(0, 9).Draw(t, "lost") == 0 {
				app.id, app.values = "", nil
			}
			s := anySource(t, at)
			s.Link = link
			if link != nil && link.TargetID != app.id {
				s.Sought, s.Missing = link.TargetID, true
			}
			existed := app.id
			d := app.drive(t, s, p)
			consistent(t, d)
			after := d.After
			if d.Operation != nil {
				if d.Operation.Kind == connector.Create && existed != "" && existed != "old" && link != nil && link.TargetID == existed {
					t.Fatalf("a second account beside %s", existed)
				}
				if d.Operation.ID != "" && d.Operation.ID != app.id {
					t.Fatalf("sends to %q, the account is %q", d.Operation.ID, app.id)
				}
				after, _ = d.Completed(app.send(d.Operation, p.EnabledPath))
			} else if d.Outcome == Failed {
				after = link
			}
			link = after
			if link != nil && link.TargetID != app.id {
				continue // gone, and not to be had again
			}

			s.Link, s.Sought, s.Missing, s.Current, s.Matches = link, "", false, nil, nil
			if d.Outcome != Failed && (d.Action != ActionDelete || s.Presence == Present) {
				again := app.drive(t, s, p)
				if again.Operation != nil && !(link == nil && again.Action == ActionCreate) {
					t.Fatalf("after %s %v decides %s %v, link %+v", d.Action, written(d), again.Action, written(again), link)
				}
				if link != nil && again.After != nil && !again.After.equal(link) {
					t.Fatalf("after %s the link %+v becomes %+v", d.Action, link, again.After)
				}
			}
			if link != nil && d.Outcome == Sends {
				s.Sought, s.Current = link.TargetID, app.current()
				again := app.drive(t, s, p)
				if again.Operation != nil {
					t.Fatalf("after %s %v, reading the account decides %s %v", d.Action, written(d), again.Action, written(again))
				}
			}
		}
	})
}
