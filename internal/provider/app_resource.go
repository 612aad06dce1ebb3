package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/gallery"
)

var (
	_ resource.Resource                   = (*appResource)(nil)
	_ resource.ResourceWithConfigure      = (*appResource)(nil)
	_ resource.ResourceWithValidateConfig = (*appResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*appResource)(nil)
	_ resource.ResourceWithImportState    = (*appResource)(nil)
)

func newAppResource() resource.Resource {
	return &appResource{declared{
		kind:         config.KindApp,
		alternatives: []string{"scim"},
		immaterial:   []string{"scim", "credential_id", "skip_test_connection", "protected", "labels", "revision"},
		newModel:     func() model { return &appModel{} },
	}}
}

type appResource struct{ declared }

type appModel struct {
	Name               types.String `tfsdk:"name"`
	SourceID           types.String `tfsdk:"source_id"`
	Template           types.String `tfsdk:"template"`
	Mode               types.String `tfsdk:"mode"`
	Scope              types.String `tfsdk:"scope"`
	SCIM               types.Object `tfsdk:"scim"`
	CredentialID       types.String `tfsdk:"credential_id"`
	SkipTestConnection types.Bool   `tfsdk:"skip_test_connection"`
	Protected          types.Set    `tfsdk:"protected"`
	Labels             types.Map    `tfsdk:"labels"`
	ID                 types.String `tfsdk:"id"`
	Revision           types.String `tfsdk:"revision"`
}

type scimModel struct {
	BaseURL       types.String `tfsdk:"base_url"`
	CACertificate types.String `tfsdk:"ca_certificate"`
}

func (r *appResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A target application. Create and update test the connection, and refuse to save with the reason when it fails. " +
			"Links to accounts belong to the app: they end when it is destroyed. Destroying it sends nothing; accounts stay as they are.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Name of the app, unique among apps. A change renames it in place.",
			},
			"source_id": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "Id of the `provisioning_source` that identities come from. With another one, links are kept as unproven: " +
					"each is confirmed before anything is sent to its account.",
			},
			"template": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "Gallery entry: `scim` is the generic one. It gives the connection attribute, and the mappings that apply where " +
					"no `provisioning_attribute_mapping` is declared. The app keeps the template's revision that it was created with.",
			},
			"mode": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "`automatic`, or `manual` for an app without a job: preview and reports only. Default: `automatic`.",
			},
			"scope": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Who may be in scope: `assigned` for those with a `provisioning_assignment` and the direct members of assigned " +
					"groups, `all` for everyone whom the scoping filters admit. Default: `assigned`.",
			},
			"scim": scimAttribute(),
			"credential_id": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Id of the `provisioning_credential` that the app is reached with.",
			},
			"skip_test_connection": schema.BoolAttribute{
				Optional: true, Computed: true, Default: booldefault.StaticBool(false),
				MarkdownDescription: "Saves without testing the connection. Default: `false`.",
			},
			"protected": schema.SetAttribute{
				ElementType:         types.StringType,
				Optional:            true,
				MarkdownDescription: "Accounts, by match value or id in the target, that are never disabled, deleted or renamed.",
			},
			"labels": schema.MapAttribute{
				ElementType:         types.StringType,
				Optional:            true,
				MarkdownDescription: "Labels of your own. They change nothing that is done.",
			},
			"id":       idAttribute(),
			"revision": revisionAttribute("app chat"),
		},
	}
}

func scimAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Connection to an app that speaks SCIM 2.0. Required by template `scim`.",
		Attributes: map[string]schema.Attribute{
			"base_url": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "Address below which `/Users` and `/Groups` stand. `https`, or `http` for this machine. " +
					"Query parameters are kept. With another one, links are confirmed before anything is sent.",
			},
			"ca_certificate": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Certificate authorities in PEM to trust instead of the system's.",
			},
		},
	}
}

// ValidateConfig adds what the template says.
func (r *appResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	r.declared.ValidateConfig(ctx, req, resp)
	if resp.Diagnostics.HasError() {
		return
	}
	var m appModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	thing, diags := m.toConfig(ctx)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	problems := settled(gallery.Check(thing.(*config.App)), req.Config.Raw, r.alternatives)
	addProblems(&resp.Diagnostics, problems, req.Config.Schema.Type())
}

func (m *appModel) toConfig(ctx context.Context) (config.Thing, diag.Diagnostics) {
	var diags diag.Diagnostics
	app := &config.App{
		ID: m.ID.ValueString(), Name: m.Name.ValueString(), SourceID: m.SourceID.ValueString(), Template: m.Template.ValueString(),
		Mode: config.Mode(m.Mode.ValueString()), Scope: config.Scope(m.Scope.ValueString()), CredentialID: m.CredentialID.ValueString(),
		SkipTestConnection: m.SkipTestConnection.ValueBool(), Protected: stringsOf(ctx, m.Protected, &diags),
		Labels: stringMapOf(ctx, m.Labels, &diags),
	}
	if scim := nestedOf[scimModel](ctx, m.SCIM, &diags); scim != nil {
		app.SCIM = &config.SCIMConnection{BaseURL: scim.BaseURL.ValueString(), CACertificate: scim.CACertificate.ValueString()}
	}
	return app, diags
}

func (m *appModel) fromConfig(ctx context.Context, thing config.Thing) diag.Diagnostics {
	var diags diag.Diagnostics
	app := thing.(*config.App)
	m.ID, m.Name, m.SourceID = types.StringValue(app.ID), types.StringValue(app.Name), types.StringValue(app.SourceID)
	m.Template = types.StringValue(app.Template)
	m.Mode, m.Scope = keepString(m.Mode, string(app.Mode)), keepString(m.Scope, string(app.Scope))
	m.CredentialID = keepString(m.CredentialID, app.CredentialID)
	m.SkipTestConnection = types.BoolValue(app.SkipTestConnection)
	m.Protected = keepSet(ctx, m.Protected, app.Protected, &diags)
	m.Labels = keepMap(ctx, m.Labels, app.Labels, &diags)
	m.Revision = types.StringValue(app.Revision())
	scimTypes := attributeTypes(scimAttribute())
	if app.SCIM == nil {
		m.SCIM = types.ObjectNull(scimTypes)
		return diags
	}
	before := nestedOf[scimModel](ctx, m.SCIM, &diags)
	if before == nil {
		before = &scimModel{}
	}
	m.SCIM = objectOf(ctx, scimTypes, scimModel{
		BaseURL:       types.StringValue(app.SCIM.BaseURL),
		CACertificate: keepString(before.CACertificate, app.SCIM.CACertificate),
	}, &diags)
	return diags
}
