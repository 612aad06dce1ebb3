package provision

import (
	"maps"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
)

// lost gives a situation in which a linked object is lost in that way.
func lost(loss Loss, link *Link) Situation {
	s := present(annas())
	s.Link = link
	switch loss {
	case LossOutOfScope:
		s.Assigned, s.Assignments = false, nil
	case LossDisabled:
		v := annas()
		v["accountEnabled"] = directory.Boolean(false)
		s.View = view(anna, v)
	case LossAbsent:
		s.Presence = Absent
	case LossDeleted:
		s.Presence = Deleted
	}
	return s
}

// TestDecide_losses has the policy against each way in which an object is lost.
func TestDecide_losses(t *testing.T) {
	disabled, deleted := shape{Sends, ActionDisable, ""}, shape{Sends, ActionDelete, ""}
	left := shape{Skipped, ActionNone, audit.SkipOutOfScopeDeletions}
	tests := []struct {
		loss                Loss
		outOfScope, deleted config.Removal
		want                shape
	}{
		{LossOutOfScope, config.RemovalDisable, config.RemovalDelete, disabled},
		{LossOutOfScope, config.RemovalDelete, config.RemovalIgnore, deleted},
		{LossOutOfScope, config.RemovalIgnore, config.RemovalDelete, left},
		{LossDisabled, config.RemovalDelete, config.RemovalDelete, disabled},
		{LossDisabled, config.RemovalIgnore, config.RemovalIgnore, disabled},
		{LossAbsent, config.RemovalDelete, config.RemovalDelete, disabled},
		{LossAbsent, config.RemovalDelete, config.RemovalDisable, disabled},
		{LossAbsent, config.RemovalDelete, config.RemovalIgnore, left},
		{LossDeleted, config.RemovalIgnore, config.RemovalDelete, deleted},
		{LossDeleted, config.RemovalDelete, config.RemovalDisable, disabled},
		{LossDeleted, config.RemovalDelete, config.RemovalIgnore, left},
	}
	for _, tt := range tests {
		t.Run(string(tt.loss)+"/"+string(tt.outOfScope)+"/"+string(tt.deleted), func(t *testing.T) {
			p := users(t, plain(), func(p *Program) { p.Policy.OutOfScope, p.Policy.Deleted = tt.outOfScope, tt.deleted })
			d := Decide(lost(tt.loss, linkedTo("id1")), p)
			got := shapeOf(d)
			if d.Outcome == Sends {
				got.Reason = ""
			}
			if got != tt.want {
				t.Fatalf("decided %+v (%s), want %+v", got, d.Detail, tt.want)
			}
			consistent(t, d)
			if d.Loss != tt.loss {
				t.Errorf("the loss is %q", d.Loss)
			}
			if d.Action == ActionDisable && (d.After.Disabled == nil || d.After.Disabled.Loss != tt.loss) {
				t.Errorf("the link says %+v", d.After.Disabled)
			}
		})
	}
}

// A disable carries the mapping's differences, and is sent whatever the mapping
// says or fails to say.
func TestDecide_disableSends(t *testing.T) {
	promoted := annas()
	promoted["jobTitle"] = txt("Head")
	tests := []struct {
		name    string
		mapping attributes
		values  values
		want    map[string]string
	}{
		{"nothing else changed", plain(), annas(), map[string]string{"enabled": "False"}},
		{"differences go along", plain(), promoted, map[string]string{"enabled": "False", "title": "Head"}},
		{"the mapping clears", plain(), values{"userPrincipalName": txt("anna@x"), "displayName": txt("Anna")}, map[string]string{"enabled": "False", "title": "-"}},
		{"active is not mapped", func() attributes { a := plain(); delete(a, "active"); return a }(), annas(), map[string]string{"enabled": "False"}},
		{"active stays true", plain().plus("active", constant("True")), annas(), map[string]string{"enabled": "False"}},
		{"the mapping fails", plain().plus("badge", from("displayName")), promoted, map[string]string{"enabled": "False"}},
		{"the mapping ignores the object", plain().plus("nickName", expression("IgnoreObjectFlow")), promoted, map[string]string{"enabled": "False"}},
		{"the matching value fails", plain().plus("userName", matching(expression(`Item([missing], 0)`), 1)), promoted, map[string]string{"enabled": "False"}},
		{"IsSoftDeleted in an expression", plain().plus("title", expression(`IIF([IsSoftDeleted] = "True", "Left", [jobTitle])`)), annas(),
			map[string]string{"enabled": "False", "title": "Left"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := lost(LossOutOfScope, linkedTo("id1"))
			s.View = view(anna, tt.values)
			d := Decide(s, users(t, tt.mapping))
			check(t, d, shape{Sends, ActionDisable, audit.NotEffectivelyEntitled})
			if got := written(d); !maps.Equal(got, tt.want) {
				t.Errorf("writes %v, want %v", got, tt.want)
			}
			if v := leftAt(d, "active").Value; !v.Equal(directory.Boolean(false)) {
				t.Errorf("the link holds active to be %v", v)
			}
		})
	}
}

