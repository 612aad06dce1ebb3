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
	if why, detail := c.cannotDisable(); why != "" {
		c.skip(why, detail)
		return
	}
	after := c.Link.clone()
	off := false
	operation := &connector.Operation{Kind: connector.Update, Type: c.ObjectType, ID: c.Link.TargetID, Enabled: &off}
	if c.readable() && c.Refused == "" {
		if flows, err := c.evaluation.Evaluate(c.Mapping, c.input(), false); err == nil {
			c.flow(withoutPath(flows, c.EnabledPath), operation, after)
		}
	}
	c.noteEnabled(after, false)
	after.Disabled = &Disabled{Loss: c.decision.Loss, At: c.Now}
	after.Due = c.due(after)
	c.decision.After = after
	if c.Recovered && c.Current != nil && c.Current.Enabled != nil && !*c.Current.Enabled && len(operation.Modifications) == 0 {
		// The disable whose outcome was not known has been carried out.
		c.decision.Outcome, c.decision.Action, c.decision.Changes = Unchanged, ActionNone, nil
		return
	}
	c.decision.Operation = operation
	c.decision.Outcome, c.decision.Action = Sends, ActionDisable
	c.decision.Reason, c.decision.Removal = reason, true
	c.decision.Detail = c.describe(reason)
}

// cannotDisable says why an account is not disabled; an empty reason: it can be.
func (c *considering) cannotDisable() (reason, detail string) {
	switch {
	case c.protected():
		return audit.ProtectedAccount, "the account is protected and is not disabled"
	case !c.Mapping.CanUpdate():
		return audit.ActionNotAllowed, "a disable is an update, and update is not among the mapping's actions"
	case !c.CanDisable:
		return audit.DisableNotSupported, "the app cannot disable accounts of this type; the account stays as it is"
	}
	return "", ""
}

// readable reports whether the object's attributes are known. Of one who is
// gone, or whose record is broken, they say nothing.
func (c *considering) readable() bool {
	return (c.Presence == Present || c.Presence == SoftDeleted) && len(c.View.Object.Attributes) > 0
}

// graceEnds gives when the grace period of an absent object is over: it begins
// with the absence, and not before the account is disabled.
func (c *considering) graceEnds(link *Link) time.Time {
	begins := c.Since
	if link.Disabled != nil && link.Disabled.At.After(begins) {
		begins = link.Disabled.At
	}
	return begins.Add(c.Policy.GracePeriod)
}

// due gives when a lost object is to be looked at again though nothing changed.
func (c *considering) due(link *Link) time.Time {
	if c.standing == absent && c.Policy.Deleted == config.RemovalDelete {
		return c.graceEnds(link)
	}
	return time.Time{}
}

// loseAbsent disables at once and deletes after the grace period. An account
// that cannot be disabled, as no group can, waits as it is.
func (c *considering) loseAbsent(reason string) {
	why, detail := c.cannotDisable()
	switch {
	case c.Policy.Deleted == config.RemovalIgnore:
		c.skip(audit.SkipOutOfScopeDeletions, "deleted is ignore: the account is left as it is")
	case c.Policy.Deleted == config.RemovalDelete && (c.Policy.GracePeriod == 0 || why != "" && !c.Now.Before(c.graceEnds(c.Link))):
		c.delete(reason)
	case why == "":
		c.disable(reason)
	default:
		c.skip(why, detail)
		c.lookAgain()
	}
}

// deleteAfterGrace deletes an account that is disabled when the grace period of
// its absence is over.
func (c *considering) deleteAfterGrace(reason string) {
	if c.Policy.Deleted == config.RemovalDelete && !c.Now.Before(c.graceEnds(c.Link)) {
		c.delete(reason)
		return
	}
	c.keepDisabled()
}

// keepDisabled leaves an account disabled, now for the present loss.
func (c *considering) keepDisabled() {
	c.keep()
	if c.Link.Disabled.Loss != c.decision.Loss {
		after := c.Link.clone()
		after.Disabled = &Disabled{Loss: c.decision.Loss, At: c.Link.Disabled.At}
		c.decision.After = after
	}
	c.lookAgain()
}

// lookAgain has a link that is left alone say when to look at it again.
func (c *considering) lookAgain() {
	if due := c.due(c.Link); !due.Equal(c.decision.After.Due) {
		after := c.decision.After.clone()
		after.Due = due
		c.decision.After = after
	}
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
		c.skip(audit.AdoptedGroup, "the group was there before it was linked: it loses the members that were added to it and stays")
		c.decision.Members = MembersGone
	default:
		c.decision.Outcome, c.decision.Action = Sends, ActionDelete
		c.decision.Reason, c.decision.Detail = reason, c.describe(reason)
		c.decision.Removal, c.decision.After = true, nil
		c.decision.Operation = &connector.Operation{Kind: connector.Delete, Type: c.ObjectType, ID: c.Link.TargetID}
	}
}

// protected reports whether the account is on the app's list of accounts that
// are never removed or renamed (decisions 19): by its id, or by a matching value
// that it has or was linked by.
func (c *considering) protected() bool {
	if len(c.Protected) == 0 {
		return false
	}
	listed := func(value string) bool { return listed(c.Protected, value) }
	if c.Link != nil && c.Link.ProtectedBy(c.Protected) {
		return true
	}
	if c.Current != nil && c.Protected[c.Current.ID] {
		return true
	}
	for _, path := range c.Mapping.MatchingPaths() {
		if c.Link != nil {
			if sent, _ := c.Link.Sent.Get(path.String()); listed(sent.Value.String()) {
				return true
			}
		}
		if c.Current != nil && listed(c.Current.Values[path.String()].String()) {
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
	change := audit.Property{Name: path, New: c.text(value)}
	if before, ok := after.Sent.Get(path); ok {
		change.Old = c.text(before.Value)
	}
	after.Sent.set(path, Sent{Value: value}) // the policy's, no value of the object's
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
