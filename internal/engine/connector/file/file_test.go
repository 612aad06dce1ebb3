package file

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/sourcetest"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

var both = []string{directory.User, directory.Group}

// open makes a source of a connection block in JSON.
func open(t testing.TB, connection string, now func() time.Time) connector.Source {
	t.Helper()
	source, err := Open(connector.Options{Connection: json.RawMessage(connection), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// write writes a file into a folder and gives its path.
func write(t testing.TB, folder, name, content string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// users makes a source of one file of users whose id is "id".
func users(t testing.TB, name, content string) connector.Source {
	t.Helper()
	return open(t, fmt.Sprintf(`{"users":{"path":%q,"id":"id","references":{"manager":"boss"}}}`, write(t, t.TempDir(), name, content)), nil)
}

// reading is what one Read gave, in short form.
type reading struct {
	result connector.ReadResult
	given  []string
}

func read(t testing.TB, source connector.Source, since connector.Watermark, types ...string) (reading, error) {
	t.Helper()
	if types == nil {
		types = both
	}
	var r reading
	var err error
	r.result, err = source.Read(t.Context(), connector.ReadRequest{Since: since, Types: types}, func(change connector.Change) error {
		r.given = append(r.given, short(change))
		return nil
	})
	return r, err
}

func short(change connector.Change) string {
	switch change.Kind {
	case connector.Seen:
		return "seen " + change.Object.Anchor
	case connector.EdgeAdded:
		return fmt.Sprintf("%s -%s-> %s", change.Edge.Holder.Anchor, change.Edge.Attribute, change.Edge.To.Value)
	}
	attributes, err := json.Marshal(change.Object.Attributes)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s %s", change.Object.Anchor, attributes)
}

func failure(t *testing.T, err error) *connector.Error {
	t.Helper()
	var failed *connector.Error
	if !errors.As(err, &failed) {
		t.Fatalf("the error is %v, want a *connector.Error", err)
	}
	return failed
}

func TestConformance(t *testing.T) {
	user := func(anchor, email, title string) directory.Object {
		return directory.Object{
			Key:        directory.Key{Type: directory.User, Anchor: anchor},
			Attributes: directory.NewAttributes(map[string]directory.Value{"id": directory.Text(anchor), "email": directory.Text(email), "title": textOrNull(title)}),
		}
	}
	edge := func(typ, holder, attribute, to string) directory.Edge {
		return directory.Edge{Holder: directory.Key{Type: typ, Anchor: holder}, Attribute: attribute, To: directory.Ref{By: directory.ByAnchor, Value: to}}
	}
	group := directory.Object{
		Key:        directory.Key{Type: directory.Group, Anchor: "g1"},
		Attributes: directory.NewAttributes(map[string]directory.Value{"key": directory.Text("g1"), "displayName": directory.Text("Engineering")}),
	}
	for name, files := range map[string]struct{ users, groups, more string }{
		"people.csv groups.csv": {
			"id,email,title,boss\n1,grace@example.com,,\n2,ada@example.com,Engineer,1\n",
			"key,displayName,who\ng1,Engineering,1;2\n", "3,alan@example.com,Lead,1\n",
		},
		"people.json groups.json": {
			`[{"id":"1","email":"grace@example.com","title":null},{"id":"2","email":"ada@example.com","title":"Engineer","boss":"1"}]`,
			`[{"key":"g1","displayName":"Engineering","who":["1",2]}]`, "",
		},
		"people.jsonl groups.ndjson": {
			`{"id":"1","email":"grace@example.com","title":null}` + "\n\n" + `{"id":"2","email":"ada@example.com","title":"Engineer","boss":1}`,
			`{"key":"g1","displayName":"Engineering","who":["1","2"]}`, "\n" + `{"id":"3","email":"alan@example.com","title":"Lead","boss":1}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			sourcetest.Run(t, func(t *testing.T) (connector.Source, sourcetest.Fixture) {
				folder := t.TempDir()
				people, groups, _ := strings.Cut(name, " ")
				usersPath, groupsPath := write(t, folder, people, files.users), write(t, folder, groups, files.groups)
				fixture := sourcetest.Fixture{
					Types:   both,
					Objects: []directory.Object{user("1", "grace@example.com", ""), user("2", "ada@example.com", "Engineer"), group},
					Edges:   []directory.Edge{edge("User", "2", "manager", "1"), edge("Group", "g1", "members", "1"), edge("Group", "g1", "members", "2")},
					Finds: []sourcetest.Find{
						{Type: "User", Attribute: "email", Value: "ada@example.com", Anchors: []string{"2"}},
						{Type: "Group", Attribute: "displayName", Value: "Engineering", Anchors: []string{"g1"}},
						{Type: "User", Attribute: "title", Value: ""},
						{Type: "User", Attribute: "manager", Value: "1"},
					},
					Break: func(t *testing.T) {
						if err := os.Remove(groupsPath); err != nil {
							t.Fatal(err)
						}
						if err := os.Remove(usersPath); err != nil {
							t.Fatal(err)
						}
					},
				}
				if files.more != "" {
					fixture.Change = func(t *testing.T) directory.Object {
						write(t, folder, people, files.users+files.more)
						return user("3", "alan@example.com", "Lead")
					}
				}
				return open(t, fmt.Sprintf(`{"users":{"path":%q,"id":"id","references":{"manager":"boss"}},
					"groups":{"path":%q,"id":"key","members":"who"}}`, usersPath, groupsPath), nil), fixture
			})
		})
	}
}

func textOrNull(s string) directory.Value {
	if s == "" {
		return directory.Null
	}
	return directory.Text(s)
}

// The example in the documentation is read as it stands.
func TestQuickstart(t *testing.T) {
	folder, err := filepath.Abs("testdata/quickstart")
	if err != nil {
		t.Fatal(err)
	}
	source := open(t, fmt.Sprintf(`{"users":{"path":%q,"id":"employee_id","references":{"manager":"manager_id"}},
		"groups":{"path":%q,"id":"id","members":"members"}}`, filepath.Join(folder, "people.csv"), filepath.Join(folder, "groups.json")), nil)
	r, err := read(t, source, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`1 {"department":"Board","email":"grace@example.com","employee_id":"1","employee_type":"employee","first_name":"Grace","last_name":"Hopper","title":"Founder"}`,
		`2 {"department":"Engineering","email":"ada@example.com","employee_id":"2","employee_type":"employee","first_name":"Ada","last_name":"Lovelace","title":"Engineer"}`,
		`2 -manager-> 1`,
		`3 {"department":"Engineering","email":"alan@example.com","employee_id":"3","employee_type":"employee","first_name":"Alan","last_name":"Turing","title":null}`,
		`3 -manager-> 2`,
		`4 {"department":"Engineering","email":"edsger@example.com","employee_id":"4","employee_type":"contractor","first_name":"Edsger","last_name":"Dijkstra","title":"Engineer"}`,
		`4 -manager-> 2`,
		`5 {"department":"Legal","email":"barbara@example.com","employee_id":"5","employee_type":"employee","first_name":"Barbara","last_name":"Liskov","title":"Counsel"}`,
		`5 -manager-> 1`,
		`6 {"department":"Engineering","email":null,"employee_id":"6","employee_type":"employee","first_name":"Tony","last_name":"Hoare","title":"Engineer"}`,
		`6 -manager-> 2`,
		`g1 {"displayName":"Engineering","id":"g1"}`,
		`g1 -members-> 2`, `g1 -members-> 3`, `g1 -members-> 4`, `g1 -members-> 6`,
		`g2 {"displayName":"Legal","id":"g2"}`,
		`g2 -members-> 5`,
	}
	if got := strings.Join(r.given, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("given:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
	if r.result.Epoch != `file User="employee_id" Group="id"` || len(r.result.Problems) > 0 {
		t.Errorf("%+v", r.result)
	}
}

func TestOpenRefuses(t *testing.T) {
	for connection, want := range map[string]string{
		`{}`:                   "neither users nor groups",
		`nope`:                 "invalid",
		`{"people":{}}`:        `unknown field "people"`,
		`{"users":{"id":"a"}}`: "users.path is missing",
		`{"users":{"path":"people.csv","id":"a"}}`:                                           "relative",
		`{"users":{"path":"/people.csv"}}`:                                                   "users.id is missing",
		`{"users":{"path":"/people.xlsx","id":"a"}}`:                                         "set users.format",
		`{"users":{"path":"/people.csv","id":"a","format":"xml"}}`:                           "none of csv, json, jsonl",
		`{"users":{"path":"/people.csv","id":"a","members":"m"}}`:                            "only groups have members",
		`{"users":{"path":"/people.csv","id":"a","references":{"manager":"a"}}}`:             "declared as id and as manager",
		`{"users":{"path":"/people.csv","id":"a","references":{"manager":""}}}`:              "empty name",
		`{"groups":{"path":"/g.csv","id":"a","members":"m","references":{"owner":"m"}}}`:     "as members and as owner",
		`{"groups":{"path":"/g.csv","id":"a","members":"m","references":{"members":"who"}}}`: "both declare members",
	} {
		_, err := Open(connector.Options{Connection: json.RawMessage(connection)})
		if err == nil {
			t.Errorf("%s is taken", connection)
			continue
		}
		if failed := failure(t, err); failed.Class != connector.Fatal || !strings.Contains(failed.Detail, want) {
			t.Errorf("%s: %v; want %q", connection, err, want)
		}
	}
}

// A broken row costs its object alone, or, when its id cannot be told, the
// evidence of absence.
// Objects of other types come from files of their own, which refer to users and
// groups.
func TestObjectsOfOtherTypes(t *testing.T) {
	folder := t.TempDir()
	devices := write(t, folder, "devices.csv", "serial,model,holder\nA1,Laptop,1\nB2,Phone,\n")
	people := write(t, folder, "people.csv", "id,name\n1,Ada\n")
	source := open(t, fmt.Sprintf(`{"users":{"path":%q,"id":"id"},"objects":{"Device":{"path":%q,"id":"serial","references":{"owner":"holder"}}}}`, people, devices), nil)
	r, err := read(t, source, nil, directory.User, directory.Group, "Device")
	if err != nil || r.result.Coverage["Device"] != connector.Complete {
		t.Fatalf("%+v, error %v", r.result, err)
	}
	want := []string{`1 {"id":"1","name":"Ada"}`, `A1 {"model":"Laptop","serial":"A1"}`, "A1 -owner-> 1", `B2 {"model":"Phone","serial":"B2"}`}
	if !slices.Equal(r.given, want) {
		t.Errorf("gives %q, want %q", r.given, want)
	}
	schema, err := source.Schema(t.Context())
	if device, ok := schema.Type("Device"); err != nil || !ok || len(device.Attributes) != 3 {
		t.Errorf("the schema is %+v, error %v", schema, err)
	}
	for _, block := range []string{`{"objects":{"User":{"path":"/u.csv","id":"id"}}}`, `{"objects":{"":{"path":"/u.csv","id":"id"}}}`, `{"objects":{"Device":{"path":"d.csv","id":"id"}}}`, `{"objects":{"Device":null}}`} {
		if _, err := Open(connector.Options{Connection: json.RawMessage(block)}); err == nil {
			t.Errorf("%s is opened", block)
		}
	}
}

func TestBrokenRows(t *testing.T) {
	long := strings.Repeat("x", maxField+1)
	deep := strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth)
	for name, test := range map[string]struct {
		file, content string
		given         []string
		problems      []string // anchor@line: part of the detail
		doubtful      bool
	}{
		"csv, sound": {
			"p.csv", "\ufeffid,\"na\"\"me\",boss\r\n\r\n1,\"a, \"\"b\"\"\r\nc\",\r\n2,,1\r\n",
			[]string{`1 {"id":"1","na\"me":"a, \"b\"\nc"}`, `2 {"id":"2","na\"me":null}`, "2 -manager-> 1"}, nil, false,
		},
		"csv, header only":       {"p.csv", "id,boss\n", nil, nil, false},
		"csv, no final line end": {"p.csv", "id,boss\n1,", []string{`1 {"id":"1"}`}, nil, false},
		"csv, too few and too many fields": {
			"p.csv", "id,name,boss\n1,a\n2,a,b,c\n3,a,\n",
			[]string{"seen 1", "seen 2", `3 {"id":"3","name":"a"}`}, []string{"1@2: 2 fields", "2@3: 4 fields"}, false,
		},
		"csv, shifted id": {
			"p.csv", "name,id,boss\na,b,1,\na,2,\n",
			[]string{`2 {"id":"2","name":"a"}`}, []string{"@2: 4 fields"}, true,
		},
		"csv, a bare quote": {
			"p.csv", "id,name,boss\n1,5\" disk,\n2,b,\n",
			[]string{"seen 1", `2 {"id":"2","name":"b"}`}, []string{"1@2: a quote at column 4"}, false,
		},
		"csv, a quote that ends early": {
			"p.csv", "id,name,boss\n1,\"Bob\" Smith,\n2,b,\n",
			[]string{"seen 1", `2 {"id":"2","name":"b"}`}, []string{"1@2: a quote at column 7"}, false,
		},
		"csv, rows swallowed by quotes": {
			"p.csv", "id,name,boss\n1,\"a,\n2,b\",\n3,c,\n4,\"d,\n5,e\",x,\n",
			[]string{`1 {"id":"1","name":"a,\n2,b"}`, `3 {"id":"3","name":"c"}`, "seen 4"}, []string{"4@5: 4 fields"}, true,
		},
		"csv, cut off in a row": {
			"p.csv", "id,name,boss\n1,a,\n2,b",
			[]string{`1 {"id":"1","name":"a"}`, "seen 2"}, []string{"2@3: 2 fields"}, true,
		},
		"csv, cut off in a quote": {
			"p.csv", "id,name,boss\n1,a,\n2,\"b",
			[]string{`1 {"id":"1","name":"a"}`, "seen 2"}, []string{"2@3: a quote"}, true,
		},
		"csv, ids that are none": {
			"p.csv", "id,boss\n,\n\"\",1\na\x00b,\n" + strings.Repeat("x", maxAnchor+1) + ",\n" + strings.Repeat("y", maxAnchor) + ",\n",
			[]string{strings.Repeat("y", maxAnchor) + ` {"id":"` + strings.Repeat("y", maxAnchor) + `"}`},
			[]string{"@2: is empty", "@3: is empty", "@4: NUL", "@5: 1025 bytes"}, true,
		},
		"csv, ids are exact": {
			"p.csv", "id,boss\n a,\na ,a\nA,\na,\n",
			[]string{`" a"`, `"a "`, "a  -manager-> a", `"A"`, `"a"`}, nil, false,
		},
		"csv, values that are none": {
			"p.csv", "id,name,boss\n1," + long + ",\n2,a\x00b,\n3,c,a\x00b\n4,d,\n",
			[]string{"seen 1", "seen 2", "seen 3", `4 {"id":"4","name":"d"}`},
			[]string{`1@2: "name" has 1048577 bytes`, `2@3: "name" holds a NUL`, `3@4: "boss" holds a NUL`}, false,
		},
		"csv, one id twice": {
			"p.csv", "id,name,boss\n7,a,\n8,b,\n7,c,8\n9,d,\n7,e\n",
			[]string{"seen 7", `8 {"id":"8","name":"b"}`, "seen 7", `9 {"id":"9","name":"d"}`, "seen 7"},
			[]string{`7@2: the id "7" stands on the lines 2, 4 and 6`}, false,
		},
		"json, empty": {"p.json", " [ ] \n", nil, nil, false},
		"json, values": {
			"p.json", `[{"id":"1","t":"","n":null,"b":false,"i":-7,"f":1.5,"big":123456789012345678901,"l":["a",1,null],"o":{"x":{"y":true}},"boss":""}]`,
			[]string{`1 {"b":false,"big":"123456789012345678901","f":"1.5","i":-7,"id":"1","l":["a",1,null],"n":null,"o":{"x":{"y":true}},"t":""}`}, nil, false,
		},
		"json, broken rows": {
			"p.json", "[\n{\"id\":\"1\",\"a\":1,\"a\":2},\n{\"id\":\"2\",\"boss\":{}},\n{\"id\":\"3\",\"boss\":[\"1\",true]}\n,\n\n{\"deep\":" + deep + ",\"id\":\"4\"},{\"id\":\"5\",\"a\\u0000\":1}," +
				"{\"id\":\"6\",\"o\":{\"x\":\"\\u0000\"}},{\"id\":\"7\",\"\":1},{\"id\":\"8\",\"boss\":[1,null,\"\",\"2\"]}]",
			[]string{"seen 1", "seen 2", "seen 3", "seen 4", "seen 5", "seen 6", "seen 7", `8 {"id":"8"}`, "8 -manager-> 1", "8 -manager-> 2"},
			[]string{`1@2: "a" is given twice`, `2@3: "boss" holds complex`, `3@4: "boss" holds boolean`, `4@7: "deep" nests deeper`, "5@7: name holds a NUL", `6@7: "x" holds a NUL`, "7@7: name is empty"}, false,
		},
		"json, rows without an id": {
			"p.json", "[1,\n[],\n{},\n{\"id\":null},\n{\"id\":true},\n{\"id\":\"1\",\"id\":\"2\"},{\"id\":[1]},null,\"x\"]",
			nil, []string{"@1: a number where", "@2: an array where", "@3: is empty", "@4: is empty", "@5: boolean", "@6: given twice", "@6: list", "@6: null", "@6: a text"}, true,
		},
		"json, one id twice": {
			"p.json", "[{\"id\":1},\n{\"id\":\"1\"}]", []string{"seen 1", "seen 1"}, []string{`1@1: stands on the lines 1 and 2`}, false,
		},
		"lines, broken ones": {
			"p.jsonl", "\n{\"id\":\"1\"}\n{\"id\":\"2\"\r\n{\"id\":\"3\"} x\n   \n{\"id\":4}\r\n{\"id\":\"5\",\"boss\":1",
			[]string{`1 {"id":"1"}`, `4 {"id":4}`}, []string{"@3: no JSON", "@4: no JSON", "@7: no JSON"}, true,
		},
		"lines, an endless one": {
			"p.jsonl", `{"id":"1"}` + "\n" + `{"id":"2","x":"` + strings.Repeat("y", maxRow) + `"}` + "\n" + `{"id":"3"}`,
			[]string{`1 {"id":"1"}`, `3 {"id":"3"}`}, []string{"@2: bytes; at most"}, true,
		},
		"lines, none": {"p.ndjson", "", nil, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := read(t, users(t, test.file, test.content), nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(r.given) != len(test.given) {
				t.Fatalf("given %.1000q, want %.1000q", r.given, test.given)
			}
			for i, want := range test.given {
				if !strings.Contains(r.given[i], want) {
					t.Errorf("given %.300q, want %.300q", r.given[i], want)
				}
			}
			if len(r.result.Problems) != len(test.problems) {
				t.Fatalf("problems %+v, want %q", r.result.Problems, test.problems)
			}
			for i, want := range test.problems {
				got := r.result.Problems[i]
				place, detail, _ := strings.Cut(want, ": ")
				anchor, line, _ := strings.Cut(place, "@")
				if got.Key != (directory.Key{Type: "User", Anchor: anchor}) || got.Code != "InvalidSourceRecord" ||
					got.Where != test.file+" line "+line || !strings.Contains(got.Detail, detail) {
					t.Errorf("problem %+v, want %q", got, want)
				}
			}
			coverage := connector.Complete
			if test.doubtful {
				coverage = connector.ChangesOnly
			}
			if got := r.result.Coverage["User"]; got != coverage {
				t.Errorf("coverage %v, want %v", got, coverage)
			}
		})
	}
}

// What is wrong with a document as a whole is an error before anything is
// given.
func TestBrokenDocuments(t *testing.T) {
	endless := strings.Repeat("x", maxRow+chunk+1)
	for name, test := range map[string]struct{ file, content, want, advice string }{
		"empty csv":            {"p.csv", "", "the file is empty", "header"},
		"only a mark":          {"p.csv", "\ufeff", "the file is empty", ""},
		"no id column":         {"p.csv", "nr,Id,boss\n1,2,3\n", `line 1: the header has no column "id", which users.id names; it has "nr", "Id", "boss"`, `did you mean "Id"?`},
		"no reference column":  {"p.csv", "\n\nid,bos\n1,2\n", `line 3: the header has no column "boss", which users.references.manager names`, `did you mean "bos"?`},
		"semicolons":           {"p.csv", "id;boss\n1;2\n", `has no column "id"`, "separate the columns by commas"},
		"header name twice":    {"p.csv", "id,boss,a,boss\n", `columns 2 and 4 are both named "boss"`, ""},
		"header without name":  {"p.csv", "id,boss,\n", "column 3 of the header has no name", ""},
		"header quotes":        {"p.csv", "id,\"boss\n", "line 1: column", ""},
		"utf-16":               {"p.csv", "\xff\xfei\x00d\x00", "UTF-16", "save it as UTF-8"},
		"utf-16 without mark":  {"p.json", "[\x00]\x00", "UTF-16", "save it as UTF-8"},
		"latin-1":              {"p.csv", "id,boss\n1,\n2,J\xfcrgen\n", "line 3: byte 15 of the file is not UTF-8", "save it as UTF-8"},
		"latin-1 in json":      {"p.json", "[{\"id\":\"1\"},\n{\"id\":\"\xfc\"}]", "line 2: byte 21", "save it as UTF-8"},
		"latin-1 in lines":     {"p.jsonl", "{\"id\":\"1\"}\n{\"id\":\"\xfc\"}", "line 2: byte 19", "save it as UTF-8"},
		"half a character":     {"p.csv", "id,boss\n1,\xe2\x82", "line 2: byte 11 of the file is not UTF-8", ""},
		"latin-1 after a mark": {"p.csv", "\ufeffid,boss\n1,\xfc\n", "line 2: byte 14 of the file is not UTF-8", ""},
		"quotes over lines":    {"p.csv", "id,boss\n1,\"a\n2,b\n3,\"c\"\n", "line 2: the quotes of this row end wrongly", "double each quote"},
		"an endless quote":     {"p.csv", "id,boss\n1,\"a\n2,b\n" + endless, "longer than 16 MiB", "never closed"},
		"an endless line":      {"p.csv", "id,boss\n1," + endless, "longer than 16 MiB", ""},
		"an endless header":    {"p.csv", endless, "longer than 16 MiB", ""},
		"empty json":           {"p.json", "", "the file ends", "array of objects"},
		"json object":          {"p.json", `{"id":"1"}`, "there is an object where an array must begin", "array of objects"},
		"json text":            {"p.json", "\n\"x\"", "line 2: there is a text", ""},
		"cut json":             {"p.json", "[{\"id\":\"1\"},\n{\"id\":", "the file ends before its array does", ""},
		"cut json after comma": {"p.json", "[{\"id\":\"1\"},\n", "the file ends before its array does", ""},
		"cut json after row":   {"p.json", "[{\"id\":\"1\"}\n", "the file ends before its array does", ""},
		"bad json":             {"p.json", "[{\"id\":\"1\"},\n\n{\"id\":\n nope},\n{}]", "line 4: this is no JSON", ""},
		"no comma":             {"p.json", "[{\"id\":\"1\"}\n{\"id\":\"2\"}]", "this is no JSON", ""},
		"json and more":        {"p.json", "[]\n[]", "something follows the end of the array", ""},
		"endless json":         {"p.json", "[\"" + endless, "longer than 16 MiB", ""},
		"deep json":            {"p.json", "[" + strings.Repeat("[", 100_000), "this is no JSON", ""},
	} {
		t.Run(name, func(t *testing.T) {
			source := users(t, test.file, test.content)
			r, err := read(t, source, nil)
			failed := failure(t, err)
			if failed.Class != connector.Fatal || !strings.Contains(failed.Detail, test.want) ||
				!strings.Contains(failed.Detail, test.file) || !strings.Contains(failed.Advice, test.advice) {
				t.Errorf("error %.300q, advice %q; want %q, %q", failed.Error(), failed.Advice, test.want, test.advice)
			}
			if len(r.given) > 0 || len(r.result.Coverage) > 0 || r.result.Next != nil {
				t.Errorf("given all the same: %q %+v", r.given, r.result)
			}
			if _, err := source.Test(t.Context()); err == nil {
				t.Error("the test finds nothing wrong")
			}
		})
	}
}

// Nothing of the users is given when the groups cannot be read.
func TestBrokenGroupsGiveNoUsers(t *testing.T) {
	folder := t.TempDir()
	source := open(t, fmt.Sprintf(`{"users":{"path":%q,"id":"id"},"groups":{"path":%q,"id":"id"}}`,
		write(t, folder, "p.csv", "id\n1\n"), write(t, folder, "g.json", "[")), nil)
	if r, err := read(t, source, nil); err == nil || len(r.given) > 0 {
		t.Errorf("given %q, error %v", r.given, err)
	}
	if r, err := read(t, source, nil, "User"); err != nil || len(r.given) != 1 {
		t.Errorf("users alone: %q, %v", r.given, err)
	}
}

func TestUnusableFiles(t *testing.T) {
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "folder.csv"), 0o700); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(folder, "none.csv"):   "no such file",
		filepath.Join(folder, "folder.csv"): "it is no regular file but a folder",
		os.DevNull + ".csv":                 "no such file",
	} {
		_, err := read(t, open(t, fmt.Sprintf(`{"users":{"path":%q,"id":"id"}}`, path), nil), nil)
		if failed := failure(t, err); failed.Class != connector.Fatal || !strings.Contains(failed.Detail, path+": ") || !strings.Contains(failed.Detail, want) || failed.Advice == "" {
			t.Errorf("%s: %v (%s)", path, err, failed.Advice)
		}
	}
	_, err := read(t, open(t, fmt.Sprintf(`{"users":{"path":%q,"id":"id","format":"csv"}}`, os.DevNull), nil), nil)
	if failed := failure(t, err); !strings.Contains(failed.Detail, "a device") {
		t.Errorf("device: %v", err)
	}
}

// Characters are told apart wherever the borders between reads fall.
func TestCharactersAtBorders(t *testing.T) {
	for pad := range 4 {
		value := strings.Repeat("x", pad) + strings.Repeat("€", chunk)
		r, err := read(t, users(t, "p.csv", "id,name,boss\n1,"+value+",\n"), nil)
		if err != nil || len(r.given) != 1 || r.given[0] != `1 {"id":"1","name":"`+value+`"}` {
			t.Errorf("padded by %d: %v", pad, err)
		}
		_, err = read(t, users(t, "p.csv", "id,name,boss\n1,"+value+"\xe2\x82x,\n"), nil)
		if failed := failure(t, err); !strings.Contains(failed.Detail, "is not UTF-8") {
			t.Errorf("padded by %d: %v", pad, failed)
		}
	}
}

// What a first pass found holds for the same bytes, whoever asks, and for no others
// of the same size.
func TestSurveyIsRemembered(t *testing.T) {
	folder := t.TempDir()
	connection := fmt.Sprintf(`{"users":{"path":%q,"id":"id"}}`, write(t, folder, "p.csv", "id,name\n1,a\n2,b\n"))
	problems := func() int {
		t.Helper()
		r, err := read(t, open(t, connection, nil), nil)
		if err != nil {
			t.Fatal(err)
		}
		return len(r.result.Problems)
	}
	if got := problems(); got != 0 {
		t.Errorf("%d problems", got)
	}
	for range 2 {
		write(t, folder, "p.csv", "id,name\n1,a\n1,b\n")
		if got := problems(); got != 1 {
			t.Errorf("%d problems with an id twice", got)
		}
		if got := problems(); got != 1 {
			t.Errorf("%d problems with an id twice, read again", got)
		}
		write(t, folder, "p.csv", "id,name\n2,a\n1,b\n")
		if got := problems(); got != 0 {
			t.Errorf("%d problems without", got)
		}
	}
}
