package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

var (
	_ datasource.DataSource                   = (*previewDataSource)(nil)
	_ datasource.DataSourceWithConfigure      = (*previewDataSource)(nil)
	_ datasource.DataSourceWithValidateConfig = (*previewDataSource)(nil)
)

func newPreviewDataSource() datasource.DataSource { return &previewDataSource{} }

type previewDataSource struct{ reader }

type previewModel struct {
	AppID     types.String `tfsdk:"app_id"`
	Limit     types.Int64  `tfsdk:"limit"`
	Created   types.Int64  `tfsdk:"created"`
	Updated   types.Int64  `tfsdk:"updated"`
	Disabled  types.Int64  `tfsdk:"disabled"`
	Deleted   types.Int64  `tfsdk:"deleted"`
	Skipped   types.Int64  `tfsdk:"skipped"`
	Failed    types.Int64  `tfsdk:"failed"`
	Unchanged types.Int64  `tfsdk:"unchanged"`
	Held      types.Int64  `tfsdk:"held"`
	Changes   types.List   `tfsdk:"changes"`
	More      types.Int64  `tfsdk:"more"`
	OpenDoors types.List   `tfsdk:"open_doors"`
}

type changeModel struct {
	Action             types.String    `tfsdk:"action"`
	Type               types.String    `tfsdk:"type"`
	ID                 types.String    `tfsdk:"id"`
	Source             types.String    `tfsdk:"source"`
	Target             types.String    `tfsdk:"target"`
	Reason             types.String    `tfsdk:"reason"`
	Failed             types.Bool      `tfsdk:"failed"`
	Held               types.Bool      `tfsdk:"held"`
	ModifiedProperties []propertyModel `tfsdk:"modified_properties"`
}

func (d *previewDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_preview"
}

func (d *previewDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A dry run: what a cycle on the present configuration would do to accounts now. Nothing is written anywhere. " +
			"A `check` or `precondition` on its counts lets a pipeline refuse what would remove too many.",
		Attributes: map[string]schema.Attribute{
			"app_id": schema.StringAttribute{Required: true, MarkdownDescription: "Id of the `provisioning_app`."},
			"limit": schema.Int64Attribute{
				Optional:            true,
				MarkdownDescription: "Most changes to list, 1 to 10000; the counts are of all. Default: 1000.",
			},
			"created":   computedInt("Accounts that would be created."),
			"updated":   computedInt("Accounts that would be updated."),
			"disabled":  computedInt("Accounts that would be disabled."),
			"deleted":   computedInt("Accounts that would be deleted."),
			"skipped":   computedInt("Objects that would be skipped."),
			"failed":    computedInt("Objects that would fail."),
			"unchanged": computedInt("Objects without a difference."),
			"held":      computedInt("Removals that would be held back, since they are too many at once."),
			"changes": schema.ListNestedAttribute{
				Computed:            true,
				MarkdownDescription: "The changes.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"action":              computedString("`create`, `update`, `disable`, `delete` or `none`."),
					"type":                computedString("Object type."),
					"id":                  computedString("Id of the object in the source."),
					"source":              computedString("Display name of the object."),
					"target":              computedString("Id of the account; null where there is none."),
					"reason":              computedString("Why."),
					"failed":              schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether it would fail."},
					"held":                schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether it would be held back."},
					"modified_properties": modifiedPropertiesAttribute(),
				}},
			},
			"more": computedInt("Changes beyond those that are listed."),
			"open_doors": schema.ListAttribute{
				ElementType: types.StringType, Computed: true,
				MarkdownDescription: "Where a missing filter or mapping lets more in than before, in a line each.",
			},
		},
	}
}

// ValidateConfig checks the limit.
func (d *previewDataSource) ValidateConfig(ctx context.Context, req datasource.ValidateConfigRequest, resp *datasource.ValidateConfigResponse) {
	var limit types.Int64
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("limit"), &limit)...)
	if isWritten(limit) && (limit.ValueInt64() < 1 || limit.ValueInt64() > maxEntries) {
		resp.Diagnostics.AddAttributeError(path.Root("limit"), "Not a limit", "Give 1 to 10000 changes.")
	}
}

func (d *previewDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m previewModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	service, err := d.agent.reach(ctx, &resp.Diagnostics)
	if err != nil {
		addError(&resp.Diagnostics, err, "Cannot reach the engine", nil)
		return
	}
	app := m.AppID.ValueString()
	preview, err := service.Preview(ctx, app, api.PreviewRequest{Limit: int(m.Limit.ValueInt64())}, func(p status.Progress) {
		tflog.Info(ctx, fmt.Sprintf("preview of app %s: %s", app, describeProgress(&p)))
	})
	if err != nil {
		addError(&resp.Diagnostics, err, "Cannot preview app "+app, req.Config.Schema.Type())
		return
	}
	m.Created, m.Updated = types.Int64Value(preview.Created), types.Int64Value(preview.Updated)
	m.Disabled, m.Deleted = types.Int64Value(preview.Disabled), types.Int64Value(preview.Deleted)
	m.Skipped, m.Failed = types.Int64Value(preview.Skipped), types.Int64Value(preview.Failed)
	m.Unchanged, m.Held, m.More = types.Int64Value(preview.Unchanged), types.Int64Value(preview.Held), types.Int64Value(preview.More)
	changes := make([]changeModel, len(preview.Changes))
	for i, change := range preview.Changes {
		changes[i] = changeFromEngine(change)
	}
	list, diags := types.ListValueFrom(ctx, m.Changes.ElementType(ctx), changes)
	resp.Diagnostics.Append(diags...)
	m.Changes = list
	doors, diags := types.ListValueFrom(ctx, types.StringType, orEmpty(preview.OpenDoors))
	resp.Diagnostics.Append(diags...)
	m.OpenDoors = doors
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func changeFromEngine(c status.Change) changeModel {
	m := changeModel{
		Action: textOrNull(c.Action), Type: textOrNull(c.Type), ID: textOrNull(c.Anchor), Source: textOrNull(c.Source), Target: textOrNull(c.Target),
		Reason: textOrNull(c.Reason), Failed: types.BoolValue(c.Failed), Held: types.BoolValue(c.Held), ModifiedProperties: []propertyModel{},
	}
	for _, p := range c.Details {
		m.ModifiedProperties = append(m.ModifiedProperties,
			propertyModel{types.StringValue(p.Name), types.StringPointerValue(p.Old), types.StringPointerValue(p.New)})
	}
	return m
}
