package command

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
)

// entryView prints entries of the provisioning log.
type entryView struct {
	*session
	verbose bool
	app     map[string]string // names by id; nil: all entries are of one app
}

var statusStyles = map[audit.Status]style{audit.Success: good, audit.Warning: warn, audit.Failure: bad, audit.Skipped: dim}

// print prints an entry: what was done to whom, why, and what to do about it.
func (v entryView) print(e audit.Entry) {
	pieces := []text{{dim, v.clock(e.Time)}, {plain, "  "}}
	if v.app != nil {
		pieces = append(pieces, text{bold, v.app[e.AppID]}, text{plain, "  "})
	}
	pieces = append(pieces,
		styled(plain, "%-8s  ", spaced(e.Action)),
		styled(statusStyles[e.Status], "%-7s", e.Status),
		text{plain, "  " + subject(e)})
	code, why := explanation(e)
	if code != "" {
		pieces = append(pieces, text{plain, "  "}, text{statusStyles[e.Status], code})
	}
	v.out.line(pieces...)
	if why != "" {
		v.out.block("    ", plain, why)
	}
	if e.RecommendedAction != "" && e.Status != audit.Success {
		v.out.block("    ", dim, e.RecommendedAction)
	}
	if v.verbose {
		v.printDetails(e)
	}
}

// explanation gives the code of an entry and why it applies: the reason, or,
// where that is the code itself, what the step says that went another way.
func explanation(e audit.Entry) (code, why string) {
	if e.Category != audit.Provisioning {
		return e.ErrorCode, ""
	}
	if code, why = e.ErrorCode, e.Reason; code == "" && !strings.Contains(why, " ") {
		code = why
	}
	if why != code {
		return code, why
	}
	for _, step := range e.Steps {
		if step.Status != audit.Success {
			return code, step.Description
		}
	}
	return code, ""
}

// subject tells whom or what an entry is about.
func subject(e audit.Entry) string {
	if e.Category != audit.Provisioning {
		about := "job: "
		if e.Category == audit.Configuration {
			about = "configuration: "
		}
		if e.InitiatedBy != "" {
			return about + e.Reason + " (by " + e.InitiatedBy + ")"
		}
		return about + e.Reason
	}
	source, target := e.Source, e.Target
	typ := source.Type
	if typ == "" {
		typ = target.Type
	}
	name := label(source)
	switch other := label(target); {
	case name == "":
		name = other
	case other != "" && other != name:
		name += " → " + other
	}
	return strings.TrimSpace(typ + " " + name)
}

func label(i audit.Identity) string {
	if i.DisplayName != "" {
		return i.DisplayName
	}
	return i.ID
}

func (v entryView) printDetails(e audit.Entry) {
	var facts []string
	for _, fact := range []struct{ name, value string }{
		{"source", e.Source.ID}, {"target", e.Target.ID}, {"cycle", e.CycleID}, {"change", e.ChangeID}, {"by", e.InitiatedBy},
	} {
		if fact.value != "" && (fact.name != "by" || e.Category == audit.Provisioning) { // subject names it else
			facts = append(facts, fact.name+" "+fact.value)
		}
	}
	if e.DurationMS > 0 {
		facts = append(facts, fmt.Sprintf("%d ms", e.DurationMS))
	}
	if facts != nil {
		v.out.line(text{dim, "    " + strings.Join(facts, ", ")})
	}
	var rows [][]text
	for _, step := range e.Steps {
		said := step.Description
		for _, detail := range step.Details {
			said += fmt.Sprintf("\n%s: %s", detail.Name, detail.Value)
		}
		for i, line := range strings.Split(strings.TrimPrefix(said, "\n"), "\n") {
			if i == 0 {
				rows = append(rows, []text{{plain, spaced(step.Type)}, {statusStyles[step.Status], string(step.Status)}, {plain, line}})
			} else {
				rows = append(rows, []text{{}, {}, {dim, line}})
			}
		}
	}
	v.out.table("    ", rows)
	rows = nil
	for _, p := range e.ModifiedProperties {
		rows = append(rows, changed(p.Name, p.Old, p.New))
	}
	v.out.table("    ", rows)
}

// changed tells what an attribute changes from and to.
func changed(name string, from, to *string) []text {
	return []text{{plain, name}, {dim, quoted(from)}, {dim, "→"}, {plain, quoted(to)}}
}

func quoted(value *string) string {
	if value == nil {
		return "none"
	}
	return strconv.Quote(*value)
}
