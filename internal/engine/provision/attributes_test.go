package provision

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
)

// creating gives a situation in which nobody has the matching value.
func creating(v values) Situation {
	s := present(v)
	s.Matches = matched()
	return s
}

// found gives a situation in which one account has it and was read.
func found(v, has values) Situation {
	s := present(v)
	s.Matches, s.Sought, s.Current = matched("id1"), "id1", account("id1", has)
	return s
}

func TestDecide_create(t *testing.T) {
	upn := values{"userPrincipalName": txt("anna@x")}
	only := func(path string, rule mapping.Attribute) attributes {
		return attributes{"userName": matching(from("userPrincipalName"), 1), path: rule}
	}
	tests := []struct {
		name    string
		mapping attributes
		values  values
		want    map[string]string
		own     map[string]bool
	}{
		{"values", plain(), annas(), map[string]string{"userName": "anna@x", "displayName": "Anna", "title": "Clerk", "active": "True"}, map[string]bool{"title": true}},
		{"absent", plain(), upn, map[string]string{"userName": "anna@x", "active": "True"}, nil},
		{"empty text is null", plain(), values{"userPrincipalName": txt("anna@x"), "jobTitle": txt("")}, map[string]string{"userName": "anna@x", "active": "True"}, nil},
		{"default", only("title", orElse(from("jobTitle"), "None")), upn, map[string]string{"userName": "anna@x", "title": "None"}, map[string]bool{"title": false}},
		{"default not needed", only("title", orElse(from("jobTitle"), "None")), annas(), map[string]string{"userName": "anna@x", "title": "Clerk"}, map[string]bool{"title": true}},
		{"default alone", only("nickName", defaultOnly("nick")), upn, map[string]string{"userName": "anna@x", "nickName": "nick"}, map[string]bool{"nickName": false}},
		{"constant", only("title", constant("T")), upn, map[string]string{"userName": "anna@x", "title": "T"}, map[string]bool{"title": false}},
		{"on create", only("title", onCreate(from("jobTitle"))), annas(), map[string]string{"userName": "anna@x", "title": "Clerk"}, map[string]bool{"title": false}},
		{"added values", only("tags", addValues(from("tags"))), values{"userPrincipalName": txt("anna@x"), "tags": directory.Texts("a", "b")},
			map[string]string{"userName": "anna@x", "tags": `["a","b"]`}, map[string]bool{"tags": false}},
		{"immutable", only("hired", from("hired")), values{"userPrincipalName": txt("anna@x"), "hired": txt("2026")}, map[string]string{"userName": "anna@x", "hired": "2026"}, nil},
		{"the attribute is ignored", only("title", expression("IgnoreAttributeFlow")), annas(), map[string]string{"userName": "anna@x"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := Decide(creating(tt.values), users(t, tt.mapping))
			check(t, d, shape{Sends, ActionCreate, ""})
			if got := written(d); !maps.Equal(got, tt.want) {
				t.Errorf("writes %v, want %v", got, tt.want)
			}
			for path, own := range tt.own {
				if leftAt(d, path).Own != own {
					t.Errorf("%s is own: %t", path, !own)
				}
			}
			if !d.After.CreatedByUs || d.After.Disabled != nil || d.After.Display == "" || len(d.After.Claims) != 1 || d.After.LinkedAt != now {
				t.Errorf("the link is %+v", d.After)
			}
		})
	}

	t.Run("required", func(t *testing.T) {
		a := attributes{"externalId": matching(from("employeeId"), 1), "userName": from("userPrincipalName")}
		d := Decide(creating(values{"employeeId": txt("E1")}), users(t, a))
		check(t, d, shape{Failed, ActionNone, audit.MissingValues})
		if !strings.Contains(d.Detail, "userName") || len(d.Changes) > 0 {
			t.Errorf("says %q, changes %v", d.Detail, d.Changes)
		}
	})
	t.Run("two values where one goes", func(t *testing.T) {
		v := annas()
		v["jobTitle"] = directory.Texts("Clerk", "Cook")
		d := Decide(creating(v), users(t, plain()))
		check(t, d, shape{Failed, ActionNone, audit.SchemaPropertyCanOnlyAcceptValue})
		if !strings.Contains(d.Detail, "Item(") {
			t.Errorf("says %q", d.Detail)
		}
	})
	t.Run("create is off", func(t *testing.T) {
		check(t, Decide(creating(annas()), usersWith(t, plain(), mapping.ActionUpdate, mapping.ActionDelete)), shape{Skipped, ActionNone, audit.ActionNotAllowed})
	})
	t.Run("unique", func(t *testing.T) {
		a := plain().plus("nickName", onCreate(expression(`SelectUniqueValue("a", "b")`)))
		s := creating(annas())
		d := Decide(s, users(t, a))
		if len(d.Need) != 1 || d.Need[0].Kind != LookupUnique || d.Need[0].Value != "a" || d.Need[0].Path.String() != "nickName" {
			t.Fatalf("asks for %+v", d.Need)
		}
		consistent(t, d)
		s.Taken = func(_ directory.Path, value string) (bool, bool, error) { return value == "a", true, nil }
		d = Decide(s, users(t, a))
		check(t, d, shape{Sends, ActionCreate, ""})
		if written(d)["nickName"] != "b" {
			t.Errorf("writes %v", written(d))
		}
	})
}

