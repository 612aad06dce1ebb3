package scim

import (
	"context"
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// proveActive checks that a patch of active took effect, and sends the whole
// account when it did not. Only a disable that shows proves the form: an account
// that was enabled before looks the same when the patch was ignored.
func (t *target) proveActive(ctx context.Context, w writing, receipt connector.Receipt) (connector.Receipt, error) {
	took, shown, err := t.tookEffect(ctx, w, receipt)
	switch {
	case err != nil:
		return receipt, nil // it was accepted; whether that can be believed is seen another time
	case took && shown:
		if !*w.enabled {
			t.learned.setActiveForm(activeByPatch)
		}
		return receipt, nil
	}
	again, err := t.put(ctx, w)
	switch {
	case err == nil:
		return t.proveByPut(ctx, w, again)
	case !shown && connector.ClassOf(err) == connector.Rejected:
		t.learned.setActiveForm(activeByPatch) // there is no other form, and nothing says that it failed
		return receipt, nil
	}
	return again, err
}

// proveByPut checks that the whole account with another active took effect.
// When it did not, a disable that was asked for has failed; of an attribute
// among others the receipt tells.
func (t *target) proveByPut(ctx context.Context, w writing, receipt connector.Receipt) (connector.Receipt, error) {
	took, shown, err := t.tookEffect(ctx, w, receipt)
	if err != nil {
		return receipt, nil
	}
	if shown && !took {
		t.learned.setActiveForm(activeNever)
		if w.operation.Enabled == nil {
			return receipt, nil
		}
		return connector.Receipt{}, t.cannotDisable()
	}
	t.learned.setActiveForm(activeByPut)
	return receipt, nil
}

// withoutActive leaves the state as it is.
func (w writing) withoutActive() writing {
	w.enabled = nil
	w.modifications = slices.DeleteFunc(slices.Clone(w.modifications), func(m modification) bool { return samePath(m.path, activePath) })
	return w
}

func (t *target) cannotDisable() error {
	return &connector.Error{
		Class: connector.Rejected, Code: codeNotOffered,
		Detail: "the app accepts a change of active and does not carry it out, neither by PATCH nor by PUT",
		Advice: "disable the account in the app itself, or let accounts be deleted instead",
	}
}

// tookEffect reads the account's active, from the answer if it is there. shown
// is false when the server says nothing of it.
func (t *target) tookEffect(ctx context.Context, w writing, receipt connector.Receipt) (took, shown bool, err error) {
	if receipt.Account != nil && receipt.Account.Enabled != nil {
		return *receipt.Account.Enabled == *w.enabled, true, nil
	}
	account, err := t.Get(ctx, w.operation.Type, receipt.ID, []directory.Path{activePath})
	if err != nil || account.Enabled == nil {
		return false, false, err
	}
	return *account.Enabled == *w.enabled, true, nil
}
