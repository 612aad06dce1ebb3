package provision

import (
	"io"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

// Program is the compiled configuration of one object type of one app.
// It is immutable.
type Program struct {
	ObjectType string
	Mapping    *mapping.Compiled
	Scope      *scoping.Compiled
	All        bool // scope = "all": no assignment is needed
	Policy     config.Deprovisioning
	Protected  map[string]bool // matching values, folded, and ids never to be removed or renamed

	CanDisable  bool
	CanDelete   bool
	EnabledPath directory.Path // the attribute that Operation.Enabled writes; zero for none
}

// Matched gives the source's own names of the attributes that it takes to decide
// whether an object has to be matched, and by which values; nil: all.
func (p *Program) Matched() []string {
	names, some := p.Mapping.Matched()
	if !some {
		return nil
	}
	names = append(append(names, mapping.AccountEnabled), p.Scope.Attributes()...)
	return p.Mapping.Source.Own(names)
}

// Presence is what the source says about the existence of an object.
type Presence uint8

// The presences.
const (
	Unseen      Presence = iota // the source never told of it
	Present                     // it is there
	SoftDeleted                 // deleted in a way that can be undone
	Absent                      // not in a complete read, or it left what is read
	Deleted                     // gone for ever by the source's own word
	Orphaned                    // known from another epoch of the source only
	Unreadable                  // it is there but its record is broken
)

// Situation is all that is known when a decision is made. Nil fields of what
// can be looked up mean that it was not looked up yet.
type Situation struct {
	Now    time.Time
	Random io.Reader // seeded by object, so that a decision made again is the same
	Key    directory.Key

	Presence    Presence
	Since       time.Time // of the presence
	View        *mapping.View
	Problem     *connector.Problem // of an unreadable record
	Assigned    bool
	Assignments []string // ids of those that bring the object in

	Link *Link
	// Lost is the link of an account that is gone or somebody else's, when the
	// object is matched once more because of it.
	Lost *Link

	// Matches are the answers to a match, as far as the first hit.
	Matches []MatchResult
	// Rivals are other objects of the source that hold a matching value of this
	// one and are linked, or just as new as it.
	Rivals []directory.Key
	// Sought is the id that an account was looked up by; empty when none was.
	// Current is that account as the target has it now; Missing tells that it is
	// not there.
	Sought  string
	Current *connector.Account
	Missing bool
	// Owner is who manages Current, when that is another object or app.
	Owner string
	// Recovered tells that what Current has of our values was written by us, in
	// a create or update whose answer was lost.
	Recovered bool
	// Refused is the target's word that a create is in conflict with an account
	// that look-ups do not find, or that it does not take what goes along with a
	// disable.
	Refused string
	// Taken answers whether the target has a value already.
	Taken func(path directory.Path, value string) (taken, known bool, err error)

	// References are the objects that this one refers to, those that are many
	// (members) apart.
	References []Referred
	// ReferencesFinal tells that all accounts that this cycle makes exist: what
	// cannot be resolved now is absent.
	ReferencesFinal bool
}

// MatchResult is what the target has for one matching value.
type MatchResult struct {
	Match    mapping.Match
	Accounts []string // ids
}

// Referred is one object that another refers to, and its account: no TargetID
// when it has none.
type Referred struct {
	Attribute string // of the source
	Name      string // as the source refers to it
	TargetID  string
}

// Action is what is done to an account.
type Action string

// The actions.
const (
	ActionNone    Action = "none"
	ActionCreate  Action = "create"
	ActionUpdate  Action = "update" // also: adopt, enable
	ActionDisable Action = "disable"
	ActionDelete  Action = "delete"
)

// Outcome is what a decision amounts to.
type Outcome uint8

// The outcomes.
const (
	Unchanged Outcome = iota // everything is as it should be
	Skipped                  // nothing is done, for a reason
	Failed                   // something is wrong with this object
	Sends                    // there is an operation to carry out
)

// LookupKind is what a decision needs to know first.
type LookupKind uint8

// The kinds of look-ups.
const (
	LookupMatch   LookupKind = iota + 1 // fill Matches and Rivals
	LookupCurrent                       // fill Sought, Current, Missing and Owner
	LookupUnique                        // make Taken know Value at Path
)

// Lookup is one thing to look up.
type Lookup struct {
	Kind    LookupKind
	Matches []mapping.Match // for LookupMatch, by precedence
	ID      string          // for LookupCurrent
	Path    directory.Path  // for LookupUnique
	Value   string
}

// Decision is what is to be done, and why.
type Decision struct {
	// Need, when not empty, must be looked up; then decide again.
	Need []Lookup

	Outcome   Outcome
	Action    Action
	Reason    string // a code of package audit; empty when nothing is wrong
	Detail    string
	Steps     []audit.Step
	Changes   []audit.Property
	Operation *connector.Operation
	// Removal tells that the operation disables or deletes: it waits for the end
	// of the cycle.
	Removal bool
	// After is the link once the decision is carried out; nil for none. The
	// TargetID of a create is missing.
	After *Link
	// Pending names references that cannot be written yet.
	Pending []string
	// Members says what becomes of a group's members.
	Members MemberRule

	Loss Loss // why the object is lost to the app, if it is

	redacted []string // names whose values the log does not show
}

// MemberRule says what becomes of the members of a group.
type MemberRule uint8

// The rules.
const (
	MembersLeft MemberRule = iota // nothing
	MembersKept                   // added and removed as in the source
	MembersGone                   // those that we added are removed
)
