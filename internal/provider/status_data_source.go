package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

var (
	_ datasource.DataSource              = (*statusDataSource)(nil)
	_ datasource.DataSourceWithConfigure = (*statusDataSource)(nil)
)

func newStatusDataSource() datasource.DataSource { return &statusDataSource{} }

type statusDataSource struct{ reader }

// reader is the part that the data sources which ask the engine have in common.
type reader struct{ agent *agent }

func (r *reader) Configure(_ context.Context, req datasource.ConfigureRequest, _ *datasource.ConfigureResponse) {
	r.agent, _ = req.ProviderData.(*agent)
}

type statusModel struct {
	AppID                      types.String        `tfsdk:"app_id"`
	Code                       types.String        `tfsdk:"code"`
	Quarantine                 *quarantineModel    `tfsdk:"quarantine"`
	LastCycle                  cycleModel          `tfsdk:"last_cycle"`
	LastSuccessfulCycle        cycleModel          `tfsdk:"last_successful_cycle"`
	FirstCycle                 cycleModel          `tfsdk:"first_cycle"`
	NextCycleAt                types.String        `tfsdk:"next_cycle_at"`
	Progress                   *progressModel      `tfsdk:"progress"`
	SteadyStateFirstAchievedAt types.String        `tfsdk:"steady_state_first_achieved_at"`
	SteadyStateLastAchievedAt  types.String        `tfsdk:"steady_state_last_achieved_at"`
	Managed                    map[string]int64    `tfsdk:"managed"`
	Escrowed                   int64               `tfsdk:"escrowed"`
	HeldRemovals               []heldRemovalsModel `tfsdk:"held_removals"`
	Configuration              configurationModel  `tfsdk:"configuration"`
	CheckedAt                  types.String        `tfsdk:"checked_at"`
}

type cycleModel struct {
	ID        types.String `tfsdk:"id"`
	Kind      types.String `tfsdk:"kind"`
	State     types.String `tfsdk:"state"`
	StartedAt types.String `tfsdk:"started_at"`
	EndedAt   types.String `tfsdk:"ended_at"`
	Created   types.Int64  `tfsdk:"created"`
	Updated   types.Int64  `tfsdk:"updated"`
	Disabled  types.Int64  `tfsdk:"disabled"`
	Deleted   types.Int64  `tfsdk:"deleted"`
	Skipped   types.Int64  `tfsdk:"skipped"`
	Failed    types.Int64  `tfsdk:"failed"`
	Unchanged types.Int64  `tfsdk:"unchanged"`
	Reason    types.String `tfsdk:"reason"`
}

type quarantineModel struct {
	Reason        types.String `tfsdk:"reason"`
	Message       types.String `tfsdk:"message"`
	Advice        types.String `tfsdk:"advice"`
	Since         types.String `tfsdk:"since"`
	SeriesCount   int64        `tfsdk:"series_count"`
	NextAttemptAt types.String `tfsdk:"next_attempt_at"`
}

type progressModel struct {
	CycleID   types.String `tfsdk:"cycle_id"`
	Kind      types.String `tfsdk:"kind"`
	Phase     types.String `tfsdk:"phase"`
	Done      int64        `tfsdk:"done"`
	Total     types.Int64  `tfsdk:"total"`
	StartedAt types.String `tfsdk:"started_at"`
}

type heldRemovalsModel struct {
	Digest   types.String `tfsdk:"digest"`
	Count    int64        `tfsdk:"count"`
	Reason   types.String `tfsdk:"reason"`
	Since    types.String `tfsdk:"since"`
	Examples []string     `tfsdk:"examples"`
}

type configurationModel struct {
	Released types.String `tfsdk:"released"`
	Pending  []string     `tfsdk:"pending"`
}

func (d *statusDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_status"
}

