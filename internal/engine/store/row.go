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
// nil for a deletion. That of a line is the line alone, until it is joined.
type write struct {
	table  Table
	key    []byte
	sealed []byte
	line   bool
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

// sealed is what some mutations write, in memory of its own.
type sealed struct {
	writes []write
	rows   []byte // of which keys and values are parts
	size   int64
}

// The memory of what was applied is used again, that of large rows apart: a small
// write would hold it for as long as it waits. Larger ones leave nothing behind.
var smallSealed, largeSealed sync.Pool

const (
	smallRows = 64 << 10
	largeRows = 4 << 20
)

// sealedPool gives where memory for so many bytes of rows comes from and goes to,
// nil for none.
func sealedPool(rows int) *sync.Pool {
	switch {
	case rows <= smallRows:
		return &smallSealed
	case rows <= largeRows:
		return &largeSealed
	}
	return nil
}

// newSealed gives memory with room for the writes and the bytes of their rows.
func newSealed(writes, rows int) *sealed {
	var s *sealed
	if pool := sealedPool(rows); pool != nil {
		s, _ = pool.Get().(*sealed)
	}
	if s == nil {
		s = new(sealed)
	}
	s.writes, s.rows = slices.Grow(s.writes[:0], writes), slices.Grow(s.rows[:0], rows)
	return s
}

func seal(mutations []Mutation) *sealed {
	rows, others := 0, 0
	for _, m := range mutations {
		others += len(m.Table)
		rows += len(m.Key)
		switch {
		case m.line:
			others += checksumSize + len(m.Value)
		case m.Value != nil:
			rows += checksumSize + len(m.Value)
		}
	}
	s := newSealed(len(mutations), rows)
	s.size = int64(others + rows)
	buf := s.rows
	for _, m := range mutations {
		start := len(buf)
		buf = append(buf, m.Key...)
		middle := len(buf)
		w := write{table: m.Table, key: buf[start:middle:middle], line: m.line}
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
	if pool := sealedPool(cap(s.rows)); pool != nil {
		clear(s.writes)
		pool.Put(s)
	}
}

// joiner makes rows of lines, in memory that it uses again.
type joiner struct{ rows []byte }

// joinedSize bounds the rows of several lines. A larger one would want more pages
// in a row, which are hard to come by in a store that has been in use for long.
const joinedSize = 32 << 10

// join puts lines that follow each other into one row, in the place of the first.
func (j *joiner) join(writes []*write) []*write {
	joined := writes[:0]
	for len(writes) > 0 {
		w, n := writes[0], 1
		if w.line {
			size := checksumSize + len(w.sealed)
			for n < len(writes) && writes[n].line && size+1+len(writes[n].sealed) <= joinedSize {
				size += 1 + len(writes[n].sealed)
				n++
			}
			w.sealed, w.line = j.seal(writes[:n], size), false
		}
		joined, writes = append(joined, w), writes[n:]
	}
	return joined
}

// seal gives the row, of so many bytes, of lines that the first one's key is for.
func (j *joiner) seal(lines []*write, size int) []byte {
	if cap(j.rows)-len(j.rows) < size {
		j.rows = make([]byte, 0, max(size, 2*cap(j.rows), joinedSize)) // what was given stays in the memory before
	}
	start := len(j.rows)
	j.rows = append(j.rows, make([]byte, checksumSize)...)
	for i, w := range lines {
		if i > 0 {
			j.rows = append(j.rows, '\n')
		}
		j.rows = append(j.rows, w.sealed...)
	}
	row := j.rows[start:len(j.rows):len(j.rows)]
	binary.LittleEndian.PutUint32(row, checksum(lines[0].table, lines[0].key, row[checksumSize:]))
	return row
}

// maxJoiner bounds the memory that is kept.
const maxJoiner = 2 << 20

// reset lets the memory be used again, which nobody may look at any more.
func (j *joiner) reset() {
	if j.rows = j.rows[:0]; cap(j.rows) > maxJoiner {
		j.rows = nil
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
