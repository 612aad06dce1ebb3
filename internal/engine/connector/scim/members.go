package scim

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/lazyjson"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

var membersPath = directory.MustPath("members")

// isMembers reports whether a modification concerns a group's members.
func (w writing) isMembers(m modification) bool {
	return w.operation.Type == directory.Group && samePath(m.path.Attribute(), membersPath)
}

// removesMembers reports whether members are taken out of a group, the one
// kind of change of which servers are known to do another and say yes.
func removesMembers(w writing) bool {
	return slices.ContainsFunc(w.modifications, func(m modification) bool { return m.verb == connector.Remove && w.isMembers(m) })
}

func addsReferences(w writing) bool {
	return slices.ContainsFunc(w.modifications, func(m modification) bool { return m.verb == connector.Add && m.reference })
}

// removalForm gives the form of member removal that is used now.
func (t *target) removalForm() MemberRemoval {
	if form := t.learned.removalForm(); form != "" {
		return form
	}
	return t.provableForms()[0]
}

// removeMembers takes members out of a group, in the form that was seen
// working, or one that is proven now.
func (t *target) removeMembers(ctx context.Context, w writing) (connector.Receipt, error) {
	if t.learned.removalForm() == "" {
		receipt, err := t.proveRemoval(ctx, w)
		if !errors.Is(err, errUnproven) {
			return receipt, err
		}
	}
	return t.removeBy(ctx, w, t.removalForm())
}

// errUnproven says that nothing was written, and no form of removal proven.
var errUnproven = errors.New("the form of member removal is not proven")

// proveRemoval reads the group before and after: a form that did something
// else is not used again, and the members are set to what they ought to be.
func (t *target) proveRemoval(ctx context.Context, w writing) (connector.Receipt, error) {
	t.learned.removing.Lock()
	defer t.learned.removing.Unlock()
	if t.learned.removalForm() != "" {
		return connector.Receipt{}, errUnproven // proven by another meanwhile
	}
	before, err := t.members(ctx, w.operation.ID)
	if err != nil && connector.ClassOf(err) != connector.Rejected {
		return connector.Receipt{}, err
	}
	if len(before) == 0 { // hidden, or too many to be read
		return connector.Receipt{}, errUnproven
	}
	expected := w.membersAfter(before)
	for i, form := range t.provableForms() {
		attempt := w
		if form == RemoveReplace {
			attempt = w.withMembers(expected)
		}
		receipt, answer, err := t.sendPatch(ctx, attempt, form, nil)
		switch {
		case i == 0 && answer.status == http.StatusRequestEntityTooLarge:
			return connector.Receipt{}, errUnproven
		case connector.ClassOf(err) == connector.Rejected:
			continue
		case err != nil:
			return receipt, err
		}
		after, err := t.members(ctx, w.operation.ID)
		if err != nil {
			return receipt, nil // it was accepted; the form is proven another time
		}
		switch {
		case !holdsAll(after, expected):
			// It took others along. They are put back, and another form is proven
			// another time.
			if form != RemoveReplace {
				t.learned.excludeForm(form)
			}
			return t.repairMembers(ctx, w, expected)
		case holdsNone(after, before, expected):
			if !holdsNone(before, expected, nil) { // else emptying the group looks the same
				t.learned.setRemovalForm(form)
			}
			return receipt, nil
		}
		w.operation.Version = "" // this attempt may have made another
	}
	return connector.Receipt{}, removalFails()
}

// repairMembers sets a group's members as a whole.
func (t *target) repairMembers(ctx context.Context, w writing, expected map[string]bool) (connector.Receipt, error) {
	w.operation.Version = ""
	receipt, err := t.put(ctx, w.withMembers(expected))
	if err != nil || !t.hasMembers(ctx, w.operation.ID, expected) {
		receipt, _, err = t.sendPatch(ctx, w.withMembers(expected), RemoveReplace, nil)
	}
	if err == nil && t.hasMembers(ctx, w.operation.ID, expected) {
		return receipt, nil
	}
	failure := removalFails()
	failure.Class, failure.Err = connector.Unknown, err
	failure.Detail += "; the group lost members who should have stayed"
	return connector.Receipt{}, failure
}

func (t *target) hasMembers(ctx context.Context, id string, expected map[string]bool) bool {
	now, err := t.members(ctx, id)
	return err == nil && holdsAll(now, expected)
}

func removalFails() *connector.Error {
	return &connector.Error{
		Class: connector.Rejected, Code: codeIncompatible,
		Detail: "no form of removing members does in this app what it should",
		Advice: "look at the group's members in the app, and let its template name the form of member removal that works",
	}
}

// holdsAll reports whether all expected members are there. Others may have
// come meanwhile.
func holdsAll(now, expected map[string]bool) bool {
	for id := range expected {
		if !now[id] {
			return false
		}
	}
	return true
}

// holdsNone reports whether nobody is there of those who are in one set and
// not in the other.
func holdsNone(now, in, notIn map[string]bool) bool {
	for id := range in {
		if now[id] && !notIn[id] {
			return false
		}
	}
	return true
}

// provableForms are the forms to try, without those that were seen to take
// others along.
func (t *target) provableForms() []MemberRemoval {
	forms := t.dialect.removalForms()
	if !slices.Contains(forms, RemoveReplace) {
		forms = append(forms, RemoveReplace)
	}
	return slices.DeleteFunc(slices.Clone(forms), t.learned.excluded)
}