func (d *statusDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Tells how an app's job stands. With `depends_on` the job, it is read after the job was applied.",
		Attributes: map[string]schema.Attribute{
			"app_id": schema.StringAttribute{Required: true, MarkdownDescription: "Id of the `provisioning_app`."},
			"code": computedString("`not_run` until a cycle has ended, `active`, `paused` by an operator or `enabled = false`, `quarantine` while the " +
				"connection does not work, `disabled` after 28 days of that."),
			"quarantine": schema.SingleNestedAttribute{
				Computed:            true,
				MarkdownDescription: "Why the job is in quarantine; null when it is not.",
				Attributes: map[string]schema.Attribute{
					"reason":          computedString("A code."),
					"message":         computedString("What went wrong."),
					"advice":          computedString("What to do."),
					"since":           computedString("When it began, in RFC 3339."),
					"series_count":    computedInt("How many attempts have failed since."),
					"next_attempt_at": computedString("When it is tried again, in RFC 3339."),
				},
			},
			"last_cycle":            cycleAttribute("The last cycle that read a change or sent something."),
			"last_successful_cycle": cycleAttribute("The last such cycle that did not fail."),
			"first_cycle":           cycleAttribute("The first initial cycle. It never changes once it has ended."),
			"next_cycle_at":         computedString("When the next cycle is due, in RFC 3339; null when none is."),
			"progress": schema.SingleNestedAttribute{
				Computed:            true,
				MarkdownDescription: "How far the running cycle is; null when none runs.",
				Attributes: map[string]schema.Attribute{
					"cycle_id":   computedString("Id of the cycle."),
					"kind":       computedString("`initial` or `incremental`."),
					"phase":      computedString("What is being done."),
					"done":       computedInt("How many objects of this phase are done."),
					"total":      computedInt("How many there are; null while that is not known."),
					"started_at": computedString("When the cycle began, in RFC 3339."),
				},
			},
			"steady_state_first_achieved_at": computedString("When the first initial cycle had caught up with the source, in RFC 3339."),
			"steady_state_last_achieved_at":  computedString("When a cycle last caught up with the source, in RFC 3339."),
			"managed": schema.MapAttribute{
				ElementType: types.Int64Type, Computed: true,
				MarkdownDescription: "How many accounts are linked and exist, by object type; each mapped object type is there.",
			},
			"escrowed": computedInt("How many objects wait for another attempt."),
			"held_removals": schema.ListNestedAttribute{
				Computed:            true,
				MarkdownDescription: "Sets of removals that wait for an approval, since they were too many at once.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"digest":   computedString("What `job approve` takes."),
					"count":    computedInt("How many removals the set has."),
					"reason":   computedString("Which limit holds them."),
					"since":    computedString("Since when, in RFC 3339."),
					"examples": schema.ListAttribute{ElementType: types.StringType, Computed: true, MarkdownDescription: "A few of those concerned."},
				}},
			},
			"configuration": schema.SingleNestedAttribute{
				Computed:            true,
				MarkdownDescription: "Which configuration is in force.",
				Attributes: map[string]schema.Attribute{
					"released": computedString("Digest of the configuration in force; null before the first release."),
					"pending": schema.ListAttribute{
						ElementType: types.StringType, Computed: true,
						MarkdownDescription: "Revisions that are stored and wait for the job to be applied.",
					},
				},
			},
			"checked_at": computedString("When the last cycle of any kind ended, in RFC 3339."),
		},
	}
}

func computedString(description string) schema.StringAttribute {
	return schema.StringAttribute{Computed: true, MarkdownDescription: description}
}

func computedInt(description string) schema.Int64Attribute {
	return schema.Int64Attribute{Computed: true, MarkdownDescription: description}
}

func cycleAttribute(description string) schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		Computed:            true,
		MarkdownDescription: description + " Always an object; what is not known yet is null in it.",
		Attributes: map[string]schema.Attribute{
			"id":         computedString("Id of the cycle, which log entries carry."),
			"kind":       computedString("`initial`, `incremental` or `on_demand`."),
			"state":      computedString("`running`, `succeeded`, `entry_level_errors` when single objects failed, `failed` or `stopped`."),
			"started_at": computedString("When it began, in RFC 3339."),
			"ended_at":   computedString("When it ended, in RFC 3339."),
			"created":    computedInt("Accounts created."),
			"updated":    computedInt("Accounts updated."),
			"disabled":   computedInt("Accounts disabled."),
			"deleted":    computedInt("Accounts deleted."),
			"skipped":    computedInt("Objects skipped."),
			"failed":     computedInt("Objects that failed."),
			"unchanged":  computedInt("Objects without a difference."),
			"reason":     computedString("Why it failed or stopped; null otherwise."),
		},
	}
}

