package exchange

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/expression"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

// Graph writes the mappings in force and the filters of an app as a
// synchronizationSchema of Microsoft Graph. The directories in it define the
// attributes that are mapped, and no others. What Graph has no word for is
// carried by annotations that ReadGraph understands, and noted.
func Graph(d Declared) ([]byte, Notes, error) {
	source, target := graphDirectory{Name: "source"}, graphDirectory{Name: d.App.Name}
	if d.Source != nil {
		source.Name = d.Source.Name
	}
	if source.Name == target.Name {
		target.Name += " (target)"
	}
	editable := true
	rule := graphRule{
		Name: "Provision " + d.App.Name, Priority: 1, Editable: &editable,
		SourceDirectory: source.Name, TargetDirectory: target.Name,
	}
	var notes Notes
	for _, objectType := range d.objectTypes() {
		m, _ := d.mapping(objectType)
		if m == nil {
			continue // filters of what is not mapped
		}
		w := graphWriter{objectType: objectType, references: d.references(objectType), notes: &notes}
		object, err := w.objectMapping(m, d.filters(objectType))
		if err != nil {
			return nil, nil, err
		}
		object.Name = fmt.Sprintf("Provision %s objects of %s to %s", objectType, source.Name, d.App.Name)
		rule.ObjectMappings = append(rule.ObjectMappings, object)
		source.Objects = append(source.Objects, graphObject{objectType, w.sources})
		target.Objects = append(target.Objects, graphObject{objectType, w.targets})
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(graphSchema{
		Directories: []graphDirectory{source, target}, SynchronizationRules: []graphRule{rule},
	})
	return out.Bytes(), notes, err
}

// graphWriter writes one object mapping and collects the attributes that it
// uses.
type graphWriter struct {
	objectType       string
	references       []string
	sources, targets []graphDefinition
	notes            *Notes
}

func (w *graphWriter) objectMapping(m *config.Mapping, filters []*config.Filter) (graphObjectMapping, error) {
	enabled := m.Enabled == nil || *m.Enabled
	flow := flowTypes(m.Actions)
	object := graphObjectMapping{Enabled: &enabled, FlowTypes: &flow, Source: w.objectType, Target: w.objectType}
	used := map[string]bool{mapping.ObjectID: true}
	for _, path := range paths(m.Attributes) {
		a := m.Attributes[path]
		written, err := w.attribute(path, a, used)
		if err != nil {
			return object, fmt.Errorf("%s mapping, %s: %w", w.objectType, path, err)
		}
		object.Attributes = append(object.Attributes, written)
		w.targets = append(w.targets, w.definition(path, a.Source != nil && slices.Contains(w.references, *a.Source)))
	}
	if len(filters) > 0 {
		object.Scope = &graphFilter{Groups: []graphGroup{}, Category: []graphGroup{}, Input: []graphGroup{}}
	}
	for _, f := range filters {
		group := graphGroup{Name: f.Name, Clauses: []graphClause{}}
		for _, c := range f.Clauses {
			operator, values := operand(c)
			if c.Operator == scoping.StartsWith {
				w.notes.add(w.objectType+" filter "+f.Name, fmt.Sprintf("%s is written as a REGEX MATCH, since Graph has no such operator", c))
			}
			group.Clauses = append(group.Clauses, graphClause{Attribute: c.Attribute, Operator: operator, Operand: &graphOperand{values}})
			used[c.Attribute] = true
		}
		object.Scope.Groups = append(object.Scope.Groups, group)
	}
	for _, name := range slices.Sorted(maps.Keys(used)) {
		w.sources = append(w.sources, w.definition(name, slices.Contains(w.references, name)))
	}
	return object, nil
}

func (w *graphWriter) attribute(path string, a mapping.Attribute, used map[string]bool) (graphAttributeMapping, error) {
	out := graphAttributeMapping{
		Target: path, DefaultValue: a.Default, FlowBehavior: "FlowWhenChanged", FlowType: flowType(a.Apply),
		FlowNullValues: a.WhenNull == mapping.Clear, WhenNull: string(a.WhenNull),
	}
	if a.MatchingPrecedence != nil {
		out.MatchingPriority = *a.MatchingPrecedence
	}
	if a.WhenNull != "" {
		w.notes.add(w.objectType+" "+path, fmt.Sprintf("when_null = %q is an annotation, which Entra passes over", a.WhenNull))
	}
	var text string
	switch {
	case a.Source != nil:
		text = "[" + *a.Source + "]"
	case a.Constant != nil:
		text = expression.Quote(*a.Constant)
	case a.Expression != nil:
		text = *a.Expression
	default:
		return out, nil
	}
	parsed, err := expression.Parse(text)
	if err != nil {
		return out, err
	}
	for _, name := range parsed.Attributes() {
		used[name] = true
	}
	out.Source = sourceOf(parsed.Tree())
	out.Source.Expression = text
	return out, nil
}

// sourceOf gives a part as Graph's parse tree. Words, variables and operators,
// for which it has no type, stand as constants and functions of their names.
func sourceOf(p expression.Part) *graphSource {
	s := &graphSource{Expression: p.Text, Name: p.Name, Type: "Constant", Parameters: []graphParameter{}}
	switch p.Kind {
	case expression.PartAttribute:
		s.Type = "Attribute"
	case expression.PartFunction, expression.PartOperator:
		s.Type = "Function"
	}
	for _, argument := range p.Arguments {
		s.Parameters = append(s.Parameters, graphParameter{argument.Parameter, sourceOf(argument.Part)})
	}
	return s
}

func (w *graphWriter) definition(name string, reference bool) graphDefinition {
	d := graphDefinition{
		Name: name, Type: "String", Mutability: "ReadWrite", Anchor: name == mapping.ObjectID,
		ReferencedObjects: []graphReference{}, Metadata: []graphPair{},
	}
	switch {
	case reference:
		d.Type, d.MultiValued = "Reference", name == "members"
		d.ReferencedObjects = append(d.ReferencedObjects, graphReference{Object: "User"})
	case name == mapping.IsSoftDeleted || name == mapping.AccountEnabled || name == "active":
		d.Type = "Boolean"
	case name == mapping.AppRoles:
		d.MultiValued = true
	}
	return d
}

// flows pairs the actions with Graph's objectFlowTypes.
var flows = []struct {
	graph string
	own   mapping.Action
}{{"Add", mapping.ActionCreate}, {"Update", mapping.ActionUpdate}, {"Delete", mapping.ActionDelete}}

func flowTypes(actions []mapping.Action) string {
	var names []string
	for _, flow := range flows {
		if actions == nil || slices.Contains(actions, flow.own) {
			names = append(names, flow.graph)
		}
	}
	if names == nil {
		return "None"
	}
	return strings.Join(names, ", ")
}

// attributeFlows pairs when a mapping flows with Graph's attributeFlowType.
var attributeFlows = []struct {
	graph string
	own   mapping.Apply
}{{"Always", ""}, {"Always", mapping.ApplyAlways}, {"ObjectAddOnly", mapping.ApplyOnCreate}, {"MultiValueAddOnly", mapping.ApplyAddValues}}

func flowType(apply mapping.Apply) string {
	for _, flow := range attributeFlows {
		if flow.own == apply {
			return flow.graph
		}
	}
	return string(apply)
}
