package provider

import (
	"context"
	"fmt"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

var (
	_ resource.Resource                   = (*jobResource)(nil)
	_ resource.ResourceWithConfigure      = (*jobResource)(nil)
	_ resource.ResourceWithValidateConfig = (*jobResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*jobResource)(nil)
	_ resource.ResourceWithImportState    = (*jobResource)(nil)
)

func newJobResource() resource.Resource {
	return &jobResource{declared{
		kind:     config.KindJob,
		newModel: func() model { return &jobModel{} },
	}}
}

type jobResource struct{ declared }

type jobModel struct {
	AppID               types.String `tfsdk:"app_id"`
	Enabled             types.Bool   `tfsdk:"enabled"`
	Interval            types.String `tfsdk:"interval"`
	AccidentalDeletions types.Map    `tfsdk:"accidental_deletions"`
	Deprovisioning      types.Map    `tfsdk:"deprovisioning"`
	RateLimit           types.Object `tfsdk:"rate_limit"`
	LogRetention        types.String `tfsdk:"log_retention"`
	LogDetail           types.String `tfsdk:"log_detail"`
	RestartTriggers     types.Map    `tfsdk:"restart_triggers"`
	RestartScope        types.Set    `tfsdk:"restart_scope"`
	Revisions           types.Set    `tfsdk:"revisions"`
	WaitFor             types.String `tfsdk:"wait_for"`
	Timeouts            types.Object `tfsdk:"timeouts"`
	ID                  types.String `tfsdk:"id"`
	AwaitedCycle        types.String `tfsdk:"awaited_cycle"`
}

type rateLimitModel struct {
	RequestsPerSecond types.Float64 `tfsdk:"requests_per_second"`
	Concurrency       types.Int64   `tfsdk:"concurrency"`
}

type timeoutsModel struct {
	Create types.String `tfsdk:"create"`
	Update types.String `tfsdk:"update"`
}

func (r *jobResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	durations := []planmodifier.String{sameDuration}
	resp.Schema = schema.Schema{
		MarkdownDescription: "An app's job, and the state wanted of it. Mappings, filters and assignments are stored when they are applied, and take " +
			"effect together when the job that lists their `revisions` is applied. Destroying the job stops it and loses nothing: a new one " +
			"goes on where it stopped.",
		Attributes: map[string]schema.Attribute{
			"app_id": schema.StringAttribute{
				Required:            true,
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
				MarkdownDescription: "Id of the `provisioning_app`. A change replaces the job.",
			},
			"enabled": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Whether the job runs. A pause by an operator is not drift, and no apply lifts it unless this changes. " +
					"Default: `true`.",
			},
			"interval": schema.StringAttribute{
				Optional: true, PlanModifiers: durations,
				MarkdownDescription: "Time between the starts of two cycles, from `1s`. Default: `10m`.",
			},
			"accidental_deletions": schema.MapAttribute{
				ElementType: types.Float64Type,
				Optional:    true,
				MarkdownDescription: "Holds all removals of a cycle when there are too many: more than `threshold` within this cycle and the hour " +
					"before it, or more than `percent` of the linked active accounts of a type and at least 10. " +
					"Default: `{ threshold = 500, percent = 25 }`; what is given replaces both.",
			},
			"deprovisioning": schema.MapAttribute{
				ElementType: types.MapType{ElemType: types.StringType},
				Optional:    true,
				MarkdownDescription: "What becomes of accounts whose objects are lost, by object type: `out_of_scope` and `deleted`, each `disable`, " +
					"`delete` or `ignore`; `grace_period`, which passes before someone who is merely absent is deleted; for groups `members`, " +
					"`own` or `authoritative`. Default for users: disabled when out of scope, deleted `30d` after they are gone. Groups are left alone.",
			},
			"rate_limit": rateLimitAttribute(),
			"log_retention": schema.StringAttribute{
				Optional: true, PlanModifiers: durations,
				MarkdownDescription: "How long the provisioning log is kept, by the day. Default: `30d`.",
			},
			"log_detail": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "`changes`, or `all` to log unchanged objects too. Default: `changes`.",
			},
			"restart_triggers": schema.MapAttribute{
				ElementType:         types.StringType,
				Optional:            true,
				MarkdownDescription: "Values of your own: a change restarts the job with an initial cycle.",
			},
			"restart_scope": schema.SetAttribute{
				ElementType: types.StringType,
				Optional:    true,
				MarkdownDescription: "What a restart forgets: any of `watermark`, `escrows`, `quarantine` and `links`. " +
					"Default: all but `links`.",
			},
			"revisions": schema.SetAttribute{
				ElementType: types.StringType,
				Optional:    true,
				MarkdownDescription: "The `revision` of everything that the job runs on: source, app, mappings, filters and assignments. It orders the " +
					"job after them, releases them together, and makes a change of them wait as `wait_for` says.",
			},
			"wait_for": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "What apply waits for when something was released or restarted, or the job was turned on: `none`, " +
					"`initial_cycle` on the released configuration, or `next_cycle`. The wait fails, and says why, when the cycle fails or the job " +
					"is quarantined; the next apply waits again. Failures of single objects are a warning. Default: `none`.",
			},
			"timeouts": timeoutsAttribute(),
			"id":       idAttribute(),
			"awaited_cycle": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "Id of the cycle that was last waited for.",
			},
		},
	}
}

func rateLimitAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Bounds the requests to the app, beyond what its template documents.",
		Attributes: map[string]schema.Attribute{
			"requests_per_second": schema.Float64Attribute{
				Optional:            true,
				MarkdownDescription: "Most requests a second. Default: no fixed rate.",
			},
			"concurrency": schema.Int64Attribute{
				Optional:            true,
				MarkdownDescription: "Most requests at once, 1 to 256. Default: from 8 up to 64, as the app's answers allow.",
			},
		},
	}
}

func timeoutsAttribute() schema.SingleNestedAttribute {
	attribute := func(verb string) schema.StringAttribute {
		return schema.StringAttribute{
			Optional: true, PlanModifiers: []planmodifier.String{sameDuration},
			MarkdownDescription: fmt.Sprintf("How long %s waits for the cycle, such as `30m`. Default: `%s`.", verb, defaultTimeout),
		}
	}
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "How long a wait may take.",
		Attributes:          map[string]schema.Attribute{"create": attribute("creation"), "update": attribute("an update")},
	}
}

// ValidateConfig adds the time-outs, which mean nothing to the engine.
func (r *jobResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	r.declared.ValidateConfig(ctx, req, resp)
	var m jobModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	for verb, text := range m.timeouts(ctx, &resp.Diagnostics) {
		if d, err := config.ParseDuration(text); err != nil {
			addErrorAt(&resp.Diagnostics, path.Root("timeouts").AtName(verb), "Not a duration", config.Sentence(err.Error()))
		} else if d == 0 {
			addErrorAt(&resp.Diagnostics, path.Root("timeouts").AtName(verb), "No time to wait",
				"Give a time-out of more than 0s, or set wait_for = \"none\".")
		}
	}
}

