package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

var (
	_ resource.Resource                   = (*scopingFilterResource)(nil)
	_ resource.ResourceWithConfigure      = (*scopingFilterResource)(nil)
	_ resource.ResourceWithValidateConfig = (*scopingFilterResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*scopingFilterResource)(nil)
	_ resource.ResourceWithImportState    = (*scopingFilterResource)(nil)
)

func newScopingFilterResource() resource.Resource {
	return &scopingFilterResource{declared{
		kind:     config.KindFilter,
		newModel: func() model { return &scopingFilterModel{} },
	}}
}

type scopingFilterResource struct{ declared }

type scopingFilterModel struct {
	AppID      types.String `tfsdk:"app_id"`
	ObjectType types.String `tfsdk:"object_type"`
	Name       types.String `tfsdk:"name"`
	Clauses    types.List   `tfsdk:"clauses"`
	ID         types.String `tfsdk:"id"`
	Revision   types.String `tfsdk:"revision"`
}

type clauseModel struct {
	Attribute types.String `tfsdk:"attribute"`
	Operator  types.String `tfsdk:"operator"`
	Value     types.String `tfsdk:"value"`
}

var clauseTypes = map[string]attr.Type{"attribute": types.StringType, "operator": types.StringType, "value": types.StringType}

func (r *scopingFilterResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "One scoping filter of one app and object type. All of its clauses must hold; of several filters of one object type, " +
			"any may. Without a filter, everyone passes. A change starts one new initial cycle when the job that lists its `revision` is applied.",
		Attributes: map[string]schema.Attribute{
			"app_id": schema.StringAttribute{
				Required:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
				MarkdownDescription: "Id of the `provisioning_app`. A change replaces the filter.",
			},
			"object_type": schema.StringAttribute{
				Required:      true,
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
				MarkdownDescription: "`User`, `Group`, or another object type of the source. A filter of groups decides about the group objects only, " +
					"never about their members' accounts. A change replaces the filter.",
			},
			"name": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Name of the filter, as the log shows it; unique in its app and object type. A change renames it in place.",
			},
			"clauses": schema.ListNestedAttribute{
				Required:            true,
				MarkdownDescription: "The clauses, at least one. A null or empty value meets no clause but `is_null`.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"attribute": schema.StringAttribute{
						Required:            true,
						MarkdownDescription: "Attribute of the source, case-sensitive.",
					},
					"operator": schema.StringAttribute{
						Required: true,
						MarkdownDescription: "One of `equals`, `not_equals`, `is_true`, `is_false`, `is_null`, `is_not_null`, `regex_match`, " +
							"`not_regex_match`, `greater_than`, `greater_than_or_equals`, `includes`, `starts_with`, `ends_with`, " +
							"`is_contained_in`, `is_not_contained_in`. Patterns are RE2 and cover the whole value.",
					},
					"value": schema.StringAttribute{
						Optional:            true,
						MarkdownDescription: "What is compared with, case-sensitive. None for `is_true`, `is_false`, `is_null` and `is_not_null`.",
					},
				}},
			},
			"id":       idAttribute(),
			"revision": revisionAttribute("User filter staff"),
		},
	}
}

// ModifyPlan checks the clauses against the source that they are about, as far
// as that is declared or planned.
func (r *scopingFilterResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	if thing := r.modifyPlan(ctx, req, resp); thing != nil {
		r.checkPiece(ctx, thing, req, resp)
	}
}

func (m *scopingFilterModel) toConfig(ctx context.Context) (config.Thing, diag.Diagnostics) {
	var diags diag.Diagnostics
	f := &config.Filter{
		ID: m.ID.ValueString(), AppID: m.AppID.ValueString(), ObjectType: m.ObjectType.ValueString(), Name: m.Name.ValueString(),
	}
	if isWritten(m.Clauses) {
		var clauses []types.Object
		diags.Append(m.Clauses.ElementsAs(ctx, &clauses, false)...)
		for _, object := range clauses {
			if c := nestedOf[clauseModel](ctx, object, &diags); c != nil {
				f.Clauses = append(f.Clauses, scoping.Clause{
					Attribute: c.Attribute.ValueString(), Operator: scoping.Operator(c.Operator.ValueString()), Value: given(c.Value),
				})
			}
		}
	}
	return f, diags
}

func (m *scopingFilterModel) fromConfig(ctx context.Context, thing config.Thing) diag.Diagnostics {
	f := thing.(*config.Filter)
	m.ID, m.AppID, m.ObjectType = types.StringValue(f.ID), types.StringValue(f.AppID), types.StringValue(f.ObjectType)
	m.Name, m.Revision = types.StringValue(f.Name), types.StringValue(f.Revision())
	clauses := make([]clauseModel, len(f.Clauses))
	for i, c := range f.Clauses {
		clauses[i] = clauseModel{types.StringValue(c.Attribute), types.StringValue(string(c.Operator)), types.StringPointerValue(c.Value)}
	}
	var diags diag.Diagnostics
	m.Clauses, diags = types.ListValueFrom(ctx, types.ObjectType{AttrTypes: clauseTypes}, clauses)
	return diags
}
