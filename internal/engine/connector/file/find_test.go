package file

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

func TestFind(t *testing.T) {
	source := users(t, "p.jsonl", strings.Join([]string{
		`{"id":"1","mail":"ADA@example.com","boss":"2","roles":["Admin","user"],"n":7,"b":true}`,
		`{"id":"2","mail":"ada@example.com"}`,
		`{"id":"3","mail":"twin@example.com"}`,
		`{"id":"3","mail":"other@example.com"}`,
		`{"id":"4","mail":"broken@example.com","boss":{}}`,
		`{"id":"A"}`,
	}, "\n"))
	for _, test := range []struct {
		attribute, value string
		want             []string
	}{
		{"mail", "Ada@Example.com", []string{`1 {"b":true,"id":"1","mail":"ADA@example.com","n":7,"roles":["Admin","user"]}`, "1 -manager-> 2", `2 {"id":"2","mail":"ada@example.com"}`}},
		{"roles", "USER", []string{`1 {"b":true,"id":"1","mail":"ADA@example.com","n":7,"roles":["Admin","user"]}`, "1 -manager-> 2"}},
		{"n", "7", []string{`1 {"b":true,"id":"1","mail":"ADA@example.com","n":7,"roles":["Admin","user"]}`, "1 -manager-> 2"}},
		// One of two rows of one id is never taken for the object.
		{"mail", "twin@example.com", []string{"seen 3"}},
		{directory.ByAnchor, "3", []string{"seen 3", "seen 3"}},
		{directory.ByAnchor, "4", []string{"seen 4"}},
		{directory.ByAnchor, "a", nil},
		{directory.ByAnchor, "A", []string{`A {"id":"A"}`}},
		{"id", "a", []string{`A {"id":"A"}`}},
		{"mail", "broken@example.com", nil},
		{"mail", "", nil},
	} {
		changes, err := source.Find(t.Context(), "User", test.attribute, test.value)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, change := range changes {
			got = append(got, short(change))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s %q: %q, want %q", test.attribute, test.value, got, test.want)
		}
	}
}

func TestFindTooMany(t *testing.T) {
	var content strings.Builder
	content.WriteString("id,dept,boss\n")
	for i := range maxFound + 1 {
		fmt.Fprintf(&content, "%d,all,\n", i)
	}
	source := users(t, "p.csv", content.String())
	_, err := source.Find(t.Context(), "User", "dept", "all")
	if failed := failure(t, err); failed.Class != connector.Rejected {
		t.Error(err)
	}
	if changes, err := source.Find(t.Context(), "User", "id", "7"); err != nil || len(changes) != 1 {
		t.Error(changes, err)
	}
}

func TestFindings(t *testing.T) {
	for name, test := range map[string]struct {
		content string
		want    []string // severity, then parts of summary and detail
	}{
		"sound":      {"id,boss\n1,\n", []string{"info p.csv: 1 rows of type User"}},
		"empty":      {"id,boss\n", []string{"info p.csv: 0 rows", "warning p.csv holds no rows"}},
		"broken":     {"id,boss\n1\n2,\n3\n", []string{"info", "warning p.csv: rows that cannot be used: 2|p.csv line 2: there are 1 fields"}},
		"twice":      {"id,boss\n1,\n2,\n1,\n", []string{"info", `warning p.csv: ids on several lines: 1|the id "1" stands on the lines 2 and 4`}},
		"without id": {"id,boss\n,1\n", []string{"info", "warning p.csv: rows that cannot be used: 1", "warning p.csv cannot tell who is gone"}},
	} {
		t.Run(name, func(t *testing.T) {
			findings, err := users(t, "p.csv", test.content).Test(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(findings) != len(test.want) {
				t.Fatalf("%+v, want %q", findings, test.want)
			}
			for i, want := range test.want {
				summary, detail, _ := strings.Cut(want, "|")
				if got := fmt.Sprintf("%s %s", findings[i].Severity, findings[i].Summary); !strings.HasPrefix(got, summary) || !strings.HasPrefix(findings[i].Detail, detail) {
					t.Errorf("%s, %s; want %q", got, findings[i].Detail, want)
				}
			}
		})
	}
}

func TestSchema(t *testing.T) {
	describe := func(source connector.Source) string {
		schema, err := source.Schema(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		var walk func(prefix string, definitions []directory.Definition)
		walk = func(prefix string, definitions []directory.Definition) {
			for _, d := range definitions {
				text := prefix + d.Name + ":" + string(d.Type)
				if d.MultiValued {
					text += "[]"
				}
				if d.Unique {
					text += "!"
				}
				out = append(out, text)
				walk(prefix+d.Name+".", d.Sub)
			}
		}
		for _, typ := range schema.Types {
			walk(typ.Name+".", typ.Attributes)
		}
		return strings.Join(out, " ")
	}
	csv := users(t, "p.csv", "name,id,boss,manager\na,1,2,x\n")
	if got, want := describe(csv), "User.name:string User.id:string! User.manager:reference"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	lines := users(t, "p.jsonl", strings.Join([]string{
		`{"id":1,"a":null,"b":true,"c":1,"d":["x"],"e":{"f":1,"g":[true]},"boss":"2"}`,
		`nonsense`,
		`{"id":"2","b":"yes","c":null,"e":{"h":"x"},"z":"1"}`,
	}, "\n"))
	if got, want := describe(lines), "User.a:string User.b:string User.c:integer User.d:string[] User.e:complex User.e.f:integer User.e.g:boolean[] User.e.h:string User.id:string! User.z:string User.manager:reference"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	groups := open(t, fmt.Sprintf(`{"groups":{"path":%q,"id":"id","members":"who","references":{"owner":"by"}}}`, write(t, t.TempDir(), "g.json", "[]")), nil)
	if got, want := describe(groups), "Group.id:string! Group.members:reference[] Group.owner:reference"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