// ModifyPlan says whether apply will wait, and what the engine has to tell of
// the app.
func (r *jobResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	thing := r.modifyPlan(ctx, req, resp)
	if thing == nil {
		return
	}
	job := thing.(*config.Job)
	if app, ok := r.agent.thing(ctx, config.KindApp, job.AppID).(*config.App); ok && app.Mode == config.Manual {
		resp.Diagnostics.AddAttributeError(path.Root("app_id"), fmt.Sprintf("App %q has no job", app.Name),
			"Its mode is manual: it is for preview and reports only. Set mode = \"automatic\" on the app, or remove this job.")
		return
	}
	var plan jobModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	var before *jobModel
	if !req.State.Raw.IsNull() {
		before = &jobModel{}
		resp.Diagnostics.Append(req.State.Get(ctx, before)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	switch {
	case plan.waits(before):
		plan.AwaitedCycle = types.StringUnknown()
	case before != nil:
		plan.AwaitedCycle = before.AwaitedCycle
	default:
		plan.AwaitedCycle = types.StringNull()
	}
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("awaited_cycle"), plan.AwaitedCycle)...)
	if before == nil {
		return
	}
	service, err := r.agent.reach(ctx, &resp.Diagnostics)
	if err != nil {
		addError(&resp.Diagnostics, err, "Cannot reach the engine", nil)
		return
	}
	warnings, err := service.Warnings(ctx, before.AppID.ValueString())
	if err != nil && !api.IsNotFound(err) {
		addError(&resp.Diagnostics, err, "Cannot tell how the job stands", nil)
		return
	}
	addWarnings(&resp.Diagnostics, warnings)
}

// waits reports whether applying the plan may wait for a cycle: only where
// something is released or restarted, or the job is turned on.
func (m *jobModel) waits(before *jobModel) bool {
	isOn := func(enabled types.Bool) bool { return enabled.IsUnknown() || enabled.IsNull() || enabled.ValueBool() }
	if !m.WaitFor.IsUnknown() && (m.WaitFor.ValueString() == "" || m.WaitFor.ValueString() == waitForNone) || !isOn(m.Enabled) {
		return false
	}
	return before == nil || !isOn(before.Enabled) || m.Enabled.IsUnknown() ||
		!m.Revisions.Equal(before.Revisions) || !m.RestartTriggers.Equal(before.RestartTriggers)
}

func (r *jobResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan, m jobModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() || r.create(ctx, &m, nil, resp) == nil {
		return
	}
	r.finish(ctx, plan, m, "create", &resp.State, &resp.Diagnostics)
}

func (r *jobResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, m jobModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() || r.update(ctx, &m, nil, req, resp) == nil {
		return
	}
	r.finish(ctx, plan, m, "update", &resp.State, &resp.Diagnostics)
}

func (m *jobModel) toConfig(ctx context.Context) (config.Thing, diag.Diagnostics) {
	var diags diag.Diagnostics
	job := &config.Job{
		ID: m.ID.ValueString(), AppID: m.AppID.ValueString(), Enabled: m.Enabled.ValueBoolPointer(), Interval: m.Interval.ValueString(),
		LogRetention: m.LogRetention.ValueString(), LogDetail: m.LogDetail.ValueString(),
		RestartTriggers: stringMapOf(ctx, m.RestartTriggers, &diags), RestartScope: stringsOf(ctx, m.RestartScope, &diags),
		Revisions: stringsOf(ctx, m.Revisions, &diags), WaitFor: m.WaitFor.ValueString(), Timeouts: m.timeouts(ctx, &diags),
		AccidentalDeletions: m.limits(ctx, &diags), Deprovisioning: m.policies(ctx, &diags),
	}
	if limit := nestedOf[rateLimitModel](ctx, m.RateLimit, &diags); limit != nil {
		job.RateLimit = &config.RateLimit{}
		if isWritten(limit.RequestsPerSecond) {
			job.RateLimit.RequestsPerSecond = limit.RequestsPerSecond.ValueFloat64Pointer()
		}
		if isWritten(limit.Concurrency) {
			job.RateLimit.Concurrency = limit.Concurrency.ValueInt64Pointer()
		}
	}
	return job, diags
}

func (m *jobModel) limits(ctx context.Context, diags *diag.Diagnostics) map[string]float64 {
	if !isWritten(m.AccidentalDeletions) {
		return nil
	}
	var elements map[string]types.Float64
	diags.Append(m.AccidentalDeletions.ElementsAs(ctx, &elements, false)...)
	out := make(map[string]float64, len(elements))
	for name, element := range elements {
		if isWritten(element) {
			out[name] = element.ValueFloat64()
		}
	}
	return out
}

