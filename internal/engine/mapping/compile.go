package mapping

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/expression"
)

// Problem is one fault of a definition. Attribute is the target path under
// which it was found, Field the part of its declaration ("expression").
type Problem struct {
	Attribute, Field, Text string
}

func (p *Problem) Error() string {
	switch {
	case p.Attribute == "":
		return p.Text
	case p.Field == "":
		return fmt.Sprintf("%s: %s", p.Attribute, p.Text)
	}
	return fmt.Sprintf("%s, %s: %s", p.Attribute, p.Field, p.Text)
}

// Compiled is a mapping that can be evaluated. It is immutable and safe for
// concurrent use.
type Compiled struct {
	ObjectType string
	Enabled    bool
	Source     Source
	create     bool
	update     bool
	delete     bool
	rules      []rule
	names      map[string]bool // the texts of all rules' paths
	matching   []int           // indexes of rules, by precedence
	references []Reference
	timed      bool // a rule asks for the time
	unique     bool // a rule asks what the target has
	ignores    bool // a rule may ignore the whole object
}

// rule is one compiled attribute mapping.
type rule struct {
	Rule
	source     *expression.Expression
	expression string // as declared; empty for a source or constant
	constant   bool   // the value does not depend on the object
	reference  string // attribute of the source whose edges flow; empty for a value
	matching   int64
	target     attributeType
	unfit      error // why the default cannot be written; it fails every object
}

