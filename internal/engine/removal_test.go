package engine_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/chaos"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// crowd is a world of n people, all in scope, whose first cycle has ended.
func crowd(w *world, n int, limits map[string]float64) {
	w.t.Helper()
	w.staff(n)
	w.save()
	w.open()
	w.declareApp(config.ScopeAll)
	w.job = &config.Job{AppID: w.app.ID, Interval: interval, AccidentalDeletions: limits}
	w.apply()
	w.wait("initial_cycle")
	if w.actives() != n {
		w.t.Fatalf("%d enabled accounts, %d wanted", w.actives(), n)
	}
}

// leave takes people from to to out of the source.
func (w *world) leave(from, to int) {
	w.t.Helper()
	for i := from; i <= to; i++ {
		delete(w.people, fmt.Sprint(i))
	}
	w.save()
}

// every sets the job's interval.
func (w *world) every(duration string) {
	w.t.Helper()
	w.job.Interval = duration
	w.apply()
}

func (w *world) held() (digest string, count int64) {
	w.t.Helper()
	for _, held := range w.status().HeldRemovals {
		digest, count = held.Digest, count+held.Count
	}
	return digest, count
}

func (w *world) approve(digest string) {
	w.t.Helper()
	if err := w.engine.ApproveRemovals(w.t.Context(), w.app.ID, "alice", digest); err != nil {
		w.t.Fatal(err)
	}
}

func TestThreshold(t *testing.T) {
	for _, test := range []struct {
		limits       map[string]float64
		people, gone int
		held         bool
	}{
		{nil, 40, 9, false},
		{nil, 40, 10, false}, // 25 % are not more than 25 %
		{nil, 40, 11, true},
		{nil, 20, 9, false}, // fewer than 10 whatever the share
		{map[string]float64{"threshold": 3}, 20, 3, false},
		{map[string]float64{"threshold": 3}, 20, 4, true},
		{map[string]float64{"threshold": 0}, 20, 1, true},
		{map[string]float64{"percent": 50}, 20, 10, false},
		{map[string]float64{"percent": 50}, 20, 11, true},
		{map[string]float64{"percent": 0}, 20, 9, false},
		{map[string]float64{"percent": 0}, 20, 10, true},
		{map[string]float64{}, 20, 19, false},
	} {
		t.Run(fmt.Sprintf("%v %d of %d", test.limits, test.gone, test.people), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				crowd(w, test.people, test.limits)
				w.leave(1, test.gone)
				preview := w.preview(false)
				last := w.cycle()
				_, held := w.held()
				want, disabled := int64(0), int64(test.gone)
				if test.held {
					want, disabled = disabled, 0
				}
				if held != want || last.Held != want || preview.Held != want || last.Disabled != disabled || preview.Disabled != disabled ||
					w.actives() != test.people-int(disabled) {
					t.Errorf("held %d, cycle %+v, preview %+v, %d enabled", held, last, preview.Counts, w.actives())
				}
				w.assertInvariants()
			})
		})
	}
}

// The removals of an hour count together, those that were approved apart.
func TestThresholdCountsTheHourBefore(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		crowd(w, 20, map[string]float64{"threshold": 5})
		w.leave(1, 3)
		w.cycle()
		w.preview(false) // looks, and counts nothing twice
		w.preview(false)
		w.leave(4, 5)
		w.cycle()
		if n := w.actives(); n != 15 {
			t.Fatalf("%d enabled accounts, 15 wanted", n)
		}
		w.leave(6, 6)
		w.cycle()
		digest, held := w.held()
		if held != 1 || w.actives() != 15 {
			t.Fatalf("held %d, %d enabled", held, w.actives())
		}
		w.approve(digest)
		w.cycle()
		if n := w.actives(); n != 14 {
			t.Fatalf("%d enabled accounts after the approval, 14 wanted", n)
		}
		time.Sleep(61 * time.Minute)
		w.leave(7, 11)
		w.cycle()
		if _, held := w.held(); held != 0 || w.actives() != 9 {
			t.Errorf("held %d, %d enabled", held, w.actives())
		}
		w.assertInvariants()
	})
}

func TestApprovalIsOfJustThatSet(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		crowd(w, 20, map[string]float64{"threshold": 3})
		w.leave(1, 5)
		w.cycle()
		first, _ := w.held()
		w.leave(6, 6)
		w.cycle()
		second, held := w.held()
		if first == second || held != 6 {
			t.Fatalf("digests %s and %s, %d held", first, second, held)
		}
		if err := w.engine.ApproveRemovals(t.Context(), w.app.ID, "alice", first); err == nil {
			t.Error("a set that is held no longer was approved")
		}
		w.approve(second)
		w.leave(7, 10) // four more, after the approval
		w.cycle()
		if _, held := w.held(); held != 4 || w.actives() != 14 {
			t.Errorf("held %d, %d enabled", held, w.actives())
		}
		// One who was approved and removed comes back, and goes again: that is not
		// approved.
		w.person(person{id: "1", name: "user1@example.com", department: "Engineering", kind: "employee"})
		w.save()
		w.cycle()
		if !w.active("user1@example.com") {
			t.Fatal("user1 is not enabled again")
		}
		w.leave(1, 1)
		w.cycle()
		if _, held := w.held(); held != 5 || w.actives() != 15 {
			t.Errorf("held %d, %d enabled", held, w.actives())
		}
		w.assertInvariants()
	})
}