// membersAfter gives what the members ought to be after the modifications.
func (w writing) membersAfter(before map[string]bool) map[string]bool {
	after := maps.Clone(before)
	for _, m := range w.modifications {
		if !w.isMembers(m) {
			continue
		}
		if m.verb == connector.Set {
			clear(after)
		}
		for _, id := range m.referenceIDs() {
			if m.verb == connector.Remove {
				delete(after, id)
			} else {
				after[id] = true
			}
		}
	}
	return after
}

// removeBy sends a change of members in one form.
func (t *target) removeBy(ctx context.Context, w writing, form MemberRemoval) (connector.Receipt, error) {
	if form == RemoveReplace {
		members, err := t.members(ctx, w.operation.ID)
		if err != nil {
			return connector.Receipt{}, err
		}
		if len(members) == 0 && t.learned.removalForm() != form {
			return connector.Receipt{}, rejected(codeNotOffered, "the app takes a group's members as a whole only, and does not show them", nil)
		}
		w = w.withMembers(w.membersAfter(members))
	}
	receipt, answer, err := t.sendPatch(ctx, w, form, nil)
	if err == nil {
		return receipt, nil
	}
	return t.otherForm(ctx, w, answer, err)
}

// referenceIDs gives the ids of all references that are set, added or removed.
func (m modification) referenceIDs() []string {
	ids := referenceIDs(m.value)
	for _, value := range m.values {
		ids = appendReferenceIDs(ids, value)
	}
	return ids
}

// withMembers sets the members as a whole in place of all changes of them.
func (w writing) withMembers(members map[string]bool) writing {
	out := w
	out.modifications = slices.DeleteFunc(slices.Clone(w.modifications), w.isMembers)
	out.modifications = append(out.modifications, modification{
		attribute: &attribute{path: membersPath}, verb: connector.Set, reference: true, many: true, value: lazyjson.Array(references(members)...),
	})
	return out
}

// members reads the ids of a group's members.
func (t *target) members(ctx context.Context, id string) (map[string]bool, error) {
	r, _, err := t.read(ctx, directory.Group, id, true)
	if err != nil {
		return nil, err
	}
	raw, _ := r.raw(membersPath)
	members := map[string]bool{}
	for _, member := range referenceIDs(raw) {
		members[member] = true
	}
	return members, nil
}

// resolveMembers replaces what servers get wrong by what they understand, for
// which the group is read: clearing the members becomes removing each, and
// where a member can be in a group twice, none is added that is there.
func (t *target) resolveMembers(ctx context.Context, w *writing) error {
	unclear := func(m modification) bool {
		return w.isMembers(m) && (m.verb == connector.Clear || m.verb == connector.Add && t.dialect.ReadMembersFirst)
	}
	if !slices.ContainsFunc(w.modifications, unclear) {
		return nil
	}
	present, err := t.members(ctx, w.operation.ID)
	if err != nil {
		return err
	}
	var resolved []modification
	for _, m := range w.modifications {
		switch {
		case !unclear(m):
		case m.verb == connector.Add:
			m.values = slices.DeleteFunc(slices.Clone(m.values), func(value lazyjson.Value) bool { return present[referenceIDs(value)[0]] })
			if len(m.values) == 0 {
				continue
			}
		case len(present) > 0:
			m = modification{attribute: m.attribute, verb: connector.Remove, reference: true, many: true, values: references(present)}
		}
		resolved = append(resolved, m)
	}
	w.modifications = resolved
	return nil
}

// references gives ids as they stand in a list of references.
func references(ids map[string]bool) []lazyjson.Value {
	list := make([]lazyjson.Value, 0, len(ids))
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		list = append(list, lazyjson.Raw(string(appendReference(nil, id))))
	}
	return list
}

// maybeLost reports whether servers answer so to a reference that leads nowhere.
func maybeLost(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// withoutLost repeats a refused change without the references that lead
// nowhere, when there are such; else the refusal stands.
func (t *target) withoutLost(ctx context.Context, w writing, refusal error) (connector.Receipt, error) {
	_, _, err := t.read(ctx, w.operation.Type, w.operation.ID, false)
	if err != nil {
		if connector.ClassOf(err) == connector.Gone {
			return connector.Receipt{}, err
		}
		return connector.Receipt{}, refusal
	}
	left, lost, err := t.dropLost(ctx, w)
	if err != nil || len(lost) == 0 {
		return connector.Receipt{}, refusal
	}
	receipt := connector.Receipt{ID: w.operation.ID}
	if len(left.modifications) > 0 {
		if receipt, err = t.update(ctx, left); err != nil {
			return receipt, err
		}
	}
	receipt.Lost = append(receipt.Lost, lost...)
	return receipt, nil
}

// dropLost takes the references out of a writing that are no account of the app.
func (t *target) dropLost(ctx context.Context, w writing) (left writing, lost []string, err error) {
	left = w
	left.modifications = nil
	for _, m := range w.modifications {
		if m.verb == connector.Add && m.reference {
			var kept []lazyjson.Value
			for _, value := range m.values {
				id := referenceIDs(value)[0]
				switch exists, err := t.exists(ctx, id); {
				case err != nil:
					return left, nil, err
				case exists:
					kept = append(kept, value)
				default:
					lost = append(lost, id)
				}
			}
			if m.values = kept; len(kept) == 0 {
				continue
			}
		}
		left.modifications = append(left.modifications, m)
	}
	return left, lost, nil
}

// exists reports whether there is an account or group of that id.
func (t *target) exists(ctx context.Context, id string) (bool, error) {
	for _, typ := range []string{directory.User, directory.Group} {
		switch _, _, err := t.read(ctx, typ, id, false); {
		case err == nil:
			return true, nil
		case connector.ClassOf(err) != connector.Gone:
			return false, err
		}
	}
	return false, nil
}
