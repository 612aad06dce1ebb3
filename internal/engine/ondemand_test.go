package engine_test

import (
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

// demand provisions one person by user name and gives the entries that tell of it.
func (w *world) demand(name string, dryRun bool) []audit.Entry {
	w.t.Helper()
	results, err := w.engine.Provision(w.t.Context(), w.app.ID, api.ProvisionRequest{Users: []string{name}, DryRun: dryRun, By: "bob"})
	if err != nil {
		w.t.Fatal(err)
	}
	entries := make([]audit.Entry, len(results))
	for i, result := range results {
		entries[i] = result.Entry
	}
	return entries
}

// Whoever is assigned by a group can be provisioned before the source was read by
// a cycle, and the cycle that follows looks at everybody else in the group.
func TestOnDemandKnowsTheAssignedGroups(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.staff(3)
		w.team(team{id: "g1", name: "Engineering", members: []string{"1", "2"}})
		w.team(team{id: "g2", name: "Legal", members: []string{"3"}})
		w.save()
		w.open()
		w.declareApp(config.ScopeAssigned)
		w.assign("", "Legal")
		w.assign("", "Engineering")
		dry := w.demand("user1@example.com", true)
		if len(dry) != 1 || dry[0].Action != audit.Create || dry[0].Time.IsZero() || dry[0].ID == "" {
			t.Fatalf("a dry run gives %+v", dry)
		}
		if _, ok := w.account("user1@example.com"); ok || len(w.entries(audit.Query{Category: audit.Provisioning})) != 0 {
			t.Error("a dry run writes")
		}
		if done := w.demand("user1@example.com", false); len(done) != 1 || done[0].Action != audit.Create || done[0].Status != audit.Success {
			t.Fatalf("%+v", done)
		}
		if _, ok := w.account("user1@example.com"); !ok {
			t.Fatal("there is no account")
		}
		w.apply()
		w.wait("initial_cycle")

		w.person(person{id: "4", name: "joiner@example.com", department: "Engineering", kind: "employee"})
		w.person(person{id: "5", name: "another@example.com", department: "Engineering", kind: "employee"})
		w.team(team{id: "g1", name: "Engineering", members: []string{"1", "2", "4", "5"}})
		w.save()
		if done := w.demand("joiner@example.com", false); len(done) == 0 || done[0].Action != audit.Create {
			t.Fatalf("%+v", done)
		}
		w.cycle()
		if got := w.members("Engineering"); len(got) != 4 {
			t.Errorf("members are %v", got)
		}
		if _, ok := w.account("another@example.com"); !ok {
			t.Error("another who joined with the one who was named has no account")
		}
		w.assertInvariants()
	})
}

// A person asks, so that there is an answer also where a cycle says nothing.
func TestOnDemandTellsWhoIsNotAssigned(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.staff(2)
		w.team(team{id: "g1", name: "Engineering", members: []string{"1"}})
		w.save()
		w.open()
		w.declareApp(config.ScopeAssigned)
		w.assign("", "Engineering")
		w.apply()
		w.wait("initial_cycle")
		for _, dryRun := range []bool{true, false} {
			told := w.demand("user2@example.com", dryRun)
			if len(told) != 1 || told[0].Status != audit.Skipped || told[0].Reason != audit.NotEffectivelyEntitled || told[0].InitiatedBy != "bob" {
				t.Errorf("dry run %t: %+v", dryRun, told)
			}
		}
		if _, ok := w.account("user2@example.com"); ok {
			t.Error("somebody who is not assigned has an account")
		}
	})
}
