package provision

import (
	"slices"
	"strconv"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
)

// Names of steps, as logs of the field have them.
const (
	stepImport  = "EntryImport"
	stepScoping = "EntrySynchronizationScoping"
	stepMatch   = "EntryMatching"
)

// explain writes the steps of the decision. The export's step is the
// cycle's, which alone knows the answer.
func (c *considering) explain() {
	if c.decision.Outcome == Unchanged {
		return
	}
	most := 5 // one of each type, the export among them
	if len(c.decision.Pending) > 0 {
		most++
	}
	c.decision.Steps = make([]audit.Step, 0, most)
	c.explainImport()
	if c.Presence != Unreadable && c.View != nil {
		c.explainScope()
	}
	if c.standing == inScope {
		c.explainMatch()
	}
	c.explainAction()
	if len(c.decision.Pending) > 0 {
		c.step(audit.Step{Name: audit.UnableToResolveReferenceAttributeValue, Type: audit.StepReferenceResolution, Status: audit.Warning,
			Description: "not in the app yet, written as soon as they are: " + strings.Join(c.decision.Pending, ", ")})
	}
}

func (c *considering) step(s audit.Step) { c.decision.Steps = append(c.decision.Steps, s) }

func (c *considering) explainImport() {
	s := audit.Step{Name: stepImport, Type: audit.StepImport, Status: audit.Success}
	switch c.Presence {
	case Present:
		s.Description = "read from the source"
	case SoftDeleted:
		s.Description = "deleted in the source in a way that can be undone, since " + stamp(c)
	case Absent:
		s.Description = "no longer in the source, by a complete read, since " + stamp(c)
	case Deleted:
		s.Description = "deleted in the source, by its own word, since " + stamp(c)
	case Orphaned:
		s.Description = "not seen since the source's identities changed"
	case Unreadable:
		s.Status, s.Description = audit.Failure, "the record in the source is broken"
	case Unseen:
		s.Description = "never seen in the source"
	}
	c.step(s)
}

func stamp(c *considering) string { return c.Since.UTC().Format("2006-01-02T15:04:05Z") }

func (c *considering) explainScope() {
	assigned := title(c.Assigned)
	if c.All {
		assigned = "Scope sync all"
	}
	c.details = append(c.details[:0],
		audit.Detail{Name: "IsActive", Value: title(c.Presence == Present && c.View.Enabled())},
		audit.Detail{Name: "Assigned", Value: assigned},
		audit.Detail{Name: "IsEffectivelyEntitledForProvisioning", Value: title(c.entitled())})
	for _, clause := range c.scope.Clauses {
		c.details = append(c.details, audit.Detail{Name: clause.Text, Value: title(clause.Passed)})
	}
	if !slices.Equal(c.details, c.told) {
		c.told = slices.Clone(c.details)
	}
	s := audit.Step{Name: stepScoping, Type: audit.StepScoping, Status: audit.Success, Details: c.told, Description: "in scope"}
	switch {
	case c.scopeErr != nil:
		s.Status, s.Description = audit.Failure, c.scopeErr.Error()
	case c.standing == outOfScope:
		s.Status, s.Description = audit.Skipped, c.whyOutOfScope()
	case c.standing == offInSource:
		s.Status, s.Description = audit.Skipped, "disabled in the source"
	}
	c.step(s)
}

func title(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

func (c *considering) explainMatch() {
	s := audit.Step{Name: stepMatch, Type: audit.StepMatching, Status: audit.Success}
	if c.Lost != nil {
		s.Details = audit.Details{{Name: "lost", Value: c.Lost.TargetID}}
	}
	switch {
	case c.Link != nil:
		s.Description = "linked to account " + strconv.Quote(c.Link.TargetID)
	case len(c.matches) == 0:
		s.Status, s.Description = audit.Skipped, "no matching attribute has a value"
	case c.Matches == nil:
		s.Status, s.Description = audit.Skipped, "not looked for in the app"
	default:
		for _, result := range c.Matches {
			s.Details = append(s.Details, audit.Detail{Name: result.Match.Path.String() + " = " + result.Match.Value.String(),
				Value: strconv.Itoa(len(result.Accounts)) + " found"})
		}
		switch hits := c.hits(); len(hits.Accounts) {
		case 0:
			s.Description = "no account in the app has a matching value"
		case 1:
			s.Description = "matches account " + strconv.Quote(hits.Accounts[0]) + " by " + hits.Match.Path.String()
		default:
			s.Status, s.Description = audit.Failure, "several accounts match by "+hits.Match.Path.String()
		}
	}
	c.step(s)
}

func (c *considering) explainAction() {
	s := audit.Step{Type: audit.StepProcessing, Status: audit.Success, Description: c.decision.Detail}
	switch {
	case c.decision.Outcome == Failed:
		s.Name, s.Status = "EntrySynchronizationError", audit.Failure
		if c.faulty != nil {
			s.Details = audit.DetailsOf(c.faulty.Details())
		}
	case c.decision.Outcome == Skipped:
		s.Name, s.Status = "EntrySynchronizationSkip", audit.Skipped
		s.Details = audit.Details{{Name: "SkipReason", Value: c.decision.Reason}}
	case c.decision.Action == ActionCreate:
		s.Name, s.Description = "EntrySynchronizationAdd", "an account is created"
	case c.decision.Action == ActionDelete:
		s.Name = "EntrySynchronizationDelete"
	default:
		s.Name = "EntrySynchronizationUpdate"
		if s.Description == "" {
			s.Description = "attributes that change: " + strconv.Itoa(len(c.decision.Changes))
		}
	}
	c.step(s)
}
