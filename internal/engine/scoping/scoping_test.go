package scoping

import (
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/expression"
)

// graphOperators are the vectors' names of the operators.
var graphOperators = map[string]Operator{
	"EQUALS": Equals, "NOT EQUALS": NotEquals, "IS TRUE": IsTrue, "IS FALSE": IsFalse, "IS NULL": IsNull, "IS NOT NULL": IsNotNull,
	"REGEX MATCH": RegexMatch, "NOT REGEX MATCH": NotRegexMatch, "Greater_Than": GreaterThan, "Greater_Than_OR_EQUALS": GreaterThanOrEquals,
	"Includes": Includes, "ENDS_WITH": EndsWith, "&": IsContainedIn, "!&": IsNotContainedIn,
}

// vector is one case of testdata/scoping.json.
type vector struct {
	ID     string
	Filter struct {
		Groups []struct {
			Name    string
			Clauses []struct {
				SourceOperandName string
				OperatorName      string
				TargetOperand     struct{ Values []string }
			}
		}
	}
	Source  directory.Attributes
	InScope bool `json:"in_scope"`
	Error   bool
}

func (v vector) filters() []Filter {
	var filters []Filter
	for _, group := range v.Filter.Groups {
		filter := Filter{Name: group.Name}
		for _, clause := range group.Clauses {
			operator, known := graphOperators[clause.OperatorName]
			if !known {
				operator = Operator(clause.OperatorName)
			}
			translated := Clause{Attribute: clause.SourceOperandName, Operator: operator}
			if len(clause.TargetOperand.Values) > 0 {
				translated.Value = &clause.TargetOperand.Values[0]
			}
			filter.Clauses = append(filter.Clauses, translated)
		}
		filters = append(filters, filter)
	}
	return filters
}

// Where the vectors and the project differ: a filter without clauses is
// refused, and a list of one value is that value.
var departures = map[string]vector{
	"group-empty-clauses": {Error: true},
	"mv-unsupported":      {InScope: true},
}

func TestVectors(t *testing.T) {
	data, err := os.ReadFile("testdata/scoping.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) < 73 {
		t.Fatalf("%d vectors, fewer than there were", len(vectors))
	}
	for _, v := range vectors {
		want := v
		if departure, ok := departures[v.ID]; ok {
			want = departure
		}
		c, err := Compile(v.filters())
		var verdict Verdict
		if err == nil {
			verdict, err = c.Evaluate(v.Source.Get)
		}
		if (err != nil) != want.Error || verdict.InScope != want.InScope {
			t.Errorf("%s: in scope %v, error %v; want %v, an error %v", v.ID, verdict.InScope, err, want.InScope, want.Error)
		}
	}
}

func value(s string) *string { return &s }

