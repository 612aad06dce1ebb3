package snapshot

import (
	"fmt"
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// fact is one change as it waits for its page: attributes are encoded, so that
// nothing of the source's is kept.
type fact struct {
	kind       connector.ChangeKind
	key        directory.Key // of the object, or the edge's holder
	edge       directory.Edge
	object     []byte               // row of the object, or the edge's holder
	row        []byte               // of the edge
	read       record               // for Whole
	attributes directory.Attributes // for Partial
	aliases    []directory.Ref      // for Partial
	size       int                  // in bytes, about
}

// newFact checks a change, of which nothing is kept but texts. invalid says why
// its object cannot be told.
func (s *Snapshot) newFact(in *arena, change connector.Change) (f fact, invalid string, err error) {
	f = fact{kind: change.Kind, key: change.Object.Key}
	switch change.Kind {
	case connector.EdgeAdded, connector.EdgeRemoved:
		f.key, f.edge = change.Edge.Holder, change.Edge
		if !validEdge(change.Edge) {
			return f, "a reference has an empty or overlong part, or holds a NUL character", nil
		}
		f.row = s.edgeKey(in, f.edge)
		f.object = s.holderOf(f.row, f.edge)
		return f, "", nil
	case connector.Whole:
		f.read, err = newRecord(in, change.Aliases, change.Object.Attributes)
		f.size = len(f.read.body)
	case connector.Partial:
		var read record
		read, err = newRecord(in, change.Aliases, change.Object.Attributes)
		f.attributes, f.aliases, f.size = slices.Clone(change.Object.Attributes), slices.Clone(change.Aliases), len(read.body)
	case connector.Seen, connector.SoftDeleted, connector.Deleted, connector.Left:
	default:
		return f, "", fmt.Errorf("the source gave a change of unknown kind %d", change.Kind)
	}
	if !validKey(f.key) {
		return f, "an object's type or anchor is empty, overlong or holds a NUL character", nil
	}
	f.object = in.key(s.source, f.key.Type, f.key.Anchor)
	return f, "", err
}

// effect is what a fact amounted to.
type effect struct {
	changed bool
	ignored bool // nothing is known of an object that is said to be gone
	// well says that the object has a problem on record and was read well now.
	well bool
}

// apply makes one fact of an object part of the batch.
func (b *batch) apply(f fact) (effect, error) {
	old, err := b.record(f.key)
	if err != nil {
		return effect{}, err
	}
	switch f.kind {
	case connector.Whole:
		return b.applyRead(f.key, old, f.read)
	case connector.Partial:
		if old == nil || !old.flags.has(flagKnown) {
			return effect{changed: true}, b.setProblem(connector.Problem{
				Key:    f.key,
				Code:   "InvalidSourceRecord",
				Where:  f.key.String(),
				Detail: "the source told a change of an object that it has never given whole; nothing is done until it does",
			})
		}
		aliases, attributes, err := b.decodeBody(f.key, old.body, nil)
		if err != nil {
			return effect{}, err
		}
		if f.aliases != nil {
			aliases = f.aliases
		}
		read, err := newRecord(b.arena, aliases, merge(attributes, f.attributes))
		if err != nil {
			return effect{}, err
		}
		return b.applyRead(f.key, old, read)
	}
	state, ignored := next(old, f.kind)
	if ignored {
		return effect{ignored: true}, nil
	}
	changed, err := b.applyState(f.key, old, state, false)
	return effect{changed: changed}, err
}

// merge gives attributes with some changed; a null one is gone.
func merge(attributes, changed directory.Attributes) directory.Attributes {
	for _, attribute := range changed {
		attributes = attributes.With(attribute.Name, attribute.Value)
	}
	merged := make(directory.Attributes, 0, len(attributes))
	for _, attribute := range attributes {
		if value, found := changed.Get(attribute.Name); !found || !value.IsNull() {
			merged = append(merged, attribute)
		}
	}
	return merged
}

// next gives the state that a word of the source leads to. What was never
// known need not be remembered as gone.
func next(old *record, kind connector.ChangeKind) (state State, ignored bool) {
	if kind == connector.Seen {
		if old != nil && old.state == SoftDeleted {
			return SoftDeleted, false
		}
		return Present, false
	}
	if old == nil {
		return 0, true
	}
	switch {
	case kind == connector.SoftDeleted:
		return SoftDeleted, false
	case kind == connector.Deleted, old.state == Deleted:
		return Deleted, false
	}
	return Absent, false
}

// applyRead sets what was read of an object, which makes it present.
func (b *batch) applyRead(key directory.Key, old *record, new record) (effect, error) {
	new.since = b.now().UnixNano()
	var result effect
	if old != nil {
		result.well = old.flags.has(flagProblem)
		new.flags |= old.flags & flagProblem
		if old.state == Present {
			new.since = old.since
		}
		if old.state == Present && old.hash == new.hash && old.flags == new.flags {
			return result, nil
		}
		if err := b.unsettle(key, old.state, Present); err != nil {
			return effect{}, err
		}
	}
	if err := b.claimAliases(key, old, &new); err != nil {
		return effect{}, err
	}
	b.setRecord(key, old, &new)
	result.changed = true
	return result, nil
}

// applyState sets an object's state. A state that was named in the present
// epoch, or concluded, ends its being orphaned.
func (b *batch) applyState(key directory.Key, old *record, state State, orphaned bool) (changed bool, err error) {
	new := record{state: state, since: b.now().UnixNano()}
	if old != nil {
		new = *old
		new.state = state
		new.flags &^= flagOrphaned
		if orphaned {
			new.flags |= flagOrphaned
		}
		if old.state != state {
			new.since = b.now().UnixNano()
		}
		if !state.live() && new.flags.has(flagProblem) {
			new.flags &^= flagProblem
			b.write(tableProblems, b.objectKey(key), nil)
		}
		if old.state == new.state && old.flags == new.flags {
			return false, nil
		}
		if err := b.unsettle(key, old.state, state); err != nil {
			return false, err
		}
	}
	b.setRecord(key, old, &new)
	return true, nil
}

// unsettle notes, in the same transaction, that an object's edges are to follow
// a change of its state.
func (b *batch) unsettle(key directory.Key, before, now State) error {
	if before == now {
		return nil
	}
	if !b.edged && (b.before == nil || !b.before.edged) { // else an edge of it may have come in these batches
		edges := b.edgePrefix(key)
		rows, err := b.store.Page(tableEdges, edges, store.Successor(edges), 1)
		if err != nil || len(rows) == 0 {
			return err
		}
	}
	b.add(tableUnsettled, b.objectKey(key), mark)
	return nil
}
