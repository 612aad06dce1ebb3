// Package targettest is the conformance suite of connector.Target: what the
// engine relies on, whatever the system behind.
package targettest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Caps says which attributes the suite may use on a target, and what this
// target cannot do by its nature. A zero path leaves out what needs it.
type Caps struct {
	// UserName and GroupName are unique, single-valued texts that a new user or
	// group has to have. Users are always tested; a zero GroupName leaves out
	// groups.
	UserName, GroupName directory.Path
	// Text is a single-valued text of users that can be set and cleared.
	Text directory.Path
	// Element is a text in one element of a multi-valued attribute of users.
	Element directory.Path
	// Manager refers from one user to another, Members from a group to users.
	Manager, Members directory.Path
	// Also gives what a new account of that type and name needs besides.
	Also func(typ, name string) []connector.Modification

	// Searches: Find answers for UserName. Otherwise it may say ErrCannotFilter.
	Searches bool
	// CaseFolds: UserName is unique, and found, without regard to case.
	CaseFolds bool
	// ListsCompletely: List can tell that it gave everybody.
	ListsCompletely bool
	// Versions: a write with a stale Version is refused.
	Versions bool
}

// Run runs the suite. open gives a target on a system without accounts,
// another one for each call, and ends it with the test.
func Run(t *testing.T, open func(t *testing.T) (connector.Target, Caps)) {
	for name, test := range map[string]func(*suite){
		"Describe":            (*suite).describe,
		"TestWritesNothing":   (*suite).testWritesNothing,
		"Life":                (*suite).life,
		"Missing":             (*suite).missing,
		"Conflict":            (*suite).conflict,
		"SetTwice":            (*suite).setTwice,
		"Clear":               (*suite).clear,
		"Element":             (*suite).element,
		"Enable":              (*suite).enable,
		"Find":                (*suite).find,
		"FindHostile":         (*suite).findHostile,
		"List":                (*suite).list,
		"ListStops":           (*suite).listStops,
		"Manager":             (*suite).manager,
		"Members":             (*suite).members,
		"Version":             (*suite).version,
		"Cancelled":           (*suite).cancelled,
		"UnknownType":         (*suite).unknownType,
		"Concurrent":          (*suite).concurrent,
		"ReceiptTellsTheID":   (*suite).receipt,
		"ValuesAreKept":       (*suite).values,
		"WantDecidesWhatCome": (*suite).want,
	} {
		t.Run(name, func(t *testing.T) {
			target, caps := open(t)
			features, schema, err := target.Describe(t.Context())
			if err != nil {
				t.Fatalf("Describe: %v", err)
			}
			test(&suite{T: t, target: target, caps: caps, features: features, schema: schema})
		})
	}
}

// suite is one test on one target.
type suite struct {
	*testing.T
	target   connector.Target
	caps     Caps
	features connector.Features
	schema   directory.Schema
}

func set(path directory.Path, value directory.Value) connector.Modification {
	return connector.Modification{Path: path, Verb: connector.Set, Value: value}
}

func (s *suite) naming(typ string) directory.Path {
	if typ == directory.Group {
		return s.caps.GroupName
	}
	return s.caps.UserName
}

func (s *suite) creation(typ, name string, more ...connector.Modification) connector.Operation {
	modifications := []connector.Modification{set(s.naming(typ), directory.Text(name))}
	if s.caps.Also != nil {
		modifications = append(modifications, s.caps.Also(typ, name)...)
	}
	return connector.Operation{Kind: connector.Create, Type: typ, Modifications: append(modifications, more...)}
}

func (s *suite) create(typ, name string, more ...connector.Modification) string {
	s.Helper()
	return s.send(s.creation(typ, name, more...)).ID
}

func (s *suite) update(typ, id string, modifications ...connector.Modification) connector.Receipt {
	s.Helper()
	return s.send(connector.Operation{Kind: connector.Update, Type: typ, ID: id, Modifications: modifications})
}

func (s *suite) send(o connector.Operation) connector.Receipt {
	s.Helper()
	receipt, err := s.target.Send(s.Context(), o)
	if err != nil {
		s.Fatalf("%v: %v", o, err)
	}
	return receipt
}

func (s *suite) get(typ, id string, want ...directory.Path) connector.Account {
	s.Helper()
	account, err := s.target.Get(s.Context(), typ, id, want)
	if err != nil {
		s.Fatalf("get %s %q: %v", typ, id, err)
	}
	if account.Type != typ || account.ID != id {
		s.Fatalf("asked for %s %q, got %s %q", typ, id, account.Type, account.ID)
	}
	return account
}

// holds checks one value of an account; null is none.
func (s *suite) holds(typ, id string, path directory.Path, want directory.Value) {
	s.Helper()
	account := s.get(typ, id, path)
	if account.Unreadable[path.String()] {
		return
	}
	got, there := account.Values[path.String()]
	if there && got.IsNull() || !got.Equal(want) {
		s.Errorf("%s of %s %q is %v %q, want %v %q", path, typ, id, got.Kind(), got, want.Kind(), want)
	}
}

