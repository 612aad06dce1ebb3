package command

import (
	"fmt"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// showJobs prints a line a job, then what waits for a person.
func (s *session) showJobs(found []status.Job) {
	if len(found) == 0 {
		s.out.linef("No app is declared yet. Declare one in Terraform and apply it.")
		return
	}
	rows := [][]text{{{dim, "APP"}, {dim, "STATE"}, {dim, "ACCOUNTS"}, {dim, "NOW"}, {dim, "NEXT CYCLE"}}}
	for _, job := range found {
		rows = append(rows, []text{{bold, job.AppName}, codeText(job), {plain, managed(job.Managed)}, {plain, s.activity(job)}, {plain, s.next(job)}})
	}
	s.out.table("", rows)
	for _, job := range found {
		s.showAttention(job)
	}
}

// showJob prints all about one job.
func (s *session) showJob(job status.Job) {
	s.out.line(text{bold, job.AppName}, text{plain, "  "}, codeText(job))
	rows := [][]text{
		{{dim, "accounts"}, {plain, managed(job.Managed)}},
	}
	add := func(name, value string) {
		if value != "" {
			rows = append(rows, []text{{dim, name}, {plain, value}})
		}
	}
	if job.PausedBy != "" {
		add("paused", fmt.Sprintf("by %s at %s", job.PausedBy, s.clock(job.PausedAt)))
	}
	if job.Progress != nil {
		add("now", progressText(*job.Progress))
	}
	add("last cycle", s.cycle(job.LastCycle))
	if job.LastSuccessfulCycle != nil && (job.LastCycle == nil || job.LastCycle.ID != job.LastSuccessfulCycle.ID) {
		add("last success", s.cycle(job.LastSuccessfulCycle))
	}
	if job.FirstCycle != nil && (job.LastCycle == nil || job.LastCycle.ID != job.FirstCycle.ID) {
		add("first cycle", s.cycle(job.FirstCycle))
	}
	if !job.CheckedAt.IsZero() {
		add("checked", s.moment(job.CheckedAt))
	}
	if !job.NextCycleAt.IsZero() {
		add("next cycle", s.moment(job.NextCycleAt))
	}
	if !job.SteadyStateFirstAchievedAt.IsZero() {
		add("steady state", fmt.Sprintf("first %s, last %s", s.clock(job.SteadyStateFirstAchievedAt), s.clock(job.SteadyStateLastAchievedAt)))
	}
	add("waits for its job's apply", strings.Join(job.Configuration.Pending, ", "))
	add("not listed by its job", strings.Join(job.Configuration.Unlisted, ", "))
	s.out.table("  ", rows)
	s.showAttention(job)
}

// showAttention prints what waits for a person, and what to do.
func (s *session) showAttention(job status.Job) {
	problem := func(what, why, todo string) {
		s.out.line(text{warn, "! "}, text{bold, job.AppName}, text{plain, ": " + what})
		for _, line := range []string{why, todo} {
			if line != "" {
				s.out.block("    ", plain, line)
			}
		}
	}
	switch q := job.Quarantine; {
	case job.Code == status.Disabled:
		problem("disabled after 28 days in quarantine", reason(q), "Once that is resolved: "+Name+" job start "+job.AppName)
	case q != nil:
		problem(fmt.Sprintf("in quarantine since %s, next attempt %s", s.clock(q.Since), s.moment(q.NextAttempt)), reason(q),
			"To try at once: "+Name+" job start "+job.AppName)
	case job.LastCycle != nil && job.LastCycle.State == status.Failed:
		problem("the last cycle failed", job.LastCycle.Reason, "See: "+Name+" audit "+job.AppName+" --status failure")
	}
	for _, held := range job.HeldRemovals {
		who := ""
		if len(held.Examples) > 0 {
			who = ": " + strings.Join(held.Examples, ", ")
			if int64(len(held.Examples)) < held.Count {
				who += ", …"
			}
		}
		problem(plural(held.Count, "removal is", "removals are")+" held since "+s.clock(held.Since)+who, held.Reason,
			"To let them go: "+Name+" job approve "+job.AppName+" "+held.Digest)
	}
	if job.Escrowed > 0 {
		problem(plural(job.Escrowed, "object has failed and is", "objects have failed and are")+" tried again", "",
			"See why: "+Name+" audit "+job.AppName+" --status failure")
	}
}

func reason(q *status.QuarantineRecord) string {
	if q == nil {
		return ""
	}
	return strings.TrimSpace(q.Message + "\n" + q.Advice)
}

// activity tells what a job is doing, or did last and when.
func (s *session) activity(job status.Job) string {
	if job.Progress == nil && job.LastCycle != nil && !job.LastCycle.EndedAt.IsZero() {
		return activity(job) + ", " + s.when(job.LastCycle.EndedAt)
	}
	return activity(job)
}

// activity tells what a job is doing, or did last.
func activity(job status.Job) string {
	switch {
	case job.Progress != nil:
		return progressText(*job.Progress)
	case job.LastCycle == nil:
		return "no cycle has ended yet"
	}
	return fmt.Sprintf("%s cycle %s%s", spaced(job.LastCycle.Kind), ended(job.LastCycle.State), outcome(job.LastCycle))
}

// outcome tells what a cycle came to. One that did not end in order and sent
// nothing has nothing to tell.
func outcome(c *status.Cycle) string {
	if c.Counts == (status.Counts{}) && c.Held == 0 && c.State != status.Succeeded {
		return ""
	}
	return ": " + counted(c.Counts, c.Held)
}

func ended(state status.CycleState) string {
	if state == status.EntryErrors {
		return "succeeded with failed objects"
	}
	return spaced(state)
}

// progressText tells how far a cycle is.
func progressText(p status.Progress) string {
	done := ""
	switch {
	case p.Total > 0:
		done = fmt.Sprintf(" %d of %d", p.Done, p.Total)
	case p.Done > 0:
		done = fmt.Sprintf(" %d", p.Done)
	}
	line := fmt.Sprintf("%s cycle: %s%s", spaced(p.Kind), p.Phase, done)
	if p.Counts != (status.Counts{}) {
		line += " (" + counted(p.Counts, 0) + ")"
	}
	return line
}

// cycle tells of a cycle in one line.
func (s *session) cycle(c *status.Cycle) string {
	if c == nil {
		return "none"
	}
	line := fmt.Sprintf("%s, %s", spaced(c.Kind), ended(c.State))
	if !c.EndedAt.IsZero() {
		line += fmt.Sprintf(" at %s, took %s", s.moment(c.EndedAt), span(c.EndedAt.Sub(c.StartedAt)))
	}
	line += outcome(c)
	if c.Reason != "" {
		line += "; " + c.Reason
	}
	return line
}

func (s *session) next(job status.Job) string {
	if job.NextCycleAt.IsZero() {
		return ""
	}
	return s.when(job.NextCycleAt)
}

func codeText(job status.Job) text {
	style := good
	switch {
	case job.Code == status.Quarantine || job.Code == status.Disabled:
		style = bad
	case needsAttention(job):
		style = warn
	case job.Code != status.Active:
		style = dim
	}
	return text{style, spaced(job.Code)}
}
