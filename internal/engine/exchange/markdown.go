package exchange

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/gallery"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
)

// Markdown writes a sheet about an app for its owner, who need not know the
// product: who gets an account, how an existing one is found, what is sent, and
// what becomes of the accounts of those who leave.
func Markdown(d Declared) []byte {
	s := &sheet{Declared: d}
	s.line("# %s", prose(d.App.Name))
	s.overview()
	s.scope()
	for _, objectType := range d.objectTypes() {
		s.objectType(objectType)
	}
	s.removals()
	return []byte(s.out.String())
}

type sheet struct {
	Declared
	out strings.Builder
}

func (s *sheet) line(format string, args ...any) { fmt.Fprintf(&s.out, format+"\n", args...) }

// paragraph is a line with an empty one before it.
func (s *sheet) paragraph(format string, args ...any) {
	s.line("")
	s.line(format, args...)
}

func (s *sheet) row(cells ...string) {
	s.out.WriteString("|")
	for _, cell := range cells {
		s.out.WriteString(" " + strings.ReplaceAll(cell, "|", `\|`) + " |")
	}
	s.out.WriteString("\n")
}

func (s *sheet) table(head ...string) {
	s.line("")
	s.row(head...)
	s.line("|%s", strings.Repeat(" --- |", len(head)))
}

// sourceName names the source in sentences.
func (s *sheet) sourceName() string {
	if s.Source == nil {
		return "the source"
	}
	return prose(s.Source.Name)
}

func (s *sheet) overview() {
	s.paragraph("Accounts in **%s** are created, updated and removed automatically, by what **%s** says of people.", prose(s.App.Name), s.sourceName())
	kind := code(s.App.Template)
	if template, err := gallery.Get(s.App.Template, s.App.TemplateRevision); err == nil {
		kind = prose(template.Title)
	}
	s.table("About", "")
	s.row("App", kind)
	if s.App.SCIM != nil {
		s.row("Address", code(s.App.SCIM.BaseURL))
	}
	s.row("People come from", s.sourceName())
	switch job := s.Job; {
	case s.App.Mode == config.Manual:
		s.row("Runs", "never by itself: it is for previews and reports")
	case job == nil:
		s.row("Runs", "not yet: no job is declared")
	case !job.IsEnabled():
		s.row("Runs", "not now: the job is turned off")
	default:
		s.row("Runs", "every "+span(job.IntervalDuration()))
	}
	if s.Job != nil {
		s.row("Log kept for", span(s.Job.LogRetentionDuration()))
	}
	if len(s.App.Protected) > 0 {
		s.row("Never disabled, deleted or renamed", codes(slices.Sorted(slices.Values(s.App.Protected))))
	}
	for _, label := range slices.Sorted(maps.Keys(s.App.Labels)) {
		s.row(prose(label), prose(s.App.Labels[label]))
	}
}

func (s *sheet) scope() {
	s.paragraph("## Who gets an account")
	switch {
	case s.App.Scope == config.ScopeAll:
		s.paragraph("Everyone in %s whom the filters below admit.", s.sourceName())
	case len(s.Assignments) == 0:
		s.paragraph("Those who are assigned, and the direct members of assigned groups. Nobody is assigned yet.")
	default:
		s.paragraph("Those who are assigned, and the direct members of assigned groups, whom the filters below admit:")
		s.table("Assigned", "Who", "Role")
		for _, a := range s.Assignments {
			kind, who := "person", a.User
			if a.Group != "" {
				kind, who = "group", a.Group
			}
			s.row(kind, prose(who), prose(a.Role))
		}
	}
	s.paragraph("Whoever is disabled in %s gets no account.", s.sourceName())
}

// plural names the objects of a type in sentences.
func plural(objectType string) string {
	switch objectType {
	case directory.User:
		return "people"
	case directory.Group:
		return "groups"
	}
	return code(objectType) + " objects"
}

func (s *sheet) objectType(objectType string) {
	m, declared := s.mapping(objectType)
	title := map[string]string{directory.User: "People", directory.Group: "Groups"}[objectType]
	if title == "" {
		title = prose(objectType)
	}
	s.paragraph("## %s", title)
	if m == nil || m.Enabled != nil && !*m.Enabled {
		s.paragraph("Nothing is written of %s.", plural(objectType))
		return
	}
	if !declared {
		s.paragraph("The template's own mapping applies.")
	}
	s.filtered(objectType)
	s.actions(objectType, m)
	s.matching(m)
	s.paragraph("### What is sent")
	s.table("In "+prose(s.App.Name), "Comes from", "When")
	for _, path := range paths(m.Attributes) {
		a := m.Attributes[path]
		s.row(code(path), origin(a, s.references(objectType)), moment(a))
	}
}

