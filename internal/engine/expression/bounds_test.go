package expression

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// slow is far beyond what any bound allows, even on a machine that is busy;
// what is not linear takes minutes.
const slow = 20 * time.Second

// Hostile objects and expressions end in an error of that object, soon.
func TestBounds(t *testing.T) {
	big := strings.Repeat("a", MaxText)
	source := map[string]directory.Value{
		"big":     directory.Text(big),
		"huge":    directory.Text(big + "a"),
		"broken":  directory.Text("a\xffb"),
		"half":    directory.Text(big[:MaxText/2+1]),
		"commas":  directory.Text(strings.Repeat(",", MaxElements)),
		"words":   directory.Text(strings.Repeat("é ", 1<<15)),
		"list":    directory.List(directory.Text(big), directory.Text("a")),
		"long":    directory.List(make([]directory.Value, MaxElements+1)...),
		"nested":  directory.List(directory.Complex(directory.Member{Name: "a", Value: directory.Text("\xff")})),
		"dollars": directory.Text(strings.Repeat("$", MaxText)),
		"nul":     directory.Text("\x00"),
		"deep":    nested(5000),
	}
	env := &Environment{Attribute: func(name string) (directory.Value, bool) { v, ok := source[name]; return v, ok }}
	for _, test := range []struct{ expression, fault string }{
		{`[big]`, ""},
		{`[huge]`, "[huge]: the text has 1048577 bytes"},
		{`IsPresent([huge])`, "the text has 1048577 bytes"},
		{`[broken]`, "[broken]: the text is not valid UTF-8"},
		{`[nested]`, "not valid UTF-8"},
		{`[nul]`, ""},
		{`[deep]`, ""},
		{`[list]`, "the values have"},
		{`[long]`, "the list has 100001 values"},
		{`Append([half], [half])`, "Append: the text has 1048578 bytes"},
		{`[half] & [half]`, "the text has 1048578 bytes"},
		{`Join("", [half], [half])`, "more than 1048576 bytes"},
		{`Join([big], "a", "b")`, "more than 1048576 bytes"},
		{`ConvertToBase64([half])`, "the text has"},
		{`Replace([big], "a", , , "bb")`, "more than 1048576 bytes"},
		{`Replace([big], "a", , , "b")`, ""},
		{`Replace([half], "aa", , , [half])`, "more than 1048576 bytes"},
		{`Replace([half], "x", , , , , [half])`, ""},
		{`Replace([half], "a", , , , , [half])`, "more than 1048576 bytes"},
		{`Replace([big], , "a", , "b")`, "too long"},
		{`Replace([words], , "^(.*)x", , "$1")`, ""},
		{`Replace([words], , "a.*b|é", , "")`, "too long"},
		{`Replace([half], , "(a*)*b", , "")`, ""},
		{`Replace([half], , "(.{500}){2}.{999}x", , "")`, "too long"},
		{`Replace("a", , "a", , [big])`, ""},
		{`Replace("aaa", , "a", , [half])`, "more than 1048576 bytes"},
		{`Replace("a", , [big], , "")`, "the pattern has 1048576 bytes"},
		{`Split([commas], ",")`, "more than 100000 values"},
		{`Word([words], 30000, [words])`, ""},
		{`Word([big], 2, [big])`, ""},
		{`PCase([big], [big])`, ""},
		{`FormatDateTime(CDate("2021-01-01"), "yyyy", [big])`, "a date format has from 1 to 1000 bytes"},
		{`FormatDateTime([big], [big], "yyyy", "yyyy")`, "not known"},
		{`InStr([big], [half], 2, vbTextCompare)`, ""},
		{`DNComponent([commas], 99999)`, ""},
		{`RandomString(1, 1, 0, 0, 0, "0123456789")`, "no character to choose from"},
		{`Replace("a", , "a", , [dollars])`, ""},
		{strings.Repeat("ToLower(", 1000) + "[big]" + strings.Repeat(")", 1000), "takes too long"},
		{`Count(Trim([big])) & ` + strings.Repeat(`InStr([big], "b") & `, 400) + `""`, "takes too long"},
		{strings.Repeat("Not(", 1900) + "[nul]" + strings.Repeat(")", 1900), ""},
		{strings.TrimSuffix(strings.Repeat("[nul] & ", 1200), "& "), ""},
	} {
		e, err := Parse(test.expression)
		if err != nil {
			t.Errorf("%.60s: %v", test.expression, err)
			continue
		}
		start := time.Now()
		_, err = e.Evaluate(env)
		if took := time.Since(start); took > slow {
			t.Errorf("%.60s took %v", test.expression, took)
		}
		var fault *EvaluationError
		switch {
		case test.fault == "" && err != nil, test.fault != "" && !errors.As(err, &fault):
			t.Errorf("%.60s: error %v, want %q", test.expression, err, test.fault)
		case test.fault != "" && (!strings.Contains(err.Error(), test.fault) || len(err.Error()) > 500):
			t.Errorf("%.60s: error %.300v, want %q", test.expression, err, test.fault)
		}
	}
}

func nested(depth int) directory.Value {
	v := directory.Text("x")
	for range depth {
		v = directory.List(v)
	}
	return v
}

func TestParsingIsBounded(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("Not(", 2499),
		strings.Repeat("[", 9999),
		strings.Repeat("(", 9999),
		strings.Repeat(`"\`, 4999),
		strings.Repeat("1&", 4999),
		"Join(" + strings.Repeat(",", 9000) + ")",
		strings.Repeat("Replace([a], , \"(.{1000}){1}.{900}\", , \"\") & ", 200) + `""`,
	} {
		start := time.Now()
		_, err := Parse(text)
		if took := time.Since(start); took > slow {
			t.Errorf("%.40s: took %v", text, took)
		}
		if err == nil && !strings.HasPrefix(text, "Replace") {
			t.Errorf("%.40s is accepted", text)
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		matches       bool
	}{
		{"b", "abc", true}, {"^b", "abc", false}, {"", "", true}, {"(?i)B", "abc", true}, {"é+", "éé", true},
	} {
		p, err := CompilePattern(test.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if matches, err := p.Match(test.text); err != nil || matches != test.matches {
			t.Errorf("%s on %s: %v, error %v", test.pattern, test.text, matches, err)
		}
	}
	for _, pattern := range []string{"(", ")", "a**", "[b-a]", `\8`, "(?P<a>x)(?P<a>y)", "(?=x)", "a{1001}", strings.Repeat("a", MaxLength+1), "\xff", ".{1000}.{1000}.{1000}.{1000}"} {
		if _, err := CompilePattern(pattern); err == nil {
			t.Errorf("the pattern %.40q is accepted", pattern)
		}
	}
	p, err := CompilePattern(".{999}x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Match(strings.Repeat("a", MaxText)); !errors.Is(err, ErrTooCostly) {
		t.Errorf("error %v, want ErrTooCostly", err)
	}
}
