package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

// model is what a resource's configuration, plan or state is read into.
type model interface {
	// toConfig gives the declared thing. What is unknown yet is left out of it.
	toConfig(ctx context.Context) (config.Thing, diag.Diagnostics)
	// fromConfig takes over what the engine has. What the model holds already
	// stays as it is written where it means the same.
	fromConfig(ctx context.Context, thing config.Thing) diag.Diagnostics
}

// declared is the part that all resources have in common: each stands for one
// thing of the engine, whose id and revision are known at plan.
type declared struct {
	kind config.Kind
	// alternatives are the attributes of which exactly one must be given.
	alternatives []string
	// immaterial are the attributes that no check of another resource depends on.
	immaterial []string
	newModel   func() model
	agent      *agent
}

// noun is the kind as it stands in messages.
func (d *declared) noun() string { return strings.ReplaceAll(string(d.kind), "_", " ") }

// called names a thing in messages.
func (d *declared) called(thing config.Thing) string {
	if d.kind == config.KindJob {
		return "job"
	}
	return fmt.Sprintf("%s %q", d.noun(), thing.Identity().Name)
}

func (d *declared) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + string(d.kind)
}

func (d *declared) Configure(_ context.Context, req resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	d.agent, _ = req.ProviderData.(*agent)
}

// ValidateConfig reports what is wrong with what is known.
func (d *declared) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	m := d.newModel()
	resp.Diagnostics.Append(req.Config.Get(ctx, m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if len(d.alternatives) > 0 && !exactlyOne(req.Config.Raw, d.alternatives, &resp.Diagnostics) {
		return
	}
	thing, diags := m.toConfig(ctx)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	addProblems(&resp.Diagnostics, settled(thing.Validate(), req.Config.Raw, d.alternatives), req.Config.Schema.Type())
}

// exactlyOne reports an error unless exactly one of the attributes is given, or
// may be once all is known.
func exactlyOne(declared tftypes.Value, names []string, diags *diag.Diagnostics) bool {
	var attributes map[string]tftypes.Value
	if err := declared.As(&attributes); err != nil {
		return true
	}
	var given []string
	for _, name := range names {
		if value := attributes[name]; !value.IsKnown() {
			return true
		} else if !value.IsNull() {
			given = append(given, name)
		}
	}
	switch {
	case len(given) == 1:
		return true
	case len(given) > 1:
		diags.AddAttributeError(path.Root(given[1]), "More than one of "+enumerated(given), "Only one can be meant; keep one of "+enumerated(given)+".")
	case len(names) == 1:
		diags.AddError("Missing "+names[0], "Add "+names[0]+": it says what this connects to.")
	default:
		diags.AddError("None of "+enumerated(names), "Give exactly one of "+enumerated(names)+".")
	}
	return false
}

// enumerated writes two names or more as "a, b and c".
func enumerated(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// ModifyPlan makes id and revision known.
func (d *declared) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if !req.Plan.Raw.IsNull() {
		d.modifyPlan(ctx, req, resp)
	}
}

// keep notes that a thing is in the state of this configuration: one of its
// name that is planned replaces it.
func (d *declared) keep(ctx context.Context, req resource.ModifyPlanRequest) {
	if d.agent == nil || req.State.Raw.IsNull() {
		return
	}
	var id types.String
	if diags := req.State.GetAttribute(ctx, path.Root("id"), &id); !diags.HasError() {
		d.agent.keep(id.ValueString())
	}
}

// modifyPlan does what ModifyPlan must for every resource that is not
// destroyed, and gives the planned thing, nil after an error.
func (d *declared) modifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) config.Thing {
	d.keep(ctx, req)
	m := d.newModel()
	resp.Diagnostics.Append(req.Plan.Get(ctx, m)...)
	if resp.Diagnostics.HasError() {
		return nil
	}
	thing, diags := m.toConfig(ctx)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return nil
	}
	if revision := thing.Revision(); revision != "" && knownBut(req.Plan.Raw, unrevised) {
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("revision"), revision)...)
	}
	if req.State.Raw.IsNull() && identityKnown(req.Plan.Raw, thing.Identity()) {
		service, err := d.agent.reach(ctx, &resp.Diagnostics)
		switch {
		case errors.Is(err, errUnknownAgent):
			return thing
		case err != nil:
			addError(&resp.Diagnostics, err, "Cannot reach the engine", nil)
			return nil
		}
		generation, err := service.Generation(ctx, thing.Identity())
		if err != nil {
			addError(&resp.Diagnostics, err, "Cannot plan "+d.called(thing), req.Plan.Schema.Type())
			return nil
		}
		if !d.agent.claim(generation.ID) {
			resp.Diagnostics.AddError("Two resources declare "+d.called(thing),
				"Two things of a kind cannot have one name. Remove one of the resources, or give it another name.")
			return nil
		}
		if generation.ExistingID != "" && !d.agent.isKept(generation.ExistingID) {
			d.warnExists(ctx, &resp.Diagnostics, service, thing, generation.ExistingID)
		}
		thing.SetID(generation.ID)
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("id"), generation.ID)...)
	}
	if thing.GetID() != "" && knownBut(resp.Plan.Raw, d.immaterial) {
		d.agent.plan(thing)
	}
	return thing
}

// knownBut reports whether all of a planned resource is known, but for some
// attributes.
func knownBut(plan tftypes.Value, names []string) bool {
	var attributes map[string]tftypes.Value
	if err := plan.As(&attributes); err != nil {
		return false
	}
	for name, value := range attributes {
		if !value.IsFullyKnown() && !slices.Contains(names, name) {
			return false
		}
	}
	return true
}