func (s *sheet) filtered(objectType string) {
	filters := s.filters(objectType)
	switch len(filters) {
	case 0:
		s.paragraph("There is no filter: all %s in scope pass.", plural(objectType))
		return
	case 1:
		s.paragraph("Only %s pass of whom this holds:", plural(objectType))
	default:
		s.paragraph("Only %s pass of whom at least one of these holds:", plural(objectType))
	}
	s.line("")
	for _, f := range filters {
		parts := make([]string, len(f.Clauses))
		for i, c := range f.Clauses {
			parts[i] = clauseInWords(c)
		}
		s.line("- **%s**: %s.", prose(f.Name), strings.Join(parts, ", and "))
	}
}

func (s *sheet) actions(objectType string, m *config.Mapping) {
	if m.Actions == nil {
		return
	}
	what := map[mapping.Action]string{
		mapping.ActionCreate: "creates nothing", mapping.ActionUpdate: "changes and disables nothing", mapping.ActionDelete: "deletes nothing",
	}
	var never []string
	for _, action := range []mapping.Action{mapping.ActionCreate, mapping.ActionUpdate, mapping.ActionDelete} {
		if !slices.Contains(m.Actions, action) {
			never = append(never, what[action])
		}
	}
	if never != nil {
		s.paragraph("For %s the job %s.", plural(objectType), strings.Join(never, ", "))
	}
}

func (s *sheet) matching(m *config.Mapping) {
	s.paragraph("### How an existing account is found")
	s.paragraph("Before one is created, %s is searched, in this order; what is found is taken over:", prose(s.App.Name))
	s.line("")
	n := 0
	for _, path := range paths(m.Attributes) {
		if a := m.Attributes[path]; a.MatchingPrecedence != nil {
			n++
			s.line("%d. %s equals %s", n, code(path), origin(mapping.Attribute{Source: a.Source, Constant: a.Constant, Expression: a.Expression}, nil))
		}
	}
}

func (s *sheet) removals() {
	s.paragraph("## When someone leaves")
	s.table("Whose", "Out of scope", "Disabled in "+s.sourceName(), "Gone from "+s.sourceName())
	for _, objectType := range s.objectTypes() {
		m, _ := s.mapping(objectType)
		if m == nil {
			continue
		}
		policy := s.Job.DeprovisioningOf(objectType)
		disabled, gone := removed(config.RemovalDisable, m), removed(policy.Deleted, m)
		if objectType != directory.User {
			disabled = "–"
		}
		if gone == "deleted" && policy.GracePeriod > 0 && objectType == directory.User {
			gone = fmt.Sprintf("deleted; where %s only ceases to list someone, %s at once and deleted after %s",
				s.sourceName(), disabled, span(policy.GracePeriod))
		}
		s.row(plural(objectType), removed(policy.OutOfScope, m), disabled, gone)
	}
	limits := s.Job.Threshold()
	var bounds []string
	if limits.Count >= 0 {
		bounds = append(bounds, fmt.Sprintf("more than %d within an hour", limits.Count))
	}
	if limits.Percent >= 0 {
		bounds = append(bounds, fmt.Sprintf("more than %s %% of the accounts (and at least 10)", strconv.FormatFloat(limits.Percent, 'f', -1, 64)))
	}
	if bounds == nil {
		s.paragraph("There is no limit to how many removals may happen at once.")
		return
	}
	s.paragraph("When there would be %s, none of these removals happens until a person approves them.", strings.Join(bounds, ", or "))
}

// removed says what becomes of an account, which the mapping's actions allow or
// not.
func removed(r config.Removal, m *config.Mapping) string {
	may := func(action mapping.Action) bool { return m.Actions == nil || slices.Contains(m.Actions, action) }
	switch {
	case r == config.RemovalDisable && may(mapping.ActionUpdate):
		return "disabled"
	case r == config.RemovalDelete && may(mapping.ActionDelete):
		return "deleted"
	}
	return "left alone"
}