// TestDecide_ownValues is about what is taken back (decisions 27).
func TestDecide_ownValues(t *testing.T) {
	text := func(s string) *string { return &s }
	tests := []struct {
		name  string
		rule  mapping.Attribute
		sent  *Sent   // nil: nothing is known
		has   *string // in the account that was read; nil: not read
		want  string  // "" for nothing
		after Sent
	}{
		{"own", from("jobTitle"), &Sent{txt("Clerk"), true}, nil, "-", Sent{}},
		{"own, read", from("jobTitle"), &Sent{txt("Clerk"), true}, text("Clerk"), "-", Sent{}},
		{"own, changed in the target", from("jobTitle"), &Sent{txt("Clerk"), true}, text("Boss"), "", Sent{txt("Boss"), false}},
		{"not own", from("jobTitle"), &Sent{txt("Clerk"), false}, nil, "", Sent{txt("Clerk"), false}},
		{"never known", from("jobTitle"), nil, nil, "", Sent{}},
		{"found", from("jobTitle"), nil, text("Clerk"), "", Sent{txt("Clerk"), false}},
		{"nothing to take back", from("jobTitle"), &Sent{directory.Null, true}, nil, "", Sent{directory.Null, true}},
		{"a default is no update", orElse(from("jobTitle"), "None"), nil, nil, "", Sent{}},
		{"a default does not replace", orElse(from("jobTitle"), "None"), &Sent{txt("Clerk"), true}, nil, "-", Sent{}},
		{"ignore", whenNull(from("jobTitle"), mapping.Ignore), &Sent{txt("Clerk"), true}, nil, "", Sent{txt("Clerk"), true}},
		{"ignore, read", whenNull(from("jobTitle"), mapping.Ignore), &Sent{txt("Clerk"), true}, text("Boss"), "", Sent{txt("Boss"), false}},
		{"clear", whenNull(from("jobTitle"), mapping.Clear), &Sent{txt("Clerk"), false}, nil, "-", Sent{}},
		{"clear, never known", whenNull(from("jobTitle"), mapping.Clear), nil, nil, "-", Sent{}},
		{"clear, known to be clear", whenNull(from("jobTitle"), mapping.Clear), &Sent{}, nil, "", Sent{}},
		{"clear spares the default", orElse(whenNull(from("jobTitle"), mapping.Clear), "None"), &Sent{txt("None"), false}, nil, "", Sent{txt("None"), false}},
		{"clear, found", whenNull(from("jobTitle"), mapping.Clear), nil, text("Boss"), "-", Sent{}},
		{"on create", onCreate(from("jobTitle")), &Sent{txt("Clerk"), true}, nil, "", Sent{txt("Clerk"), true}},
		{"default alone, empty in the target", defaultOnly("None"), nil, text(""), "None", Sent{txt("None"), false}},
		{"default alone, there", defaultOnly("None"), nil, text("Boss"), "", Sent{}},
		{"default alone, not read", defaultOnly("None"), nil, nil, "", Sent{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := present(values{"userPrincipalName": txt("anna@x"), "displayName": txt("Anna")})
			s.Link = linkedTo("id1")
			s.Link.Sent = slices.DeleteFunc(s.Link.Sent, func(left SentAt) bool { return left.Path == "title" })
			if tt.sent != nil {
				s.Link.Sent.set("title", *tt.sent)
			}
			if tt.has != nil {
				has := values{"userName": txt("anna@x"), "displayName": txt("Anna"), "active": directory.Boolean(true)}
				if *tt.has != "" {
					has["title"] = txt(*tt.has)
				}
				s.Sought, s.Current = "id1", account("id1", has)
			}
			d := Decide(s, users(t, plain().plus("title", tt.rule)))
			consistent(t, d)
			if got := written(d)["title"]; got != tt.want {
				t.Errorf("writes %q, want %q", got, tt.want)
			}
			after := leftAt(d, "title")
			if !after.Value.Equal(tt.after.Value) || after.Own != tt.after.Own {
				t.Errorf("the link holds %v, own %t", after.Value, after.Own)
			}
		})
	}
}

