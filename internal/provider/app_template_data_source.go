package provider

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/gallery"
)

var _ datasource.DataSource = (*appTemplateDataSource)(nil)

func newAppTemplateDataSource() datasource.DataSource { return &appTemplateDataSource{} }

// appTemplateDataSource needs no agent: templates are part of the program.
type appTemplateDataSource struct{}

func (d *appTemplateDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_app_template"
}

func (d *appTemplateDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "One entry of the gallery of app templates. Its preconfigured mappings have the very shape that `attributes` of " +
			"`provisioning_attribute_mapping` takes. Under `mock_provider` use the function `template` instead.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Name of the template: " + strings.Join(quoted(gallery.Names()), ", ") + ".",
			},
			"title":     computedString("What the template is for."),
			"revision":  computedString("The template's revision, which an app keeps."),
			"connector": computedString("Name of the connection attribute that an app of the template has."),
			"connection_fields": schema.ListNestedAttribute{
				Computed:            true,
				MarkdownDescription: "The members of the connection attribute.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"name":        computedString("Name."),
					"required":    schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether it must be given."},
					"description": computedString("What it is."),
				}},
			},
			"mappings": schema.MapNestedAttribute{
				Computed:            true,
				MarkdownDescription: "The preconfigured mappings, by object type.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"attributes": schema.MapNestedAttribute{
						Computed:            true,
						MarkdownDescription: "What flows, by the path of the target's attribute.",
						NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
							"source":              computedString("Attribute of the source."),
							"constant":            computedString("Text that flows for everyone."),
							"expression":          computedString("Expression in the mapping language."),
							"default":             computedString("Value for a new account where the source has none."),
							"matching_precedence": computedInt("Place among the matching attributes."),
							"apply":               computedString("When it flows."),
							"when_null":           computedString("What becomes of the target's value when the source has none."),
						}},
					},
				}},
			},
			"quirks": schema.ListAttribute{
				ElementType: types.StringType, Computed: true,
				MarkdownDescription: "What an administrator should know.",
			},
		},
	}
}

func quoted(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = "`" + name + "`"
	}
	return out
}

func (d *appTemplateDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var name types.String
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("name"), &name)...)
	if resp.Diagnostics.HasError() {
		return
	}
	template, err := gallery.Latest(name.ValueString())
	if err != nil {
		resp.Diagnostics.AddAttributeError(path.Root("name"), "Unknown template", config.Sentence(err.Error()))
		return
	}
	object, diags := templateObject(ctx, template)
	resp.Diagnostics.Append(diags...)
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(resp.State.Set(ctx, object)...)
	}
}
