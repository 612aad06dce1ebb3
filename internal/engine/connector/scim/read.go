package scim

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/lazyjson"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Get reads one account. An answer that is another account is an error.
func (t *target) Get(ctx context.Context, typ, id string, want []directory.Path) (connector.Account, error) {
	r, version, err := t.read(ctx, typ, id, wantsMembers(typ, want))
	if err != nil {
		return connector.Account{}, err
	}
	return t.account(typ, r, version, t.attributes(typ, want)), nil
}

// read gets one resource whole, or without its members.
func (t *target) read(ctx context.Context, typ, id string, members bool) (r resource, version string, err error) {
	kind, err := t.kind(ctx, typ)
	if err != nil {
		return resource{}, "", err
	}
	query := url.Values{}
	if !members {
		leaveOutMembers(typ, query)
	}
	answer, err := t.do(ctx, request{method: http.MethodGet, endpoint: kind.endpoint, id: id, query: query})
	if err != nil {
		return resource{}, "", err
	}
	if !answer.ok() {
		return resource{}, "", t.problem(answer)
	}
	r, err = decodeResource(answer.body)
	if err != nil || !looksLikeResource(r) {
		return resource{}, "", notSCIM(answer)
	}
	if r.id() != id {
		detail := fmt.Sprintf("asked for %s %q, the app answered with %q", typ, id, shorten(r.text("id")))
		return resource{}, "", rejected(codeMultiple, detail, nil)
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
		if _, _, ok := r.Lookup(name); ok {
			return true
		}
	}
	return false
}

// notSCIM is an answer of success whose body is something else: a sign-in
// page, the error of a gateway, another API.
func notSCIM(r response) *connector.Error {
	seen := shorten(r.redacted(r.body))
	if seen == "" {
		seen = "an empty body"
	}
	return incompatible(r.request,
		fmt.Sprintf("HTTP %d, and what came is not SCIM: %s", r.status, seen),
		"check base_url and the credential; the address usually ends in /scim or /scim/v2")
}

func wantsMembers(typ string, want []directory.Path) bool {
	return typ == directory.Group && slices.ContainsFunc(want, func(p directory.Path) bool { return strings.EqualFold(p.Name(), "members") })
}

// leaveOutMembers keeps a group's members from being sent, who can be many.
func leaveOutMembers(typ string, query url.Values) {
	if typ == directory.Group {
		query.Set("excludedAttributes", "members")
	}
}

// account takes the wanted attributes out of a resource, and nothing that would
// keep its text in memory.
func (t *target) account(typ string, r resource, version string, want []*attribute) connector.Account {
	account := connector.Account{
		Type: typ, ID: strings.Clone(r.id()), Version: strings.Clone(version), Values: make(map[string]directory.Value, len(want)),
	}
	for _, a := range want {
		if a.unreadable {
			if account.Unreadable == nil {
				account.Unreadable = map[string]bool{}
			}
			account.Unreadable[a.text] = true
			continue
		}
		if value, ok := r.value(a.path, a.definition); ok {
			account.Values[a.text] = value
		}
	}
	if typ == directory.User {
		if active, ok := r.value(activePath, directory.Definition{Type: directory.TypeBoolean}); ok {
			if enabled, ok := active.AsBoolean(); ok {
				account.Enabled = &enabled
			}
		}
	}
	return account
}

// page is one ListResponse.
type page struct {
	total     int
	resources []resource
}

// readPage reads a ListResponse. ok is false when the answer is something else.
func readPage(body string) (page, bool) {
	r, err := decodeResource(body)
	if err != nil {
		return page{}, false
	}
	_, total, hasTotal := r.Lookup("totalResults")
	_, list, hasList := r.Lookup("Resources")
	if !hasTotal && !hasList || !list.IsNull() && list.Kind() != lazyjson.KindArray {
		return page{}, false
	}
	p := page{total: asCount(total)}
	for element := range list.OpenElements() {
		p.resources = append(p.resources, resource{*element})
	}
	return p, true
}

// asCount gives a number of things, 0 when the value is none.
func asCount(value lazyjson.Value) int {
	digits, _ := value.AsNumber()
	n, err := strconv.ParseUint(digits, 10, 53)
	if err != nil {
		return 0
	}
	return int(n)
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
