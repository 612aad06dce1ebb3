package snapshot

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// firstSequence is the number of each object that has no row in the table of
// sequences: of all that came with the first import and have not changed since.
// Nobody remembers a number from before its end, so that nobody asks which
// objects it brought, and two rows for each would be written for nothing.
const firstSequence = 1

// touch says that the object of a row has changed.
func (b *batch) touch(row []byte) {
	if b.numbered {
		b.touched = append(b.touched, row)
	}
}

// touchEnd says that what leads to an object has changed.
func (b *batch) touchEnd(ref directory.Ref) {
	if b.numbered {
		b.ends = append(b.ends, ref)
	}
}

// numberTouched gives numbers to what the batch touched, and to what is at the
// other ends of edges that it touched.
func (b *batch) numberTouched() error {
	slices.SortFunc(b.ends, compareRefs)
	ends, err := b.resolveAll(slices.Compact(b.ends), b.get, b.known)
	if err != nil {
		return err
	}
	for _, key := range ends {
		if !key.IsZero() {
			b.touched = append(b.touched, b.objectKey(key))
		}
	}
	slices.SortFunc(b.touched, bytes.Compare)
	return b.number(slices.CompactFunc(b.touched, bytes.Equal))
}

// number gives objects the next sequence numbers, and one row each in the table
// of changes. One that is not known gets none: it will when it comes.
func (b *batch) number(rows [][]byte) error {
	if err := b.readAhead(tableSequences, rows); err != nil {
		return err
	}
	known, err := b.known(rows)
	if err != nil {
		return err
	}
	for i, row := range rows {
		if !known[i] {
			continue
		}
		value, _ := b.held(tableSequences, row)
		before, err := b.decodeSequence(row, value)
		if err != nil {
			return err
		}
		if before != 0 {
			b.add(tableChanges, b.changeKey(before), nil)
		}
		b.meta.Sequence = max(b.meta.Sequence, firstSequence) + 1
		b.write(tableSequences, row, binary.BigEndian.AppendUint64(nil, b.meta.Sequence))
		b.add(tableChanges, b.changeKey(b.meta.Sequence), row[len(b.source)+1:])
	}
	return nil
}

// decodeSequence gives a stored sequence, 0 for none.
func (s *Snapshot) decodeSequence(row, value []byte) (uint64, error) {
	if value == nil {
		return 0, nil
	}
	if len(value) != 8 {
		return 0, s.damaged("sequence of %q", row)
	}
	return binary.BigEndian.Uint64(value), nil
}
