package snapshot

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// Merge keeps what a source's Find gave, as facts: an object that is Whole has
// just the edges that come with it. An import that is under way takes them for
// named.
func (s *Snapshot) Merge(ctx context.Context, changes []connector.Change) error {
	facts := make([]fact, 0, len(changes))
	named := &keySet{}
	whole := make(map[directory.Key]struct{})
	for _, change := range changes {
		f, invalid, err := s.newFact(nil, change)
		if err != nil {
			return err
		}
		if invalid != "" {
			return fmt.Errorf("keep what the source gave of %v: %s", f.key, invalid)
		}
		switch f.kind {
		case connector.Whole:
			whole[f.key] = struct{}{}
		case connector.EdgeAdded:
			named.add(f.row)
		}
		facts = append(facts, f)
	}
	for page := range slices.Chunk(facts, s.page) {
		if err := s.update(ctx, func(b *batch) error { return b.merge(page) }); err != nil {
			return err
		}
	}
	for _, holder := range slices.SortedFunc(maps.Keys(whole), directory.Key.Compare) {
		if err := s.sweepEdges(ctx, holder, named); err != nil {
			return err
		}
	}
	return s.settle(ctx)
}

func (b *batch) merge(facts []fact) error {
	for _, f := range facts {
		switch f.kind {
		case connector.EdgeAdded, connector.EdgeRemoved:
			if _, err := b.setEdge(f.row, f.edge, f.kind == connector.EdgeAdded); err != nil {
				return err
			}
		default:
			effect, err := b.apply(f)
			if err != nil {
				return err
			}
			if effect.well {
				if err := b.clearProblem(f.key); err != nil {
					return err
				}
			}
			if effect.ignored {
				continue
			}
		}
		if b.running != nil {
			b.running.note(f)
			b.running.unsure = true
		}
	}
	return nil
}

// sweepEdges removes an object's edges that are not named.
func (s *Snapshot) sweepEdges(ctx context.Context, holder directory.Key, named *keySet) error {
	return s.eachPage(tableEdges, s.edgePrefix(holder), func(rows []store.Row) error {
		return s.update(ctx, func(b *batch) error {
			for _, row := range rows {
				if named.has(row.Key) {
					continue
				}
				edge, err := b.parseEdgeKey(row.Key)
				if err != nil {
					return err
				}
				if _, err := b.setEdge(row.Key, edge, false); err != nil {
					return err
				}
			}
			return nil
		})
	})
}