// What is not known of an object is not taken for cleared.
func TestDecide_disableOfUnknown(t *testing.T) {
	for name, s := range map[string]Situation{
		"gone":           lost(LossAbsent, linkedTo("id1")),
		"deleted":        lost(LossDeleted, linkedTo("id1")),
		"unread record":  {Now: now, Key: anna, Presence: Unreadable, View: view(anna, nil), Link: linkedTo("id1")},
		"never read":     {Now: now, Key: anna, Presence: SoftDeleted, View: view(anna, nil), Link: linkedTo("id1")},
		"without a view": {Now: now, Key: anna, Presence: SoftDeleted, Link: linkedTo("id1")},
	} {
		t.Run(name, func(t *testing.T) {
			p := users(t, plain(), func(p *Program) { p.Policy.Deleted = config.RemovalDisable })
			d := Decide(s, p)
			if got := written(d); !maps.Equal(got, map[string]string{"enabled": "False"}) {
				t.Errorf("writes %v", got)
			}
			if leftAt(d, "title").Value.String() != "Clerk" || d.After.Display != "Anna" {
				t.Errorf("the link forgets: %+v", d.After)
			}
		})
	}
}

func TestDecide_cannotRemove(t *testing.T) {
	protect := func(text string) func(*Program) {
		return func(p *Program) { p.Protected = map[string]bool{text: true} }
	}
	renamed := linkedTo("id1")
	renamed.Claims = []Claim{{"userName", "chief@x"}} // the object has another name by now, the account has not
	tests := []struct {
		name    string
		loss    Loss
		link    *Link
		program *Program
		want    string
	}{
		{"disable: update is off", LossOutOfScope, linkedTo("id1"), usersWith(t, plain(), mapping.ActionCreate, mapping.ActionDelete), audit.ActionNotAllowed},
		{"disable: the app cannot", LossOutOfScope, linkedTo("id1"), users(t, plain(), func(p *Program) { p.CanDisable = false }), audit.DisableNotSupported},
		{"disable: protected by id", LossOutOfScope, linkedTo("id1"), users(t, plain(), protect("id1")), audit.ProtectedAccount},
		{"disable: protected by matching value", LossDisabled, linkedTo("id1"), users(t, plain(), protect("anna@x")), audit.ProtectedAccount},
		{"disable: protected by the name it keeps", LossDisabled, renamed, users(t, plain(), protect("anna@x")), audit.ProtectedAccount},
		{"delete: delete is off", LossDeleted, linkedTo("id1"), usersWith(t, plain(), mapping.ActionCreate, mapping.ActionUpdate), audit.ActionNotAllowed},
		{"delete: the app cannot", LossDeleted, linkedTo("id1"), users(t, plain(), func(p *Program) { p.CanDelete = false }), audit.CannotDelete},
		{"delete: protected", LossDeleted, linkedTo("id1"), users(t, plain(), protect("anna@x")), audit.ProtectedAccount},
		{"delete of a disabled one: protected", LossDeleted, disabledFor(LossAbsent, now), users(t, plain(), protect("id1")), audit.ProtectedAccount},
		{"another's protection", LossDeleted, linkedTo("id1"), users(t, plain(), protect("otto@x")), ""},
		{"an empty protection", LossDeleted, &Link{TargetID: "id1"}, users(t, plain(), protect("")), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := Decide(lost(tt.loss, tt.link), tt.program)
			if tt.want == "" {
				check(t, d, shape{Sends, ActionDelete, audit.SourceObjectDeleted})
				return
			}
			check(t, d, shape{Skipped, ActionNone, tt.want})
			if !d.After.equal(tt.link) {
				t.Errorf("the link becomes %+v", d.After)
			}
		})
	}
}

