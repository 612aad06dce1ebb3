package exchange

import (
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

// declaredGen draws mappings and filters of whatever HCL can say.
var declaredGen = rapid.Custom(func(t *rapid.T) Declared {
	text := rapid.OneOf(rapid.StringMatching(`[ -~äß“]{1,20}`), rapid.SampledFrom([]string{`"`, `\`, "${x}", "%{y}", "a\nb", `\"`, "[mail]"}))
	name := rapid.SampledFrom([]string{"mail", "userPrincipalName", "urn:x:y", "a b", "givenName", "objectId"})
	expressions := rapid.SampledFrom([]string{
		`Join(" ", [givenName], [surname])`, `Switch([IsSoftDeleted], , "False", "True", "True", "False")`, `Not( [IsSoftDeleted] )`,
		`IIF([a] = "b", [c] & "d", IgnoreAttributeFlow)`, `5`, `True`, `Replace([preferredLanguage], "-", , , "_", , )`,
		`[emails[type eq "work"].value]`, strings.Repeat("Not(", 30) + "[a]" + strings.Repeat(")", 30), "[a]" + strings.Repeat(` & "x"`, 99), `Mid([userPrincipalName], 1, 8)`, `BitAnd(&HF, 3)`, "Append([a],\n  \"\\\\x\")",
	})
	attribute := rapid.Custom(func(t *rapid.T) mapping.Attribute {
		var a mapping.Attribute
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			a.Source = ref(name.Draw(t, "source"))
		case 1:
			a.Constant = ref(text.Draw(t, "constant"))
		case 2:
			a.Expression = ref(expressions.Draw(t, "expression"))
		case 3:
			a.Default = ref(text.Draw(t, "default"))
		}
		if a.Default == nil && rapid.Bool().Draw(t, "has default") {
			a.Default = ref(rapid.OneOf(text, rapid.Just("")).Draw(t, "default"))
		}
		a.Apply = rapid.SampledFrom([]mapping.Apply{"", mapping.ApplyAlways, mapping.ApplyOnCreate, mapping.ApplyAddValues}).Draw(t, "apply")
		a.WhenNull = rapid.SampledFrom([]mapping.WhenNull{"", mapping.ClearOwn, mapping.Ignore}).Draw(t, "when_null")
		if a.Apply != mapping.ApplyAddValues && rapid.Bool().Draw(t, "clear") {
			a.WhenNull = mapping.Clear
		}
		return a
	})
	d := Declared{App: &config.App{ID: "a1", Name: text.Draw(t, "app"), Template: "none"}, Source: &config.Source{Name: text.Draw(t, "source name")}}
	for _, objectType := range []string{"User", "Group", "Desk"} {
		m := &config.Mapping{AppID: "a1", ObjectType: objectType, Attributes: rapid.MapOf(rapid.SampledFrom([]string{
			"displayName", "name.givenName", `emails[type eq "work"].value`, "active", "title", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
		}), attribute).Draw(t, "attributes")}
		m.Attributes["userName"] = mapping.Attribute{Source: ref("userPrincipalName"), MatchingPrecedence: ref(rapid.Int64Range(1, 99).Draw(t, "precedence"))}
		m.Actions = rapid.SampledFrom([][]mapping.Action{nil, {}, {mapping.ActionUpdate}, {mapping.ActionDelete, mapping.ActionCreate}}).Draw(t, "actions")
		if objectType != "User" { // who cannot be turned off
			m.Enabled = rapid.SampledFrom([]*bool{nil, ref(true), ref(false)}).Draw(t, "enabled")
		}
		d.Mappings = append(d.Mappings, m)
		for range rapid.IntRange(0, 3).Draw(t, "filters") {
			f := &config.Filter{AppID: "a1", ObjectType: objectType, Name: rapid.StringMatching(`[A-Za-z/]{1,9}`).Draw(t, "filter")}
			if slices.ContainsFunc(d.filters(objectType), func(other *config.Filter) bool { return other.Name == f.Name }) {
				continue
			}
			for range rapid.IntRange(1, 3).Draw(t, "clauses") {
				c := scoping.Clause{Attribute: name.Draw(t, "attribute"), Operator: rapid.SampledFrom(scoping.Operators()).Draw(t, "operator")}
				switch c.Operator {
				case scoping.GreaterThan, scoping.GreaterThanOrEquals:
					c.Value = ref("-17")
				case scoping.RegexMatch, scoping.NotRegexMatch:
					c.Value = ref(rapid.SampledFrom([]string{`.*@x\.com`, `(?i)a|b`, `[1-9]`}).Draw(t, "pattern"))
				default:
					if c.Operator.TakesValue() {
						c.Value = ref(text.Draw(t, "value"))
					}
				}
				f.Clauses = append(f.Clauses, c)
			}
			d.Filters = append(d.Filters, f)
		}
	}
	return d
})

// TestGraph_roundTrip: what HCL can say comes back as it was.
func TestGraph_roundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := declaredGen.Draw(t, "declared")
		data, _, err := Graph(d)
		if err != nil {
			t.Fatal(err)
		}
		read, err := ReadGraph(data)
		if err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		if len(read.Notes) > 0 {
			t.Errorf("something was left out: %v", read.Notes)
		}
		if len(read.Mappings) != len(d.Mappings) || len(read.Filters) != len(d.Filters) {
			t.Fatalf("%d mappings and %d filters came back, not %d and %d", len(read.Mappings), len(read.Filters), len(d.Mappings), len(d.Filters))
		}
		for _, m := range d.Mappings {
			back, _ := (Declared{App: d.App, Mappings: read.Mappings}).mapping(m.ObjectType)
			if back.Revision() != m.Revision() {
				t.Errorf("got %+v, want %+v\n%s", back, m, data)
			}
		}
		for _, f := range d.Filters {
			if !slices.ContainsFunc(read.Filters, func(back *config.Filter) bool { return back.Revision() == f.Revision() }) {
				t.Errorf("filter %+v did not come back\n%s", f, data)
			}
		}
	})
}

