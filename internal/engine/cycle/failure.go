package cycle

import (
	"context"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/ledger"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

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
	open, err := r.unknownIntent(it)
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
		if !f.it.unresolved() {
			r.mu.Lock()
			r.enqueue(r.Ledger.EndIntent(f.it.key))
			r.mu.Unlock()
		}
	}
}

// unresolved reports whether nobody knows what became of a write that was sent
// for the object before: the account is to be looked at first.
func (it *item) unresolved() bool {
	return it.intent != nil && (it.intent.Unknown || it.read || it.recovered != "")
}

func (r *run) takeDoubtful() []failure {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.doubtful
	r.doubtful = nil
	return taken
}

func (r *run) hasFailed(key directory.Key) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failures[key]
}

func (r *run) failedWith(it *item, failure *connector.Error, intent store.Mutation) error {
	d := &it.decision
	if it.unresolved() && d.Outcome == provision.Failed {
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
				Description: failure.Error(), Details: audit.Details{{Name: "ErrorCode", Value: failure.Code}}})
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
