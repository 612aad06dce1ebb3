package engine_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

// says gives the reasons of failures about an object, newest first.
func (p *played) says(anchor string) string {
	p.t.Helper()
	var reasons []string
	for _, e := range p.entries(audit.Query{}) {
		if e.Source.ID == anchor && e.Status == audit.Failure {
			reasons = append(reasons, e.ErrorCode+" "+e.Reason)
		}
	}
	return strings.Join(reasons, "\n")
}

func (p *played) add(typ string, attributes map[string]any) string {
	p.t.Helper()
	id, err := p.app.Add(typ, attributes)
	if err != nil {
		p.t.Fatal(err)
	}
	return id
}

// Two accounts whose names differ in case are two matches: neither is written,
// both are named, and the others go on.
func TestTwoAccountsThatDifferInCase(t *testing.T) {
	play(t, sampleapp.Options{Quirks: sampleapp.Quirks{CaseExactUniqueness: true}}, "", func(t *testing.T, p *played) {
		first := p.add(sampleapp.User, map[string]any{"userName": "user1@example.com"})
		second := p.add(sampleapp.User, map[string]any{"userName": "USER1@example.com"})
		p.staff(2)
		p.save()
		p.declare()
		p.wait("initial_cycle")
		if said := p.says("1"); !strings.Contains(said, audit.DuplicateTargetEntries) || !strings.Contains(said, first) || !strings.Contains(said, second) {
			t.Errorf("the log says %q", said)
		}
		for _, id := range []string{first, second} {
			if r, _ := p.app.Resource(sampleapp.User, id); r.Version != 1 {
				t.Errorf("%s was written: %v", id, r.Attributes)
			}
		}
		if n := p.app.Len(sampleapp.User); n != 3 {
			t.Errorf("%d accounts, 3 wanted", n)
		}
	})
}

// A create that the app refuses for an account which no matching value finds
// says in the app's own words what stands in the way, and makes nothing.
func TestConflictWithAnAccountThatDoesNotMatch(t *testing.T) {
	play(t, sampleapp.Options{}, "", func(t *testing.T, p *played) {
		p.app.Schedule(sampleapp.Rule{Operation: sampleapp.Create, Target: "user1@example.com", Fault: sampleapp.Fault{
			Status: http.StatusConflict, Body: `{"scimType":"uniqueness","detail":"mail is in use by account 4711"}`,
		}})
		p.staff(2)
		p.save()
		p.declare()
		p.wait("initial_cycle")
		if said := p.says("1"); !strings.Contains(said, audit.EntryConflict) || !strings.Contains(said, "4711") {
			t.Errorf("the log says %q", said)
		}
		if n := p.app.Len(sampleapp.User); n != 1 {
			t.Errorf("%d accounts, 1 wanted", n)
		}
	})
}

// Where the app can neither be searched nor listed as a whole, who is seen is
// adopted, and for nobody else an account is made: there may be one. Nobody
// loses anything for it.
func TestListingThatIsNotComplete(t *testing.T) {
	play(t, sampleapp.Options{PageSize: 10, Quirks: sampleapp.Quirks{SamePage: true, IgnoreFilter: true}}, "", func(t *testing.T, p *played) {
		for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "user1@example.com", "i", "j", "user2@example.com"} {
			p.add(sampleapp.User, map[string]any{"userName": name, "active": true})
		}
		p.staff(3)
		p.save()
		p.declare()
		p.wait("initial_cycle")
		time.Sleep(5 * time.Hour)
		if n := p.app.Len(sampleapp.User); n != 12 {
			t.Errorf("%d accounts, 12 wanted", n)
		}
		if got := p.users()["user1@example.com"]; got.title != "Engineering" {
			t.Errorf("who was seen is not adopted: %+v", got)
		}
		for _, anchor := range []string{"2", "3"} {
			if said := p.says(anchor); !strings.Contains(said, "list its accounts reliably") {
				t.Errorf("of %s the log says %q", anchor, said)
			}
		}
		for name, user := range p.users() {
			if !user.active {
				t.Errorf("%s was disabled", name)
			}
		}
	})
}

