package snapshot

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// batch is one transaction in the making. It reads its own writes. The
// snapshot's mu is held from begin to commit.
type batch struct {
	*Snapshot
	meta    meta
	dirty   bool                              // meta is to be written, whatever else
	writes  map[store.Table]map[string][]byte // nil value: deleted
	ahead   map[store.Table]map[string][]byte // what was read before it is asked for; nil value: nothing there
	touched map[directory.Key]struct{}        // get a new sequence number
	ends    map[directory.Ref]struct{}        // so do those they resolve to
}

// update runs f in a batch and commits it. Nothing is written when f fails, or
// had nothing to write.
func (s *Snapshot) update(ctx context.Context, f func(b *batch) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.readMeta(s.store)
	if err != nil {
		return err
	}
	b := &batch{
		Snapshot: s,
		meta:     m,
		writes:   make(map[store.Table]map[string][]byte),
		touched:  make(map[directory.Key]struct{}),
		ends:     make(map[directory.Ref]struct{}),
	}
	if err := f(b); err != nil {
		return err
	}
	return b.commit(ctx)
}

func (b *batch) get(table store.Table, key []byte) ([]byte, error) {
	if value, written := b.writes[table][string(key)]; written {
		return value, nil
	}
	if value, read := b.ahead[table][string(key)]; read {
		return value, nil
	}
	return b.store.Get(table, key)
}

// readAhead reads rows that will be asked for, which costs less than one by one.
func (b *batch) readAhead(table store.Table, keys [][]byte) error {
	slices.SortFunc(keys, bytes.Compare)
	values, err := b.store.GetAll(table, keys)
	if err != nil {
		return err
	}
	rows := make(map[string][]byte, len(keys))
	for i, key := range keys {
		rows[string(key)] = values[i]
	}
	if b.ahead == nil {
		b.ahead = make(map[store.Table]map[string][]byte)
	}
	b.ahead[table] = rows
	return nil
}

func (b *batch) write(table store.Table, key, value []byte) {
	rows := b.writes[table]
	if rows == nil {
		rows = make(map[string][]byte)
		b.writes[table] = rows
	}
	rows[string(key)] = value
}

// record gives what is stored of an object, nil for nothing.
func (b *batch) record(key directory.Key) (*record, error) {
	value, err := b.get(tableObjects, b.objectKey(key))
	if err != nil || value == nil {
		return nil, err
	}
	return b.decodeRecord(key, value)
}

// setRecord replaces old, nil for nothing, by new.
func (b *batch) setRecord(key directory.Key, old, new *record) {
	counts := b.meta.Counts[key.Type]
	counts.count(old, -1)
	counts.count(new, 1)
	b.meta.Counts[key.Type] = counts
	b.write(tableObjects, b.objectKey(key), new.encode())
	b.touched[key] = struct{}{}
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

// setEdge adds or removes an edge, and reports whether that is a change.
func (b *batch) setEdge(edge directory.Edge, there bool) (changed bool, err error) {
	key := b.edgeKey(edge)
	row, err := b.get(tableEdges, key)
	if err != nil || (row != nil) == there {
		return false, err
	}
	var value []byte
	by := -1
	if there {
		value, by = []byte{1}, 1
		holder, err := b.record(edge.Holder)
		if err != nil {
			return false, err
		}
		if holder != nil && !holder.state.live() {
			b.write(tableUnsettled, b.objectKey(edge.Holder), []byte{1})
		}
	}
	b.write(tableEdges, key, value)
	b.write(tableHolders, b.holderKey(edge), value)
	counts := b.meta.Counts[edge.Holder.Type]
	counts.Edges += by
	b.meta.Counts[edge.Holder.Type] = counts
	b.touched[edge.Holder] = struct{}{}
	b.ends[edge.To] = struct{}{}
	return true, nil
}

// commit numbers what was touched, in order, and writes everything.
func (b *batch) commit(ctx context.Context) error {
	for ref := range b.ends {
		key, found, err := b.resolve(b.get, ref, defaultTypes)
		if err != nil {
			return err
		}
		if found {
			b.touched[key] = struct{}{}
		}
	}
	touched := slices.SortedFunc(maps.Keys(b.touched), directory.Key.Compare)
	rows := make([][]byte, len(touched))
	for i, key := range touched {
		rows[i] = b.objectKey(key)
	}
	if err := b.readAhead(tableSequences, rows); err != nil {
		return err
	}
	for _, key := range touched {
		if err := b.number(key); err != nil {
			return err
		}
	}
	if len(b.writes) == 0 && !b.dirty {
		return nil
	}
	head, err := json.Marshal(b.meta)
	if err != nil {
		return err
	}
	b.write(tableMeta, store.Key(b.source), head)
	var mutations []store.Mutation
	for _, table := range slices.Sorted(maps.Keys(b.writes)) {
		for _, key := range slices.Sorted(maps.Keys(b.writes[table])) {
			mutations = append(mutations, store.Mutation{Table: table, Key: []byte(key), Value: b.writes[table][key]})
		}
	}
	return b.store.Commit(ctx, mutations...)
}

// number gives an object the next sequence number. Each object has one row in
// the table of changes. One that is not known gets none: it will when it comes.
func (b *batch) number(key directory.Key) error {
	row := b.objectKey(key)
	object, err := b.get(tableObjects, row)
	if err != nil || object == nil {
		return err
	}
	before, err := b.get(tableSequences, row)
	if err != nil {
		return err
	}
	if before != nil {
		if len(before) != 8 {
			return b.damaged("sequence of %v", key)
		}
		b.write(tableChanges, b.changeKey(binary.BigEndian.Uint64(before)), nil)
	}
	b.meta.Sequence++
	b.write(tableSequences, row, binary.BigEndian.AppendUint64(nil, b.meta.Sequence))
	b.write(tableChanges, b.changeKey(b.meta.Sequence), keyText(key))
	return nil
}
