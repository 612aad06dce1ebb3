package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/gallery"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/job"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

var _ api.Service = (*Engine)(nil)

// Status implements api.Service.
func (e *Engine) Status(_ context.Context, appID string) (status.Job, error) {
	s, err := e.jobs.Status(appID)
	return s, told(err)
}

// Audit implements api.Service.
func (e *Engine) Audit(ctx context.Context, query audit.Query) ([]audit.Entry, error) {
	entries, err := e.log.Query(ctx, query)
	return entries, told(err)
}

// FollowAudit implements api.Service.
func (e *Engine) FollowAudit(ctx context.Context, query audit.Query, yield func(audit.Entry) error) error {
	return told(e.log.Follow(ctx, query, yield))
}

// Preview implements api.Service.
func (e *Engine) Preview(ctx context.Context, appID string, request api.PreviewRequest, progress func(status.Progress)) (status.Preview, error) {
	p, err := e.jobs.Preview(ctx, appID, job.PreviewOptions{Pending: request.Pending, Fresh: request.Fresh, Limit: request.Limit}, progress)
	if err != nil {
		return p, e.unusable("Cannot preview", err)
	}
	return p, nil
}

// unusable tells why a source or app could not be used.
func (e *Engine) unusable(summary string, err error) error {
	var known *api.Error
	if errors.As(err, &known) || errors.Is(err, job.ErrNoApp) || errors.Is(err, job.ErrNoJob) {
		return told(err)
	}
	failure := connector.AsError(err)
	if cause, open := connector.OpenCause(err); open {
		failure = cause
	}
	advice := failure.Advice
	if advice == "" {
		advice = audit.Explain(failure.Code).Advice
	}
	return &api.Error{Code: api.CodeConnectionFailed, Summary: summary, Detail: config.Sentence(err.Error()), Advice: config.Sentence(advice)}
}

// Wait implements api.Service.
func (e *Engine) Wait(ctx context.Context, appID string, request api.WaitRequest, progress func(status.Progress)) (api.WaitResult, error) {
	outcome, err := e.jobs.Wait(ctx, appID, request.For == "next_cycle", progress)
	if err != nil {
		return api.WaitResult{}, told(err)
	}
	result := api.WaitResult{Succeeded: outcome.Succeeded, Cycle: outcome.Cycle, Reason: outcome.Reason, Advice: outcome.Advice}
	if !outcome.Succeeded {
		return result, nil
	}
	if n := outcome.Cycle.Failed; n > 0 {
		result.Warnings = append(result.Warnings, api.Warning{Summary: fmt.Sprintf("%d objects failed in cycle %s", n, outcome.Cycle.ID),
			Detail: "They are tried again. The log says why: audit --status failure --cycle " + outcome.Cycle.ID})
	}
	if held := outcome.Cycle.Held; held > 0 {
		warnings, err := e.Warnings(ctx, appID)
		if err != nil {
			return result, err
		}
		result.Warnings = append(result.Warnings, warnings...)
	}
	return result, e.met(ctx, appID, request.Revisions, outcome.Cycle.ID)
}

// met records that a wait for these revisions succeeded (decisions 41).
func (e *Engine) met(ctx context.Context, appID string, revisions []string, cycleID string) error {
	e.declaring.Lock()
	defer e.declaring.Unlock()
	id, err := e.catalog.Find(config.Identity{Kind: config.KindJob, Parent: appID, Name: "job"})
	if err != nil || id == "" {
		return told(err)
	}
	thing, err := e.catalog.Get(config.KindJob, id)
	if err != nil {
		return told(err)
	}
	j := thing.(*config.Job)
	j.AwaitedCycle = cycleID
	if revisions != nil {
		j.MetRevisions = slices.Clone(revisions)
	}
	mutations, err := e.catalog.Put(j)
	if err != nil {
		return internal(err)
	}
	return told(e.store.Commit(ctx, mutations...))
}

// StartJob implements api.Service.
func (e *Engine) StartJob(ctx context.Context, appID, by string) error {
	return told(e.jobs.Start(ctx, appID, by))
}

// PauseJob implements api.Service.
func (e *Engine) PauseJob(ctx context.Context, appID, by string) error {
	return told(e.jobs.Pause(ctx, appID, by))
}

// RestartJob implements api.Service.
func (e *Engine) RestartJob(ctx context.Context, appID, by string, scope []string) error {
	return told(e.jobs.Restart(ctx, appID, by, scope))
}

// ApproveRemovals implements api.Service.
func (e *Engine) ApproveRemovals(ctx context.Context, appID, by, digest string) error {
	return told(e.jobs.Approve(ctx, appID, by, digest))
}