// What the app does not keep is told once for each change, with what was sent
// and what came back, and is not sent again.
func TestValuesThatTheAppDoesNotTake(t *testing.T) {
	for name, quirks := range map[string]sampleapp.Quirks{
		"dropped":             {DropAttributes: []string{"title"}},
		"patches are ignored": {PatchIgnored: true},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, sampleapp.Options{Quirks: quirks}, "", func(t *testing.T, p *played) {
				p.add(sampleapp.User, map[string]any{"userName": "user1@example.com", "active": true})
				p.staff(1)
				p.save()
				p.declare()
				p.wait("initial_cycle")
				told := func(n int) {
					t.Helper()
					entries := p.notTaken()
					if len(entries) != n {
						t.Fatalf("told %d times, %d wanted", len(entries), n)
					}
					for _, e := range entries {
						last := e.Steps[len(e.Steps)-1]
						if said, _ := last.Details.Get("title"); e.Status != audit.Warning || !strings.Contains(said, "the app has no value") {
							t.Errorf("%s: %v", e.Status, last.Details)
						}
					}
				}
				told(1)
				p.settle()
				p.reopen()
				p.settle()
				told(1)
				p.person(person{id: "1", name: "user1@example.com", department: "Board", kind: "employee"})
				p.save()
				p.cycle()
				p.settle()
				told(2)
			})
		})
	}
}

// A value that the app keeps although it was cleared is told likewise.
func TestValueThatTheAppDoesNotClear(t *testing.T) {
	play(t, sampleapp.Options{}, "", func(t *testing.T, p *played) {
		p.staff(1)
		p.save()
		p.open()
		p.declareApp(config.ScopeAll)
		attributes := userAttributes()
		attributes["nickName"] = mapping.Attribute{Source: ptr("department")}
		p.world.users.Attributes = attributes
		p.world.users = change(p.world, p.world.users)
		p.apply()
		p.wait("initial_cycle")
		p.app.Schedule(sampleapp.Rule{Operation: sampleapp.Patch, Fault: sampleapp.Fault{
			Status: http.StatusOK, Body: `{"schemas":["x"],"id":"` + p.app.Users()[0].ID + `","userName":"user1@example.com","nickName":"Engineering","title":"none","displayName":"The","active":true}`,
		}})
		p.person(person{id: "1", name: "user1@example.com", kind: "employee"})
		p.save()
		p.cycle()
		entries := p.notTaken()
		if len(entries) != 1 {
			t.Fatalf("told %d times", len(entries))
		}
		last := entries[0].Steps[len(entries[0].Steps)-1]
		if said, _ := last.Details.Get("nickName"); said != `sent no value, the app has "Engineering"` {
			t.Errorf("the log says %q of %v", said, last.Details)
		}
	})
}

// A patch that is carried out and answered with 500 is looked at, and not sent
// again.
func TestPatchCarriedOutAndAnsweredWith500(t *testing.T) {
	play(t, sampleapp.Options{Quirks: sampleapp.Quirks{PatchFails: true}}, "", func(t *testing.T, p *played) {
		p.staff(2)
		p.save()
		p.declare()
		p.wait("initial_cycle")
		p.settle()
		p.person(person{id: "1", name: "user1@example.com", department: "Board", kind: "employee"})
		delete(p.people, "2")
		p.save()
		p.app.ForgetRequests()
		p.cycle()
		if n := p.app.Counts()["patch User"].Requests; n != 2 {
			t.Errorf("%d patches, 2 wanted", n)
		}
		p.settle()
		p.holds(map[string]found{"user1@example.com": {true, "Board", ""}, "user2@example.com": {false, "Engineering", ""}})
	})
}

// An app that takes no change of active by whatever form is said to be such;
// the leaver's account is neither deleted nor forgotten.
func TestAppThatCannotDisable(t *testing.T) {
	play(t, sampleapp.Options{Quirks: sampleapp.Quirks{IgnoreActivePatch: true}}, "", func(t *testing.T, p *played) {
		p.staff(2)
		p.save()
		p.declare()
		p.wait("initial_cycle")
		id, _ := p.app.User("user2@example.com")
		p.app.Schedule(sampleapp.Rule{Operation: sampleapp.Replace, Fault: sampleapp.Fault{
			Status: http.StatusOK, Body: `{"schemas":["x"],"id":"` + id.ID + `","userName":"user2@example.com","active":true}`,
		}})
		p.leave(2, 2)
		p.cycle()
		time.Sleep(48 * time.Hour)
		if said := p.says("2"); !strings.Contains(said, "neither by PATCH nor by PUT") {
			t.Errorf("the log says %q", said)
		}
		if p.app.Len(sampleapp.User) != 2 || p.app.Counts()["delete User"].Requests > 0 || len(p.escrows()) != 1 {
			t.Errorf("%d accounts, escrows %v", p.app.Len(sampleapp.User), p.escrows())
		}
	})
}

