package cycle

import (
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// skipped records that nothing is done, and why.
func (r *run) skipped(it *item) error {
	entry := r.entry(it, audit.Skipped)
	mutations, err := r.settle(it)
	if err != nil {
		return err
	}
	if !r.logged[it.key] {
		logged, err := r.Log.Mutations(entry)
		if err != nil {
			return err
		}
		mutations = append(mutations, logged...)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.summary.Skipped++
	r.enqueue(mutations...)
	return nil
}

// unchanged counts an object that is as it should be.
func (r *run) unchanged(it *item) error {
	mutations, err := r.settle(it)
	if err != nil {
		return err
	}
	link := it.situation.Link
	found := r.foundDone(it)
	if len(found) > 0 {
		logged, err := r.Log.Mutations(found...)
		if err != nil {
			return err
		}
		mutations = append(mutations, logged...)
	}
	done := it.attempts > 0 || link != nil && link.Cycle == r.Cycle.ID
	if r.LogAll && link != nil && !done && !it.final {
		it.decision.Reason = audit.RedundantExport
		logged, err := r.Log.Mutations(r.entry(it, audit.Skipped))
		if err != nil {
			return err
		}
		mutations = append(mutations, logged...)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case len(found) > 0:
		r.recount(it.decision.After)
		if found[0].Action == audit.Disable && !it.approved {
			r.summary.Removed[it.key.Type]++
		}
	case link == nil || it.final && !it.remove:
	case !done:
		r.summary.Unchanged++
	case r.Resumed || it.attempts > 0 || it.intent != nil:
		r.recount(link)
	}
	r.enqueue(mutations...)
	return nil
}

// recount counts what this very cycle did before it was interrupted, or in a
// write whose answer was lost. r.mu is held.
func (r *run) recount(link *provision.Link) {
	switch {
	case link.CreatedByUs && !link.LinkedAt.Before(r.Cycle.StartedAt):
		r.summary.Created++
	case link.Disabled != nil && !link.Disabled.At.Before(r.Cycle.StartedAt):
		r.summary.Disabled++
	default:
		r.summary.Updated++
	}
}

// settle gives the mutations that end an object's intent and escrow and keep
// what its link has come to say, when nothing is sent for it.
func (r *run) settle(it *item) ([]store.Mutation, error) {
	var mutations []store.Mutation
	before, after := it.situation.Link, it.decision.After
	if before == nil && it.situation.Lost == nil && after == nil {
		mutations = append(mutations, r.Ledger.SettleEscrow(it.escrow, nil)...)
	} else {
		if after != before {
			if after != nil && before == nil {
				after.ChangedAt, after.Cycle, after.Action = r.Clock.Now(), r.Cycle.ID, provision.ActionNone
				if after.CreatedByUs { // by a create whose answer was lost
					after.Action = provision.ActionCreate
				}
			}
			link, err := r.Ledger.Put(it.key, before, after)
			if err != nil {
				return nil, err
			}
			mutations = append(mutations, link...)
			stale, err := r.noteHolders(it.key, before, after, len(it.decision.Pending) > 0)
			if err != nil {
				return nil, err
			}
			mutations = append(mutations, stale...)
		}
		mutations = append(mutations, r.Ledger.SettleEscrow(it.escrow, nil)...)
	}
	if it.intent != nil {
		mutations = append(mutations, r.Ledger.EndIntent(it.key))
	}
	return mutations, nil
}
