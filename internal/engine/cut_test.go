package engine_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// phase is one cycle of the story that the sweep cuts: before prepares what the
// cycle will find, and starts it.
type phase struct {
	name   string
	before func(*world)
}

var story = []phase{
	{"initial", func(w *world) {
		w.job.Enabled = nil
		w.apply()
	}},
	{"changes", func(w *world) {
		w.person(person{id: "1", name: "user1@example.com", department: "Board", kind: "employee"})
		w.person(person{id: "3", name: "renamed3@example.com", department: "Engineering", kind: "employee", manager: "2"})
		w.person(person{id: "9", name: "user9@example.com", department: "Legal", kind: "employee", manager: "1"})
		w.team(team{"g1", "Builders", []string{"1", "3", "4", "9"}}) // 2 leaves the group, and scope
		w.team(team{"g2", "Singers", []string{"5"}})
		delete(w.people, "4") // gone
		w.save()
		w.start()
	}},
	{"mapping", func(w *world) {
		w.person(person{id: "4", name: "user4@example.com", department: "Engineering", kind: "employee"}) // back
		w.save()
		w.users.Attributes["title"] = userAttributes()["displayName"]
		w.users = change(w, w.users)
		w.unassign("Singers")
		w.apply()
	}},
}

// start has a cycle run now, without waiting for it.
func (w *world) start() {
	w.t.Helper()
	if err := w.engine.StartJob(context.Background(), w.app.ID, "test"); err != nil {
		w.t.Fatal(err)
	}
}

// begin declares what the story begins with: an app that has three accounts
// already, of which one is nobody's, and a job that is off.
func begin(w *world) {
	w.t.Helper()
	w.staff(6)
	w.person(person{id: "2", name: "user2@example.com", department: "Legal", kind: "employee", manager: "1"})
	w.team(team{"g1", "Builders", []string{"1", "2", "3", "4"}})
	w.team(team{"g2", "Singers", []string{"4", "5"}})
	w.save()
	w.servers[firstServer].Seed(directory.User, map[string]directory.Value{"userName": directory.Text("User3@example.com"), "title": directory.Text("Old")})
	w.servers[firstServer].Seed(directory.User, map[string]directory.Value{"userName": directory.Text("stranger@example.com")})
	w.open()
	w.declareApp(config.ScopeAssigned)
	w.assign("", "Builders")
	w.assign("", "Singers")
	w.job = &config.Job{AppID: w.app.ID, Interval: interval, Enabled: ptr(false)}
	w.apply()
}

// rest lets cycles run until nothing is left to be done.
func (w *world) rest() {
	w.t.Helper()
	w.cycle()
	for range 3 {
		time.Sleep(3 * time.Hour)
	}
}

// told runs the story without a cut and gives the picture after each phase, and
// how many commits each took.
func told(t *testing.T) (pictures []string, commits []int) {
	bubble(t, func(t *testing.T, w *world) {
		begin(w)
		for _, p := range story {
			before := w.faulty.Commits()
			p.before(w)
			w.wait("initial_cycle")
			time.Sleep(time.Minute)
			commits = append(commits, w.faulty.Commits()-before)
			w.rest()
			pictures = append(pictures, w.picture())
			w.assertInvariants()
		}
	})
	return pictures, commits
}

// until refuses every call once the process is dead.
type until struct {
	connector.Target
	dead <-chan struct{}
}

func (u *until) Send(ctx context.Context, operation connector.Operation) (connector.Receipt, error) {
	select {
	case <-u.dead:
		return connector.Receipt{}, &connector.Error{Class: connector.Transient, Code: "Timeout", Detail: "the process is dead"}
	default:
		return u.Target.Send(ctx, operation)
	}
}

// The process dies after each durable commit of each cycle, and a new one goes
// on: all comes to what an uninterrupted run comes to. With answered, requests
// that were under way are carried out and only their record is lost. Without
// ENGINE_SWEEP=all every second cut is tried, in one of the two ways.
func TestCutSweep(t *testing.T) {
	all := os.Getenv("ENGINE_SWEEP") == "all"
	pictures, commits := told(t)
	for i, p := range story {
		for n := range commits[i] + 1 {
			for _, answered := range []bool{false, true} {
				if !all && (n%2 == 1 || answered != (n%4 == 0)) {
					continue
				}
				t.Run(fmt.Sprintf("%s answered %t cut %d", p.name, answered, n), func(t *testing.T) {
					bubble(t, func(t *testing.T, w *world) { cutAt(t, w, i, n, answered, pictures[i]) })
				})
				if t.Failed() {
					return
				}
			}
		}
	}
}

func cutAt(t *testing.T, w *world, at, n int, answered bool, want string) {
	begin(w)
	for _, p := range story[:at] {
		p.before(w)
		w.wait("initial_cycle")
		w.rest()
	}
	dead := w.faulty.Cut()
	if !answered {
		w.route(func(target connector.Target) connector.Target { return &until{target, dead} })
	}
	// What the story declares is durable: the cut is one of the cycle.
	quiet := w.faulty.Commits()
	story[at].before(w)
	w.faulty.CutAfter(max(quiet+n, w.faulty.Commits()))
	select {
	case <-dead:
	case <-time.After(time.Minute):
	}
	w.reopen()
	w.route(nil)
	w.wait("initial_cycle")
	w.rest()
	if got := w.picture(); got != want {
		t.Errorf("cut after commit %d, against an uninterrupted run:\n%s", n, difference(got, want))
	}
	w.assertInvariants()
}
