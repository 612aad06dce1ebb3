package provision

import (
	"fmt"
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
)

// redacted stands in the log for a value that an expression redacts.
const redacted = "[Redact]"

// create makes an account with every value that there is.
func (c *considering) create() {
	if !c.Mapping.CanCreate() {
		c.skip(audit.ActionNotAllowed, "no account matches, and create is not among the mapping's actions")
		return
	}
	if c.Refused != "" {
		c.fail(audit.EntryConflict, "the app refuses the account and no account is found that stands in the way: "+c.Refused)
		return
	}
	flows, err := c.Mapping.Evaluate(c.input(), true)
	if err != nil {
		c.failEvaluation(err)
		return
	}
	after := (*Link)(nil).clone()
	after.CreatedByUs, after.LinkedAt = true, c.Now
	operation := &connector.Operation{Kind: connector.Create, Type: c.ObjectType}
	var missing []string
	for _, f := range flows {
		value, own := f.Value, f.Own && f.Apply != mapping.ApplyOnCreate
		if value.IsNull() {
			value, own = f.Default, false
		}
		if value.IsNull() {
			if f.Required {
				missing = append(missing, f.Path.String())
			}
			continue
		}
		path := f.Path.String()
		operation.Modifications = append(operation.Modifications, connector.Modification{Path: f.Path, Verb: connector.Set, Value: value})
		after.Sent[path] = Sent{Value: value, Own: own}
		c.changed(f, nil, text(value))
	}
	if len(missing) > 0 {
		c.fail(audit.MissingValues, "the app requires "+strings.Join(missing, ", ")+", and the mapping gives no value")
		return
	}
	c.refer(operation, after)
	c.decision.Operation, c.decision.After = operation, after
	c.decision.Outcome, c.decision.Action = Sends, ActionCreate
	c.remember(after)
}

// update brings an account in step: what differs from what was sent, or, when
// the account was read, from what it has.
func (c *considering) update() {
	after := c.Link.clone()
	adopting := c.Link == nil
	if adopting {
		after.TargetID = c.Current.ID
		after.LinkedAt, after.CreatedByUs = c.Now, c.Recovered
	}
	after.Unproven = false
	operation := &connector.Operation{Kind: connector.Update, Type: c.ObjectType, ID: after.TargetID}
	if c.Current != nil {
		operation.Version = c.Current.Version
	}
	c.decision.Operation, c.decision.After = operation, after
	if c.Mapping.CanUpdate() {
		flows, err := c.Mapping.Evaluate(c.input(), false)
		if err != nil {
			c.failEvaluation(err)
			return
		}
		if c.enable(flows, operation, after) {
			flows = withoutPath(flows, c.EnabledPath)
		}
		c.forgetUnmapped(after)
		c.flow(flows, operation, after)
		c.refer(operation, after)
	}
	c.remember(after)
	if c.ObjectType == directory.Group {
		c.decision.Members = MembersKept
	}
	if len(operation.Modifications) > 0 || operation.Enabled != nil {
		c.decision.Outcome, c.decision.Action = Sends, ActionUpdate
		return
	}
	c.decision.Operation, c.decision.Action = nil, ActionNone
	c.decision.Outcome = Unchanged
	if adopting && !c.Recovered {
		// The account is as it should be: linking it is worth an entry.
		c.decision.Outcome, c.decision.Reason = Skipped, audit.RedundantExport
		c.decision.Detail = "the account has all values already; it is linked"
	}
}

// enable takes back a disable of ours. It leaves the enabled attribute to the
// mapping when that would disable the account itself.
func (c *considering) enable(flows []mapping.Flow, operation *connector.Operation, after *Link) bool {
	if after.Disabled == nil {
		return false
	}
	after.Disabled = nil
	for _, f := range flows {
		if f.Path == c.EnabledPath {
			if enabled, ok := f.Value.AsBoolean(); ok && !enabled {
				return false
			}
		}
	}
	on := true
	operation.Enabled = &on
	c.noteEnabled(after, true)
	return true
}