// TestDecide_gracePeriod goes through an absence day by day.
func TestDecide_gracePeriod(t *testing.T) {
	p := users(t, plain())
	noDisable := users(t, plain(), func(p *Program) { p.CanDisable = false })
	atOnce := users(t, plain(), func(p *Program) { p.Policy.GracePeriod = 0 })
	keep := users(t, plain(), func(p *Program) { p.Policy.Deleted = config.RemovalDisable })
	noDelete := usersWith(t, plain(), mapping.ActionCreate, mapping.ActionUpdate)
	absent := func(since, at time.Time, link *Link) Situation {
		s := lost(LossAbsent, link)
		s.Since, s.Now = since, at
		return s
	}

	t.Run("disabled, then deleted", func(t *testing.T) {
		d := Decide(absent(now, now, linkedTo("id1")), p)
		check(t, d, shape{Sends, ActionDisable, audit.SourceObjectAbsent})
		if !d.After.Due.Equal(now.Add(30 * day)) {
			t.Fatalf("due %v", d.After.Due)
		}
		link := d.After
		check(t, Decide(absent(now, now.Add(30*day-time.Second), link), p), shape{Unchanged, ActionNone, ""})
		check(t, Decide(absent(now, now.Add(30*day), link), p), shape{Sends, ActionDelete, audit.SourceObjectAbsent})
	})
	t.Run("a late disable begins it", func(t *testing.T) {
		d := Decide(absent(now.Add(-60*day), now, linkedTo("id1")), p)
		check(t, d, shape{Sends, ActionDisable, audit.SourceObjectAbsent})
		check(t, Decide(absent(now.Add(-60*day), now.Add(day), d.After), p), shape{Unchanged, ActionNone, ""})
		check(t, Decide(absent(now.Add(-60*day), now.Add(30*day), d.After), p), shape{Sends, ActionDelete, audit.SourceObjectAbsent})
	})
	t.Run("who was disabled before has all of it", func(t *testing.T) {
		d := Decide(absent(now, now, disabledFor(LossDisabled, now.Add(-90*day))), p)
		check(t, d, shape{Unchanged, ActionNone, ""})
		if !d.After.Due.Equal(now.Add(30*day)) || d.After.Disabled.Loss != LossAbsent {
			t.Fatalf("the link says due %v, %+v", d.After.Due, d.After.Disabled)
		}
	})
	t.Run("no grace", func(t *testing.T) {
		check(t, Decide(absent(now, now, linkedTo("id1")), atOnce), shape{Sends, ActionDelete, audit.SourceObjectAbsent})
	})
	t.Run("never deleted by policy", func(t *testing.T) {
		d := Decide(absent(now, now, linkedTo("id1")), keep)
		check(t, d, shape{Sends, ActionDisable, audit.SourceObjectAbsent})
		if !d.After.Due.IsZero() {
			t.Errorf("due %v", d.After.Due)
		}
		check(t, Decide(absent(now, now.Add(99*day), d.After), keep), shape{Unchanged, ActionNone, ""})
	})
	t.Run("the app cannot disable", func(t *testing.T) {
		d := Decide(absent(now, now, linkedTo("id1")), noDisable)
		check(t, d, shape{Skipped, ActionNone, audit.DisableNotSupported})
		if !d.After.Due.Equal(now.Add(30 * day)) {
			t.Fatalf("due %v", d.After.Due)
		}
		check(t, Decide(absent(now, now.Add(30*day), d.After), noDisable), shape{Sends, ActionDelete, audit.SourceObjectAbsent})
	})
	t.Run("delete is off: said once, not each cycle", func(t *testing.T) {
		link := disabledFor(LossAbsent, now)
		link.Due = now.Add(30 * day)
		d := Decide(absent(now, now.Add(30*day), link), noDelete)
		check(t, d, shape{Skipped, ActionNone, audit.ActionNotAllowed})
		if !d.After.Due.IsZero() {
			t.Errorf("due %v", d.After.Due)
		}
	})
	t.Run("the period is made longer", func(t *testing.T) {
		link := disabledFor(LossAbsent, now)
		link.Due = now.Add(30 * day)
		longer := users(t, plain(), func(p *Program) { p.Policy.GracePeriod = 90 * day })
		d := Decide(absent(now, now.Add(31*day), link), longer)
		check(t, d, shape{Unchanged, ActionNone, ""})
		if !d.After.Due.Equal(now.Add(90 * day)) {
			t.Errorf("due %v", d.After.Due)
		}
	})
	t.Run("back within it", func(t *testing.T) {
		link := disabledFor(LossAbsent, now)
		link.Due = now.Add(30 * day)
		s := present(annas())
		s.Link = link
		d := Decide(s, p)
		check(t, d, shape{Sends, ActionUpdate, ""})
		if got := written(d); !maps.Equal(got, map[string]string{"enabled": "True"}) {
			t.Errorf("writes %v", got)
		}
		if d.After.Disabled != nil || !d.After.Due.IsZero() {
			t.Errorf("the link is %+v", d.After)
		}
	})
	for name, s := range map[string]Situation{
		"back, disabled in the source": lost(LossDisabled, nil),
		"back, out of scope":           lost(LossOutOfScope, nil),
	} {
		t.Run(name, func(t *testing.T) {
			s.Link = disabledFor(LossAbsent, now)
			s.Link.Due = now.Add(30 * day)
			d := Decide(s, p)
			check(t, d, shape{Unchanged, ActionNone, ""})
			if !d.After.Due.IsZero() || d.After.Disabled.Loss != d.Loss {
				t.Errorf("the link is %+v, %+v", d.After, d.After.Disabled)
			}
			if !s.Link.Due.Equal(now.Add(30*day)) || s.Link.Disabled.Loss != LossAbsent {
				t.Error("the caller's link has changed")
			}
		})
	}
}

