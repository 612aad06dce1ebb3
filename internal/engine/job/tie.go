package job

import (
	"context"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/ledger"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// readEpoch notes what an anchor means in the source now. A new meaning calls
// for an initial cycle.
func (a *activity) readEpoch() (err error) {
	if a.epoch, err = a.snapshot.Epoch(); err == nil && a.sourceChanged() {
		a.cycle.Kind = status.Initial
	}
	return err
}

// sourceChanged reports whether the links were made when anchors meant
// something else.
func (a *activity) sourceChanged() bool {
	return a.state.SourceID != "" && (a.state.SourceID != a.released.Source.ID || a.state.Epoch != a.epoch)
}

// tie compiles the configuration and brings the ledger in step with the target
// and source: the links are marked as unproven when the app's connection, or
// what an anchor is, has changed. Each is confirmed before anything is sent to
// it (decisions 28).
func (a *activity) tie(ctx context.Context) error {
	var err error
	if a.programs, err = programs(a.released, a.job, a.features, a.schema()); err != nil {
		return err
	}
	a.ledger = ledger.Open(a.store, a.appID, a.features.Connection)
	if !a.moved && !a.sourceChanged() {
		return nil
	}
	a.state.Doubtful = true
	before := ledger.Open(a.store, a.appID, a.connection())
	for _, p := range a.programs {
		var page []store.Mutation
		err := before.EachLink(p.ObjectType, func(key directory.Key, link provision.Link) error {
			m, err := before.Put(key, &link, a.doubted(link))
			if err != nil {
				return err
			}
			if page = append(page, m...); len(page) < 1000 {
				return nil
			}
			mutations := page
			page = nil
			return a.store.Commit(ctx, mutations...)
		})
		if err != nil {
			return err
		}
		if err := a.store.Commit(ctx, page...); err != nil {
			return err
		}
	}
	return nil
}

// doubted gives a link as unproven. When the anchor may mean another object
// than before, the matching values of then prove nothing.
func (a *activity) doubted(link provision.Link) *provision.Link {
	link.Unproven = true
	if a.sourceChanged() {
		link.Claims = nil
	}
	return &link
}

// keepFeatures remembers what the target told, once the links are in step with
// it.
func (a *activity) keepFeatures(ctx context.Context) error {
	features, schema := a.features, a.schema()
	return a.update(ctx, func(s *State) {
		s.Features, s.Schema, s.SourceID, s.Epoch, s.Doubtful = &features, &schema, a.released.Source.ID, a.epoch, a.state.Doubtful
	})
}
