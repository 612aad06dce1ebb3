package scim

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Get reads one account. An answer that is another account is an error.
func (t *target) Get(ctx context.Context, typ, id string, want []directory.Path) (connector.Account, error) {
	r, version, err := t.read(ctx, typ, id, wantsMembers(typ, want))
	if err != nil {
		return connector.Account{}, err
	}
	return t.account(typ, r, version, want), nil
}

// read gets one resource whole, or without its members.
func (t *target) read(ctx context.Context, typ, id string, members bool) (r resource, version string, err error) {
	kind, err := t.kind(ctx, typ)
	if err != nil {
		return nil, "", err
	}
	query := url.Values{}
	if !members {
		leaveOutMembers(typ, query)
	}
	answer, err := t.do(ctx, request{method: http.MethodGet, endpoint: kind.endpoint, id: id, query: query})
	if err != nil {
		return nil, "", err
	}
	if !answer.ok() {
		return nil, "", t.problem(answer)
	}
	r, err = decodeResource(answer.body)
	if err != nil || !looksLikeResource(r) {
		return nil, "", notSCIM(answer)
	}
	if r.id() != id {
		detail := fmt.Sprintf("asked for %s %q, the app answered with %q", typ, id, shorten(r.text("id")))
		return nil, "", rejected(codeMultiple, detail, nil)
	}
	return r, r.version(answer.header.Get("ETag")), nil
}

// looksLikeResource tells a SCIM resource from whatever else answers with a
// status of success.
func looksLikeResource(r resource) bool {
	if r.id() == "" {
		return false
	}
	for _, name := range []string{"schemas", "userName", "displayName", "meta"} {
		if _, _, ok := r.lookup(name); ok {
			return true
		}
	}
	return false
}

// notSCIM is an answer of success whose body is something else: a sign-in
// page, the error of a gateway, another API.
func notSCIM(r response) *connector.Error {
	seen := shorten(redacted(string(r.body), r.secrets))
	if seen == "" {
		seen = "an empty body"
	}
	return incompatible(r.request,
		fmt.Sprintf("HTTP %d, and what came is not SCIM: %s", r.status, seen),
		"check base_url and the credential; the address usually ends in /scim or /scim/v2")
}

func wantsMembers(typ string, want []directory.Path) bool {
	return typ == directory.Group && slices.ContainsFunc(want, func(p directory.Path) bool { return strings.EqualFold(p.Name, "members") })
}

// leaveOutMembers keeps a group's members from being sent, who can be many.
func leaveOutMembers(typ string, query url.Values) {
	if typ == directory.Group {
		query.Set("excludedAttributes", "members")
	}
}

// account takes the wanted attributes out of a resource.
func (t *target) account(typ string, r resource, version string, want []directory.Path) connector.Account {
	account := connector.Account{Type: typ, ID: r.id(), Version: version, Values: make(map[string]directory.Value, len(want))}
	known := t.known()
	for _, path := range want {
		if t.unreadable(typ, path) {
			if account.Unreadable == nil {
				account.Unreadable = map[string]bool{}
			}
			account.Unreadable[path.String()] = true
			continue
		}
		if value, ok := r.value(path, known.definition(typ, path)); ok {
			account.Values[path.String()] = value
		}
	}
	if active, ok := r.value(activePath, directory.Definition{Type: directory.TypeBoolean}); ok && typ == directory.User {
		if enabled, ok := active.AsBoolean(); ok {
			account.Enabled = &enabled
		}
	}
	return account
}

// unreadable reports whether an attribute is never returned: as the dialect says,
// or the server itself.
func (t *target) unreadable(typ string, path directory.Path) bool {
	return t.dialect.unreadable(typ, path) || strings.EqualFold(path.Name, "password") ||
		t.known().definition(typ, path.Attribute()).Mutability == directory.WriteOnly
}

// page is one ListResponse.
type page struct {
	total     int
	resources []resource
}

// readPage reads a ListResponse. ok is false when the answer is something else.
func readPage(body []byte) (page, bool) {
	r, err := decodeResource(body)
	if err != nil {
		return page{}, false
	}
	_, total, hasTotal := r.lookup("totalResults")
	_, list, hasList := r.lookup("Resources")
	if !hasTotal && !hasList {
		return page{}, false
	}
	var p page
	if n, ok := asInt(total); ok {
		p.total = n
	}
	elements, ok := list.([]any)
	if !ok && list != nil {
		return page{}, false
	}
	for _, element := range elements {
		m, _ := element.(map[string]any)
		p.resources = append(p.resources, m)
	}
	return p, true
}

func asInt(value any) (int, bool) {
	v, err := directory.FromJSON(value)
	if err != nil {
		return 0, false
	}
	n, ok := v.AsInteger()
	if !ok || n < 0 || n > 1<<53 {
		return 0, false
	}
	return int(n), true
}

// query asks for one page.
func (t *target) query(ctx context.Context, typ string, query url.Values, members bool) (page, error) {
	kind, err := t.kind(ctx, typ)
	if err != nil {
		return page{}, err
	}
	if !members {
		leaveOutMembers(typ, query)
	}
	answer, err := t.do(ctx, request{method: http.MethodGet, endpoint: kind.endpoint, query: query})
	if err != nil {
		return page{}, err
	}
	if !answer.ok() {
		return page{}, t.problem(answer)
	}
	p, ok := readPage(answer.body)
	if !ok {
		problem := notSCIM(answer)
		problem.Class = connector.Fatal
		return page{}, problem
	}
	return p, nil
}
