package expression

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestSyntaxErrors(t *testing.T) {
	for _, test := range []struct {
		text       string
		position   int
		problem    string // part of it
		expected   string // part of it
		suggestion string
	}{
		{"", 0, "ends too early", "a function", ""},
		{"  ", 2, "ends too early", "a function", ""},
		{"Apend([a], \"x\")", 0, "unknown function Apend", "", "Append"},
		{"tolower([a])", 0, "unknown function tolower", "", "ToLower"},
		{"Xyzzy([a])", 0, "unknown function Xyzzy", "", ""},
		{"ToLower", 7, "arguments of ToLower are missing", "ToLower(source, [culture])", ""},
		{"ToLower([a]", 7, "parenthesis is not closed", ") after", ""},
		{"ToLower([a] [b])", 12, "'[' after an argument", "a comma", ""},
		{"ToLower([a]))", 12, "')' after the end", "an operator or nothing", ""},
		{"[]", 0, "brackets are empty", "name", ""},
		{"[a[b]", 0, "bracket is not closed", "]", ""},
		{`"a\"`, 0, "quote is not closed", `"`, ""},
		{`"a""b"`, 3, "after the end", "", ""},
		{"member", 0, "stands without quotes", "double quotes", ""},
		{"true", 0, "stands without quotes", "", "True"},
		{"IgnoreAttributflow", 0, "stands without quotes", "", "IgnoreAttributeFlow"},
		{"5.5", 1, "fraction", "integer", ""},
		{"5a", 0, "not an integer", "", ""},
		{"-", 0, "not an integer", "", ""},
		{"&H", 0, "not an integer", "", ""},
		{"9223372036854775808", 0, "not an integer of 64 bits", "", ""},
		{"[a] = ", 6, "ends too early", "", ""},
		{"[a] = [b] = [c]", 10, "cannot be compared again", "nest IIF", ""},
		{"[a] == [b]", 5, "'='", "", ""},
		{"[a] & vbTextCompare", 6, "vbTextCompare has no place", "", ""},
		{"vbTextCompare", 0, "has no place", "", ""},
		{"IgnoreAttributeFlow & \"x\"", 0, "has no place", "", ""},
		{"ToLower(vbTextCompare)", 8, "has no place", "", ""},
		{"Append(, \"x\")", 0, "lacks its argument source", "Append(source, suffix)", ""},
		{"Append([a], \"x\", , )", -1, "", "", ""},
		{"Now(1)", 0, "1 argument", "Now()", ""},
		{"Mid([a],\n  True, 1)", 11, "a boolean is no integer", "an integer", ""},
		{"Mid([a], Now(), 1)", 9, "a date is no integer", "", ""},
		{"Mid([a], \"1x\", 1)", 9, `"1x" is no integer`, "", ""},
		{"CDate(5)", 6, "an integer is no date", "a date such as", ""},
		{"CDate(IsNull([a]))", 6, "a boolean is no date", "", ""},
		{"IIF(Now(), 1, 2)", 4, "neither True nor False", "", ""},
		{"IIF(\"yes\", 1, 2)", 4, `"yes" is neither`, "", ""},
		{"IIF([a], 1)", 0, "2 arguments", "IIF(condition, valueIfTrue, valueIfFalse)", ""},
		{"DateAdd(\"D\", 1, Now())", 8, "not known", "yyyy", "d"},
		{"InStr([a], \"b\", 1, \"vbTextCompare\")", 19, "only a word", "vbTextCompare", "vbTextCompare"},
		{"InStr([a], \"b\", 1, UTF8)", 19, "only a word", "vbBinaryCompare", ""},
		{"Switch([a], \"d\")", 0, "2 arguments", "Switch(source, [default], key, value, …)", ""},
		{"Switch([a], \"d\", \"k\")", 0, "3 arguments", "", ""},
		{"Switch([a], \"d\", \"k\", \"v\", \"l\")", 0, "a key lacks its value", "Switch(", ""},
		{"Split([a], \"\")", 11, "it is empty", "", ""},
		{"ToLower([a], \"no-such-culture\")", 13, "culture is not known", "en-US", ""},
		{"Replace([a], \"\", , , \"x\")", 13, "it is empty", "", ""},
		{"Replace([a], \"b\", \"c\", , \"x\")", 0, "no way to replace", "", ""},
		{"Replace([a], , \"(\", , \"x\")", 15, "missing closing )", "RE2", ""},
		{"Replace([a], , \"(?<=a)b\", , \"x\")", 15, "no look-around", "", ""},
		{"Replace([a], , \"(?!a)b\", , \"x\")", 15, "no look-around", "", ""},
		{"Replace([a], , \"(a)\\1\", , \"x\")", 15, "no back-references", "", ""},
		{"Replace([a], , \"(?<number>a)\", \"nunber\", \"x\")", 31, "no group nunber", "", "number"},
		{"Replace([a], , \"(?<number>a)\", , \"${nunber}\")", 33, "no group nunber", "", "number"},
		{"Replace([a], , \"(.{999}){3}.{999}.{999}\", , \"x\")", 15, "", "", ""},
		{"FormatDateTime([a], \"AllowLeadingwhite\", \"yyyy\", \"yy\")", 20, "unknown style", "", "AllowLeadingWhite"},
		{"FormatDateTime([a], , \"yyyy'\", \"yy\")", 22, "quote in the date format", ".NET", ""},
		{"FormatDateTime([a], \"yyyy\", \"ffffffff\")", 28, "at most 7 digits", "", ""},
		{"FormatDateTime([a], \"yyyy\")", 0, "2 arguments", "FormatDateTime(", ""},
		{"IIF([a] = 1, SelectUniqueValue([a], [b]), 1)", 13, "outermost", "", ""},
		{"SelectUniqueValue([a], [b]) & 1", 0, "outermost", "", ""},
		{"\"\xff\"", 0, "not valid UTF-8", "", ""},
		{"RandomString(1, 1, 1, 0, 0)", 13, "minimums are 2", "", ""},
		{"RandomString(-1, 0, 0, 0, 0)", 13, "from 0 to 256", "", ""},
	} {
		_, err := Parse(test.text)
		if test.position < 0 {
			if err != nil {
				t.Errorf("%s: %v", test.text, err)
			}
			continue
		}
		var syntax *SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%q: error %v, want a SyntaxError", test.text, err)
			continue
		}
		if syntax.Position != test.position || !strings.Contains(syntax.Problem, test.problem) ||
			!strings.Contains(syntax.Expected, test.expected) || syntax.Suggestion != test.suggestion || syntax.Expression != test.text {
			t.Errorf("%q: at %d %v\nwant at %d %q, expected %q, suggestion %q", test.text, syntax.Position, err, test.position, test.problem, test.expected, test.suggestion)
		}
	}
}

