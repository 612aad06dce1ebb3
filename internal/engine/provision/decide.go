package provision

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

// Decide gives what is to be done in a situation. It is pure: the same
// situation and program give the same decision.
func Decide(s Situation, p *Program) Decision { return new(Decider).Decide(s, p) }

// Decider makes decisions, one after the other, with memory that it uses again:
// none of it is part of a decision.
type Decider struct {
	considering considering
	memory      memory
}

// Decide is as the function of that name.
func (d *Decider) Decide(s Situation, p *Program) Decision {
	c := &d.considering
	*c = considering{Situation: s, Program: p, memory: &d.memory}
	if c.Link != nil && c.Sought != "" && c.Sought != c.Link.TargetID {
		// Another account was looked at because the linked one is void.
		c.Lost, c.Link, c.Recovered = c.Link, nil, false
	}
	c.judge()
	if !c.unlinkedMatch() {
		return c.decision
	}
	r := rowFor(c.standing, c.linkState(), c.accountState())
	c.carryOut(r)
	if len(c.decision.Need) == 0 {
		c.explain()
	}
	return c.decision
}

// considering is a decision in the making.
type considering struct {
	Situation
	*Program

	*memory

	standing standing
	scope    scoping.Verdict
	scopeErr error
	matches  []mapping.Match
	withheld []string // paths whose new values a protected account does not get
	faulty   *mapping.EvaluationError
	texts    []string // of values, in the log
	decision Decision
}

// memory is what a decision is made with and the next one uses again.
type memory struct {
	view       mapping.View // of the situation, which stays as it is
	evaluation mapping.Evaluation
	after      Link // of an update, which most often comes to nothing
	operation  connector.Operation
	details    audit.Details
	told       audit.Details // the latest of the step that tells of scope: most objects have the same
}

// judge finds what the source object and its entitlement amount to.
func (c *considering) judge() {
	if c.View != nil {
		c.view = *c.View
	} else {
		c.view = mapping.View{Object: directory.Object{Key: c.Key}}
	}
	c.view.SoftDeleted = false
	c.View = &c.view
	switch c.Presence {
	case Unseen:
		c.standing = notInSource
	case Unreadable:
		c.standing = unreadable
		if !c.entitled() {
			// That somebody is not assigned shows without the record, which blocks
			// no removal (decisions 18).
			c.standing, c.decision.Loss = outOfScope, LossOutOfScope
		}
	case Orphaned:
		c.standing = orphaned
	case Absent:
		c.standing, c.decision.Loss = absent, LossAbsent
	case Deleted:
		c.standing, c.decision.Loss = deleted, LossDeleted
	case SoftDeleted:
		c.standing, c.decision.Loss = offInSource, LossDisabled
	case Present:
		// All parts are evaluated, so that the log can tell of each.
		c.scope, c.scopeErr = c.Scope.Evaluate(c.View.Attribute)
		switch {
		case !c.View.Enabled():
			c.standing, c.decision.Loss = offInSource, LossDisabled
		case !c.entitled():
			c.standing, c.decision.Loss = outOfScope, LossOutOfScope
		case c.scopeErr != nil:
			c.standing = unjudgeable
		case !c.scope.InScope:
			c.standing, c.decision.Loss = outOfScope, LossOutOfScope
		default:
			c.standing = inScope
		}
	}
	c.View.SoftDeleted = c.decision.Loss != LossNone
	gone := c.standing == absent || c.standing == deleted || c.standing == notInSource
	if gone && c.Link == nil && len(c.Assignments) > 0 {
		c.standing = voidAssignment
	}
}

// entitled reports whether the object may be in scope at all.
func (c *considering) entitled() bool { return c.All || c.Assigned }

func (c *considering) linkState() linkState {
	switch {
	case c.Link == nil:
		return unlinked
	case c.Link.Unproven:
		return unproven
	case c.Link.Disabled != nil && c.Link.Disabled.Loss == LossOutOfScope:
		return retired
	case c.Link.Disabled != nil:
		return disabled
	}
	return live
}

func (c *considering) accountState() accountState {
	switch {
	case c.Missing:
		return missing
	case c.Current != nil && c.Link != nil && c.Link.Unproven && !c.confirms(c.Current):
		return contradicts
	case c.Owner != "":
		return ownedElsewhere
	case c.Current != nil:
		return read
	case c.Matches == nil || c.Link != nil:
		return notLookedUp
	}
	switch hits := c.hits(); len(hits.Accounts) {
	case 0:
		return noneFound
	case 1:
		return oneFound
	}
	return severalFound
}

