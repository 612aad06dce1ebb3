package engine_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/chaos"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/memory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

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
	bubble(t, func(t *testing.T, w *world) {
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

func TestFilterRemovedOpensTheDoor(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.staff(4)
		w.person(person{id: "4", name: "user4@example.com", department: "Engineering", kind: "contractor"})
		w.save()
		w.open()
		w.declareApp(config.ScopeAll)
		w.filter("staff", scoping.Clause{Attribute: "kind", Operator: "equals", Value: ptr("employee")})
		w.apply()
		w.wait("initial_cycle")
		if n := w.actives(); n != 3 {
			t.Fatalf("%d accounts, 3 wanted", n)
		}
		w.destroy(w.filters["staff"])
		delete(w.filters, "staff")
		preview := w.preview(true)
		if preview.Created != 1 || len(preview.OpenDoors) != 1 {
			t.Errorf("the preview: %+v", preview)
		}
		w.apply()
		w.wait("initial_cycle")
		if n := w.actives(); n != 4 {
			t.Errorf("%d accounts, 4 wanted", n)
		}
		w.assertInvariants()
	})
}

func TestAssignmentRemovedAndGivenBack(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		company(w)
		same(t, w.members("Builders"), "user1@example.com", "user2@example.com", "user3@example.com", "user4@example.com")
		// Singers goes: 5 is in no other team, 4 is.
		w.unassign("Singers")
		if p := w.preview(true); p.Disabled != 1 {
			t.Errorf("the preview: %+v", p)
		}
		w.apply()
		last := w.wait("initial_cycle")
		if last.Kind != "incremental" || last.Disabled != 1 {
			t.Errorf("the cycle: %+v", last)
		}
		if w.active("user5@example.com") || !w.active("user4@example.com") {
			t.Errorf("who is enabled: %s", w.picture())
		}
		w.assertInvariants()
		w.assign("", "Singers")
		if p := w.preview(true); p.Updated < 1 {
			t.Errorf("the preview: %+v", p)
		}
		w.apply()
		w.wait("initial_cycle")
		if !w.active("user5@example.com") {
			t.Errorf("not enabled again: %s", w.picture())
		}
		same(t, w.members("Singers"), "user4@example.com", "user5@example.com")
		w.assertInvariants()
	})
}

func TestMemberOutOfScopeLeavesTheGroupAndReturns(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		company(w)
		// A direct member of two teams, one of which is left: he stays.
		w.person(person{id: "3", name: "user3@example.com", department: "Engineering", kind: "contractor"})
		w.save()
		w.filter("staff", scoping.Clause{Attribute: "kind", Operator: "equals", Value: ptr("employee")})
		w.apply()
		w.wait("initial_cycle")
		if w.active("user3@example.com") {
			t.Error("user3 is still enabled")
		}
		same(t, w.members("Builders"), "user1@example.com", "user2@example.com", "user4@example.com")
		w.person(person{id: "3", name: "user3@example.com", department: "Engineering", kind: "employee"})
		w.save()
		w.cycle()
		if !w.active("user3@example.com") {
			t.Error("user3 is not enabled again")
		}
		same(t, w.members("Builders"), "user1@example.com", "user2@example.com", "user3@example.com", "user4@example.com")
		w.assertInvariants()
	})
}

func TestAssignmentStaysWithARenamedGroup(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		company(w)
		w.team(team{"g2", "Choir", []string{"4", "5"}})
		w.save()
		w.cycle()
		if !w.active("user5@example.com") {
			t.Errorf("the renamed group's member lost the account: %s", w.picture())
		}
		same(t, w.members("Choir"), "user4@example.com", "user5@example.com")
		w.assertInvariants()
	})
}

func TestAnotherServerWithTheSameAccounts(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		company(w)
		const second = "https://chat2.example.com/scim"
		w.servers[second] = copyTarget(w.target(), "second")
		w.servers[second].ResetWrites()
		w.app.SCIM = &config.SCIMConnection{BaseURL: second}
		w.app = change(w, w.app)
		preview := w.preview(true)
		w.apply()
		last := w.wait("initial_cycle")
		if last.Kind != "initial" || last.Created != 0 || last.Disabled != 0 || last.Deleted != 0 || last.Failed != 0 {
			t.Errorf("the cycle: %+v", last)
		}
		if preview.Created != last.Created || preview.Updated != last.Updated || preview.Disabled != last.Disabled || preview.Failed != last.Failed {
			t.Errorf("the preview said %+v, the cycle did %+v", preview.Counts, last.Counts)
		}
		for key, link := range w.links() {
			if link.Unproven {
				t.Errorf("the link of %s was not proven", key)
			}
		}
		w.assertInvariants()
	})
}

