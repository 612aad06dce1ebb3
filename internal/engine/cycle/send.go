package cycle

import (
	"context"
	"fmt"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/ledger"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// chunk decides about items, writes the intents of those that send in one
// commit, and sends them. It returns when all are under way, not when they have
// ended.
func (r *run) chunk(ctx context.Context, p *provision.Program, items []item) error {
	if len(items) == 0 {
		return ctx.Err()
	}
	if err := r.broken(); err != nil {
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
		if d.Reason == audit.NotEffectivelyEntitled && it.situation.Link == nil && !it.situation.Assigned {
			return false, nil // decisions 29: nothing is said of those neither assigned nor linked
		}
		if it.final && !it.remove {
			return false, nil // looked at for its references alone
		}
		return false, r.skipped(it)
	}
	return false, r.unchanged(it)
}

// send writes the intents and sends. Objects in hand are finished even when ctx
// ends; those not yet under way are given up.
func (r *run) send(ctx context.Context, p *provision.Program, items []*item) error {
	if len(items) == 0 {
		return nil
	}
	intents := make([]store.Mutation, 0, len(items))
	for _, it := range items {
		intent, err := r.Ledger.BeginIntent(r.intentOf(it))
		if err != nil {
			return err
		}
		intents = append(intents, intent)
	}
	if err := r.Store.Commit(ctx, intents...); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("write the intents of what is to be sent: %w", err)
	}
	for _, it := range items {
		if ctx.Err() != nil || r.broken() != nil {
			r.mu.Lock()
			r.enqueue(r.Ledger.EndIntent(it.key))
			r.mu.Unlock()
			continue
		}
		r.sends.Go(func() error {
			started := r.Clock.Now()
			receipt, err := r.Target.Send(context.WithoutCancel(ctx), *it.decision.Operation)
			r.mu.Lock()
			r.summary.Writes++
			r.mu.Unlock()
			return r.conclude(p, it, receipt, err, r.Clock.Now().Sub(started).Milliseconds())
		})
	}
	return nil
}

