package status

import "time"

// AccountState is how a linked account stands.
type AccountState string

// The states of accounts. The first that fits, from below, is told.
const (
	AccountActive   AccountState = "active"   // enabled, and as its source object says
	AccountDisabled AccountState = "disabled" // kept disabled
	AccountUnproven AccountState = "unproven" // linked before the app's connection or source changed, and not confirmed since
	AccountEscrowed AccountState = "escrowed" // what is due failed, and is tried again
	AccountHeld     AccountState = "held"     // a disable or delete is due that the threshold holds back
)

// AccountStates lists the states.
var AccountStates = []AccountState{AccountActive, AccountDisabled, AccountUnproven, AccountEscrowed, AccountHeld}

// Account is an account in an app that is linked to an object of the source.
type Account struct {
	AppID      string     `json:"app_id"`
	AppName    string     `json:"app_name"`
	ObjectType string     `json:"object_type"`
	Source     AccountEnd `json:"source"` // id is the object's anchor
	Target     AccountEnd `json:"target"` // display_name is the value of its first matching attribute

	State AccountState `json:"state"`
	// Enabled is false while the account is kept disabled, whatever its state.
	Enabled bool `json:"enabled"`
	// Reason says why the state is not active: for a disabled account how it is
	// lost (out_of_scope, disabled_in_source, absent, deleted, or mapping when a
	// rule of the mapping says so), for an escrowed one the code of the error, for
	// a held one accidental_deletions. Detail says it to people.
	Reason string    `json:"reason,omitempty"`
	Detail string    `json:"detail,omitempty"`
	Since  time.Time `json:"since,omitzero"` // of a state that is not active
	// NextAttempt is when what failed is tried again at the earliest.
	NextAttempt time.Time `json:"next_attempt,omitzero"`
	// Protected accounts are never disabled, deleted or renamed.
	Protected bool `json:"protected"`

	LinkedAt time.Time `json:"linked_at,omitzero"`
	LinkedBy LinkedBy  `json:"linked_by"`
	// Assignments brought the object in when it was last in scope, the oldest
	// first.
	Assignments []AccountAssignment `json:"assignments"`
	// LastChange is the last write to the account.
	LastChange *AccountChange `json:"last_change,omitempty"`
}

// AccountEnd names an account on one side of its link.
type AccountEnd struct {
	ID          string `json:"id"`
	DisplayName string `json:"display_name"`
}

// LinkedBy is how an account came to be linked.
type LinkedBy string

// The ways.
const (
	LinkedByCreate LinkedBy = "create" // the engine made the account
	LinkedByMatch  LinkedBy = "match"  // it was there before
)

// AccountAssignment is an assignment that brings an object in.
type AccountAssignment struct {
	// ID is empty for By all.
	ID string `json:"id,omitempty"`
	// By is "user" or "group"; "all" when the app needs no assignment; empty for
	// an assignment that is gone.
	By   string `json:"by,omitempty"`
	Name string `json:"name,omitempty"` // of the user or group, as declared
	Role string `json:"role,omitempty"`
}

// AccountChange is a write to an account.
type AccountChange struct {
	At      time.Time `json:"at"`
	CycleID string    `json:"cycle_id,omitempty"`
	// Action is "create", "update" or "disable"; "none" when the account was
	// linked and had all values already.
	Action string `json:"action,omitempty"`
}

// AccountQuery narrows accounts. Empty fields match all.
type AccountQuery struct {
	AppID string
	// Person is an id in the source or the app, a user name, mail or display
	// name, in any case.
	Person     string
	ObjectType string
	State      AccountState
	Limit      int // 0: all
}

// Unmatched compares the accounts of an app with the objects of its source,
// before or beside any cycle.
type Unmatched struct {
	AppID   string `json:"app_id"`
	AppName string `json:"app_name"`
	// Complete is false when the app's listing cannot be trusted to be whole.
	Complete bool  `json:"complete"`
	Listed   int64 `json:"listed"`  // accounts in the app
	Linked   int64 `json:"linked"`  // of these, linked already
	Matched  int64 `json:"matched"` // of these, not linked, and matched by an object in scope
	// Accounts are those that match nobody in scope, by object type and id; More
	// counts what is beyond them.
	Accounts []UnmatchedAccount `json:"accounts"`
	More     int64              `json:"more"`
	// New counts objects in scope that have no account: a cycle would make one
	// for each. Doubtful are those of them that look like one of Accounts.
	New          int64             `json:"new"`
	Doubtful     []UnmatchedObject `json:"doubtful"`
	MoreDoubtful int64             `json:"more_doubtful"`
}

// UnmatchedAccount is an account that matches nobody in scope.
type UnmatchedAccount struct {
	ObjectType string `json:"object_type"`
	AccountEnd
	Matching  string `json:"matching,omitempty"` // value of its first matching attribute
	Enabled   *bool  `json:"enabled"`            // null when the app does not say
	Protected bool   `json:"protected"`
	// Near are objects of the source that it may belong to, the nearest first.
	Near []Near `json:"near"`
}

// UnmatchedObject is an object in scope without an account.
type UnmatchedObject struct {
	ObjectType string `json:"object_type"`
	AccountEnd
	Near []Near `json:"near"` // accounts that may be its own, the nearest first
}

// Near is one that may be the same as another.
type Near struct {
	AccountEnd
	Score   int    `json:"score"`   // 1 to 100
	Because string `json:"because"` // what they have in common
	// Reason is the code for which an object gets no account, such as NotInScope;
	// empty for an object in scope, and for an account.
	Reason string `json:"reason,omitempty"`
}
