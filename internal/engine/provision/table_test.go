package provision

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

// TestTable_everySituation tries every combination of standing, link and
// account: a row of the table fits each, and no row is out of reach.
func TestTable_everySituation(t *testing.T) {
	reached := make([]bool, len(table))
	for s := inScope; s <= voidAssignment; s++ {
		for l := unlinked; l <= unproven; l++ {
			for a := notLookedUp; a <= contradicts; a++ {
				r := rowFor(s, l, a)
				if r.reason == audit.InternalError {
					t.Errorf("no row for standing %d, link %d, account %d", s, l, a)
				}
				for i := range table {
					if table[i] == r {
						reached[i] = true
					}
				}
				if r.verdict == disableAccount || r.verdict == deleteAccount || r.verdict == disableThenWait || r.verdict == loseScope || r.verdict == afterGrace {
					if s == inScope || l == unlinked || l == unproven || s == orphaned || s == unreadable {
						t.Errorf("a removal for standing %d, link %d", s, l)
					}
				}
			}
		}
	}
	for i, ok := range reached {
		if !ok {
			t.Errorf("row %+v decides nothing", table[i])
		}
	}
}

// TestTable_reasonsAreExplained holds every reason of the table to the
// catalogue.
func TestTable_reasonsAreExplained(t *testing.T) {
	known := map[string]bool{}
	for _, code := range audit.Codes() {
		known[code.Name] = true
	}
	for _, r := range table {
		if r.reason != "" && !known[r.reason] {
			t.Errorf("%s is not in the catalogue", r.reason)
		}
	}
}