func TestClauses(t *testing.T) {
	for _, test := range []struct {
		operator Operator
		value    *string
		a        string // JSON of the attribute
		want     bool
	}{
		{Equals, value("True"), `true`, true},
		{Equals, value("true"), `true`, false},
		{Equals, value("x"), `["x"]`, true},
		{Equals, value("x"), `"x "`, false},
		{NotEquals, value("x"), `["y"]`, true},
		{NotEquals, value("x"), `[]`, false},
		{NotEquals, value("x"), `[""]`, false},
		{IsNull, nil, `[]`, true},
		{IsNull, nil, `[""]`, true},
		{IsNull, nil, `0`, false},
		{IsNull, nil, `false`, false},
		{IsNotNull, nil, `["x"]`, true},
		{IsNotNull, nil, `[]`, false},
		{IsNotNull, nil, `" "`, true},
		{IsTrue, nil, `"true"`, true},
		{IsTrue, nil, `"TRUE"`, true},
		{IsTrue, nil, `1`, false},
		{IsTrue, nil, `"yes"`, false},
		{IsFalse, nil, `"false"`, true},
		{IsFalse, nil, `""`, false},
		{IsFalse, nil, `true`, false},
		{Includes, value("b"), `"abc"`, true},
		{StartsWith, value("ab"), `"abc"`, true},
		{StartsWith, value("ab"), `"Abc"`, false},
		{StartsWith, value("ab"), `""`, false},
		{StartsWith, value("abc"), `"ab"`, false},
		{EndsWith, value("bc"), `"abc"`, true},
		{IsContainedIn, value("US,CA"), `"S,C"`, true},
		{IsContainedIn, value("US,CA"), `"US,CA,MX"`, false},
		{IsNotContainedIn, value("US,CA"), `"us"`, true},
		{GreaterThan, value("5"), `5`, false},
		{GreaterThan, value("-5"), `-4`, true},
		{GreaterThan, value("5"), `"5.5"`, false},
		{GreaterThan, value("5"), `"six"`, false},
		{GreaterThan, value("5"), `"99999999999999999999"`, false},
		{GreaterThanOrEquals, value("5"), `5`, true},
		{GreaterThanOrEquals, value("5"), `"05"`, true},
		{RegexMatch, value("a|b"), `"ab"`, false},
		{RegexMatch, value("a|b"), `"b"`, true},
		{RegexMatch, value("a"), `"a\n"`, false},
		{RegexMatch, value("(?m)^a$"), `"b\na"`, false},
		{RegexMatch, value("[0-9]+"), `42`, true},
		{RegexMatch, value("a*"), `"aaa"`, true},
		{RegexMatch, value("a*"), `""`, false},
		{NotRegexMatch, value("a"), `"b"`, true},
		{NotRegexMatch, value("a"), `"a"`, false},
		{NotRegexMatch, value("a"), `null`, false},
	} {
		var attribute directory.Value
		if err := json.Unmarshal([]byte(test.a), &attribute); err != nil {
			t.Fatal(err)
		}
		clause := Clause{"a", test.operator, test.value}
		got, err := ClausesMatch([]Clause{clause}, func(string) (directory.Value, bool) { return attribute, true })
		if err != nil || got != test.want {
			t.Errorf("%s with a = %s: %v, error %v; want %v", clause, test.a, got, err, test.want)
		}
	}
}

func TestRefusedFilters(t *testing.T) {
	for _, test := range []struct {
		filter                     Filter
		index                      int
		field, problem, suggestion string
	}{
		{Filter{"f", nil}, -1, "clauses", "no clauses", ""},
		{Filter{"f", []Clause{{"a", IsNull, nil}, {"", IsNull, nil}}}, 1, "attribute", "missing", ""},
		{Filter{"f", []Clause{{"a", "EQUALS", value("x")}}}, 0, "operator", "unknown operator", "equals"},
		{Filter{"f", []Clause{{"a", "start_with", value("x")}}}, 0, "operator", "unknown operator", "starts_with"},
		{Filter{"f", []Clause{{"a", "IsMemberOf", value("x")}}}, 0, "operator", "unknown operator", ""},
		{Filter{"f", []Clause{{"a", "", value("x")}}}, 0, "operator", "unknown operator", ""},
		{Filter{"f", []Clause{{"a", Equals, nil}}}, 0, "value", "needs a value", ""},
		{Filter{"f", []Clause{{"a", Equals, value("")}}}, 0, "value", "is_null", ""},
		{Filter{"f", []Clause{{"a", IsNull, value("x")}}}, 0, "value", "takes no value", ""},
		{Filter{"f", []Clause{{"a", IsNull, value("")}}}, 0, "value", "takes no value", ""},
		{Filter{"f", []Clause{{"a", GreaterThan, value("5.5")}}}, 0, "value", "an integer", ""},
		{Filter{"f", []Clause{{"a", GreaterThan, value("99999999999999999999")}}}, 0, "value", "an integer", ""},
		{Filter{"f", []Clause{{"a", RegexMatch, value("(")}}}, 0, "value", "missing closing )", ""},
		{Filter{"f", []Clause{{"a", RegexMatch, value("a)|(b")}}}, 0, "value", "unexpected )", ""},
		{Filter{"f", []Clause{{"a", NotRegexMatch, value("(?=a)")}}}, 0, "value", "look-around", ""},
	} {
		_, err := Compile([]Filter{test.filter})
		var invalid *InvalidClauseError
		if !errors.As(err, &invalid) || invalid.Filter != "f" || invalid.Index != test.index || invalid.Field != test.field ||
			!strings.Contains(err.Error(), test.problem) || invalid.Suggestion != test.suggestion {
			t.Errorf("%+v: error %v, want one of clause %d about %s: %s", test.filter, err, test.index, test.field, test.problem)
		}
	}
}

