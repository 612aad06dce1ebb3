package snapshot

import (
	"context"
	"fmt"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// settle lets edges follow the changes of their holders' states. Who is gone
// refers to nobody; of any other, those at the other ends are to be looked at
// again, since what the holder gives them may have come or gone.
func (s *Snapshot) settle(ctx context.Context) error {
	prefix := store.Prefix(s.source)
	for {
		rows, err := s.store.Page(tableUnsettled, prefix, store.Successor(prefix), 1)
		if err != nil || len(rows) == 0 {
			return err
		}
		holder, err := s.parseObjectKey(rows[0].Key)
		if err != nil {
			return err
		}
		err = s.eachPage(tableEdges, s.edgePrefix(holder), func(rows []store.Row) error {
			return s.update(ctx, func(b *batch) error { return b.follow(holder, rows) })
		})
		if err != nil {
			return err
		}
		err = s.update(ctx, func(b *batch) error {
			b.add(tableUnsettled, rows[0].Key, nil)
			return nil
		})
		if err != nil {
			return fmt.Errorf("settle %v: %w", holder, err)
		}
	}
}

// follow drops edges of a holder who is gone, or touches their other ends.
func (b *batch) follow(holder directory.Key, edges []store.Row) error {
	r, err := b.record(holder)
	if err != nil {
		return err
	}
	gone := r == nil || !r.state.live()
	for _, row := range edges {
		edge, err := b.parseEdgeKey(row.Key)
		if err != nil {
			return err
		}
		if !gone {
			b.touchEnd(edge.To)
		} else if _, err := b.setEdge(row.Key, edge, false); err != nil {
			return err
		}
	}
	return nil
}
