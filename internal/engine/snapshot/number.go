package snapshot

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

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

// number gives objects the next sequence numbers. Each object has one row in the
// table of changes. One that is not known gets none: it will when it comes.
func (b *batch) number(rows [][]byte) error {
	if err := b.readAhead(tableSequences, rows); err != nil {
		return err
	}
	for _, row := range rows {
		value, _ := b.held(tableSequences, row)
		before, err := b.decodeSequence(row, value)
		if err != nil {
			return err
		}
		if before != 0 {
			b.add(tableChanges, b.changeKey(before), nil)
		} else if object, _ := b.held(tableObjects, row); object == nil {
			continue
		}
		b.meta.Sequence++
		b.write(tableSequences, row, binary.BigEndian.AppendUint64(nil, b.meta.Sequence))
		b.add(tableChanges, b.changeKey(b.meta.Sequence), row[len(b.source)+1:])
	}
	return nil
}

// numberAll gives every object a number when an import into an empty snapshot
// has left them without. One that is cut is made again by the next import.
func (i *importer) numberAll(ctx context.Context) error {
	m, err := i.readMeta(i.store)
	if err != nil || !m.Unnumbered {
		return err
	}
	from := store.Prefix(i.source)
	to := store.Successor(from)
	for {
		page, err := i.store.Page(tableObjects, from, to, i.page)
		if err != nil {
			return err
		}
		more := len(page) == i.page
		err = i.update(ctx, func(b *batch) error {
			b.meta.Unnumbered, b.dirty = more, true
			rows := &ahead{keys: make([][]byte, len(page)), values: make([][]byte, len(page))}
			for at, row := range page {
				rows.keys[at], rows.values[at] = row.Key, row.Value
			}
			b.ahead[tableObjects] = rows
			return b.number(rows.keys)
		})
		if err != nil || !more {
			return err
		}
		from = after(page[len(page)-1].Key)
	}
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
