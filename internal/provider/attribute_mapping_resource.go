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
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
)

var (
	_ resource.Resource                   = (*attributeMappingResource)(nil)
	_ resource.ResourceWithConfigure      = (*attributeMappingResource)(nil)
	_ resource.ResourceWithValidateConfig = (*attributeMappingResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*attributeMappingResource)(nil)
	_ resource.ResourceWithImportState    = (*attributeMappingResource)(nil)
)

func newAttributeMappingResource() resource.Resource {
	return &attributeMappingResource{declared{
		kind:     config.KindMapping,
		newModel: func() model { return &attributeMappingModel{} },
	}}
}

type attributeMappingResource struct{ declared }

type attributeMappingModel struct {
	AppID      types.String `tfsdk:"app_id"`
	ObjectType types.String `tfsdk:"object_type"`
	Enabled    types.Bool   `tfsdk:"enabled"`
	Actions    types.Set    `tfsdk:"actions"`
	Attributes types.Map    `tfsdk:"attributes"`
	ID         types.String `tfsdk:"id"`
	Revision   types.String `tfsdk:"revision"`
}

// attributeModel is one attribute, here and in a template.
type attributeModel struct {
	Source             types.String `tfsdk:"source"`
	Constant           types.String `tfsdk:"constant"`
	Expression         types.String `tfsdk:"expression"`
	Default            types.String `tfsdk:"default"`
	MatchingPrecedence types.Int64  `tfsdk:"matching_precedence"`
	Apply              types.String `tfsdk:"apply"`
	WhenNull           types.String `tfsdk:"when_null"`
}

var attributeTypesOfMapping = map[string]attr.Type{
	"source": types.StringType, "constant": types.StringType, "expression": types.StringType, "default": types.StringType,
	"matching_precedence": types.Int64Type, "apply": types.StringType, "when_null": types.StringType,
}

// allActions is what no actions mean.
var allActions = types.SetValueMust(types.StringType, []attr.Value{
	types.StringValue(string(mapping.ActionCreate)), types.StringValue(string(mapping.ActionUpdate)), types.StringValue(string(mapping.ActionDelete)),
})

func (r *attributeMappingResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The attribute mapping of one object type of one app: which value flows into which attribute of an account. " +
			"Without this resource, the template's preconfigured mapping of that object type applies. " +
			"A change starts one new initial cycle when the job that lists its `revision` is applied.",
		Attributes: map[string]schema.Attribute{
			"app_id": schema.StringAttribute{
				Required:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
				MarkdownDescription: "Id of the `provisioning_app`. A change replaces the mapping.",
			},
			"object_type": schema.StringAttribute{
				Required:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
				MarkdownDescription: "`User`, `Group`, or another object type of the source that the app has as well, such as `Device`. A change replaces the mapping.",
			},
			"enabled": schema.BoolAttribute{
				Optional: true, Computed: true,
				PlanModifiers:       []planmodifier.Bool{sameAsNone{types.BoolValue(true)}},
				MarkdownDescription: "Whether objects of this type are written at all; users cannot be turned off. Default: `true`.",
			},
			"actions": schema.SetAttribute{
				ElementType: types.StringType,
				Optional:    true, Computed: true,
				PlanModifiers: []planmodifier.Set{sameAsNone{allActions}},
				MarkdownDescription: "What may be done to accounts: any of `create`, `update` and `delete`. Disabling is an update. " +
					"Default: all.",
			},
			"attributes": schema.MapNestedAttribute{
				Required: true,
				MarkdownDescription: "What flows, by the path of the target's attribute: `userName`, `name.givenName`, `emails[type eq \"work\"].value`, " +
					"`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department`. Each has at most one of `source`, `constant` and " +
					"`expression`; with none of them it needs `default`. At least one has a `matching_precedence`. " +
					"A template's attributes can be combined with your own by `merge()`.",
				NestedObject: schema.NestedAttributeObject{Attributes: mappedAttributes()},
			},
			"id":       idAttribute(),
			"revision": revisionAttribute("User mapping"),
		},
	}
}

func mappedAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"source": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "Attribute of the source whose value flows, without brackets. One that refers to other objects, " +
				"such as `manager` or `members`, flows as references to their accounts.",
		},
		"constant": schema.StringAttribute{
			Optional:            true,
			MarkdownDescription: "Text that flows for everyone.",
		},
		"expression": schema.StringAttribute{
			Optional:      true,
			PlanModifiers: []planmodifier.String{sameExpression},
			MarkdownDescription: "Expression in the mapping language, such as `Join(\" \", [givenName], [surname])`. It can be tried with the function " +
				"`evaluate`. White space makes no difference to a plan.",
		},
		"default": schema.StringAttribute{
			Optional:            true,
			MarkdownDescription: "Value for a new account where the source has none.",
		},
		"matching_precedence": schema.Int64Attribute{
			Optional: true,
			MarkdownDescription: "Makes this an attribute by which existing accounts are found before one is created: 1 is tried first, then 2. " +
				"Each number once.",
		},
		"apply": schema.StringAttribute{
			Optional: true, Computed: true,
			PlanModifiers: []planmodifier.String{sameAsNone{types.StringValue(string(mapping.ApplyAlways))}},
			MarkdownDescription: "When it flows: `always`, `on_create` for new accounts only, `add_values` to add values and never remove any. " +
				"Default: `always`.",
		},
		"when_null": schema.StringAttribute{
			Optional: true, Computed: true,
			PlanModifiers: []planmodifier.String{sameAsNone{types.StringValue(string(mapping.ClearOwn))}},
			MarkdownDescription: "What becomes of the target's value when the source has none: `clear_own` removes what this mapping wrote, " +
				"`ignore` leaves it, `clear` removes it whoever wrote it. Default: `clear_own`.",
		},
	}
}

// ModifyPlan checks the mapping against the source that it maps from, as far as
// that is declared or planned: the source may change where the mapping does not.
func (r *attributeMappingResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	thing := r.modifyPlan(ctx, req, resp)
	if thing == nil {
		return
	}
	m := thing.(*config.Mapping)
	_, source := r.agent.of(ctx, m.AppID)
	if source == nil {
		return
	}
	problems := settled(m.ValidateWith(source.MappingSource(m.ObjectType), nil), req.Plan.Raw, nil)
	addProblems(&resp.Diagnostics, problems, req.Plan.Schema.Type())
	r.checkPiece(ctx, m, req, resp)
}

func (m *attributeMappingModel) toConfig(ctx context.Context) (config.Thing, diag.Diagnostics) {
	var diags diag.Diagnostics
	out := &config.Mapping{
		ID: m.ID.ValueString(), AppID: m.AppID.ValueString(), ObjectType: m.ObjectType.ValueString(),
		Enabled: m.Enabled.ValueBoolPointer(),
	}
	if isWritten(m.Actions) {
		out.Actions = []mapping.Action{}
		for _, action := range stringsOf(ctx, m.Actions, &diags) {
			out.Actions = append(out.Actions, mapping.Action(action))
		}
	}
	for name, a := range elementsOf[attributeModel](ctx, m.Attributes, &diags) {
		if out.Attributes == nil {
			out.Attributes = map[string]mapping.Attribute{}
		}
		out.Attributes[name] = a.toConfig()
	}
	return out, diags
}

func (m *attributeModel) toConfig() mapping.Attribute {
	return mapping.Attribute{
		Source: given(m.Source), Constant: given(m.Constant), Expression: given(m.Expression), Default: given(m.Default),
		MatchingPrecedence: m.MatchingPrecedence.ValueInt64Pointer(),
		Apply:              mapping.Apply(m.Apply.ValueString()), WhenNull: mapping.WhenNull(m.WhenNull.ValueString()),
	}
}

func (m *attributeMappingModel) fromConfig(ctx context.Context, thing config.Thing) diag.Diagnostics {
	var diags diag.Diagnostics
	stored := thing.(*config.Mapping)
	m.ID, m.AppID, m.ObjectType = types.StringValue(stored.ID), types.StringValue(stored.AppID), types.StringValue(stored.ObjectType)
	m.Enabled = types.BoolPointerValue(stored.Enabled)
	var actions []string
	if stored.Actions != nil {
		actions = []string{}
	}
	for _, action := range stored.Actions {
		actions = append(actions, string(action))
	}
	m.Actions = keepSet(ctx, m.Actions, actions, &diags)
	m.Revision = types.StringValue(stored.Revision())
	before := elementsOf[attributeModel](ctx, m.Attributes, &diags)
	m.Attributes = attributesFromConfig(ctx, before, stored.Attributes, &diags)
	return diags
}

// attributesFromConfig gives the map of attributes, each written as before.
func attributesFromConfig(ctx context.Context, before map[string]*attributeModel, stored map[string]mapping.Attribute, diags *diag.Diagnostics) types.Map {
	models := make(map[string]attributeModel, len(stored))
	for name, a := range stored {
		written := before[name]
		if written == nil {
			written = &attributeModel{}
		}
		models[name] = attributeModel{
			Source: types.StringPointerValue(a.Source), Constant: types.StringPointerValue(a.Constant), Expression: types.StringPointerValue(a.Expression), Default: types.StringPointerValue(a.Default),
			MatchingPrecedence: types.Int64PointerValue(a.MatchingPrecedence),
			Apply:              keepString(written.Apply, string(a.Apply)), WhenNull: keepString(written.WhenNull, string(a.WhenNull)),
		}
	}
	m, d := types.MapValueFrom(ctx, types.ObjectType{AttrTypes: attributeTypesOfMapping}, models)
	diags.Append(d...)
	return m
}
