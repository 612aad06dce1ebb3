package exchange

import (
	"fmt"
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

// scope reads the filters of one object type. A filter is taken with all of its
// clauses or not at all: without one of them it would let more people in.
func (r *graphReader) scope(objectType string, f *graphFilter) {
	if f == nil {
		return
	}
	for _, name := range f.unknown {
		r.out.Notes.add(objectType, fmt.Sprintf("%s of the scope has no counterpart and was left out", name))
	}
	for _, set := range []struct {
		name   string
		groups []graphGroup
	}{{"categoryFilterGroups", f.Category}, {"inputFilterGroups", f.Input}} {
		if len(set.groups) > 0 {
			r.out.Notes.add(objectType, set.name+" has no counterpart and was left out: look whether more people are in scope without it")
		}
	}
	if i := slices.IndexFunc(f.Groups, func(g graphGroup) bool { return len(g.Clauses) == 0 }); i >= 0 {
		r.out.Notes.add(objectType, fmt.Sprintf("no filter was written, since filter %s has no clauses and lets everyone pass", shorten(f.Groups[i].Name)))
		return
	}
	taken := map[string]bool{}
	for i, group := range f.Groups {
		name := strings.TrimSpace(group.Name)
		if name == "" {
			name = fmt.Sprintf("filter %d", i+1)
		}
		for n := 2; taken[name]; n++ {
			name = fmt.Sprintf("%s %d", strings.TrimSpace(group.Name), n)
		}
		taken[name] = true
		filter, reason := readGroup(objectType, name, group)
		if reason != "" {
			r.out.Notes.add(objectType+" filter "+name, "was left out: "+reason)
			continue
		}
		for _, field := range group.unknown {
			r.out.Notes.add(objectType+" filter "+name, field+" has no counterpart and was left out")
		}
		r.out.Filters = append(r.out.Filters, filter)
	}
	left := 0
	for _, filter := range r.out.Filters {
		if filter.ObjectType == objectType {
			left++
		}
	}
	if len(f.Groups) > 0 && left == 0 {
		r.out.Notes.add(objectType, "has no filter left, which lets everyone pass: write one before you apply")
	}
}

// readGroup gives the filter of a group, or the reason why there is none.
func readGroup(objectType, name string, group graphGroup) (_ *config.Filter, reason string) {
	filter := &config.Filter{ObjectType: objectType, Name: name}
	for _, c := range group.Clauses {
		clause := scoping.Clause{Attribute: c.Attribute}
		var values []string
		if c.Operand != nil {
			values = c.Operand.Values
		}
		operator, ok := ownOperator(c.Operator)
		switch {
		case !ok:
			return nil, fmt.Sprintf("the operator %s of the clause on %s is not known", shorten(c.Operator), shorten(c.Attribute))
		case len(c.unknown) > 0:
			return nil, fmt.Sprintf("%s of the clause on %s has no counterpart", strings.Join(c.unknown, ", "), shorten(c.Attribute))
		case len(values) > 1:
			return nil, fmt.Sprintf("the clause on %s compares with %d values, and a clause has one", shorten(c.Attribute), len(values))
		}
		clause.Operator = operator
		if len(values) == 1 && operator.TakesValue() {
			clause.Value = &values[0]
			if text, ok := startsWith(values[0]); ok && operator == scoping.RegexMatch {
				clause.Operator, clause.Value = scoping.StartsWith, &text
			}
		}
		filter.Clauses = append(filter.Clauses, clause)
	}
	for _, problem := range filter.Validate() {
		if problem.Path[0] != "app_id" { // it belongs to none yet
			return nil, problem.Detail
		}
	}
	return filter, ""
}
