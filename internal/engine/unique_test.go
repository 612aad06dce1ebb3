package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/memory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
)

// candidates is a mapping of displayName to the department, with a number from
// 1 to n when it is taken.
func candidates(n int) mapping.Attribute {
	rules := []string{"[department]"}
	for i := range n {
		rules = append(rules, fmt.Sprintf(`Append([department], "%d")`, i+1))
	}
	return mapping.Attribute{Expression: ptr("SelectUniqueValue(" + strings.Join(rules, ", ") + ")"), Apply: mapping.ApplyOnCreate}
}

// namesakes declares n people of one department, and a job that is off.
func (w *world) namesakes(n, numbers int) {
	w.t.Helper()
	w.staff(n)
	w.save()
	w.target0().Seed(directory.User, map[string]directory.Value{"userName": directory.Text("somebody@example.com"), "displayName": directory.Text("ENGINEERING2")})
	w.open()
	w.declareApp(config.ScopeAll)
	w.users.Attributes["displayName"] = candidates(numbers)
	w.users = change(w, w.users)
	w.job = &config.Job{AppID: w.app.ID, Interval: interval, Enabled: ptr(false)}
	w.apply()
}

func (w *world) target0() *memory.Target { return w.servers[firstServer] }

// displayNames gives those of the accounts by user name, and fails when two are
// the same but for case.
func (w *world) displayNames() map[string]string {
	w.t.Helper()
	names, seen := map[string]string{}, map[string]string{}
	for _, account := range w.target0().Accounts(directory.User) {
		user, name := account.Values["userName"].String(), account.Values["displayName"].String()
		if other, twice := seen[strings.ToLower(name)]; twice {
			w.t.Errorf("%s and %s are both called %s", user, other, name)
		}
		names[user], seen[strings.ToLower(name)] = name, user
	}
	return names
}

// Objects of one cycle that want one value get different ones, in their order,
// however many requests are in flight; what others have is passed over. The
// preview says who gets which (expressions.md section 7).
func TestUniqueValuesOfOneCycle(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.namesakes(50, 60)
		told := map[string]string{}
		for _, c := range w.preview(true).Changes {
			for _, p := range c.Details {
				if p.Name == "displayName" {
					told[c.Anchor] = *p.New
				}
			}
		}
		w.job.Enabled = nil
		w.apply()
		w.wait("initial_cycle")
		names := w.displayNames()
		if len(names) != 51 || names["user1@example.com"] != "Engineering" || names["user10@example.com"] != "Engineering1" || names["user11@example.com"] != "Engineering3" {
			t.Errorf("the names are %v", names)
		}
		for anchor, name := range told {
			if got := names["user"+anchor+"@example.com"]; got != name {
				t.Errorf("user %s is called %q, by the preview %q", anchor, got, name)
			}
		}
		// Chosen once: it stays when the department changes.
		w.person(person{id: "1", name: "user1@example.com", department: "Board", kind: "employee"})
		w.save()
		w.cycle()
		if name := w.displayNames()["user1@example.com"]; name != "Engineering" {
			t.Errorf("a chosen name became %q", name)
		}
	})
}

// Where all values are taken, that object fails and the others do not; it
// gets its account when a value is free.
func TestNoUniqueValueIsLeft(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.namesakes(3, 1)
		w.job.Enabled = nil
		w.apply()
		w.wait("initial_cycle")
		if n := len(w.displayNames()); n != 3 {
			t.Errorf("%d accounts, 3 wanted", n)
		}
		entries := w.entries(audit.Query{Object: "3"})
		if len(entries) == 0 || entries[0].ErrorCode != audit.AttributeValidationFailed || !strings.Contains(entries[0].Reason, "already") {
			t.Errorf("the entry is %+v", entries)
		}
		w.person(person{id: "3", name: "user3@example.com", department: "Board", kind: "employee"})
		w.save()
		w.cycle()
		if name := w.displayNames()["user3@example.com"]; name != "Board" {
			t.Errorf("user 3 is called %q", name)
		}
	})
}

// The process dies after each commit of a cycle that chooses values, and a new
// one goes on, with requests carried out or not: nobody's value is given twice.
func TestUniqueValuesOutliveTheProcess(t *testing.T) {
	commits := 0
	bubble(t, func(t *testing.T, w *world) {
		w.namesakes(4, 9)
		before := w.faulty.Commits()
		w.job.Enabled = nil
		w.apply()
		w.wait("initial_cycle")
		commits = w.faulty.Commits() - before
	})
	for n := range commits + 1 {
		for _, answered := range []bool{false, true} {
			t.Run(fmt.Sprintf("cut %d answered %t", n, answered), func(t *testing.T) {
				bubble(t, func(t *testing.T, w *world) {
					w.namesakes(4, 9)
					dead := w.faulty.Cut()
					if !answered {
						w.route(func(target connector.Target) connector.Target { return &until{target, dead} })
					}
					quiet := w.faulty.Commits()
					w.job.Enabled = nil
					w.apply()
					w.faulty.CutAfter(max(quiet+n, w.faulty.Commits()))
					select {
					case <-dead:
					case <-time.After(time.Minute):
					}
					w.reopen()
					w.route(nil)
					w.wait("initial_cycle")
					w.rest()
					if names := w.displayNames(); len(names) != 5 {
						t.Errorf("the names are %v", names)
					}
				})
			})
		}
	}
}

// Where the app cannot search by the attribute, nobody can say what is free: the
// object fails with the reason, and no account is made on a guess.
func TestUniqueValueNeedsASearch(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.servers[firstServer] = memory.New(memory.Options{Unfilterable: memory.Paths{directory.User: {"displayName"}}})
		w.namesakes(1, 1)
		w.job.Enabled = nil
		w.apply()
		w.wait("initial_cycle")
		entries := w.entries(audit.Query{Object: "1"})
		if len(entries) == 0 || entries[0].ErrorCode != audit.AttributeValidationFailed || !strings.Contains(entries[0].Reason, "cannot search by displayName") {
			t.Errorf("the entry is %+v", entries)
		}
		if n := len(w.displayNames()); n != 1 {
			t.Errorf("%d accounts, 1 wanted", n)
		}
	})
}
