package cycle

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/ledger"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// lostAfter passes before an account that no look-up shows counts as never
// made: a search may lag behind.
const lostAfter = 2 * time.Minute

var errNotYet = errors.New("no look-up shows it yet, and a search may lag behind")

// resolveIntents finds out, before anything else is sent, what became of writes
// whose outcome was not recorded: by look-up, since nothing is sent twice
// blindly. It gives the objects to be decided first, by type.
func (r *run) resolveIntents(ctx context.Context) (map[string][]item, error) {
	intents, err := r.Ledger.Intents()
	if err != nil || len(intents) == 0 {
		return nil, err
	}
	r.begin("resolving interrupted writes")
	if err := r.letSettle(ctx, intents); err != nil {
		return nil, err
	}
	items := make([]*item, len(intents))
	var lookUps errgroup.Group
	lookUps.SetLimit(r.inFlight())
	for i, intent := range intents {
		for _, chosen := range intent.Unique {
			r.reserveValue(intent.Key, candidate{chosen.Path, chosen.Value.String()})
		}
		p := r.programs[intent.Key.Type]
		if p == nil {
			continue // the object type is no longer mapped; the intent waits for it
		}
		lookUps.Go(func() error {
			it, ended, err := r.resolve(ctx, p, intent)
			if ended {
				r.mu.Lock()
				r.enqueue(r.Ledger.EndIntent(intent.Key))
				r.mu.Unlock()
			}
			items[i] = it
			return err
		})
	}
	if err := lookUps.Wait(); err != nil {
		return nil, err
	}
	recovered := make(map[string][]item)
	for _, it := range items {
		if it != nil {
			recovered[it.key.Type] = append(recovered[it.key.Type], *it)
		}
	}
	return recovered, r.flush()
}

// letSettle waits until the target has had time to carry out, and to show,
// what was under way.
func (r *run) letSettle(ctx context.Context, intents []ledger.Intent) error {
	wait := time.Duration(0)
	lag := max(settle, r.Features.SearchLag)
	for _, intent := range intents {
		left := lag - r.Clock.Now().Sub(intent.At)
		wait = max(wait, min(left, lag))
	}
	if wait <= 0 {
		return nil
	}
	return r.Clock.Sleep(ctx, wait)
}

// resolve tells what to do about one open intent: an item to decide, and
// whether the intent is at its end.
func (r *run) resolve(ctx context.Context, p *provision.Program, intent ledger.Intent) (*item, bool, error) {
	linked, err := r.Ledger.Has(intent.Key)
	if err != nil {
		return nil, false, err
	}
	if intent.Kind != connector.Create || linked {
		if intent.Key.Type == directory.Group {
			r.doubt(intent.Key)
		}
		return &item{key: intent.Key, read: true}, false, nil
	}
	ids, err := r.findLost(ctx, p, intent)
	if err != nil {
		if _, open := connector.OpenCause(err); open || ctx.Err() != nil {
			return nil, false, err
		}
		// It cannot be told: the object is not touched in this cycle.
		return nil, false, r.stillUnknown(intent, err)
	}
	switch len(ids) {
	case 0:
		if intent.Unknown && r.Clock.Now().Sub(intent.At) < lostAfter {
			return nil, false, r.stillUnknown(intent, errNotYet)
		}
		return &item{key: intent.Key, fresh: true}, true, nil
	case 1:
		return &item{key: intent.Key, recovered: ids[0]}, false, nil
	}
	return &item{key: intent.Key, fresh: true}, false, nil
}

// findLost looks for the account that a create may have made: by every value
// that it was matched by, and in a listing where the target cannot filter.
func (r *run) findLost(ctx context.Context, p *provision.Program, intent ledger.Intent) ([]string, error) {
	for _, m := range intent.Matches {
		accounts, err := r.Target.Find(ctx, p.ObjectType, m.Path, m.Value, []directory.Path{m.Path})
		if errors.Is(err, connector.ErrCannotFilter) {
			if err := r.listOnce(ctx, p); err != nil {
				return nil, err
			}
			claim := provision.Claim{Path: m.Path.String(), Value: provision.Fold(p.Mapping, m.Path, m.Value)}
			x := r.index(p.ObjectType)
			ids := x.find(claim)
			if len(ids) > 0 {
				return ids, nil
			}
			if !x.complete {
				return nil, &connector.Error{Class: connector.Transient, Code: "UnprocessableEntity",
					Detail: "the app can neither filter by " + m.Path.String() + " nor list its accounts reliably"}
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		if len(accounts) > 0 {
			ids := make([]string, len(accounts))
			for i, account := range accounts {
				ids[i] = account.ID
			}
			return ids, nil
		}
	}
	return nil, nil
}

// stillUnknown notes in the escrow that the outcome cannot be told yet.
func (r *run) stillUnknown(intent ledger.Intent, cause error) error {
	before, err := r.Ledger.Escrow(intent.Key)
	if err != nil {
		return err
	}
	now := before.After(intent.Key, r.Clock.Now(), ledger.Failure{
		Code: connector.AsError(cause).Code, Detail: "it is not known whether the account was made: " + cause.Error(),
		Display: intent.Display, Soon: true,
	})
	var mutations []store.Mutation
	mutations = append(mutations, r.Ledger.SettleEscrow(before, &now)...)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.blocked[intent.Key] = true
	r.enqueue(mutations...)
	return nil
}

// foundDone gives the entry about a write whose outcome was not recorded, when
// a look at the account shows that it was carried out.
func (r *run) foundDone(it *item) []audit.Entry {
	before, after := it.situation.Link, it.decision.After
	if it.intent == nil || after == nil || it.decision.Removal {
		return nil
	}
	action := audit.Update
	switch {
	case before == nil && it.recovered != "":
		action = audit.Create
	case before == nil || it.decision.Outcome == provision.Sends:
		return nil
	case before.Disabled == nil && after.Disabled != nil:
		action = audit.Disable
	case before.Disabled == after.Disabled && before.Sent.SameValues(after.Sent):
		return nil
	}
	e := r.entry(it, audit.Success)
	e.Action, e.Target.ID, e.Reason, e.ModifiedProperties = action, after.TargetID, "", nil
	e.Steps = append(slices.Clone(e.Steps), audit.Step{Name: exportName(provision.Action(action)), Type: audit.StepExport, Status: audit.Success,
		Description: "the app had carried it out before, as a look at the account shows: the answer was lost"})
	return []audit.Entry{e}
}
