package snapshot

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// batch is one transaction in the making. It reads its own writes, and those of
// the batch before, whose commit may be under way. The snapshot's mu is held while
// it is made.
type batch struct {
	*Snapshot
	before    *batch // nil: the store has it
	meta      meta
	dirty     bool   // meta is to be written, whatever else
	arena     *arena // what it writes may lie there
	mutations []store.Mutation
	tallies   map[string]*tally // of meta, as they become
	edged     bool              // edges are written
	ahead     map[store.Table]*ahead
	written   map[store.Table]map[string][]byte // of rows that were not read ahead
	numbered  bool                              // what is touched gets a new number
	touched   [][]byte                          // rows of objects; some stand here more than once
	ends      []directory.Ref                   // those they resolve to are touched too
	stored    chan struct{}                     // closed when the commit has ended
}

// ahead is rows of a table that were read before they are asked for, as the batch
// leaves them.
type ahead struct {
	keys   [][]byte // ascending
	values [][]byte // nil: nothing there
	last   int      // the place of what was last found
}

// find looks first where it found the last: what is asked for is often the same,
// or the next.
func (a *ahead) find(key []byte) (at int, found bool) {
	if a == nil {
		return 0, false
	}
	if len(a.keys) == 0 || bytes.Compare(key, a.keys[len(a.keys)-1]) > 0 {
		return 0, false
	}
	for at = a.last; at < min(a.last+2, len(a.keys)); at++ {
		if bytes.Equal(a.keys[at], key) {
			a.last = at
			return at, true
		}
	}
	if at, found = slices.BinarySearchFunc(a.keys, key, bytes.Compare); found {
		a.last = at
	}
	return at, found
}

// update runs f in a batch and commits it. Nothing is written when f fails, or
// had nothing to write.
func (s *Snapshot) update(ctx context.Context, f func(b *batch) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending != nil {
		<-s.pending.stored // how that went is heard by the import
		s.pending = nil
	}
	b, err := s.prepare(f)
	if err != nil || len(b.mutations) == 0 {
		return err
	}
	return s.store.Commit(ctx, b.mutations...)
}

// prepare runs f in a batch and gives it with all that is to be committed. mu is
// held.
func (s *Snapshot) prepare(f func(b *batch) error) (b *batch, err error) {
	b = &batch{
		Snapshot: s,
		before:   s.pending,
		tallies:  make(map[string]*tally),
		ahead:    make(map[store.Table]*ahead),
		written:  make(map[store.Table]map[string][]byte),
		numbered: s.running == nil || !s.running.first,
		stored:   make(chan struct{}),
	}
	if b.before != nil {
		b.meta = b.before.meta
		b.meta.Counts = maps.Clone(b.meta.Counts)
	} else if b.meta, err = s.readMeta(s.store); err != nil {
		return nil, err
	}
	if err = f(b); err == nil {
		err = b.finish()
	}
	return b, err
}

func (b *batch) get(table store.Table, key []byte) ([]byte, error) {
	if value, held := b.held(table, key); held {
		return value, nil
	}
	return b.store.Get(table, key)
}

// held gives a row that the batch has read ahead or written, or the one before.
func (b *batch) held(table store.Table, key []byte) (value []byte, held bool) {
	rows := b.ahead[table]
	if at, found := rows.find(key); found {
		return rows.values[at], true
	}
	if value, held = b.written[table][string(key)]; held || b.before == nil {
		return value, held
	}
	return b.before.held(table, key)
}

// readAhead reads rows that will be asked for, which costs less than one by one.
func (b *batch) readAhead(table store.Table, keys [][]byte) error {
	slices.SortFunc(keys, bytes.Compare)
	keys = slices.CompactFunc(keys, bytes.Equal)
	values := make([][]byte, len(keys))
	err := b.store.GetAll(table, keys, func(i int, value []byte) error {
		values[i] = bytes.Clone(value)
		return nil
	})
	if b.before != nil {
		for i, key := range keys {
			if value, held := b.before.held(table, key); held {
				values[i] = bytes.Clone(value) // what the batch before wrote may lie in an arena
			}
		}
	}
	b.ahead[table] = &ahead{keys: keys, values: values}
	return err
}