// fails checks an error's class, and that it is made for people.
func (s *suite) fails(err error, class connector.Class) {
	s.Helper()
	if err == nil {
		s.Errorf("no error, want one of class %s", class)
		return
	}
	var e *connector.Error
	if !errors.As(err, &e) || e.Class != class || e.Code == "" || e.Error() == "" {
		s.Errorf("error %v of class %q, want one of class %s with a code", err, connector.ClassOf(err), class)
	}
}

func (s *suite) needs(paths ...directory.Path) {
	s.Helper()
	for _, path := range paths {
		if path.IsZero() {
			s.Skip("the target has no such attribute")
		}
	}
}

func (s *suite) describe() {
	if s.features.Connection == "" || !slices.Contains(s.features.Types, directory.User) {
		s.Errorf("features %+v", s.features)
	}
	again, _, err := s.target.Describe(s.Context())
	if err != nil || again.Connection != s.features.Connection {
		s.Errorf("a second Describe names another system: %q, %v", again.Connection, err)
	}
	if users, ok := s.schema.Type(directory.User); !ok || len(users.Attributes) == 0 {
		s.Error("the schema has no attributes of users")
	}
}

func (s *suite) testWritesNothing() {
	if _, err := s.target.Test(s.Context(), map[string]directory.Path{directory.User: s.caps.UserName}); err != nil {
		s.Error(err)
	}
	if ids, _ := s.listed(directory.User); len(ids) != 0 {
		s.Errorf("there are accounts after the test: %v", ids)
	}
}

func (s *suite) life() {
	id := s.create(directory.User, "ada")
	s.holds(directory.User, id, s.caps.UserName, directory.Text("ada"))
	receipt := s.update(directory.User, id, set(s.caps.UserName, directory.Text("lovelace")))
	s.holds(directory.User, receipt.ID, s.caps.UserName, directory.Text("lovelace"))
	if !s.features.CanDelete[directory.User] {
		return
	}
	remove := connector.Operation{Kind: connector.Delete, Type: directory.User, ID: receipt.ID}
	s.send(remove)
	s.send(remove) // what is gone is gone
	_, err := s.target.Get(s.Context(), directory.User, receipt.ID, nil)
	s.fails(err, connector.Gone)
	if again := s.create(directory.User, "lovelace"); again == "" {
		s.Error("the name of a deleted account cannot be used")
	}
}

func (s *suite) missing() {
	_, err := s.target.Get(s.Context(), directory.User, "no-such-id", nil)
	s.fails(err, connector.Gone)
	_, err = s.target.Send(s.Context(), connector.Operation{
		Kind: connector.Update, Type: directory.User, ID: "no-such-id",
		Modifications: []connector.Modification{set(s.caps.UserName, directory.Text("x"))},
	})
	s.fails(err, connector.Gone)
}

func (s *suite) conflict() {
	s.create(directory.User, "ada")
	other := s.create(directory.User, "bob")
	name := "ada"
	if s.caps.CaseFolds {
		name = "ADA"
	}
	_, err := s.target.Send(s.Context(), s.creation(directory.User, name))
	s.fails(err, connector.Conflict)
	_, err = s.target.Send(s.Context(), connector.Operation{
		Kind: connector.Update, Type: directory.User, ID: other,
		Modifications: []connector.Modification{set(s.caps.UserName, directory.Text("ada"))},
	})
	s.fails(err, connector.Conflict)
	s.holds(directory.User, other, s.caps.UserName, directory.Text("bob"))
}

func (s *suite) setTwice() {
	s.needs(s.caps.Text)
	id := s.create(directory.User, "ada")
	for range 2 {
		s.update(directory.User, id, set(s.caps.Text, directory.Text("x")))
		s.holds(directory.User, id, s.caps.Text, directory.Text("x"))
	}
}

func (s *suite) clear() {
	s.needs(s.caps.Text)
	id := s.create(directory.User, "ada", set(s.caps.Text, directory.Text("x")))
	for range 2 { // clearing what is clear is no error
		s.update(directory.User, id, connector.Modification{Path: s.caps.Text, Verb: connector.Clear})
		s.holds(directory.User, id, s.caps.Text, directory.Null)
	}
	s.holds(directory.User, id, s.caps.UserName, directory.Text("ada"))
}

func (s *suite) element() {
	s.needs(s.caps.Element)
	made := s.create(directory.User, "ada", set(s.caps.Element, directory.Text("a@example.com")))
	s.holds(directory.User, made, s.caps.Element, directory.Text("a@example.com"))
	id := s.create(directory.User, "bob")
	s.holds(directory.User, id, s.caps.Element, directory.Null)
	for _, value := range []string{"b@example.com", "c@example.com"} {
		s.update(directory.User, id, set(s.caps.Element, directory.Text(value)))
		s.holds(directory.User, id, s.caps.Element, directory.Text(value))
	}
	s.update(directory.User, id, connector.Modification{Path: s.caps.Element, Verb: connector.Clear})
	s.holds(directory.User, id, s.caps.Element, directory.Null)
}