func TestSyntaxErrorLineAndColumn(t *testing.T) {
	_, err := Parse("Join(\"é\",\n  Zoë)")
	var syntax *SyntaxError
	if !errors.As(err, &syntax) || syntax.Line != 2 || syntax.Column != 3 {
		t.Fatalf("error %v, want it in line 2, column 3", err)
	}
	_, err = Parse("Join(\"é\", x)")
	if !errors.As(err, &syntax) || syntax.Line != 1 || syntax.Column != 11 || syntax.Position != 11 {
		t.Fatalf("error %v, want it in line 1, column 11", err)
	}
}

func TestLengthLimit(t *testing.T) {
	fits := `"` + strings.Repeat("é", MaxLength-2) + `"`
	if _, err := Parse(fits); err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(fits + " "); err == nil {
		t.Fatal("an expression of 10,001 characters is accepted")
	}
	deep := strings.Repeat("Not(", 2000) + "[a]" + strings.Repeat(")", 1990)
	if _, err := Parse(deep); err == nil {
		t.Fatal("an unclosed expression is accepted")
	}
}

func TestNormalForm(t *testing.T) {
	for _, test := range []struct{ text, normal string }{
		{` [ a ] `, `[ a ]`},
		{`[emails[type eq "work"].value]`, `[emails[type eq "work"].value]`},
		{`"\+\"\\"`, `"\\+\"\\"`},
		{"\"a\n\tb\"", "\"a\n\tb\""},
		{`&HfF`, `255`},
		{`-007`, `-7`},
		{`Now ( )`, `Now()`},
		{`Replace([a],"x", , ,"y", , )`, `Replace([a], "x",,, "y")`},
		{`FormatDateTime([d],"yyyy","yy")`, `FormatDateTime([d],, "yyyy", "yy")`},
		{`[a]&"b"<>[c]`, `[a] & "b" <> [c]`},
		{`IIF([a]=True,IgnoreObjectFlow,InStr([a],"b", ,vbTextCompare))`, `IIF([a] = True, IgnoreObjectFlow, InStr([a], "b",, vbTextCompare))`},
		{`[a]&&HF`, `[a] & 15`},
	} {
		e, err := Parse(test.text)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		if e.String() != test.normal {
			t.Errorf("%s prints as %s, want %s", test.text, e, test.normal)
		}
		checkRoundTrip(t, e)
	}
}

func checkRoundTrip(t *testing.T, e *Expression) {
	t.Helper()
	again, err := Parse(e.String())
	if err != nil {
		if len(e.String()) > MaxLength {
			return
		}
		t.Fatalf("%s prints as %s, which does not parse: %v", e.text, e, err)
	}
	if again.String() != e.String() || !sameTree(again.root, e.root) {
		t.Fatalf("%s prints as %s, which parses to %s", e.text, e, again)
	}
}

