package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

var (
	_ datasource.DataSource              = (*schemaDataSource)(nil)
	_ datasource.DataSourceWithConfigure = (*schemaDataSource)(nil)
)

func newSourceSchemaDataSource() datasource.DataSource {
	return &schemaDataSource{
		name: "source_schema", of: "source_id",
		ofDescription: "Id of the `provisioning_source`. It must have been applied.",
		description: "The attributes that a source really has: what mappings and scoping filters may refer to. The source is read when planning. " +
			"Attributes that have an alias stand under it as well.",
		ask: api.Service.SourceSchema,
	}
}

func newTargetSchemaDataSource() datasource.DataSource {
	return &schemaDataSource{
		name: "target_schema", of: "app_id",
		ofDescription: "Id of the `provisioning_app`. It must have been applied.",
		description: "The attributes that an app really has: what mappings may write to. The app is asked when planning; one that does not tell " +
			"has those of its protocol's standard.",
		ask: api.Service.TargetSchema,
	}
}

// schemaDataSource tells the schema of a source or an app.
type schemaDataSource struct {
	reader
	name, of                   string
	description, ofDescription string
	ask                        func(service api.Service, ctx context.Context, id string) (directory.Schema, error)
}

type objectTypeModel struct {
	Name       types.String      `tfsdk:"name"`
	Attributes []definitionModel `tfsdk:"attributes"`
}

type definitionModel struct {
	subDefinitionModel
	AliasOf types.String         `tfsdk:"alias_of"`
	Sub     []subDefinitionModel `tfsdk:"sub_attributes"`
}

type subDefinitionModel struct {
	Name        types.String `tfsdk:"name"`
	Type        types.String `tfsdk:"type"`
	MultiValued bool         `tfsdk:"multi_valued"`
	Required    bool         `tfsdk:"required"`
	CaseExact   bool         `tfsdk:"case_exact"`
	Unique      bool         `tfsdk:"unique"`
	Mutability  types.String `tfsdk:"mutability"`
	References  []string     `tfsdk:"references"`
}

func (d *schemaDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + d.name
}

func (d *schemaDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	attributes := definitionAttributes()
	attributes["alias_of"] = computedString("The source's own name, where this one is an alias; else null.")
	attributes["sub_attributes"] = schema.ListNestedAttribute{
		Computed:            true,
		MarkdownDescription: "The parts of a `complex` attribute.",
		NestedObject:        schema.NestedAttributeObject{Attributes: definitionAttributes()},
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: d.description,
		Attributes: map[string]schema.Attribute{
			d.of: schema.StringAttribute{Required: true, MarkdownDescription: d.ofDescription},
			"object_types": schema.ListNestedAttribute{
				Computed:            true,
				MarkdownDescription: "The object types, such as `User` and `Group`.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"name": computedString("Name of the object type, as `object_type` takes it."),
					"attributes": schema.ListNestedAttribute{
						Computed:            true,
						MarkdownDescription: "The attributes of its objects.",
						NestedObject:        schema.NestedAttributeObject{Attributes: attributes},
					},
				}},
			},
		},
	}
}

func definitionAttributes() map[string]schema.Attribute {
	flag := func(description string) schema.BoolAttribute {
		return schema.BoolAttribute{Computed: true, MarkdownDescription: description}
	}
	return map[string]schema.Attribute{
		"name":         computedString("Name, as mappings write it."),
		"type":         computedString("`string`, `integer`, `boolean`, `dateTime`, `binary`, `reference` or `complex`."),
		"multi_valued": flag("Whether it may have several values."),
		"required":     flag("Whether an object must have it."),
		"case_exact":   flag("Whether values that differ only in case are different."),
		"unique":       flag("Whether no two objects have one value."),
		"mutability":   computedString("`readWrite`, `readOnly`, `immutable` (set on creation alone) or `writeOnly`; null where it is not told."),
		"references": schema.ListAttribute{
			ElementType: types.StringType, Computed: true,
			MarkdownDescription: "The object types that a `reference` may name.",
		},
	}
}

func (d *schemaDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var id types.String
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root(d.of), &id)...)
	if resp.Diagnostics.HasError() {
		return
	}
	service, err := d.agent.reach(ctx, &resp.Diagnostics)
	if err != nil {
		addError(&resp.Diagnostics, err, "Cannot reach the engine", nil)
		return
	}
	told, err := d.ask(service, ctx, id.ValueString())
	if err != nil {
		addError(&resp.Diagnostics, err, "Cannot read the schema of "+id.ValueString(), nil)
		return
	}
	objectTypes := make([]objectTypeModel, len(told.Types))
	for i, t := range told.Types {
		objectTypes[i] = objectTypeModel{types.StringValue(t.Name), make([]definitionModel, len(t.Attributes))}
		for j, a := range t.Attributes {
			m := definitionModel{subDefinitionModel: definitionFromEngine(a), AliasOf: textOrNull(a.AliasOf), Sub: make([]subDefinitionModel, len(a.Sub))}
			for k, sub := range a.Sub {
				m.Sub[k] = definitionFromEngine(sub)
			}
			objectTypes[i].Attributes[j] = m
		}
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(d.of), id)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("object_types"), objectTypes)...)
}

func definitionFromEngine(d directory.Definition) subDefinitionModel {
	return subDefinitionModel{
		types.StringValue(d.Name), types.StringValue(string(d.Type)), d.MultiValued, d.Required, d.CaseExact, d.Unique,
		textOrNull(d.Mutability), orEmpty(d.References),
	}
}
