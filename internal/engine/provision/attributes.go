package provision

import (
	"fmt"
	"slices"
	"strings"
	"time"

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
	flows, err := c.evaluation.Evaluate(c.Mapping, c.input(), true)
	if err != nil {
		c.failEvaluation(err)
		return
	}
	most := len(c.References)
	for _, f := range flows {
		if !f.Value.IsNull() || !f.Default.IsNull() {
			most++
		}
	}
	after := &Link{CreatedByUs: true, LinkedAt: c.Now, Sent: make(SentValues, 0, most)}
	operation := &connector.Operation{Kind: connector.Create, Type: c.ObjectType, Modifications: make([]connector.Modification, 0, most)}
	c.decision.Changes = make([]audit.Property, 0, most)
	c.texts = make([]string, 0, most)
	var missing []string
	for _, f := range flows {
		path := f.Name
		value, own := f.Value, f.Own && f.Apply == mapping.ApplyAlways
		if value.IsNull() {
			value, own = f.Default, false
		}
		if !value.IsNull() {
			c.set(f, value, directory.Null, operation)
			after.Sent = append(after.Sent, SentAt{path, Sent{Value: value, Own: own}})
			continue
		}
		if f.Required {
			missing = append(missing, path)
		}
		if f.WhenNull == mapping.Clear {
			after.Sent = append(after.Sent, SentAt{Path: path}) // there is nothing to clear
		}
	}
	if len(missing) > 0 {
		c.fail(audit.MissingValues, "the app requires "+strings.Join(missing, ", ")+", and the mapping gives no value")
		return
	}
	if !c.refer(operation, after) {
		return
	}
	c.decision.Operation, c.decision.After = operation, after
	c.decision.Outcome, c.decision.Action = Sends, ActionCreate
	c.remember(after)
}