// forgetUnmapped drops what is remembered of attributes that no rule maps any
// more: their values stand, and are not ours to compare.
func (c *considering) forgetUnmapped(after *Link) {
	mapped := make(map[string]bool)
	for _, path := range c.Mapping.Paths() {
		mapped[path.String()] = true
	}
	for _, reference := range c.Mapping.References() {
		mapped[reference.Path.String()] = true
	}
	if !c.EnabledPath.IsZero() {
		mapped[c.EnabledPath.String()] = true
	}
	for path := range after.Sent {
		if !mapped[path] {
			delete(after.Sent, path)
		}
	}
}

// flow adds to an operation what the flows change.
func (c *considering) flow(flows []mapping.Flow, operation *connector.Operation, after *Link) {
	for _, f := range flows {
		if c.protected() && slices.Contains(c.Mapping.MatchingPaths(), f.Path) {
			continue // a protected account is not renamed
		}
		path := f.Path.String()
		before, known := after.Sent[path]
		if c.Current != nil && !f.WriteOnly && !c.Current.Unreadable[path] {
			before, known = c.standingValue(path, before)
		}
		switch {
		case f.Value.IsNull() && f.NoSource:
			if known && before.Value.IsNull() && c.Current != nil && !f.Default.IsNull() {
				c.set(f, f.Default, before.Value, operation)
				after.Sent[path] = Sent{Value: f.Default}
			}
		case f.Value.IsNull():
			c.clear(f, before, known, operation, after)
		case f.Apply == mapping.ApplyAddValues:
			c.addValues(f, before, operation, after)
		case known && same(before.Value, f.Value, f.CaseExact):
			after.Sent[path] = Sent{Value: before.Value, Own: before.Own || c.Recovered && f.Own}
		default:
			c.set(f, f.Value, before.Value, operation)
			after.Sent[path] = Sent{Value: f.Value, Own: f.Own}
		}
	}
}

// standingValue gives what the account has now. A value that was found equal
// to ours by accident is not ours.
func (c *considering) standingValue(path string, before Sent) (Sent, bool) {
	value := c.Current.Values[path]
	if c.Lost == nil && before.Own && same(before.Value, value, true) {
		return before, true
	}
	return Sent{Value: value}, true
}

func (c *considering) set(f mapping.Flow, value, before directory.Value, operation *connector.Operation) {
	operation.Modifications = append(operation.Modifications, connector.Modification{Path: f.Path, Verb: connector.Set, Value: value})
	c.changed(f, text(before), text(value))
}

// clear takes a value back, by the rule's when_null.
func (c *considering) clear(f mapping.Flow, before Sent, known bool, operation *connector.Operation, after *Link) {
	path := f.Path.String()
	switch {
	case known && before.Value.IsNull():
	case f.WhenNull == mapping.Clear, f.WhenNull == mapping.ClearOwn && known && before.Own:
		operation.Modifications = append(operation.Modifications, connector.Modification{Path: f.Path, Verb: connector.Clear})
		c.changed(f, text(before.Value), nil)
		after.Sent[path] = Sent{}
		return
	}
	if known {
		after.Sent[path] = before
	}
}

// addValues adds those values that are missing and removes none.
func (c *considering) addValues(f mapping.Flow, before Sent, operation *connector.Operation, after *Link) {
	have := elements(before.Value)
	var missing []directory.Value
	for _, value := range elements(f.Value) {
		if !slices.ContainsFunc(have, func(v directory.Value) bool { return same(v, value, f.CaseExact) }) {
			missing = append(missing, value)
		}
	}
	if len(missing) == 0 {
		after.Sent[f.Path.String()] = before
		return
	}
	all := directory.List(append(slices.Clone(have), missing...)...)
	operation.Modifications = append(operation.Modifications,
		connector.Modification{Path: f.Path, Verb: connector.Add, Value: directory.List(missing...)})
	c.changed(f, text(before.Value), text(all))
	after.Sent[f.Path.String()] = Sent{Value: all}
}