func TestDecide_update(t *testing.T) {
	linked := func(v values) Situation {
		s := present(v)
		s.Link = linkedTo("id1")
		return s
	}
	changed := annas()
	changed["jobTitle"] = txt("Head")
	recased := annas()
	recased["jobTitle"] = txt("CLERK")
	tagged := func(tags ...string) values {
		v := annas()
		v["tags"] = directory.Texts(tags...)
		return v
	}
	withTags := func(s Situation, tags ...string) Situation {
		s.Link.Sent.set("tags", Sent{Value: directory.Texts(tags...)})
		return s
	}
	tests := []struct {
		name      string
		mapping   attributes
		situation Situation
		want      map[string]string
	}{
		{"difference", plain(), linked(changed), map[string]string{"title": "Head"}},
		{"case alone", plain(), linked(recased), nil},
		{"case alone, case-exact", plain().plus("externalId", from("jobTitle")), func() Situation {
			s := linked(recased)
			s.Link.Sent.set("externalId", Sent{txt("Clerk"), true})
			return s
		}(), map[string]string{"externalId": "CLERK"}},
		{"rename", plain(), linked(values{"userPrincipalName": txt("anna.b@x"), "displayName": txt("Anna"), "jobTitle": txt("Clerk")}), map[string]string{"userName": "anna.b@x"}},
		{"several values in another order", plain().plus("tags", from("tags")), withTags(linked(tagged("b", "A")), "a", "B"), nil},
		{"several values, one fewer", plain().plus("tags", from("tags")), withTags(linked(tagged("a")), "a", "b"), map[string]string{"tags": `["a"]`}},
		{"one value twice", plain().plus("tags", from("tags")), withTags(linked(tagged("a", "a")), "a", "b"), map[string]string{"tags": `["a","a"]`}},
		{"values are added", plain().plus("tags", addValues(from("tags"))), withTags(linked(tagged("c", "a", "c")), "a", "b"), map[string]string{"tags": `+["c"]`}},
		{"values are there", plain().plus("tags", addValues(from("tags"))), withTags(linked(tagged("A")), "a", "b"), nil},
		{"added values are never removed", plain().plus("tags", addValues(from("tags"))), func() Situation {
			s := withTags(linked(annas()), "a")
			s.Link.Sent.set("tags", Sent{directory.Texts("a"), true})
			return s
		}(), nil},
		{"immutable", plain().plus("hired", from("displayName")), linked(annas()), nil},
		{"write only is compared with what was sent", plain().plus("password", from("jobTitle")), func() Situation {
			s := found(annas(), values{"userName": txt("anna@x"), "displayName": txt("Anna"), "title": txt("Clerk"), "active": directory.Boolean(true)})
			s.Link, s.Matches = linkedTo("id1"), nil
			s.Link.Sent.set("password", Sent{txt("Clerk"), true})
			return s
		}(), nil},
		{"what cannot be read is compared with what was sent", plain(), func() Situation {
			s := found(annas(), values{"userName": txt("anna@x"), "displayName": txt("Anna"), "active": directory.Boolean(true)})
			s.Link, s.Matches = linkedTo("id1"), nil
			s.Current.Unreadable = map[string]bool{"title": true}
			return s
		}(), nil},
		{"what was read counts", plain(), func() Situation {
			s := found(annas(), values{"userName": txt("anna@x"), "displayName": txt("Anna"), "title": txt("Boss"), "active": directory.Boolean(true)})
			s.Link, s.Matches = linkedTo("id1"), nil
			return s
		}(), map[string]string{"title": "Clerk"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := Decide(tt.situation, users(t, tt.mapping))
			if got := written(d); !maps.Equal(got, tt.want) {
				t.Errorf("writes %v, want %v", got, tt.want)
			}
			consistent(t, d)
			if d.Outcome == Unchanged && tt.situation.Current == nil && d.After != tt.situation.Link {
				t.Errorf("an unchanged link is written: %+v", d.After)
			}
		})
	}

	t.Run("an attribute that is mapped no more is left and forgotten", func(t *testing.T) {
		a := plain()
		delete(a, "title")
		d := Decide(linked(annas()), users(t, a))
		check(t, d, shape{Unchanged, ActionNone, ""})
		if _, there := d.After.Sent.Get("title"); there {
			t.Error("it is remembered")
		}
	})
	t.Run("update is off", func(t *testing.T) {
		d := Decide(linked(changed), usersWith(t, plain(), mapping.ActionCreate, mapping.ActionDelete))
		check(t, d, shape{Unchanged, ActionNone, ""})
	})
	t.Run("an evaluation error fails the object and leaves the link", func(t *testing.T) {
		s := linked(changed)
		d := Decide(s, users(t, plain().plus("badge", from("displayName"))))
		check(t, d, shape{Failed, ActionNone, audit.AttributeValidationFailed})
		if d.After != s.Link {
			t.Error("the link changes")
		}
	})
}