// update brings an account in step: what differs from what was sent, or, when
// the account was read, from what it has.
func (c *considering) update() {
	after, operation := &c.after, &c.operation
	sent := after.Sent[:0]
	*after = Link{}
	adopting := c.Link == nil
	if adopting {
		after.TargetID = c.Current.ID
		after.LinkedAt, after.CreatedByUs = c.Now, c.Recovered
	} else {
		*after = *c.Link
	}
	after.Sent = append(sent, after.Sent...)
	after.Unproven = false
	*operation = connector.Operation{Kind: connector.Update, Type: c.ObjectType, ID: after.TargetID}
	if c.Current != nil {
		operation.Version = c.Current.Version
	}
	if c.Mapping.CanUpdate() {
		flows, err := c.evaluation.Evaluate(c.Mapping, c.input(), false)
		if err != nil {
			c.failEvaluation(err)
			return
		}
		if c.enable(flows, operation, after) {
			flows = withoutPath(flows, c.EnabledPath)
		}
		c.forgetUnmapped(after)
		c.flow(flows, operation, after)
		if !c.refer(operation, after) {
			return
		}
		if c.ObjectType == directory.Group {
			c.decision.Members = MembersKept
		}
	}
	c.remember(after)
	sends := len(operation.Modifications) > 0 || operation.Enabled != nil
	c.decision.After = c.Link
	if adopting || sends || len(c.withheld) > 0 || !after.equal(c.Link) {
		c.decision.After = after.clone()
	}
	if len(c.withheld) > 0 {
		c.decision.Detail = "the account is protected and keeps its " + strings.Join(c.withheld, ", ")
	}
	if sends {
		sent := *operation
		c.decision.Operation, c.decision.Outcome, c.decision.Action = &sent, Sends, ActionUpdate
		return
	}
	c.decision.Outcome, c.decision.Action = Unchanged, ActionNone
	switch {
	case len(c.withheld) > 0:
		c.decision.Outcome, c.decision.Reason = Skipped, audit.ProtectedAccount
	case !adopting:
	case !c.Mapping.CanUpdate():
		c.decision.Outcome, c.decision.Reason = Skipped, audit.ActionNotAllowed
		c.decision.Detail = "the account is linked and left as it is: update is not among the mapping's actions"
	case !c.Recovered:
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
		if f.Path == c.EnabledPath && isFalse(f.Value) {
			return false
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
	enabled := c.EnabledPath.String()
	after.Sent = slices.DeleteFunc(after.Sent, func(left SentAt) bool { return left.Path != enabled && !c.Mapping.Maps(left.Path) })
}

// flow adds to an operation what the flows change.
func (c *considering) flow(flows []mapping.Flow, operation *connector.Operation, after *Link) {
	at := 0
	for _, f := range flows {
		path := f.Name
		var before Sent
		var known bool
		at, before, known = after.Sent.behind(at, path)
		own := before.Own || c.Recovered && f.Own && !(known && same(before.Value, f.Value, f.CaseExact))
		if c.Current != nil && !f.WriteOnly && !c.Current.Unreadable[path] {
			before, known = c.standingValue(f, before)
		}
		if c.withholds(f, before) {
			if known {
				after.Sent.setAt(at, path, before)
			}
			continue
		}
		switch {
		case f.Value.IsNull() && f.NoSource:
			if known && before.Value.IsNull() && c.Current != nil && !f.Default.IsNull() {
				c.set(f, f.Default, before.Value, operation)
				after.Sent.setAt(at, path, Sent{Value: f.Default})
			}
		case f.Value.IsNull() && f.Apply == mapping.ApplyAddValues:
			// What was added is never removed.
		case f.Value.IsNull():
			c.clear(f, before, known, operation, after)
		case f.Apply == mapping.ApplyAddValues:
			c.addValues(f, before, operation, after)
		case known && same(before.Value, f.Value, f.CaseExact):
			after.Sent.setAt(at, path, Sent{Value: before.Value, Own: own && c.Lost == nil})
		default:
			c.set(f, f.Value, before.Value, operation)
			after.Sent.setAt(at, path, Sent{Value: f.Value, Own: f.Own})
		}
	}
}

// withholds reports whether a value is kept from a protected account: it is
// neither renamed nor disabled (decisions 19).
func (c *considering) withholds(f mapping.Flow, before Sent) bool {
	if len(c.Protected) == 0 {
		return false
	}
	clears := f.WhenNull == mapping.Clear || f.WhenNull == mapping.ClearOwn && before.Own
	if f.Value.IsNull() && !clears || same(before.Value, f.Value, f.CaseExact) || !c.protected() {
		return false
	}
	if slices.Contains(c.Mapping.MatchingPaths(), f.Path) || f.Path == c.EnabledPath && isFalse(f.Value) {
		c.withheld = append(c.withheld, f.Name)
		return true
	}
	return false
}

// standingValue gives what the account has now. A value that was found equal
// to ours by accident is not ours.
func (c *considering) standingValue(f mapping.Flow, before Sent) (Sent, bool) {
	value := c.Current.Values[f.Name]
	switch {
	case c.Lost == nil && before.Own && holds(value, before.Value, true):
		return before, true
	case !same(value, f.Value, f.CaseExact) && holds(value, f.Value, f.CaseExact):
		value = f.Value // what the target adds of its own is not compared again
	}
	return Sent{Value: value}, true
}

func (c *considering) set(f mapping.Flow, value, before directory.Value, operation *connector.Operation) {
	c.modify(f, connector.Set, value, operation)
	c.changed(f, before, value)
}

// modify adds to an operation what is done to an attribute.
func (c *considering) modify(f mapping.Flow, verb connector.Verb, value directory.Value, operation *connector.Operation) {
	operation.Modifications = append(operation.Modifications, connector.Modification{Path: f.Path, Verb: verb, Value: value})
}

// clear takes a value back, by the rule's when_null.
func (c *considering) clear(f mapping.Flow, before Sent, known bool, operation *connector.Operation, after *Link) {
	path := f.Name
	switch {
	case known && before.Value.IsNull():
	case f.WhenNull == mapping.Clear && !f.Default.IsNull() && same(before.Value, f.Default, f.CaseExact):
		// The default stands in for a value from creation on.
	case f.WhenNull == mapping.Clear, f.WhenNull == mapping.ClearOwn && known && before.Own:
		c.modify(f, connector.Clear, directory.Null, operation)
		c.changed(f, before.Value, directory.Null)
		after.Sent.set(path, Sent{})
		return
	}
	if known {
		after.Sent.set(path, before)
	}
}

// addValues adds those values that are missing and removes none.
func (c *considering) addValues(f mapping.Flow, before Sent, operation *connector.Operation, after *Link) {
	have := elements(before.Value)
	var missing []directory.Value
	for _, value := range elements(f.Value) {
		there := func(v directory.Value) bool { return coversOne(v, value, f.CaseExact) }
		if !slices.ContainsFunc(have, there) && !slices.ContainsFunc(missing, there) {
			missing = append(missing, value)
		}
	}
	if len(missing) == 0 {
		after.Sent.set(f.Name, before)
		return
	}
	all := directory.List(append(slices.Clone(have), missing...)...)
	c.modify(f, connector.Add, directory.List(missing...), operation)
	c.changed(f, before.Value, all)
	after.Sent.set(f.Name, Sent{Value: all})
}

// refer adds single references, such as the manager. One that has no account
// yet is left out until all accounts exist; then it is absent, and what we
// wrote before is taken back. false: the object fails, since it has several
// where one is wanted.
func (c *considering) refer(operation *connector.Operation, after *Link) bool {
	for _, reference := range c.Mapping.References() {
		if reference.Multi || reference.Apply == mapping.ApplyOnCreate && operation.Kind != connector.Create {
			continue
		}
		path := reference.Name
		f := mapping.Flow{Rule: reference.Rule}
		before, known := after.Sent.Get(path)
		recorded := before.Value.String()
		if c.Current != nil && !c.Current.Unreadable[path] {
			before, known = c.standingValue(f, before)
		}
		var referred *Referred
		several := 0
		for i := range c.References {
			if c.References[i].Attribute == reference.Attribute {
				referred = &c.References[i]
				several++
			}
		}
		if several > 1 {
			c.fail(audit.SchemaPropertyCanOnlyAcceptValue,
				fmt.Sprintf("%s takes one value and %s has %d; leave one in the source", path, reference.Attribute, several))
			return false
		}
		wanted := ""
		if referred != nil {
			if wanted = referred.TargetID; wanted == "" {
				c.decision.Pending = append(c.decision.Pending, referred.Name)
			}
		}
		switch {
		case wanted != "" && known && before.Value.String() == wanted:
			own := before.Own || c.Recovered && recorded != wanted && reference.Apply != mapping.ApplyOnCreate
			after.Sent.set(path, Sent{Value: before.Value, Own: own})
		case wanted != "":
			c.set(f, directory.Text(wanted), before.Value, operation)
			after.Sent.set(path, Sent{Value: directory.Text(wanted), Own: reference.Apply != mapping.ApplyOnCreate})
		case referred != nil && !c.ReferencesFinal:
			if known {
				after.Sent.set(path, before)
			}
		default:
			c.clear(f, before, known, operation, after)
		}
		if n := len(operation.Modifications); n > 0 && operation.Modifications[n-1].Path == reference.Path {
			operation.Modifications[n-1].Reference = true
		}
	}
	return true
}

// remember notes what the link keeps of the object.
func (c *considering) remember(after *Link) {
	after.Claims = Claims(c.Mapping, c.matches)
	after.Display = c.View.Display()
	after.Assignment = c.Assignments
	after.Due = time.Time{}
}

func (c *considering) changed(f mapping.Flow, before, after directory.Value) {
	change := audit.Property{Name: f.Name, Old: c.text(before), New: c.text(after)}
	if f.Redacted {
		c.decision.redacted = append(c.decision.redacted, f.Name)
		change.Old, change.New = hide(change.Old), hide(change.New)
	}
	c.decision.Changes = append(c.decision.Changes, change)
}

func hide(value *string) *string {
	if value == nil {
		return nil
	}
	hidden := redacted
	return &hidden
}

// text gives a value for the log; all those of a decision share one list.
func (c *considering) text(v directory.Value) *string {
	if v.IsNull() {
		return nil
	}
	c.texts = append(c.texts, v.String())
	return &c.texts[len(c.texts)-1]
}

func text(v directory.Value) *string {
	if v.IsNull() {
		return nil
	}
	s := v.String()
	return &s
}

// Completed gives the link after the operation that Decide gave was carried
// out, and which values the app did not take: they differ in what it sent back,
// and are not sent again and again.
func (d *Decision) Completed(receipt connector.Receipt) (*Link, []audit.Property) {
	after := d.After
	if after == nil {
		return nil, nil
	}
	completed := *after // what was sent is only read
	after = &completed
	if receipt.ID != "" {
		after.TargetID = receipt.ID
	}
	var refused []audit.Property
	if receipt.Account == nil || d.Operation == nil {
		return after, nil
	}
	for i := range d.Operation.Modifications {
		m := &d.Operation.Modifications[i]
		path := m.Path.String()
		came, given := receipt.Account.Values[path]
		writes := m.Verb == connector.Set || m.Verb == connector.Clear
		if !writes || m.Reference || !given && receipt.Account.Unreadable[path] {
			continue
		}
		if holds(came, m.Value, false) {
			continue
		}
		property := audit.Property{Name: path, Old: text(came), New: text(m.Value)}
		if slices.Contains(d.redacted, path) {
			property.Old, property.New = hide(property.Old), hide(property.New)
		}
		refused = append(refused, property)
	}
	return after, refused
}