func (r *run) intentOf(it *item) ledger.Intent {
	op := it.decision.Operation
	intent := ledger.Intent{
		Key: it.key, Kind: op.Kind, ID: op.ID, Cycle: r.Cycle.ID, At: r.Clock.Now(), Display: it.situation.View.Display(),
	}
	if op.Kind == connector.Create {
		for _, result := range it.situation.Matches {
			intent.Matches = append(intent.Matches, ledger.IntentMatch{Path: result.Match.Path, Value: result.Match.Value})
		}
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

// carriedOut records a success: link, log entry, end of intent and escrow.
func (r *run) carriedOut(p *provision.Program, it *item, receipt connector.Receipt, milliseconds int64) error {
	d := &it.decision
	after, refused := d.Completed(receipt)
	if after != nil {
		after.ChangedAt, after.Cycle = r.Clock.Now(), r.Cycle.ID
	}
	entries := r.foundDone(it)
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
		export.Details = make(map[string]string)
		for _, property := range refused {
			export.Details[property.Name] = "sent " + shown(property.New) + ", the app has " + shown(property.Old)
		}
	}
	entry.Steps = append(entry.Steps, export)
	mutations, err := r.Log.Mutations(append(entries, entry)...)
	if err != nil {
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
	stale, err := r.noteHolders(it.key, before, after)
	if err != nil {
		return r.breakOff(err)
	}
	mutations = append(mutations, stale...)
	r.mu.Lock()
	defer r.mu.Unlock()
	if linked && it.key.Type == directory.Group {
		r.groups[it.key] = provision.MembersKept
	}
	if len(entries) > 0 && linked {
		r.summary.Created++ // with what was written now, it counts once
	} else {
		r.tally(d, counted)
	}
	if d.Removal && !it.approved {
		r.summary.Removed[it.key.Type]++
	}
	r.enqueue(mutations...)
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

// noteHolders has those who refer to an object looked at again when its account
// came, went or became another (decisions 31). What is noted of them is to be
// committed with the link; an initial cycle looks at all of them anyway when it
// is cut.
func (r *run) noteHolders(key directory.Key, before, after *provision.Link) ([]store.Mutation, error) {
	if usable(before) == usable(after) && (before == nil || after == nil || before.TargetID == after.TargetID) {
		return nil, nil
	}
	var keys []directory.Key
	err := eachHolder(r.Snapshot, key, "", func(edge directory.Edge) error {
		keys = append(keys, edge.Holder)
		return nil
	})
	if err != nil {
		return nil, err
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

func (r *run) hasFailed(key directory.Key) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failures[key]
}

// unknown keeps an object whose create may have been carried out: its intent
// stays open, and the account is looked for before anything is sent again.
func (r *run) unknown(p *provision.Program, it *item, failure *connector.Error) error {
	if it.attempts == 0 {
		// Most lost answers are found at once.
		ids, err := r.findLost(context.Background(), p, r.intentOf(it))
		if err == nil && len(ids) == 1 {
			r.repeatLater(it, item{recovered: ids[0]})
			return nil
		}
	}
	intent := r.intentOf(it)
	intent.Unknown = true
	open, err := r.Ledger.BeginIntent(intent)
	if err != nil {
		return r.breakOff(err)
	}
	return r.failedWith(it, &connector.Error{Class: connector.Unknown, Code: audit.UnknownOutcome, Detail: failure.Error()}, open)
}

// failure is one that is not held against its object yet.
type failure struct {
	it    *item
	cause *connector.Error
}

// failed records a failure and ends the intent. A transient one waits for the
// end of the phase: when the target as a whole turns out to be down, no object
// is blamed (decisions 43).
func (r *run) failed(it *item, cause *connector.Error) error {
	if cause.Class == connector.Transient {
		r.mu.Lock()
		r.doubtful = append(r.doubtful, failure{it, cause})
		r.mu.Unlock()
		return nil
	}
	return r.failedWith(it, cause, r.Ledger.EndIntent(it.key))
}

// blame holds against their objects the failures that waited.
func (r *run) blame() error {
	for _, f := range r.takeDoubtful() {
		if err := r.failedWith(f.it, f.cause, r.Ledger.EndIntent(f.it.key)); err != nil {
			return err
		}
	}
	return nil
}

// absolve forgets the failures that waited: nothing was written, and the
// objects are looked at again.
func (r *run) absolve() {
	for _, f := range r.takeDoubtful() {
		if f.it.intent == nil || !f.it.intent.Unknown {
			r.mu.Lock()
			r.enqueue(r.Ledger.EndIntent(f.it.key))
			r.mu.Unlock()
		}
	}
}

func (r *run) takeDoubtful() []failure {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.doubtful
	r.doubtful = nil
	return taken
}

func (r *run) failedWith(it *item, failure *connector.Error, intent store.Mutation) error {
	d := &it.decision
	if it.intent != nil && it.intent.Unknown && d.Outcome == provision.Failed {
		// Nothing was sent now: what is not known stays not known.
		intent = store.Mutation{}
	}
	soon := failure.Class == connector.Transient || failure.Class == connector.Throttled || failure.Class == connector.Unknown
	removal := d.Removal
	now := it.escrow.After(it.key, r.Clock.Now(), ledger.Failure{
		Code: failure.Code, Detail: failure.Detail, Display: it.situation.View.Display(), Removal: removal, Soon: soon, Sequence: it.sequence,
	})
	if failure.Code == audit.DuplicateSourceEntries {
		now.Claims = r.claimsOf(it)
	}
	var mutations []store.Mutation
	if intent.Table != "" {
		mutations = append(mutations, intent)
	}
	mutations = append(mutations, r.Ledger.SettleEscrow(it.escrow, &now)...)
	if !r.logged[it.key] {
		entry := r.entry(it, audit.Failure)
		entry.ErrorCode, entry.Reason = failure.Code, failure.Detail
		if failure.Advice != "" {
			entry.RecommendedAction = failure.Advice
		} else {
			entry.RecommendedAction = audit.Explain(failure.Code).Advice
		}
		if d.Outcome == provision.Sends {
			entry.Steps = append(entry.Steps, audit.Step{Name: exportName(d.Action), Type: audit.StepExport, Status: audit.Failure,
				Description: failure.Error(), Details: map[string]string{"ErrorCode": failure.Code}})
		}
		logged, err := r.Log.Mutations(entry)
		if err != nil {
			return r.breakOff(err)
		}
		mutations = append(mutations, logged...)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures[it.key] = true
	r.summary.Failed++
	r.enqueue(mutations...)
	return nil
}

func (r *run) claimsOf(it *item) []provision.Claim {
	p := r.programs[it.key.Type]
	var claims []provision.Claim
	s := it.situation
	s.Rivals, s.Matches = nil, nil
	for _, need := range provision.Decide(s, p).Need {
		if need.Kind == provision.LookupMatch {
			claims = provision.Claims(p.Mapping, need.Matches)
		}
	}
	return claims
}

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
				after.ChangedAt, after.Cycle = r.Clock.Now(), r.Cycle.ID
			}
			link, err := r.Ledger.Put(it.key, before, after)
			if err != nil {
				return nil, err
			}
			mutations = append(mutations, link...)
			stale, err := r.noteHolders(it.key, before, after)
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
