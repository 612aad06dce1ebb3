package scim

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/lazyjson"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// maxFilter bounds a filter's length: addresses of more than some thousand
// bytes are refused by many servers.
const maxFilter = 2000

// Find searches by a filter and checks what comes back. An empty answer is
// believed only when the server has found, by the same attribute, a value that
// exists; for a value with quotes or backslashes, which some servers read
// wrongly without a word, one with such.
func (t *target) Find(ctx context.Context, typ string, path directory.Path, value directory.Value, want []directory.Path) ([]connector.Account, error) {
	filter, ok := filterFor(path, value)
	if !ok {
		return nil, connector.ErrCannotFilter
	}
	if allowed, listed := t.dialect.Filterable[typ]; listed && !slices.ContainsFunc(allowed, func(p directory.Path) bool { return samePath(p, path) }) {
		return nil, connector.ErrCannotFilter
	}
	key := indexKey(typ, path.String())
	if v, ok := t.learned.filter(key, t.now()); ok && (v == distrusted || v == untried) {
		return nil, connector.ErrCannotFilter
	}
	found, foreign, err := t.search(ctx, typ, path, value, filter, want)
	switch {
	case cannotFilter(err):
		if !needsEscape(value) {
			t.learned.setFilter(key, verdict{distrusted, t.now()})
		}
		return nil, connector.ErrCannotFilter
	case err != nil:
		if t.failsOnFilter(ctx, typ, err) {
			t.learned.setFilter(key, verdict{distrusted, t.now()})
			return nil, connector.ErrCannotFilter
		}
		return nil, err
	case foreign:
		t.learned.setFilter(key, verdict{distrusted, t.now()})
		return nil, connector.ErrCannotFilter
	case len(found) > 0:
		t.learned.setFilter(key, verdict{trusted, t.now()})
		if needsEscape(value) {
			t.learned.setFilter(escapedKey, verdict{trusted, t.now()})
		}
		return found, nil
	}
	if v, _ := t.learned.filter(escapedKey, t.now()); needsEscape(value) && v != trusted {
		return nil, connector.ErrCannotFilter
	}
	if believed, err := t.believesEmpty(ctx, typ, path, key); err != nil {
		return nil, err
	} else if !believed {
		return nil, connector.ErrCannotFilter
	}
	return nil, nil
}

// escapedKey stands for values with quotes or backslashes, of any attribute.
const escapedKey = "\\"

// search gives the accounts that hold the value, and whether others came.
func (t *target) search(ctx context.Context, typ string, path directory.Path, value directory.Value, filter string, want []directory.Path) (found []connector.Account, foreign bool, err error) {
	p, err := t.query(ctx, typ, url.Values{"filter": {filter}}, wantsMembers(typ, want))
	if err != nil {
		return nil, false, err
	}
	definition, wanted := t.attribute(typ, path).definition, t.attributes(typ, want)
	for _, r := range p.resources {
		have, ok := r.value(path, definition)
		if r.id() == "" || !ok || !holds(have, value, definition.CaseExact) {
			foreign = true
			continue
		}
		found = append(found, t.account(typ, r, r.version(""), wanted))
	}
	return found, foreign, nil
}

// holds reports whether a value, or one of a list, is the one searched for.
func holds(have, value directory.Value, caseExact bool) bool {
	if list := have.Values(); list != nil {
		return slices.ContainsFunc(list, func(element directory.Value) bool { return holds(element, value, caseExact) })
	}
	if part, ok := have.Member("value"); ok {
		have = part
	}
	a, b := have.String(), value.String()
	return a == b || !caseExact && equalFold(a, b)
}

// cannotFilter reports whether an error says that the server does not search
// by such a filter.
func cannotFilter(err error) bool {
	var e *connector.Error
	if !errors.As(err, &e) || e.Class != connector.Rejected {
		return false
	}
	return e.Code != codeInternal && e.Code != codeRights
}

// failsOnFilter reports whether a server that failed does so because of the
// filter: without one it answers.
func (t *target) failsOnFilter(ctx context.Context, typ string, failure error) bool {
	var e *connector.Error
	if !errors.As(failure, &e) || e.Code != codeServer || e.Class != connector.Transient || t.dialect.NoList {
		return false
	}
	_, err := t.query(ctx, typ, window(1, 1), false)
	return err == nil
}

// believesEmpty tries the attribute with a value that exists, unless that was
// done before.
func (t *target) believesEmpty(ctx context.Context, typ string, path directory.Path, key string) (bool, error) {
	if _, declared := t.dialect.Filterable[typ]; declared || strings.EqualFold(path.String(), "id") {
		return true, nil
	}
	v, known := t.learned.filter(key, t.now())
	if !known {
		var err error
		if v, err = t.probeFilter(ctx, typ, path); err != nil {
			return false, err
		}
		t.learned.setFilter(key, verdict{v, t.now()})
	}
	return v == trusted || v == unproven, nil
}

// probeFilter searches for a value that an account is seen to have. Where
// accounts exist and none has the attribute, nothing is known of the filter,
// and it is not trusted.
func (t *target) probeFilter(ctx context.Context, typ string, path directory.Path) (trust, error) {
	if t.dialect.NoList {
		return unproven, nil
	}
	l := &listing{typ: typ}
	p, err := t.nextPage(ctx, l, 1)
	if err != nil {
		if cannotFilter(err) {
			return unproven, nil // lists are refused: the filter is all there is
		}
		return unproven, err
	}
	if len(p.resources) == 0 {
		return unproven, nil
	}
	definition := t.attribute(typ, path).definition
	for _, r := range p.resources {
		value, ok := r.value(path, definition)
		if list := value.Values(); len(list) > 0 {
			value = list[0]
		}
		filter, writable := filterFor(path, value)
		if !ok || value.IsEmpty() || !writable || needsEscape(value) {
			continue
		}
		found, foreign, err := t.search(ctx, typ, path, value, filter, nil)
		switch {
		case err != nil && !cannotFilter(err):
			return unproven, err
		case err == nil && !foreign && len(found) > 0:
			return trusted, nil
		}
		return distrusted, nil
	}
	return untried, nil
}

// filterFor writes the filter that selects the accounts with that value
// (RFC 7644 section 3.4.2.2). ok is false for values that no filter can carry.
func filterFor(path directory.Path, value directory.Value) (filter string, ok bool) {
	var literal string
	switch value.Kind() {
	case directory.KindText:
		text, _ := value.AsText()
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return "", false
		}
		literal = string(lazyjson.Text(text).AppendJSON(nil))
	case directory.KindBoolean, directory.KindInteger:
		encoded, err := value.MarshalJSON()
		if err != nil {
			return "", false
		}
		literal = string(encoded)
	default:
		return "", false
	}
	if path.HasCondition() {
		sub := path.Sub()
		if sub == "" {
			sub = "value"
		}
		filter = path.Attribute().String() + "[" + wireCondition(path.Where()) + " and " + sub + " eq " + literal + "]"
	} else {
		filter = path.String() + " eq " + literal
	}
	return filter, len(filter) <= maxFilter
}

// needsEscape reports whether a value is written with a backslash in a filter,
// which some servers do not read.
func needsEscape(value directory.Value) bool {
	return strings.ContainsFunc(value.String(), func(r rune) bool { return r == '"' || r == '\\' || r < ' ' })
}

// wireCondition writes a condition with the type that its attribute has.
func wireCondition(where directory.Condition) string {
	if b, ok := conditionValue(where).AsBoolean(); ok {
		where.Quoted, where.Value = false, boolText(b)
	}
	return where.String()
}
