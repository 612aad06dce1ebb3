package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
)

var (
	_ datasource.DataSource                   = (*auditEntriesDataSource)(nil)
	_ datasource.DataSourceWithConfigure      = (*auditEntriesDataSource)(nil)
	_ datasource.DataSourceWithValidateConfig = (*auditEntriesDataSource)(nil)
)

func newAuditEntriesDataSource() datasource.DataSource { return &auditEntriesDataSource{} }

type auditEntriesDataSource struct{ reader }

// maxEntries bounds how many log entries go into state.
const maxEntries = 10_000

type auditEntriesModel struct {
	AppID    types.String `tfsdk:"app_id"`
	Category types.String `tfsdk:"category"`
	Action   types.String `tfsdk:"action"`
	Status   types.String `tfsdk:"status"`
	Object   types.String `tfsdk:"object"`
	CycleID  types.String `tfsdk:"cycle_id"`
	Since    types.String `tfsdk:"since"`
	Until    types.String `tfsdk:"until"`
	Limit    types.Int64  `tfsdk:"limit"`
	Entries  types.List   `tfsdk:"entries"`
}

type entryModel struct {
	ID                 types.String    `tfsdk:"id"`
	Time               types.String    `tfsdk:"time"`
	CycleID            types.String    `tfsdk:"cycle_id"`
	Action             types.String    `tfsdk:"action"`
	Status             types.String    `tfsdk:"status"`
	Source             identityModel   `tfsdk:"source"`
	Target             identityModel   `tfsdk:"target"`
	Steps              []stepModel     `tfsdk:"steps"`
	ModifiedProperties []propertyModel `tfsdk:"modified_properties"`
	Reason             types.String    `tfsdk:"reason"`
	ErrorCode          types.String    `tfsdk:"error_code"`
	RecommendedAction  types.String    `tfsdk:"recommended_action"`
	InitiatedBy        types.String    `tfsdk:"initiated_by"`
}

type identityModel struct {
	Type        types.String `tfsdk:"type"`
	ID          types.String `tfsdk:"id"`
	DisplayName types.String `tfsdk:"display_name"`
}

type stepModel struct {
	Name        types.String      `tfsdk:"name"`
	Type        types.String      `tfsdk:"type"`
	Status      types.String      `tfsdk:"status"`
	Description types.String      `tfsdk:"description"`
	Details     map[string]string `tfsdk:"details"`
}

type propertyModel struct {
	Name types.String `tfsdk:"name"`
	Old  types.String `tfsdk:"old"`
	New  types.String `tfsdk:"new"`
}

func (d *auditEntriesDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_audit_entries"
}

func (d *auditEntriesDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	wanted := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, MarkdownDescription: description}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "The provisioning log: what was done, skipped or failed for each object, and why. Newest first. " +
			"A filter that is left out lets everything pass. Ask for a `cycle_id` where later cycles should make no difference.",
		Attributes: map[string]schema.Attribute{
			"app_id":   wanted("Id of the `provisioning_app`."),
			"category": wanted("`provisioning` for single objects, `job`, or `configuration`."),
			"action":   wanted("`create`, `update`, `delete`, `disable`, `staged_delete` or `other`."),
			"status":   wanted("`success`, `warning`, `failure` or `skipped`."),
			"object":   wanted("Id or display name of the object, in the source or in the target."),
			"cycle_id": wanted("Id of a cycle."),
			"since":    wanted("First moment wanted, in RFC 3339."),
			"until":    wanted("First moment no longer wanted, in RFC 3339."),
			"limit": schema.Int64Attribute{
				Optional:            true,
				MarkdownDescription: "Most entries wanted, 1 to 10000. Default: 1000.",
			},
			"entries": schema.ListNestedAttribute{
				Computed:            true,
				MarkdownDescription: "The entries.",
				NestedObject:        schema.NestedAttributeObject{Attributes: entryAttributes()},
			},
		},
	}
}

func entryAttributes() map[string]schema.Attribute {
	identity := func(description string) schema.SingleNestedAttribute {
		return schema.SingleNestedAttribute{
			Computed:            true,
			MarkdownDescription: description + " Always an object; what is not known is null in it.",
			Attributes: map[string]schema.Attribute{
				"type":         computedString("Object type."),
				"id":           computedString("Id in that system."),
				"display_name": computedString("Name for people."),
			},
		}
	}
	return map[string]schema.Attribute{
		"id":       computedString("Id of the entry."),
		"time":     computedString("When it was written, in RFC 3339."),
		"cycle_id": computedString("Id of the cycle."),
		"action":   computedString("What was done, or would have been."),
		"status":   computedString("How it ended."),
		"source":   identity("The object of the source."),
		"target":   identity("The account in the target."),
		"steps": schema.ListNestedAttribute{
			Computed:            true,
			MarkdownDescription: "What was looked at and decided on the way.",
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
				"name":        computedString("Name of the step."),
				"type":        computedString("`import`, `scoping`, `matching`, `processing`, `reference_resolution` or `export`."),
				"status":      computedString("How the step ended."),
				"description": computedString("What was found."),
				"details":     schema.MapAttribute{ElementType: types.StringType, Computed: true, MarkdownDescription: "Values that it rests on."},
			}},
		},
		"modified_properties": modifiedPropertiesAttribute(),
		"reason":              computedString("Why."),
		"error_code":          computedString("Code of the error or of the reason to skip."),
		"recommended_action":  computedString("What to do."),
		"initiated_by":        computedString("Who asked for it."),
	}
}

