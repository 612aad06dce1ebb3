package directory

import (
	"errors"
	"strings"
	"testing"
)

func TestParsePath(t *testing.T) {
	const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	tests := []struct {
		text string
		want Parts
	}{
		{"displayName", Parts{Name: "displayName"}},
		{"name.givenName", Parts{Name: "name", Sub: "givenName"}},
		{"$ref", Parts{Name: "$ref"}},
		{`emails[type eq "work"].value`, Parts{Name: "emails", Where: Condition{"type", "work", true}, Sub: "value"}},
		{`emails[ type  EQ  "work" ]`, Parts{Name: "emails", Where: Condition{"type", "work", true}}},
		{`roles[primary eq true].value`, Parts{Name: "roles", Where: Condition{"primary", "true", false}, Sub: "value"}},
		{`roles[primary eq "True"].value`, Parts{Name: "roles", Where: Condition{"primary", "True", true}, Sub: "value"}},
		{`x[n eq -12]`, Parts{Name: "x", Where: Condition{"n", "-12", false}}},
		{`x[n eq "a\"]\\ b"]`, Parts{Name: "x", Where: Condition{"n", `a"]\ b`, true}}},
		{`x[n eq ""]`, Parts{Name: "x", Where: Condition{"n", "", true}}},
		{enterprise + ":manager", Parts{URN: enterprise, Name: "manager"}},
		{enterprise + ":manager.value", Parts{URN: enterprise, Name: "manager", Sub: "value"}},
		{"urn:x:2.0:User:" + `roles[display eq "a:b"].value`, Parts{URN: "urn:x:2.0:User", Name: "roles", Where: Condition{"display", "a:b", true}, Sub: "value"}},
		{"URN:x:a", Parts{URN: "URN:x", Name: "a"}},
	}
	for _, tt := range tests {
		got, err := ParsePath(tt.text)
		if err != nil || got.Parts() != tt.want || got != tt.want.Path() {
			t.Errorf("%s: %+v, %v", tt.text, got.Parts(), err)
		}
		if again, err := ParsePath(got.String()); err != nil || again != got {
			t.Errorf("%s is written %s, which is %+v, %v", tt.text, got, again, err)
		}
	}
}

func TestParsePath_errors(t *testing.T) {
	tests := []struct {
		text     string
		position int
		says     string
	}{
		{"", 0, "name is missing"},
		{" a", 0, "name is missing"},
		{"a ", 1, `" " is not expected`},
		{"1a", 0, "name is missing"},
		{"a.", 2, "sub-attribute name"},
		{"a.b.c", 3, `"." is not expected`},
		{"a[", 2, "name is missing in the filter"},
		{"a[b]", 3, "only eq"},
		{"a[b ne \"c\"]", 4, "only eq"},
		{"a[b eq\"c\"]", 6, "blank is missing"},
		{"a[b eq]", 6, "blank is missing"},
		{"a[b eq ]", 7, "value is missing"},
		{"a[b eq work]", 7, "value is missing"},
		{"a[b eq TRUE]", 7, "value is missing"},
		{"a[b eq \"c]", 10, "quote is not closed"},
		{`a[b eq "c\n"]`, 10, "backslash"},
		{`a[b eq "c"`, 10, "bracket is not closed"},
		{`a[b eq "c" and d eq "e"]`, 11, "bracket is not closed"},
		{`a[b eq "c"]d`, 11, `"d" is not expected`},
		{"urn:x", 5, "last colon"},
		{"urn:x:", 6, "name is missing"},
		{"urn:a b:c", 5, "blank or quote"},
	}
	for _, tt := range tests {
		path, err := ParsePath(tt.text)
		var fault *PathError
		if !errors.As(err, &fault) || !path.IsZero() {
			t.Errorf("%q: %+v, %v", tt.text, path, err)
			continue
		}
		if fault.Position != tt.position || !strings.Contains(fault.Problem, tt.says) {
			t.Errorf("%q: at %d: %s", tt.text, fault.Position, fault.Problem)
		}
	}
}

func TestPath_text(t *testing.T) {
	var p Path
	if err := p.UnmarshalText([]byte("name.givenName")); err != nil || p.Sub() != "givenName" {
		t.Errorf("read %+v, %v", p, err)
	}
	if err := p.UnmarshalText([]byte("name.")); err == nil || p.Sub() != "givenName" {
		t.Errorf("a bad path: %+v, %v", p, err)
	}
	if err := p.UnmarshalText(nil); err != nil || !p.IsZero() {
		t.Errorf("the empty text: %+v, %v", p, err)
	}
	p = MustPath(`urn:x:User:emails[type eq "work"].value`)
	if got := p.Attribute(); got != (Parts{URN: "urn:x:User", Name: "emails"}).Path() || got.HasCondition() || !p.HasCondition() {
		t.Errorf("its attribute is %+v", got)
	}
	if got := p.Element(); got != MustPath(`urn:x:User:emails[type eq "work"]`) {
		t.Errorf("its element is %+v", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("MustPath takes anything")
		}
	}()
	MustPath("[")
}

func FuzzParsePath(f *testing.F) {
	for _, seed := range []string{"displayName", `emails[type eq "wo\"rk"].value`, "urn:a:b:c.d", "a[b eq -1]", "urn::a", "a[b eq \"", "\xff", "a[b eq \"\xff\x00\"]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path, err := ParsePath(text)
		if err != nil {
			var fault *PathError
			if !errors.As(err, &fault) || fault.Position < 0 || fault.Position > len(text) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		again, err := ParsePath(path.String())
		if err != nil || again != path || again.String() != path.String() {
			t.Fatalf("%q is %+v, written %q, which is %+v, %v", text, path, path, again, err)
		}
		if path.Name() == "" {
			t.Fatalf("%q has no name", text)
		}
	})
}
