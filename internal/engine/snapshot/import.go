package snapshot

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// Bounds of a page: how many changes, or bytes of them, are committed at once.
const (
	pageSize  = 2000
	pageBytes = 8 << 20
)

// Import reads the source from where the last import ended, and keeps what it
// says. The types are the object types that are wanted; a type that was not
// among those of the last import makes it read everything.
//
// approve is asked when a complete read names no object of a type of which
// known objects were there: false, or a nil approve, makes the read prove
// nothing about that type. The error is the source's or the store's; what was
// given before it is kept, nobody counts as gone, and the next import begins
// where this one did. One import runs at a time, a second one waits.
func (s *Snapshot) Import(ctx context.Context, source connector.Source, types []string, approve func(typ string, known int) bool) (Report, error) {
	s.importing.Lock()
	defer s.importing.Unlock()
	m, err := s.readMeta(s.store)
	if err != nil {
		return Report{}, err
	}
	i := newImporter(s, types)
	i.first = m.Sequence == 0
	s.setRunning(i)
	defer s.setRunning(nil)

	request := connector.ReadRequest{Types: types}
	if !slices.ContainsFunc(types, func(typ string) bool { return !slices.Contains(m.Types, typ) }) {
		request.Since = m.Watermark
	}
	result, err := source.Read(ctx, request, func(change connector.Change) error { return i.take(ctx, change) })
	if flushed := i.flush(ctx); err == nil {
		err = flushed
	}
	if prepared := i.preparing.Wait(); err == nil {
		err = prepared
	}
	if committed := i.committing.Wait(); err == nil {
		err = committed
	}
	switch {
	case err != nil:
	case !result.Unchanged:
		err = i.conclude(ctx, result, approve)
	case request.Since == nil || i.given:
		err = fmt.Errorf("the source says that nothing changed, against what it was asked or gave")
	default:
		i.report.Unchanged = true
		result.Epoch = m.Epoch
		err = i.finish(ctx, result)
	}
	return i.reported(err)
}

func (s *Snapshot) setRunning(i *importer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running, s.pending = i, nil
}

// importer is one import under way.
type importer struct {
	*Snapshot
	types  []string
	report Report             // but for Types
	counts map[string]*Counts // that are its Types
	given  bool               // the source gave something
	first  bool               // none before it has ended well

	// pages are filled in turn: one while that before it is prepared and that before
	// that one committed.
	pages      [3]page
	at         int              // the page that is filled
	room       []store.Mutation // memory for those of the next batch
	preparing  errgroup.Group   // the page before, if it is not prepared yet
	committing errgroup.Group   // the page before that one, if it is not committed yet

	// What was named in this read. Guarded by mu.
	read map[string]*read // by type, of those that are wanted
	// unsure says that something else than being named changed what there is:
	// counting does not tell who was not named.
	unsure bool
	well   map[directory.Key]struct{} // read well, with a problem on record

	invalid map[connector.Problem]struct{} // changes that could not be kept
}

func newImporter(s *Snapshot, types []string) *importer {
	i := &importer{
		Snapshot: s, types: types,
		read:    make(map[string]*read),
		well:    make(map[directory.Key]struct{}),
		invalid: make(map[connector.Problem]struct{}),
		report:  Report{Types: make(map[string]Counts), Coverage: make(map[string]connector.Coverage)},
		counts:  make(map[string]*Counts),
	}
	for _, typ := range types {
		i.read[typ] = new(read)
	}
	return i
}

// page is facts that are committed together.
type page struct {
	facts []fact
	bytes int
	arena arena
}

func (p *page) reset() {
	clear(p.facts)
	p.facts, p.bytes = p.facts[:0], 0
	p.arena.reset()
}

// read is what was named of a type.
type read struct {
	whole keySet // objects that were read
	stand keySet // objects that were named otherwise: their edges stand
	edges keySet // by type of the holder
}

// reported completes the report.
func (i *importer) reported(err error) (Report, error) {
	m, failed := i.readMeta(i.store)
	if err == nil {
		err = failed
	}
	i.report.Sequence = m.Sequence
	for typ, counts := range i.counts {
		i.report.Types[typ] = *counts
	}
	return i.report, err
}

// take keeps one change for its page. What is of no wanted type is passed over.
func (i *importer) take(ctx context.Context, change connector.Change) error {
	i.given = true
	page := &i.pages[i.at]
	f, invalid, err := i.newFact(&page.arena, change)
	if err != nil {
		return err
	}
	wanted := i.read[f.key.Type] != nil
	if invalid != "" && (wanted || !isName(f.key.Type, maxName)) {
		i.refuse(f, invalid)
	}
	if invalid != "" || !wanted {
		return nil
	}
	page.facts = append(page.facts, f)
	page.bytes += f.size
	if len(page.facts) < i.page && page.bytes < pageBytes {
		return nil
	}
	return i.flush(ctx)
}

