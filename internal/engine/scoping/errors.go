package scoping

import (
	"fmt"
	"strings"
)

// InvalidClauseError says what is wrong with a filter.
type InvalidClauseError struct {
	Filter     string // its name; may be empty
	Index      int    // of the clause, from 0; -1: the filter itself
	Clause     Clause
	Field      string // attribute, operator, value or clauses
	Problem    string
	Expected   string // what would be right; may be empty
	Suggestion string // the nearest name that exists; may be empty
}

func (e *InvalidClauseError) Error() string {
	var out strings.Builder
	if e.Filter != "" {
		fmt.Fprintf(&out, "filter %q, ", e.Filter)
	}
	if e.Index >= 0 {
		fmt.Fprintf(&out, "clause %d (%s), ", e.Index+1, e.Clause)
	}
	out.WriteString(e.Field + ": " + e.Problem)
	if e.Expected != "" {
		out.WriteString("; expected " + e.Expected)
	}
	if e.Suggestion != "" {
		out.WriteString("; did you mean " + e.Suggestion + "?")
	}
	return out.String()
}

// EvaluationError says why an object cannot be judged by a clause.
type EvaluationError struct {
	Filter  string // its name; may be empty
	Clause  Clause
	Problem string
}

func (e *EvaluationError) Error() string {
	if e.Filter == "" {
		return fmt.Sprintf("clause (%s): %s", e.Clause, e.Problem)
	}
	return fmt.Sprintf("filter %q, clause (%s): %s", e.Filter, e.Clause, e.Problem)
}