func TestDecide_adopt(t *testing.T) {
	same := values{"userName": txt("ANNA@x"), "displayName": txt("Anna"), "title": txt("Clerk"), "active": directory.Boolean(true)}
	d := Decide(found(annas(), same), users(t, plain()))
	check(t, d, shape{Skipped, ActionNone, audit.RedundantExport})
	if d.After == nil || d.After.TargetID != "id1" || d.After.CreatedByUs || leftAt(d, "title").Own {
		t.Errorf("the link is %+v", d.After)
	}

	differs := maps.Clone(same)
	differs["title"], differs["nickName"] = txt("Boss"), txt("A")
	d = Decide(found(annas(), differs), users(t, plain().plus("nickName", from("nick"))))
	check(t, d, shape{Sends, ActionUpdate, ""})
	if got := written(d); !maps.Equal(got, map[string]string{"title": "Clerk"}) {
		t.Errorf("writes %v", got)
	}
	if !leftAt(d, "title").Own || leftAt(d, "displayName").Own || d.Operation.Version != "v1" {
		t.Errorf("the link is %+v, the version %q", d.After.Sent, d.Operation.Version)
	}

	d = Decide(found(annas(), differs), usersWith(t, plain(), mapping.ActionCreate))
	check(t, d, shape{Skipped, ActionNone, audit.ActionNotAllowed})
	if d.After == nil || d.After.TargetID != "id1" {
		t.Errorf("the link is %+v", d.After)
	}
}

// What a lost create or update wrote is ours.
func TestDecide_recovered(t *testing.T) {
	made := values{"userName": txt("anna@x"), "displayName": txt("Anna"), "title": txt("Clerk"), "active": directory.Boolean(true)}
	s := found(annas(), made)
	s.Recovered = true
	d := Decide(s, users(t, plain().plus("displayName", constant("Anna"))))
	check(t, d, shape{Unchanged, ActionNone, ""})
	if !d.After.CreatedByUs || !leftAt(d, "title").Own || leftAt(d, "displayName").Own {
		t.Errorf("the link is %+v", d.After)
	}

	head := annas()
	head["jobTitle"] = txt("Head")
	s = present(head)
	s.Link, s.Sought, s.Recovered = linkedTo("id1"), "id1", true
	has := maps.Clone(made)
	has["title"] = txt("Head")
	s.Link.Sent.set("displayName", Sent{Value: txt("Anna")})
	s.Current = account("id1", has)
	d = Decide(s, users(t, plain()))
	check(t, d, shape{Unchanged, ActionNone, ""})
	if got := leftAt(d, "title"); !got.Own || got.Value.String() != "Head" {
		t.Errorf("the link holds %+v", got)
	}
	if leftAt(d, "displayName").Own {
		t.Error("what was found equal has become ours")
	}

	s.Current.Values["manager"] = txt("b1")
	s.References = []Referred{{Attribute: "manager", Name: "boss", TargetID: "b1"}}
	if d = Decide(s, users(t, plain())); !leftAt(d, "manager").Own {
		t.Error("the manager that a lost update wrote is not ours")
	}
	s.Link.Sent.set("manager", Sent{Value: txt("b1")})
	if d = Decide(s, users(t, plain())); leftAt(d, "manager").Own {
		t.Error("a manager who was found has become ours")
	}
}