func (d *statusDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var appID types.String
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("app_id"), &appID)...)
	if resp.Diagnostics.HasError() {
		return
	}
	service, err := d.agent.reach(ctx, &resp.Diagnostics)
	if err != nil {
		addError(&resp.Diagnostics, err, "Cannot reach the engine", nil)
		return
	}
	job, err := service.Status(ctx, appID.ValueString())
	if err != nil {
		addError(&resp.Diagnostics, err, "Cannot read the status of app "+appID.ValueString(), req.Config.Schema.Type())
		return
	}
	m := statusFromEngine(job)
	m.AppID = appID
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func statusFromEngine(job status.Job) statusModel {
	m := statusModel{
		Code:                       types.StringValue(string(job.Code)),
		LastCycle:                  cycleFromEngine(job.LastCycle),
		LastSuccessfulCycle:        cycleFromEngine(job.LastSuccessfulCycle),
		FirstCycle:                 cycleFromEngine(job.FirstCycle),
		NextCycleAt:                timestamp(job.NextCycleAt),
		SteadyStateFirstAchievedAt: timestamp(job.SteadyStateFirstAchievedAt),
		SteadyStateLastAchievedAt:  timestamp(job.SteadyStateLastAchievedAt),
		Managed:                    job.Managed,
		Escrowed:                   job.Escrowed,
		HeldRemovals:               []heldRemovalsModel{},
		Configuration:              configurationModel{textOrNull(job.Configuration.Released), orEmpty(job.Configuration.Pending)},
		CheckedAt:                  timestamp(job.CheckedAt),
	}
	if m.Managed == nil {
		m.Managed = map[string]int64{}
	}
	if q := job.Quarantine; q != nil {
		m.Quarantine = &quarantineModel{
			textOrNull(q.Reason), textOrNull(q.Message), textOrNull(q.Advice), timestamp(q.Since), int64(q.SeriesCount), timestamp(q.NextAttempt),
		}
	}
	if p := job.Progress; p != nil {
		m.Progress = &progressModel{
			CycleID: textOrNull(p.CycleID), Kind: textOrNull(string(p.Kind)), Phase: textOrNull(p.Phase), Done: p.Done, StartedAt: timestamp(p.StartedAt),
		}
		if p.Total > 0 {
			m.Progress.Total = types.Int64Value(p.Total)
		}
	}
	for _, held := range job.HeldRemovals {
		m.HeldRemovals = append(m.HeldRemovals, heldRemovalsModel{
			textOrNull(held.Digest), held.Count, textOrNull(held.Reason), timestamp(held.Since), orEmpty(held.Examples),
		})
	}
	return m
}

func cycleFromEngine(c *status.Cycle) cycleModel {
	if c == nil {
		return cycleModel{}
	}
	return cycleModel{
		ID: types.StringValue(c.ID), Kind: types.StringValue(string(c.Kind)), State: types.StringValue(string(c.State)),
		StartedAt: timestamp(c.StartedAt), EndedAt: timestamp(c.EndedAt),
		Created: types.Int64Value(c.Created), Updated: types.Int64Value(c.Updated), Disabled: types.Int64Value(c.Disabled),
		Deleted: types.Int64Value(c.Deleted), Skipped: types.Int64Value(c.Skipped), Failed: types.Int64Value(c.Failed),
		Unchanged: types.Int64Value(c.Unchanged), Reason: textOrNull(c.Reason),
	}
}

// timestamp gives a time in RFC 3339, null for none.
func timestamp(t time.Time) types.String {
	if t.IsZero() {
		return types.StringNull()
	}
	return types.StringValue(t.UTC().Format(time.RFC3339))
}

func textOrNull[T ~string](text T) types.String {
	if text == "" {
		return types.StringNull()
	}
	return types.StringValue(string(text))
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
