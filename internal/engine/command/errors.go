package command

import (
	"context"
	"errors"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
)

// printError prints what failed, why, and what to do.
func (s *session) printError(err error) {
	told := explained(err)
	if s.json {
		if err := s.errs.json(told, true); err == nil {
			return
		}
	}
	s.errs.line(text{bad, "Error: "}, text{bold, told.Summary})
	if told.Detail != "" {
		s.errs.block("  ", plain, told.Detail)
	}
	for _, problem := range told.Problems {
		s.errs.block("  - ", plain, strings.Join(append(problem.Path, problem.Summary), ": ")+": "+problem.Detail)
	}
	if told.Advice != "" {
		s.errs.block("  ", plain, told.Advice)
	}
}

// explained makes any error one that says what to do.
func explained(err error) *api.Error {
	var told *api.Error
	var usage *usageError
	switch {
	case errors.As(err, &usage):
		return &api.Error{Code: api.CodeInvalid, Summary: usage.Error(), Advice: "Add --help to see how it is used."}
	case errors.As(err, &told):
		return told
	case errors.Is(err, context.Canceled):
		return &api.Error{Code: api.CodeConflict, Summary: "Interrupted"}
	}
	return &api.Error{Code: api.CodeInternal, Summary: err.Error()}
}
