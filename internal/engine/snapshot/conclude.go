package snapshot

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// conclude draws from a read that ended well what its end means: problems, who
// is gone, which edges are. All of it can be cut and done again; the watermark
// comes last.
func (i *importer) conclude(ctx context.Context, result connector.ReadResult, approve func(string, int) bool) error {
	problems := append(slices.Clone(result.Problems), slices.SortedFunc(maps.Keys(i.invalid), func(a, b connector.Problem) int {
		return cmp.Or(a.Key.Compare(b.Key), strings.Compare(a.Detail, b.Detail))
	})...)
	if err := i.recordProblems(ctx, problems); err != nil {
		return err
	}
	m, err := i.readMeta(i.store)
	if err != nil {
		return err
	}
	i.judge(result, problems, m, approve)
	i.report.EpochChanged = m.Imported && m.Epoch != result.Epoch
	if len(i.report.Emptied) == 0 && i.report.EpochChanged {
		for _, typ := range slices.Sorted(maps.Keys(m.Counts)) {
			if err := i.concludeUnnamed(ctx, typ, true); err != nil {
				return err
			}
		}
	}
	for _, typ := range i.types {
		if i.report.Coverage[typ] != connector.Complete {
			continue
		}
		if err := i.concludeEdges(ctx, typ); err != nil {
			return err
		}
		if i.report.EpochChanged {
			continue
		}
		if err := i.concludeUnnamed(ctx, typ, false); err != nil {
			return err
		}
	}
	if err := i.settle(ctx); err != nil {
		return err
	}
	return i.finish(ctx, result)
}

// judge decides what the read was worth for each type.
func (i *importer) judge(result connector.ReadResult, problems []connector.Problem, m meta, approve func(string, int) bool) {
	for _, typ := range i.types {
		coverage := result.Coverage[typ]
		if coverage == connector.Complete {
			named := i.count(typ).Read > 0 || slices.ContainsFunc(problems, func(p connector.Problem) bool { return p.Key.Type == typ && validKey(p.Key) })
			known := m.Counts[typ].Present + m.Counts[typ].SoftDeleted
			lost := slices.ContainsFunc(problems, func(p connector.Problem) bool {
				return p.Key.Anchor == "" && (p.Key.Type == typ || p.Key.Type == "")
			})
			switch {
			case lost:
				coverage = connector.ChangesOnly
			case !named && known > 0 && (approve == nil || !approve(typ, known)):
				coverage = connector.ChangesOnly
				i.report.Emptied = append(i.report.Emptied, typ)
			}
		}
		i.report.Coverage[typ] = coverage
	}
}

// concludeUnnamed marks the live objects of a type that the read did not name:
// as absent, or as orphaned when the epoch changed.
func (i *importer) concludeUnnamed(ctx context.Context, typ string, orphan bool) error {
	named := i.read[typ]
	if named == nil {
		named = new(read) // a type that was not read
	}
	skip, err := i.counted(func(m meta) bool { return unionSize(&named.whole, &named.stand) == m.Counts[typ].live() })
	if err != nil || skip {
		return err
	}
	return i.eachPage(tableObjects, store.Prefix(i.source, typ), func(rows []store.Row) error {
		return i.update(ctx, func(b *batch) error {
			for _, row := range rows {
				if named.whole.has(row.Key) || named.stand.has(row.Key) {
					continue
				}
				if err := i.concludeOne(b, row.Key, orphan); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func (i *importer) concludeOne(b *batch, row []byte, orphan bool) error {
	key, err := b.parseObjectKey(row)
	if err != nil {
		return err
	}
	old, err := b.record(key)
	if err != nil {
		return err
	}
	if old == nil || !old.state.live() || old.flags.has(flagOrphaned) {
		return nil
	}
	counts := i.count(key.Type)
	state := Absent
	if orphan {
		state = old.state
		counts.Orphaned++
	} else {
		counts.Absent++
	}
	_, err = b.applyState(key, old, state, orphan)
	return err
}

// concludeEdges removes the edges that the read did not name, of the holders
// that it gave whole.
func (i *importer) concludeEdges(ctx context.Context, typ string) error {
	named := i.read[typ]
	skip, err := i.counted(func(m meta) bool { return named.edges.size() == m.Counts[typ].Edges })
	if err != nil || skip {
		return err
	}
	return i.eachPage(tableEdges, store.Prefix(i.source, typ), func(rows []store.Row) error {
		return i.update(ctx, func(b *batch) error {
			for _, row := range rows {
				if named.edges.has(row.Key) {
					continue
				}
				edge, err := b.parseEdgeKey(row.Key)
				if err != nil {
					return err
				}
				if !named.whole.has(b.holderOf(row.Key, edge)) {
					continue
				}
				if err := i.dropEdge(b, row.Key, edge); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func (i *importer) dropEdge(b *batch, row []byte, edge directory.Edge) error {
	changed, err := b.setEdge(row, edge, false)
	if changed {
		i.count(edge.Holder.Type).Edges++
	}
	return err
}

// counted reports whether everything was named, as far as counting can tell:
// what was named is there, so that equal numbers mean equal sets.
func (i *importer) counted(equal func(meta) bool) (bool, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	m, err := i.readMeta(i.store)
	return err == nil && !i.unsure && equal(m), err
}