// Provision implements api.Service.
func (e *Engine) Provision(ctx context.Context, appID string, request api.ProvisionRequest) ([]api.ProvisionResult, error) {
	entries, err := e.jobs.Provision(ctx, appID, job.Demand{Users: request.Users, Groups: request.Groups, DryRun: request.DryRun, By: request.By})
	var missing *job.NotFoundError
	var several *job.AmbiguousError
	switch {
	case errors.As(err, &missing):
		return nil, &api.Error{Code: api.CodeNotFound, Summary: "Cannot provision", Detail: config.Sentence(err.Error()), Advice: "Correct the name, or add it to the source first."}
	case errors.As(err, &several):
		return nil, &api.Error{Code: api.CodeAmbiguous, Summary: "Cannot provision", Detail: config.Sentence(err.Error()), Advice: "Name it by its id."}
	case err != nil:
		return nil, e.unusable("Cannot provision", err)
	}
	results := make([]api.ProvisionResult, len(entries))
	for i, entry := range entries {
		results[i] = api.ProvisionResult{Entry: entry}
	}
	return results, nil
}

// TestConnection implements api.Service.
func (e *Engine) TestConnection(ctx context.Context, kind config.Kind, id string) ([]connector.Finding, error) {
	thing, err := e.catalog.Get(kind, id)
	if err != nil {
		return nil, told(err)
	}
	switch x := thing.(type) {
	case *config.Source:
		source, err := e.openSource(ctx, x)
		if err != nil {
			return nil, connectionFailed(x, err)
		}
		findings, err := source.Test(ctx)
		if err != nil {
			return findings, connectionFailed(x, err)
		}
		return findings, nil
	case *config.App:
		target, err := e.openTarget(ctx, x)
		if err != nil {
			return nil, connectionFailed(x, err)
		}
		template, err := gallery.Get(x.Template, x.TemplateRevision)
		if err != nil {
			return nil, internal(err)
		}
		findings, err := target.Test(ctx, template.Matching())
		if err != nil {
			return findings, connectionFailed(x, err)
		}
		return findings, nil
	}
	return nil, api.Errorf(api.CodeInvalid, "Cannot test", "A %s has no connection.", readable(kind))
}

// Warnings implements api.Service.
func (e *Engine) Warnings(ctx context.Context, appID string) ([]api.Warning, error) {
	s, err := e.Status(ctx, appID)
	if err != nil {
		return nil, err
	}
	var warnings []api.Warning
	warn := func(summary, detail string, args ...any) {
		warnings = append(warnings, api.Warning{Summary: s.AppName + ": " + summary, Detail: fmt.Sprintf(detail, args...)})
	}
	if s.PausedBy != "" {
		warn("paused by "+s.PausedBy+" since "+s.PausedAt.UTC().Format("2006-01-02 15:04 MST"),
			"No apply lifts an operator's pause, unless enabled itself changes. To go on: job start %s", s.AppName)
	}
	if s.Quarantine != nil {
		warn("in quarantine", "%s %s", config.Sentence(s.Quarantine.Message), s.Quarantine.Advice)
	}
	for _, held := range s.HeldRemovals {
		warn(fmt.Sprintf("%d removals are held", held.Count),
			"%s Concerned: %s. Look at them with: audit %s --action staged_delete. To let them go: job approve %s %s. They are dropped by themselves when their cause is gone.",
			config.Sentence(held.Reason), strings.Join(held.Examples, ", "), s.AppName, s.AppName, held.Digest)
	}
	if len(s.Configuration.Unlisted) > 0 && s.JobID != "" {
		warn("pieces that the job does not list", "%s. They take effect 10 s after the app's last change. List them in the job's revisions, so that one apply starts one cycle.",
			strings.Join(s.Configuration.Unlisted, ", "))
	}
	contradictions, err := e.contradictions(appID)
	if err != nil {
		return nil, told(err)
	}
	for _, c := range contradictions {
		warn(c.Summary, "%s", c.Detail)
	}
	return warnings, nil
}

// contradictions tells where a mapping's actions do not allow what the policy
// wants (decisions 8).
func (e *Engine) contradictions(appID string) ([]api.Warning, error) {
	id, err := e.catalog.Find(config.Identity{Kind: config.KindJob, Parent: appID, Name: "job"})
	if err != nil || id == "" {
		return nil, err
	}
	thing, err := e.catalog.Get(config.KindJob, id)
	if err != nil {
		return nil, err
	}
	declared, err := e.catalog.Declared(appID)
	if err != nil {
		return nil, err
	}
	var found []api.Warning
	for _, m := range declared.Mappings {
		if m.Actions == nil {
			continue
		}
		policy := thing.(*config.Job).DeprovisioningOf(m.ObjectType)
		if policy.OutOfScope == config.RemovalDisable && !slices.Contains(m.Actions, mapping.ActionUpdate) {
			found = append(found, api.Warning{Summary: m.ObjectType + " accounts are never disabled",
				Detail: "The policy disables those out of scope, but update is not among the mapping's actions, and a disable is an update."})
		}
		if (policy.OutOfScope == config.RemovalDelete || policy.Deleted == config.RemovalDelete) && !slices.Contains(m.Actions, mapping.ActionDelete) {
			found = append(found, api.Warning{Summary: m.ObjectType + " accounts are never deleted",
				Detail: "The policy deletes accounts, but delete is not among the mapping's actions."})
		}
	}
	return found, nil
}
