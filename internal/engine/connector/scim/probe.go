package scim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// nobody is a value that no account has.
const nobody = "6f0e0bd7-3b7c-4d0c-9f5e-2a41c1f0d9ab"

// Test looks for somebody who does not exist, by each type's matching
// attribute. An answer that is no empty list decides: wrong address, wrong
// credential and a server that is not SCIM are each an error of their own; a
// server that does not search by that attribute is a finding, since its
// accounts can be listed instead.
func (t *target) Test(ctx context.Context, matching map[string]directory.Path) ([]connector.Finding, error) {
	if err := t.discover(ctx); err != nil {
		return nil, t.unusable(err)
	}
	var findings []connector.Finding
	for _, typ := range slices.Sorted(maps.Keys(matching)) {
		found, err := t.testType(ctx, typ, matching[typ])
		if err != nil {
			return findings, t.unusable(err)
		}
		findings = append(findings, found...)
	}
	if len(matching) == 0 {
		if _, err := t.testType(ctx, directory.User, directory.MustPath("userName")); err != nil {
			return nil, t.unusable(err)
		}
	}
	return findings, nil
}

func (t *target) testType(ctx context.Context, typ string, path directory.Path) ([]connector.Finding, error) {
	value := directory.Text(nobody)
	filter, ok := filterFor(path, value)
	if !ok {
		return nil, rejected(codeInternal, fmt.Sprintf("%s cannot stand in a filter", path), nil)
	}
	kind, err := t.known().typeOf(typ)
	if err != nil {
		return nil, err
	}
	query := url.Values{"filter": {filter}}
	leaveOutMembers(typ, query)
	answer, err := t.do(ctx, request{method: http.MethodGet, endpoint: kind.endpoint, query: query})
	if err != nil {
		return nil, err
	}
	if answer.status == http.StatusNotFound || answer.status == http.StatusGone {
		return nil, &connector.Error{
			Class: connector.Fatal, Code: codeNotOffered,
			Detail: fmt.Sprintf("there is no /%s below %s (HTTP %d)", kind.endpoint, t.base.Redacted(), answer.status),
			Advice: "check base_url; it usually ends in /scim or /scim/v2, and /Users is appended to it",
		}
	}
	if answer.ok() {
		if _, isPage := readPage(answer.body); !isPage {
			problem := notSCIM(answer)
			problem.Class = connector.Fatal
			return nil, problem
		}
	} else if problem := t.problem(answer); !cannotFilter(problem) {
		return nil, problem
	}
	return t.testFilter(ctx, typ, path, value)
}

// testFilter says what a job will meet when it searches.
func (t *target) testFilter(ctx context.Context, typ string, path directory.Path, value directory.Value) ([]connector.Finding, error) {
	_, err := t.Find(ctx, typ, path, value, nil)
	if !errors.Is(err, connector.ErrCannotFilter) {
		return nil, err
	}
	finding := connector.Finding{
		Severity: connector.SeverityWarning,
		Summary:  fmt.Sprintf("The app does not search %ss by %s", typ, path),
		Detail:   "An account that exists was not found by it, or others came back. Accounts are matched by listing all of them, which takes longer in a large app.",
	}
	if t.dialect.NoList {
		return nil, rejected(codeUnprocessable, fmt.Sprintf("the app neither searches %ss by %s nor lists them", typ, path), nil)
	}
	if _, err := t.query(ctx, typ, window(1, 1), false); err != nil {
		return nil, err
	}
	return []connector.Finding{finding}, nil
}

// unusable makes an error of a connection test final: nobody waits for the
// next cycle here.
func (t *target) unusable(err error) error {
	e := *connector.AsError(err)
	switch e.Class {
	case connector.Denied, connector.Fatal, connector.Throttled:
		return &e
	}
	e.Class = connector.Fatal
	if e.Advice == "" {
		switch e.Code {
		case codeProtocol, codeTimeout:
			e.Advice = fmt.Sprintf("check base_url, and that this machine may connect to %s", t.base.Host)
		case codeRights:
			e.Advice = "give the credential the right to read and write users and groups"
		}
	}
	return &e
}