func TestObjectsThatCannotBeJudged(t *testing.T) {
	c, err := Compile([]Filter{
		{"sales", []Clause{{"department", Equals, value("Sales")}}},
		{"mails", []Clause{{"mail", Includes, value("@")}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, mail := range []directory.Value{
		directory.Texts("a@x", "b@x"),
		directory.Complex(directory.Member{Name: "value", Value: directory.Text("a@x")}),
		directory.List(directory.Texts("a@x")),
	} {
		attributes := directory.NewAttributes(map[string]directory.Value{"department": directory.Text("Sales"), "mail": mail})
		_, err = c.Evaluate(attributes.Get)
		var fault *EvaluationError
		if !errors.As(err, &fault) || fault.Filter != "mails" || fault.Clause.Attribute != "mail" {
			t.Errorf("mail %v: error %v", mail, err)
		}
	}
	costly, err := Compile([]Filter{{"", []Clause{{"a", RegexMatch, value(".{900}x")}}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = costly.Evaluate(func(string) (directory.Value, bool) { return directory.Text(strings.Repeat("a", 10<<20)), true })
	var fault *EvaluationError
	if !errors.As(err, &fault) || !strings.Contains(err.Error(), expression.ErrTooCostly.Error()) || len(err.Error()) > 300 {
		t.Errorf("error %.300v", err)
	}
}

func TestVerdictShowsEveryClause(t *testing.T) {
	c, err := Compile([]Filter{
		{"NY engineers", []Clause{{"department", Equals, value("Engineering")}, {"jobTitle", IsNotNull, nil}}},
		{"", []Clause{{"state", Equals, value("NY")}, {"state", Equals, value("NY")}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	attributes := directory.NewAttributes(map[string]directory.Value{"state": directory.Text("NY"), "jobTitle": directory.Text("Dev")})
	verdict, err := c.Evaluate(attributes.Get)
	if err != nil || !verdict.InScope {
		t.Fatalf("%+v, error %v", verdict, err)
	}
	var lines []string
	for _, result := range verdict.Clauses {
		lines = append(lines, result.Text)
	}
	if want := []string{"NY engineers department equals Engineering", "NY engineers jobTitle is_not_null", "state equals NY"}; !reflect.DeepEqual(lines, want) {
		t.Errorf("clauses %q, want %q", lines, want)
	}
	if c := verdict.Clauses; c[0].Passed || !c[1].Passed || !c[2].Passed {
		t.Errorf("results %v", c)
	}
}

func TestNoFilterPassesEverything(t *testing.T) {
	for _, filters := range [][]Filter{nil, {}} {
		c, err := Compile(filters)
		if err != nil {
			t.Fatal(err)
		}
		verdict, err := c.Evaluate(func(string) (directory.Value, bool) { return directory.Null, false })
		if err != nil || !verdict.InScope || len(verdict.Clauses) != 0 {
			t.Fatalf("%+v, error %v", verdict, err)
		}
	}
	if matches, err := ClausesMatch(nil, nil); err != nil || !matches {
		t.Fatalf("%v, error %v", matches, err)
	}
	if matches, err := ClausesMatch([]Clause{{"a", "like", nil}}, nil); err == nil || matches {
		t.Fatalf("%v, error %v", matches, err)
	}
}

func TestJSONForm(t *testing.T) {
	const text = `{"name":"f","clauses":[{"attribute":"a","operator":"equals","value":"x"},{"attribute":"b","operator":"is_null"}]}`
	var filter Filter
	if err := json.Unmarshal([]byte(text), &filter); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(filter)
	if err != nil || string(again) != text {
		t.Fatalf("%s, error %v", again, err)
	}
	if filter.Clauses[0].String() != "a equals x" || filter.Clauses[1].String() != "b is_null" {
		t.Fatalf("%v", filter.Clauses)
	}
}

// All faults are told at once, each with its place.
func TestCompileReportsAllFaults(t *testing.T) {
	_, err := Compile([]Filter{
		{"a", []Clause{{"x", Equals, nil}, {"y", IsTrue, nil}, {"z", "equls", value("v")}}},
		{"b", nil},
	})
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) != 3 {
		t.Fatalf("reports %v", err)
	}
	for i, want := range []struct {
		filter, field string
		index         int
	}{{"a", "value", 0}, {"a", "operator", 2}, {"b", "clauses", -1}} {
		var fault *InvalidClauseError
		if !errors.As(joined.Unwrap()[i], &fault) || fault.Filter != want.filter || fault.Field != want.field || fault.Index != want.index {
			t.Errorf("fault %d is %+v", i, fault)
		}
	}
}

// A pattern covers the whole value or does not: regex_match and
// not_regex_match are opposites, and agree with the leftmost-longest match.
func FuzzRegexes(f *testing.F) {
	f.Add("a|ab", "ab")
	f.Add("(?i)sales|(?m)^x$", "SALES")
	f.Add(`.*\@domain.com`, "jd@domain.com")
	f.Add(`a)|(b`, "b")
	f.Add(`(?s).*`, "a\nb")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		attribute := func(string) (directory.Value, bool) { return directory.Text(text), true }
		start := time.Now()
		matches, err := ClausesMatch([]Clause{{"a", RegexMatch, &pattern}}, attribute)
		differs, notErr := ClausesMatch([]Clause{{"a", NotRegexMatch, &pattern}}, attribute)
		if took := time.Since(start); took > 20*time.Second {
			t.Fatalf("%q on %q took %v", pattern, text, took)
		}
		if (err != nil) != (notErr != nil) {
			t.Fatalf("%q: errors %v and %v", pattern, err, notErr)
		}
		if err != nil {
			return
		}
		if text == "" {
			if matches || differs {
				t.Fatalf("%q passes the empty text: %v, %v", pattern, matches, differs)
			}
			return
		}
		if matches == differs {
			t.Fatalf("%q on %q: both %v", pattern, text, matches)
		}
		longest := regexp.MustCompile(pattern)
		longest.Longest()
		if at := longest.FindStringIndex(text); at != nil && at[0] == 0 && at[1] == len(text) && !matches {
			t.Fatalf("%q covers %q, yet does not match", pattern, text)
		}
	})
}

func BenchmarkEvaluate(b *testing.B) {
	c, err := Compile([]Filter{{"NY engineers", []Clause{
		{"state", Equals, value("New York")}, {"department", Equals, value("Engineering")},
		{"employeeId", RegexMatch, value("(1[0-9][0-9][0-9][0-9][0-9][0-9])")}, {"jobTitle", IsNotNull, nil},
	}}})
	if err != nil {
		b.Fatal(err)
	}
	person := map[string]directory.Value{
		"state": directory.Text("New York"), "department": directory.Text("Engineering"), "employeeId": directory.Text("1234567"), "jobTitle": directory.Text("Dev"),
	}
	attribute := func(name string) (directory.Value, bool) { v, ok := person[name]; return v, ok }
	b.ReportAllocs()
	for b.Loop() {
		if verdict, err := c.Evaluate(attribute); err != nil || !verdict.InScope {
			b.Fatal(verdict, err)
		}
	}
}
