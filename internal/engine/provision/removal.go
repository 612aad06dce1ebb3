package provision

import (
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
)

// disable takes an account out of use. The policy decides it, not the mapping:
// the mapping's differences go along, and when it fails or leaves the account
// enabled the disable is sent all the same (decisions 8).
func (c *considering) disable(reason string) {
	switch {
	case c.protected():
		c.skip(audit.ProtectedAccount, "the account is protected and is not disabled")
		return
	case !c.Mapping.CanUpdate():
		c.skip(audit.ActionNotAllowed, "a disable is an update, and update is not among the mapping's actions")
		return
	case !c.CanDisable:
		c.skip(audit.DisableNotSupported, "the app cannot disable accounts of this type; the account stays as it is")
		return
	}
	after := c.Link.clone()
	off := false
	operation := &connector.Operation{Kind: connector.Update, Type: c.ObjectType, ID: c.Link.TargetID, Enabled: &off}
	c.decision.Operation, c.decision.After = operation, after
	if c.View != nil && c.standing != absent && c.standing != deleted {
		if flows, err := c.Mapping.Evaluate(c.input(), false); err == nil {
			c.flow(withoutPath(flows, c.EnabledPath), operation, after)
		}
	}
	c.decision.Outcome, c.decision.Action = Sends, ActionDisable
	c.decision.Reason, c.decision.Removal = reason, true
	c.decision.Detail = c.describe(reason)
	c.noteEnabled(after, false)
	after.Disabled = &Disabled{Loss: c.decision.Loss, At: c.Now}
	after.Due = c.due()
}

// due gives when a lost object is to be looked at again.
func (c *considering) due() time.Time {
	if c.standing == absent && c.Policy.Deleted == config.RemovalDelete {
		return c.Since.Add(c.Policy.GracePeriod)
	}
	return time.Time{}
}

// loseAbsent disables at once; with no grace period it deletes at once.
func (c *considering) loseAbsent(reason string) {
	switch {
	case c.Policy.Deleted == config.RemovalIgnore:
		c.skip(audit.SkipOutOfScopeDeletions, "deleted is ignore: the account is left as it is")
	case c.Policy.Deleted == config.RemovalDelete && (c.Policy.GracePeriod == 0 || c.ObjectType == directory.Group):
		// Groups cannot be disabled: theirs is a delete after the grace period.
		if c.Policy.GracePeriod > 0 && c.Now.Before(c.Since.Add(c.Policy.GracePeriod)) {
			c.keep()
			c.decision.After = c.Link.clone()
			c.decision.After.Due = c.due()
			return
		}
		c.delete(reason)
	default:
		c.disable(reason)
	}
}

// deleteAfterGrace deletes an account that was disabled for absence when the
// grace period is over.
func (c *considering) deleteAfterGrace(reason string) {
	if c.Policy.Deleted != config.RemovalDelete {
		c.keep()
		return
	}
	if c.Now.Before(c.Since.Add(c.Policy.GracePeriod)) {
		c.keep()
		if due := c.due(); !due.Equal(c.Link.Due) {
			c.decision.After = c.Link.clone()
			c.decision.After.Due = due
		}
		return
	}
	c.delete(reason)
}

// delete removes an account, or, for a group that was there before us, only
// what we put into it (decisions 14).
func (c *considering) delete(reason string) {
	switch {
	case c.protected():
		c.skip(audit.ProtectedAccount, "the account is protected and is not deleted")
	case !c.Mapping.CanDelete():
		c.skip(audit.ActionNotAllowed, "delete is not among the mapping's actions")
	case !c.CanDelete:
		c.skip(audit.CannotDelete, "the app cannot delete accounts of this type; the account stays as it is")
	case c.ObjectType == directory.Group && !c.Link.CreatedByUs:
		c.skip(audit.AdoptedGroup, "the group was there before us: it loses the members that we added and stays")
		c.decision.Members = MembersGone
	default:
		c.decision.Outcome, c.decision.Action = Sends, ActionDelete
		c.decision.Reason, c.decision.Detail = reason, c.describe(reason)
		c.decision.Removal, c.decision.After = true, nil
		c.decision.Operation = &connector.Operation{Kind: connector.Delete, Type: c.ObjectType, ID: c.Link.TargetID}
	}
}

// protected reports whether the account is on the app's list of accounts that
// are never removed or renamed (decisions 19).
func (c *considering) protected() bool {
	if len(c.Protected) == 0 || c.Link == nil {
		return false
	}
	if c.Protected[c.Link.TargetID] {
		return true
	}
	for _, claim := range c.Link.Claims {
		if c.Protected[claim.Value] || c.Protected[directory.Fold(claim.Value)] {
			return true
		}
	}
	return false
}

// noteEnabled remembers what the account's enabled attribute becomes, and
// shows it in the log.
func (c *considering) noteEnabled(after *Link, enabled bool) {
	if c.EnabledPath.IsZero() {
		return
	}
	path := c.EnabledPath.String()
	value := directory.Boolean(enabled)
	change := audit.Property{Name: path, New: text(value)}
	if before, ok := after.Sent[path]; ok {
		change.Old = text(before.Value)
	}
	after.Sent[path] = Sent{Value: value, Own: true}
	c.decision.Changes = append(c.decision.Changes, change)
}

func withoutPath(flows []mapping.Flow, path directory.Path) []mapping.Flow {
	kept := flows[:0]
	for _, f := range flows {
		if path.IsZero() || f.Path != path {
			kept = append(kept, f)
		}
	}
	return kept
}
