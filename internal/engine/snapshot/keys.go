package snapshot

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// The tables. Every key begins with the source's id.
const (
	tableMeta      store.Table = "snapshot.meta"      // source: meta
	tableObjects   store.Table = "snapshot.objects"   // type, anchor: record
	tableSequences store.Table = "snapshot.sequences" // type, anchor: sequence; no row for firstSequence
	tableChanges   store.Table = "snapshot.changes"   // sequence: type, anchor
	tableEdges     store.Table = "snapshot.edges"     // holder's type, anchor, attribute, by, value
	tableHolders   store.Table = "snapshot.holders"   // by, folded value, holder's type, anchor, attribute, value
	tableAliases   store.Table = "snapshot.aliases"   // by, folded value: type, anchor
	tableProblems  store.Table = "snapshot.problems"  // type, anchor; or type, "", place
	// Objects whose state changed and whose edges have not followed yet.
	tableUnsettled store.Table = "snapshot.unsettled" // type, anchor
)

var tables = []store.Table{
	tableObjects, tableSequences, tableChanges, tableEdges, tableHolders, tableAliases, tableProblems, tableUnsettled,
}

// Bounds of what is taken for a name.
const (
	maxName   = 256
	maxAnchor = 1024
	maxRef    = 4096
)

func isName(s string, longest int) bool {
	return s != "" && len(s) <= longest && strings.IndexByte(s, 0) < 0
}

func validKey(key directory.Key) bool {
	return isName(key.Type, maxName) && isName(key.Anchor, maxAnchor)
}

func validRef(ref directory.Ref) bool { return isName(ref.By, maxName) && isName(ref.Value, maxRef) }

func validEdge(edge directory.Edge) bool {
	return validKey(edge.Holder) && isName(edge.Attribute, maxName) && validRef(edge.To)
}

func (s *Snapshot) objectKey(key directory.Key) []byte {
	return store.Key(s.source, key.Type, key.Anchor)
}

func (s *Snapshot) objectKeys(keys []directory.Key) [][]byte {
	size := 0
	for _, key := range keys {
		size += len(s.source) + len(key.Type) + len(key.Anchor) + 2
	}
	rows, buf := make([][]byte, len(keys)), make([]byte, 0, size)
	for i, key := range keys {
		start := len(buf)
		buf = append(append(buf, s.source...), 0)
		buf = append(append(buf, key.Type...), 0)
		buf = append(buf, key.Anchor...)
		rows[i] = buf[start:len(buf):len(buf)]
	}
	return rows
}

func (s *Snapshot) changeKey(sequence uint64) []byte {
	key := append(make([]byte, 0, len(s.source)+1+8), s.source...)
	return binary.BigEndian.AppendUint64(append(key, 0), sequence)
}

func (s *Snapshot) edgeKey(in *arena, edge directory.Edge) []byte {
	return in.key(s.source, edge.Holder.Type, edge.Holder.Anchor, edge.Attribute, edge.To.By, edge.To.Value)
}

// holderOf gives the row of an edge's holder, which the edge's own begins with.
func (s *Snapshot) holderOf(row []byte, edge directory.Edge) []byte {
	size := len(s.source) + 1 + len(edge.Holder.Type) + 1 + len(edge.Holder.Anchor)
	return row[:size:size]
}

// edgePrefix begins the rows of all edges of an object.
func (s *Snapshot) edgePrefix(holder directory.Key) []byte {
	return store.Prefix(s.source, holder.Type, holder.Anchor)
}

// holderKey is the reverse of edgeKey.
func (s *Snapshot) holderKey(in *arena, edge directory.Edge) []byte {
	return in.key(s.source, edge.To.By, foldRef(edge.To),
		edge.Holder.Type, edge.Holder.Anchor, edge.Attribute, edge.To.Value)
}

func (s *Snapshot) aliasKey(ref directory.Ref) []byte {
	return store.Key(s.source, ref.By, foldRef(ref))
}

// foldRef gives the text by which a reference is looked up: an anchor is
// case-exact, any other name is not.
func foldRef(ref directory.Ref) string {
	if ref.By == directory.ByAnchor {
		return ref.Value
	}
	return directory.Fold(ref.Value)
}

// parts splits a row's key, less the source's id, into n parts.
func (s *Snapshot) parts(key []byte, n int) ([]string, error) {
	parts := strings.SplitN(string(key), "\x00", n+1)
	if len(parts) != n+1 || parts[0] != s.source {
		return nil, s.damaged("key %q", key)
	}
	return parts[1:], nil
}

func (s *Snapshot) parseObjectKey(key []byte) (directory.Key, error) {
	parts, err := s.parts(key, 2)
	if err != nil {
		return directory.Key{}, err
	}
	return directory.Key{Type: parts[0], Anchor: parts[1]}, nil
}

func (s *Snapshot) parseEdgeKey(key []byte) (directory.Edge, error) {
	parts, err := s.parts(key, 5)
	if err != nil {
		return directory.Edge{}, err
	}
	return directory.Edge{
		Holder:    directory.Key{Type: parts[0], Anchor: parts[1]},
		Attribute: parts[2],
		To:        directory.Ref{By: parts[3], Value: parts[4]},
	}, nil
}

func (s *Snapshot) parseHolderKey(key []byte) (directory.Edge, error) {
	parts, err := s.parts(key, 6)
	if err != nil {
		return directory.Edge{}, err
	}
	return directory.Edge{
		Holder:    directory.Key{Type: parts[2], Anchor: parts[3]},
		Attribute: parts[4],
		To:        directory.Ref{By: parts[0], Value: parts[5]},
	}, nil
}

// keyText is the stored form of a key as a value.
func keyText(key directory.Key) []byte { return store.Key(key.Type, key.Anchor) }

func (s *Snapshot) parseKeyText(value []byte) (directory.Key, error) {
	typ, anchor, ok := strings.Cut(string(value), "\x00")
	if !ok {
		return directory.Key{}, s.damaged("value %q", value)
	}
	return directory.Key{Type: typ, Anchor: anchor}, nil
}

// damaged is the error of a row that this package did not write.
func (s *Snapshot) damaged(format string, arguments ...any) error {
	return fmt.Errorf("snapshot of source %s: %s: %w; restore a backup", s.source, fmt.Sprintf(format, arguments...), store.ErrCorrupt)
}

// after gives the first key behind a key.
func after(key []byte) []byte { return append(append(make([]byte, 0, len(key)+1), key...), 0) }
