package store

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"sync"
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
// nil for a deletion. As long as it is bare, it is the value alone.
type write struct {
	table  Table
	key    []byte
	sealed []byte
	bare   bool
	line   bool // may be joined with others while it is bare
}

const checksumSize = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum covers table and key too, so that a value that has come to stand
// under another key does not pass for its own.
func checksum(table Table, key, value []byte) uint32 {
	sum := ^uint32(0)
	for i := range len(table) { // as crc32.Update, which would want a copy
		sum = castagnoli[byte(sum)^table[i]] ^ sum>>8
	}
	sum = crc32.Update(^sum, castagnoli, key)
	return crc32.Update(sum, castagnoli, value)
}

// sizeOf gives how many bytes mutations write.
func sizeOf(mutations []Mutation) int64 {
	size := 0
	for _, m := range mutations {
		size += len(m.Table) + len(m.Key)
		if m.Value != nil {
			size += checksumSize + len(m.Value)
		}
	}
	return int64(size)
}

// appendBare appends the writes of mutations that are left alone meanwhile.
func appendBare(writes []write, mutations []Mutation) []write {
	for _, m := range mutations {
		writes = append(writes, write{table: m.Table, key: m.Key, sealed: m.Value, bare: m.Value != nil, line: m.line})
	}
	return writes
}

// sealed is what some mutations write, in memory of its own.
type sealed struct {
	writes []write
	rows   []byte // of which keys and values are parts
}

// sealedPool has the memory of what was applied.
var sealedPool = sync.Pool{New: func() any { return new(sealed) }}

// maxPooled bounds the rows of what is used again, so that a large write leaves
// nothing behind.
const maxPooled = 64 << 10

// seal copies mutations, but for lines.
func seal(mutations []Mutation) *sealed {
	rows := 0
	for _, m := range mutations {
		rows += len(m.Key)
		if m.Value != nil && !m.line {
			rows += checksumSize + len(m.Value)
		}
	}
	s := sealedPool.Get().(*sealed)
	s.writes = slices.Grow(s.writes[:0], len(mutations))
	buf := slices.Grow(s.rows[:0], rows)
	for _, m := range mutations {
		start := len(buf)
		buf = append(buf, m.Key...)
		middle := len(buf)
		w := write{table: m.Table, key: buf[start:middle:middle], bare: m.line, line: m.line}
		switch {
		case m.line:
			w.sealed = m.Value
		case m.Value != nil:
			buf = binary.LittleEndian.AppendUint32(buf, checksum(m.Table, m.Key, m.Value))
			buf = append(buf, m.Value...)
			w.sealed = buf[middle:len(buf):len(buf)]
		}
		s.writes = append(s.writes, w)
	}
	s.rows = buf
	return s
}

// release lets the memory be used again, which nobody may look at any more.
func (s *sealed) release() {
	if cap(s.rows) <= maxPooled {
		clear(s.writes)
		sealedPool.Put(s)
	}
}

// sealer seals what is bare, in memory that it uses again.
type sealer struct{ rows []byte }

// joinedSize bounds the rows of several lines. A larger one would want more pages
// in a row, which are hard to come by in a store that has been in use for long.
const joinedSize = 32 << 10

// seal seals writes whose keys ascend. Lines that follow each other come to stand
// in one row, in the place of the first.
func (s *sealer) seal(writes []*write) []*write {
	all := writes[:0]
	for len(writes) > 0 {
		w, n := writes[0], 1
		if w.bare {
			size := checksumSize + len(w.sealed)
			for w.line && n < len(writes) && writes[n].line && size+1+len(writes[n].sealed) <= joinedSize {
				size += 1 + len(writes[n].sealed)
				n++
			}
			w.sealed, w.bare = s.row(writes[:n], size), false
		}
		all, writes = append(all, w), writes[n:]
	}
	return all
}

// row gives the row, of so many bytes, of lines that the first one's key is for.
func (s *sealer) row(lines []*write, size int) []byte {
	if cap(s.rows)-len(s.rows) < size {
		// What was given stays in the memory before.
		s.rows = make([]byte, 0, max(size, min(2*cap(s.rows), maxSealer), joinedSize))
	}
	start := len(s.rows)
	s.rows = append(s.rows, make([]byte, checksumSize)...)
	for i, w := range lines {
		if i > 0 {
			s.rows = append(s.rows, '\n')
		}
		s.rows = append(s.rows, w.sealed...)
	}
	row := s.rows[start:len(s.rows):len(s.rows)]
	binary.LittleEndian.PutUint32(row, checksum(lines[0].table, lines[0].key, row[checksumSize:]))
	return row
}

// maxSealer bounds the memory that is kept.
const maxSealer = 2 << 20

// reset lets the memory be used again, which nobody may look at any more.
func (s *sealer) reset() {
	if s.rows = s.rows[:0]; cap(s.rows) > maxSealer {
		s.rows = nil
	}
}

// unseal gives the value that is sealed, in the same memory.
func unseal(table Table, key, sealed []byte) ([]byte, error) {
	if len(sealed) < checksumSize {
		return nil, fmt.Errorf("%w: table %q, key %q has no checksum", ErrCorrupt, table, key)
	}
	sum, value := binary.LittleEndian.Uint32(sealed), sealed[checksumSize:]
	if sum != checksum(table, key, value) {
		return nil, fmt.Errorf("%w: table %q, key %q does not match its checksum", ErrCorrupt, table, key)
	}
	return value, nil
}

// openRow gives the row that a key and its sealed value are, in memory of its
// own.
func openRow(table Table, key, sealed []byte) (Row, error) {
	value, err := unseal(table, key, sealed)
	if err != nil {
		return Row{}, err
	}
	buf := make([]byte, 0, len(key)+len(value))
	buf = append(append(buf, key...), value...)
	n := len(key)
	return Row{Key: buf[:n:n], Value: buf[n:]}, nil
}
