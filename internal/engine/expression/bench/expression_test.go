// Package bench measures the mapping language and the scoping filters beside
// other expression languages, on equal expressions, in the same run.
package bench

import (
	"testing"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"
	"github.com/expr-lang/expr"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/expression"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

// person is the object that all are evaluated for.
var person = map[string]any{
	"displayName": "John Smith", "givenName": "John", "surname": "Smith", "mail": "John.Smith@Contoso.com", "state": "QLD",
	"telephoneNumber": "+1 (206) 291-8163", "level": int64(7), "hireDate": "2021-03-05T09:30:00Z", "department": "Engineering",
}

// comparison is one expression in three languages. Clauses stand in for the
// mapping language where a scoping filter asks the same.
type comparison struct {
	name, ours string
	clauses    []scoping.Clause
	cel, expr  string
	want       any
}

const states = `[state], "Australia/Sydney", "NSW", "a", "VIC", "b", "TAS", "c", "ACT", "d", "NT", "e", "WA", "f", "SA", "g", "NZ", "h", "NI", "i", "QLD", "Australia/Brisbane"`

const stateByState = `state == "NSW" ? "a" : state == "VIC" ? "b" : state == "TAS" ? "c" : state == "ACT" ? "d" : state == "NT" ? "e" : ` +
	`state == "WA" ? "f" : state == "SA" ? "g" : state == "NZ" ? "h" : state == "NI" ? "i" : state == "QLD" ? "Australia/Brisbane" : "Australia/Sydney"`

func value(s string) *string { return &s }

var comparisons = []comparison{
	{"attribute", `[displayName]`, nil, `displayName`, `displayName`, "John Smith"},
	{"join", `Join(" ", [givenName], [surname])`, nil, `[givenName, surname].join(" ")`, `join([givenName, surname], " ")`, "John Smith"},
	{"concatenation", `[givenName] & " " & [surname]`, nil, `givenName + " " + surname`, `givenName + " " + surname`, "John Smith"},
	{"switch of ten", `Switch(` + states + `)`, nil, stateByState, stateByState, "Australia/Brisbane"},
	{"lower and replace", `Replace(ToLower([mail]), "@contoso.com", , , "@example.com", , )`, nil,
		`mail.lowerAscii().replace("@contoso.com", "@example.com")`, `replace(lower(mail), "@contoso.com", "@example.com")`, "john.smith@example.com"},
	{"condition", `IIF([level] > 5, [department], "none")`, nil, `level > 5 ? department : "none"`, `level > 5 ? department : "none"`, "Engineering"},
	{"date", `CDate([hireDate]) < CDate("2024-01-01")`, nil, `timestamp(hireDate) < timestamp("2024-01-01T00:00:00Z")`,
		`date(hireDate) < date("2024-01-01T00:00:00Z")`, true},
	{"regex in a filter", "", []scoping.Clause{{Attribute: "telephoneNumber", Operator: scoping.RegexMatch, Value: value(`\+1 \([0-9]{3}\) [0-9-]+`)}},
		`telephoneNumber.matches(r'^\+1 \([0-9]{3}\) [0-9-]+$')`, `telephoneNumber matches "^\\+1 \\([0-9]{3}\\) [0-9-]+$"`, true},
	{"number in a filter", "", []scoping.Clause{{Attribute: "level", Operator: scoping.GreaterThan, Value: value("5")}}, `level > 5`, `level > 5`, true},
	{"three clauses", "", []scoping.Clause{
		{Attribute: "department", Operator: scoping.Equals, Value: value("Engineering")},
		{Attribute: "mail", Operator: scoping.EndsWith, Value: value("@Contoso.com")},
		{Attribute: "level", Operator: scoping.GreaterThanOrEquals, Value: value("7")},
	}, `department == "Engineering" && mail.endsWith("@Contoso.com") && level >= 7`, `department == "Engineering" && mail endsWith "@Contoso.com" && level >= 7`, true},
}

// All three give the same, or the figures would mean nothing.
func TestAllAgree(t *testing.T) {
	for _, c := range comparisons {
		t.Run(c.name, func(t *testing.T) {
			for _, run := range []func(){c.ourRun(t), c.celRun(t), c.exprRun(t)} {
				run()
			}
		})
	}
}

// BenchmarkBesideOthers reports the time of each language and, as ×faster, how
// often ours takes as long as the faster of the others: 1 is as fast, 2 is half.
func BenchmarkBesideOthers(b *testing.B) {
	for _, c := range comparisons {
		b.Run(c.name, func(b *testing.B) {
			runs := []func(){c.ourRun(b), c.celRun(b), c.exprRun(b)}
			best := [3]time.Duration{time.Hour, time.Hour, time.Hour}
			for b.Loop() {
				// In turns, of which the fastest counts: what else the machine does
				// disturbs nobody alone.
				for i, run := range runs {
					start := time.Now()
					for range turn {
						run()
					}
					best[i] = min(best[i], time.Since(start))
				}
			}
			per := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / turn }
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(per(best[0]), "ns-ours")
			b.ReportMetric(per(best[1]), "ns-cel")
			b.ReportMetric(per(best[2]), "ns-expr")
			b.ReportMetric(float64(best[0])/float64(min(best[1], best[2])), "×faster")
		})
	}
}

// turn is how often a language is evaluated before the next one is.
const turn = 200

func (c comparison) ourRun(t testing.TB) func() {
	attributes := map[string]directory.Value{}
	for name, v := range person {
		switch v := v.(type) {
		case string:
			attributes[name] = directory.Text(v)
		case int64:
			attributes[name] = directory.Integer(v)
		}
	}
	attribute := func(name string) (directory.Value, bool) { v, ok := attributes[name]; return v, ok }
	if c.clauses != nil {
		filter, err := scoping.Compile([]scoping.Filter{{Name: "f", Clauses: c.clauses}})
		if err != nil {
			t.Fatal(err)
		}
		return func() {
			if verdict, err := filter.Evaluate(attribute); err != nil || verdict.InScope != c.want {
				t.Fatal(verdict, err)
			}
		}
	}
	e, err := expression.Parse(c.ours)
	if err != nil {
		t.Fatal(err)
	}
	env := &expression.Environment{Attribute: attribute}
	want := directory.Boolean(true)
	if text, ok := c.want.(string); ok {
		want = directory.Text(text)
	}
	return func() {
		if result, err := e.Evaluate(env); err != nil || !result.Value.Equal(want) {
			t.Fatal(result, err)
		}
	}
}

func (c comparison) celRun(t testing.TB) func() {
	options := []cel.EnvOption{ext.Strings()}
	for name, v := range person {
		typ := cel.StringType
		if _, number := v.(int64); number {
			typ = cel.IntType
		}
		options = append(options, cel.Variable(name, typ))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		t.Fatal(err)
	}
	parsed, issues := env.Compile(c.cel)
	if issues.Err() != nil {
		t.Fatal(issues.Err())
	}
	program, err := env.Program(parsed, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if out, _, err := program.Eval(person); err != nil || out.Value() != c.want {
			t.Fatal(out, err)
		}
	}
}

func (c comparison) exprRun(t testing.TB) func() {
	program, err := expr.Compile(c.expr, expr.Env(person))
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if out, err := expr.Run(program, person); err != nil || out != c.want {
			t.Fatal(out, err)
		}
	}
}
