package expression

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// at gives a clock that stands.
func at(instant string) func() (time.Time, error) {
	t, err := time.Parse(time.RFC3339, instant)
	return func() (time.Time, error) { return t, err }
}

// object gives attributes of a JSON object.
func object(t testing.TB, text string) directory.Attributes {
	t.Helper()
	var attributes directory.Attributes
	if text == "" {
		return attributes
	}
	if err := json.Unmarshal([]byte(text), &attributes); err != nil {
		t.Fatal(err)
	}
	return attributes
}

func TestEvaluate(t *testing.T) {
	const absent = "(null)"
	for _, test := range []struct {
		expression, source string
		want               string // canonical text; absent for null
		fault              string // part of the error
	}{
		// Values and kinds.
		{`[a]`, `{"a": null}`, absent, ""},
		{`[a]`, `{"a": ""}`, "", ""},
		{`[a]`, `{"a": true}`, "True", ""},
		{`[a]`, `{"a": []}`, "[]", ""},
		{`[a]`, "{\"a\": \"\\u0000\"}", "\x00", ""},
		{`ToLower([a])`, `{"a": ["X"]}`, "x", ""},
		{`ToLower([a])`, `{"a": []}`, "", ""},
		{`ToLower([a])`, `{"a": ["X", "Y"]}`, "", "holds 2 values"},
		{`ToLower([a])`, `{"a": {"b": "c"}}`, "", "has parts"},
		{`ToLower([a])`, `{"a": true}`, "true", ""},
		// Operators.
		{`[a] & [b]`, `{"a": "x"}`, "x", ""},
		{`[a] & 1 & True`, ``, "1True", ""},
		{`[a] & "x" = "x"`, ``, "True", ""},
		{`[a] = "x"`, `{"a": ["x"]}`, "True", ""},
		{`[a] = "x"`, `{"a": ["x", "y"]}`, "", "[a]: the operator = meets a value that holds 2 values"},
		{`[a] < "abc"`, `{"a": "Abc"}`, "True", ""},
		{`"10" > "9"`, ``, "True", ""},
		{`"10" > "9a"`, ``, "False", ""},
		{`"1.50" = "01.5"`, ``, "True", ""},
		{`"-1" < "0.5"`, ``, "True", ""},
		{`"-0" = 0`, ``, "True", ""},
		{`"-2" < "-1"`, ``, "True", ""},
		{`"+1" = "1"`, ``, "False", ""},
		{`"1e2" = "100"`, ``, "False", ""},
		{`"123456789012345678901" > "123456789012345678900"`, ``, "True", ""},
		{`[a] = True`, `{"a": true}`, "True", ""},
		{`[a] = True`, `{"a": "true"}`, "False", ""},
		{`[a] >= ""`, ``, "True", ""},
		{`Now() < CDate("2022-01-01")`, ``, "True", ""},
		{`CDate("2021-12-01") > CDate("2021-02-01")`, ``, "True", ""},
		// Conditions.
		{`IIF([a], "t", "f")`, ``, "f", ""},
		{`IIF([a], "t", "f")`, `{"a": ""}`, "f", ""},
		{`IIF([a], "t", "f")`, `{"a": "true"}`, "t", ""},
		{`IIF([a], "t", "f")`, `{"a": "0.0"}`, "f", ""},
		{`IIF([a], "t", "f")`, `{"a": "-2"}`, "t", ""},
		{`IIF([a], "t", "f")`, `{"a": "yes"}`, "", "neither True nor False"},
		{`IIF([a], Error("x"), "f")`, `{"a": false}`, "f", ""},
		{`CBool("yes")`, ``, "False", ""},
		{`CBool([a])`, `{"a": "True"}`, "True", ""},
		{`Not([a])`, ``, "True", ""},
		{`Not([a])`, `{"a": "true"}`, "False", ""},
		{`Not([a])`, `{"a": true}`, "False", ""},
		{`Not([a])`, `{"a": "1"}`, "True", ""},
		{`Not([a])`, `{"a": 1}`, "True", ""},
		// Text.
		{`Append([a], "x")`, ``, absent, ""},
		{`Append([a], [b])`, `{"a": "x"}`, "x", ""},
		{`Prepend([b], [a])`, ``, absent, ""},
		{`Prepend([b], [a])`, `{"a": "x"}`, "x", ""},
		{`Join([s], [a], [b])`, `{"a": "x", "b": "y"}`, "xy", ""},
		{`Join("-", [a])`, `{"a": ["x", "", null, "y"]}`, "x-y", ""},
		{`Join("-", [a])`, `{"a": [["x"], ["y", "z"]]}`, "", "holds 2 values"},
		{`Left([a], 1)`, ``, "", ""},
		{`Left([a], 2)`, `{"a": "ÄÖÜ"}`, "ÄÖ", ""},
		{`Left([a], 9223372036854775807)`, `{"a": "ÄÖÜ"}`, "ÄÖÜ", ""},
		{`Left([a], [n])`, `{"a": "x"}`, "", "Left, count: it is null"},
		{`Mid([a], 2, 1)`, `{"a": "日本語"}`, "本", ""},
		{`Mid([a], 9223372036854775807, 9223372036854775807)`, `{"a": "日本語"}`, "", ""},
		{`Mid([a], 0, 1)`, `{"a": "x"}`, "", "the first character is 1"},
		{`Mid([a], 1, -1)`, `{"a": "x"}`, "", "must not be negative"},
		{`Word([a], 2, " ")`, `{"a": "one"}`, "", ""},
		{`Word([a], 1, " ")`, `{"a": "one"}`, "one", ""},
		{`Word([a], 2, "ÄÖ")`, `{"a": "oneÖtwoÄthree"}`, "two", ""},
		{`Word([a], 3, "ÄÖ")`, `{"a": "oneÖtwoÄthree"}`, "three", ""},
		{`Word([a], 4, "ÄÖ")`, `{"a": "oneÖtwoÄthree"}`, "", ""},
		{`Word([a], 1, "")`, `{"a": "one two"}`, "one two", ""},
		{`Word([a], 2, [d])`, `{"a": "one two"}`, "", ""},
		{`Word([a], 3, ",")`, `{"a": "x,y,"}`, "", ""},
		{`InStr([a], "x")`, ``, "0", ""},
		{`InStr([a], "")`, `{"a": "abc"}`, "1", ""},
		{`InStr([a], "", 4)`, `{"a": "abc"}`, "4", ""},
		{`InStr([a], "", 5)`, `{"a": "abc"}`, "0", ""},
		{`InStr([a], "ö")`, `{"a": "ÄÖö"}`, "3", ""},
		{`InStr([a], "ö", 1, vbTextCompare)`, `{"a": "ÄÖö"}`, "2", ""},
		{`InStr([a], "E", 3, vbTextCompare)`, `{"a": "repEated"}`, "4", ""},
		{`InStr([a], "e", 0)`, `{"a": "x"}`, "", "the first character is 1"},
		{`StripSpaces([a])`, ``, "", ""},
		{`Trim([a])`, ``, absent, ""},
		{`Trim([a])`, `{"a": " \tx\u00a0"}`, "x", ""},
		{`Trim([a])`, `{"a": 5}`, "5", ""},
		{`Split([a], ",")`, `{"a": ""}`, `[""]`, ""},
		{`Split([a], [d])`, `{"a": "x"}`, "", "Split, delimiter: it is empty"},
		{`Split([a], ", ")`, `{"a": "x, y"}`, `["x","y"]`, ""},
		// Case.
		{`ToUpper([a])`, `{"a": "straße"}`, "STRAßE", ""},
		{`ToUpper([a], "de-DE")`, `{"a": "straße"}`, "STRASSE", ""},
		{`ToUpper([a], "tr-TR")`, `{"a": "ısparta i"}`, "ISPARTA İ", ""},
		{`ToUpper([a], [c])`, `{"a": "i", "c": "tr"}`, "İ", ""},
		{`ToUpper([a], [c])`, `{"a": "i"}`, "I", ""},
		{`ToUpper([a], "")`, `{"a": "i"}`, "I", ""},
		{`ToUpper([a], [c])`, `{"a": "i", "c": "qqq-"}`, "", "ToUpper, culture: the culture is not known"},
		{`PCase([a])`, ``, "", ""},
		{`PCase([a], "")`, `{"a": "jOHN dOE"}`, "John doe", ""},
		{`PCase([a], [s])`, `{"a": "jOHN+dOE"}`, "John+Doe", ""},
		{`PCase([a])`, `{"a": "émile\u2003zola\u2014o\u2019brien 3rd"}`, "Émile\u2003Zola—O’Brien 3rd", ""},
		{`NormalizeDiacritics([a])`, ``, "", ""},
		{`NormalizeDiacritics([a])`, `{"a": "ÆæǢǣØøǾǿŒœßẞıİłŁ"}`, "AEaeAEaeOEoeOEoeOEoessSSiIlL", ""},
		{`NormalizeDiacritics([a])`, `{"a": "ø\u0304Ø\u0304œ\u0304"}`, "oeOEoe", ""},
		{`NormalizeDiacritics([a])`, `{"a": "한국어 日本 Жук đ"}`, "한국어 日本 Жук đ", ""},
		{`NormalizeDiacritics([a])`, `{"a": "äàáâãåąăāǎçčċćďèêëęĕēěėğģħìíîïįīķłñńňņòõöőōŕřşșţťùúûüůųűūŵýÿźżžḻ"}`,
			"aaaaaaaaaaccccdeeeeeeeegg\u0127iiiiiikl" + "nnnnooooorrssttuuuuuuuuwyyzzzl", ""},
		// Encodings.
		{`ConvertToBase64([a])`, ``, absent, ""},
		{`ConvertToBase64([a])`, `{"a": "😀"}`, "PdgA3g==", ""},
		{`ConvertFromBase64("PdgA3g==")`, ``, "😀", ""},
		{`ConvertFromBase64("SGVsbG8=", UTF8)`, ``, "Hello", ""},
		{`ConvertFromBase64("SGVsbG8=", ASCII)`, ``, "Hello", ""},
		{`ConvertFromBase64("w6s=", ASCII)`, ``, "", "no text in the encoding ASCII"},
		{`ConvertFromBase64("/w==", UTF8)`, ``, "", "no text in the encoding UTF8"},
		{`ConvertFromBase64("SGVsbG8=")`, ``, "", "no text in the encoding Unicode"},
		{`ConvertFromBase64("PdhBAA==")`, ``, "", "no text in the encoding Unicode"},
		{`ConvertFromBase64("Pdg=")`, ``, "", "no text in the encoding Unicode"},
		{`ConvertFromBase64("$")`, ``, "", "it is not base64"},
		{`ConvertFromBase64([a])`, ``, absent, ""},
		{`ConvertToUTF8Hex([a])`, ``, absent, ""},
		// Lists and nulls.
		{`Count([a])`, ``, "0", ""},
		{`Count([a])`, `{"a": []}`, "0", ""},
		{`Count([a])`, `{"a": ""}`, "1", ""},
		{`Item([a], 1)`, ``, "", "the list has 0 values"},
		{`Item([a], 1)`, `{"a": "x"}`, "x", ""},
		{`Item([a], 0)`, `{"a": "x"}`, "", "the list has 1 value,"},
		{`Item([a], 3)`, `{"a": ["x", "y"]}`, "", "the list has 2 values"},
		{`RemoveDuplicates([a])`, ``, absent, ""},
		{`RemoveDuplicates([a])`, `{"a": ["a", "A", 1, "1", true, "a", 1]}`, `["a","A",1,"1",true]`, ""},
		{`Coalesce([a], [b])`, ``, absent, ""},
		{`Coalesce([a], [b])`, `{"a": "", "b": "x"}`, "", ""},
		{`Coalesce([a], Error("no"))`, `{"a": "x"}`, "x", ""},
		{`IsString([a])`, ``, "False", ""},
		{`IsString([a])`, `{"a": 5}`, "True", ""},
		{`IsString([a])`, `{"a": ["x", "y"]}`, "False", ""},
		{`IsPresent([a])`, `{"a": [""]}`, "False", ""},
		{`IsPresent([a])`, `{"a": ["x", "y"]}`, "True", ""},
		{`IsPresent([a])`, `{"a": false}`, "True", ""},
		{`CStr([a])`, ``, absent, ""},
		{`CStr(Now())`, ``, "7/2/2021 3:33:38 PM", ""},
		{`BitAnd([a], 1)`, ``, "", "BitAnd, value1: it is null; an integer is expected"},
		{`BitAnd(-1, 255)`, ``, "255", ""},
		{`BitAnd([a], 1)`, `{"a": "1.0"}`, "", `the value is "1.0"`},
		// Switch.
		{`Switch([a], "d", "", "none")`, `{"a": null}`, "none", ""},
		{`Switch([a], "d", 1, "one")`, `{"a": 1}`, "one", ""},
		{`Switch([a], "d", "1", "first", "1", "second")`, `{"a": 1}`, "first", ""},
		{`Switch([a], "d", [b], "b", Error("no"), "x")`, `{"a": "k", "b": "k"}`, "b", ""},
		{`Switch([a], "d", [b], "b")`, `{"a": "k"}`, "d", ""},
		{`Switch([a], "d", "k", [l])`, `{"a": "k", "l": ["x", "y"]}`, `["x","y"]`, ""},
		// Replace.
		{`Replace([a], "b", , , [c])`, `{"a": "abc"}`, "ac", ""},
		{`Replace([a], [b], , , "x")`, `{"a": "abc"}`, "abc", ""},
		{`Replace([a], "x", , , , , "<x>")`, ``, absent, ""},
		{`Replace([a], "x", , , , , [t])`, `{"a": "abc"}`, absent, ""},
		{`Replace([a], , "(?<x>b)", , "[$1$2${x}$$$&$]")`, `{"a": "abc"}`, "a[b$2b$b$]c", ""},
		{`Replace([a], , "(?<x>a)(b)(c)", , "$1$2$3")`, `{"a": "abc"}`, "bca", ""},
		{`Replace([a], , "b", , "${1}$10$99999999999999999999")`, `{"a": "abc"}`, "a${1}$10$99999999999999999999c", ""},
		{`Replace([a], , "b", , "${x y}${")`, `{"a": "abc"}`, "a${x y}${c", ""},
		{`Replace([a], , "b", , [r])`, `{"a": "abc"}`, "ac", ""},
		{`Replace([a], , "b", , [r])`, `{"a": "abc", "r": "${x}"}`, "", `no group of that name (the value is "x")`},
		{`Replace([a], , [p], , "x")`, `{"a": "abc", "p": "[bc]"}`, "axx", ""},
		{`Replace([a], , [p], , "x")`, `{"a": "abc", "p": "("}`, "", "missing closing )"},
		{`Replace([a], , "(?<x>b)?c", "x", "_")`, `{"a": "cbc"}`, "c_c", ""},
		{`Replace([a], , "(?<x>b)", [g], "_")`, `{"a": "abc", "g": "y"}`, "", "no group of that name"},
		{`Replace([a], , "(?<x>b)", "x", "$1")`, `{"a": "abc"}`, "a$1c", ""},
		{`Replace([a], , "(?<x>b)", "x", , [o])`, `{"o": "zzz"}`, absent, ""},
		{`Replace([a], , "(?<x>b)", "x", , [o])`, ``, absent, ""},
		{`Replace([a], , "(?<x>b)?z", "x", , [o])`, `{"o": "z"}`, absent, ""},
		{`Replace([a], , "(?<x>b)", "x", , [o])`, `{"a": "source", "o": "b"}`, "source", ""},
		// Others.
		{`DNComponent([dn], 1)`, ``, absent, ""},
		{`DNComponent([dn], 0)`, `{"dn": "cn=x"}`, "", "the first component is 1"},
		{`DNComponent([dn], 2)`, `{"dn": "cn=\"a,b\" , ou = c\\20 ;dc=d"}`, "c ", ""},
		{`DNComponent([dn], 1)`, `{"dn": "cn=\"a,b\" , ou=c"}`, "a,b", ""},
		{`DNComponent([dn], 1)`, `{"dn": "cn=Lu\\C4\\8Di\\C4\\87+uid=1,dc=d"}`, "Lučić", ""},
		{`DNComponent([dn], 1)`, `{"dn": "cn=\\FF,dc=d"}`, "\uFFFD", ""},
		{`DNComponent([dn], 9)`, `{"dn": "cn=x"}`, "", ""},
		{`DNComponent([dn], 9223372036854775807)`, `{"dn": "cn=x"}`, "", ""},
		{`StringFromSid([s])`, ``, absent, ""},
		{`StringFromSid([s])`, `{"s": "S-1-5-21-1"}`, "S-1-5-21-1", ""},
		{`StringFromSid([s])`, `{"s": "AQEAAAAAAAUSAAAA"}`, "S-1-5-18", ""},
		{`StringFromSid([s])`, `{"s": "AQEAAAAAAAUSAAA="}`, "", "no security identifier"},
		{`StringFromSid([s])`, `{"s": "?"}`, "", "not base64"},
		{`SingleAppRoleAssignment([r])`, `{"r": [{"id": "1", "value": "Admin", "displayName": "Administrator"}, {"id": "2", "value": "User"}]}`, "Admin", ""},
		{`SingleAppRoleAssignment([r])`, `{"r": [{"id": "1", "value": null, "displayName": "User"}]}`, "User", ""},
		{`AppRoleAssignments([r])`, `{"r": [{"id": "1", "value": "Admin"}, "User"]}`, `["Admin","User"]`, ""},
		{`AppRoleAssignments([r])`, `{"r": []}`, absent, ""},
		{`DefaultDomain()`, ``, "", "no default domain"},
		{`Error([a])`, ``, "", "raises an error"},
		{`Redact([a])`, `{"a": ["x", "y"]}`, `["x","y"]`, ""},
	} {
		e, err := Parse(test.expression)
		if err != nil {
			t.Errorf("%s: %v", test.expression, err)
			continue
		}
		result, err := e.Evaluate(&Environment{Attribute: object(t, test.source).Get, Now: at("2021-07-02T15:33:38Z")})
		if test.fault != "" {
			var fault *EvaluationError
			if !errors.As(err, &fault) || !strings.Contains(err.Error(), test.fault) {
				t.Errorf("%s of %s: %v (error %v), want the error %q", test.expression, test.source, result.Value, err, test.fault)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s of %s: %v", test.expression, test.source, err)
			continue
		}
		got := result.Value.String()
		if result.Value.IsNull() {
			got = absent
		}
		if got != test.want {
			t.Errorf("%s of %s gives %q, want %q", test.expression, test.source, got, test.want)
		}
	}
}

func TestEvaluationErrorNamesWhatAndWhere(t *testing.T) {
	e, err := Parse(`ToLower(Mid([a], [n], 1))`)
	if err != nil {
		t.Fatal(err)
	}
	source := object(t, `{"a": "x", "n": "one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve"}`)
	_, err = e.Evaluate(&Environment{Attribute: source.Get})
	var fault *EvaluationError
	if !errors.As(err, &fault) {
		t.Fatalf("error %v", err)
	}
	if fault.Function != "Mid" || fault.Argument != "start" || fault.Expression != `ToLower(Mid([a], [n], 1))` ||
		!strings.HasPrefix(fault.Value, "one, two") || len(fault.Value) > 70 {
		t.Fatalf("%+v", fault)
	}
}

func TestRedactedValuesStayOutOfErrors(t *testing.T) {
	for _, text := range []string{`Mid(Redact([a]), [a], 1)`, `IIF(Redact(1) = 1, Error([a]), "x")`, `CDate(Redact([a]))`, `Redact([a]) & Item([a], [a])`,
		`Replace(Redact("x"), , [b], , "")`, `Replace(Redact("x"), , "(?<y>x)", [a], "")`, `Replace(Redact("x"), , "x", , [c])`,
		`FormatDateTime(Redact("x"), [d], "yyyy")`, `ToLower(Redact("x"), [a])`, `FormatDateTime(Redact([a]), "yyyy", "yy")`} {
		e, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		_, err = e.Evaluate(&Environment{Attribute: object(t, `{"a": "hunter2", "b": "(hunter2", "c": "${hunter2}", "d": "'hunter2"}`).Get})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %v", text, err)
		}
	}
	e, err := Parse(`IIF([a] = "", Redact([a]), "x")`)
	if err != nil {
		t.Fatal(err)
	}
	result, err := e.Evaluate(&Environment{})
	if err != nil || !result.Redacted {
		t.Fatalf("redacted %v, error %v", result.Redacted, err)
	}
}

func TestIgnoreLeavesFromWithin(t *testing.T) {
	for text, want := range map[string]Ignore{
		`Join("-", "a", IgnoreFlowIfNullOrEmpty([a]))`:              IgnoreAttribute,
		`Coalesce([a], IgnoreObjectFlow)`:                           IgnoreObject,
		`IgnoreObjectFlow`:                                          IgnoreObject,
		`IgnoreFlowIfNullOrEmpty(Switch("a", , "a", ""))`:           IgnoreAttribute,
		`Switch("a", IgnoreObjectFlow, "a", "x")`:                   IgnoreNothing,
		`SelectUniqueValue(IgnoreAttributeFlow, "x")`:               IgnoreAttribute,
		`IIF(IsNull(IgnoreFlowIfNullOrEmpty([a])), "null", "else")`: IgnoreAttribute,
	} {
		e, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		result, err := e.Evaluate(&Environment{})
		if err != nil || result.Ignore != want || want != IgnoreNothing && !result.Value.IsNull() {
			t.Errorf("%s: %+v, error %v; want to ignore %d", text, result, err, want)
		}
	}
}
