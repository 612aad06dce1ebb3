package exchange

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/expression"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
)

// Bounds of a document that is read. A real one has some hundred kilobytes.
const (
	MaxDocument = 4 << 20 // bytes
	maxDepth    = 2_000   // of objects and lists within each other; three for each function in a function
	maxMappings = 200     // object mappings
	maxMembers  = 5_000   // attribute mappings or clauses of one object mapping
)

// Imported is what a document of another form comes to: mappings and filters
// that belong to no app yet, and by name what was left out or changed.
type Imported struct {
	Mappings []*config.Mapping
	Filters  []*config.Filter
	Notes    Notes
}

// ReadGraph reads a synchronizationSchema of Microsoft Graph, as
// GET …/synchronization/jobs/{id}/schema gives it and the portal downloads it.
//
// An attribute mapping or a filter is taken whole or not at all. Of rules, the
// one of the lowest priority comes first, and the first object mapping of an
// object type wins. Directories are passed over: which attributes a system has,
// the system itself tells. The error says why the document is none.
func ReadGraph(data []byte) (Imported, error) {
	if len(data) > MaxDocument {
		return Imported{}, fmt.Errorf("the document has %d bytes, more than %d", len(data), MaxDocument)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if directory.JSONNestsDeeper(data, maxDepth) {
		return Imported{}, fmt.Errorf("the document nests more than %d levels deep", maxDepth)
	}
	var schema graphSchema
	if err := json.Unmarshal(data, &schema); err != nil {
		return Imported{}, fmt.Errorf("the document is no synchronization schema: %w", err)
	}
	if len(schema.SynchronizationRules) == 0 {
		return Imported{}, errors.New("the document has no synchronizationRules; give the answer to GET …/synchronization/jobs/{id}/schema")
	}
	r := graphReader{seen: map[string]string{}}
	for _, name := range schema.unknown {
		r.out.Notes.add(name, "is no part of a schema and was left out")
	}
	rules := schema.SynchronizationRules
	slices.SortStableFunc(rules, func(a, b graphRule) int { return int(max(-1, min(1, a.Priority-b.Priority))) })
	count := 0
	for _, rule := range rules {
		for _, name := range append(rule.unknown, keys(rule.Metadata)...) {
			r.out.Notes.add("rule "+rule.Name, fmt.Sprintf("%s has no counterpart and was left out", name))
		}
		if count += len(rule.ObjectMappings); count > maxMappings {
			return Imported{}, fmt.Errorf("the document has more than %d object mappings", maxMappings)
		}
		for _, object := range rule.ObjectMappings {
			if err := r.object(rule, object); err != nil {
				return Imported{}, err
			}
		}
	}
	return r.out, nil
}

func keys(pairs []graphPair) []string {
	var names []string
	for _, pair := range pairs {
		names = append(names, "metadata "+pair.Key)
	}
	return names
}

// graphReader reads the object mappings of a document.
type graphReader struct {
	out  Imported
	seen map[string]string // object type to the name of its mapping
}

func (r *graphReader) object(rule graphRule, o graphObjectMapping) error {
	objectType := objectName(o.Target)
	if objectType == "" {
		r.out.Notes.add(o.Name, "names no target object and was left out")
		return nil
	}
	if first, ok := r.seen[objectType]; ok {
		r.out.Notes.add(fmt.Sprintf("%s of rule %s", o.Name, rule.Name),
			fmt.Sprintf("was left out, since %q maps to %s already, and an object type has one mapping", first, objectType))
		return nil
	}
	r.seen[objectType] = o.Name
	members := len(o.Attributes)
	if o.Scope != nil {
		for _, g := range o.Scope.Groups {
			members += len(g.Clauses) + 1
		}
	}
	if members > maxMembers {
		return fmt.Errorf("the mapping to %s has more than %d attributes and clauses", objectType, maxMembers)
	}
	if source := objectName(o.Source); source != objectType {
		r.out.Notes.add(objectType, fmt.Sprintf("is mapped from objects called %q there; here a source calls them %s as well", o.Source, objectType))
	}
	for _, name := range append(o.unknown, keys(o.Metadata)...) {
		r.out.Notes.add(objectType, fmt.Sprintf("%s has no counterpart and was left out", name))
	}
	m := &config.Mapping{ObjectType: objectType, Actions: r.actions(objectType, o.FlowTypes), Attributes: map[string]mapping.Attribute{}}
	if o.Enabled != nil && !*o.Enabled {
		m.Enabled = o.Enabled
	}
	for _, a := range o.Attributes {
		r.attribute(m, a)
	}
	r.settle(m)
	r.out.Mappings = append(r.out.Mappings, m)
	r.scope(objectType, o.Scope)
	return nil
}

// objectName gives an object type by its name in Graph: a URN stands for its
// last part, and users and groups are called User and Group in any case.
func objectName(name string) string {
	name = name[strings.LastIndexByte(name, ':')+1:]
	for _, known := range []string{directory.User, directory.Group} {
		if strings.EqualFold(name, known) {
			return known
		}
	}
	return name
}

func (r *graphReader) actions(objectType string, types *string) []mapping.Action {
	if types == nil {
		return nil
	}
	actions := []mapping.Action{}
	for name := range strings.SplitSeq(*types, ",") {
		name = strings.TrimSpace(name)
		i := slices.IndexFunc(flows, func(f struct {
			graph string
			own   mapping.Action
		}) bool {
			return strings.EqualFold(f.graph, name)
		})
		switch {
		case i >= 0 && !slices.Contains(actions, flows[i].own):
			actions = append(actions, flows[i].own)
		case i < 0 && name != "" && !strings.EqualFold(name, "None"):
			r.out.Notes.add(objectType, fmt.Sprintf("the flow type %q is not known and was left out", name))
		}
	}
	if len(actions) == len(flows) {
		return nil
	}
	return actions
}

// attribute reads one attribute mapping, or notes why it is left out.
func (r *graphReader) attribute(m *config.Mapping, a graphAttributeMapping) {
	name := m.ObjectType + " " + a.Target
	leaveOut := func(format string, args ...any) {
		r.out.Notes.add(name, "was left out: "+fmt.Sprintf(format, args...))
	}
	if _, twice := m.Attributes[a.Target]; twice {
		leaveOut("the attribute is mapped twice")
		return
	}
	out := mapping.Attribute{Default: a.DefaultValue, WhenNull: mapping.WhenNull(a.WhenNull)}
	if a.MatchingPriority > 0 {
		out.MatchingPrecedence = &a.MatchingPriority
	}
	if a.FlowNullValues && out.WhenNull == "" {
		out.WhenNull = mapping.Clear
	}
	switch i := slices.IndexFunc(attributeFlows, func(f struct {
		graph string
		own   mapping.Apply
	}) bool {
		return f.graph == a.FlowType
	}); {
	case i >= 0:
		out.Apply = attributeFlows[i].own
	case a.FlowType != "":
		leaveOut("no apply means what the flow type %s does; there are always, on_create and add_values", a.FlowType)
		return
	}
	text, err := a.Source.text(0)
	if err == nil && text != "" {
		err = fill(&out, text)
	}
	switch {
	case err != nil:
		leaveOut("%v", err)
		return
	case text == "" && out.Default == nil:
		leaveOut("it has neither a source nor a default value")
		return
	}
	for _, field := range a.unknown {
		r.out.Notes.add(name, field+" has no counterpart and was left out")
	}
	if a.FlowBehavior != "" && a.FlowBehavior != "FlowWhenChanged" {
		r.out.Notes.add(name, fmt.Sprintf("%s has no counterpart: an equal value is never written", a.FlowBehavior))
	}
	if a.ExportMissingReferences {
		r.out.Notes.add(name, "exportMissingReferences has no counterpart: whoever has no account is left out of references")
	}
	m.Attributes[a.Target] = out
}

// fill sets the source, constant or expression that a text stands for.
func fill(a *mapping.Attribute, text string) error {
	parsed, err := expression.Parse(text)
	if err != nil {
		return fmt.Errorf("the expression %s cannot be read: %w", shorten(text), err)
	}
	tree := parsed.Tree()
	constant, isText := tree.Value.AsText()
	switch {
	case tree.Kind == expression.PartAttribute && !strings.ContainsAny(tree.Name, "[]"):
		a.Source = &tree.Name
	case tree.Kind == expression.PartConstant && isText:
		a.Constant = &constant
	default:
		a.Expression = &text
	}
	return nil
}

// text gives the expression of a source: as it stands, else what its tree says;
// empty for none.
func (s *graphSource) text(level int) (string, error) {
	switch {
	case s == nil:
		return "", nil
	case strings.TrimSpace(s.Expression) != "":
		return s.Expression, nil
	case level > maxDepth:
		return "", errors.New("the source nests too deep")
	case strings.EqualFold(s.Type, "Function"):
		return s.call(level)
	case s.Name == "":
		return "", nil
	case strings.EqualFold(s.Type, "Constant"):
		return expression.Quote(s.Name), nil
	case s.Type == "" || strings.EqualFold(s.Type, "Attribute"):
		return "[" + s.Name + "]", nil
	}
	return "", fmt.Errorf("the source type %q is not known", s.Type)
}

// call writes a function whose parameters are named, each in its place.
func (s *graphSource) call(level int) (string, error) {
	functions := expression.Functions()
	i := slices.IndexFunc(functions, func(f expression.Function) bool { return f.Name == s.Name })
	if i < 0 {
		return "", fmt.Errorf("the function %s is not known, and the source has no expression", shorten(s.Name))
	}
	arguments := map[int]string{}
	last := -1
	for _, p := range s.Parameters {
		place, ok := functions[i].Place(p.Key)
		if !ok || place >= maxMembers {
			return "", fmt.Errorf("%s has no parameter %s, and the source has no expression", s.Name, shorten(p.Key))
		}
		text, err := p.Value.text(level + 1)
		if err != nil {
			return "", err
		}
		arguments[place], last = text, max(last, place)
		if len(text) > expression.MaxLength {
			return "", errors.New("the source makes too long an expression")
		}
	}
	list := make([]string, last+1)
	for place := range list {
		list[place] = arguments[place]
	}
	return s.Name + "(" + strings.Join(list, ", ") + ")", nil
}

// settle leaves out attributes that no mapping may have, and notes what is
// wrong with what is left.
func (r *graphReader) settle(m *config.Mapping) {
	for {
		left := len(m.Attributes)
		var general []config.Problem
		for _, problem := range m.ValidateWith(mapping.Source{}, nil) {
			switch path := problem.Path; {
			case path[0] == "app_id": // it belongs to none yet
			case path[0] != "attributes" || len(path) == 1:
				general = append(general, problem)
			default:
				if _, ok := m.Attributes[path[1]]; ok {
					delete(m.Attributes, path[1])
					r.out.Notes.add(m.ObjectType+" "+path[1], "was left out: "+problem.Detail)
				}
			}
		}
		if len(m.Attributes) < left {
			continue
		}
		for _, problem := range general {
			r.out.Notes.add(m.ObjectType, "the mapping is not valid yet: "+problem.Summary+": "+problem.Detail)
		}
		return
	}
}

// shorten quotes a text of a document for a message.
func shorten(s string) string {
	if len(s) > 120 {
		s = strings.ToValidUTF8(s[:120], "") + "…"
	}
	return fmt.Sprintf("%q", s)
}