// What was found out about an app is remembered by the next cycle and by the
// next agent: no form that does not work is tried a second time.
func TestFallbackOnceAndRemembered(t *testing.T) {
	for name, test := range map[string]struct {
		quirks sampleapp.Quirks
		writes map[string]int // for the second leaver
	}{
		"a patch of active is ignored": {sampleapp.Quirks{IgnoreActivePatch: true}, map[string]int{"replace User": 1, "replace Group": 0, "patch Group": 1}},
		"a patch of active is refused": {sampleapp.Quirks{RefuseActivePatch: true}, map[string]int{"replace User": 1, "patch Group": 1}},
		"no PATCH at all":              {sampleapp.Quirks{NoPatch: true}, map[string]int{"replace User": 1, "replace Group": 1}},
		"removal by filter is ignored": {sampleapp.Quirks{RemoveByFilterIgnored: true}, map[string]int{"patch User": 1, "patch Group": 1, "get Group": 0}},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, sampleapp.Options{Quirks: test.quirks}, "", func(t *testing.T, p *played) {
				p.staff(4)
				p.team(team{"g1", "Everybody", []string{"1", "2", "3", "4"}})
				p.save()
				p.declare()
				p.wait("initial_cycle")
				p.leave(4, 4)
				p.cycle()
				p.reopen()
				p.leave(3, 3)
				p.app.ForgetRequests()
				p.cycle()
				counts := p.app.Counts()
				for _, kind := range []string{"patch User", "replace User", "patch Group", "replace Group"} {
					if counts[kind].Requests != test.writes[kind] {
						t.Errorf("%d times %s, %d wanted", counts[kind].Requests, kind, test.writes[kind])
					}
				}
				if counts["discover schemas"].Requests > 0 {
					t.Errorf("it asks again what the app is: %v", counts)
				}
				p.settle()
				if p.users()["user3@example.com"].active || p.users()["user4@example.com"].active {
					t.Error(p.users())
				}
				same(t, p.memberNames("Everybody"), "user1@example.com", "user2@example.com")
			})
		})
	}
}

// Members whose answer was lost are not added a second time to an app that
// would keep them twice.
func TestMembersAddedWithoutAnAnswer(t *testing.T) {
	for name, fault := range map[string]sampleapp.Fault{
		"carried out":     {Commit: true, Status: http.StatusInternalServerError},
		"not carried out": {Status: http.StatusInternalServerError},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, sampleapp.Options{Quirks: sampleapp.Quirks{KeepDuplicateMembers: true}}, "", func(t *testing.T, p *played) {
				p.app.Schedule(sampleapp.Rule{Operation: sampleapp.Patch, Type: sampleapp.Group, Times: 1, Fault: fault})
				p.staff(3)
				p.team(team{"g1", "Everybody", []string{"1", "2", "3"}})
				p.save()
				p.declare()
				p.wait("initial_cycle")
				p.settle()
				same(t, p.memberNames("Everybody"), "user1@example.com", "user2@example.com", "user3@example.com")
				p.team(team{"g1", "Everybody", []string{"1"}})
				p.save()
				p.cycle()
				p.settle()
				same(t, p.memberNames("Everybody"), "user1@example.com")
			})
		})
	}
}

