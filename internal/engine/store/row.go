package store

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
)

// Bounds of what a row may hold, the same in every Store.
const (
	maxKeySize   = 32 << 10
	maxValueSize = 256 << 20
)

// check refuses mutations that no Store may take, before any is applied.
func check(mutations []Mutation) error {
	for _, m := range mutations {
		switch {
		case m.Table == "" || strings.HasPrefix(string(m.Table), "\x00"):
			return fmt.Errorf("table %q: the name of a table is not empty and does not begin with a zero byte", m.Table)
		case len(m.Key) == 0:
			return fmt.Errorf("table %q: a row needs a key", m.Table)
		case len(m.Key) > maxKeySize:
			return fmt.Errorf("table %q: a key of %d bytes is longer than %d", m.Table, len(m.Key), maxKeySize)
		case len(m.Value) > maxValueSize:
			return fmt.Errorf("table %q, key %q: a value of %d bytes is longer than %d", m.Table, m.Key, len(m.Value), maxValueSize)
		}
	}
	return nil
}

// write is a mutation as it goes to disk: sealed begins with a checksum, and is
// nil for a deletion. It shares no memory with the mutation.
type write struct {
	table  Table
	key    []byte
	sealed []byte
}

const checksumSize = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum covers table and key too, so that a value that has come to stand
// under another key does not pass for its own.
func checksum(table Table, key, value []byte) uint32 {
	sum := crc32.Update(0, castagnoli, []byte(table))
	sum = crc32.Update(sum, castagnoli, key)
	return crc32.Update(sum, castagnoli, value)
}

func newWrite(m Mutation) write {
	if m.Value == nil {
		return write{table: m.Table, key: append([]byte(nil), m.Key...)}
	}
	buf := make([]byte, 0, len(m.Key)+checksumSize+len(m.Value))
	buf = append(buf, m.Key...)
	buf = binary.LittleEndian.AppendUint32(buf, checksum(m.Table, m.Key, m.Value))
	buf = append(buf, m.Value...)
	n := len(m.Key)
	return write{m.Table, buf[:n:n], buf[n:]}
}

func (w write) size() int64 { return int64(len(w.table) + len(w.key) + len(w.sealed)) }

// openRow gives the row that a key and its sealed value are, in memory of its
// own.
func openRow(table Table, key, sealed []byte) (Row, error) {
	if len(sealed) < checksumSize {
		return Row{}, fmt.Errorf("%w: table %q, key %q has no checksum", ErrCorrupt, table, key)
	}
	sum, value := binary.LittleEndian.Uint32(sealed), sealed[checksumSize:]
	if sum != checksum(table, key, value) {
		return Row{}, fmt.Errorf("%w: table %q, key %q does not match its checksum", ErrCorrupt, table, key)
	}
	buf := make([]byte, 0, len(key)+len(value))
	buf = append(append(buf, key...), value...)
	n := len(key)
	return Row{Key: buf[:n:n], Value: buf[n:]}, nil
}
