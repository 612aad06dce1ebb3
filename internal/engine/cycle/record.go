package cycle

import (
	"context"
	"strconv"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// entry begins the log entry of a decision.
func (r *run) entry(it *item, outcome audit.Status) audit.Entry {
	d := &it.decision
	e := audit.Entry{
		AppID: r.AppID, CycleID: r.Cycle.ID, Category: audit.Provisioning, Action: actionOf(d.Action), Status: outcome,
		Source:             audit.Identity{Type: it.key.Type, ID: it.key.Anchor, DisplayName: it.situation.View.Display()},
		Target:             audit.Identity{Type: it.key.Type},
		Steps:              d.Steps,
		ModifiedProperties: d.Changes,
		Reason:             d.Reason,
		InitiatedBy:        r.InitiatedBy,
	}
	if link := it.situation.Link; link != nil {
		e.Target.ID = link.TargetID
		if len(it.situation.View.Object.Attributes) == 0 && link.Display != "" {
			e.Source.DisplayName = link.Display
		}
	} else if it.situation.Current != nil {
		e.Target.ID = it.situation.Current.ID
	}
	e.Target.DisplayName = e.Source.DisplayName
	if d.Reason != "" {
		e.RecommendedAction = audit.Explain(d.Reason).Advice
	}
	return e
}

func actionOf(a provision.Action) audit.Action {
	switch a {
	case provision.ActionCreate:
		return audit.Create
	case provision.ActionUpdate:
		return audit.Update
	case provision.ActionDisable:
		return audit.Disable
	case provision.ActionDelete:
		return audit.Delete
	}
	return audit.Other
}

func exportName(a provision.Action) string {
	switch a {
	case provision.ActionCreate:
		return "EntryExportAdd"
	case provision.ActionDelete:
		return "EntryExportDelete"
	}
	return "EntryExportUpdate"
}

func failedLookUp(failure *connector.Error) audit.Step {
	return audit.Step{Name: "EntryImport", Type: audit.StepMatching, Status: audit.Failure, Description: failure.Error()}
}

func shown(text *string) string {
	if text == nil {
		return "no value"
	}
	return strconv.Quote(*text)
}

// resume finds, for a cycle that an agent began and did not end, what the log
// says already: an object that was skipped or failed is not told of twice, and
// removals of the past hour count against the threshold. Deletes are counted
// from the log, since nothing else is left of them.
func (r *run) resume(ctx context.Context) error {
	if !r.Resumed || r.Earlier == nil {
		return nil
	}
	held, err := r.Ledger.Held()
	if err != nil {
		return err
	}
	r.logged = make(map[directory.Key]bool)
	return r.Earlier(ctx, func(e audit.Entry) {
		key := directory.Key{Type: e.Source.Type, Anchor: e.Source.ID}
		if e.Status == audit.Skipped || e.Status == audit.Failure {
			r.logged[key] = true
			return
		}
		if e.Action == audit.Delete {
			r.count(func(c *status.Counts) { c.Deleted++ })
		}
		removed := e.Action == audit.Delete || e.Action == audit.Disable
		if removed && !held.Approved[key] && r.Clock.Now().Sub(e.Time) < time.Hour {
			r.summary.Removed[key.Type]++
		}
	})
}