// hits gives the first matching attribute that found an account.
func (c *considering) hits() MatchResult {
	for _, result := range c.Matches {
		if len(result.Accounts) > 0 {
			return result
		}
	}
	return MatchResult{}
}

// confirms reports whether an account holds the matching value that the object
// has, or had when the link was made.
func (c *considering) confirms(account *connector.Account) bool {
	for _, m := range c.matches {
		value, ok := account.Values[m.Path.String()]
		if ok && Fold(c.Mapping, m.Path, value) == Fold(c.Mapping, m.Path, m.Value) {
			return true
		}
	}
	for _, claim := range c.Link.Claims {
		path, err := directory.ParsePath(claim.Path)
		if err != nil {
			continue
		}
		if value, ok := account.Values[claim.Path]; ok && Fold(c.Mapping, path, value) == claim.Value {
			return true
		}
	}
	return false
}

// Fold gives the text by which matching values are compared: as it is where
// the target tells case apart, else folded (decisions 25).
func Fold(m *mapping.Compiled, path directory.Path, value directory.Value) string {
	if m.CaseExact(path) {
		return value.String()
	}
	return directory.Fold(value.String())
}

// Claims gives an object's matching values as claims.
func Claims(m *mapping.Compiled, matches []mapping.Match) []Claim {
	claims := make([]Claim, len(matches))
	for i, match := range matches {
		claims[i] = Claim{match.Path.String(), Fold(m, match.Path, match.Value)}
	}
	return claims
}

func (c *considering) input() mapping.Input {
	taken := c.Taken
	if taken == nil {
		taken = func(directory.Path, string) (bool, bool, error) { return false, false, nil } // to be looked up
	}
	return mapping.Input{View: c.View, Now: c.Now, Random: c.Random, Taken: taken}
}

// unlinkedMatch finds the matching values of an object that is to be
// provisioned. false: the decision is made, since it has none.
func (c *considering) unlinkedMatch() bool {
	if c.standing != inScope {
		return true
	}
	var err error
	if c.matches, err = c.evaluation.Matches(c.Mapping, c.input()); err != nil {
		if c.Link != nil {
			return true // the link is what counts; evaluation will tell the error
		}
		c.failEvaluation(err)
		c.explain()
		return false
	}
	if c.Link != nil {
		return true // whoever else has its matching value, it goes on (decisions 25)
	}
	switch {
	case len(c.matches) == 0:
		c.skip(audit.EntryJoiningPropertyValueIsMissing, "the object has no value for any matching attribute")
	case len(c.Rivals) > 0:
		names := make([]string, len(c.Rivals))
		for i, rival := range c.Rivals {
			names[i] = rival.String()
		}
		c.fail(audit.DuplicateSourceEntries, "has the same matching value as "+strings.Join(names, ", ")+"; neither is written")
	case !c.Mapping.CanCreate() && !c.Mapping.CanUpdate():
		c.skip(audit.ActionNotAllowed, "neither create nor update is among the mapping's actions")
	case c.Matches == nil && c.evaluation.Ignores(c.Mapping, c.input()): // then no account is looked for
		c.failEvaluation(mapping.ErrIgnoreObject)
	default:
		return true
	}
	c.explain()
	return false
}

// carryOut turns a row of the table into the decision.
func (c *considering) carryOut(r row) {
	if c.Link == nil && !c.entitled() && r.verdict == skip {
		r.reason = audit.NotEffectivelyEntitled // nothing is said of those neither assigned nor linked (decisions 29)
	}
	if r.reason == audit.NotInScope && !c.entitled() {
		r.reason = audit.NotEffectivelyEntitled
	}
	switch r.verdict {
	case lookForMatch:
		c.need(Lookup{Kind: LookupMatch, Matches: slices.Clone(c.matches)})
	case lookAtAccount:
		if c.Link != nil {
			c.need(Lookup{Kind: LookupCurrent, ID: c.Link.TargetID})
		} else {
			c.need(Lookup{Kind: LookupCurrent, ID: c.hits().Accounts[0]})
		}
	case matchAgain:
		c.Lost, c.Link, c.Recovered = c.Link, nil, false
		c.Current, c.Missing, c.Owner = nil, false, ""
		if c.unlinkedMatch() {
			c.carryOut(rowFor(c.standing, c.linkState(), c.accountState()))
		}
	case createAccount:
		c.create()
	case updateAccount:
		c.update()
	case loseScope:
		switch c.Policy.OutOfScope {
		case config.RemovalDelete:
			c.delete(r.reason)
		case config.RemovalDisable:
			if c.Link.Disabled != nil {
				c.keepDisabled()
			} else {
				c.disable(r.reason)
			}
		default:
			c.skip(audit.SkipOutOfScopeDeletions, "out_of_scope is ignore: the account is left as it is")
		}
	case disableAccount:
		c.disable(r.reason)
	case disableThenWait:
		c.loseAbsent(r.reason)
	case afterGrace:
		c.deleteAfterGrace(r.reason)
	case deleteAccount:
		switch c.Policy.Deleted {
		case config.RemovalDelete:
			c.delete(r.reason)
		case config.RemovalDisable:
			if c.Link.Disabled != nil {
				c.keepDisabled()
			} else {
				c.disable(r.reason)
			}
		default:
			c.skip(audit.SkipOutOfScopeDeletions, "deleted is ignore: the account is left as it is")
		}
	case keepAsIs:
		c.keep()
	case staysDisabled:
		c.keepDisabled()
	case endLink:
		c.skip(r.reason, "the linked account is gone: there is nothing to disable or delete, and the link ends")
		c.decision.After = nil
	case skip:
		c.skip(r.reason, c.describe(r.reason))
	case fail:
		c.fail(r.reason, c.describe(r.reason))
	}
}