// refuse notes a change that cannot be kept. When its object can be told, that
// object was seen; otherwise absence of its type proves nothing.
func (i *importer) refuse(f fact, why string) {
	problem := connector.Problem{Code: "InvalidSourceRecord", Where: "the source's answer", Detail: why}
	if validKey(f.key) {
		problem.Key = f.key
	} else if isName(f.key.Type, maxName) {
		problem.Key.Type = f.key.Type
	}
	i.invalid[problem] = struct{}{}
}

// flush has the page prepared while the next is read, and committed while that one
// is prepared.
func (i *importer) flush(ctx context.Context) error {
	page := &i.pages[i.at]
	if err := i.preparing.Wait(); err != nil || len(page.facts) == 0 {
		return err
	}
	// The page that was filled before the last two is committed by now.
	i.at = (i.at + 1) % len(i.pages)
	i.pages[i.at].reset()
	i.preparing.Go(func() error {
		// In the order of keys, which the store likes best. The changes of one key
		// keep theirs.
		if order := func(a, b fact) int { return bytes.Compare(a.object, b.object) }; !slices.IsSortedFunc(page.facts, order) {
			slices.SortStableFunc(page.facts, order)
		}
		return i.keep(ctx, page)
	})
	return nil
}

// keep begins to commit a page, once the one before is committed.
func (i *importer) keep(ctx context.Context, page *page) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	b, err := i.prepare(func(b *batch) error {
		b.arena, b.mutations = &page.arena, i.room
		if err := b.readFor(page.facts); err != nil {
			return err
		}
		for _, f := range page.facts {
			if err := i.apply(b, f); err != nil {
				return err
			}
		}
		return nil
	})
	if committed := i.committing.Wait(); err == nil {
		err = committed
	}
	if err != nil {
		return err
	}
	if i.room = nil; b.before != nil {
		i.room = b.before.mutations[:0]
	}
	if i.pending, b.before = nil, nil; len(b.mutations) == 0 {
		return nil
	}
	i.pending = b
	i.committing.Go(func() error {
		defer close(b.stored)
		return i.store.Commit(ctx, b.mutations...)
	})
	return nil
}

// readFor reads the rows that facts are compared with.
func (b *batch) readFor(page []fact) error {
	edges := make([][]byte, 0, len(page))
	objects := make([][]byte, 0, len(page))
	for i, f := range page {
		if f.kind == connector.EdgeAdded || f.kind == connector.EdgeRemoved {
			edges = append(edges, f.row)
		}
		if i == 0 || f.key != page[i-1].key {
			objects = append(objects, f.object)
		}
	}
	b.mutations = slices.Grow(b.mutations, len(objects)+2*len(edges)+1)
	if err := b.readAhead(tableObjects, objects); err != nil {
		return err
	}
	return b.readAhead(tableEdges, edges)
}

// count gives the counts of a type, to be changed.
func (i *importer) count(typ string) *Counts {
	counts := i.counts[typ]
	if counts == nil {
		counts = new(Counts)
		i.counts[typ] = counts
	}
	return counts
}

// apply makes one fact part of the batch, counts it and notes what it named.
func (i *importer) apply(b *batch, f fact) error {
	counts := i.count(f.key.Type)
	switch f.kind {
	case connector.EdgeAdded, connector.EdgeRemoved:
		changed, err := b.setEdge(f.row, f.edge, f.kind == connector.EdgeAdded)
		if err != nil {
			return err
		}
		if changed {
			counts.Edges++
		}
	default:
		effect, err := b.apply(f)
		if err != nil {
			return err
		}
		counts.Read++
		if effect.changed {
			counts.Changed++
		} else {
			counts.Unchanged++
		}
		if effect.well {
			i.well[f.key] = struct{}{}
		}
		if effect.ignored {
			return nil
		}
	}
	i.note(f)
	return nil
}

// note remembers what a fact named. mu is held.
func (i *importer) note(f fact) {
	read := i.read[f.key.Type]
	if read == nil {
		return
	}
	switch f.kind {
	case connector.EdgeAdded:
		read.edges.add(f.row)
	case connector.Whole:
		read.whole.add(f.object)
	case connector.Partial, connector.Seen, connector.SoftDeleted:
		read.stand.add(f.object)
	case connector.Deleted, connector.Left, connector.EdgeRemoved:
		i.unsure = true
	}
}

// finish commits where the read ended. An epoch or watermark that awaits an
// approval stays as it was.
func (i *importer) finish(ctx context.Context, result connector.ReadResult) error {
	return i.update(ctx, func(b *batch) error {
		m := &b.meta
		if m.Sequence == 0 {
			m.Sequence, b.dirty = firstSequence, true
		}
		if len(i.report.Emptied) > 0 {
			return nil
		}
		types := slices.Sorted(slices.Values(i.types))
		b.dirty = b.dirty || !m.Imported || !bytes.Equal(m.Watermark, result.Next) || !slices.Equal(m.Types, types) || m.Epoch != result.Epoch
		m.Imported, m.Watermark, m.Types, m.Epoch = true, result.Next, types, result.Epoch
		return nil
	})
}
