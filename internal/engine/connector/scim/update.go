package scim

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// namingPaths are the attributes that some servers take ids from.
var namingPaths = map[string]directory.Path{directory.User: directory.MustPath("userName"), directory.Group: directory.MustPath("displayName")}

// rename changes an account's name among other things. Where the answer does
// not tell the id, it is checked that it is still the same.
func (t *target) rename(ctx context.Context, w writing) (connector.Receipt, error) {
	receipt, err := t.update(ctx, w)
	if err != nil || receipt.Account != nil {
		return receipt, err
	}
	if _, _, err := t.read(ctx, w.operation.Type, receipt.ID, false); connector.ClassOf(err) != connector.Gone {
		return receipt, nil
	}
	path := namingPaths[w.operation.Type]
	for _, m := range w.modifications {
		if name, ok := m.value.AsText(); ok && samePath(m.path, path) {
			found, err := t.Find(ctx, w.operation.Type, path, directory.Text(name), nil)
			if err == nil && len(found) == 1 {
				receipt.ID = found[0].ID
			}
		}
	}
	return receipt, nil
}

// update sends one PATCH, or the whole account where the server has none.
func (t *target) update(ctx context.Context, w writing) (connector.Receipt, error) {
	if err := t.resolveMembers(ctx, &w); err != nil {
		return connector.Receipt{}, err
	}
	if len(w.modifications) == 0 {
		return connector.Receipt{ID: w.operation.ID}, nil
	}
	if most := t.learned.memberLimit(); most > 0 && w.memberChanges() > most {
		return t.inParts(ctx, w, most)
	}
	switch {
	case w.operation.Enabled != nil && t.learned.activeForm() == activeNever:
		return connector.Receipt{}, t.cannotDisable()
	case w.enabled != nil && t.learned.activeForm() == activeNever:
		return t.update(ctx, w.withoutActive())
	case t.dialect.Put, t.learned.puts(),
		w.enabled != nil && t.learned.activeForm() == activeByPut,
		w.touchesExtensions() && t.learned.extensionForm() == extensionByPut:
		return t.put(ctx, w)
	case removesMembers(w):
		return t.removeMembers(ctx, w)
	}
	if err := t.readExtensions(ctx, &w); err != nil {
		return connector.Receipt{}, err
	}
	receipt, answer, err := t.sendPatch(ctx, w, t.removalForm(), nil)
	if err != nil {
		return t.otherForm(ctx, w, answer, err)
	}
	if w.enabled != nil && t.learned.activeForm() == activeUnproven {
		return t.proveActive(ctx, w, receipt)
	}
	if w.touchesExtensions() && t.learned.extensionForm() == extensionUnproven {
		return t.proveExtensions(ctx, w, receipt)
	}
	return receipt, nil
}

// sendPatch sends one PATCH. answer is what came back, also with an error.
func (t *target) sendPatch(ctx context.Context, w writing, removal MemberRemoval, missing map[string]bool) (connector.Receipt, response, error) {
	o := w.operation
	answer, err := t.do(ctx, request{
		method: http.MethodPatch, endpoint: w.kind.endpoint, id: o.ID, version: o.Version, body: t.patch(w, removal, missing).AppendJSON(nil),
	})
	if err != nil {
		return connector.Receipt{}, answer, err
	}
	if !answer.ok() {
		return connector.Receipt{}, answer, t.problem(answer)
	}
	receipt, err := t.changed(w, answer)
	return receipt, answer, err
}

// otherForm answers a refusal by another way to say the same, where there is
// one. A refused PATCH has changed nothing (RFC 7644 section 3.5.2: it is
// atomic), so that this is no second write.
func (t *target) otherForm(ctx context.Context, w writing, answer response, refusal error) (connector.Receipt, error) {
	problem := connector.AsError(refusal)
	if problem.Class != connector.Rejected && problem.Class != connector.Gone {
		return connector.Receipt{}, refusal
	}
	switch {
	case problem.Code == codeMethod || problem.Code == codeNotOffered:
		return t.putInstead(ctx, w, refusal)
	case answer.status == http.StatusRequestEntityTooLarge || readError(answer).scimType == "toomany":
		return t.halve(ctx, w, refusal)
	case addsReferences(w) && maybeLost(answer.status):
		return t.withoutLost(ctx, w, refusal)
	case problem.Class == connector.Gone:
		return connector.Receipt{}, refusal
	}
	if answer.status == http.StatusBadRequest && w.setsElements() {
		if receipt, tried, err := t.addMissing(ctx, w); tried {
			return receipt, err
		}
	}
	if w.enabled != nil && answer.status == http.StatusBadRequest && t.learned.activeForm() == activeUnproven {
		receipt, err := t.put(ctx, w)
		if err != nil {
			return connector.Receipt{}, worse(refusal, err)
		}
		return t.proveByPut(ctx, w, receipt)
	}
	return connector.Receipt{}, refusal
}