// TestDecide_rows has a situation for each row of the table.
func TestDecide_rows(t *testing.T) {
	gone := func(p Presence, link *Link) Situation {
		return Situation{Now: now, Key: anna, Presence: p, Since: now.Add(-day), View: view(anna, nil), Link: link}
	}
	unassigned := func(link *Link) Situation {
		s := present(annas())
		s.Assigned, s.Assignments, s.Link = false, nil, link
		return s
	}
	off := func(link *Link) Situation {
		v := annas()
		v["accountEnabled"] = directory.Boolean(false)
		s := present(v)
		s.Link = link
		return s
	}
	doubted := linkedTo("id1")
	doubted.Unproven = true
	unjudged := filtered(t, scoping.Clause{Attribute: "department", Operator: scoping.Equals, Value: ref("R&D")})
	several := annas()
	several["department"] = directory.Texts("R&D", "Sales")
	tests := []struct {
		name      string
		situation Situation
		program   *Program
		want      shape
		need      LookupKind
	}{
		{name: "unreadable, assigned", situation: func() Situation {
			s := present(nil)
			s.Presence, s.Problem = Unreadable, &connector.Problem{Where: "people.csv line 3", Detail: "no id"}
			return s
		}(), want: shape{Failed, ActionNone, audit.InvalidSourceRecord}},
		{name: "unreadable, neither assigned nor linked", situation: Situation{Now: now, Key: anna, Presence: Unreadable},
			want: shape{Skipped, ActionNone, audit.NotEffectivelyEntitled}},
		{name: "unreadable, linked and not assigned any more", situation: gone(Unreadable, linkedTo("id1")),
			want: shape{Sends, ActionDisable, audit.NotEffectivelyEntitled}},
		{name: "filter cannot be evaluated", program: unjudged, situation: func() Situation {
			s := present(several)
			s.Link = linkedTo("id1")
			return s
		}(), want: shape{Failed, ActionNone, audit.EvaluationFailed}},
		{name: "never told of", situation: gone(Unseen, nil), want: shape{Unchanged, ActionNone, ""}},
		{name: "never told of, linked", situation: gone(Unseen, linkedTo("id1")), want: shape{Unchanged, ActionNone, ""}},
		{name: "never told of, unproven", situation: gone(Unseen, doubted), want: shape{Skipped, ActionNone, audit.LinkUnproven}},
		{name: "never told of, assigned", situation: Situation{Now: now, Key: anna, Assigned: true, Assignments: []string{"a1"}},
			want: shape{Skipped, ActionNone, audit.NotEffectivelyEntitled}},

		{name: "in scope, not matched yet", situation: present(annas()), need: LookupMatch},
		{name: "in scope, nobody has the value", situation: func() Situation {
			s := present(annas())
			s.Matches = matched()
			return s
		}(), want: shape{Sends, ActionCreate, ""}},
		{name: "in scope, somebody has the value", situation: func() Situation {
			s := present(annas())
			s.Matches = matched("id1")
			return s
		}(), need: LookupCurrent},
		{name: "in scope, several have the value", situation: func() Situation {
			s := present(annas())
			s.Matches = matched("id1", "id2")
			return s
		}(), want: shape{Failed, ActionNone, audit.DuplicateTargetEntries}},
		{name: "in scope, somebody else's account", situation: func() Situation {
			s := present(annas())
			s.Matches, s.Sought, s.Current, s.Owner = matched("id1"), "id1", account("id1", nil), "User/otto"
			return s
		}(), want: shape{Failed, ActionNone, audit.OwnedByAnother}},
		{name: "in scope, found and gone when read", situation: func() Situation {
			s := present(annas())
			s.Matches, s.Sought, s.Missing = matched("id1"), "id1", true
			return s
		}(), want: shape{Failed, ActionNone, audit.InvalidAnchor}},
		{name: "in scope, account differs", situation: func() Situation {
			s := present(annas())
			s.Matches, s.Sought = matched("id1"), "id1"
			s.Current = account("id1", values{"userName": txt("anna@x")})
			return s
		}(), want: shape{Sends, ActionUpdate, ""}},
		{name: "in scope, unproven", situation: func() Situation {
			s := present(annas())
			s.Link = doubted
			return s
		}(), need: LookupCurrent},
		{name: "in scope, unproven and confirmed", situation: func() Situation {
			s := present(annas())
			s.Link, s.Sought = doubted, "id1"
			s.Current = account("id1", values{"userName": txt("ANNA@X"), "displayName": txt("Anna"), "title": txt("Clerk"), "active": directory.Boolean(true)})
			return s
		}(), want: shape{Unchanged, ActionNone, ""}},
		{name: "in scope, unproven and somebody else's", situation: func() Situation {
			s := present(annas())
			s.Link, s.Sought, s.Current = doubted, "id1", account("id1", values{"userName": txt("otto@x")})
			return s
		}(), need: LookupMatch},
		{name: "in scope, unproven, somebody else's and another object's", situation: func() Situation {
			s := present(annas())
			s.Link, s.Sought, s.Current, s.Owner = doubted, "id1", account("id1", values{"userName": txt("otto@x")}), "User/otto"
			return s
		}(), need: LookupMatch},
		{name: "in scope, linked account gone", situation: func() Situation {
			s := present(annas())
			s.Link, s.Sought, s.Missing = linkedTo("id1"), "id1", true
			return s
		}(), need: LookupMatch},
		{name: "in scope, linked account another object's", situation: func() Situation {
			s := present(annas())
			s.Link, s.Sought, s.Current, s.Owner = linkedTo("id1"), "id1", account("id1", nil), "User/otto"
			return s
		}(), want: shape{Failed, ActionNone, audit.OwnedByAnother}},
		{name: "in scope, linked, nothing changed", situation: func() Situation {
			s := present(annas())
			s.Link = linkedTo("id1")
			return s
		}(), want: shape{Unchanged, ActionNone, ""}},
		{name: "in scope, disabled by us", situation: func() Situation {
			s := present(annas())
			s.Link = disabledFor(LossDisabled, now.Add(-day))
			return s
		}(), want: shape{Sends, ActionUpdate, ""}},
		{name: "in scope again after management ended", situation: func() Situation {
			s := present(annas())
			s.Link = disabledFor(LossOutOfScope, now.Add(-day))
			return s
		}(), want: shape{Sends, ActionUpdate, ""}},

		{name: "not assigned, no account", situation: unassigned(nil), want: shape{Skipped, ActionNone, audit.NotEffectivelyEntitled}},
		{name: "not assigned any more", situation: unassigned(linkedTo("id1")), want: shape{Sends, ActionDisable, audit.NotEffectivelyEntitled}},
		{name: "not assigned, disabled in the source before", situation: unassigned(disabledFor(LossDisabled, now)), want: shape{Unchanged, ActionNone, ""}},
		{name: "not assigned, management ended", situation: unassigned(disabledFor(LossOutOfScope, now)), want: shape{Unchanged, ActionNone, ""}},
		{name: "not assigned, unproven", situation: unassigned(doubted), want: shape{Skipped, ActionNone, audit.LinkUnproven}},

		{name: "disabled in the source, no account", situation: off(nil), want: shape{Skipped, ActionNone, audit.DisabledInSource}},
		{name: "disabled in the source, neither assigned nor linked", situation: func() Situation {
			s := off(nil)
			s.Assigned, s.Assignments = false, nil
			return s
		}(), want: shape{Skipped, ActionNone, audit.NotEffectivelyEntitled}},
		{name: "disabled in the source", situation: off(linkedTo("id1")), want: shape{Sends, ActionDisable, audit.DisabledInSource}},
		{name: "disabled in the source already", situation: off(disabledFor(LossDisabled, now)), want: shape{Unchanged, ActionNone, ""}},
		{name: "disabled in the source, management ended", situation: off(disabledFor(LossOutOfScope, now)), want: shape{Unchanged, ActionNone, ""}},
		{name: "disabled in the source, unproven", situation: off(doubted), want: shape{Skipped, ActionNone, audit.LinkUnproven}},
		{name: "soft-deleted", situation: gone(SoftDeleted, linkedTo("id1")), want: shape{Sends, ActionDisable, audit.DisabledInSource}},

		{name: "absent, no account", situation: gone(Absent, nil), want: shape{Unchanged, ActionNone, ""}},
		{name: "absent", situation: gone(Absent, linkedTo("id1")), want: shape{Sends, ActionDisable, audit.SourceObjectAbsent}},
		{name: "absent within the grace period", situation: gone(Absent, disabledFor(LossAbsent, now.Add(-day))), want: shape{Unchanged, ActionNone, ""}},
		{name: "absent, management ended", situation: gone(Absent, disabledFor(LossOutOfScope, now)), want: shape{Skipped, ActionNone, audit.ManagementEnded}},
		{name: "absent, unproven", situation: gone(Absent, doubted), want: shape{Skipped, ActionNone, audit.LinkUnproven}},

		{name: "deleted, no account", situation: gone(Deleted, nil), want: shape{Unchanged, ActionNone, ""}},
		{name: "deleted, assigned", situation: func() Situation {
			s := gone(Deleted, nil)
			s.Assigned, s.Assignments = true, []string{"a1"}
			return s
		}(), want: shape{Skipped, ActionNone, audit.NotEffectivelyEntitled}},
		{name: "deleted", situation: gone(Deleted, linkedTo("id1")), want: shape{Sends, ActionDelete, audit.SourceObjectDeleted}},
		{name: "deleted while disabled", situation: gone(Deleted, disabledFor(LossDisabled, now)), want: shape{Sends, ActionDelete, audit.SourceObjectDeleted}},
		{name: "deleted, management ended", situation: gone(Deleted, disabledFor(LossOutOfScope, now)), want: shape{Skipped, ActionNone, audit.ManagementEnded}},
		{name: "deleted, unproven", situation: gone(Deleted, doubted), want: shape{Skipped, ActionNone, audit.LinkUnproven}},

		{name: "not assigned any more, account gone", situation: func() Situation {
			s := unassigned(linkedTo("id1"))
			s.Sought, s.Missing = "id1", true
			return s
		}(), want: shape{Skipped, ActionNone, audit.InvalidAnchor}},
		{name: "disabled in the source, account gone", situation: func() Situation {
			s := off(disabledFor(LossDisabled, now))
			s.Sought, s.Missing = "id1", true
			return s
		}(), want: shape{Skipped, ActionNone, audit.InvalidAnchor}},
		{name: "absent, account gone", situation: func() Situation {
			s := gone(Absent, linkedTo("id1"))
			s.Sought, s.Missing = "id1", true
			return s
		}(), want: shape{Skipped, ActionNone, audit.InvalidAnchor}},
		{name: "deleted, account gone", situation: func() Situation {
			s := gone(Deleted, linkedTo("id1"))
			s.Sought, s.Missing = "id1", true
			return s
		}(), want: shape{Skipped, ActionNone, audit.InvalidAnchor}},
		{name: "orphaned, no account", situation: gone(Orphaned, nil), want: shape{Unchanged, ActionNone, ""}},
		{name: "orphaned", situation: gone(Orphaned, linkedTo("id1")), want: shape{Skipped, ActionNone, audit.SourceEpochChanged}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := tt.program
			if p == nil {
				p = users(t, plain())
			}
			d := Decide(tt.situation, p)
			if tt.need != 0 {
				if len(d.Need) != 1 || d.Need[0].Kind != tt.need {
					t.Fatalf("asks for %+v, decided %+v", d.Need, shapeOf(d))
				}
				consistent(t, d)
				return
			}
			check(t, d, tt.want)
		})
	}
}