// checkPiece asks the engine what it would refuse of a planned piece of an app,
// as far as the app and its source are declared or planned. A piece that did
// not change was checked when it did.
func (d *declared) checkPiece(ctx context.Context, piece config.Thing, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if resp.Diagnostics.HasError() || resp.Plan.Raw.Equal(req.State.Raw) || !knownBut(resp.Plan.Raw, []string{"revision"}) {
		return
	}
	app, source := d.agent.of(ctx, piece.Identity().Parent)
	if app == nil || source == nil {
		return
	}
	service, err := d.agent.reach(ctx, &resp.Diagnostics)
	if err != nil {
		return // it was reached a moment ago; Create tells
	}
	request := api.CheckRequest{App: app, Source: source}
	switch x := piece.(type) {
	case *config.Mapping:
		request.Mapping = x
	case *config.Filter:
		request.Filter = x
	case *config.Assignment:
		request.Assignment = x
	}
	warnings, err := service.Check(ctx, request)
	if err != nil {
		addError(&resp.Diagnostics, err, "Cannot plan "+d.called(piece), req.Plan.Schema.Type())
		return
	}
	addWarnings(&resp.Diagnostics, warnings)
}

// unrevised are the attributes that no revision depends on.
var unrevised = []string{"id", "revision", "app_id", "source_id", "credential_id", "skip_test_connection", "labels"}

// identifying are the attributes that an identity is made of.
var identifying = []string{"app_id", "name", "object_type", "user", "group", "role"}

func identityKnown(plan tftypes.Value, identity config.Identity) bool {
	var attributes map[string]tftypes.Value
	if err := plan.As(&attributes); err != nil {
		return false
	}
	for _, name := range identifying {
		if value, ok := attributes[name]; ok && !value.IsKnown() {
			return false
		}
	}
	return identity.Name != ""
}

func (d *declared) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	m := d.newModel()
	resp.Diagnostics.Append(req.Plan.Get(ctx, m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	d.create(ctx, m, nil, resp)
}

// create stores a planned thing and its state; nil after an error.
func (d *declared) create(ctx context.Context, m model, secrets config.Secrets, resp *resource.CreateResponse) config.Thing {
	thing, diags := m.toConfig(ctx)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return nil
	}
	service, err := d.agent.reach(ctx, &resp.Diagnostics)
	if err != nil {
		addError(&resp.Diagnostics, err, "Cannot reach the engine", nil)
		return nil
	}
	created, err := service.Create(ctx, thing, secrets)
	if err != nil {
		var e *api.Error
		if errors.As(err, &e) && e.Code == api.CodeExists {
			d.addExists(ctx, &resp.Diagnostics, service, thing, e.ID)
		} else {
			addError(&resp.Diagnostics, err, "Cannot create "+d.called(thing), resp.State.Schema.Type())
		}
		return nil
	}
	resp.Diagnostics.Append(m.fromConfig(ctx, created)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
	resp.Diagnostics.Append(d.agent.markStore(ctx, resp.Private)...)
	return created
}

func (d *declared) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	m := d.newModel()
	resp.Diagnostics.Append(req.State.Get(ctx, m)...)
	var id types.String
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("id"), &id)...)
	if resp.Diagnostics.HasError() {
		return
	}
	service, err := d.agent.reach(ctx, &resp.Diagnostics)
	if err != nil {
		addError(&resp.Diagnostics, err, "Cannot reach the engine", nil)
		return
	}
	resp.Diagnostics.Append(d.agent.checkStore(ctx, req.Private, d.noun()+" "+id.ValueString())...)
	if resp.Diagnostics.HasError() {
		return
	}
	thing, err := service.Get(ctx, d.kind, id.ValueString())
	switch {
	case api.IsNotFound(err):
		resp.State.RemoveResource(ctx)
		return
	case err != nil:
		addError(&resp.Diagnostics, err, "Cannot read "+d.noun()+" "+id.ValueString(), nil)
		return
	}
	resp.Diagnostics.Append(m.fromConfig(ctx, thing)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
	resp.Diagnostics.Append(d.agent.markStore(ctx, resp.Private)...)
}

func (d *declared) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	m := d.newModel()
	resp.Diagnostics.Append(req.Plan.Get(ctx, m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	d.update(ctx, m, nil, req, resp)
}

// update replaces a thing by what is planned, and its state; nil after an
// error.
func (d *declared) update(ctx context.Context, m model, secrets config.Secrets, req resource.UpdateRequest, resp *resource.UpdateResponse) config.Thing {
	thing, diags := m.toConfig(ctx)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return nil
	}
	service, err := d.agent.reach(ctx, &resp.Diagnostics)
	if err != nil {
		addError(&resp.Diagnostics, err, "Cannot reach the engine", nil)
		return nil
	}
	resp.Diagnostics.Append(d.agent.checkStore(ctx, req.Private, d.called(thing))...)
	if resp.Diagnostics.HasError() {
		return nil
	}
	updated, err := service.Update(ctx, thing, secrets)
	if err != nil {
		addError(&resp.Diagnostics, err, "Cannot update "+d.called(thing), resp.State.Schema.Type())
		return nil
	}
	resp.Diagnostics.Append(m.fromConfig(ctx, updated)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
	return updated
}

func (d *declared) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var id types.String
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("id"), &id)...)
	if resp.Diagnostics.HasError() {
		return
	}
	what := d.noun() + " " + id.ValueString()
	service, err := d.agent.reach(ctx, &resp.Diagnostics)
	if err != nil {
		addError(&resp.Diagnostics, err, "Cannot reach the engine", nil)
		return
	}
	resp.Diagnostics.Append(d.agent.checkStore(ctx, req.Private, what)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if err := service.Delete(ctx, d.kind, id.ValueString()); err != nil && !api.IsNotFound(err) {
		addError(&resp.Diagnostics, err, "Cannot destroy "+what, nil)
	}
}
