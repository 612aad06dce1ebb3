package scoping

import (
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// opposites are operators of which exactly one holds for a value.
var opposites = map[Operator]Operator{
	Equals: NotEquals, RegexMatch: NotRegexMatch, IsContainedIn: IsNotContainedIn,
}

// Any clause on any value gives a verdict or an error of its own kind; null and
// empty meet is_null alone, and opposites never agree.
func FuzzClauses(f *testing.F) {
	for i := range Operators() {
		f.Add(uint8(i), "department", "R&D", "R&D")
		f.Add(uint8(i), "level", "12", "012")
	}
	f.Fuzz(func(t *testing.T, which uint8, name, value, attribute string) {
		operator := Operators()[int(which)%len(Operators())]
		clause := Clause{Attribute: name, Operator: operator}
		if operator.TakesValue() {
			clause.Value = &value
		}
		compiled, err := Compile([]Filter{{Name: "f", Clauses: []Clause{clause}}})
		if err != nil {
			return
		}
		verdict := func(c *Compiled, v directory.Value) (inScope, judged bool) {
			got, err := c.Evaluate(func(string) (directory.Value, bool) { return v, true })
			return got.InScope, err == nil
		}
		for _, empty := range []directory.Value{directory.Null, directory.Text(""), directory.List(), directory.Texts("")} {
			if in, judged := verdict(compiled, empty); !judged || in != (operator == IsNull) {
				t.Fatalf("%s of %v: %t, judged %t", clause, empty, in, judged)
			}
		}
		if attribute == "" {
			return
		}
		for _, v := range []directory.Value{directory.Text(attribute), directory.Texts(attribute), directory.Boolean(len(attribute)%2 == 0), directory.Integer(int64(len(attribute)))} {
			in, judged := verdict(compiled, v)
			opposite, has := opposites[operator]
			if !has || !judged {
				continue
			}
			other, err := Compile([]Filter{{Clauses: []Clause{{Attribute: name, Operator: opposite, Value: clause.Value}}}})
			if err != nil {
				t.Fatalf("%s compiles, %s does not: %v", operator, opposite, err)
			}
			if out, _ := verdict(other, v); out == in {
				t.Fatalf("%s and %s of %v agree", clause, opposite, v)
			}
		}
	})
}
