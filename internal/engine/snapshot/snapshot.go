// Package snapshot keeps what a source said: its objects, the references
// between them, and the order in which they came to change. There is one
// snapshot a source, shared by all apps that are fed from it.
//
// Each change of an object, of its edges, of the edges that lead to it, or of
// its problem gives the object a new sequence number, so that whoever remembers
// a number finds the objects that changed since. An object that a read finds
// as it was gets none and costs no write. All that the first import brings has
// one number, since nobody remembers an earlier one.
//
// What a source says is kept as fact page by page, even when the read fails
// later. That an object is gone is concluded only at the end of a read that
// was complete for its type.
package snapshot

import (
	"context"
	"sync"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// Options are what a snapshot is opened with.
type Options struct {
	Now func() time.Time // the clock; nil for the system's
}

// Snapshot is the imported state of one source. It keeps nothing in memory
// between calls and is safe for concurrent use; there must be one Snapshot for
// all who write.
type Snapshot struct {
	store  store.Store
	source string
	now    func() time.Time
	page   int // pageSize, but in tests

	importing sync.Mutex // held by the one import
	mu        sync.Mutex // held by whoever prepares and commits a batch
	running   *importer  // nil when no import is under way
	pending   *batch     // a page of an import whose commit may be under way
}

// Open gives the snapshot of a source in a store. It may be empty. sourceID
// holds no NUL.
func Open(s store.Store, sourceID string, options Options) *Snapshot {
	if options.Now == nil {
		options.Now = time.Now
	}
	return &Snapshot{store: s, source: sourceID, now: options.Now, page: pageSize}
}

// State says what the source last told of an object.
type State uint8

// The states. The numbers are part of the stored form.
const (
	// Present: the source has it.
	Present State = iota + 1
	// SoftDeleted: deleted in the source in a way that can be undone.
	SoftDeleted
	// Absent: a complete read did not name it, or it left what is read.
	Absent
	// Deleted: gone for ever, by the source's own word.
	Deleted
)

func (s State) String() string {
	switch s {
	case Present:
		return "present"
	case SoftDeleted:
		return "soft-deleted"
	case Absent:
		return "absent"
	case Deleted:
		return "deleted"
	}
	return "unknown"
}

// live reports whether absence from a complete read would be news.
func (s State) live() bool { return s == Present || s == SoftDeleted }

// Record is what is known of one object.
type Record struct {
	directory.Object
	Aliases []directory.Ref // other names by which edges may refer to it

	State State
	Since time.Time // when the state began
	// Known says that the attributes have been read at least once. An object
	// that was only ever seen, broken, has none.
	Known bool
	// Orphaned says that the object was last named when anchors meant something
	// else: it is in no read since the source's epoch changed, which proves
	// nothing.
	Orphaned bool

	Sequence uint64
	Hash     [16]byte           // of attributes and aliases
	Problem  *connector.Problem // why its latest data could not be read; nil when it could
}

// KeyChange is the latest change of one object.
type KeyChange struct {
	Key      directory.Key
	Sequence uint64
}

// Report is what an import amounts to.
type Report struct {
	Types map[string]Counts
	// Coverage is what the read was worth: an empty read of what was not empty
	// is never complete unless approved, nor one in which an anchor could not be
	// told.
	Coverage map[string]connector.Coverage
	// Emptied names the types whose emptiness awaits approval. The watermark
	// stays where it was, so that an approval meets the same read.
	Emptied []string
	// EpochChanged says that anchors mean something else than before.
	EpochChanged bool
	// Unchanged says that the source could tell that nothing changed.
	Unchanged bool
	Problems  int    // that this read ended with
	Sequence  uint64 // of the snapshot's latest change
}

// Counts counts what happened to the objects of one type. An object that a
// source gives twice counts twice as read.
type Counts struct {
	Read      int
	Changed   int // new, other than before, or back
	Unchanged int
	Absent    int // concluded by this import
	Orphaned  int // concluded by this import
	Edges     int // edges added and removed
}

// Sequence gives the number of the latest change; 0 when there was none.
func (s *Snapshot) Sequence() (uint64, error) {
	m, err := s.readMeta(s.store)
	return m.Sequence, err
}

// Epoch gives what an anchor means and where it comes from, by the latest read
// that was concluded; empty before the first.
func (s *Snapshot) Epoch() (string, error) {
	m, err := s.readMeta(s.store)
	return m.Epoch, err
}

// Count gives how many objects of a type are present.
func (s *Snapshot) Count(typ string) (int, error) {
	m, err := s.readMeta(s.store)
	return m.Counts[typ].Present, err
}

// Drop deletes everything that the snapshot keeps.
func (s *Snapshot) Drop(ctx context.Context) error {
	s.importing.Lock()
	defer s.importing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	// The watermark goes first: what is left when this is cut is not taken for
	// the source's whole.
	if err := s.store.Commit(ctx, store.Delete(tableMeta, store.Key(s.source))); err != nil {
		return err
	}
	for _, table := range tables {
		if err := s.dropTable(ctx, table); err != nil {
			return err
		}
	}
	return nil
}

func (s *Snapshot) dropTable(ctx context.Context, table store.Table) error {
	prefix := store.Prefix(s.source)
	for {
		rows, err := s.store.Page(table, prefix, store.Successor(prefix), s.page)
		if err != nil || len(rows) == 0 {
			return err
		}
		mutations := make([]store.Mutation, len(rows))
		for i, row := range rows {
			mutations[i] = store.Delete(table, row.Key)
		}
		if err := s.store.Commit(ctx, mutations...); err != nil {
			return err
		}
	}
}