// A create that is answered with the id of somebody else's account is looked up,
// and whose account that is keeps it.
func TestCreateAnsweredWithAnothersID(t *testing.T) {
	play(t, sampleapp.Options{}, "", func(t *testing.T, p *played) {
		p.staff(2)
		p.save()
		p.declare()
		p.wait("initial_cycle")
		first := p.links()[user(1)].TargetID
		p.app.Schedule(sampleapp.Rule{Operation: sampleapp.Create, Times: 1, Fault: sampleapp.Fault{
			Replace: true, Body: `{"schemas":["x"],"id":"` + first + `","userName":"user3@example.com"}`,
		}})
		p.staff(3)
		p.save()
		p.cycle()
		p.settle()
		third, _ := p.app.User("user3@example.com")
		if links := p.links(); p.app.Len(sampleapp.User) != 3 || links[user(1)].TargetID != first || links[user(3)].TargetID != third.ID {
			t.Errorf("%d accounts, links %v", p.app.Len(sampleapp.User), links)
		}
	})
}

// An account that a lost create made, and that cannot be read, costs that object
// alone.
func TestAccountOfALostCreateCannotBeRead(t *testing.T) {
	play(t, sampleapp.Options{}, "", func(t *testing.T, p *played) {
		p.app.Schedule(sampleapp.Rule{Operation: sampleapp.Create, Target: "user1@example.com", Fault: sampleapp.Fault{Commit: true, Reset: true}},
			sampleapp.Rule{Operation: sampleapp.Get, Target: "user1@example.com", Times: 3, Fault: sampleapp.Fault{Status: http.StatusForbidden}})
		p.staff(3)
		p.save()
		p.declare()
		if cycle := p.wait("initial_cycle"); cycle.Created != 2 || cycle.Failed != 1 {
			t.Errorf("created %d, failed %d", cycle.Created, cycle.Failed)
		}
		p.settle()
		if n := p.app.Len(sampleapp.User); n != 3 || len(p.links()) != 3 {
			t.Errorf("%d accounts, %d links", n, len(p.links()))
		}
	})
}

// A credential that expires between cycles, at an app that says so with 200 and
// another JSON, stops the job: no object is blamed, and nothing is written.
func TestCredentialThatIsRefusedWith200(t *testing.T) {
	play(t, sampleapp.Options{Quirks: sampleapp.Quirks{AuthFailureIsOK: true}}, "", func(t *testing.T, p *played) {
		p.staff(3)
		p.save()
		p.declare()
		p.wait("initial_cycle")
		p.settle()
		strange := sampleapp.New(sampleapp.Options{Token: "another", Quirks: sampleapp.Quirks{AuthFailureIsOK: true}})
		p.connectTo(strange, "")
		p.leave(3, 3)
		p.person(person{id: "4", name: "user4@example.com", department: "Legal", kind: "employee"})
		p.save()
		result, err := p.tryWait("next_cycle")
		if err != nil || result.Succeeded || !strings.Contains(result.Reason, "please sign in") {
			t.Errorf("the wait: %+v, %v", result, err)
		}
		for key, e := range p.escrows() {
			t.Errorf("%s is blamed: %s %s", key, e.Code, e.Detail)
		}
		p.connectTo(p.app, "")
		p.cycle()
		p.settle()
		if users := p.users(); len(users) != 4 || users["user3@example.com"].active || !users["user4@example.com"].active {
			t.Error(users)
		}
	})
}

// A mapping without an attribute that the template requires is refused at plan
// and when it is saved; what is refused all the same is told in the app's words.
func TestRequiredAttributeIsMissing(t *testing.T) {
	play(t, sampleapp.Options{Quirks: sampleapp.Quirks{RequireAttributes: []string{"nickName"}}}, "", func(t *testing.T, p *played) {
		p.staff(1)
		p.save()
		p.declare()
		p.wait("initial_cycle")
		if said := p.says("1"); !strings.Contains(said, "nickName") {
			t.Errorf("the log says %q", said)
		}
		lacking := *p.world.users
		lacking.Attributes = map[string]mapping.Attribute{"externalId": {Source: ptr("id"), MatchingPrecedence: ptr(int64(1))}}
		_, atPlan := p.engine.Check(context.Background(), api.CheckRequest{App: p.world.app, Source: p.source, Mapping: &lacking})
		_, atApply := p.engine.Update(context.Background(), &lacking, nil)
		for _, err := range []error{atPlan, atApply} {
			var refused *api.Error
			if !errors.As(err, &refused) || refused.Code != api.CodeInvalid || !strings.Contains(refused.Detail, "userName") || !slices.Equal(refused.Path, []string{"attributes"}) {
				t.Errorf("%+v", err)
			}
		}
	})
}
