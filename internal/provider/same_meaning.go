package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

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

// sameAsNone keeps the state's default where nothing is configured, which means
// the same. It makes no default of its own: what was never written is null. The
// attribute must be computed as well, or Terraform allows only null.
type sameAsNone struct{ standard attr.Value }

var (
	_ planmodifier.String = sameAsNone{}
	_ planmodifier.Bool   = sameAsNone{}
	_ planmodifier.Set    = sameAsNone{}
)

func (sameAsNone) Description(context.Context) string {
	return "To write the default or nothing is the same."
}

func (s sameAsNone) MarkdownDescription(ctx context.Context) string { return s.Description(ctx) }

func (s sameAsNone) PlanModifyString(_ context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	resp.PlanValue = planned(s, req.ConfigValue, req.StateValue, req.PlanValue, types.StringNull())
}

func (s sameAsNone) PlanModifyBool(_ context.Context, req planmodifier.BoolRequest, resp *planmodifier.BoolResponse) {
	resp.PlanValue = planned(s, req.ConfigValue, req.StateValue, req.PlanValue, types.BoolNull())
}

func (s sameAsNone) PlanModifySet(ctx context.Context, req planmodifier.SetRequest, resp *planmodifier.SetResponse) {
	resp.PlanValue = planned(s, req.ConfigValue, req.StateValue, req.PlanValue, types.SetNull(req.PlanValue.ElementType(ctx)))
}

// planned gives what is configured, else the state's default, else null.
func planned[V attr.Value](s sameAsNone, config, state, plan, null V) V {
	switch {
	case !config.IsNull():
		return plan
	case state.Equal(s.standard):
		return state
	}
	return null
}