// Compile checks a definition and makes it ready. A nil target leaves types
// unchecked and unconverted: that is how a definition is checked before the
// target is known. All problems are reported, joined, each a *Problem.
func Compile(definition Definition, source Source, target *directory.ObjectType) (*Compiled, error) {
	c := &Compiled{ObjectType: definition.ObjectType, Enabled: definition.Enabled, Source: source, names: map[string]bool{}}
	var problems []error
	c.create, c.update, c.delete = true, true, true
	if definition.Actions != nil {
		c.create, c.update, c.delete = false, false, false
		for _, action := range definition.Actions {
			switch action {
			case ActionCreate:
				c.create = true
			case ActionUpdate:
				c.update = true
			case ActionDelete:
				c.delete = true
			default:
				problems = append(problems, &Problem{Text: fmt.Sprintf("unknown action %q: use create, update or delete", action)})
			}
		}
	}
	seen := map[directory.Parts]string{}
	for _, text := range slices.Sorted(maps.Keys(definition.Attributes)) {
		r, faults := compileRule(text, definition.Attributes[text], source)
		if len(faults) > 0 {
			problems = append(problems, faults...)
			continue
		}
		if other, twice := seen[folded(r.Path)]; twice {
			problems = append(problems, &Problem{text, "", fmt.Sprintf("names the same attribute as %q; keep one of them", other)})
			continue
		}
		seen[folded(r.Path)] = text
		r.judgeBy(typeOf(target, r.Path))
		c.rules = append(c.rules, r)
	}
	slices.SortFunc(c.rules, func(a, b rule) int { return strings.Compare(a.Name, b.Name) }) // as Evaluate promises
	for i := range c.rules {
		r := &c.rules[i]
		c.names[r.Name] = true
		if r.matching > 0 {
			c.matching = append(c.matching, i)
		}
		if r.reference != "" {
			c.references = append(c.references, r.refer())
		}
		if r.source != nil {
			c.timed = c.timed || r.source.UsesNow()
			c.unique = c.unique || r.source.SelectsUnique()
			c.ignores = c.ignores || r.source.MayIgnoreObject()
		}
	}
	sort.SliceStable(c.matching, func(i, j int) bool {
		return c.rules[c.matching[i]].matching < c.rules[c.matching[j]].matching
	})
	for i := 1; i < len(c.matching); i++ {
		a, b := c.rules[c.matching[i-1]], c.rules[c.matching[i]]
		if a.matching == b.matching {
			problems = append(problems, &Problem{b.Name, "matching_precedence",
				fmt.Sprintf("%d is the precedence of %q already; give each matching attribute its own", b.matching, a.Name)})
		}
	}
	if len(problems) == 0 && len(c.matching) == 0 {
		problems = append(problems, &Problem{Text: "no attribute has a matching_precedence: set matching_precedence = 1 on the " +
			"attribute that identifies an account, such as userName, so that existing accounts are found instead of made twice"})
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return c, nil
}

// judgeBy takes up what the target says of the rule's attribute.
func (r *rule) judgeBy(target attributeType) {
	r.target = target
	r.Required, r.CaseExact, r.WriteOnly, r.Immutable = target.required, target.caseExact, target.writeOnly, target.immutable
	if !r.Default.IsNull() {
		r.Default, r.unfit = target.convert(r.Default)
	}
}

// refer gives a rule that carries references, which are compared as ids.
func (r *rule) refer() Reference {
	multi := r.target.multi
	if !r.target.known {
		multi = r.Path == directory.MustPath("members")
	}
	return Reference{&Rule{Path: r.Path, Name: r.Name, Apply: r.Apply, WhenNull: r.WhenNull}, r.reference, multi}
}

// folded gives the path by which attributes are told apart: their names are
// compared without case (RFC 7643 section 2.1).
func folded(path directory.Path) directory.Parts {
	p := path.Parts()
	p.URN, p.Name, p.Sub = strings.ToLower(p.URN), strings.ToLower(p.Name), strings.ToLower(p.Sub)
	p.Where.Attribute = strings.ToLower(p.Where.Attribute)
	return p
}

func compileRule(text string, a Attribute, source Source) (rule, []error) {
	var problems []error
	fault := func(field, format string, args ...any) {
		problems = append(problems, &Problem{text, field, fmt.Sprintf(format, args...)})
	}
	r := rule{Rule: Rule{Name: text, Apply: a.Apply, WhenNull: a.WhenNull}}
	var err error
	if r.Path, err = directory.ParsePath(text); err != nil {
		fault("", "%v", err)
		return r, problems
	}
	r.Name = r.Path.String()
	if r.Path == directory.MustPath("id") {
		fault("", "the target issues the id itself; it cannot be mapped")
	}
	given := 0
	for _, s := range []*string{a.Source, a.Constant, a.Expression} {
		if s != nil {
			given++
		}
	}
	switch {
	case given > 1:
		fault("", "has more than one of source, constant and expression; keep one")
	case given == 0 && a.Default == nil:
		fault("", "has none of source, constant, expression and default; give one")
	}
	switch {
	case a.Source != nil:
		name := *a.Source
		if name == "" || strings.ContainsAny(name, "[]") {
			fault("source", "%q is no attribute name; write it without brackets", name)
			break
		}
		if name == AppRoles {
			fault("source", "%s holds records of assignments; take the roles from it with %s", name, roleFunctions)
			break
		}
		if slices.Contains(source.References, name) {
			r.reference = name
			break
		}
		r.source, err = expression.Parse("[" + name + "]")
	case a.Constant != nil:
		r.source, err = expression.Parse(expression.Quote(*a.Constant))
		r.constant = true
	case a.Expression != nil:
		r.expression = *a.Expression
		r.source, err = expression.Parse(*a.Expression)
	}
	if err != nil {
		fault(fieldOf(a), "%v", err)
		return r, problems
	}
	if r.source != nil {
		problems = append(problems, checkSource(text, r.source, a, source)...)
		if r.source.OnlyAdds() && (r.Apply == "" || r.Apply == ApplyAlways) {
			r.Apply = ApplyAddValues
		}
	}
	r.Own, r.NoSource = !r.constant, given == 0
	if a.Default != nil {
		r.Default = directory.Text(*a.Default)
	}
	switch r.Apply {
	case "":
		r.Apply = ApplyAlways
	case ApplyAlways, ApplyOnCreate, ApplyAddValues:
	default:
		fault("apply", "unknown value %q: use always, on_create or add_values", a.Apply)
	}
	switch r.WhenNull {
	case "":
		r.WhenNull = ClearOwn
	case ClearOwn, Ignore, Clear:
	default:
		fault("when_null", "unknown value %q: use clear_own, ignore or clear", a.WhenNull)
	}
	switch {
	case r.Apply != ApplyAddValues || r.WhenNull != Clear:
	case a.Apply == ApplyAddValues:
		fault("when_null", "clear removes what apply = \"add_values\" never removes; drop one of them")
	default:
		fault("when_null", "AppRoleAssignmentsComplex never removes roles; use AssertiveAppRoleAssignmentsComplex, or drop clear")
	}
	if a.MatchingPrecedence != nil {
		r.matching = *a.MatchingPrecedence
		switch {
		case r.matching < 1:
			fault("matching_precedence", "%d is no precedence: 1 is tried first, then 2, and so on", r.matching)
		case r.reference != "":
			fault("matching_precedence", "a reference cannot identify an account; match on a value")
		case r.source == nil:
			fault("matching_precedence", "a matching attribute needs a source or an expression")
		case r.source.SelectsUnique():
			fault("matching_precedence", "SelectUniqueValue cannot give the value of a matching attribute")
		case r.source.UsesRandom():
			fault("matching_precedence", "an account with a random value is never found again; match on another attribute")
		case r.constant:
			fault("matching_precedence", "a constant is the same for all and cannot identify an account")
		}
	}
	return r, problems
}

// roleFunctions advises those who map the roles' records themselves.
const roleFunctions = "expression = \"SingleAppRoleAssignment([appRoleAssignments])\" or \"AssertiveAppRoleAssignmentsComplex([appRoleAssignments])\""

func checkSource(text string, e *expression.Expression, a Attribute, source Source) []error {
	var problems []error
	fault := func(format string, args ...any) {
		problems = append(problems, &Problem{text, fieldOf(a), fmt.Sprintf(format, args...)})
	}
	if e.UsesRandom() && a.Apply != ApplyOnCreate {
		fault(`Guid and RandomString give another value each time; set apply = "on_create"`)
	}
	if e.String() == "["+AppRoles+"]" && a.Source == nil {
		fault("%s holds records of assignments; take the roles from it with %s", AppRoles, roleFunctions)
	}
	if e.UsesDefaultDomain() && source.DefaultDomain != nil && *source.DefaultDomain == "" {
		fault("DefaultDomain has no value: give the source a default_domain, such as \"contoso.com\"")
	}
	if e.SelectsUnique() && a.Apply != ApplyOnCreate {
		fault(`SelectUniqueValue finds a free value at creation only; set apply = "on_create"`)
	}
	for _, name := range e.Attributes() {
		if slices.Contains(source.References, name) {
			fault("%q refers to other objects and cannot be used in an expression; map it with source = %q alone", name, name)
		}
	}
	if source.Known != nil {
		known := slices.Concat(source.Known, slices.Collect(maps.Keys(source.Aliases)), source.References, Computed)
		err := e.CheckAttributes(known)
		var unknown *expression.SyntaxError
		switch {
		case errors.As(err, &unknown) && a.Source != nil:
			fault("it is an %s", unknown.Short())
		case err != nil:
			fault("%v", err)
		}
	}
	return problems
}

func fieldOf(a Attribute) string {
	switch {
	case a.Source != nil:
		return "source"
	case a.Constant != nil:
		return "constant"
	}
	return "expression"
}