func TestDecide_groups(t *testing.T) {
	staff := directory.Key{Type: directory.Group, Anchor: "staff"}
	group := func(presence Presence, created bool) Situation {
		s := Situation{Now: now, Key: staff, Presence: presence, Since: now.Add(-40 * day), View: view(staff, values{"displayName": txt("Staff")})}
		s.Link = &Link{TargetID: "g1", CreatedByUs: created, Sent: NewSentValues(map[string]Sent{"displayName": {txt("Staff"), true}}), Claims: []Claim{{"displayName", "staff"}}}
		return s
	}
	deletes := func(t *testing.T) *Program {
		p := groups(t)
		p.Policy.OutOfScope, p.Policy.Deleted = config.RemovalDelete, config.RemovalDelete
		return p
	}
	for _, presence := range []Presence{Present, Absent, Deleted} {
		d := Decide(group(presence, true), groups(t))
		check(t, d, shape{Skipped, ActionNone, audit.SkipOutOfScopeDeletions})
		if d.Members != MembersLeft {
			t.Errorf("presence %d: members %d", presence, d.Members)
		}
		d = Decide(group(presence, true), deletes(t))
		if d.Action != ActionDelete || !d.Removal {
			t.Errorf("presence %d: %+v", presence, shapeOf(d))
		}
		d = Decide(group(presence, false), deletes(t))
		check(t, d, shape{Skipped, ActionNone, audit.AdoptedGroup})
		if d.Members != MembersGone || d.After == nil {
			t.Errorf("presence %d: members %d, link %v", presence, d.Members, d.After)
		}
	}

	t.Run("absent within the grace period", func(t *testing.T) {
		s := group(Absent, true)
		s.Since = now
		d := Decide(s, deletes(t))
		check(t, d, shape{Skipped, ActionNone, audit.DisableNotSupported})
		if !d.After.Due.Equal(now.Add(30 * day)) {
			t.Errorf("due %v", d.After.Due)
		}
	})
	t.Run("soft-deleted", func(t *testing.T) {
		check(t, Decide(group(SoftDeleted, true), deletes(t)), shape{Skipped, ActionNone, audit.DisableNotSupported})
	})
	t.Run("members of one in scope", func(t *testing.T) {
		s := group(Present, false)
		s.Assigned = true
		d := Decide(s, groups(t))
		check(t, d, shape{Unchanged, ActionNone, ""})
		if d.Members != MembersKept {
			t.Errorf("members %d", d.Members)
		}
	})
}
