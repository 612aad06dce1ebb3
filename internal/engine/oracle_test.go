package engine_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/ledger"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

// saved is what has been written as the source: what the oracles below reckon
// with, and not what the engine made of it.
type saved struct {
	at    time.Time
	whole bool            // the files are what was noted, and not something broken
	names map[string]bool // every name and id that anybody ever had, folded
	files int
}

func (s *saved) note(people map[string]person, teams map[string]team) {
	if s.names == nil {
		s.names = map[string]bool{}
	}
	for _, p := range people {
		s.names[strings.ToLower(p.name)], s.names[strings.ToLower(p.id)] = true, true
	}
	for _, g := range teams {
		s.names[strings.ToLower(g.name)], s.names[strings.ToLower(g.id)] = true, true
	}
	s.files = 2 // that are written next
}

func (s *saved) write(string, string) {
	s.at, s.whole = time.Now(), s.files > 0
	s.files--
}

// unlogged tells of writes that the log does not tell of, and of creates that it
// tells of more than once: each attempted write has one final entry (I5).
func (w *world) unlogged(links map[directory.Key]provision.Link) (violations []string) {
	if time.Since(w.began) > 29*24*time.Hour {
		return nil // the log has begun to forget
	}
	told, created := map[string]int{}, map[string]int{}
	for _, e := range w.entries(audit.Query{Since: w.moved}) {
		told[e.Target.ID]++
		if e.Action == audit.Create && (e.Status == audit.Success || e.Status == audit.Warning) {
			created[e.Target.ID]++
		}
	}
	writes := w.target().Writes()
	for id := range writes.ByID {
		if told[id] == 0 && !w.openIntent() {
			violations = append(violations, fmt.Sprintf("the log does not tell that account %s was written to", id))
		}
	}
	for key, link := range links {
		if link.CreatedByUs && !link.LinkedAt.Before(w.moved) && created[link.TargetID] != 1 {
			violations = append(violations, fmt.Sprintf("the log tells %d times that account %s of %s was created", created[link.TargetID], link.TargetID, key))
		}
	}
	for id, n := range created {
		if made := w.made(id); n > 1 || !made {
			violations = append(violations, fmt.Sprintf("the log tells %d times that account %s was created, carried out: %t", n, id, made))
		}
	}
	return violations
}

// made reports whether an account was made by a write, on whichever server.
func (w *world) made(id string) bool {
	for _, server := range w.servers {
		if server.Writes().Created[id] {
			return true
		}
	}
	return false
}

// openIntent reports whether the outcome of a write is still unknown.
func (w *world) openIntent() bool {
	intents, err := w.ledger().Intents()
	if err != nil {
		w.t.Fatal(err)
	}
	return len(intents) > 0
}

// touchedStrangers tells of accounts that others made and the engine wrote to
// though nobody of the source has their name or id (I8).
func (w *world) touchedStrangers() (violations []string) {
	for id, seeded := range w.target().Seeded() {
		claimed := false
		for _, path := range []string{"userName", "externalId", "displayName"} {
			value, ok := seeded.Values[path]
			claimed = claimed || ok && w.saved.names[strings.ToLower(value.String())]
		}
		if claimed {
			continue
		}
		now, there := w.target().Account(directory.User, id)
		if !there {
			now, there = w.target().Account(directory.Group, id)
		}
		if !there || !reflect.DeepEqual(now.Values, seeded.Values) {
			violations = append(violations, fmt.Sprintf("account %s is nobody's and was %v; now it is %v (there: %t)", id, seeded.Values, now.Values, there))
		}
	}
	return violations
}