// A void link is matched again, and nothing is ever sent to its account.
func TestDecide_matchAgain(t *testing.T) {
	p := users(t, plain())
	doubted := linkedTo("id1")
	doubted.Unproven = true
	voids := map[string]func(*Situation){
		"gone": func(s *Situation) { s.Link, s.Missing = linkedTo("id1"), true },
		"somebody else's": func(s *Situation) {
			s.Link, s.Current = doubted, account("id1", values{"userName": txt("otto@x")})
		},
	}
	for name, void := range voids {
		t.Run(name, func(t *testing.T) {
			s := present(annas())
			s.Sought = "id1"
			void(&s)
			d := Decide(s, p)
			if len(d.Need) != 1 || d.Need[0].Kind != LookupMatch {
				t.Fatalf("asks for %+v", d.Need)
			}

			t.Run("nobody", func(t *testing.T) {
				s := s
				s.Matches = matched()
				d := Decide(s, p)
				check(t, d, shape{Sends, ActionCreate, ""})
				if d.After.TargetID != "" || !d.After.CreatedByUs {
					t.Errorf("the new link is %+v", d.After)
				}
			})
			t.Run("rival", func(t *testing.T) {
				s := s
				s.Matches, s.Rivals = []MatchResult{}, []directory.Key{{Type: directory.User, Anchor: "otto"}}
				d := Decide(s, p)
				check(t, d, shape{Failed, ActionNone, audit.DuplicateSourceEntries})
				if d.After != s.Link {
					t.Error("a failure changes the link")
				}
			})
			t.Run("another account", func(t *testing.T) {
				s := s
				s.Matches = matched("id2")
				d := Decide(s, p)
				if len(d.Need) != 1 || d.Need[0].Kind != LookupCurrent || d.Need[0].ID != "id2" {
					t.Fatalf("asks for %+v", d.Need)
				}
				s.Sought, s.Missing, s.Current = "id2", false, account("id2", values{"userName": txt("Anna@X")})
				d = Decide(s, p)
				check(t, d, shape{Sends, ActionUpdate, ""})
				if d.Operation.ID != "id2" || d.After.TargetID != "id2" || d.After.Unproven || d.After.CreatedByUs {
					t.Errorf("sends %v and links %+v", d.Operation, d.After)
				}
				if leftAt(d, "userName").Own {
					t.Error("a value of a foreign account is ours")
				}
				if !strings.Contains(d.Steps[2].Description, "id2") || !slices.Contains(d.Steps[2].Details, audit.Detail{Name: "lost", Value: "id1"}) {
					t.Errorf("the log says %+v", d.Steps[2])
				}
			})
			t.Run("another account, gone too", func(t *testing.T) {
				s := s
				s.Matches, s.Sought, s.Current, s.Missing = matched("id2"), "id2", nil, true
				check(t, Decide(s, p), shape{Failed, ActionNone, audit.InvalidAnchor})
			})
			t.Run("create off", func(t *testing.T) {
				s := s
				s.Matches = matched()
				d := Decide(s, usersWith(t, plain(), mapping.ActionUpdate))
				check(t, d, shape{Skipped, ActionNone, audit.ActionNotAllowed})
				if d.After != nil {
					t.Error("the void link stays")
				}
			})
		})
	}
}

