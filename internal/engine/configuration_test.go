package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
)

// bubble runs a test in a world whose time is its own.
func bubble(t *testing.T, f func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		f(w)
		w.close()
	})
}

// company is a world with six people, one in two assigned teams, whose first
// cycle has ended.
func company(w *world) {
	w.t.Helper()
	w.staff(6)
	w.person(person{id: "2", name: "user2@example.com", department: "Legal", kind: "employee", manager: "1"})
	w.team(team{"g1", "Builders", []string{"1", "2", "3", "4"}})
	w.team(team{"g2", "Singers", []string{"4", "5"}})
	w.save()
	w.open()
	w.declareApp(config.ScopeAssigned)
	w.assign("", "Builders")
	w.assign("", "Singers")
	w.apply()
	w.wait("initial_cycle")
}

func TestMappingChangeRunsOneInitialCycleAndKeepsLinks(t *testing.T) {
	bubble(t, func(w *world) {
		company(w)
		before := w.links()
		if len(before) != 7 || w.actives() != 5 {
			t.Fatalf("%d links, %d enabled accounts: %s", len(before), w.actives(), w.picture())
		}
		w.users.Attributes["title"] = mapping.Attribute{Constant: ptr("Colleague")}
		w.users = change(w, w.users)
		w.apply()
		last := w.wait("initial_cycle")
		if last.Kind != "initial" || last.Created != 0 || last.Updated != 5 {
			t.Errorf("the cycle: %+v", last)
		}
		time.Sleep(20 * time.Minute)
		if s := w.status(); s.LastCycle.ID != last.ID {
			t.Errorf("another cycle ran: %+v", s.LastCycle)
		}
		for key, link := range w.links() {
			if before[key].TargetID != link.TargetID {
				t.Errorf("%s was linked to %s and is linked to %s", key, before[key].TargetID, link.TargetID)
			}
		}
		w.assertInvariants()
	})
}
