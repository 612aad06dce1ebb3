package cycle

import (
	"context"
	"maps"
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// noteHolders has those who refer to an object looked at again when its account
// came, went or became another (decisions 31). What is noted of them is to be
// committed with the link; an initial cycle looks at all of them anyway when it
// is cut.
//
// Of a new account's holders those without a link are passed over: they find it
// when they are decided about, or were while it was on its way. Those are looked
// at again for their own sake: pending tells that a reference of the object led
// to nobody.
func (r *run) noteHolders(key directory.Key, before, after *provision.Link, pending bool) ([]store.Mutation, error) {
	if usable(before.Head()) == usable(after.Head()) && (before == nil || after == nil || before.TargetID == after.TargetID) {
		return nil, nil
	}
	keys, err := r.linkedHolders(key, before == nil)
	if err != nil {
		return nil, err
	}
	if before == nil && pending {
		keys = append(keys, key)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, holder := range keys {
		r.holders[holder] = true
	}
	if r.Cycle.Kind == status.Initial {
		return nil, nil
	}
	if key.Type == directory.Group {
		keys = append(keys, key) // its own members are to be sent
	}
	var mutations []store.Mutation
	for _, holder := range keys {
		if !r.stale[holder] {
			r.stale[holder] = true
			mutations = append(mutations, r.Ledger.PutStale(holder))
		}
	}
	return mutations, nil
}

// linkedHolders gives those who refer to an object, and of a new account's only
// those who have a link. Where nobody had one when the cycle began, there is no
// need to ask: who got one since was told above to look again for themselves.
func (r *run) linkedHolders(key directory.Key, created bool) ([]directory.Key, error) {
	if created && r.unlinked {
		return nil, nil
	}
	var keys []directory.Key
	err := eachHolder(r.Snapshot, key, "", func(edges []directory.Edge) error {
		holders := make([]directory.Key, len(edges))
		for i, edge := range edges {
			holders[i] = edge.Holder
		}
		if !created {
			keys = append(keys, holders...)
			return nil
		}
		linked, err := r.Ledger.HaveLinks(holders)
		for i, holder := range holders {
			if linked[i] {
				keys = append(keys, holder)
			}
		}
		return err
	})
	return keys, err
}

// lookAtHolders decides again about those who refer to an object that came or
// went: their references are sent, and groups have their members compared.
func (r *run) lookAtHolders(ctx context.Context) error {
	r.mu.Lock()
	holders := slices.SortedFunc(maps.Keys(r.holders), directory.Key.Compare)
	r.holders = make(map[directory.Key]bool)
	r.mu.Unlock()
	for _, p := range r.Programs {
		if !p.Mapping.Enabled {
			continue
		}
		for page := range slices.Chunk(holders, chunkSize) {
			items, err := r.lookAgain(p, page)
			if err != nil {
				return err
			}
			if err := r.chunk(ctx, p, items); err != nil {
				return err
			}
		}
		if err := r.repeat(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// lookAgain gives the objects of one type that are linked, to be decided about
// with all references known.
func (r *run) lookAgain(p *provision.Program, keys []directory.Key) ([]item, error) {
	linked, err := r.Ledger.HaveLinks(keys)
	if err != nil {
		return nil, err
	}
	var items []item
	for i, key := range keys {
		if linked[i] && key.Type == p.ObjectType {
			items = append(items, item{key: key, final: true})
		}
	}
	return items, nil
}

// recallStale has those looked at whom an interrupted cycle noted.
func (r *run) recallStale() error {
	if r.onDemand() {
		return nil
	}
	stale, err := r.Ledger.Stale()
	for _, key := range stale {
		r.holders[key], r.stale[key] = true, true
	}
	return err
}

// settleStale forgets, at the end, whose references were to be looked at.
func (r *run) settleStale(ctx context.Context) error {
	if len(r.stale) == 0 {
		return nil
	}
	mutations := make([]store.Mutation, 0, len(r.stale))
	for _, key := range slices.SortedFunc(maps.Keys(r.stale), directory.Key.Compare) {
		mutations = append(mutations, r.Ledger.DropStale(key))
	}
	return r.Store.Commit(ctx, mutations...)
}
