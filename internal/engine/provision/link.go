// Package provision decides what is to be done with one object. Decide is one
// pure function of what is known of the source object, its link and the account
// in the target, and of the compiled configuration: it returns the action, the
// changes and the reasons step by step, and touches nothing. Cycles, on-demand
// provisioning and previews all go through it; nothing else decides.
package provision

import (
	"slices"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Link joins a source object to its account in one app, and remembers what was
// written there.
type Link struct {
	TargetID string
	// Sent is what mappings hold to be in the account, by the path's text: what
	// was written, or found equal. References are ids of accounts.
	Sent SentValues
	// CreatedByUs tells that the engine made the account; else it was adopted.
	CreatedByUs bool
	// Disabled is set while the engine keeps the account disabled.
	Disabled *Disabled
	// Unproven links come from before the app's connection or source changed:
	// nothing is sent to the account before its id and matching value are
	// confirmed.
	Unproven bool
	// Due is when the object is to be looked at again though nothing changed:
	// the end of a grace period. Zero for never.
	Due time.Time

	Display    string    // of the object, for messages when it is gone
	Claims     []Claim   // matching values, to tell when two objects have one
	Assignment []string  // ids of the assignments that brought the object in
	LinkedAt   time.Time // since when
	ChangedAt  time.Time // last write to the account
	Cycle      string    // id of the cycle of the last write
	Action     Action    // what the last write did; none when it was linked and nothing had to be written
}

// Head is what it takes of a link to refer to its account.
type Head struct {
	TargetID    string
	CreatedByUs bool
	Unproven    bool
	Disabled    *Disabled
}

// Head gives the link's head; nil of none.
func (l *Link) Head() *Head {
	if l == nil {
		return nil
	}
	return &Head{l.TargetID, l.CreatedByUs, l.Unproven, l.Disabled}
}

// Claim is a matching value, folded where the target folds case.
type Claim struct {
	Path  string `json:"path"`
	Value string `json:"value"`
}

// Disabled says why and since when the engine keeps an account disabled.
type Disabled struct {
	Loss Loss      `json:"loss"`
	At   time.Time `json:"at"`
}

// Loss is a way in which an object is lost to an app (decisions 9).
type Loss string

// The losses.
const (
	LossNone       Loss = ""
	LossOutOfScope Loss = "out_of_scope"       // by assignment or filter
	LossDisabled   Loss = "disabled_in_source" // disabled or soft-deleted there
	LossAbsent     Loss = "absent"             // not in a complete read, or left what is read
	LossDeleted    Loss = "deleted"            // the source's own word
)

// equal reports whether both links say the same.
func (l *Link) equal(other *Link) bool {
	return l.TargetID == other.TargetID && l.CreatedByUs == other.CreatedByUs && l.Unproven == other.Unproven &&
		(l.Disabled == nil) == (other.Disabled == nil) && (l.Disabled == nil || *l.Disabled == *other.Disabled) &&
		l.Due.Equal(other.Due) && l.Display == other.Display && l.Cycle == other.Cycle && l.Action == other.Action &&
		l.LinkedAt.Equal(other.LinkedAt) && l.ChangedAt.Equal(other.ChangedAt) &&
		slices.Equal(l.Claims, other.Claims) && slices.Equal(l.Assignment, other.Assignment) &&
		l.Sent.equal(other.Sent)
}

// clone gives a copy whose values may be changed.
func (l *Link) clone() *Link {
	if l == nil {
		return &Link{}
	}
	copied := *l
	copied.Sent = slices.Clone(l.Sent)
	return &copied
}

// ProtectedBy reports whether a list of protected accounts, as in a Program,
// names the link's account: by its id, or by a matching value.
func (l *Link) ProtectedBy(protected map[string]bool) bool {
	return protected[l.TargetID] || slices.ContainsFunc(l.Claims, func(claim Claim) bool {
		sent, _ := l.Sent.Get(claim.Path)
		return listed(protected, claim.Value) || listed(protected, sent.Value.String())
	})
}

func listed(protected map[string]bool, value string) bool {
	return value != "" && (protected[value] || protected[directory.Fold(value)])
}