func TestHeldSetVanishesWithItsCause(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		crowd(w, 20, map[string]float64{"threshold": 3})
		w.leave(1, 8)
		w.cycle()
		if _, held := w.held(); held != 8 {
			t.Fatalf("%d held", held)
		}
		staged := len(w.entries(audit.Query{Action: audit.StagedDelete}))
		time.Sleep(5 * time.Hour)
		if n := len(w.entries(audit.Query{Action: audit.StagedDelete})); n != staged || n != 8 {
			t.Errorf("the log tells %d times of 8 held removals", n)
		}
		w.reopen()
		w.staff(20)
		w.save()
		w.cycle()
		if _, held := w.held(); held != 0 || w.actives() != 20 {
			t.Errorf("held %d, %d enabled", held, w.actives())
		}
		w.assertInvariants()
	})
}

// A person named on demand leaves what is held as it is.
func TestOnDemandLeavesWhatIsHeld(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		crowd(w, 20, map[string]float64{"threshold": 3})
		w.leave(1, 8)
		w.cycle()
		digest, _ := w.held()
		if _, err := w.engine.Provision(t.Context(), w.app.ID, api.ProvisionRequest{Users: []string{"user9@example.com"}, By: "bob"}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.engine.Provision(t.Context(), w.app.ID, api.ProvisionRequest{Users: []string{"1"}, By: "bob"}); err != nil {
			t.Fatal(err)
		}
		if w.active("user1@example.com") {
			t.Error("one who was named is not disabled")
		}
		w.cycle()
		again, held := w.held()
		if held != 7 || again == digest {
			t.Fatalf("%d held under %s", held, again)
		}
		w.approve(again)
		w.cycle()
		if n := w.actives(); n != 12 {
			t.Errorf("%d enabled accounts, 12 wanted", n)
		}
		w.assertInvariants()
	})
}

func TestGracePeriod(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		crowd(w, 6, nil)
		w.every("5h59m")
		w.leave(1, 2)
		w.cycle()
		if w.active("user1@example.com") || w.active("user2@example.com") {
			t.Fatal("those who are gone are still enabled")
		}
		time.Sleep(29 * 24 * time.Hour)
		w.person(person{id: "2", name: "user2@example.com", department: "Engineering", kind: "employee"})
		w.save()
		w.cycle()
		if !w.active("user2@example.com") {
			t.Error("one who is back is not enabled")
		}
		if _, there := w.account("user1@example.com"); !there {
			t.Error("deleted before the grace period was over")
		}
		time.Sleep(31 * time.Hour)
		if _, there := w.account("user1@example.com"); there {
			t.Error("not deleted after the grace period")
		}
		if n := len(w.target().Accounts("User")); n != 5 {
			t.Errorf("%d accounts, 5 wanted", n)
		}
		w.assertInvariants()
	})
}

// groupOf is a world whose one assigned group has all n people.
func groupOf(w *world, n int, limits map[string]float64) {
	w.t.Helper()
	w.staff(n)
	members := make([]string, n)
	for i := range members {
		members[i] = fmt.Sprint(i + 1)
	}
	w.team(team{"g1", "Everybody", members})
	w.team(team{"g2", "Others", members[:2]})
	w.save()
	w.open()
	w.declareApp(config.ScopeAll)
	w.assign("", "Everybody")
	w.assign("", "Others")
	w.job = &config.Job{AppID: w.app.ID, Interval: interval, AccidentalDeletions: limits}
	w.apply()
	w.wait("initial_cycle")
	if got := len(w.members("Everybody")); got != n {
		w.t.Fatalf("%d members, %d wanted", got, n)
	}
}

func TestGroupThatWouldLoseEverybodyIsHeld(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		groupOf(w, 12, map[string]float64{"threshold": 100})
		w.team(team{"g1", "Everybody", nil})
		w.team(team{"g2", "Others", []string{"1"}})
		w.save()
		if p := w.preview(false); p.Held != 12 {
			t.Errorf("the preview holds %d", p.Held)
		}
		w.cycle()
		digest, held := w.held()
		if len(w.members("Everybody")) != 12 || held < 12 {
			t.Fatalf("%d members, %d held", len(w.members("Everybody")), held)
		}
		w.reopen()
		time.Sleep(3 * time.Hour)
		if again, _ := w.held(); again != digest {
			t.Errorf("the digest was %s and is %s", digest, again)
		}
		w.approve(digest)
		w.cycle()
		if n := len(w.members("Everybody")); n != 0 {
			t.Errorf("%d members after the approval", n)
		}
		same(t, w.members("Others"), "user1@example.com")
		w.assertInvariants()
	})
}