// A disable that was carried out, whose answer was lost, is not sent again.
func TestDecide_recoveredDisable(t *testing.T) {
	s := lost(LossOutOfScope, linkedTo("id1"))
	s.Sought, s.Recovered = "id1", true
	s.Current = account("id1", values{"userName": txt("anna@x"), "displayName": txt("Anna"), "title": txt("Clerk"), "active": directory.Boolean(false)})
	s.Current.Enabled = ref(false)
	d := Decide(s, users(t, plain()))
	check(t, d, shape{Unchanged, ActionNone, ""})
	if d.After.Disabled == nil || d.After.Disabled.Loss != LossOutOfScope {
		t.Errorf("the link is %+v", d.After)
	}
	s.Current.Enabled = ref(true)
	check(t, Decide(s, users(t, plain())), shape{Sends, ActionDisable, audit.NotEffectivelyEntitled})
}

func TestDecide_enable(t *testing.T) {
	tests := []struct {
		name    string
		mapping attributes
		want    map[string]string
	}{
		{"mapped", plain(), map[string]string{"enabled": "True"}},
		{"not mapped", func() attributes { a := plain(); delete(a, "active"); return a }(), map[string]string{"enabled": "True"}},
		{"without value", plain().plus("active", from("missing")), map[string]string{"enabled": "True"}},
		{"the mapping disables", plain().plus("active", constant("False")), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := present(annas())
			s.Link = disabledFor(LossDisabled, now)
			p := users(t, tt.mapping)
			d := Decide(s, p)
			if got := written(d); !maps.Equal(got, tt.want) {
				t.Fatalf("writes %v, want %v", got, tt.want)
			}
			if d.After.Disabled != nil {
				t.Error("still disabled by us")
			}
			s.Link = d.After
			if d := Decide(s, p); d.Outcome != Unchanged {
				t.Errorf("and then %v", written(d))
			}
		})
	}
}

func TestDecide_references(t *testing.T) {
	boss := Referred{Attribute: "manager", Name: "boss", TargetID: "b1"}
	pending := Referred{Attribute: "manager", Name: "boss"}
	linked := func(manager *Sent, referred ...Referred) Situation {
		s := present(annas())
		s.Link = linkedTo("id1")
		if manager != nil {
			s.Link.Sent.set("manager", *manager)
		}
		s.References = referred
		return s
	}
	final := func(s Situation) Situation {
		s.ReferencesFinal = true
		return s
	}
	ours, found := &Sent{txt("b0"), true}, &Sent{txt("b0"), false}
	tests := []struct {
		name      string
		situation Situation
		want      string
		pending   bool
	}{
		{"set", linked(nil, boss), "b1", false},
		{"changed", linked(ours, boss), "b1", false},
		{"equal", linked(&Sent{txt("b1"), true}, boss), "", false},
		{"not there yet", linked(ours, pending), "", true},
		{"not there at all", final(linked(ours, pending)), "-", true},
		{"not there at all, never written", final(linked(nil, pending)), "", true},
		{"gone in the source", linked(ours), "-", false},
		{"gone in the source, not ours", linked(found), "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := Decide(tt.situation, users(t, plain()))
			consistent(t, d)
			if got := written(d)["manager"]; got != tt.want {
				t.Errorf("writes %q, want %q", got, tt.want)
			}
			if (len(d.Pending) > 0) != tt.pending {
				t.Errorf("pending %v", d.Pending)
			}
			if d.Operation != nil {
				for _, m := range d.Operation.Modifications {
					if m.Reference != (m.Path.Name() == "manager") {
						t.Errorf("%s is a reference: %t", m.Path, m.Reference)
					}
				}
			}
		})
	}
	t.Run("in a create", func(t *testing.T) {
		s := creating(annas())
		s.References = []Referred{boss}
		if got := written(Decide(s, users(t, plain())))["manager"]; got != "b1" {
			t.Errorf("writes %q", got)
		}
		s.References = []Referred{pending}
		d := Decide(s, users(t, plain()))
		check(t, d, shape{Sends, ActionCreate, ""})
		if last := d.Steps[len(d.Steps)-1]; last.Type != audit.StepReferenceResolution || last.Status != audit.Warning {
			t.Errorf("the last step is %+v", last)
		}
	})
	t.Run("two managers", func(t *testing.T) {
		s := linked(nil, boss, Referred{Attribute: "manager", Name: "other", TargetID: "b2"})
		d := Decide(s, users(t, plain()))
		check(t, d, shape{Failed, ActionNone, audit.SchemaPropertyCanOnlyAcceptValue})
		if d.After != s.Link {
			t.Error("the link changes")
		}
	})
}