// An unproven link is confirmed by the value that the object had when it was
// made as well: who was renamed meanwhile is still the same.
func TestDecide_confirmByEarlierValue(t *testing.T) {
	v := annas()
	v["userPrincipalName"] = txt("anna.new@x")
	s := present(v)
	s.Link = linkedTo("id1")
	s.Link.Unproven = true
	s.Sought, s.Current = "id1", account("id1", values{"userName": txt("anna@x"), "displayName": txt("Anna"), "title": txt("Clerk"), "active": directory.Boolean(true)})
	d := Decide(s, users(t, plain()))
	check(t, d, shape{Sends, ActionUpdate, ""})
	if got := written(d); !maps.Equal(got, map[string]string{"userName": "anna.new@x"}) {
		t.Errorf("writes %v", got)
	}
	if d.After.Unproven {
		t.Error("still unproven")
	}
}

func TestDecide_beforeMatching(t *testing.T) {
	rival := []directory.Key{{Type: directory.User, Anchor: "otto"}}
	nameless := annas()
	nameless["userPrincipalName"] = directory.Null
	second := plain().plus("externalId", matching(from("employeeId"), 2))
	tests := []struct {
		name    string
		program *Program
		values  values
		edit    func(*Situation)
		want    shape
	}{
		{"no matching value", users(t, plain()), nameless, nil, shape{Skipped, ActionNone, audit.EntryJoiningPropertyValueIsMissing}},
		{"empty matching value", users(t, plain()), values{"userPrincipalName": txt("")}, nil, shape{Skipped, ActionNone, audit.EntryJoiningPropertyValueIsMissing}},
		{"two objects, one value", users(t, plain()), annas(), func(s *Situation) { s.Rivals = rival }, shape{Failed, ActionNone, audit.DuplicateSourceEntries}},
		{"two objects, one value, this one linked", users(t, plain()), annas(), func(s *Situation) { s.Rivals, s.Link = rival, linkedTo("id1") }, shape{Unchanged, ActionNone, ""}},
		{"delete alone is on", usersWith(t, plain(), mapping.ActionDelete), annas(), nil, shape{Skipped, ActionNone, audit.ActionNotAllowed}},
		{"matching value cannot be had", users(t, attributes{"userName": matching(expression(`Item([missing], 0)`), 1)}), annas(), nil, shape{Failed, ActionNone, audit.AttributeValidationFailed}},
		{"the object is ignored", users(t, plain().plus("title", expression(`IIF([jobTitle] = "Clerk", IgnoreObjectFlow, [jobTitle])`))), annas(),
			func(s *Situation) { s.Matches = matched() }, shape{Skipped, ActionNone, audit.IgnoreObjectFlow}},
		{"the app refuses and shows nobody", users(t, plain()), annas(), func(s *Situation) { s.Matches, s.Refused = matched(), "409: taken" }, shape{Failed, ActionNone, audit.EntryConflict}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := present(tt.values)
			if tt.edit != nil {
				tt.edit(&s)
			}
			check(t, Decide(s, tt.program), tt.want)
		})
	}

	t.Run("a null value is passed over", func(t *testing.T) {
		v := values{"employeeId": txt("E1")}
		d := Decide(present(v), users(t, second))
		if len(d.Need) != 1 || len(d.Need[0].Matches) != 1 || d.Need[0].Matches[0].Path.String() != "externalId" {
			t.Errorf("asks for %+v", d.Need)
		}
	})
	t.Run("the first hit counts", func(t *testing.T) {
		v := annas()
		v["employeeId"] = txt("E1")
		s := present(v)
		s.Matches = []MatchResult{{Match: mapping.Match{Path: directory.MustPath("userName"), Value: txt("anna@x")}},
			{Match: mapping.Match{Path: directory.MustPath("externalId"), Value: txt("E1")}, Accounts: []string{"id9"}}}
		d := Decide(s, users(t, second))
		if len(d.Need) != 1 || d.Need[0].ID != "id9" {
			t.Errorf("asks for %+v", d.Need)
		}
	})
}

