package provider

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

// addError turns an error of the engine into diagnostics. what says what was
// tried, for errors that do not say it themselves; root is the type of the
// schema that paths lead through, nil for none.
func addError(diags *diag.Diagnostics, err error, what string, root attr.Type) {
	var e *api.Error
	switch {
	case errors.As(err, &e):
	case errors.Is(err, errUnknownAgent):
		diags.AddError(what, "A part of the provider's own configuration is known only after apply, so that the engine cannot be reached. "+
			"Give data_dir, or endpoint, token and ca_certificate, values that are known when planning.")
		return
	case errors.Is(err, context.Canceled):
		diags.AddError(what, "It was interrupted.")
		return
	case errors.Is(err, context.DeadlineExceeded):
		diags.AddError(what, "It took too long. Try again, and look at the agent's log if it happens twice.")
		return
	default:
		diags.AddError(what, config.Sentence(err.Error()))
		return
	}
	if len(e.Problems) > 0 {
		addProblems(diags, e.Problems, root)
		return
	}
	summary, detail := title(e.Summary), joinParagraphs(config.Sentence(e.Detail), config.Sentence(e.Advice))
	if summary == "" {
		summary = what
	}
	addErrorAt(diags, attributePath(root, e.Path), summary, detail)
}

// addProblems reports each fault of a declaration at its attribute.
func addProblems(diags *diag.Diagnostics, problems config.Problems, root attr.Type) {
	for _, problem := range problems {
		addErrorAt(diags, attributePath(root, problem.Path), title(problem.Summary), config.Sentence(problem.Detail))
	}
}

// addErrorAt reports an error at an attribute, or at none for the empty path.
// Terraform points no deeper than to the resource where an attribute is nested,
// so that the text says where.
func addErrorAt(diags *diag.Diagnostics, at path.Path, summary, detail string) {
	switch len(at.Steps()) {
	case 0:
		diags.AddError(summary, detail)
	case 1:
		diags.AddAttributeError(at, summary, detail)
	default:
		diags.AddAttributeError(at, summary, fmt.Sprintf("%s: %s", at, detail))
	}
}

// addWarnings reports what the engine wants a plan to say.
func addWarnings(diags *diag.Diagnostics, warnings []api.Warning) {
	for _, warning := range warnings {
		diags.AddWarning(warning.Summary, warning.Detail)
	}
}

// attributePath leads as far along the steps as the schema has attributes.
func attributePath(root attr.Type, steps []string) path.Path {
	at := path.Empty()
	for _, step := range steps {
		switch typ := root.(type) {
		case attr.TypeWithAttributeTypes:
			member, ok := typ.AttributeTypes()[step]
			if !ok {
				return at
			}
			at, root = at.AtName(step), member
		case attr.TypeWithElementType:
			switch typ.TerraformType(context.Background()).(type) {
			case tftypes.Map:
				at = at.AtMapKey(step)
			case tftypes.List:
				index, err := strconv.Atoi(step)
				if err != nil {
					return at
				}
				at = at.AtListIndex(index)
			default:
				return at
			}
			root = typ.ElementType()
		default:
			return at
		}
	}
	return at
}

// settled gives the problems that what is unknown yet cannot be the cause of:
// neither the attribute itself, nor for a member of a nested one the members
// beside it. A problem without a path concerns the attributes of alternatives.
func settled(problems config.Problems, declared tftypes.Value, alternatives []string) config.Problems {
	var kept config.Problems
	for _, problem := range problems {
		known := true
		switch length := len(problem.Path); {
		case length > 2:
			known = knownAt(declared, problem.Path[:length-1])
		case length > 0:
			known = knownAt(declared, problem.Path)
		}
		for _, name := range alternatives {
			known = known && (len(problem.Path) > 0 || knownAt(declared, []string{name}))
		}
		if known {
			kept = append(kept, problem)
		}
	}
	return kept
}

// knownAt reports whether all is known that stands at the steps, or at the
// last of them that leads anywhere.
func knownAt(value tftypes.Value, steps []string) bool {
	for _, step := range steps {
		if !value.IsKnown() {
			return false
		}
		var members map[string]tftypes.Value
		if value.IsNull() || value.As(&members) != nil {
			break
		}
		member, ok := members[step]
		if !ok {
			break
		}
		value = member
	}
	return value.IsFullyKnown()
}

func joinParagraphs(paragraphs ...string) string {
	var out []string
	for _, p := range paragraphs {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, "\n\n")
}

// title makes the first letter of a message large.
func title(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + text[size:]
}

// clause is a sentence without its full stop, which Terraform adds to errors of
// functions.
func clause(text string) string { return strings.TrimSuffix(config.Sentence(text), ".") }