func sameTree(a, b node) bool {
	switch a := a.(type) {
	case *literal:
		b, ok := b.(*literal)
		return ok && a.value.Equal(b.value)
	case *attribute:
		b, ok := b.(*attribute)
		return ok && a.name == b.name
	case *variable:
		b, ok := b.(*variable)
		return ok && a.name == b.name
	case *word:
		b, ok := b.(*word)
		return ok && a.name == b.name
	case *operation:
		b, ok := b.(*operation)
		return ok && a.operator == b.operator && sameTree(a.left, b.left) && sameTree(a.right, b.right)
	case *call:
		b, ok := b.(*call)
		if !ok || a.function != b.function || len(a.arguments) != len(b.arguments) {
			return false
		}
		for i := range a.arguments {
			if !sameTree(a.arguments[i], b.arguments[i]) {
				return false
			}
		}
		return true
	}
	return a == nil && b == nil
}

func TestWhatAnExpressionUses(t *testing.T) {
	e, err := Parse(`IIF([b] = [a], Join("", [a], Guid(), Now()), SingleAppRoleAssignment([appRoleAssignments]))`)
	if err != nil {
		t.Fatal(err)
	}
	if names := e.Attributes(); !reflect.DeepEqual(names, []string{"a", "appRoleAssignments", "b"}) {
		t.Errorf("attributes %v", names)
	}
	if !e.UsesNow() || !e.UsesRandom() || !e.UsesRoles() || e.SelectsUnique() {
		t.Errorf("now %v, random %v, roles %v, unique %v", e.UsesNow(), e.UsesRandom(), e.UsesRoles(), e.SelectsUnique())
	}
	e, err = Parse(`SelectUniqueValue([a], [b])`)
	if err != nil {
		t.Fatal(err)
	}
	if e.UsesNow() || e.UsesRandom() || e.UsesRoles() || !e.SelectsUnique() {
		t.Errorf("now %v, random %v, roles %v, unique %v", e.UsesNow(), e.UsesRandom(), e.UsesRoles(), e.SelectsUnique())
	}
}

func TestCheckAttributes(t *testing.T) {
	e, err := Parse(`Join(" ", [givenName], [sirname])`)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.CheckAttributes([]string{"givenName", "sirname"}); err != nil {
		t.Fatal(err)
	}
	var syntax *SyntaxError
	err = e.CheckAttributes([]string{"givenName", "surname"})
	if !errors.As(err, &syntax) || syntax.Position != 23 || syntax.Suggestion != "[surname]" {
		t.Fatalf("error %v, want one about [sirname]", err)
	}
}

func TestNearest(t *testing.T) {
	among := []string{"userPrincipalName", "mail", "mailNickname", "surname", "department"}
	for _, test := range []struct {
		word, nearest string
	}{
		{"MAIL", "mail"}, {"mial", "mail"}, {"maill", "mail"}, {"mai", "mail"}, {"userPrincipalname", "userPrincipalName"},
		{"sirname", "surname"}, {"departement", "department"}, {"x", ""}, {"", ""}, {"ma", ""}, {"mali", "mail"}, {"telephone", ""},
		{strings.Repeat("mail", 100), ""},
	} {
		nearest, ok := Nearest(test.word, among)
		if nearest != test.nearest || ok != (test.nearest != "") {
			t.Errorf("nearest to %q is %q (%v), want %q", test.word, nearest, ok, test.nearest)
		}
	}
}

func TestFunctionTable(t *testing.T) {
	for _, f := range Functions() {
		if f.Group == "" || f.Summary == "" || f.Null == "" || f.Example.Expression == "" || f.Result == "" {
			t.Errorf("%s is not fully described", f.Name)
		}
		repeating := false
		for _, p := range f.Parameters {
			if p.Name == "" || p.Type == "" || repeating && !p.Repeating || p.Type == TypeWord && p.Allowed == nil {
				t.Errorf("%s, parameter %+v", f.Name, p)
			}
			repeating = p.Repeating
		}
		e, err := Parse(f.Example.Expression)
		if err != nil {
			t.Errorf("example of %s: %v", f.Name, err)
			continue
		}
		if !e.functions[f.Name] {
			t.Errorf("the example of %s does not use it", f.Name)
		}
		result, err := e.Evaluate(&Environment{Attribute: f.Example.Source.Get, Now: at("2021-07-02T15:33:38Z"), Random: seeded(1), DefaultDomain: "contoso.com"})
		if err != nil {
			t.Errorf("example of %s: %v", f.Name, err)
			continue
		}
		got := result.Value.String()
		if f.Example.Random && len(got) != len(f.Example.Result) || !f.Example.Random && got != f.Example.Result {
			t.Errorf("example %s gives %s, said to give %s", f.Example.Expression, got, f.Example.Result)
		}
	}
}
