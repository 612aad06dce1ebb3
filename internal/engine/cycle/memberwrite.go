package cycle

import (
	"context"
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/ledger"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// sendMembers adds or removes members in requests as large as the app takes, one
// after the other, under one intent. all: the app took every one of them.
func (r *run) sendMembers(ctx context.Context, p *provision.Program, key directory.Key, link *provision.Link, reference mapping.Reference, verb connector.Verb, members []ledger.Member, pass memberPass) (all bool, err error) {
	size := r.Features.MembersPerRequest
	if size <= 0 {
		size = len(members)
	}
	w := &memberWrite{run: r, program: p, key: key, link: link, reference: reference, verb: verb, pass: pass}
	for start := 0; start < len(members); start += size {
		if ctx.Err() != nil {
			w.end()
			return false, ctx.Err()
		}
		part := members[start:min(start+size, len(members))]
		w.last = start+size >= len(members)
		if err := w.send(ctx, part); err != nil || w.hasFailed(key) && pass == addMembers {
			return false, err
		}
	}
	return !w.lost && !r.hasFailed(key), nil
}

// memberWrite is members of one group on their way into it, or out of it.
type memberWrite struct {
	*run
	program   *provision.Program
	key       directory.Key
	link      *provision.Link
	reference mapping.Reference
	verb      connector.Verb
	pass      memberPass
	last      bool // no request comes after this one
	intended  bool // the group has an open intent
	lost      bool // the app took less than it accepted
}

// begin makes an intent durable, unless one is open: a crash leads to the same
// look at the group, however many requests are under way.
func (w *memberWrite) begin(ctx context.Context, it *item) error {
	if w.intended {
		return nil
	}
	intent, err := w.Ledger.BeginIntent(w.intentOf(it))
	if err != nil {
		return err
	}
	w.intended = true
	return w.Store.Commit(ctx, intent)
}

// end closes an intent that nothing follows.
func (w *memberWrite) end() {
	if !w.intended {
		return
	}
	w.intended = false
	w.mu.Lock()
	w.enqueue(w.Ledger.EndIntent(w.key))
	w.mu.Unlock()
}

// send sends one request of members.
func (w *memberWrite) send(ctx context.Context, part []ledger.Member) error {
	it := &item{key: w.key}
	if err := w.prepare(w.program, it); err != nil {
		return err
	}
	values := make([]directory.Value, len(part))
	names := make([]string, len(part))
	for i, m := range part {
		values[i] = directory.Text(m.ID)
		names[i] = m.Key.Anchor
	}
	change := audit.Property{Name: w.reference.Path.String()}
	list := directory.Texts(names...).String()
	if w.verb == connector.Add {
		change.New = &list
	} else {
		change.Old = &list
	}
	operation := connector.Operation{Kind: connector.Update, Type: w.key.Type, ID: w.link.TargetID, Modifications: []connector.Modification{
		{Path: w.reference.Path, Verb: w.verb, Value: directory.List(values...), Reference: true},
	}}
	it.decision = provision.Decision{
		Outcome: provision.Sends, Action: provision.ActionUpdate, Operation: &operation, Changes: []audit.Property{change}, After: it.situation.Link,
	}
	if err := w.begin(ctx, it); err != nil {
		return err
	}
	started := w.Clock.Now()
	receipt, err := w.Target.Send(context.WithoutCancel(ctx), operation)
	w.mu.Lock()
	w.summary.Writes++
	w.mu.Unlock()
	if err != nil {
		return w.refused(it, err)
	}
	return w.done(it, part, receipt, w.Clock.Now().Sub(started).Milliseconds())
}

// refused records a request that failed.
func (w *memberWrite) refused(it *item, err error) error {
	if connector.ClassOf(err) == connector.Unknown {
		// What the group holds is looked at before what is not recorded is sent.
		w.doubt(w.key)
		open, failure := w.unknownIntent(it)
		if failure != nil {
			return w.breakOff(failure)
		}
		w.intended = false // it stays open, and says so
		return w.failedWith(it, connector.AsError(err), open)
	}
	if _, open := connector.OpenCause(err); open || connector.ClassOf(err) == connector.Fatal {
		w.end()
		return w.breakOff(err)
	}
	w.intended = false // the failure ends it
	return w.failed(it, connector.AsError(err))
}

// unknownIntent gives the mutation that keeps a write's intent open, whose outcome
// is not known.
func (r *run) unknownIntent(it *item) (store.Mutation, error) {
	intent := r.intentOf(it)
	intent.Unknown = true
	return r.Ledger.BeginIntent(intent)
}

// doubt notes that it is not known what a group's last write added.
func (r *run) doubt(group directory.Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.doubted[group] = true
}

func (r *run) isDoubted(group directory.Key) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.doubted[group]
}

// done records what one request did.
func (w *memberWrite) done(it *item, part []ledger.Member, receipt connector.Receipt, milliseconds int64) error {
	attribute := w.reference.Path.String()
	var mutations []store.Mutation
	for _, m := range part {
		if w.verb == connector.Remove {
			mutations = append(mutations, w.Ledger.DropMember(it.key, attribute, m.Key))
			continue
		}
		if slices.Contains(receipt.Lost, m.ID) {
			w.lost = true
			continue
		}
		mutations = append(mutations, w.Ledger.PutMember(it.key, attribute, m))
	}
	entry := w.entry(it, audit.Success)
	entry.DurationMS = milliseconds
	entry.Steps = []audit.Step{{Name: exportName(provision.ActionUpdate), Type: audit.StepExport, Status: audit.Success,
		Description: "the app accepted the " + attribute}}
	logged, err := w.Log.Mutations(entry)
	if err != nil {
		return w.breakOff(err)
	}
	link := it.situation.Link
	after := *link
	after.ChangedAt, after.Cycle, after.Action = w.Clock.Now(), w.Cycle.ID, provision.ActionUpdate
	put, err := w.Ledger.Put(it.key, link, &after)
	if err != nil {
		return w.breakOff(err)
	}
	mutations = append(append(mutations, logged...), put...)
	switch {
	case w.hasFailed(it.key): // with other members: that stays to be done
		open, err := w.unknownIntent(it)
		if err != nil {
			return w.breakOff(err)
		}
		mutations = append(mutations, open)
	case w.last:
		w.intended = false
		mutations = append(mutations, w.Ledger.EndIntent(it.key))
		fallthrough
	default:
		mutations = append(mutations, w.Ledger.SettleEscrow(it.escrow, nil)...)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.counted[it.key] && link.Cycle != w.Cycle.ID {
		w.summary.Updated++
	}
	w.counted[it.key] = true
	if w.pass == removeMembers {
		for _, m := range part {
			if !w.approved[ledger.Membership{Holder: it.key, Member: m.Key}] {
				w.summary.Removed[Memberships]++
			}
		}
	}
	w.enqueue(mutations...)
	return nil
}