func (m *jobModel) policies(ctx context.Context, diags *diag.Diagnostics) map[string]map[string]string {
	if !isWritten(m.Deprovisioning) {
		return nil
	}
	var elements map[string]types.Map
	diags.Append(m.Deprovisioning.ElementsAs(ctx, &elements, false)...)
	out := make(map[string]map[string]string, len(elements))
	for objectType, element := range elements {
		if rules := stringMapOf(ctx, element, diags); rules != nil {
			out[objectType] = rules
		}
	}
	return out
}

func (m *jobModel) timeouts(ctx context.Context, diags *diag.Diagnostics) map[string]string {
	t := nestedOf[timeoutsModel](ctx, m.Timeouts, diags)
	if t == nil {
		return nil
	}
	out := map[string]string{}
	for verb, text := range map[string]types.String{"create": t.Create, "update": t.Update} {
		if isWritten(text) {
			out[verb] = text.ValueString()
		}
	}
	return out
}

// fromConfig gives as revisions those that were met, so that what a failed wait
// left undone is a difference to the next plan.
func (m *jobModel) fromConfig(ctx context.Context, thing config.Thing) diag.Diagnostics {
	var diags diag.Diagnostics
	job := thing.(*config.Job)
	m.ID, m.AppID, m.Enabled = types.StringValue(job.ID), types.StringValue(job.AppID), types.BoolPointerValue(job.Enabled)
	m.Interval = keepString(m.Interval, job.Interval)
	if !isWritten(m.AccidentalDeletions) || !maps.Equal(m.limits(ctx, &diags), job.AccidentalDeletions) {
		m.AccidentalDeletions = mapOf(ctx, types.Float64Type, job.AccidentalDeletions, &diags)
	}
	if !isWritten(m.Deprovisioning) || !maps.EqualFunc(m.policies(ctx, &diags), job.Deprovisioning, maps.Equal) {
		m.Deprovisioning = mapOf(ctx, types.MapType{ElemType: types.StringType}, job.Deprovisioning, &diags)
	}
	m.LogRetention, m.LogDetail = keepString(m.LogRetention, job.LogRetention), keepString(m.LogDetail, job.LogDetail)
	m.RestartTriggers = keepMap(ctx, m.RestartTriggers, job.RestartTriggers, &diags)
	m.RestartScope = keepSet(ctx, m.RestartScope, job.RestartScope, &diags)
	met := job.MetRevisions
	if met == nil && job.Revisions != nil {
		met = []string{}
	}
	m.Revisions = keepSet(ctx, m.Revisions, met, &diags)
	m.WaitFor = keepString(m.WaitFor, job.WaitFor)
	m.AwaitedCycle = keepString(types.StringNull(), job.AwaitedCycle)

	limits := attributeTypes(rateLimitAttribute())
	if m.RateLimit = types.ObjectNull(limits); job.RateLimit != nil {
		m.RateLimit = objectOf(ctx, limits, rateLimitModel{
			types.Float64PointerValue(job.RateLimit.RequestsPerSecond), types.Int64PointerValue(job.RateLimit.Concurrency),
		}, &diags)
	}
	if !isWritten(m.Timeouts) || !maps.Equal(m.timeouts(ctx, &diags), job.Timeouts) {
		timeouts := attributeTypes(timeoutsAttribute())
		if m.Timeouts = types.ObjectNull(timeouts); job.Timeouts != nil {
			m.Timeouts = objectOf(ctx, timeouts, timeoutsModel{
				keepString(types.StringNull(), job.Timeouts["create"]), keepString(types.StringNull(), job.Timeouts["update"]),
			}, &diags)
		}
	}
	return diags
}

// mapOf makes a map's value; null for nil.
func mapOf[V any](ctx context.Context, element attr.Type, values map[string]V, diags *diag.Diagnostics) types.Map {
	if values == nil {
		return types.MapNull(element)
	}
	m, d := types.MapValueFrom(ctx, element, values)
	diags.Append(d...)
	return m
}
