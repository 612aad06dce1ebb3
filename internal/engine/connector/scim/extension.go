package scim

import (
	"context"
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/lazyjson"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Some servers split the path of an extension's attribute at the dot of its
// URN's version, say yes, and keep the value where nobody finds it. The first
// change of an extension is therefore looked at, and where it did not show, the
// whole account is sent from then on.

func (w writing) touchesExtensions() bool {
	return slices.ContainsFunc(w.modifications, func(m modification) bool { return isExtension(m.path) })
}

// readExtensions reads the account's extensions where the dialect writes them
// as objects: there are servers that put such an object in place of the whole
// extension.
func (t *target) readExtensions(ctx context.Context, w *writing) error {
	if !t.dialect.ExtensionObject || !w.touchesExtensions() {
		return nil
	}
	r, _, err := t.read(ctx, w.operation.Type, w.operation.ID, false)
	if err != nil {
		return err
	}
	w.extensions = map[string]lazyjson.Value{}
	for _, m := range w.modifications {
		if !isExtension(m.path) {
			continue
		}
		if _, held, _ := r.Lookup(m.path.URN()); !held.IsNull() {
			w.extensions[m.path.URN()] = held
		}
	}
	return nil
}

// proveExtensions checks that a patch of an extension took effect, and sends
// the whole account when it did not.
func (t *target) proveExtensions(ctx context.Context, w writing, receipt connector.Receipt) (connector.Receipt, error) {
	took, err := t.tookExtensions(ctx, w, receipt)
	switch {
	case err != nil:
		return receipt, nil // it was accepted; whether that can be believed is seen another time
	case took:
		t.learned.setExtensionForm(extensionByPatch)
		return receipt, nil
	}
	again, err := t.put(ctx, w)
	if connector.ClassOf(err) == connector.Rejected {
		t.learned.setExtensionForm(extensionByPatch) // there is no other form; the receipt tells what is missing
		return receipt, nil
	}
	if err != nil {
		return again, err
	}
	if took, err := t.tookExtensions(ctx, w, again); err == nil {
		form := extensionByPatch // the app does not have the attribute, in whatever form
		if took {
			form = extensionByPut
		}
		t.learned.setExtensionForm(form)
	}
	return again, nil
}

// tookExtensions reports whether every extension's attribute is as it was
// written, by the answer or, where there is none, by reading the account.
func (t *target) tookExtensions(ctx context.Context, w writing, receipt connector.Receipt) (bool, error) {
	account := receipt.Account
	if account == nil {
		r, version, err := t.read(ctx, w.operation.Type, receipt.ID, false)
		if err != nil {
			return false, err
		}
		read := t.account(w.operation.Type, r, version, t.wanted(w))
		account = &read
	}
	for _, m := range w.modifications {
		if isExtension(m.path) && !account.Unreadable[m.text] && !m.shows(account.Values[m.text]) {
			return false, nil
		}
	}
	return true, nil
}

// shows reports whether a value is what the modification wrote. Of several
// values, that there are some is enough.
func (m modification) shows(now directory.Value) bool {
	switch {
	case m.verb == connector.Clear:
		return now.IsEmpty()
	case m.verb != connector.Set || m.many:
		return !now.IsEmpty()
	case m.reference:
		return now.String() == referenceIDs(m.value)[0]
	}
	return equalFold(now.String(), fromJSON(m.value).String())
}

// dropSplit takes out of an account what a patch left behind whose path was
// split at the dot of an extension's URN.
func (w writing) dropSplit(r *resource) {
	for _, m := range w.modifications {
		if before, _, split := strings.Cut(m.path.URN(), "."); split && isExtension(m.path) {
			r.Delete(before)
		}
	}
}