func modifiedPropertiesAttribute() schema.ListNestedAttribute {
	return schema.ListNestedAttribute{
		Computed:            true,
		MarkdownDescription: "Attributes that change, each from old to new; null for no value.",
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"name": computedString("Path of the target's attribute."),
			"old":  computedString("Value before."),
			"new":  computedString("Value after."),
		}},
	}
}

// ValidateConfig checks the words, times and limit that are known.
func (d *auditEntriesDataSource) ValidateConfig(ctx context.Context, req datasource.ValidateConfigRequest, resp *datasource.ValidateConfigResponse) {
	var m auditEntriesModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	oneOf(&resp.Diagnostics, "category", m.Category, audit.Provisioning, audit.Job, audit.Configuration)
	oneOf(&resp.Diagnostics, "action", m.Action, audit.Create, audit.Update, audit.Delete, audit.Disable, audit.StagedDelete, audit.Other)
	oneOf(&resp.Diagnostics, "status", m.Status, audit.Success, audit.Warning, audit.Failure, audit.Skipped)
	if isWritten(m.Limit) && (m.Limit.ValueInt64() < 1 || m.Limit.ValueInt64() > maxEntries) {
		resp.Diagnostics.AddAttributeError(path.Root("limit"), "Not a limit", "Give 1 to 10000 entries.")
	}
	m.query(&resp.Diagnostics)
}

// query gives the query of what is known.
func (m *auditEntriesModel) query(diags *diag.Diagnostics) audit.Query {
	return audit.Query{
		AppID: m.AppID.ValueString(), Category: audit.Category(m.Category.ValueString()), Action: audit.Action(m.Action.ValueString()),
		Status: audit.Status(m.Status.ValueString()), Object: m.Object.ValueString(), CycleID: m.CycleID.ValueString(),
		Since: momentOf(diags, "since", m.Since), Until: momentOf(diags, "until", m.Until), Limit: int(m.Limit.ValueInt64()),
	}
}

func momentOf(diags *diag.Diagnostics, name string, text types.String) time.Time {
	if !isWritten(text) {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, text.ValueString())
	if err != nil {
		diags.AddAttributeError(path.Root(name), "Not a time", "Write "+name+" in RFC 3339, such as \"2026-11-21T09:30:00Z\".")
	}
	return t
}

func (d *auditEntriesDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m auditEntriesModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	query := m.query(&resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	service, err := d.agent.reach(ctx, &resp.Diagnostics)
	if err != nil {
		addError(&resp.Diagnostics, err, "Cannot reach the engine", nil)
		return
	}
	found, err := service.Audit(ctx, query)
	if err != nil {
		addError(&resp.Diagnostics, err, "Cannot read the provisioning log", req.Config.Schema.Type())
		return
	}
	entries := make([]entryModel, len(found))
	for i, entry := range found {
		entries[i] = entryFromEngine(entry)
	}
	list, diags := types.ListValueFrom(ctx, m.Entries.ElementType(ctx), entries)
	resp.Diagnostics.Append(diags...)
	m.Entries = list
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func entryFromEngine(e audit.Entry) entryModel {
	m := entryModel{
		ID: types.StringValue(e.ID), Time: timestamp(e.Time), CycleID: textOrNull(e.CycleID), Action: textOrNull(e.Action), Status: textOrNull(e.Status),
		Source: identityFromEngine(e.Source), Target: identityFromEngine(e.Target), Steps: []stepModel{}, ModifiedProperties: []propertyModel{},
		Reason: textOrNull(e.Reason), ErrorCode: textOrNull(e.ErrorCode), RecommendedAction: textOrNull(e.RecommendedAction),
		InitiatedBy: textOrNull(e.InitiatedBy),
	}
	for _, step := range e.Steps {
		var details map[string]string
		if len(step.Details) > 0 {
			details = make(map[string]string)
		}
		for _, detail := range step.Details {
			details[detail.Name] = detail.Value
		}
		m.Steps = append(m.Steps, stepModel{
			textOrNull(step.Name), textOrNull(step.Type), textOrNull(step.Status), textOrNull(step.Description), details,
		})
	}
	for _, p := range e.ModifiedProperties {
		m.ModifiedProperties = append(m.ModifiedProperties,
			propertyModel{types.StringValue(p.Name), types.StringPointerValue(p.Old), types.StringPointerValue(p.New)})
	}
	return m
}

func identityFromEngine(i audit.Identity) identityModel {
	return identityModel{textOrNull(i.Type), textOrNull(i.ID), textOrNull(i.DisplayName)}
}
