package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

var (
	_ datasource.DataSource                   = (*accountsDataSource)(nil)
	_ datasource.DataSourceWithConfigure      = (*accountsDataSource)(nil)
	_ datasource.DataSourceWithValidateConfig = (*accountsDataSource)(nil)
)

func newAccountsDataSource() datasource.DataSource { return &accountsDataSource{} }

type accountsDataSource struct{ reader }

// Bounds of how many accounts go into state.
const (
	defaultAccounts = 1000
	maxAccounts     = 100_000
)

type accountsModel struct {
	AppID            types.String    `tfsdk:"app_id"`
	Person           types.String    `tfsdk:"person"`
	ObjectType       types.String    `tfsdk:"object_type"`
	State            types.String    `tfsdk:"state"`
	Limit            types.Int64     `tfsdk:"limit"`
	IncludeUnmatched types.Bool      `tfsdk:"include_unmatched"`
	Accounts         []accountModel  `tfsdk:"accounts"`
	Complete         types.Bool      `tfsdk:"complete"`
	Unmatched        *unmatchedModel `tfsdk:"unmatched"`
}

type accountModel struct {
	AppID         types.String             `tfsdk:"app_id"`
	AppName       types.String             `tfsdk:"app_name"`
	ObjectType    types.String             `tfsdk:"object_type"`
	Source        accountEndModel          `tfsdk:"source"`
	Target        accountEndModel          `tfsdk:"target"`
	State         types.String             `tfsdk:"state"`
	Enabled       bool                     `tfsdk:"enabled"`
	Reason        types.String             `tfsdk:"reason"`
	Detail        types.String             `tfsdk:"detail"`
	Since         types.String             `tfsdk:"since"`
	NextAttemptAt types.String             `tfsdk:"next_attempt_at"`
	Protected     bool                     `tfsdk:"protected"`
	LinkedAt      types.String             `tfsdk:"linked_at"`
	LinkedBy      types.String             `tfsdk:"linked_by"`
	Assignments   []accountAssignmentModel `tfsdk:"assignments"`
	LastChange    accountChangeModel       `tfsdk:"last_change"`
}

type accountEndModel struct {
	ID          types.String `tfsdk:"id"`
	DisplayName types.String `tfsdk:"display_name"`
}

type accountAssignmentModel struct {
	ID   types.String `tfsdk:"id"`
	By   types.String `tfsdk:"by"`
	Name types.String `tfsdk:"name"`
	Role types.String `tfsdk:"role"`
}

type accountChangeModel struct {
	At      types.String `tfsdk:"at"`
	CycleID types.String `tfsdk:"cycle_id"`
	Action  types.String `tfsdk:"action"`
}

func (d *accountsDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_accounts"
}

func (d *accountsDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	wanted := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, MarkdownDescription: description}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Who has access to what: every account that is linked to an object of the source, in all apps or one, since when, by which " +
			"assignment, its last change, and how it stands. By app, users first. An argument that is left out lets everything pass. With " +
			"`depends_on` a job, it is read after the job was applied.",
		Attributes: map[string]schema.Attribute{
			"app_id":      wanted("Id of the `provisioning_app`."),
			"person":      wanted("Only this person or group: an id in the source or the app, user name, mail or display name, in any case."),
			"object_type": wanted("Only this object type, such as `User`."),
			"state":       wanted("Only this state: `active`, `disabled`, `unproven`, `escrowed` or `held`."),
			"limit": schema.Int64Attribute{
				Optional:            true,
				MarkdownDescription: "Most accounts wanted, 1 to 100000. Default: 1000. `complete` tells whether there are more.",
			},
			"include_unmatched": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Fills `unmatched`: reads the source, lists the accounts of the app, and compares them. Needs `app_id`. It changes " +
					"nothing, and works before the job exists. Default: `false`.",
			},
			"accounts": schema.ListNestedAttribute{
				Computed:            true,
				MarkdownDescription: "The accounts.",
				NestedObject:        schema.NestedAttributeObject{Attributes: accountAttributes()},
			},
			"complete":  schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether these are all: `false` when there are more than `limit`."},
			"unmatched": unmatchedAttribute(),
		},
	}
}

func accountAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"app_id":      computedString("Id of the app."),
		"app_name":    computedString("Name of the app."),
		"object_type": computedString("Object type."),
		"source":      accountEndAttribute("The object of the source.", "Id in the source.", "Name for people."),
		"target":      accountEndAttribute("The account.", "Id in the app.", "Value of its first matching attribute, such as the user name."),
		"state": computedString("`active` as the source says; `disabled` when it is kept disabled; `held` when a removal is due that waits for an approval; " +
			"`escrowed` when the latest attempt failed and is tried again; `unproven` when it was linked before the app's connection or source changed, " +
			"and has not been confirmed since."),
		"enabled": schema.BoolAttribute{Computed: true, MarkdownDescription: "`false` while the account is kept disabled, whatever its state."},
		"reason": computedString("Why the state is not `active`. Disabled: `out_of_scope`, `disabled_in_source`, `absent`, `deleted`, or `mapping` when a rule of the " +
			"mapping says so. Escrowed: the code of the error. Held: `accidental_deletions`."),
		"detail":          computedString("The same for people."),
		"since":           computedString("Since when the state is not `active`, in RFC 3339."),
		"next_attempt_at": computedString("When what failed is tried again at the earliest, in RFC 3339."),
		"protected":       schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether it is never disabled, deleted or renamed."},
		"linked_at":       computedString("Since when it is linked, in RFC 3339."),
		"linked_by":       computedString("`create` when the engine made the account, `match` when it was there before."),
		"assignments": schema.ListNestedAttribute{
			Computed:            true,
			MarkdownDescription: "What brought the object in when it was last in scope, the oldest first.",
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
				"id":   computedString("Id of the `provisioning_assignment`; null for `all`."),
				"by":   computedString("`user`, `group`, or `all` when the app needs no assignment; null for an assignment that is gone."),
				"name": computedString("The user or group, as declared."),
				"role": computedString("Role, if any."),
			}},
		},
		"last_change": schema.SingleNestedAttribute{
			Computed:            true,
			MarkdownDescription: "The last write to the account. Always an object; what is not known is null in it.",
			Attributes: map[string]schema.Attribute{
				"at":       computedString("When, in RFC 3339."),
				"cycle_id": computedString("Id of the cycle."),
				"action":   computedString("`create`, `update` or `disable`; `none` when it was linked and had all values already."),
			},
		},
	}
}

func accountEndAttribute(description, id, name string) schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		Computed: true, MarkdownDescription: description,
		Attributes: map[string]schema.Attribute{"id": computedString(id), "display_name": computedString(name)},
	}
}

// ValidateConfig checks what is known.
func (d *accountsDataSource) ValidateConfig(ctx context.Context, req datasource.ValidateConfigRequest, resp *datasource.ValidateConfigResponse) {
	var m accountsModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	oneOf(&resp.Diagnostics, "state", m.State, status.AccountStates...)
	if isWritten(m.Limit) && (m.Limit.ValueInt64() < 1 || m.Limit.ValueInt64() > maxAccounts) {
		resp.Diagnostics.AddAttributeError(path.Root("limit"), "Not a limit", "Give 1 to 100000 accounts.")
	}
	if m.IncludeUnmatched.ValueBool() && m.AppID.IsNull() {
		resp.Diagnostics.AddAttributeError(path.Root("include_unmatched"), "Missing app_id", "What is unmatched is told of one app: add app_id.")
	}
}

func (d *accountsDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m accountsModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	service, err := d.agent.reach(ctx, &resp.Diagnostics)
	if err != nil {
		addError(&resp.Diagnostics, err, "Cannot reach the engine", nil)
		return
	}
	if err := m.read(ctx, service); err != nil {
		addError(&resp.Diagnostics, err, "Cannot read the accounts", req.Config.Schema.Type())
		return
	}
	if m.IncludeUnmatched.ValueBool() {
		report, err := service.Unmatched(ctx, m.AppID.ValueString(), nil)
		if err != nil {
			addError(&resp.Diagnostics, err, "Cannot compare the accounts", req.Config.Schema.Type())
			return
		}
		m.Unmatched = unmatchedFromEngine(report)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// read fills in the accounts. It asks for one more than wanted, to tell whether
// there is one.
func (m *accountsModel) read(ctx context.Context, service api.Service) error {
	limit := defaultAccounts
	if !m.Limit.IsNull() {
		limit = int(m.Limit.ValueInt64())
	}
	m.Accounts, m.Complete = []accountModel{}, types.BoolValue(true)
	query := status.AccountQuery{
		AppID: m.AppID.ValueString(), Person: m.Person.ValueString(), ObjectType: m.ObjectType.ValueString(),
		State: status.AccountState(m.State.ValueString()), Limit: limit + 1,
	}
	return service.Accounts(ctx, query, func(account status.Account) error {
		if len(m.Accounts) == limit {
			m.Complete = types.BoolValue(false)
			return nil
		}
		m.Accounts = append(m.Accounts, accountFromEngine(account))
		return nil
	})
}

func accountFromEngine(a status.Account) accountModel {
	m := accountModel{
		AppID: types.StringValue(a.AppID), AppName: types.StringValue(a.AppName), ObjectType: types.StringValue(a.ObjectType),
		Source: endFromEngine(a.Source), Target: endFromEngine(a.Target), State: textOrNull(a.State), Enabled: a.Enabled,
		Reason: textOrNull(a.Reason), Detail: textOrNull(a.Detail), Since: timestamp(a.Since), NextAttemptAt: timestamp(a.NextAttempt),
		Protected: a.Protected, LinkedAt: timestamp(a.LinkedAt), LinkedBy: textOrNull(a.LinkedBy), Assignments: []accountAssignmentModel{},
	}
	for _, assigned := range a.Assignments {
		m.Assignments = append(m.Assignments,
			accountAssignmentModel{textOrNull(assigned.ID), textOrNull(assigned.By), textOrNull(assigned.Name), textOrNull(assigned.Role)})
	}
	if c := a.LastChange; c != nil {
		m.LastChange = accountChangeModel{timestamp(c.At), textOrNull(c.CycleID), textOrNull(c.Action)}
	}
	return m
}

func endFromEngine(e status.AccountEnd) accountEndModel {
	return accountEndModel{textOrNull(e.ID), textOrNull(e.DisplayName)}
}
