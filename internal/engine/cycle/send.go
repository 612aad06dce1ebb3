package cycle

import (
	"context"
	"fmt"
	"sync"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/ledger"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// chunk decides about items and has those that send launched. It returns when the
// chunk before is under way: while this one's intents are written and its writes
// go out, the next one is decided about.
func (r *run) chunk(ctx context.Context, p *provision.Program, items []item) error {
	if err := r.halted(ctx); err != nil || len(items) == 0 {
		return err
	}
	if err := r.await(2 * chunkSize); err != nil {
		return err
	}
	if err := r.decide(ctx, p, items); err != nil {
		return err
	}
	var sending []*item
	for i := range items {
		it := &items[i]
		r.claim(p, it)
		sends, err := r.dispose(ctx, p, it)
		if err != nil {
			return err
		}
		if sends {
			sending = append(sending, it)
		}
	}
	if err := r.send(ctx, p, sending); err != nil {
		return err
	}
	r.Log.Wake() // what waits for its day file does not pile up
	r.advance(int64(len(items)))
	return ctx.Err()
}

// dispose deals with a decision that sends nothing, or nothing yet, and reports
// whether there is something to send.
func (r *run) dispose(ctx context.Context, p *provision.Program, it *item) (sends bool, err error) {
	d := &it.decision
	if d.Members != provision.MembersLeft {
		if err := r.noteGroup(ctx, p, it); err != nil {
			return false, err
		}
	}
	switch d.Outcome {
	case provision.Sends:
		if d.Removal && !it.remove {
			r.mu.Lock()
			if !it.final {
				r.removal = append(r.removal, it.key)
			}
			if it.intent != nil && it.read {
				r.enqueue(r.Ledger.EndIntent(it.key)) // it was looked at: what was under way was not carried out
			}
			r.mu.Unlock()
			return false, nil
		}
		return true, nil
	case provision.Failed:
		if it.final && r.hasFailed(it.key) {
			return false, nil
		}
		failure := it.failure
		if failure == nil {
			failure = &connector.Error{Class: connector.Rejected, Code: d.Reason, Detail: d.Detail}
		}
		return false, r.failed(it, failure)
	case provision.Skipped:
		if d.Reason == audit.NotEffectivelyEntitled && it.situation.Link == nil && !it.situation.Assigned && !r.onDemand() {
			return false, nil // decisions 29: nothing is said of those neither assigned nor linked, unless a person asks
		}
		if it.final && !it.remove {
			return false, nil // looked at for its references alone
		}
		return false, r.skipped(it)
	}
	return false, r.unchanged(it)
}

// send has items launched as soon as those before them are. Their intents are
// made durable meanwhile.
func (r *run) send(ctx context.Context, p *provision.Program, items []*item) error {
	if len(items) == 0 {
		r.launch.Wait()
		return r.halted(ctx)
	}
	intents := make([]store.Mutation, 0, len(items))
	for _, it := range items {
		intent, err := r.Ledger.BeginIntent(r.intentOf(it))
		if err != nil {
			return err
		}
		intents = append(intents, intent)
	}
	var err error
	r.launch.Go(func() { err = r.Store.Commit(ctx, intents...) })
	r.launch.Wait()
	switch {
	case err == nil:
		r.launch.Go(func() { r.launched(ctx, p, items) }) // which ends the intents if nothing more is to be begun
	case ctx.Err() == nil:
		_ = r.breakOff(fmt.Errorf("write the intents of what is to be sent: %w", err))
	}
	return r.halted(ctx)
}

// launched sends items whose intents are durable, and returns when all are under
// way, or about to be. Objects in hand are finished even when ctx ends; those not
// yet under way are given up.
func (r *run) launched(ctx context.Context, p *provision.Program, items []*item) {
	for _, it := range items {
		r.sends.Go(func() error {
			if r.halted(ctx) != nil {
				r.mu.Lock()
				r.enqueue(r.Ledger.EndIntent(it.key))
				r.mu.Unlock()
				return nil
			}
			operation := *it.decision.Operation
			operation.Complete = func() []connector.Modification {
				r.complete(p, it)
				return it.decision.Operation.Modifications
			}
			started := r.Clock.Now()
			receipt, err := r.Target.Send(context.WithoutCancel(ctx), operation)
			r.mu.Lock()
			r.summary.Writes++
			r.mu.Unlock()
			return r.conclude(p, it, receipt, err, r.Clock.Now().Sub(started).Milliseconds())
		})
	}
}

func (r *run) intentOf(it *item) ledger.Intent {
	op := it.decision.Operation
	intent := ledger.Intent{Key: it.key, Kind: op.Kind, At: r.Clock.Now(), Display: it.situation.View.Display()}
	if op.Kind == connector.Create {
		for _, result := range it.situation.Matches {
			intent.Matches = append(intent.Matches, ledger.IntentMatch{Path: result.Match.Path, Value: result.Match.Value})
		}
		intent.Unique = it.uniqueValues()
	}
	return intent
}

// conclude records what became of a send, in one transaction. The error is only
// ever one of the store or of a target that cannot be used at all.
func (r *run) conclude(p *provision.Program, it *item, receipt connector.Receipt, err error, milliseconds int64) error {
	if err == nil && it.decision.Operation.Kind == connector.Create {
		owner, e := r.ownerOf(it.key, it.key.Type, receipt.ID)
		if e != nil {
			return r.breakOff(e)
		}
		if owner == "" {
			owner = r.reserve(it.key, receipt.ID)
		}
		if owner != "" {
			// The app answered with the id of somebody else's account: believe
			// nothing of it.
			err = &connector.Error{Class: connector.Unknown, Code: "SystemForCrossDomainIdentityManagementServiceIncompatible",
				Detail: fmt.Sprintf("the app answered a create with the id %q, which belongs to %s", receipt.ID, owner)}
		}
	}
	if err == nil {
		return r.carriedOut(p, it, receipt, milliseconds)
	}
	failure := connector.AsError(err)
	if cause, open := connector.OpenCause(err); open || failure.Class == connector.Fatal {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.enqueue(r.Ledger.EndIntent(it.key)) // nothing was sent
		if r.fatal == nil {
			r.fatal = err
		}
		_ = cause
		return nil
	}
	op := it.decision.Operation
	switch {
	case failure.Class == connector.Gone && op.Kind != connector.Create && it.attempts == 0,
		failure.Class == connector.Unknown && op.Kind != connector.Create && it.attempts == 0:
		r.repeatLater(it, item{read: true})
		return nil
	case it.decision.Action == provision.ActionDisable && len(op.Modifications) > 0 && it.attempts == 0 &&
		(failure.Class == connector.Conflict || failure.Class == connector.Rejected):
		// A leaver is disabled whatever else the app does not take (decisions 8).
		r.repeatLater(it, item{refused: failure.Error()})
		return nil
	case failure.Class == connector.Conflict && it.attempts == 0:
		r.repeatLater(it, item{fresh: true, refused: failure.Detail})
		return nil
	case failure.Class == connector.Unknown:
		return r.unknown(p, it, failure)
	}
	return r.failed(it, failure)
}

// repeatLater has an object decided again at the end of the phase. Its intent
// stays open until then.
func (r *run) repeatLater(it *item, how item) {
	how.key, how.attempts, how.remove, how.approved, how.final = it.key, it.attempts+1, it.remove, it.approved, it.final
	r.mu.Lock()
	r.again[it.key.Type] = append(r.again[it.key.Type], how)
	r.mu.Unlock()
}

func (r *run) breakOff(err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fatal == nil {
		r.fatal = err
	}
	return nil
}

// lists has lists of mutations to be used again, since each object that is sent
// fills one.
var lists = sync.Pool{New: func() any { return new([]store.Mutation) }}

// maxList bounds the lists that are kept, so that a large group leaves nothing
// behind.
const maxList = 64

// carriedOut records a success: link, log entry, end of intent and escrow.
func (r *run) carriedOut(p *provision.Program, it *item, receipt connector.Receipt, milliseconds int64) error {
	d := &it.decision
	after, refused := d.Completed(receipt)
	if after != nil {
		after.ChangedAt, after.Cycle, after.Action = r.Clock.Now(), r.Cycle.ID, d.Action
	}
	found := r.foundDone(it)
	entry := r.entry(it, audit.Success)
	entry.DurationMS = milliseconds
	if after != nil {
		entry.Target.ID = after.TargetID
	}
	export := audit.Step{Name: exportName(d.Action), Type: audit.StepExport, Status: audit.Success, Description: "the app accepted it"}
	if len(refused) > 0 {
		entry.Status, export.Status = audit.Warning, audit.Warning
		entry.Reason = audit.AttributeNotTaken
		export.Description = "the app accepted it, but did not take these values; they are not sent again until they change"
		for _, property := range refused {
			export.Details = append(export.Details, audit.Detail{Name: property.Name,
				Value: "sent " + shown(property.New) + ", the app has " + shown(property.Old)})
		}
	}
	entry.Steps = append(entry.Steps, export)
	list := lists.Get().(*[]store.Mutation)
	mutations := (*list)[:0]
	var err error
	for _, e := range found {
		if mutations, err = r.Log.Append(mutations, e); err != nil {
			return r.breakOff(err)
		}
	}
	if mutations, err = r.Log.Append(mutations, entry); err != nil {
		return r.breakOff(err)
	}
	link, err := r.Ledger.Put(it.key, it.situation.Link, after)
	if err != nil {
		return r.breakOff(err)
	}
	mutations = append(mutations, link...)
	if another(it.situation.Link, after, d.Operation) {
		gone, err := r.Ledger.DropMembers(it.key)
		if err != nil {
			return r.breakOff(err)
		}
		mutations = append(mutations, gone...)
	}
	mutations = append(mutations, r.Ledger.EndIntent(it.key))
	mutations = append(mutations, r.Ledger.SettleEscrow(it.escrow, nil)...)
	counted := it.situation.Link != nil && it.situation.Link.Cycle == r.Cycle.ID && !r.Resumed
	before := it.situation.Link
	linked := after != nil && (before == nil || another(before, after, d.Operation))
	stale, err := r.noteHolders(it.key, before, after, len(d.Pending) > 0)
	if err != nil {
		return r.breakOff(err)
	}
	mutations = append(mutations, stale...)
	r.mu.Lock()
	defer r.mu.Unlock()
	if d.Operation.Kind == connector.Create && after != nil {
		r.created.put(it.key, after.TargetID)
	}
	if linked && it.key.Type == directory.Group {
		r.groups[it.key] = provision.MembersKept
	}
	if len(found) > 0 && linked {
		r.summary.Created++ // with what was written now, it counts once
	} else {
		r.tally(d, counted)
	}
	if d.Removal && !it.approved {
		r.summary.Removed[it.key.Type]++
	}
	r.enqueue(mutations...)
	if cap(mutations) <= maxList {
		clear(mutations)
		*list = mutations
		lists.Put(list)
	}
	return nil
}

// another reports whether a link came to stand for another account than before,
// whose members are not known to us: a rename that changes the id is none.
func another(before, after *provision.Link, op *connector.Operation) bool {
	return before != nil && (after == nil || op.Kind == connector.Create || op.ID != before.TargetID)
}

func (r *run) tally(d *provision.Decision, counted bool) {
	if counted {
		return
	}
	switch d.Action {
	case provision.ActionCreate:
		r.summary.Created++
	case provision.ActionUpdate:
		r.summary.Updated++
	case provision.ActionDisable:
		r.summary.Disabled++
	case provision.ActionDelete:
		r.summary.Deleted++
	}
}