func (s *suite) enable() {
	if !s.features.CanDisable[directory.User] {
		s.Skip("the target cannot disable")
	}
	id := s.create(directory.User, "ada")
	for _, enabled := range []bool{false, false, true} {
		s.send(connector.Operation{Kind: connector.Update, Type: directory.User, ID: id, Enabled: &enabled})
		account := s.get(directory.User, id, s.caps.UserName)
		if account.Enabled == nil || *account.Enabled != enabled {
			s.Errorf("enabled is %v, want %t", account.Enabled, enabled)
		}
		if !account.Values[s.caps.UserName.String()].Equal(directory.Text("ada")) {
			s.Error("the account lost its name")
		}
	}
	off := false
	o := s.creation(directory.User, "bob")
	o.Enabled = &off
	if account := s.get(directory.User, s.send(o).ID); account.Enabled == nil || *account.Enabled {
		s.Error("an account created as disabled is not")
	}
}

func (s *suite) version() {
	if !s.caps.Versions {
		s.Skip("the target has no versions")
	}
	s.needs(s.caps.Text)
	id := s.create(directory.User, "ada")
	stale := s.get(directory.User, id).Version
	if stale == "" {
		s.Fatal("an account without a version")
	}
	o := connector.Operation{
		Kind: connector.Update, Type: directory.User, ID: id, Version: stale,
		Modifications: []connector.Modification{set(s.caps.Text, directory.Text("x"))},
	}
	s.send(o)
	o.Modifications[0].Value = directory.Text("y")
	if _, err := s.target.Send(s.Context(), o); err == nil {
		s.Error("a write on a stale version was carried out")
	}
	s.holds(directory.User, id, s.caps.Text, directory.Text("x"))
}

func (s *suite) cancelled() {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	if _, err := s.target.Send(ctx, s.creation(directory.User, "ada")); err == nil {
		s.Error("a write was carried out although its context had ended")
	}
	if _, err := s.target.Get(ctx, directory.User, "1", nil); err == nil || connector.ClassOf(err) == connector.Gone {
		s.Errorf("a read that was cancelled says %v", err)
	}
	if ids, err := s.found(s.caps.UserName, "ada"); err == nil && len(ids) > 0 {
		s.Error("the account was made")
	}
}

func (s *suite) unknownType() {
	o := s.creation(directory.User, "ada")
	o.Type = "Unheard-of"
	_, err := s.target.Send(s.Context(), o)
	s.fails(err, connector.Rejected)
}

func (s *suite) concurrent() {
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			receipt, err := s.target.Send(s.Context(), s.creation(directory.User, fmt.Sprint("user", i)))
			if err != nil {
				s.Error(err)
				return
			}
			if _, err := s.target.Get(s.Context(), directory.User, receipt.ID, []directory.Path{s.caps.UserName}); err != nil {
				s.Error(err)
			}
			if _, err := s.found(s.caps.UserName, fmt.Sprint("user", i)); err != nil && !errors.Is(err, connector.ErrCannotFilter) {
				s.Error(err)
			}
		})
	}
	all.Wait()
	if ids, complete := s.listed(directory.User); complete && len(ids) != 16 {
		s.Errorf("%d accounts, want 16", len(ids))
	}
}

func (s *suite) receipt() {
	receipt := s.send(s.creation(directory.User, "ada"))
	if receipt.ID == "" || receipt.Account != nil && receipt.Account.ID != receipt.ID {
		s.Errorf("receipt %+v", receipt)
	}
	if other := s.create(directory.User, "bob"); other == receipt.ID {
		s.Errorf("two accounts with the id %s", other)
	}
}

// values checks that texts come back as they were sent.
func (s *suite) values() {
	s.needs(s.caps.Text)
	id := s.create(directory.User, "ada")
	for _, value := range []string{"x", "ü", "名前", "a\tb", `"quoted" \ <b>&`, "False", "0", " x", strings.Repeat("x", 4000)} {
		_, err := s.target.Send(s.Context(), connector.Operation{
			Kind: connector.Update, Type: directory.User, ID: id, Modifications: []connector.Modification{set(s.caps.Text, directory.Text(value))},
		})
		if err != nil {
			s.fails(err, connector.Rejected) // a target may refuse a value; it may not change it
			continue
		}
		s.holds(directory.User, id, s.caps.Text, directory.Text(value))
	}
}

func (s *suite) want() {
	s.needs(s.caps.Text)
	id := s.create(directory.User, "ada", set(s.caps.Text, directory.Text("x")))
	if account := s.get(directory.User, id); len(account.Values) != 0 {
		s.Errorf("nothing was wanted, and %v came", account.Values)
	}
	if account := s.get(directory.User, id, s.caps.Text); len(account.Values) != 1 {
		s.Errorf("one attribute was wanted, and %v came", account.Values)
	}
}
