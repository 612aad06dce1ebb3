package engine_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// scene is one state of source and configuration, drawn at random.
type scene struct {
	people   []person
	teams    []team
	assigned []string // ids of users, names of teams
	staff    bool     // a filter lets employees in alone
	title    int      // which rule the title has
	limits   map[string]float64
	policy   map[string]map[string]string
}

func drawScene(t *rapid.T, first bool) scene {
	var s scene
	ids := []string{"1", "2", "3", "4", "5", "6"}
	for _, id := range ids {
		if rapid.IntRange(0, 4).Draw(t, "gone "+id) == 0 {
			continue
		}
		s.people = append(s.people, person{
			id: id, name: fmt.Sprintf("%s%s@example.com", rapid.SampledFrom([]string{"user", "user", "user", "other"}).Draw(t, "name"), id),
			department: rapid.SampledFrom([]string{"", "Legal", "Board"}).Draw(t, "department"),
			kind:       rapid.SampledFrom([]string{"employee", "employee", "contractor"}).Draw(t, "kind"),
			manager:    rapid.SampledFrom([]string{"", "1", "2", "9"}).Draw(t, "manager"),
			off:        rapid.IntRange(0, 7).Draw(t, "off") == 0,
		})
	}
	// A name that an account has already is the target's to refuse, which no preview
	// can know: two of one name come while neither has an account, and nobody is
	// renamed to what is seeded.
	for i := range s.people {
		if s.people[i].id == "1" {
			s.people[i].name = "user1@example.com"
		}
	}
	if n := len(s.people); first && n > 2 && rapid.IntRange(0, 9).Draw(t, "twins") == 0 {
		s.people[n-1].name = s.people[n-2].name
	}
	for i, name := range []string{"Builders", "Singers"} {
		if rapid.IntRange(0, 5).Draw(t, "no "+name) > 0 {
			s.teams = append(s.teams, team{fmt.Sprintf("g%d", i), name, rapid.SliceOfDistinct(rapid.SampledFrom(ids), rapid.ID[string]).Draw(t, "members")})
		}
	}
	for _, p := range s.people {
		if rapid.IntRange(0, 5).Draw(t, "assigned "+p.id) == 0 {
			s.assigned = append(s.assigned, p.id)
		}
	}
	for _, g := range s.teams {
		if rapid.IntRange(0, 3).Draw(t, "assigned "+g.name) > 0 {
			s.assigned = append(s.assigned, g.name)
		}
	}
	s.staff = rapid.Bool().Draw(t, "staff")
	s.title = rapid.IntRange(0, 2).Draw(t, "title")
	s.limits = rapid.SampledFrom([]map[string]float64{nil, {"threshold": 1}, {"threshold": 0}}).Draw(t, "limits")
	s.policy = rapid.SampledFrom([]map[string]map[string]string{
		nil, {"User": {"out_of_scope": "delete"}, "Group": {"out_of_scope": "delete"}}, {"User": {"deleted": "delete", "grace_period": "0s"}}, {"User": {"out_of_scope": "ignore"}},
	}).Draw(t, "policy")
	return s
}

// stage puts the scene's source and declarations into the world, but for the
// job.
func (s scene) stage(w *world) {
	clear(w.people)
	clear(w.teams)
	for _, p := range s.people {
		w.person(p)
	}
	for _, g := range s.teams {
		w.team(g)
	}
	w.save()
	if w.users == nil {
		return
	}
	w.users.Attributes["title"] = []mapping.Attribute{
		{Source: ptr("department"), Default: ptr("none")}, {Source: ptr("department")}, {Expression: ptr(`Join("-", [kind], [department])`)},
	}[s.title]
	w.users = change(w, w.users)
	_, filtered := w.filters["staff"]
	if s.staff && !filtered {
		w.filter("staff", scoping.Clause{Attribute: "kind", Operator: "equals", Value: ptr("employee")})
	} else if !s.staff && filtered {
		w.destroy(w.filters["staff"])
		delete(w.filters, "staff")
	}
	for name := range w.assignments {
		if !slices.Contains(s.assigned, name) {
			w.unassign(name)
		}
	}
	for _, name := range s.assigned {
		if w.assignments[name] != nil {
			continue
		}
		if len(name) == 1 {
			w.assign(name, "")
		} else {
			w.assign("", name)
		}
	}
}

// deed is one action of a preview, or of a cycle's log.
type deed struct {
	action, typ, anchor, reason string
	failed, skipped             bool
	properties                  []string
}