// write sets a row, or deletes it when value is nil. Both are the batch's then.
func (b *batch) write(table store.Table, key, value []byte) {
	b.add(table, key, value)
	rows := b.ahead[table]
	if at, found := rows.find(key); found {
		rows.values[at] = value
		return
	}
	if b.written[table] == nil {
		b.written[table] = make(map[string][]byte)
	}
	b.written[table][string(key)] = value
}

// add writes a row that the batch does not read.
func (b *batch) add(table store.Table, key, value []byte) {
	b.mutations = append(b.mutations, store.Mutation{Table: table, Key: key, Value: value})
}

// objectKey gives the row of an object, for as long as the batch is needed.
func (b *batch) objectKey(key directory.Key) []byte {
	return b.arena.key(b.source, key.Type, key.Anchor)
}

// tally gives the counts of a type, to be changed.
func (b *batch) tally(typ string) *tally {
	t := b.tallies[typ]
	if t == nil {
		counts := b.meta.Counts[typ]
		t = &counts
		b.tallies[typ] = t
	}
	return t
}

// record gives what is stored of an object, nil for nothing.
func (b *batch) record(key directory.Key) (*record, error) {
	value, err := b.get(tableObjects, b.objectKey(key))
	if err != nil || value == nil {
		return nil, err
	}
	r, err := b.decodeRecord(key, value)
	return &r, err
}

// setRecord replaces old, nil for nothing, by new.
func (b *batch) setRecord(key directory.Key, old, new *record) {
	tally := b.tally(key.Type)
	tally.count(old, -1)
	tally.count(new, 1)
	row := b.objectKey(key)
	b.write(tableObjects, row, new.encode())
	b.touch(row)
}

// claimAliases lets the names of the new body lead to the object, and those
// that it had before no longer, unless another object claimed them.
func (b *batch) claimAliases(key directory.Key, old, new *record) error {
	var before []directory.Ref
	if old != nil {
		var err error
		if before, _, err = b.decodeAliases(key, old.body); err != nil {
			return err
		}
	}
	now, _, err := b.decodeAliases(key, new.body)
	if err != nil {
		return err
	}
	if len(before)+len(now) == 0 {
		return nil
	}
	text := keyText(key)
	for _, ref := range before {
		row := b.aliasKey(ref)
		owner, err := b.get(tableAliases, row)
		if err != nil {
			return err
		}
		if string(owner) == string(text) {
			b.write(tableAliases, row, nil)
		}
	}
	for _, ref := range now {
		b.write(tableAliases, b.aliasKey(ref), text)
	}
	return nil
}

// mark is the value of rows that say all by their keys.
var mark = []byte{1}

// setEdge adds or removes the edge of a row, and reports whether that is a
// change.
func (b *batch) setEdge(row []byte, edge directory.Edge, there bool) (changed bool, err error) {
	old, err := b.get(tableEdges, row)
	if err != nil || (old != nil) == there {
		return false, err
	}
	object := b.holderOf(row, edge)
	var value []byte
	by := -1
	if there {
		value, by = mark, 1
		stored, err := b.get(tableObjects, object)
		if err != nil {
			return false, err
		}
		if stored != nil {
			holder, err := b.decodeRecord(edge.Holder, stored)
			if err != nil {
				return false, err
			}
			if !holder.state.live() {
				b.add(tableUnsettled, object, mark)
			}
		}
	}
	b.write(tableEdges, row, value)
	b.add(tableHolders, b.holderKey(b.arena, edge), value)
	b.edged = true
	b.tally(edge.Holder.Type).Edges += by
	b.touch(object)
	b.touchEnd(edge.To)
	return true, nil
}

// finish numbers what was touched, in order, and completes what is to be written.
func (b *batch) finish() error {
	if b.numbered {
		if err := b.numberTouched(); err != nil {
			return err
		}
	}
	if len(b.mutations) == 0 && !b.dirty {
		return nil
	}
	for typ, tally := range b.tallies {
		b.meta.Counts[typ] = *tally
	}
	head, err := json.Marshal(b.meta)
	if err != nil {
		return err
	}
	b.add(tableMeta, store.Key(b.source), head)
	return nil
}

// known counts an object that the batch writes.
func (b *batch) known(rows [][]byte) ([]bool, error) {
	known, err := b.Snapshot.known(rows)
	for i, row := range rows {
		if err == nil && !known[i] {
			value, _ := b.held(tableObjects, row)
			known[i] = value != nil
		}
	}
	return known, err
}
