package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/gallery"
)

var _ function.Function = (*templateFunction)(nil)

func newTemplateFunction() function.Function { return &templateFunction{} }

type templateFunction struct{}

// templateModel is a template, as the function and the data source tell it.
type templateModel struct {
	Name             types.String                    `tfsdk:"name"`
	Title            types.String                    `tfsdk:"title"`
	Revision         types.String                    `tfsdk:"revision"`
	Connector        types.String                    `tfsdk:"connector"`
	ConnectionFields []connectionFieldModel          `tfsdk:"connection_fields"`
	Mappings         map[string]templateMappingModel `tfsdk:"mappings"`
	Quirks           []string                        `tfsdk:"quirks"`
}

type connectionFieldModel struct {
	Name        types.String `tfsdk:"name"`
	Required    types.Bool   `tfsdk:"required"`
	Description types.String `tfsdk:"description"`
}

type templateMappingModel struct {
	Attributes types.Map `tfsdk:"attributes"`
}

var templateTypes = map[string]attr.Type{
	"name": types.StringType, "title": types.StringType, "revision": types.StringType, "connector": types.StringType,
	"connection_fields": types.ListType{ElemType: types.ObjectType{AttrTypes: map[string]attr.Type{
		"name": types.StringType, "required": types.BoolType, "description": types.StringType,
	}}},
	"mappings": types.MapType{ElemType: types.ObjectType{AttrTypes: map[string]attr.Type{
		"attributes": types.MapType{ElemType: types.ObjectType{AttrTypes: attributeTypesOfMapping}},
	}}},
	"quirks": types.ListType{ElemType: types.StringType},
}

func (f *templateFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "template"
}

func (f *templateFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "An app template of the gallery",
		MarkdownDescription: "Tells what the data source `provisioning_app_template` of that name tells: connection fields, preconfigured mappings in " +
			"the shape that `attributes` takes, quirks. It needs no agent and works under `mock_provider`.",
		Parameters: []function.Parameter{
			function.StringParameter{Name: "name", MarkdownDescription: "Name of the template, such as `scim`."},
		},
		Return: function.ObjectReturn{AttributeTypes: templateTypes},
	}
}

func (f *templateFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var name string
	if resp.Error = req.Arguments.Get(ctx, &name); resp.Error != nil {
		return
	}
	template, err := gallery.Latest(name)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, clause(err.Error()))
		return
	}
	object, diags := templateObject(ctx, template)
	if diags.HasError() {
		resp.Error = function.FuncErrorFromDiags(ctx, diags)
		return
	}
	resp.Error = resp.Result.Set(ctx, object)
}

// templateObject gives a template as a value.
func templateObject(ctx context.Context, t gallery.Template) (types.Object, diag.Diagnostics) {
	m := templateModel{
		Name: types.StringValue(t.Name), Title: types.StringValue(t.Title), Revision: types.StringValue(t.Revision),
		Connector: types.StringValue(t.Connector), ConnectionFields: []connectionFieldModel{},
		Mappings: map[string]templateMappingModel{}, Quirks: orEmpty(t.Quirks),
	}
	for _, field := range t.Fields {
		m.ConnectionFields = append(m.ConnectionFields, connectionFieldModel{
			types.StringValue(field.Name), types.BoolValue(field.Required), types.StringValue(field.Description),
		})
	}
	var diags diag.Diagnostics
	for objectType, preconfigured := range t.Mappings {
		m.Mappings[objectType] = templateMappingModel{attributesFromConfig(ctx, nil, preconfigured.Attributes, &diags)}
	}
	if diags.HasError() {
		return types.ObjectNull(templateTypes), diags
	}
	return types.ObjectValueFrom(ctx, templateTypes, m)
}
