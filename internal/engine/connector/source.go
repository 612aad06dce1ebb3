// Package connector is the border to the systems that identities come from and
// accounts live in: the interfaces Source and Target, the classes of errors
// that steer the engine, and Targets around a Target that limit, break the
// circuit or pretend to write. A connector knows one protocol, and nothing of
// jobs, mappings or stores.
package connector

import (
	"context"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Source reads identities. The engine calls Read from one goroutine at a time,
// the other methods at any time.
type Source interface {
	// Schema gives the object types and attributes that the source has now.
	Schema(ctx context.Context) (directory.Schema, error)

	// Read gives every change after request.Since to yield, or everything when
	// Since is nil or no longer good. No order is promised and repeats are
	// allowed; what was given is fact even when Read fails later. Of a change,
	// yield may keep texts and values but no slice, whose memory the next change
	// may come in. A returned error means that the read was not complete: the
	// caller keeps its old watermark and holds absence for no evidence. An error
	// of yield ends the read and is returned as it is.
	Read(ctx context.Context, request ReadRequest, yield func(Change) error) (ReadResult, error)

	// Find gives the objects of a type whose attribute has the value (folded
	// case), read afresh, with their edges: few, for assignments and provisioning
	// on demand. The attribute directory.ByAnchor finds by anchor, case-exact.
	// None is no error.
	Find(ctx context.Context, typ, attribute, value string) ([]Change, error)

	// Test tries the connection and says what it noticed. A finding that makes
	// reading impossible is the error.
	Test(ctx context.Context) ([]Finding, error)
}

// ReadRequest says what to read.
type ReadRequest struct {
	Since Watermark // nil: everything
	Types []string  // object types wanted
}

// Watermark is a position in a source's changes, opaque to all but its
// connector.
type Watermark []byte

// ChangeKind says what a Change tells of its object.
type ChangeKind uint8

// The kinds of changes.
const (
	// Whole: all attributes of the object, and all its edges: each edge follows
	// as an EdgeAdded of its own, before or after; the ones that a complete read
	// does not name are gone.
	Whole ChangeKind = iota + 1
	// Partial: some attributes changed; a null one is gone, the others stand.
	Partial
	// Seen: the object is there but could not be read; what was known stands.
	Seen
	// SoftDeleted: deleted in a way that can be undone.
	SoftDeleted
	// Deleted: the source's own word that the object is gone for ever.
	Deleted
	// Left: the object left what is read; it may live on elsewhere.
	Left
	// EdgeAdded and EdgeRemoved: one reference.
	EdgeAdded
	EdgeRemoved
)

// Change is one thing that a source tells.
type Change struct {
	Kind    ChangeKind
	Object  directory.Object // Key always but for edges; Attributes for Whole and Partial
	Edge    directory.Edge   // for EdgeAdded and EdgeRemoved
	Aliases []directory.Ref  // other names by which edges may refer to the object (a DN); for Whole and Partial
}

// Coverage says how much of one object type a read has seen.
type Coverage uint8

// The coverages. Only Complete makes absence evidence.
const (
	Nothing Coverage = iota
	ChangesOnly
	Complete
)

func (c Coverage) String() string {
	switch c {
	case ChangesOnly:
		return "changes only"
	case Complete:
		return "complete"
	}
	return "nothing"
}

// ReadResult is what a read that did not fail amounts to.
type ReadResult struct {
	Next     Watermark
	Epoch    string // what an anchor is and where it comes from; a new one proves nobody gone
	Coverage map[string]Coverage
	Problems []Problem // objects that were seen but could not be read
	// Unchanged reports that the source could tell that nothing at all has
	// changed since the watermark: nothing was yielded, and nobody is gone.
	Unchanged bool
}

// Problem is one object, or one place in a source, that could not be read.
type Problem struct {
	Key    directory.Key // zero Anchor when it could not be told whose it is
	Code   string        // of package audit's codes
	Where  string        // "people.csv line 12"
	Detail string        // what is wrong, and what to do
}

// Finding is something that a connection test noticed.
type Finding struct {
	Severity Severity `json:"severity"`
	Summary  string   `json:"summary"`
	Detail   string   `json:"detail,omitempty"`
}

// Severity of a Finding.
type Severity string

// The severities. An error makes the connection unusable.
const (
	SeverityInfo    Severity = "info"
	SeverityWarning Severity = "warning"
)