// A protected account gets other values, but keeps its name and stays enabled.
func TestDecide_protectedIsNotRenamed(t *testing.T) {
	protect := func(p *Program) { p.Protected = map[string]bool{"anna@x": true} }
	v := values{"userPrincipalName": txt("chief@x"), "displayName": txt("Anna"), "jobTitle": txt("Clerk")}
	s := present(v)
	s.Link = linkedTo("id1")
	for range 3 { // it stays protected under the name that it keeps
		d := Decide(s, users(t, plain(), protect))
		check(t, d, shape{Skipped, ActionNone, audit.ProtectedAccount})
		if !strings.Contains(d.Detail, "userName") {
			t.Errorf("says %q", d.Detail)
		}
		s.Link = d.After
	}
	v["jobTitle"] = txt("Head")
	s.View = view(anna, v)
	d := Decide(s, users(t, plain().plus("active", constant("False")), protect))
	check(t, d, shape{Sends, ActionUpdate, ""})
	if got := written(d); !maps.Equal(got, map[string]string{"title": "Head"}) {
		t.Errorf("writes %v", got)
	}

	// Adopted by a second matching attribute.
	a := plain().plus("externalId", matching(from("employeeId"), 2))
	v["employeeId"] = txt("E1")
	s = found(v, values{"userName": txt("Anna@X"), "externalId": txt("E1")})
	if got, renamed := written(Decide(s, users(t, a, protect)))["userName"]; renamed {
		t.Errorf("renames an adopted account to %q", got)
	}
	s.Current.ID = "id1"
	if got, renamed := written(Decide(s, users(t, a, func(p *Program) { p.Protected = map[string]bool{"id1": true} })))["userName"]; renamed {
		t.Errorf("renames an adopted account to %q", got)
	}
}

// The log shows [Redact] for a redacted value, in changes and in what the app
// did not take, and no error quotes it.
func TestDecide_redacted(t *testing.T) {
	p := users(t, plain().plus("nickName", expression("Redact([ssn])")))
	v := annas()
	v["ssn"] = txt("078-05-1120")
	d := Decide(creating(v), p)
	check(t, d, shape{Sends, ActionCreate, ""})
	if written(d)["nickName"] != "078-05-1120" {
		t.Errorf("writes %v", written(d))
	}
	_, refused := d.Completed(connector.Receipt{ID: "id1", Account: account("id1", values{"nickName": txt("078051120"), "userName": txt("anna@x"),
		"displayName": txt("Anna"), "title": txt("Clerk"), "active": directory.Boolean(true)})})
	if len(refused) != 1 {
		t.Fatalf("refused %v", refused)
	}
	for _, property := range append(d.Changes, refused...) {
		if property.Name == "nickName" && *property.New != redacted {
			t.Errorf("shows %q", *property.New)
		}
	}

	p = users(t, plain().plus("badge", expression("Redact([ssn])")))
	d = Decide(creating(v), p)
	if d.Outcome != Failed || strings.Contains(d.Detail, "078") {
		t.Errorf("decided %+v: %s", shapeOf(d), d.Detail)
	}
}

func TestDecision_Completed(t *testing.T) {
	d := Decide(creating(annas()), users(t, plain()))
	after, refused := d.Completed(connector.Receipt{ID: "new", Account: account("new", values{
		"userName": txt("ANNA@X"), "displayName": txt("Anna"), "active": txt("true")})})
	if after.TargetID != "new" {
		t.Errorf("linked to %q", after.TargetID)
	}
	if len(refused) != 1 || refused[0].Name != "title" || refused[0].Old != nil || *refused[0].New != "Clerk" {
		t.Errorf("refused %+v", refused)
	}
	if d.After.TargetID != "" {
		t.Error("the decision has changed")
	}
	s := present(annas())
	s.Link = after
	if d := Decide(s, users(t, plain())); d.Outcome != Unchanged {
		t.Errorf("what was not taken is sent again: %v", written(d))
	}
	if after, refused := d.Completed(connector.Receipt{ID: "new"}); after.TargetID != "new" || refused != nil {
		t.Errorf("without an account: %+v, %v", after, refused)
	}
	deleted := Decide(lost(LossDeleted, linkedTo("id1")), users(t, plain()))
	if after, _ := deleted.Completed(connector.Receipt{}); after != nil {
		t.Errorf("after a delete: %+v", after)
	}
}
