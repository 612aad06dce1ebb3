package scim

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/lazyjson"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Send carries out one operation. A request that was refused, and so changed
// nothing, may be followed by another form of it; one whose outcome is not
// known is never followed by a second.
func (t *target) Send(ctx context.Context, o connector.Operation) (connector.Receipt, error) {
	if o.Kind != connector.Create && !usableID(o.ID) {
		return connector.Receipt{}, rejected(codeInvalidAnchor, fmt.Sprintf("%q cannot be the id of an account", shorten(o.ID)), nil)
	}
	kind, err := t.kind(ctx, o.Type)
	if err != nil {
		return connector.Receipt{}, err
	}
	if o.Kind == connector.Create {
		return t.create(ctx, kind, o)
	}
	w, err := t.prepare(o)
	if err != nil {
		return connector.Receipt{}, err
	}
	switch o.Kind {
	case connector.Update:
		if path, ok := namingPaths[o.Type]; ok && w.touches(path) {
			return t.rename(ctx, w)
		}
		return t.update(ctx, w)
	case connector.Delete:
		return t.delete(ctx, w)
	}
	return connector.Receipt{}, rejected(codeInternal, fmt.Sprintf("%q is no operation", o.Kind), nil)
}

const schemaEntraGroup = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"

// newResource gives what is to be created.
func (t *target) newResource(w writing) resource {
	body := resource{lazyjson.Object(2 + len(w.modifications))}
	w.applyTo(&body)
	primaryMail(&body)
	schemas := w.kind.schemasFor(body)
	if t.dialect.Patch != PatchRFC {
		*body.Member("meta") = lazyjson.Object(1)
		*body.Member("meta").Member("resourceType") = lazyjson.Text(w.operation.Type)
		if w.operation.Type == directory.Group {
			schemas = append(schemas, schemaEntraGroup)
		}
	}
	*body.Member("schemas") = texts(schemas)
	return body
}

// create sends one POST. It is never repeated.
func (t *target) create(ctx context.Context, kind resourceType, o connector.Operation) (connector.Receipt, error) {
	c, err := t.creation(o)
	if err != nil {
		return connector.Receipt{}, err
	}
	r := request{method: http.MethodPost, endpoint: kind.endpoint, body: c.body}
	if c.stencil != nil {
		r.url, r.expected = c.stencil.url, c.expected
	}
	answer, err := t.do(ctx, r)
	if err != nil {
		return connector.Receipt{}, err
	}
	switch {
	case answer.made != "":
		return connector.Receipt{ID: answer.made}, nil
	case !answer.ok():
		return connector.Receipt{}, t.problem(answer)
	}
	if len(answer.body) == 0 {
		if id := lastSegment(answer.header.Get("Location")); id != "" {
			return connector.Receipt{ID: id}, nil
		}
	}
	made, err := decodeCreated(answer.body)
	if err != nil {
		return connector.Receipt{}, notSCIM(answer)
	}
	if made.id() == "" {
		problem := notSCIM(answer)
		problem.Detail = fmt.Sprintf("HTTP %d for the new %s without an id: %s", answer.status, o.Type, shorten(answer.redacted(answer.body)))
		problem.Advice = "look into the app whether the account was made; it is searched for before another is"
		return connector.Receipt{}, problem
	}
	if made.isAsSent(o.Modifications, c.expected.written) {
		t.keep(c, answer)
		return connector.Receipt{ID: strings.Clone(made.id())}, nil
	}
	return t.receipt(o.Type, made, answer, c.expected.written), nil
}

// isAsSent reports whether a new account came back with all that was written, which
// saves to take it out and to compare it. What is never returned, and references,
// nobody would compare.
func (r *resource) isAsSent(modifications []connector.Modification, written []*attribute) bool {
	return slices.EqualFunc(modifications, written, func(m connector.Modification, a *attribute) bool {
		if a.path != m.Path || m.Verb != connector.Set {
			return false
		}
		if a.unreadable || m.Reference {
			return true
		}
		raw, ok := r.raw(a.path)
		switch {
		case !ok || a.definition.Type == directory.TypeReference:
			return false
		case m.Value.Kind() == directory.KindBoolean:
			came, ok := raw.AsBoolean()
			sent, _ := m.Value.AsBoolean()
			return ok && came == sent
		case a.definition.Type == directory.TypeBoolean:
			return false
		}
		came, ok := raw.AsText()
		sent, isText := m.Value.AsText()
		return ok && isText && came == sent
	})
}

// receipt tells of the resource that came back.
func (t *target) receipt(typ string, r resource, answer response, written []*attribute) connector.Receipt {
	account := t.account(typ, r, r.version(answer.header.Get("ETag")), written)
	return connector.Receipt{ID: account.ID, Account: &account}
}

// changed reads the answer to a change: nothing, or the resource as it is now.
func (t *target) changed(w writing, answer response) (connector.Receipt, error) {
	if len(answer.body) == 0 {
		return connector.Receipt{ID: w.operation.ID}, nil
	}
	r, err := decodeResource(answer.body)
	if err != nil {
		return connector.Receipt{}, notSCIM(answer)
	}
	if r.id() == "" {
		if _, _, ok := r.Lookup("schemas"); ok {
			return connector.Receipt{ID: w.operation.ID}, nil
		}
		return connector.Receipt{}, notSCIM(answer)
	}
	return t.receipt(w.operation.Type, r, answer, t.wanted(w)), nil
}

// delete sends one DELETE. What is gone is gone: a server that fails on it is
// asked whether the account is still there.
func (t *target) delete(ctx context.Context, w writing) (connector.Receipt, error) {
	o := w.operation
	answer, err := t.do(ctx, request{method: http.MethodDelete, endpoint: w.kind.endpoint, id: o.ID, version: o.Version})
	if err != nil {
		return connector.Receipt{}, err
	}
	if answer.ok() {
		if r, err := decodeResource(answer.body); len(answer.body) > 0 && err == nil && r.id() == "" && r.text("status") == "error" {
			return connector.Receipt{}, notSCIM(answer)
		}
		return connector.Receipt{ID: o.ID}, nil
	}
	problem := t.problem(answer)
	switch problem.Class {
	case connector.Gone:
		return connector.Receipt{ID: o.ID}, nil
	case connector.Unknown:
		if _, _, err := t.read(ctx, o.Type, o.ID, false); connector.ClassOf(err) == connector.Gone {
			return connector.Receipt{ID: o.ID}, nil
		}
	}
	return connector.Receipt{}, problem
}