func TestAnEmptyServerInPlaceOfTheFirst(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		company(w)
		time.Sleep(time.Second)
		w.moved = time.Now()
		const second = "https://chat2.example.com/scim"
		w.servers[second] = memory.New(memory.Options{Features: func(f *connector.Features) { f.Connection = "second" }})
		w.app.SCIM = &config.SCIMConnection{BaseURL: second}
		w.app = change(w, w.app)
		preview := w.preview(true)
		w.apply()
		last := w.wait("initial_cycle")
		if last.Created != 7 || preview.Created != 7 {
			t.Errorf("the cycle: %+v, the preview: %+v", last, preview.Counts)
		}
		same(t, w.members("Builders"), "user1@example.com", "user2@example.com", "user3@example.com", "user4@example.com")
		same(t, w.members("Singers"), "user4@example.com", "user5@example.com")
		w.assertInvariants()
	})
}

// A person's id is another one's in the new source: the account must not go
// over to him.
func TestAnotherSourceWhoseIDsMeanOthers(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		company(w)
		before := w.links()
		w.person(person{id: "1", name: "user2@example.com", department: "Legal", kind: "employee"})
		w.person(person{id: "2", name: "user1@example.com", department: "Engineering", kind: "employee"})
		w.users.Attributes["externalId"] = mapping.Attribute{Source: ptr("id")}
		w.users = change(w, w.users)
		w.save()
		w.source = declare(w, &config.Source{Name: "other people", File: w.files("id")})
		w.app.SourceID = w.source.ID
		w.app = change(w, w.app)
		w.apply()
		w.wait("initial_cycle")
		after := w.links()
		one, two := directory.Key{Type: "User", Anchor: "1"}, directory.Key{Type: "User", Anchor: "2"}
		if after[one].TargetID != before[two].TargetID || after[two].TargetID != before[one].TargetID {
			t.Errorf("the accounts went to others: %s", w.picture())
		}
		w.assertInvariants()
	})
}

func TestAnotherIDColumnRemovesNobody(t *testing.T) {
	for _, down := range []bool{false, true} {
		t.Run(fmt.Sprintf("target down first %t", down), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				company(w)
				if down {
					w.route(func(target connector.Target) connector.Target {
						return chaos.New(target, connector.SystemClock(), chaos.Rule{Before: chaos.Error(connector.Fatal)})
					})
				}
				before := w.picture()
				w.source.File = w.files("userPrincipalName")
				w.teams["g1"] = team{"g1", "Builders", []string{"user1@example.com", "user2@example.com", "user3@example.com", "user4@example.com"}}
				w.teams["g2"] = team{"g2", "Singers", []string{"user4@example.com", "user5@example.com"}}
				w.person(person{id: "2", name: "user2@example.com", department: "Legal", kind: "employee", manager: "user1@example.com"})
				w.save()
				w.source = change(w, w.source)
				w.apply()
				if down {
					if result, err := w.tryWait("initial_cycle"); err != nil || result.Succeeded {
						t.Fatalf("a wait on a target that is down: %+v, %v", result, err)
					}
					w.route(nil)
				}
				last := w.cycle()
				if last.Created != 0 || last.Disabled != 0 || last.Deleted != 0 || last.Failed != 0 {
					t.Errorf("the cycle: %+v", last)
				}
				for key, link := range w.links() {
					if link.Unproven {
						t.Errorf("the link of %s is unproven", key)
					}
				}
				if n := w.actives(); n != 5 {
					t.Errorf("%d enabled accounts: before\n%s\nafter\n%s", n, before, w.picture())
				}
				same(t, w.members("Builders"), "user1@example.com", "user2@example.com", "user3@example.com", "user4@example.com")
				w.assertInvariants()
			})
		})
	}
}

func TestAnOperatorsPauseSurvivesAnApply(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		company(w)
		if err := w.engine.PauseJob(t.Context(), w.app.ID, "alice"); err != nil {
			t.Fatal(err)
		}
		w.reopen()
		w.users.Attributes["title"] = mapping.Attribute{Constant: ptr("Colleague")}
		w.users = change(w, w.users)
		requests := w.requests()
		w.apply()
		result, err := w.tryWait("initial_cycle")
		if err != nil || result.Succeeded {
			t.Errorf("a wait on a paused job: %+v, %v", result, err)
		}
		time.Sleep(3 * time.Hour)
		if s := w.status(); s.Code != "paused" || s.PausedBy != "alice" || w.requests() != requests {
			t.Errorf("status %+v, %d requests", s, w.requests()-requests)
		}
		if err := w.engine.StartJob(t.Context(), w.app.ID, "bob"); err != nil {
			t.Fatal(err)
		}
		if last := w.wait("initial_cycle"); last.Updated != 5 {
			t.Errorf("the cycle: %+v", last)
		}
		w.assertInvariants()
	})
}