// describe says more of a row's reason.
func (c *considering) describe(reason string) string {
	switch reason {
	case audit.InvalidSourceRecord:
		if c.Problem != nil {
			return c.Problem.Where + ": " + c.Problem.Detail
		}
	case audit.EvaluationFailed:
		if c.scopeErr != nil {
			return c.scopeErr.Error()
		}
	case audit.DuplicateTargetEntries:
		hits := c.hits()
		return fmt.Sprintf("%s = %q is held by the accounts %s; none of them is written",
			hits.Match.Path, hits.Match.Value, strings.Join(hits.Accounts, ", "))
	case audit.OwnedByAnother:
		return "the account belongs to " + c.Owner + " already"
	case audit.NotInScope, audit.NotEffectivelyEntitled:
		return c.whyOutOfScope()
	case audit.LinkUnproven:
		return "the link dates from before the app's connection or source changed and was not confirmed; it never gives a removal"
	case audit.SourceEpochChanged:
		return "what identifies an object in the source has changed and this one was not matched again; its account is left as it is"
	}
	return ""
}

func (c *considering) whyOutOfScope() string {
	switch {
	case c.standing == voidAssignment:
		return "assigned to the app, but no longer in the source: the assignment is void"
	case !c.entitled():
		return "not assigned to the app"
	}
	var failed []string
	for _, clause := range c.scope.Clauses {
		if !clause.Passed {
			failed = append(failed, clause.Text)
		}
	}
	return "no scoping filter passes: " + strings.Join(failed, "; ")
}

func (c *considering) need(lookups ...Lookup) { c.decision.Need = append(c.decision.Need, lookups...) }

func (c *considering) skip(reason, detail string) {
	c.decision.Outcome, c.decision.Action, c.decision.Reason, c.decision.Detail = Skipped, ActionNone, reason, detail
	c.decision.After = c.Link
	if c.Link != nil && !c.Link.Due.IsZero() {
		c.decision.After = c.Link.clone() // time alone changes nothing
		c.decision.After.Due = time.Time{}
	}
}

func (c *considering) fail(reason, detail string) {
	c.decision.Outcome, c.decision.Action, c.decision.Reason, c.decision.Detail = Failed, ActionNone, reason, detail
	c.decision.After = c.Link
	if c.Lost != nil {
		c.decision.After = c.Lost // it is not void before another takes its place
	}
	c.decision.Changes, c.decision.Pending = nil, nil
}

// keep leaves everything as it is.
func (c *considering) keep() {
	c.decision.Outcome, c.decision.Action, c.decision.After = Unchanged, ActionNone, c.Link
}

// failEvaluation turns an error of the mapping into the decision: a need for
// a look-up, a skip, or a failure of this object alone.
func (c *considering) failEvaluation(err error) {
	var need *mapping.NeedUnique
	var evaluation *mapping.EvaluationError
	switch {
	case errors.As(err, &need):
		c.need(Lookup{Kind: LookupUnique, Path: need.Path, Value: need.Value})
	case errors.Is(err, mapping.ErrIgnoreObject):
		c.skip(audit.IgnoreObjectFlow, "the mapping says IgnoreObjectFlow for this object")
	case errors.As(err, &evaluation):
		c.faulty = evaluation
		c.fail(evaluation.Code, evaluation.Error())
	default:
		c.fail(audit.EvaluationFailed, err.Error())
	}
}