// TestReadGraph_entra reads a schema as Entra writes them: what is left out is
// named.
func TestReadGraph_entra(t *testing.T) {
	data, err := os.ReadFile("testdata/entra.json")
	if err != nil {
		t.Fatal(err)
	}
	read, err := ReadGraph(append([]byte("\xef\xbb\xbf"), data...))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "entra.tf", read.HCL("Chat"))
	var notes strings.Builder
	for _, note := range read.Notes {
		notes.WriteString(note.String() + "\n")
	}
	golden(t, "entra.notes", []byte(notes.String()))
}

func TestReadGraph_refused(t *testing.T) {
	for name, test := range map[string]struct{ data, says string }{
		"empty":     {"", "no synchronization schema"},
		"no JSON":   {"<html>", "no synchronization schema"},
		"list":      {"[]", "no synchronization schema"},
		"other":     {`{"value":[]}`, "no synchronizationRules"},
		"type":      {`{"synchronizationRules":[{"priority":"first"}]}`, "no synchronization schema"},
		"deep":      {strings.Repeat(`{"a":[`, maxDepth), "nests more than"},
		"large":     {strings.Repeat(" ", MaxDocument+1), "more than"},
		"mappings":  {`{"synchronizationRules":[{"objectMappings":[` + strings.Repeat("{},", maxMappings) + `{}]}]}`, "object mappings"},
		"clauses":   {`{"synchronizationRules":[{"objectMappings":[{"targetObjectName":"User","scope":{"groups":[` + strings.Repeat("{},", maxMembers) + `{}]}}]}]}`, "clauses"},
		"attribute": {`{"synchronizationRules":[{"objectMappings":[{"targetObjectName":"User","attributeMappings":[5]}]}]}`, "no synchronization schema"},
	} {
		t.Run(name, func(t *testing.T) {
			if read, err := ReadGraph([]byte(test.data)); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, %v; want %q", read, err, test.says)
			}
		})
	}
}

