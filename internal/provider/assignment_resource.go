package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

var (
	_ resource.Resource                   = (*assignmentResource)(nil)
	_ resource.ResourceWithConfigure      = (*assignmentResource)(nil)
	_ resource.ResourceWithValidateConfig = (*assignmentResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*assignmentResource)(nil)
	_ resource.ResourceWithImportState    = (*assignmentResource)(nil)
)

func newAssignmentResource() resource.Resource {
	return &assignmentResource{declared{
		kind:         config.KindAssignment,
		alternatives: []string{"group", "user"},
		newModel:     func() model { return &assignmentModel{} },
	}}
}

type assignmentResource struct{ declared }

type assignmentModel struct {
	AppID    types.String `tfsdk:"app_id"`
	User     types.String `tfsdk:"user"`
	Group    types.String `tfsdk:"group"`
	Role     types.String `tfsdk:"role"`
	ID       types.String `tfsdk:"id"`
	Revision types.String `tfsdk:"revision"`
}

func (r *assignmentResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	replace := []planmodifier.String{stringplanmodifier.RequiresReplace()}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Assigns one user or group of the source to an app: exactly one of `user` and `group`. The name is resolved once, when " +
			"the assignment is created, so that a renamed person or group stays assigned. No hit, and more than one, are errors. " +
			"Destroying an assignment is loss of scope like any other.",
		Attributes: map[string]schema.Attribute{
			"app_id": schema.StringAttribute{
				Required: true, PlanModifiers: replace,
				MarkdownDescription: "Id of the `provisioning_app`. A change replaces the assignment.",
			},
			"user": schema.StringAttribute{
				Optional: true, PlanModifiers: replace,
				MarkdownDescription: "A user, by id in the source, user name or mail. A change replaces the assignment.",
			},
			"group": schema.StringAttribute{
				Optional: true, PlanModifiers: replace,
				MarkdownDescription: "A group, by id in the source or display name. Its direct members are in scope with it. " +
					"A change replaces the assignment.",
			},
			"role": schema.StringAttribute{
				Optional: true, PlanModifiers: replace,
				MarkdownDescription: "Role that the role functions of the mapping language give. Who is assigned twice has both roles. " +
					"A change replaces the assignment.",
			},
			"id":       idAttribute(),
			"revision": revisionAttribute("assignment user/grace@example.com"),
		},
	}
}

// ModifyPlan looks for the one who is assigned in the source, as far as that is
// declared or planned. What is assigned already stays so (decisions 26).
func (r *assignmentResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	if thing := r.modifyPlan(ctx, req, resp); thing != nil && req.State.Raw.IsNull() {
		r.checkPiece(ctx, thing, req, resp)
	}
}

func (m *assignmentModel) toConfig(context.Context) (config.Thing, diag.Diagnostics) {
	return &config.Assignment{
		ID: m.ID.ValueString(), AppID: m.AppID.ValueString(),
		User: m.User.ValueString(), Group: m.Group.ValueString(), Role: m.Role.ValueString(),
	}, nil
}

func (m *assignmentModel) fromConfig(_ context.Context, thing config.Thing) diag.Diagnostics {
	a := thing.(*config.Assignment)
	m.ID, m.AppID = types.StringValue(a.ID), types.StringValue(a.AppID)
	m.User, m.Group, m.Role = keepString(m.User, a.User), keepString(m.Group, a.Group), keepString(m.Role, a.Role)
	m.Revision = types.StringValue(a.Revision())
	return nil
}
