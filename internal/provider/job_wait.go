package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

const (
	waitForNone    = "none"
	defaultTimeout = "20m"
)

// finish waits where the plan said that it would, and completes the state. A
// wait that fails leaves the state with the revisions that were met before, so
// that the next apply waits again.
func (r *jobResource) finish(ctx context.Context, plan, stored jobModel, verb string, state *tfsdk.State, diags *diag.Diagnostics) {
	if plan.AwaitedCycle.IsUnknown() && plan.WaitFor.ValueString() != "" && plan.WaitFor.ValueString() != waitForNone {
		cycle, ok := r.wait(ctx, plan, verb, diags)
		if !ok {
			return
		}
		stored.AwaitedCycle = keepString(types.StringNull(), cycle)
	}
	stored.Revisions = plan.Revisions
	diags.Append(state.Set(ctx, &stored)...)
}

// wait blocks until the awaited cycle has ended, and gives its id.
func (r *jobResource) wait(ctx context.Context, plan jobModel, verb string, diags *diag.Diagnostics) (cycle string, ok bool) {
	timeout := defaultTimeout
	if given := plan.timeouts(ctx, diags)[verb]; given != "" {
		timeout = given
	}
	limit, err := config.ParseDuration(timeout)
	if err != nil {
		diags.AddError("Not a duration", config.Sentence(err.Error()))
		return "", false
	}
	service, err := r.agent.reach(ctx, diags)
	if err != nil {
		addError(diags, err, "Cannot reach the engine", nil)
		return "", false
	}
	awaited := strings.ReplaceAll(plan.WaitFor.ValueString(), "_", " ")
	app := r.appName(ctx, plan.AppID.ValueString())

	waiting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var last atomic.Pointer[status.Progress]
	result, err := service.Wait(waiting, plan.AppID.ValueString(),
		api.WaitRequest{For: plan.WaitFor.ValueString(), Revisions: stringsOf(ctx, plan.Revisions, diags)},
		func(p status.Progress) {
			last.Store(&p)
			tflog.Info(ctx, fmt.Sprintf("%s of %s: %s", awaited, app, describeProgress(&p)))
		})
	switch {
	case err != nil && ctx.Err() != nil:
		diags.AddError(fmt.Sprintf("Interrupted while waiting for the %s of %s", awaited, app),
			"The job goes on by itself; the next apply waits again.")
		return "", false
	case errors.Is(waiting.Err(), context.DeadlineExceeded) && err != nil:
		diags.AddError(fmt.Sprintf("The %s of %s has not ended within %s", awaited, app, timeout), joinParagraphs(
			"So far: "+describeProgress(last.Load())+".",
			fmt.Sprintf("The job goes on by itself. Look at it with \"status --watch\"; apply again to wait again, or give timeouts.%s more time.", verb)))
		return "", false
	case err != nil:
		addError(diags, err, fmt.Sprintf("Cannot wait for the %s of %s", awaited, app), nil)
		return "", false
	case !result.Succeeded:
		diags.AddError(fmt.Sprintf("The %s of %s did not succeed", awaited, app), joinParagraphs(config.Sentence(result.Reason), result.Advice,
			"The job is saved and goes on trying; the next apply waits again."))
		return "", false
	}
	addWarnings(diags, result.Warnings)
	return result.Cycle.ID, true
}

// appName names an app in messages.
func (r *jobResource) appName(ctx context.Context, id string) string {
	if app := r.agent.thing(ctx, config.KindApp, id); app != nil {
		return fmt.Sprintf("app %q", app.Identity().Name)
	}
	return "app " + id
}

// describeProgress says how far a cycle is; it names no person.
func describeProgress(p *status.Progress) string {
	if p == nil {
		return "no cycle has begun"
	}
	text := p.Phase
	switch {
	case p.Total > 0:
		text += fmt.Sprintf(", %d of %d", p.Done, p.Total)
	case p.Done > 0:
		text += fmt.Sprintf(", %d", p.Done)
	}
	text += fmt.Sprintf("; %d created, %d updated, %d disabled, %d deleted, %d skipped, %d failed",
		p.Created, p.Updated, p.Disabled, p.Deleted, p.Skipped, p.Failed)
	if !p.StartedAt.IsZero() {
		text += "; begun at " + p.StartedAt.UTC().Format(time.RFC3339)
	}
	return text
}
