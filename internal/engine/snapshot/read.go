package snapshot

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// getter is a store's or a batch's Get.
type getter func(table store.Table, key []byte) ([]byte, error)

// Object gives what is known of an object, and whether anything is.
func (s *Snapshot) Object(key directory.Key) (Record, bool, error) {
	if !validKey(key) {
		return Record{}, false, nil
	}
	// The sequence is read first: an import meanwhile may make it older than the
	// data, never newer.
	sequence, err := s.sequence(key)
	if err != nil {
		return Record{}, false, err
	}
	value, err := s.store.Get(tableObjects, s.objectKey(key))
	if err != nil || value == nil {
		return Record{}, false, err
	}
	r, err := s.load(key, value, sequence)
	return r, err == nil, err
}

// ObjectsOf gives what is known of objects in their order, nil where nothing is.
func (s *Snapshot) ObjectsOf(keys []directory.Key) ([]*Record, error) {
	rows := s.objectKeys(keys)
	// As in Object, the sequences are read first.
	sequences := make([]uint64, len(keys))
	err := s.store.GetAll(tableSequences, rows, func(i int, value []byte) (err error) {
		sequences[i], err = s.decodeSequence(rows[i], value)
		return err
	})
	if err != nil {
		return nil, err
	}
	records, err := s.objectsOf(keys, rows, nil)
	for i, record := range records {
		if record != nil {
			record.Sequence = max(sequences[i], firstSequence)
		}
	}
	return records, err
}

// SomeOf is ObjectsOf with those attributes alone that are named, and without
// sequences.
func (s *Snapshot) SomeOf(keys []directory.Key, names []string) ([]*Record, error) {
	return s.objectsOf(keys, s.objectKeys(keys), names)
}