func TestJobDestroyedAndCreatedAgainLosesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		company(w)
		before, writes := w.picture(), w.target().Writes().Total
		w.destroy(w.job)
		w.job = nil
		time.Sleep(2 * time.Hour)
		w.apply()
		w.wait("initial_cycle")
		if after := w.picture(); after != before || w.target().Writes().Total != writes {
			t.Errorf("there is a difference:\n%s", difference(after, before))
		}
		w.assertInvariants()
	})
}

func TestDestroyingEverythingSendsNothing(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		company(w)
		requests, accounts := w.requests(), len(w.target().Accounts("User"))
		w.destroy(w.job)
		for name := range w.assignments {
			w.destroy(w.assignments[name])
		}
		w.destroy(w.users)
		w.destroy(w.groups)
		time.Sleep(time.Hour)
		w.destroy(w.app)
		w.destroy(w.source)
		time.Sleep(time.Hour)
		if w.requests() != requests || len(w.target().Accounts("User")) != accounts || w.actives() != 5 {
			t.Errorf("%d requests, %d accounts", w.requests()-requests, len(w.target().Accounts("User")))
		}
	})
}

func TestUnlistedPiecesTakeEffectAfterTheQuietPeriod(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		company(w)
		w.job.Revisions = nil // from now on it lists nothing
		w.job = change(w, w.job)
		time.Sleep(time.Minute)
		if !w.active("user5@example.com") || w.cycle().State != "succeeded" {
			t.Fatal("a job that lists nothing any more does not go on")
		}
		w.unassign("Singers")
		time.Sleep(9 * time.Second)
		if !w.active("user5@example.com") {
			t.Fatal("it took effect before the quiet period was over")
		}
		time.Sleep(2 * time.Second)
		w.wait("initial_cycle")
		if w.active("user5@example.com") {
			t.Error("it did not take effect")
		}
		w.assertInvariants()
	})
}

func TestIdleCyclesSendNothing(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		company(w)
		w.cycle()
		requests, s := w.requests(), w.status()
		time.Sleep(10 * time.Hour)
		after := w.status()
		if w.requests() != requests || after.LastCycle.ID != s.LastCycle.ID {
			t.Errorf("%d requests, last cycle %+v", w.requests()-requests, after.LastCycle)
		}
		if !after.CheckedAt.After(s.CheckedAt.Add(8 * time.Hour)) {
			t.Errorf("checked at %s, before %s", after.CheckedAt, s.CheckedAt)
		}
	})
}

// A mapping with Now() is evaluated again though nothing changed (decisions 38).
func TestTimeDependentMapping(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.staff(2)
		w.save()
		w.open()
		w.declareApp(config.ScopeAll)
		w.users.Attributes["title"] = mapping.Attribute{Expression: ptr(`FormatDateTime(Now(), , "yyyy-MM-ddTHH:mm:ssZ", "yyyy-MM-dd")`)}
		w.users = change(w, w.users)
		w.apply()
		w.wait("initial_cycle")
		requests := w.requests()
		time.Sleep(90 * time.Minute)
		if n := w.requests() - requests; n != 0 {
			t.Errorf("%d requests on the same day", n)
		}
		time.Sleep(24 * time.Hour)
		account, _ := w.account("user1@example.com")
		if got, want := account.Values["title"].String(), time.Now().UTC().Format("2006-01-02"); got != want {
			t.Errorf("title %q, %q wanted", got, want)
		}
	})
}

// An apply that mends what made a cycle fail is tried at once.
func TestAMendedConfigurationIsTriedAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		company(w)
		w.app.SCIM = &config.SCIMConnection{BaseURL: "https://nowhere.example.com/scim"}
		w.app.SkipTestConnection = true
		w.app = change(w, w.app)
		w.apply()
		result, err := w.tryWait("initial_cycle")
		if err != nil || result.Succeeded || result.Reason == "" {
			t.Fatalf("a wait on no server: %+v, %v", result, err)
		}
		w.app.SCIM = &config.SCIMConnection{BaseURL: firstServer}
		w.app = change(w, w.app)
		w.users.Attributes["title"] = mapping.Attribute{Constant: ptr("Colleague")}
		w.users = change(w, w.users)
		began := time.Now()
		w.apply()
		w.wait("initial_cycle")
		if took := time.Since(began); took > time.Minute {
			t.Errorf("it was tried after %s", took)
		}
		w.assertInvariants()
	})
}

