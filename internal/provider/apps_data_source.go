package provider

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

var (
	_ datasource.DataSource              = (*appsDataSource)(nil)
	_ datasource.DataSourceWithConfigure = (*appsDataSource)(nil)
)

func newAppsDataSource() datasource.DataSource { return &appsDataSource{} }

type appsDataSource struct{ reader }

type appsModel struct {
	Apps []listedAppModel `tfsdk:"apps"`
}

type listedAppModel struct {
	ID           types.String      `tfsdk:"id"`
	Name         types.String      `tfsdk:"name"`
	Template     types.String      `tfsdk:"template"`
	Mode         types.String      `tfsdk:"mode"`
	Scope        types.String      `tfsdk:"scope"`
	SourceID     types.String      `tfsdk:"source_id"`
	CredentialID types.String      `tfsdk:"credential_id"`
	Labels       map[string]string `tfsdk:"labels"`
	JobID        types.String      `tfsdk:"job_id"`
	Code         types.String      `tfsdk:"code"`
	Managed      map[string]int64  `tfsdk:"managed"`
}

func (d *appsDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_apps"
}

func (d *appsDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Every app of the engine, whichever configuration declares it, and how its job stands.",
		Attributes: map[string]schema.Attribute{
			"apps": schema.ListNestedAttribute{
				Computed:            true,
				MarkdownDescription: "The apps, by name.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"id":            computedString("Id of the `provisioning_app`."),
					"name":          computedString("Name of the app."),
					"template":      computedString("Gallery entry."),
					"mode":          computedString("`automatic` or `manual`."),
					"scope":         computedString("`assigned` or `all`."),
					"source_id":     computedString("Id of the `provisioning_source`."),
					"credential_id": computedString("Id of the `provisioning_credential`; null when there is none."),
					"labels":        schema.MapAttribute{ElementType: types.StringType, Computed: true, MarkdownDescription: "Labels; empty when there are none."},
					"job_id":        computedString("Id of the `provisioning_job`; null when there is none."),
					"code":          computedString("State of the job: `not_run`, `active`, `paused`, `quarantine` or `disabled`, as in `provisioning_status`."),
					"managed": schema.MapAttribute{
						ElementType: types.Int64Type, Computed: true,
						MarkdownDescription: "How many accounts are linked and exist, by object type.",
					},
				}},
			},
		},
	}
}

func (d *appsDataSource) Read(ctx context.Context, _ datasource.ReadRequest, resp *datasource.ReadResponse) {
	service, err := d.agent.reach(ctx, &resp.Diagnostics)
	if err != nil {
		addError(&resp.Diagnostics, err, "Cannot reach the engine", nil)
		return
	}
	things, err := service.List(ctx, config.KindApp, api.ListQuery{})
	if err != nil {
		addError(&resp.Diagnostics, err, "Cannot list the apps", nil)
		return
	}
	m := appsModel{Apps: []listedAppModel{}}
	for _, thing := range things {
		app := thing.(*config.App)
		job, err := service.Status(ctx, app.ID)
		if api.IsNotFound(err) {
			continue // destroyed meanwhile
		}
		if err != nil {
			addError(&resp.Diagnostics, err, "Cannot tell how the job of app "+app.Name+" stands", nil)
			return
		}
		m.Apps = append(m.Apps, appFromEngine(app, job))
	}
	slices.SortFunc(m.Apps, func(a, b listedAppModel) int { return strings.Compare(a.Name.ValueString(), b.Name.ValueString()) })
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func appFromEngine(app *config.App, job status.Job) listedAppModel {
	m := listedAppModel{
		ID: types.StringValue(app.ID), Name: types.StringValue(app.Name), Template: types.StringValue(app.Template),
		Mode: textOrNull(cmp.Or(app.Mode, config.Automatic)), Scope: textOrNull(cmp.Or(app.Scope, config.ScopeAssigned)),
		SourceID: textOrNull(app.SourceID), CredentialID: textOrNull(app.CredentialID), Labels: app.Labels,
		JobID: textOrNull(job.JobID), Code: textOrNull(job.Code), Managed: job.Managed,
	}
	if m.Labels == nil {
		m.Labels = map[string]string{}
	}
	if m.Managed == nil {
		m.Managed = map[string]int64{}
	}
	return m
}
