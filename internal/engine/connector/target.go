package connector

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Target is a system that holds accounts. All methods are safe for concurrent
// use, and return *Error when the target refused or failed.
type Target interface {
	// Describe discovers what the target can do and which attributes it has. It
	// writes nothing. A target without discovery gives its template's defaults.
	Describe(ctx context.Context) (Features, directory.Schema, error)

	// Test probes the connection as scim-client section 1 asks: a look-up of
	// somebody who cannot exist, for each object type named by its matching
	// attribute. It writes nothing.
	Test(ctx context.Context, matching map[string]directory.Path) ([]Finding, error)

	// List gives every account of a type with the wanted attributes. complete is
	// false when the target's pages cannot be trusted (one came twice, fewer
	// accounts than announced): what was given is true, but more may exist.
	List(ctx context.Context, typ string, want []directory.Path, yield func(Account) error) (complete bool, err error)

	// Find gives the accounts of a type whose attribute holds the value, compared
	// without case unless the schema says caseExact. Answers that do not hold the
	// value are dropped. ErrCannotFilter when the target cannot be trusted to
	// filter by that attribute or value.
	Find(ctx context.Context, typ string, path directory.Path, value directory.Value, want []directory.Path) ([]Account, error)

	// Get gives the account of that id. Gone when there is none.
	Get(ctx context.Context, typ, id string, want []directory.Path) (Account, error)

	// Send carries out one write. It is sent at most once: after an error of
	// class Unknown it may have been carried out or not. Deleting what is gone
	// is a success.
	Send(ctx context.Context, operation Operation) (Receipt, error)
}

// Learner is a Target that finds out, while it works, in what its system departs
// from what it says of itself. What it has found out outlives the connection.
type Learner interface {
	// Learned gives what was found out so far.
	Learned() json.RawMessage
	// Recall takes up what an earlier Target for the same system had learned, and
	// the schema that its Describe gave. It is called before anything else; what it
	// cannot read it forgets.
	Recall(learned json.RawMessage, schema directory.Schema)
}

// Features say what a target can do. They come from discovery, a probe, or the
// template's dialect.
type Features struct {
	// Connection identifies the system, whatever name an app gives it: two apps
	// with equal Connections share their accounts.
	Connection string
	Types      []string // object types that the target has

	CanList    bool
	CanDisable map[string]bool // by object type; false: a disable is never sent
	CanDelete  map[string]bool
	// EnabledPath is the attribute that Operation.Enabled writes, by object type;
	// absent where there is none.
	EnabledPath map[string]directory.Path
	// MembersPerRequest bounds how many references one Modification may add or
	// remove; 0: no bound.
	MembersPerRequest int

	Concurrency       int     // most requests in flight; 0: no documented limit
	RequestsPerSecond float64 // 0: no documented limit
	// SearchLag is how long a new account may stay invisible to Find and List.
	SearchLag time.Duration
}

// Account is what a target says of one account.
type Account struct {
	Type    string
	ID      string // opaque, case-exact
	Version string // for conditional writes; empty when the target has none
	// Values holds those of the wanted attributes that the target gave, by the
	// path's text; references as ids of accounts. A wanted attribute that is
	// absent here has no value, unless it is in Unreadable.
	Values     map[string]directory.Value
	Unreadable map[string]bool // attributes that this target never returns
	Enabled    *bool           // nil when the target does not say
}

// OperationKind is what a write does.
type OperationKind string

// The kinds of operations. Disabling and enabling are updates.
const (
	Create OperationKind = "create"
	Update OperationKind = "update"
	Delete OperationKind = "delete"
)

// Operation is one write.
type Operation struct {
	Kind          OperationKind  `json:"kind"`
	Type          string         `json:"type"`
	ID            string         `json:"id,omitempty"` // empty for Create
	Modifications []Modification `json:"modifications,omitempty"`
	Enabled       *bool          `json:"enabled,omitempty"` // nil: as it is; the connector knows how
	Version       string         `json:"version,omitempty"` // when set, refuse if the account has another

	// Complete is called by a Limiter when the operation's turn has come, and gives
	// the modifications with what is known by then; nil: nothing is added.
	Complete func() []Modification `json:"-"`
}

// String tells the operation without its values.
func (o Operation) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s %s", o.Kind, o.Type)
	if o.ID != "" {
		fmt.Fprintf(&out, " %q", o.ID)
	}
	for _, m := range o.Modifications {
		fmt.Fprintf(&out, " %s %s", m.Verb, m.Path)
	}
	if o.Enabled != nil {
		fmt.Fprintf(&out, " enabled=%t", *o.Enabled)
	}
	return out.String()
}

// Verb is what a Modification does to its attribute.
type Verb uint8

// The verbs. Add and Remove concern single values of a multi-valued attribute.
const (
	Set Verb = iota + 1
	Clear
	Add
	Remove
)

func (v Verb) String() string {
	switch v {
	case Set:
		return "set"
	case Clear:
		return "clear"
	case Add:
		return "add"
	case Remove:
		return "remove"
	}
	return "verb " + strconv.Itoa(int(v))
}

// MarshalText writes the verb as String gives it.
func (v Verb) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// Modification changes one attribute of an account. Reference says that the
// value is the id of another account, or a list of such.
type Modification struct {
	Path      directory.Path  `json:"path"`
	Value     directory.Value `json:"value"`
	Verb      Verb            `json:"verb"`
	Reference bool            `json:"reference,omitempty"`
}

// Receipt is the target's answer to a write that was carried out.
type Receipt struct {
	ID string // of the account; after a rename it may differ from Operation.ID
	// Account is what came back, with the attributes that were written; nil when
	// nothing did, or a new account that is as it was written.
	Account *Account
	// Lost names references that had to be given up: members that the target
	// does not know, by id. The rest was carried out.
	Lost []string
}
