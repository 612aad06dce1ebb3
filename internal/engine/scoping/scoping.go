// Package scoping decides by clauses over attributes of a source object
// whether the object is in scope. Clauses of one filter must all hold; of
// several filters any may. The package is pure.
package scoping

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/expression"
)

// Clause is one condition on one attribute. Value is nil for operators that
// take none.
type Clause struct {
	Attribute string   `json:"attribute"`
	Operator  Operator `json:"operator"`
	Value     *string  `json:"value,omitempty"`
}

// String shows the clause as "department equals Engineering".
func (c Clause) String() string {
	text := c.Attribute + " " + string(c.Operator)
	if c.Value != nil {
		text += " " + *c.Value
	}
	return text
}

// Filter passes an object that meets all of its clauses.
type Filter struct {
	Name    string   `json:"name"`
	Clauses []Clause `json:"clauses"`
}

// Compiled is the filters of one object type, checked. It is immutable and
// safe for concurrent use.
type Compiled struct {
	filters []compiledFilter
	clauses int // of all filters
}

type compiledFilter struct {
	name    string
	clauses []compiledClause
}

type compiledClause struct {
	Clause
	text     string // of the clause, as ClauseResult has it
	repeated bool   // a clause before it has the same text
	test     test   // nil: IsNull
}

// Compile checks filters: that each has clauses, and each clause an attribute,
// a known operator and a value just where one is taken. All faults are
// reported, joined, each an *InvalidClauseError. No filters: every object is in
// scope.
func Compile(filters []Filter) (*Compiled, error) {
	c := &Compiled{filters: make([]compiledFilter, len(filters))}
	var faults []error
	texts := make(map[string]bool)
	for i, filter := range filters {
		if len(filter.Clauses) == 0 {
			faults = append(faults, &InvalidClauseError{Filter: filter.Name, Index: -1, Field: "clauses",
				Problem: "the filter has no clauses and would let every object pass; remove the filter if that is meant"})
		}
		clauses := make([]compiledClause, len(filter.Clauses))
		for j, clause := range filter.Clauses {
			compiled, fault := compileClause(clause)
			if fault != nil {
				fault.Filter, fault.Index, fault.Clause = filter.Name, j, clause
				faults = append(faults, fault)
			}
			compiled.text = strings.TrimLeft(filter.Name+" "+clause.String(), " ")
			compiled.repeated = texts[compiled.text]
			texts[compiled.text] = true
			clauses[j] = compiled
		}
		c.filters[i] = compiledFilter{filter.Name, clauses}
		c.clauses += len(clauses)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return c, nil
}

func compileClause(clause Clause) (compiledClause, *InvalidClauseError) {
	compiled := compiledClause{Clause: clause}
	refuse := func(field, problem string) (compiledClause, *InvalidClauseError) {
		return compiled, &InvalidClauseError{Field: field, Problem: problem}
	}
	operators := Operators()
	switch {
	case clause.Attribute == "":
		return refuse("attribute", "the attribute's name is missing")
	case !slices.Contains(operators, clause.Operator):
		names := make([]string, len(operators))
		for i, operator := range operators {
			names[i] = string(operator)
		}
		_, err := refuse("operator", fmt.Sprintf("unknown operator %q", clause.Operator))
		err.Expected = "one of " + strings.Join(names, ", ")
		err.Suggestion, _ = expression.Nearest(string(clause.Operator), names)
		return compiled, err
	case clause.Value != nil && !clause.Operator.TakesValue():
		return refuse("value", fmt.Sprintf("the operator %s takes no value", clause.Operator))
	case clause.Value == nil && clause.Operator.TakesValue():
		return refuse("value", fmt.Sprintf("the operator %s needs a value", clause.Operator))
	case clause.Value != nil && *clause.Value == "":
		return refuse("value", fmt.Sprintf("the value is empty; %s and %s ask for that", IsNull, IsNotNull))
	case clause.Operator == IsNull:
		return compiled, nil
	}
	value := ""
	if clause.Value != nil {
		value = *clause.Value
	}
	test, problem := clause.Operator.compile(value)
	if problem != "" {
		return refuse("value", problem)
	}
	compiled.test = test
	return compiled, nil
}

// Verdict is what filters say of one object.
type Verdict struct {
	InScope bool
	Clauses []ClauseResult // every clause of every filter, in order, each once
}

// ClauseResult is what one clause says.
type ClauseResult struct {
	Text   string // of the clause, as it stands in the log: "NY engineers department equals Engineering"
	Passed bool
}

// Attributes gives the names of the attributes that the filters look at.
func (c *Compiled) Attributes() []string {
	var names []string
	for _, filter := range c.filters {
		for i := range filter.clauses {
			names = append(names, filter.clauses[i].Attribute)
		}
	}
	return names
}

// Evaluate judges one object by its attributes, all clauses of it. The error
// is an *EvaluationError: the object cannot be judged, which does not mean
// that it is out of scope.
func (c *Compiled) Evaluate(attribute func(name string) (directory.Value, bool)) (Verdict, error) {
	verdict := Verdict{InScope: len(c.filters) == 0, Clauses: make([]ClauseResult, 0, c.clauses)}
	for _, filter := range c.filters {
		all := true
		for i := range filter.clauses {
			clause := &filter.clauses[i]
			passed, err := clause.passes(attribute)
			if err != nil {
				return Verdict{}, &EvaluationError{Filter: filter.name, Clause: clause.Clause, Problem: err.Error()}
			}
			all = all && passed
			if !clause.repeated {
				verdict.Clauses = append(verdict.Clauses, ClauseResult{clause.text, passed})
			}
		}
		verdict.InScope = verdict.InScope || all
	}
	return verdict, nil
}

func (c *compiledClause) passes(attribute func(name string) (directory.Value, bool)) (bool, error) {
	value, _ := attribute(c.Attribute)
	if value.Kind() == directory.KindList {
		switch values := value.Values(); len(values) {
		case 0:
			value = directory.Null
		case 1:
			value = values[0]
		default:
			return false, fmt.Errorf("%s holds %d values, a filter needs one; map an attribute to one of them, as Item([%s], 1) does",
				c.Attribute, len(values), c.Attribute)
		}
	}
	if kind := value.Kind(); kind == directory.KindList || kind == directory.KindComplex {
		return false, fmt.Errorf("%s has parts, a filter needs a single value", c.Attribute)
	}
	if value.IsEmpty() {
		return c.Operator == IsNull, nil
	}
	if c.test == nil {
		return false, nil
	}
	return c.test(value)
}

// ClausesMatch reports whether an object meets all the clauses; none: true.
// The error is that of Compile or Evaluate.
func ClausesMatch(clauses []Clause, attribute func(name string) (directory.Value, bool)) (bool, error) {
	if len(clauses) == 0 {
		return true, nil
	}
	c, err := Compile([]Filter{{Clauses: clauses}})
	if err != nil {
		return false, err
	}
	verdict, err := c.Evaluate(attribute)
	return verdict.InScope, err
}