// The caller's view is not changed, or a decision made again would differ.
func TestDecide_leavesTheSituation(t *testing.T) {
	p := filtered(t, scoping.Clause{Attribute: "IsSoftDeleted", Operator: scoping.IsTrue})
	s := present(annas())
	s.Link = linkedTo("id1")
	for range 2 {
		check(t, Decide(s, p), shape{Sends, ActionDisable, audit.NotInScope})
		if s.View.SoftDeleted || s.Link.Disabled != nil || len(s.Link.Sent) != 4 {
			t.Fatalf("the situation has become %+v", s)
		}
	}
}

// scope = "all" needs no assignment, and an assigned object may still be
// filtered out.
func TestDecide_scope(t *testing.T) {
	s := present(annas())
	s.Assigned, s.Assignments, s.Link = false, nil, linkedTo("id1")
	check(t, Decide(s, users(t, plain(), func(p *Program) { p.All = true })), shape{Unchanged, ActionNone, ""})

	clerksOut := filtered(t, scoping.Clause{Attribute: "jobTitle", Operator: scoping.NotEquals, Value: ref("Clerk")})
	s = present(annas())
	s.Link = linkedTo("id1")
	d := Decide(s, clerksOut)
	check(t, d, shape{Sends, ActionDisable, audit.NotInScope})
	if !strings.Contains(d.Detail, "jobTitle not_equals Clerk") {
		t.Errorf("says %q", d.Detail)
	}
	for _, want := range []string{"IsActive", "Assigned", "IsEffectivelyEntitledForProvisioning"} {
		if said, _ := d.Steps[1].Details.Get(want); said != "True" {
			t.Errorf("%s is %q", want, said)
		}
	}
	// Disabled in the source and filtered out: the source's word counts.
	s.View = view(anna, values{"accountEnabled": txt("FALSE"), "jobTitle": txt("Clerk")})
	clerksOut.Policy.OutOfScope = config.RemovalDelete
	check(t, Decide(s, clerksOut), shape{Sends, ActionDisable, audit.DisabledInSource})
}
