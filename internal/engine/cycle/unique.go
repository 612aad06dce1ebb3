package cycle

import (
	"context"
	"errors"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/ledger"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
)

// candidate is a value that SelectUniqueValue would give an attribute.
type candidate struct {
	path  directory.Path
	value string
}

// unique asks whether an account of the target has a value. Several objects
// may ask at once; reserveUnique then says who gets what is free.
func (r *run) unique(ctx context.Context, p *provision.Program, it *item, need provision.Lookup) error {
	accounts, err := r.Target.Find(ctx, p.ObjectType, need.Path, directory.Text(need.Value), []directory.Path{need.Path})
	if errors.Is(err, connector.ErrCannotFilter) {
		return &connector.Error{Class: connector.Rejected, Code: audit.AttributeValidationFailed,
			Detail: "the app cannot search by " + need.Path.String() + ", so that SelectUniqueValue cannot tell which value is free",
			Advice: "map an attribute that the app can search by, or an expression that is unique by itself"}
	}
	if err != nil {
		return err
	}
	if it.candidates == nil {
		it.candidates = make(map[candidate]bool)
		it.situation.Taken = func(path directory.Path, value string) (taken, known bool, err error) {
			taken, known = it.candidates[candidate{path, value}]
			return taken, known, nil
		}
	}
	it.candidates[candidate{need.Path, need.Value}] = len(accounts) > 0
	return nil
}

// reserveUnique gives the values that nobody in the target has to the objects
// that asked for them, in the order of the items: two objects of one cycle never
// get the same, and a preview says who gets which.
func (r *run) reserveUnique(items []*item) {
	for _, it := range items {
		for _, need := range it.decision.Need {
			if need.Kind != provision.LookupUnique {
				continue
			}
			asked := candidate{need.Path, need.Value}
			if taken, known := it.candidates[asked]; known && !taken {
				it.candidates[asked] = r.reserveValue(it.key, asked) != it.key
			}
		}
	}
}

// reserveValue gives who has a value in this cycle: the first who asked.
func (r *run) reserveValue(key directory.Key, c candidate) directory.Key {
	r.mu.Lock()
	defer r.mu.Unlock()
	claim := key.Type + "\x00" + c.path.String() + "\x00" + directory.Fold(c.value)
	if first, taken := r.values[claim]; taken {
		return first
	}
	r.values[claim] = key
	return key
}

// uniqueValues gives the chosen values that an operation sends, for its intent.
func (it *item) uniqueValues() []ledger.IntentMatch {
	var values []ledger.IntentMatch
	for _, m := range it.decision.Operation.Modifications {
		if _, asked := it.candidates[candidate{m.Path, m.Value.String()}]; asked && m.Verb == connector.Set {
			values = append(values, ledger.IntentMatch{Path: m.Path, Value: m.Value})
		}
	}
	return values
}