func deedsOf(entries []audit.Entry) (deeds []deed) {
	for _, e := range entries {
		if e.Action == audit.StagedDelete {
			continue // told once by the log, each time by a preview: held they are counted
		}
		var properties []string
		for _, p := range e.ModifiedProperties {
			properties = append(properties, p.Name)
		}
		deeds = append(deeds, deed{string(e.Action), e.Source.Type, e.Source.ID, e.Reason, e.Status == audit.Failure, e.Status == audit.Skipped, properties})
	}
	return deeds
}

// listed gives deeds in an order of their own. A manager whom somebody new got
// counts as part of the creation: whether it took a write of its own hangs on whose
// turn came first.
func listed(deeds []deed) string {
	created := map[string]int{}
	for i, d := range deeds {
		if d.action == string(audit.Create) && d.typ == directory.User && !d.failed {
			created[d.anchor] = i
		}
	}
	goesAlong := func(d deed) bool {
		_, new := created[d.anchor]
		return new && d.action == string(audit.Update) && !d.failed && slices.Equal(d.properties, []string{managerPath})
	}
	for _, d := range deeds {
		if goesAlong(d) {
			i := created[d.anchor]
			deeds[i].properties = append(deeds[i].properties, managerPath)
		}
	}
	var lines []string
	for _, d := range deeds {
		if !goesAlong(d) {
			slices.Sort(d.properties)
			lines = append(lines, fmt.Sprintf("%s %s %s failed=%t skipped=%t %s %s", d.action, d.typ, d.anchor, d.failed, d.skipped, d.reason, strings.Join(d.properties, ",")))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// The preview says what the cycle then does, action for action, and writes
// nothing itself.
func TestPreviewIsTheCycle(t *testing.T) {
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue {
		if err := checks.Value.Set("20"); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		scope := rapid.SampledFrom([]config.Scope{config.ScopeAll, config.ScopeAssigned}).Draw(rt, "scope")
		scenes := []scene{drawScene(rt, true), drawScene(rt, false), drawScene(rt, false)}
		wrong := ""
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			defer w.close()
			w.servers[firstServer].Seed("User", map[string]directory.Value{"userName": directory.Text("user1@example.com"), "title": directory.Text("Legal")})
			w.servers[firstServer].Seed("Group", map[string]directory.Value{"displayName": directory.Text("singers")})
			for i, s := range scenes {
				if i == 0 {
					s.stage(w)
					w.open()
					w.declareApp(scope)
				}
				s.stage(w)
				if wrong = s.compare(w); wrong != "" {
					wrong = fmt.Sprintf("scene %d: %s", i, wrong)
					return
				}
			}
			w.assertInvariants()
		})
		if wrong != "" {
			rt.Fatal(wrong)
		}
		if t.Failed() {
			rt.FailNow()
		}
	})
}

func (s scene) compare(w *world) string {
	// The job is part of what is applied; with the job off nothing is in force yet.
	if w.job == nil {
		w.job = &config.Job{AppID: w.app.ID}
	}
	w.job.AccidentalDeletions, w.job.Deprovisioning, w.job.LogDetail = s.limits, s.policy, ""
	w.job.Interval, w.job.Enabled, w.job.Revisions = "1000h", ptr(false), nil
	if w.job.ID == "" {
		w.job.Revisions = []string{}
		w.job = declare(w, w.job)
	} else {
		w.job.Revisions = w.revisions()
		w.job = change(w, w.job)
	}
	time.Sleep(2 * time.Hour) // past the threshold's hour
	commits, writes := w.faulty.Commits(), w.target().Writes().Total
	preview := w.preview(true)
	if w.faulty.Commits() != commits || w.target().Writes().Total != writes {
		return "the preview wrote something"
	}
	w.job.Enabled = ptr(true)
	began := time.Now()
	w.apply()
	last := w.wait("initial_cycle")
	if last.StartedAt.Before(began) {
		last = w.cycle() // the same configuration: nothing was to be waited for
	}
	if last.StartedAt.Before(began) {
		last = status.Cycle{} // nothing was to be done
	}
	var told, did []deed
	for _, c := range preview.Changes {
		if c.Held {
			continue
		}
		var properties []string
		for _, p := range c.Details {
			properties = append(properties, p.Name)
		}
		told = append(told, deed{c.Action, c.Type, c.Anchor, c.Reason, c.Failed, c.Skipped, properties})
	}
	if last.ID != "" {
		did = deedsOf(w.entries(audit.Query{CycleID: last.ID, Category: audit.Provisioning}))
	}
	if d := difference(listed(did), listed(told)); d != "" {
		return "the preview (-) and the cycle (+) differ:\n" + d
	}
	if preview.Counts != last.Counts || preview.Held != last.Held {
		return fmt.Sprintf("the preview counts %+v held %d, the cycle %+v held %d", preview.Counts, preview.Held, last.Counts, last.Held)
	}
	return ""
}
