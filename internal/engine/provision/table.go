package provision

import "github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"

// standing is what the source object and its entitlement amount to.
type standing uint8

const (
	inScope        standing = iota
	outOfScope              // not assigned, or a filter does not pass
	offInSource             // disabled or soft-deleted in the source
	absent                  // missing from a complete read
	deleted                 // gone by the source's own word
	orphaned                // known from another epoch of the source only
	unreadable              // there, but its record is broken
	unjudgeable             // the filter cannot be evaluated
	notInSource             // never told of
	voidAssignment          // assigned, without account, and not in the source (decisions 26)
	anyStanding    standing = 255
)

// linkState is how the object is joined to an account.
type linkState uint8

const (
	unlinked linkState = iota
	live               // linked; the account is left as it is
	disabled           // linked; we keep the account disabled
	retired            // linked; disabled for loss of scope, where management ends
	unproven           // linked; to be confirmed first
	anyLink  linkState = 255
)

// accountState is what was found in the target.
type accountState uint8

const (
	notLookedUp    accountState = iota
	noneFound                   // matched: nobody
	oneFound                    // matched: one account, not read yet
	severalFound                // matched: more than one
	read                        // the account was read
	ownedElsewhere              // it belongs to another object
	missing                     // linked, and gone from the target
	contradicts                 // unproven, and the account is somebody else's
	anyAccount     accountState = 255
)

// verdict names a rule that turns a row into a decision.
type verdict uint8

const (
	lookForMatch    verdict = iota // ask the target who has the matching value
	lookAtAccount                  // read the account first
	matchAgain                     // the link is void: decide without it
	createAccount                  //
	updateAccount                  // write differences; enable when we disabled it
	loseScope                      // policy out_of_scope
	disableAccount                 // always
	disableThenWait                // disable now, delete after the grace period
	afterGrace                     // disabled for absence: delete when the time has come
	deleteAccount                  // policy deleted
	keepAsIs                       // nothing to do, nothing to say
	staysDisabled                  // the account is disabled already, perhaps for another loss
	endLink                        // nothing is left to be removed
	skip                           // nothing is done, for the row's reason
	fail                           // the object fails, for the row's reason
)

// row says what to do in one situation.
type row struct {
	standing standing
	link     linkState
	account  accountState
	verdict  verdict
	reason   string
}

// table is the situation table: the first row that fits decides. Each row has
// its test.
var table = []row{
	{unreadable, anyLink, anyAccount, fail, audit.InvalidSourceRecord},
	{unjudgeable, anyLink, anyAccount, fail, audit.EvaluationFailed},
	{voidAssignment, anyLink, anyAccount, skip, audit.NotEffectivelyEntitled},
	{notInSource, unproven, anyAccount, skip, audit.LinkUnproven},
	{notInSource, anyLink, anyAccount, keepAsIs, ""},

	{inScope, unlinked, notLookedUp, lookForMatch, ""},
	{inScope, unlinked, noneFound, createAccount, ""},
	{inScope, unlinked, oneFound, lookAtAccount, ""},
	{inScope, unlinked, severalFound, fail, audit.DuplicateTargetEntries},
	{inScope, unlinked, ownedElsewhere, fail, audit.OwnedByAnother},
	{inScope, unlinked, missing, fail, audit.InvalidAnchor}, // found by matching, gone when read: next cycle
	{inScope, unlinked, read, updateAccount, ""},
	{inScope, unproven, notLookedUp, lookAtAccount, ""},
	{inScope, unproven, contradicts, matchAgain, ""},
	{inScope, anyLink, missing, matchAgain, ""},
	{inScope, anyLink, ownedElsewhere, fail, audit.OwnedByAnother},
	{inScope, anyLink, anyAccount, updateAccount, ""},

	{outOfScope, unlinked, anyAccount, skip, audit.NotInScope},
	{outOfScope, anyLink, missing, endLink, audit.InvalidAnchor},
	{outOfScope, live, anyAccount, loseScope, audit.NotInScope},
	{outOfScope, disabled, anyAccount, loseScope, audit.NotInScope},
	{outOfScope, retired, anyAccount, keepAsIs, ""},

	{offInSource, unlinked, anyAccount, skip, audit.DisabledInSource},
	{offInSource, anyLink, missing, endLink, audit.InvalidAnchor},
	{offInSource, live, anyAccount, disableAccount, audit.DisabledInSource},
	{offInSource, disabled, anyAccount, staysDisabled, ""},
	{offInSource, retired, anyAccount, keepAsIs, ""},

	{absent, unlinked, anyAccount, keepAsIs, ""},
	{absent, anyLink, missing, endLink, audit.InvalidAnchor},
	{absent, live, anyAccount, disableThenWait, audit.SourceObjectAbsent},
	{absent, disabled, anyAccount, afterGrace, audit.SourceObjectAbsent},
	{absent, retired, anyAccount, skip, audit.ManagementEnded},

	{deleted, unlinked, anyAccount, keepAsIs, ""},
	{deleted, anyLink, missing, endLink, audit.InvalidAnchor},
	{deleted, live, anyAccount, deleteAccount, audit.SourceObjectDeleted},
	{deleted, disabled, anyAccount, deleteAccount, audit.SourceObjectDeleted},
	{deleted, retired, anyAccount, skip, audit.ManagementEnded},

	{orphaned, unlinked, anyAccount, keepAsIs, ""},
	{orphaned, anyLink, anyAccount, skip, audit.SourceEpochChanged},

	// What is left is an unproven link whose object is lost: it never gives a
	// removal (decisions 28).
	{anyStanding, unproven, anyAccount, skip, audit.LinkUnproven},
}

// rowFor gives the row that decides.
func rowFor(s standing, l linkState, a accountState) row {
	for _, r := range table {
		if (r.standing == s || r.standing == anyStanding) &&
			(r.link == l || r.link == anyLink) &&
			(r.account == a || r.account == anyAccount) {
			return r
		}
	}
	// The tests try every combination; this is the safe answer all the same.
	return row{s, l, a, fail, audit.InternalError}
}