// TestReadGraph_trees reads sources that have no expression.
func TestReadGraph_trees(t *testing.T) {
	for source, want := range map[string]string{
		`{"name":"extension_9d98_Nickname","type":"Attribute"}`: "source extension_9d98_Nickname",
		`{"name":"mail"}`: "source mail",
		`{"type":"Attribute","name":"emails[type eq \"work\"].value"}`: `expression [emails[type eq "work"].value]`,
		`{"type":"Constant","name":"say \"hi\" \\o"}`:                  `constant say "hi" \o`,
		`{"type":"Function","name":"Mid","parameters":[{"key":"length","value":{"type":"Constant","name":"8"}},{"key":"source","value":{"name":"upn"}},{"key":"start","value":{"type":"Constant","name":"1"}}]}`:                                                                                                               `expression Mid([upn], "1", "8")`,
		`{"type":"Function","name":"Switch","parameters":[{"key":"source","value":{"name":"a"}},{"key":"value2","value":{"type":"Constant","name":"d"}},{"key":"key1","value":{"type":"Constant","name":"k"}},{"key":"value1","value":{"type":"Constant","name":"v"}},{"key":"key2","value":{"type":"Constant","name":"l"}}]}`: `expression Switch([a], , "k", "v", "l", "d")`,
		`{"type":"Function","name":"Xyzzy"}`:                                                    "left out: the function \"Xyzzy\" is not known",
		`{"type":"Function","name":"Mid","parameters":[{"key":"Find","value":{"name":"upn"}}]}`: "left out: Mid has no parameter \"Find\"",
		`{"type":"Function","name":"Mid"}`:                                                      "left out: the expression",
		`{"type":"Magic","name":"x"}`:                                                           "left out: the source type \"Magic\"",
		`{"type":"Attribute","expression":"Frobnicate([x])"}`:                                   "left out: the expression",
		`null`: "left out: it has neither",
		`{}`:   "left out: it has neither",
	} {
		read, err := ReadGraph([]byte(`{"synchronizationRules":[{"objectMappings":[{"targetObjectName":"urn:x:core:2.0:user","sourceObjectName":"User","attributeMappings":[
			{"targetAttributeName":"userName","matchingPriority":1,"source":{"name":"upn"}},{"targetAttributeName":"title","source":` + source + `}]}]}]}`))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		switch a := read.Mappings[0].Attributes["title"]; {
		case a.Source != nil:
			got = "source " + *a.Source
		case a.Constant != nil:
			got = "constant " + *a.Constant
		case a.Expression != nil:
			got = "expression " + *a.Expression
		case len(read.Notes) == 1:
			got = strings.TrimPrefix(read.Notes[0].Text, "was ")
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %s (%v), want %s", source, got, read.Notes, want)
		}
	}
}

func FuzzReadGraph(f *testing.F) {
	sample, err := os.ReadFile("testdata/entra.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sample)
	own, _, err := Graph(chat())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(own)
	f.Add([]byte(`{"synchronizationRules":[{"objectMappings":[{"targetObjectName":"User","scope":{"groups":[{"clauses":[null]}]},"attributeMappings":[null,{"source":{"type":"Function","name":"Join","parameters":[{"key":"source9999","value":null}]}}]}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		read, err := ReadGraph(data)
		if err != nil {
			return
		}
		parsed(t, read.HCL("app"))
		// What was read is written and read again without loss.
		again, notes, err := Graph(Declared{App: &config.App{Name: "app", Template: "none"}, Mappings: read.Mappings, Filters: read.Filters})
		if err != nil {
			t.Fatalf("%v, %v", err, notes)
		}
		if len(again) > MaxDocument {
			return
		}
		back, err := ReadGraph(again)
		if err != nil {
			t.Fatalf("%v\n%s", err, again)
		}
		if len(back.Mappings) != len(read.Mappings) || len(back.Filters) != len(read.Filters) {
			t.Fatalf("%d mappings and %d filters came back, not %d and %d\n%s", len(back.Mappings), len(back.Filters), len(read.Mappings), len(read.Filters), again)
		}
		for _, m := range read.Mappings {
			if same, _ := (Declared{App: &config.App{}, Mappings: back.Mappings}).mapping(m.ObjectType); same == nil || same.Revision() != m.Revision() {
				t.Fatalf("got %+v, want %+v\n%s", same, m, again)
			}
		}
	})
}

// TestReadGraph_invalid: what is left of a mapping is given with what is wrong
// with it.
func TestReadGraph_invalid(t *testing.T) {
	read, err := ReadGraph([]byte(`{"synchronizationRules":[{"objectMappings":[{"targetObjectName":"User","sourceObjectName":"Worker","enabled":false,
		"attributeMappings":[{"targetAttributeName":"userName","source":{"name":"WorkerID"}}]}]}]}`))
	if err != nil || len(read.Mappings) != 1 || read.Mappings[0].Attributes["userName"].Source == nil {
		t.Fatalf("got %+v, %v", read, err)
	}
	for i, part := range []string{`objects called "Worker"`, "Users cannot be turned off", "no attribute has a matching_precedence"} {
		found := strings.ToLower(read.Notes[min(i, len(read.Notes)-1)].Text)
		if !strings.Contains(found, strings.ToLower(part)) {
			t.Errorf("%q is not said: %v", part, read.Notes)
		}
	}
}