// worse gives the error that has to be known of two forms: the first refusal,
// unless the second one was not refused but failed.
func worse(first, second error) error {
	if connector.ClassOf(second) == connector.Rejected {
		return first
	}
	return second
}

// putInstead sends the whole account where PATCH is not offered.
func (t *target) putInstead(ctx context.Context, w writing, refusal error) (connector.Receipt, error) {
	receipt, err := t.put(ctx, w)
	if err != nil {
		return connector.Receipt{}, worse(refusal, err)
	}
	t.learned.noPatch()
	return receipt, nil
}

// put reads the account, carries the modifications out on it, and sends it as
// a whole: what is not modified stays as it was read.
func (t *target) put(ctx context.Context, w writing) (connector.Receipt, error) {
	o := w.operation
	if o.Type == directory.Group && t.attribute(o.Type, membersPath).unreadable {
		return connector.Receipt{}, rejected(codeNotOffered, "the app changes a group only as a whole and does not show its members, who would be lost", nil)
	}
	r, version, err := t.read(ctx, o.Type, o.ID, true)
	if err != nil {
		return connector.Receipt{}, err
	}
	if o.Version != "" {
		version = o.Version
	}
	r.Delete("meta")
	r.Delete("groups")
	w.dropSplit(&r)
	w.applyTo(&r)
	*r.Member("schemas") = texts(w.kind.schemasFor(r))
	answer, err := t.do(ctx, request{method: http.MethodPut, endpoint: w.kind.endpoint, id: o.ID, version: version, body: r.AppendJSON(nil)})
	if err != nil {
		return connector.Receipt{}, err
	}
	if !answer.ok() {
		return connector.Receipt{}, t.problem(answer)
	}
	return t.changed(w, answer)
}

// setsElements reports whether elements of multi-valued attributes are set,
// which some servers refuse unless the element is there, by noTarget or less
// clear words.
func (w writing) setsElements() bool {
	return slices.ContainsFunc(w.modifications, func(m modification) bool { return m.verb == connector.Set && m.path.HasCondition() })
}

// addMissing repeats a patch whose path led to an element that is not there,
// with such elements added as a whole. tried is false when all are there.
func (t *target) addMissing(ctx context.Context, w writing) (receipt connector.Receipt, tried bool, err error) {
	r, _, err := t.read(ctx, w.operation.Type, w.operation.ID, false)
	if err != nil {
		return receipt, true, err
	}
	missing := map[string]bool{}
	for _, m := range w.modifications {
		if !m.path.HasCondition() || m.verb != connector.Set {
			continue
		}
		if _, ok := r.raw(m.path.Element()); !ok {
			missing[elementOf(m.path)] = true
		}
	}
	if len(missing) == 0 {
		return receipt, false, nil
	}
	receipt, _, err = t.sendPatch(ctx, w, t.removalForm(), missing)
	return receipt, true, err
}

// halve repeats a request that was refused for its size in smaller parts.
func (t *target) halve(ctx context.Context, w writing, refusal error) (connector.Receipt, error) {
	n := w.memberChanges()
	if n < 2 {
		return connector.Receipt{}, refusal
	}
	t.learned.limitMembers(n / 2)
	return t.inParts(ctx, w, n/2)
}

// inParts sends the first n members added or removed apart from the others.
// When these fail after those were carried out, the outcome of the whole is not
// known.
func (t *target) inParts(ctx context.Context, w writing, n int) (connector.Receipt, error) {
	first, second := w.split(n)
	receipt, err := t.update(ctx, first)
	if err != nil {
		return connector.Receipt{}, err
	}
	second.operation.Version = "" // the first part made another
	rest, err := t.update(ctx, second)
	if err != nil {
		e := *connector.AsError(err)
		e.Detail = fmt.Sprintf("one part of the members was written, the other was not: %s", e.Detail)
		e.Class = connector.Unknown
		return connector.Receipt{}, &e
	}
	rest.Lost = append(receipt.Lost, rest.Lost...)
	return rest, nil
}

// split gives a writing of the first n values added or removed, with all that
// is not such, and one of the others.
func (w writing) split(n int) (first, second writing) {
	first, second = w, w
	first.modifications, second.modifications = nil, nil
	for _, m := range w.modifications {
		if m.verb != connector.Add && m.verb != connector.Remove {
			first.modifications = append(first.modifications, m)
			continue
		}
		at := min(n, len(m.values))
		n -= at
		if at > 0 {
			part := m
			part.values = m.values[:at:at]
			first.modifications = append(first.modifications, part)
		}
		if at < len(m.values) {
			part := m
			part.values = m.values[at:]
			second.modifications = append(second.modifications, part)
		}
	}
	second.operation.Enabled = nil
	return first, second
}
