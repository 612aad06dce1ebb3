package engine_test

import (
	"fmt"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
)

// TestManagersGoAlong creates people who are all decided about before anybody is
// created. Whose turn comes after the boss's needs no second write for the boss.
func TestManagersGoAlong(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		const people, inFlight = 200, 64
		for i := range people {
			p := person{id: fmt.Sprintf("%03d", i), name: fmt.Sprintf("user%d@example.com", i), kind: "employee"}
			if i > 0 {
				p.manager = "000"
			}
			w.person(p)
		}
		w.save()
		w.open()
		w.declareApp(config.ScopeAll)
		one := int64(1)
		w.job = &config.Job{AppID: w.app.ID, Interval: interval, RateLimit: &config.RateLimit{Concurrency: &one}}
		w.apply()
		w.wait("initial_cycle")
		boss, _ := w.account("user0@example.com")
		for i := 1; i < people; i++ {
			report, _ := w.account(fmt.Sprintf("user%d@example.com", i))
			if got := report.Values[managerPath].String(); got != boss.ID {
				t.Errorf("user%d has manager %q, not %q", i, got, boss.ID)
			}
		}
		// Of those who wait for their turn together with the boss, anybody may be first.
		if w := w.target().Writes(); w.ByKind[connector.Create] != people || w.ByKind[connector.Update] >= inFlight {
			t.Errorf("%d accounts took %v", people, w.ByKind)
		}
	})
}