// An approval of some memberships is none of others.
func TestApprovalOfMembershipsIsOfJustThose(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		groupOf(w, 12, map[string]float64{"threshold": 2})
		w.team(team{"g1", "Everybody", []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"}})
		w.save()
		w.cycle()
		digest, held := w.held()
		if held != 3 || len(w.members("Everybody")) != 12 {
			t.Fatalf("%d held, %d members", held, len(w.members("Everybody")))
		}
		w.approve(digest)
		w.team(team{"g1", "Everybody", []string{"1", "2", "3"}})
		w.save()
		w.cycle()
		if _, held := w.held(); held != 6 || len(w.members("Everybody")) != 9 {
			t.Errorf("%d held, %d members", held, len(w.members("Everybody")))
		}
		w.assertInvariants()
	})
}

// Held accounts hold nothing else: somebody who merely left a group leaves it.
func TestMembershipsGoWhileAccountsAreHeld(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		groupOf(w, 20, map[string]float64{"threshold": 3})
		w.team(team{"g2", "Others", []string{"1"}})
		w.leave(10, 16)
		w.cycle()
		if _, held := w.held(); held < 7 {
			t.Fatalf("%d held", held)
		}
		same(t, w.members("Others"), "user1@example.com")
		w.assertInvariants()
	})
}

// A cycle that is stopped has not forgotten what it removed.
func TestThresholdCountsAcrossAStop(t *testing.T) {
	for _, crash := range []bool{false, true} {
		t.Run(fmt.Sprintf("crash %t", crash), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				crowd(w, 30, map[string]float64{"threshold": 5})
				gate := make(chan struct{})
				w.route(func(target connector.Target) connector.Target {
					return &gatedFor{target, gate, map[string]bool{w.links()[user(5)].TargetID: true}}
				})
				w.leave(1, 5)
				time.Sleep(61 * time.Minute) // four are removed, the fifth hangs
				if crash {
					w.cut()
					close(gate)
					w.close()
				} else {
					done := make(chan struct{})
					go func() { w.close(); close(done) }()
					time.Sleep(time.Second)
					close(gate)
					<-done
				}
				w.route(nil)
				w.leave(6, 9)
				w.open()
				w.cycle()
				if n := w.actives(); n < 25 {
					t.Errorf("%d of 30 accounts were disabled within an hour, 5 are allowed", 30-n)
					for _, e := range w.entries(audit.Query{Action: audit.Disable}) {
						t.Log(e.Time, e.CycleID, e.Source.ID)
					}
				}
				w.assertInvariants()
			})
		})
	}
}

func user(i int) directory.Key { return directory.Key{Type: "User", Anchor: fmt.Sprint(i)} }

// A removal that fails is tried until it is done, and shown.
func TestFailedRemovalIsTriedAgain(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		crowd(w, 4, nil)
		w.every("11h59m")
		id := w.links()[user(1)].TargetID
		w.route(func(target connector.Target) connector.Target {
			return chaos.New(target, connector.SystemClock(), chaos.Rule{Method: connector.MethodSend, ID: id, Before: chaos.Error(connector.Rejected)})
		})
		w.leave(1, 1)
		w.cycle()
		if e := w.escrows()[user(1)]; !e.Removal {
			t.Errorf("the escrow: %+v", e)
		}
		time.Sleep(40 * 24 * time.Hour)
		if e := w.escrows()[user(1)]; !e.Removal || e.GivenUp {
			t.Errorf("the escrow after 40 days: %+v", e)
		}
		w.route(nil)
		time.Sleep(37 * time.Hour)
		if account, there := w.account("user1@example.com"); there && *account.Enabled {
			t.Error("still enabled")
		}
		if len(w.escrows()) != 0 {
			t.Errorf("escrows: %+v", w.escrows())
		}
		w.moved = time.Now() // the log of before is no longer kept
		w.assertInvariants()
	})
}

func TestProtectedAccountIsNotRemoved(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		crowd(w, 4, nil)
		w.app.Protected = []string{"User1@example.com"}
		w.app = change(w, w.app)
		w.apply()
		w.wait("initial_cycle")
		w.leave(1, 2)
		w.cycle()
		if !w.active("user1@example.com") || w.active("user2@example.com") {
			t.Error(w.picture())
		}
		skipped := w.entries(audit.Query{Status: audit.Skipped})
		if !slices.ContainsFunc(skipped, func(e audit.Entry) bool { return e.Source.ID == "1" && e.Reason == audit.ProtectedAccount }) {
			t.Errorf("the log does not say that it is protected")
		}
	})
}

// A leaver is disabled although the app refuses what goes along with it.
func TestDisableGoesWithoutWhatIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		crowd(w, 3, nil)
		w.target().Seed("User", map[string]directory.Value{"userName": directory.Text("taken@example.com")})
		w.person(person{id: "1", name: "taken@example.com", department: "Engineering", kind: "employee", off: true})
		w.save()
		last := w.cycle()
		if w.active("user1@example.com") || last.Disabled != 1 || last.Failed != 0 {
			t.Errorf("the cycle: %+v\n%s", last, w.picture())
		}
		w.assertInvariants()
	})
}