// refer adds single references, such as the manager. One that has no account
// yet is left out until all accounts exist; then it is absent, and what we
// wrote before is taken back.
func (c *considering) refer(operation *connector.Operation, after *Link) {
	for _, reference := range c.Mapping.References() {
		if reference.Multi || reference.Apply == mapping.ApplyOnCreate && operation.Kind != connector.Create {
			continue
		}
		path := reference.Path.String()
		f := mapping.Flow{Path: reference.Path, WhenNull: reference.WhenNull, Own: true}
		before, known := after.Sent[path]
		if c.Current != nil && !c.Current.Unreadable[path] {
			before, known = c.standingValue(path, before)
		}
		wanted := ""
		unresolved := false
		for _, r := range c.References[reference.Attribute] {
			if r.TargetID == "" {
				c.decision.Pending = append(c.decision.Pending, r.Name)
				unresolved = true
				continue
			}
			wanted = r.TargetID
		}
		switch {
		case wanted != "" && known && before.Value.String() == wanted:
			after.Sent[path] = before
		case wanted != "":
			operation.Modifications = append(operation.Modifications,
				connector.Modification{Path: reference.Path, Verb: connector.Set, Value: directory.Text(wanted), Reference: true})
			c.changed(f, text(before.Value), &wanted)
			after.Sent[path] = Sent{Value: directory.Text(wanted), Own: true}
		case unresolved && !c.ReferencesFinal:
			if known {
				after.Sent[path] = before
			}
		default:
			c.clear(f, before, known, operation, after)
			if n := len(operation.Modifications); n > 0 && operation.Modifications[n-1].Path == reference.Path {
				operation.Modifications[n-1].Reference = true
			}
		}
	}
}

// remember notes what the link keeps of the object.
func (c *considering) remember(after *Link) {
	after.Claims = Claims(c.Mapping, c.matches)
	after.Display = c.View.Display()
	after.Assignment = c.Assignments
	after.Due = c.due()
}

func (c *considering) changed(f mapping.Flow, before, after *string) {
	if f.Redacted {
		hidden := redacted
		if before != nil {
			before = &hidden
		}
		if after != nil {
			after = &hidden
		}
	}
	c.decision.Changes = append(c.decision.Changes, audit.Property{Name: f.Path.String(), Old: before, New: after})
}

func text(v directory.Value) *string {
	if v.IsNull() {
		return nil
	}
	s := v.String()
	return &s
}

func elements(v directory.Value) []directory.Value {
	if v.IsNull() {
		return nil
	}
	if v.Kind() == directory.KindList {
		return v.Values()
	}
	return []directory.Value{v}
}

// same compares as the target does: several values as sets, texts without case
// unless the attribute is case-exact, a boolean equal to its text.
func same(a, b directory.Value, caseExact bool) bool {
	if a.Equal(b) {
		return true
	}
	x, y := elements(a), elements(b)
	if a.Kind() == directory.KindList || b.Kind() == directory.KindList {
		if len(x) != len(y) {
			return false
		}
		for _, v := range x {
			if !slices.ContainsFunc(y, func(w directory.Value) bool { return sameOne(v, w, caseExact) }) {
				return false
			}
		}
		return true
	}
	return len(x) == len(y) && (len(x) == 0 || sameOne(x[0], y[0], caseExact))
}

func sameOne(a, b directory.Value, caseExact bool) bool {
	if a.Kind() == directory.KindComplex || b.Kind() == directory.KindComplex {
		return a.Equal(b)
	}
	x, y := a.String(), b.String()
	return x == y || !caseExact && directory.Fold(x) == directory.Fold(y)
}

// Completed gives the link after an operation was carried out, and which
// values the app did not take: they differ in what it sent back, and are not
// sent again and again.
func (d Decision) Completed(receipt connector.Receipt) (*Link, []audit.Property) {
	after := d.After
	if after == nil {
		return nil, nil
	}
	after = after.clone()
	if receipt.ID != "" {
		after.TargetID = receipt.ID
	}
	var refused []audit.Property
	if receipt.Account == nil || d.Operation == nil {
		return after, nil
	}
	for _, m := range d.Operation.Modifications {
		path := m.Path.String()
		came, given := receipt.Account.Values[path]
		if m.Verb != connector.Set || m.Reference || !given && receipt.Account.Unreadable[path] {
			continue
		}
		if !same(came, m.Value, false) {
			sent := fmt.Sprint(m.Value)
			refused = append(refused, audit.Property{Name: path, Old: text(came), New: &sent})
		}
	}
	return after, refused
}
