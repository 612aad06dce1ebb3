package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/expression"
)

// sameMeaning keeps the state's text where the configured one means the same,
// so that how it is written makes no difference to a plan.
type sameMeaning struct {
	canonical func(text string) (string, bool)
	what      string
}

var _ planmodifier.String = sameMeaning{}

var (
	sameDuration = sameMeaning{what: "duration", canonical: func(text string) (string, bool) {
		d, err := config.ParseDuration(text)
		return d.String(), err == nil
	}}
	sameExpression = sameMeaning{what: "expression", canonical: func(text string) (string, bool) {
		e, err := expression.Parse(text)
		if err != nil {
			return "", false
		}
		return e.String(), true
	}}
	sameFile = sameMeaning{what: "file", canonical: absolutePath}
)

func (s sameMeaning) Description(context.Context) string {
	return "Another way to write the same " + s.what + " is no change."
}

func (s sameMeaning) MarkdownDescription(ctx context.Context) string { return s.Description(ctx) }

func (s sameMeaning) PlanModifyString(_ context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if !isWritten(req.StateValue) || !isWritten(req.PlanValue) {
		return
	}
	was, ok := s.canonical(req.StateValue.ValueString())
	is, ok2 := s.canonical(req.PlanValue.ValueString())
	if ok && ok2 && was == is {
		resp.PlanValue = req.StateValue
	}
}
