package provision

import (
	"slices"
	"strings"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

func elements(v directory.Value) []directory.Value {
	if v.IsNull() {
		return nil
	}
	if v.Kind() == directory.KindList {
		return v.Values()
	}
	return []directory.Value{v}
}

// same compares as the target does: several values as sets, texts without case
// unless the attribute is case-exact, a boolean equal to its text.
func same(a, b directory.Value, caseExact bool) bool {
	if a.Equal(b) {
		return true
	}
	x, y := elements(a), elements(b)
	return within(x, y, caseExact) && within(y, x, caseExact)
}

// within reports whether each of the values is among the others.
func within(values, others []directory.Value, caseExact bool) bool {
	for _, v := range values {
		if !slices.ContainsFunc(others, func(w directory.Value) bool { return sameOne(v, w, caseExact) }) {
			return false
		}
	}
	return true
}

// holds reports whether an account that was read has what is wanted: as same
// does, but a complex value by the sub-attributes that are wanted. What the
// target adds of its own, such as $ref, is no difference.
func holds(have, want directory.Value, caseExact bool) bool {
	if same(have, want, caseExact) {
		return true
	}
	x, y := elements(have), elements(want)
	covers := func(v, w directory.Value) bool { return coversOne(v, w, caseExact) }
	for _, w := range y {
		if !slices.ContainsFunc(x, func(v directory.Value) bool { return covers(v, w) }) {
			return false
		}
	}
	for _, v := range x {
		if !slices.ContainsFunc(y, func(w directory.Value) bool { return covers(v, w) }) {
			return false
		}
	}
	return true
}

// coversOne reports whether one value of an account has each sub-attribute
// that is wanted; a false boolean may be left out (RFC 7643 section 2.4 says so
// of primary).
func coversOne(have, want directory.Value, caseExact bool) bool {
	if have.Kind() != directory.KindComplex || want.Kind() != directory.KindComplex {
		return sameOne(have, want, caseExact)
	}
	for _, member := range want.Members() {
		value, _ := have.Member(member.Name)
		missing := value.IsEmpty() && (member.Value.IsEmpty() || member.Value.Equal(directory.Boolean(false)))
		if !missing && !holds(value, member.Value, caseExact) {
			return false
		}
	}
	return true
}

func sameOne(a, b directory.Value, caseExact bool) bool {
	if a.Kind() == directory.KindComplex || b.Kind() == directory.KindComplex {
		return a.Equal(b)
	}
	if a.Kind() == directory.KindTime || b.Kind() == directory.KindTime {
		x, known := instant(a)
		y, alsoKnown := instant(b)
		return known && alsoKnown && x.Equal(y)
	}
	x, y := a.String(), b.String()
	return x == y || !caseExact && directory.Fold(x) == directory.Fold(y)
}

// instant gives the point in time of a time, or of its text in a target.
func instant(v directory.Value) (time.Time, bool) {
	if t, ok := v.AsTime(); ok {
		return t, true
	}
	t, err := time.Parse(time.RFC3339Nano, v.String())
	return t, err == nil
}

// isFalse reports whether a value means false, whatever its type: that of the
// target's attribute may not be known.
func isFalse(v directory.Value) bool { return strings.EqualFold(v.String(), "false") }
