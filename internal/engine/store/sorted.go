package store

import (
	"bytes"
	"iter"
	"slices"
	"sort"
)

// chunkSize bounds how many rows an insertion moves.
const chunkSize = 512

// sorted holds rows ascending by key, in chunks that are never empty.
type sorted struct {
	chunks [][]Row
}

// find gives where the key stands, or where it would: within the chunk that
// holds the greatest smaller key, or the first one.
func (s *sorted) find(key []byte) (chunk, at int, found bool) {
	chunk = sort.Search(len(s.chunks), func(i int) bool { return bytes.Compare(s.chunks[i][0].Key, key) > 0 })
	chunk = max(chunk-1, 0)
	if len(s.chunks) == 0 {
		return 0, 0, false
	}
	at, found = slices.BinarySearchFunc(s.chunks[chunk], key, func(row Row, key []byte) int {
		return bytes.Compare(row.Key, key)
	})
	return chunk, at, found
}

func (s *sorted) get(key []byte) []byte {
	chunk, at, found := s.find(key)
	if !found {
		return nil
	}
	return s.chunks[chunk][at].Value
}

func (s *sorted) set(row Row) {
	chunk, at, found := s.find(row.Key)
	switch {
	case found:
		s.chunks[chunk][at] = row
		return
	case len(s.chunks) == 0:
		s.chunks = [][]Row{{row}}
		return
	}
	rows := slices.Insert(s.chunks[chunk], at, row)
	s.chunks[chunk] = rows
	if len(rows) > chunkSize {
		half := len(rows) / 2
		s.chunks = slices.Insert(s.chunks, chunk+1, slices.Clone(rows[half:]))
		s.chunks[chunk] = slices.Delete(rows, half, len(rows))
	}
}

func (s *sorted) delete(key []byte) {
	chunk, at, found := s.find(key)
	if !found {
		return
	}
	rows := slices.Delete(s.chunks[chunk], at, at+1)
	s.chunks[chunk] = rows
	if len(rows) == 0 {
		s.chunks = slices.Delete(s.chunks, chunk, chunk+1)
	}
}

// ascend gives the rows from the key on.
func (s *sorted) ascend(from []byte) iter.Seq[Row] {
	return func(yield func(Row) bool) {
		chunk, at, _ := s.find(from)
		for ; chunk < len(s.chunks); chunk, at = chunk+1, 0 {
			for _, row := range s.chunks[chunk][at:] {
				if !yield(row) {
					return
				}
			}
		}
	}
}