// objectsOf reads the objects of those rows, with the attributes that are named;
// nil: all.
func (s *Snapshot) objectsOf(keys []directory.Key, rows [][]byte, names []string) ([]*Record, error) {
	records, room := make([]*Record, len(keys)), make([]Record, len(keys))
	var problems []int // records that have one
	err := s.store.GetAll(tableObjects, rows, func(i int, value []byte) error {
		if !validKey(keys[i]) {
			return nil
		}
		var problem bool
		var err error
		records[i] = &room[i]
		if room[i], problem, err = s.open(keys[i], value, names); problem {
			problems = append(problems, i)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, i := range problems {
		if err := s.readProblem(records[i]); err != nil {
			return nil, err
		}
	}
	return records, nil
}

// Objects gives up to limit objects of a type, in whatever state, ascending by
// anchor, behind the one that is given.
func (s *Snapshot) Objects(typ, afterAnchor string, limit int) ([]Record, error) {
	prefix := store.Prefix(s.source, typ)
	from := prefix
	if afterAnchor != "" {
		from = after(store.Key(s.source, typ, afterAnchor))
	}
	numbers, err := s.store.Page(tableSequences, from, store.Successor(prefix), limit)
	if err != nil {
		return nil, err
	}
	rows, err := s.store.Page(tableObjects, from, store.Successor(prefix), limit)
	if err != nil {
		return nil, err
	}
	sequences := make(map[string]uint64, len(numbers))
	for _, row := range numbers {
		if len(row.Value) == 8 {
			sequences[string(row.Key)] = binary.BigEndian.Uint64(row.Value)
		}
	}
	records := make([]Record, 0, len(rows))
	for _, row := range rows {
		key, err := s.parseObjectKey(row.Key)
		if err != nil {
			return nil, err
		}
		r, err := s.load(key, row.Value, sequences[string(row.Key)])
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, nil
}

// Anchors gives up to limit anchors of a type's objects, in whatever state,
// ascending, behind the one that is given, without reading the objects.
func (s *Snapshot) Anchors(typ, afterAnchor string, limit int) ([]string, error) {
	prefix := store.Prefix(s.source, typ)
	from := prefix
	if afterAnchor != "" {
		from = after(store.Key(s.source, typ, afterAnchor))
	}
	var anchors []string
	err := s.store.Keys(tableObjects, from, store.Successor(prefix), limit, func(key []byte) error {
		anchors = append(anchors, string(key[len(prefix):]))
		return nil
	})
	return anchors, err
}

func (s *Snapshot) load(key directory.Key, value []byte, sequence uint64) (Record, error) {
	r, problem, err := s.open(key, value, nil)
	r.Sequence = max(sequence, firstSequence)
	if err == nil && problem {
		err = s.readProblem(&r)
	}
	return r, err
}

// readProblem completes a record that has a problem.
func (s *Snapshot) readProblem(r *Record) error {
	problem, err := s.problem(s.store.Get, r.Key)
	if err == nil && problem != nil {
		r.Problem = &problem.Problem
	}
	return err
}

func (s *Snapshot) sequence(key directory.Key) (uint64, error) {
	row := s.objectKey(key)
	value, err := s.store.Get(tableSequences, row)
	if err != nil {
		return 0, err
	}
	return s.decodeSequence(row, value)
}

// Changes gives up to limit objects whose latest change has a number above
// after, in the order of these numbers: that of an import or later. Who remembers
// none, 0, wants all objects, of which most may not be among these.
func (s *Snapshot) Changes(after uint64, limit int) ([]KeyChange, error) {
	if after+1 == 0 {
		return nil, nil
	}
	rows, err := s.store.Page(tableChanges, s.changeKey(after+1), store.Successor(store.Prefix(s.source)), limit)
	if err != nil {
		return nil, err
	}
	changes := make([]KeyChange, len(rows))
	for i, row := range rows {
		if len(row.Key) != len(s.source)+9 {
			return nil, s.damaged("change %q", row.Key)
		}
		changes[i].Sequence = binary.BigEndian.Uint64(row.Key[len(s.source)+1:])
		if changes[i].Key, err = s.parseKeyText(row.Value); err != nil {
			return nil, err
		}
	}
	return changes, nil
}

// Edges gives up to limit edges of an object's attribute, in the order of their
// references, behind the one that is given; zero for the first.
func (s *Snapshot) Edges(holder directory.Key, attribute string, behind directory.Ref, limit int) ([]directory.Edge, error) {
	prefix := store.Prefix(s.source, holder.Type, holder.Anchor, attribute)
	from := prefix
	if behind != (directory.Ref{}) {
		from = after(s.edgeKey(nil, directory.Edge{Holder: holder, Attribute: attribute, To: behind}))
	}
	rows, err := s.store.Page(tableEdges, from, store.Successor(prefix), limit)
	if err != nil {
		return nil, err
	}
	edges := make([]directory.Edge, len(rows))
	for i, row := range rows {
		if edges[i], err = s.parseEdgeKey(row.Key); err != nil {
			return nil, err
		}
	}
	return edges, nil
}

// EdgesOf gives of each of the holders, in their order, up to limit edges of one
// attribute.
func (s *Snapshot) EdgesOf(holders []directory.Key, attribute string, limit int) ([][]directory.Edge, error) {
	edges := make([][]directory.Edge, len(holders))
	prefixes := make([][]byte, len(holders))
	for i, holder := range holders {
		prefixes[i] = store.Prefix(s.source, holder.Type, holder.Anchor, attribute)
	}
	err := s.store.PageAll(tableEdges, prefixes, limit, func(i int, row store.Row) error {
		edge, err := s.parseEdgeKey(row.Key)
		edges[i] = append(edges[i], edge)
		return err
	})
	if err != nil {
		return nil, err
	}
	return edges, nil
}

// CountEdges gives how many edges of one attribute each of the holders has, in their
// order.
func (s *Snapshot) CountEdges(holders []directory.Key, attribute string) ([]int, error) {
	counts := make([]int, len(holders))
	prefixes := make([][]byte, len(holders))
	for i, holder := range holders {
		prefixes[i] = store.Prefix(s.source, holder.Type, holder.Anchor, attribute)
	}
	err := s.store.PageAll(tableEdges, prefixes, math.MaxInt, func(i int, _ store.Row) error {
		counts[i]++
		return nil
	})
	return counts, err
}

// Holders gives up to limit edges that lead to an object, by its anchor or any
// of its aliases, of one attribute or, with "", of all; behind the one that is
// given, zero for the first.
func (s *Snapshot) Holders(key directory.Key, attribute string, behind directory.Edge, limit int) ([]directory.Edge, error) {
	refs, err := s.refsTo(key)
	if err != nil {
		return nil, err
	}
	var from []byte
	if behind != (directory.Edge{}) {
		from = after(s.holderKey(nil, behind))
	}
	var edges []directory.Edge
	for _, ref := range refs {
		prefix := append(s.aliasKey(ref), 0)
		end := store.Successor(prefix)
		start := prefix
		if bytes.Compare(from, start) > 0 {
			start = from
		}
		for bytes.Compare(start, end) < 0 && len(edges) < limit {
			rows, err := s.store.Page(tableHolders, start, end, limit)
			if err != nil {
				return nil, err
			}
			for _, row := range rows {
				edge, err := s.parseHolderKey(row.Key)
				if err != nil {
					return nil, err
				}
				if len(edges) < limit && (attribute == "" || edge.Attribute == attribute) {
					edges = append(edges, edge)
				}
			}
			if len(rows) < limit {
				break
			}
			start = after(rows[len(rows)-1].Key)
		}
	}
	return edges, nil
}

// refsTo gives the references that resolve to an object, each folded text once,
// in the order of the table of holders.
func (s *Snapshot) refsTo(key directory.Key) ([]directory.Ref, error) {
	if !validKey(key) {
		return nil, nil
	}
	refs := []directory.Ref{{By: directory.ByAnchor, Value: key.Anchor}}
	known := false
	err := s.store.GetAll(tableObjects, [][]byte{s.objectKey(key)}, func(_ int, value []byte) error {
		known = true
		stored, err := s.decodeRecord(key, value)
		if err != nil {
			return err
		}
		aliases, _, err := s.decodeAliases(key, stored.body)
		for _, alias := range aliases {
			refs = append(refs, directory.Ref{By: alias.By, Value: foldRef(alias)})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(refs, compareRefs)
	var leading []directory.Ref
	for _, ref := range slices.Compact(refs) {
		if ref.By == directory.ByAnchor && key.Type == defaultTypes[0] && known {
			leading = append(leading, ref) // an anchor is looked for there first
			continue
		}
		owner, found, err := s.Resolve(ref)
		if err != nil {
			return nil, err
		}
		if !found || owner == key || ref.By == directory.ByAnchor && !slices.Contains(defaultTypes, key.Type) {
			leading = append(leading, ref)
		}
	}
	return leading, nil
}

// defaultTypes is the order in which an anchor is looked for.
var defaultTypes = []string{directory.User, directory.Group}

// Resolve gives the object that a reference leads to. An anchor is looked for
// among the given types in their order, by default users, then groups; any
// other reference among the aliases, whatever its case. The object may be in
// any state.
func (s *Snapshot) Resolve(ref directory.Ref, types ...string) (directory.Key, bool, error) {
	if len(types) == 0 {
		types = defaultTypes
	}
	if !validRef(ref) {
		return directory.Key{}, false, nil
	}
	if ref.By != directory.ByAnchor {
		return s.owner(s.store.Get, ref)
	}
	for _, typ := range types {
		key := directory.Key{Type: typ, Anchor: ref.Value}
		known, err := s.known([][]byte{s.objectKey(key)})
		if err != nil || known[0] {
			return key, err == nil, err
		}
	}
	return directory.Key{}, false, nil
}

// owner gives the object that has a name other than an anchor.
func (s *Snapshot) owner(get getter, ref directory.Ref) (directory.Key, bool, error) {
	value, err := get(tableAliases, s.aliasKey(ref))
	if err != nil || value == nil {
		return directory.Key{}, false, err
	}
	key, err := s.parseKeyText(value)
	return key, err == nil, err
}

// ResolveAll gives the objects that references lead to in their order, the zero
// Key where one leads to nobody: what Resolve gives of each.
func (s *Snapshot) ResolveAll(refs []directory.Ref) ([]directory.Key, error) {
	return s.resolveAll(refs, s.store.Get, s.known)
}

// resolveAll goes by what known tells of the rows of objects.
func (s *Snapshot) resolveAll(refs []directory.Ref, get getter, known func(rows [][]byte) ([]bool, error)) ([]directory.Key, error) {
	found := make([]directory.Key, len(refs))
	var left []int // references by anchor that were not found yet
	for i, ref := range refs {
		switch {
		case !validRef(ref):
		case ref.By == directory.ByAnchor:
			left = append(left, i)
		default:
			var err error
			if found[i], _, err = s.owner(get, ref); err != nil {
				return nil, err
			}
		}
	}
	for _, typ := range defaultTypes {
		if len(left) == 0 {
			break
		}
		keys := make([]directory.Key, len(left))
		for at, i := range left {
			keys[at] = directory.Key{Type: typ, Anchor: refs[i].Value}
		}
		there, err := known(s.objectKeys(keys))
		if err != nil {
			return nil, err
		}
		missing := left[:0]
		for at, i := range left {
			if there[at] {
				found[i] = keys[at]
			} else {
				missing = append(missing, i)
			}
		}
		left = missing
	}
	return found, nil
}

// known tells of the rows of objects which are there.
func (s *Snapshot) known(rows [][]byte) ([]bool, error) {
	known := make([]bool, len(rows))
	err := s.store.GetAll(tableObjects, rows, func(i int, _ []byte) error {
		known[i] = true
		return nil
	})
	return known, err
}

// eachPage calls f with the rows under a prefix, a page at a time. f may write.
func (s *Snapshot) eachPage(table store.Table, prefix []byte, f func([]store.Row) error) error {
	from, to := prefix, store.Successor(prefix)
	for {
		rows, err := s.store.Page(table, from, to, s.page)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := f(rows); err != nil {
			return err
		}
		if len(rows) < s.page {
			return nil
		}
		from = after(rows[len(rows)-1].Key)
	}
}
