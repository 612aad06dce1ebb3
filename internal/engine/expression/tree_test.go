package expression

import (
	"fmt"
	"strings"
	"testing"
)

// outline writes a part with its arguments' places.
func outline(p Part) string {
	arguments := make([]string, len(p.Arguments))
	for i, a := range p.Arguments {
		arguments[i] = a.Parameter + ": " + outline(a.Part)
	}
	text := fmt.Sprintf("%s %s", p.Kind, p.Name)
	if len(arguments) > 0 {
		text += "(" + strings.Join(arguments, ", ") + ")"
	}
	return text
}

func TestTree(t *testing.T) {
	for text, want := range map[string]string{
		`[mail]`:              "attribute mail",
		`"a\"b"`:              `constant a"b`,
		`&HF`:                 "constant 15",
		`True`:                "constant True",
		`IgnoreAttributeFlow`: "word IgnoreAttributeFlow",
		`Join(" ",[a],[b])`:   "function Join(separator: constant  , source1: attribute a, source2: attribute b)",
		`Switch([a], , "k", "v", "l", "w")`: "function Switch(source: attribute a, key1: constant k, value1: constant v, " +
			"key2: constant l, value2: constant w)",
		`[a] & "b" & [c]`:         "operator &(operand1: attribute a, operand2: constant b, operand3: attribute c)",
		`With($x, [a], $x & "b")`: "function With(variable: variable x, value: attribute a, expression: operator &(operand1: variable x, operand2: constant b))",
		`IIF([a] = 1, [b] & "c", IgnoreObjectFlow)`: "function IIF(condition: operator =(left: attribute a, right: constant 1), " +
			"valueIfTrue: operator &(operand1: attribute b, operand2: constant c), valueIfFalse: word IgnoreObjectFlow)",
	} {
		parsed, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := outline(parsed.Tree()); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

// TestPlace: each argument is found again in its place, of every function.
func TestPlace(t *testing.T) {
	for _, f := range Functions() {
		d := catalogue[f.Name]
		for i := range len(f.Parameters) + 2*d.repeating() {
			if got, ok := f.Place(d.place(i)); !ok || got != i {
				t.Errorf("%s: %s is at %d (%t), not %d", f.Name, d.place(i), got, ok, i)
			}
		}
		for _, name := range []string{"", "nothing", "source0", "source-1", "source99999"} {
			if place, ok := f.Place(name); ok {
				t.Errorf("%s: %q is at %d", f.Name, name, place)
			}
		}
	}
}