// A wait for the next cycle is not met by one that was under way already.
func TestNextCycleBeginsAfterTheCall(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		company(w)
		gate := make(chan struct{})
		w.route(func(target connector.Target) connector.Target { return &gated{target, gate} })
		w.person(person{id: "1", name: "user1@example.com", department: "Board", kind: "employee"})
		w.save()
		time.Sleep(61 * time.Minute) // a cycle hangs in the gate
		asked := time.Now()
		ended := make(chan status.Cycle)
		go func() { ended <- w.cycle() }()
		time.Sleep(time.Second)
		w.person(person{id: "3", name: "user3@example.com", department: "Board", kind: "employee"})
		w.save()
		close(gate)
		if last := <-ended; last.StartedAt.Before(asked) {
			t.Errorf("the cycle began %s before the call", asked.Sub(last.StartedAt))
		}
	})
}

// A second change of an assignment while the cycle for the first one runs.
func TestAssignmentChangedTwiceWhileACycleRuns(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		company(w)
		gate := make(chan struct{})
		w.route(func(target connector.Target) connector.Target { return &gated{target, gate} })
		w.assign("user6@example.com", "")
		w.apply()
		time.Sleep(time.Minute) // the create hangs in the gate
		w.unassign("user6@example.com")
		w.apply()
		time.Sleep(time.Minute)
		close(gate)
		w.cycle()
		if w.active("user6@example.com") {
			t.Error("user6 is enabled and not assigned")
		}
		w.assertInvariants()
	})
}

// A pre-hire has a disabled account from the beginning and is enabled when the
// day comes: nothing changes in the source, and nothing is sent before
// (decisions 38).
func TestPreHireIsEnabledOnTheDay(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		begins := time.Now().Add(72 * time.Hour).UTC().Format("2006-01-02")
		w.person(person{id: "1", name: "new@example.com", department: begins})
		w.person(person{id: "2", name: "old@example.com", department: "1999-01-01"})
		w.person(person{id: "3", name: "late@example.com", department: "2099-01-01"})
		w.save()
		w.open()
		w.declareApp(config.ScopeAll)
		w.users.Attributes["active"] = mapping.Attribute{Expression: ptr(`IIF(DateDiff("s", CDate([department]), Now()) >= 0, "True", "False")`)}
		w.users.Attributes["displayName"] = mapping.Attribute{Expression: ptr(`IIF(DateDiff("d", Now(), CDate([department])) > 365, IgnoreObjectFlow, [userPrincipalName])`)}
		delete(w.users.Attributes, managerPath)
		w.users = change(w, w.users)
		w.apply()
		w.wait("initial_cycle")
		if w.active("new@example.com") || !w.active("old@example.com") {
			t.Fatalf("at first: %s", w.picture())
		}
		if _, made := w.account("late@example.com"); made {
			t.Error("an account is made years before")
		}
		requests := w.requests()
		time.Sleep(36 * time.Hour)
		if n := w.requests() - requests; n != 0 || w.active("new@example.com") {
			t.Errorf("%d requests before the day", n)
		}
		time.Sleep(48 * time.Hour)
		if !w.active("new@example.com") {
			t.Errorf("on the day: %s", w.picture())
		}
		requests = w.requests()
		time.Sleep(48 * time.Hour)
		if n := w.requests() - requests; n != 0 {
			t.Errorf("%d requests after the day", n)
		}
	})
}

// Of more groups than are in hand at a time the one that most people come into
// begins first, since its requests go one after the other.
func TestTheLargestGroupBeginsFirst(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.staff(20)
		for i := range 70 {
			w.team(team{fmt.Sprintf("g%02d", i), fmt.Sprintf("Team %02d", i), []string{"1"}})
		}
		var all []string
		for i := range 20 {
			all = append(all, fmt.Sprint(i+1))
		}
		w.team(team{"z", "Everybody", all})
		w.save()
		gate := make(chan struct{})
		var most atomic.Int64
		w.route(func(target connector.Target) connector.Target { return &gatedMembers{target, gate, &most} })
		w.open()
		w.declareApp(config.ScopeAll)
		w.assign("", "Everybody")
		for i := range 70 {
			w.assign("", fmt.Sprintf("Team %02d", i))
		}
		w.job = &config.Job{AppID: w.app.ID, Interval: interval, RateLimit: &config.RateLimit{Concurrency: new(int64(64))}}
		w.apply()
		time.Sleep(time.Minute)
		if most.Load() != 20 {
			t.Errorf("the largest group that is under way has %d members", most.Load())
		}
		close(gate)
		w.wait("initial_cycle")
		if got := len(w.members("Everybody")); got != 20 {
			t.Errorf("%d members", got)
		}
		w.assertInvariants()
	})
}
