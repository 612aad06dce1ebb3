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
)

var (
	_ resource.Resource                   = (*sourceResource)(nil)
	_ resource.ResourceWithConfigure      = (*sourceResource)(nil)
	_ resource.ResourceWithValidateConfig = (*sourceResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*sourceResource)(nil)
	_ resource.ResourceWithImportState    = (*sourceResource)(nil)
)

func newSourceResource() resource.Resource {
	return &sourceResource{declared{
		kind:         config.KindSource,
		alternatives: []string{"file", "ldap"},
		newModel:     func() model { return &sourceModel{} },
	}}
}

type sourceResource struct{ declared }

type sourceModel struct {
	Name          types.String `tfsdk:"name"`
	File          types.Object `tfsdk:"file"`
	LDAP          types.Object `tfsdk:"ldap"`
	Attributes    types.Map    `tfsdk:"attributes"`
	DefaultDomain types.String `tfsdk:"default_domain"`
	CredentialID  types.String `tfsdk:"credential_id"`
	ID            types.String `tfsdk:"id"`
	Revision      types.String `tfsdk:"revision"`
}

func (r *sourceResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Where identities are read from. Exactly one connector attribute says how: `file` or `ldap`. " +
			"A source that an app uses refuses to be destroyed.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Name of the source, unique among sources. A change renames it in place.",
			},
			"file": fileAttribute(),
			"ldap": ldapAttribute(),
			"attributes": schema.MapAttribute{
				ElementType: types.StringType,
				Optional:    true,
				MarkdownDescription: "Names that mappings and scoping filters may use beside the source's own: each to the source's own name, " +
					"as in `{ givenName = \"first_name\" }`. They win over the source's own names and over the connector's defaults, which its guide lists.",
			},
			"default_domain": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "What the function `DefaultDomain()` gives in mappings, such as `contoso.com`. Without it, a mapping that uses the " +
					"function is refused.",
			},
			"credential_id": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Id of the `provisioning_credential` that the source is read with. Files need none; " +
					"a directory takes a `basic` one, with the bind DN as `username`, and is read anonymously without.",
			},
			"id":       idAttribute(),
			"revision": revisionAttribute("source"),
		},
	}
}

// ModifyPlan looks at the files that are to be read.
func (r *sourceResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	thing := r.modifyPlan(ctx, req, resp)
	if thing == nil || resp.Plan.Raw.Equal(req.State.Raw) {
		return
	}
	if source := thing.(*config.Source); source.File != nil {
		r.checkFiles(ctx, source, req, resp)
	}
}

func (m *sourceModel) toConfig(ctx context.Context) (config.Thing, diag.Diagnostics) {
	var diags diag.Diagnostics
	source := &config.Source{
		ID: m.ID.ValueString(), Name: m.Name.ValueString(), CredentialID: m.CredentialID.ValueString(),
		Attributes: stringMapOf(ctx, m.Attributes, &diags), DefaultDomain: m.DefaultDomain.ValueString(),
	}
	source.File = fileToConfig(ctx, m.File, &diags)
	source.LDAP = ldapToConfig(ctx, m.LDAP, &diags)
	return source, diags
}

func (m *sourceModel) fromConfig(ctx context.Context, thing config.Thing) diag.Diagnostics {
	var diags diag.Diagnostics
	source := thing.(*config.Source)
	m.ID, m.Name = types.StringValue(source.ID), types.StringValue(source.Name)
	m.CredentialID = keepString(m.CredentialID, source.CredentialID)
	m.DefaultDomain = keepString(m.DefaultDomain, source.DefaultDomain)
	m.Attributes = keepMap(ctx, m.Attributes, source.Attributes, &diags)
	m.Revision = types.StringValue(source.Revision())
	m.File = fileFromConfig(ctx, m.File, source.File, &diags)
	m.LDAP = ldapFromConfig(ctx, m.LDAP, source.LDAP, &diags)
	return diags
}

// attributeTypes gives the types of a nested attribute's members.
func attributeTypes(attribute schema.SingleNestedAttribute) map[string]attr.Type {
	return attribute.GetType().(types.ObjectType).AttrTypes
}

// idAttribute is the id that every resource has.
func idAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		Computed:            true,
		PlanModifiers:       []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
		MarkdownDescription: "Id, known when planning and fixed for life.",
	}
}

// revisionAttribute is the digest that a job lists.
func revisionAttribute(what string) schema.StringAttribute {
	return schema.StringAttribute{
		Computed: true,
		MarkdownDescription: "Readable digest of what is declared, such as `" + what + " 2b25cc1d27c8`, to be listed in `revisions` of " +
			"`provisioning_job`. It is known when planning, unless something that it depends on is not.",
	}
}
