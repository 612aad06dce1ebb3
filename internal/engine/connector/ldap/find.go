package ldap

import (
	"context"
	"errors"
	"fmt"
	"slices"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// maxFound bounds how many objects Find gives.
const maxFound = 1000

// Find searches the directory for the objects of that type that hold the value.
// The directory compares by the attribute's own rule first, so that a value of
// a case-exact attribute is found in its own letter case alone.
func (s *source) Find(ctx context.Context, typ, attribute, value string) ([]connector.Change, error) {
	searches := s.wanted([]string{typ})
	if len(searches) == 0 {
		return nil, nil
	}
	c, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer c.close()
	d := searches[0]
	narrow, ok := assertion(attribute, value)
	if !ok {
		return nil, nil
	}
	r := &reading{session: c}
	var found []connector.Change
	objects := 0
	r.yield = func(change connector.Change) error {
		found = append(found, change)
		return nil
	}
	request, err := r.wholeRequest(ctx, d, narrow)
	if err != nil {
		return nil, err
	}
	folded := directory.Fold(value)
	err = c.paged(ctx, "find in "+d.block+" below "+d.base, request, func(entry *goldap.Entry) error {
		a, problem := anchorOf(entry)
		if problem != "" {
			return nil
		}
		thing := d.translate(entry, a, r.schema)
		own, _ := r.schema.nameOf(attribute)
		if held, _ := thing.change.Object.Attributes.Get(own); attribute != directory.ByAnchor && thing.problem == "" && !holds(held, folded) {
			return nil
		}
		if objects++; objects > maxFound {
			return &connector.Error{Class: connector.Rejected, Code: codeSource,
				Detail: fmt.Sprintf("%s: more than %d entries hold that value in %q", s.address, maxFound, attribute),
				Advice: "ask by an attribute that tells one object from another"}
		}
		return thing.yield(r.yield)
	})
	switch code, _ := resultCode(err); {
	case errors.Is(err, errReferral), code == goldap.LDAPResultUndefinedAttributeType, code == goldap.LDAPResultInappropriateMatching,
		code == goldap.LDAPResultInvalidAttributeSyntax, code == goldap.LDAPResultNoSuchAttribute:
		return found, nil // an attribute that no entry has is held by none
	case err != nil:
		return nil, err
	}
	return found, nil
}

// assertion gives the filter (RFC 4515) of entries that hold a value; ok is
// false where no entry can, or where it is nobody's business.
func assertion(attribute, value string) (filter string, ok bool) {
	if attribute == directory.ByAnchor {
		a, is := parseAnchor(value)
		return "(" + anchorAttribute + "=" + value + ")", is && a.String() == value
	}
	if value == "" || !attributeDescription.MatchString(attribute) || isSecret(attribute) {
		return "", false
	}
	return "(" + attribute + "=" + goldap.EscapeFilter(value) + ")", true
}

// holds reports whether a value, or one of a list, has that folded text.
func holds(value directory.Value, folded string) bool {
	if value.Kind() == directory.KindList {
		return slices.ContainsFunc(value.Values(), func(element directory.Value) bool { return holds(element, folded) })
	}
	text, is := value.AsText()
	return is && directory.Fold(text) == folded
}