// unapplied tells of people in scope whose account is not as the source has
// them, and of others whose account is still enabled, that no escrow and no
// held removal accounts for (I2). It reckons from the rows that were saved, and
// gives nothing while no cycle has ended since, or the configuration is another
// than it can reckon with.
func (w *world) unapplied(links map[directory.Key]provision.Link, escrows map[directory.Key]ledger.Escrow) (violations []string) {
	s := w.status()
	last := s.LastCycle
	settled := w.saved.whole && w.job != nil && w.users != nil && s.Code == "active" && s.Configuration.Pending == nil && s.Configuration.Unlisted == nil &&
		!s.CheckedAt.Before(w.saved.at) && last != nil && last.State == "succeeded"
	if !settled || w.source.File.Users.IDColumn != "id" {
		return nil
	}
	names := map[string]int{}
	for _, p := range w.people {
		names[strings.ToLower(p.name)]++
	}
	for id, p := range w.people {
		key := directory.Key{Type: directory.User, Anchor: id}
		if escrows[key].Code != "" || names[strings.ToLower(p.name)] > 1 || slices.Contains(w.app.Protected, p.name) {
			continue
		}
		link, linked := links[key]
		account, there := w.target().Account(directory.User, link.TargetID)
		there = there && linked
		switch in := w.entitled(p); {
		case !in && there && enabled(account) && len(s.HeldRemovals) == 0 && w.removes(directory.User):
			violations = append(violations, fmt.Sprintf("%s is not in scope and has the enabled account %s", key, account.ID))
		case in && !there:
			violations = append(violations, fmt.Sprintf("%s is in scope and has no account", key))
		case in && (!enabled(account) || !strings.EqualFold(account.Values["userName"].String(), p.name)):
			violations = append(violations, fmt.Sprintf("%s is %+v, and the account is %v", key, p, account.Values))
		case in && p.department != "" && reflect.DeepEqual(w.users.Attributes, userAttributes()) && account.Values["title"].String() != p.department:
			violations = append(violations, fmt.Sprintf("%s is of %s, and the account is %v", key, p.department, account.Values))
		}
	}
	for key, link := range links {
		if _, there := w.people[key.Anchor]; there || key.Type != directory.User || escrows[key].Code != "" || len(s.HeldRemovals) > 0 || !w.removes(directory.User) {
			continue
		}
		if account, there := w.target().Account(directory.User, link.TargetID); there && enabled(account) && !slices.Contains(w.app.Protected, account.Values["userName"].String()) {
			violations = append(violations, fmt.Sprintf("%s is gone from the source and has the enabled account %s", key, account.ID))
		}
	}
	return violations
}

func enabled(account connector.Account) bool { return account.Enabled == nil || *account.Enabled }

// removes reports whether the job has the default rules for removals.
func (w *world) removes(typ string) bool {
	return w.job.Deprovisioning[typ] == nil && w.users.Actions == nil
}

// entitled reports whether a person is to have an account that is enabled.
func (w *world) entitled(p person) bool {
	if p.off {
		return false
	}
	if w.app.Scope != config.ScopeAll {
		assigned := slices.ContainsFunc(slices.Collect(maps.Values(w.assignments)), func(a *config.Assignment) bool {
			return a.Object.Anchor == p.id && a.Object.Type == directory.User ||
				a.Object.Type == directory.Group && slices.Contains(w.teams[a.Object.Anchor].members, p.id)
		})
		if !assigned {
			return false
		}
	}
	row := map[string]string{"department": p.department, "kind": p.kind, "userPrincipalName": p.name, "id": p.id}
	return len(w.filters) == 0 || slices.ContainsFunc(slices.Collect(maps.Values(w.filters)), func(f *config.Filter) bool {
		return !slices.ContainsFunc(f.Clauses, func(c scoping.Clause) bool {
			return (row[c.Attribute] == *c.Value) != (c.Operator == scoping.Equals)
		})
	})
}

// Each oracle sees what it is for.
func TestOracles(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(w *world)
		want  string
	}{
		"unapplied": {func(w *world) {
			w.target().Edit(directory.User, w.links()[user(1)].TargetID, map[string]directory.Value{"title": directory.Text("Pirate")})
		}, "is of Engineering"},
		"no account": {func(w *world) { w.target().Drop(directory.User, w.links()[user(1)].TargetID) }, "has no account"},
		"enabled": {func(w *world) {
			w.leave(6, 6)
			w.cycle()
			w.target().Edit(directory.User, w.links()[user(6)].TargetID, map[string]directory.Value{"active": directory.Boolean(true)})
		}, "is gone from the source and has the enabled account"},
		"stranger": {func(w *world) {
			id := w.target().Seed(directory.User, map[string]directory.Value{"userName": directory.Text("stranger@example.com")})
			w.send(connector.Operation{Kind: connector.Update, Type: directory.User, ID: id, Modifications: []connector.Modification{
				{Path: directory.MustPath("title"), Verb: connector.Set, Value: directory.Text("Ours")}}})
		}, "is nobody's"},
		"unlogged": {func(w *world) {
			w.send(connector.Operation{Kind: connector.Create, Type: directory.User, Modifications: []connector.Modification{
				{Path: directory.MustPath("userName"), Verb: connector.Set, Value: directory.Text("second@example.com")}}})
		}, "the log does not tell"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				crowd(w, 6, nil)
				w.assertInvariants()
				test.spoil(w)
				links := w.links()
				violations := slices.Concat(w.unlogged(links), w.touchedStrangers(), w.unapplied(links, w.escrows()))
				if !slices.ContainsFunc(violations, func(v string) bool { return strings.Contains(v, test.want) }) {
					t.Errorf("no oracle says %q: %q", test.want, violations)
				}
			})
		})
	}
}

// send writes to the target past the engine.
func (w *world) send(operation connector.Operation) {
	w.t.Helper()
	if _, err := w.target().Send(w.t.Context(), operation); err != nil {
		w.t.Fatal(err)
	}
}
