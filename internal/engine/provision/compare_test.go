package provision

import (
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

func TestSame(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	complexOf := func(s string) directory.Value {
		return directory.Complex(directory.Member{Name: "value", Value: txt(s)})
	}
	tests := []struct {
		name        string
		a, b        directory.Value
		exact, want bool
	}{
		{"case", txt("Ä"), txt("ä"), false, true},
		{"case, exact", txt("Ä"), txt("ä"), true, false},
		{"boolean and text", directory.Boolean(true), txt("true"), false, true},
		{"integer and text", directory.Integer(7), txt("7"), true, true},
		{"null and text", directory.Null, txt("x"), false, false},
		{"null and an empty list", directory.Null, directory.Texts(), false, true},
		{"a list of one and its value", directory.Texts("a"), txt("a"), true, true},
		{"sets", directory.Texts("a", "b"), directory.Texts("B", "A"), false, true},
		{"sets, exact", directory.Texts("a", "b"), directory.Texts("B", "A"), true, false},
		{"subset", directory.Texts("a", "a"), directory.Texts("a", "b"), false, false},
		{"superset", directory.Texts("a", "b"), directory.Texts("a", "a"), false, false},
		{"complex", complexOf("a"), complexOf("a"), false, true},
		{"complex, different", complexOf("a"), complexOf("b"), false, false},
		{"complex and text", complexOf("a"), txt(`{"value":"a"}`), false, false},
		{"time and its text", directory.Time(at), txt("2026-01-02T04:04:05+01:00"), false, true},
		{"time and another", directory.Time(at), txt("2026-01-02T04:04:05Z"), false, false},
		{"time and its text without zone", directory.Time(at), txt("2026-01-02T03:04:05"), false, false},
		{"times without zone are texts", txt("2026-01-02T03:04:05"), txt("2026-01-02T03:04:05Z"), false, false},
		{"time and no time", directory.Time(at), txt("soon"), false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := same(tt.a, tt.b, tt.exact); got != tt.want {
				t.Errorf("same(%v, %v) is %t", tt.a, tt.b, got)
			}
			if got := same(tt.b, tt.a, tt.exact); got != tt.want {
				t.Errorf("same(%v, %v) is %t", tt.b, tt.a, got)
			}
		})
	}
}

// An account has what is wanted when its complex values have the sub-attributes
// that are: what the target adds is its own, and a false may be left out.
func TestHolds(t *testing.T) {
	role := func(members ...string) directory.Value {
		var list []directory.Member
		for i := 0; i < len(members); i += 2 {
			value := txt(members[i+1])
			if members[i+1] == "false" || members[i+1] == "true" {
				value = directory.Boolean(members[i+1] == "true")
			}
			list = append(list, directory.Member{Name: members[i], Value: value})
		}
		return directory.Complex(list...)
	}
	list := func(values ...directory.Value) directory.Value { return directory.List(values...) }
	want := list(role("value", "Admin", "display", "Admin", "primary", "false"))
	for name, tt := range map[string]struct {
		have, want directory.Value
		holds      bool
	}{
		"equal":                 {want, want, true},
		"more sub-attributes":   {list(role("value", "Admin", "display", "Admin", "primary", "false", "$ref", "x")), want, true},
		"false left out":        {list(role("value", "Admin", "display", "Admin")), want, true},
		"case":                  {list(role("value", "ADMIN", "display", "admin")), want, true},
		"true where false":      {list(role("value", "Admin", "display", "Admin", "primary", "true")), want, false},
		"a sub-attribute fails": {list(role("value", "Admin")), want, false},
		"one too many":          {list(role("value", "Admin", "display", "Admin"), role("value", "User")), want, false},
		"one too few":           {list(), want, false},
		"texts as sets":         {directory.Texts("b", "A"), directory.Texts("a", "B"), true},
		"complex and text":      {list(txt("Admin")), want, false},
	} {
		if got := holds(tt.have, tt.want, false); got != tt.holds {
			t.Errorf("%s: %t", name, got)
		}
	}
}
