package expression

import (
	"errors"
	"strings"
	"testing"
)

// Every function at its edges: null, empty, one and several values, too few and
// too many arguments, other types (expressions.md sections 1 to 7).
func TestEdges(t *testing.T) {
	const null, fault, refused = "(null)", "(fault)", "(refused)"
	source := object(t, `{"e": "", "s": "a,b", "l": ["x", "y"], "one": ["x"], "none": [], "n": 7, "t": true, "u": "Ünï", "c": {"value": "x"}}`)
	for _, test := range []struct{ expression, want string }{
		// Arguments.
		{`Append([s])`, refused}, {`Append([s], "x", "y")`, refused}, {`Append([s], "x", )`, "a,bx"}, {`Append([s], "x", , )`, "a,bx"},
		{`Append([missing], "x")`, null}, {`Append([e], "x")`, "x"}, {`Append([n], [t])`, "7True"}, {`Append([l], "x")`, fault}, {`Append([one], "x")`, "xx"},
		{`Now(, )`, "7/2/2021 3:33:38 PM"}, {`Guid("x")`, refused}, {`IIF([t], "x")`, refused}, {`IIF([t], "x", "y", "z")`, refused}, {`Coalesce()`, refused},
		{`Join()`, refused}, {`Join(",")`, refused}, {`Split([s])`, refused}, {`Split([s], ",", 2)`, refused}, {`Left([s])`, refused}, {`Mid([s], 1)`, refused},
		{`Word([s], 1)`, refused}, {`InStr([s])`, refused}, {`Item([l])`, refused}, {`Count()`, refused}, {`Count([l], [l])`, refused},
		{`DateAdd("d", 1)`, refused}, {`DateDiff("d", Now())`, refused}, {`RandomString(1, 1, 0, 0)`, refused}, {`SelectUniqueValue()`, refused},
		{`IgnoreFlowIfNullOrEmpty()`, refused}, {`CDate()`, refused}, {`Not()`, refused}, {`PCase()`, refused}, {`PCase([s], ",", ",")`, refused}, {`ToUpper([s], "en", "x")`, refused},
		// Escapes: a backslash before another character stays.
		{`"a\b\\c\"d"`, `a\b\c"d`}, {`"\\\\"`, `\\`}, {`"\\n"`, `\n`}, {`"\n"`, `\n`}, {`Len("\"")`, "1"},
		// Numbers.
		{`Left("abc", "2")`, "ab"}, {`Left("abc", "2.0")`, refused}, {`Left("abc", [n])`, "abc"}, {`Left("abc", [s])`, fault}, {`Left("abc", [missing])`, fault},
		{`BitAnd(&HFF, &Hf0)`, "240"}, {`BitAnd(-1, 7)`, "7"}, {`BitAnd("12", "10")`, "8"}, {`BitAnd(1.5, 1)`, refused}, {`BitAnd([e], 1)`, fault},
		// Conditions.
		{`IIF([missing] = "", "t", "f")`, "t"}, {`IIF([e] = "", "t", "f")`, "t"}, {`IIF([n] = 7, "t", "f")`, "t"}, {`IIF([n] = "7.0", "t", "f")`, "t"},
		{`IIF([t] = "True", "t", "f")`, "t"}, {`IIF([t] = "true", "t", "f")`, "f"}, {`IIF("b" > "a", "t", "f")`, "t"}, {`IIF("B" > "a", "t", "f")`, "f"},
		{`IIF([l] = "x", "t", "f")`, fault}, {`IIF(IsPresent([missing]), [missing], "f")`, "f"}, {`IIF([t], [missing], "f")`, null}, {`IIF([n] <> 7, "t", [l])`, `["x","y"]`},
		{`CBool([missing])`, "False"}, {`CBool([e])`, "False"}, {`CBool("0.00")`, "False"}, {`CBool("-0.1")`, "True"}, {`CBool("TRUE")`, "True"}, {`CBool("no")`, "False"}, {`CBool([l])`, fault},
		{`Not([t])`, "False"}, {`Not("True")`, "False"}, {`Not("False")`, "True"}, {`Not([e])`, "True"}, {`Not("yes")`, "True"}, {`Not([l])`, fault},
		{`Switch([missing], "d", "", "empty")`, "empty"}, {`Switch([e], "d", "", "empty")`, "empty"}, {`Switch([n], "d", 7, "seven")`, "seven"}, {`Switch([t], "d", "true", "x")`, "d"},
		{`Switch([s], , "x", "y")`, null}, {`Switch([s], "", "x", "y")`, ""}, {`Switch([l], "d", "x", "y")`, fault}, {`Switch([one], "d", "x", "y")`, "y"}, {`Switch([s], "d", "a,b", [missing])`, null},
		{`IsNull([missing])`, "True"}, {`IsNull([e])`, "False"}, {`IsNull([none])`, "False"}, {`IsNullOrEmpty([none])`, "True"}, {`IsPresent([none])`, "False"}, {`IsPresent([t])`, "True"},
		{`IsString([n])`, "True"}, {`IsString([l])`, "False"}, {`IsString([c])`, "False"}, {`IsNothing([missing])`, "True"},
		{`Coalesce([missing], [e], "x")`, ""}, {`Coalesce([missing], , "x")`, refused}, {`Coalesce([missing])`, null}, {`Coalesce([none], "x")`, "[]"},
		// Lists.
		{`Count([missing])`, "0"}, {`Count([e])`, "1"}, {`Count([one])`, "1"}, {`Count([none])`, "0"}, {`Count(Split([e], ","))`, "1"},
		{`Item([l], 2)`, "y"}, {`Item([l], 0)`, fault}, {`Item([l], -1)`, fault}, {`Item([l], 3)`, fault}, {`Item([missing], 1)`, fault}, {`Item([s], "1")`, "a,b"},
		{`RemoveDuplicates([one])`, `["x"]`}, {`RemoveDuplicates([s])`, `["a,b"]`}, {`RemoveDuplicates([none])`, `[]`}, {`RemoveDuplicates([missing])`, null},
		{`Join(";", [l], [missing], [e], [n], [t], [none])`, "x;y;7;True"}, {`Join(";", [missing])`, ""}, {`Join([missing], "a", "b")`, "ab"}, {`Join([l], "a", "b")`, fault}, {`Join(";", [c])`, fault},
		{`Split([s], ",")`, `["a","b"]`}, {`Split(" a , , b ", ",")`, `["a","","b"]`}, {`Split("a::b", "::")`, `["a","b"]`}, {`Split([missing], ",")`, null}, {`Split([l], ",")`, fault},
		{`Trim([l])`, `["x","y"]`}, {`Trim([missing])`, null}, {`LTrim(" a ")`, "a "}, {`RTrim(" a ")`, " a"}, {`LTrim([l])`, `["x","y"]`},
		// Texts.
		{`Left([u], 1)`, "Ü"}, {`Left([u], 0)`, ""}, {`Left([u], -5)`, "Ünï"}, {`Left([missing], 5)`, ""}, {`Left([l], 5)`, fault},
		{`Mid([u], 2, 1)`, "n"}, {`Mid([u], 2, 99)`, "nï"}, {`Mid([u], 4, 1)`, ""}, {`Mid([u], 2, 0)`, ""}, {`Mid([missing], 1, 1)`, ""}, {`Mid([u], 0, 1)`, fault}, {`Mid([u], 1, -1)`, fault},
		{`Word([missing], 1, " ")`, ""}, {`Word("a b", 0, " ")`, ""}, {`Word("a b", 3, " ")`, ""}, {`Word("a b", 2, "")`, ""}, {`Word("", 1, " ")`, ""},
		{`InStr([missing], "a")`, "0"}, {`InStr("aXa", "x")`, "0"}, {`InStr("aXa", "x", , vbTextCompare)`, "2"}, {`InStr("aba", "a", 2)`, "3"}, {`InStr("aba", "a", 4)`, "0"}, {`InStr("aba", "a", 0)`, fault}, {`InStr("a", "a", 1, Text)`, refused},
		{`ToLower([missing])`, ""}, {`ToUpper([n])`, "7"}, {`ToLower([l])`, fault}, {`ToUpper("i", "tr")`, "İ"}, {`ToUpper("i", "az-Latn-AZ")`, "İ"}, {`ToLower("I", "de-DE")`, "i"}, {`ToLower("ΣΑΣ", "el")`, "σας"}, {`ToLower("x", "not a culture")`, refused},
		{`StripSpaces([missing])`, ""}, {"StripSpaces(\"a\u00a0b c\")", "a\u00a0bc"}, {`PCase([missing])`, ""}, {`PCase("PINTO-DE'SILVA", " '-")`, "Pinto-De'Silva"}, {`PCase("o’neil SMITH")`, "O’Neil Smith"}, {`PCase("ÉCOLE €UR")`, "École €Ur"},
		{`NormalizeDiacritics([missing])`, ""}, {`NormalizeDiacritics([u])`, "Uni"}, {`NormalizeDiacritics([l])`, fault},
		// Dates.
		{`CDate([missing])`, fault}, {`CDate([e])`, fault}, {`CDate([l])`, fault}, {`CDate([n])`, fault}, {`CDate("2021-02-29")`, refused}, {`CDate("2020-02-29")`, "2/29/2020 12:00:00 AM"},
		{`CDate("2013-01-10 4:00 PM -8")`, "1/11/2013 12:00:00 AM"}, {`CDate("12/25/2007")`, "12/25/2007 12:00:00 AM"}, {`CDate("2021-07-02 15:33")`, "7/2/2021 3:33:00 PM"}, {`CDate("2021-07-02T15:33:38.1234567+01:30")`, "7/2/2021 2:03:38 PM"},
		{`CDate("12/31/2021 12:00:00 AM")`, "12/31/2021 12:00:00 AM"}, {`CDate("1/1/0001")`, "1/1/0001 12:00:00 AM"}, {`CDate("9999-12-31T23:59:59-01:00")`, refused}, {`CDate("31/12/2021")`, refused}, {`CDate("2021-7-2")`, refused}, {`CDate("20210702")`, refused},
		{`DateAdd("m", 1, CDate("2021-01-31"))`, "2/28/2021 12:00:00 AM"}, {`DateAdd("yyyy", 1, CDate("2020-02-29"))`, "2/28/2021 12:00:00 AM"}, {`DateAdd("m", -1, CDate("2021-03-31"))`, "2/28/2021 12:00:00 AM"}, {`DateAdd("n", 90, CDate("2021-01-31"))`, "1/31/2021 1:30:00 AM"},
		{`DateAdd("h", -25, CDate("2021-01-01"))`, "12/30/2020 11:00:00 PM"}, {`DateAdd("q", 1, Now())`, refused}, {`DateAdd("ww", 1, [missing])`, fault}, {`DateAdd("d", 1, "2021-01-01")`, "1/2/2021 12:00:00 AM"}, {`DateAdd("yyyy", 9000, Now())`, fault},
		{`DateDiff("d", CDate("2021-08-18+08:00"), CDate("2021-08-31+08:00"))`, "13"}, {`DateDiff("d", CDate("2021-01-02T00:00:00"), CDate("2021-01-01T00:00:01"))`, "0"}, {`DateDiff("d", CDate("2021-01-01T23:00"), CDate("2021-01-02T22:59"))`, "0"},
		{`DateDiff("n", CDate("2021-08-24"), CDate("2021-08-25"))`, "1440"}, {`DateDiff("yyyy", CDate("2021-12-31"), CDate("2022-01-01"))`, "1"}, {`DateDiff("m", CDate("2021-12-31"), CDate("2021-11-30"))`, "-1"}, {`DateDiff("ww", CDate("2021-07-31"), CDate("2021-08-01"))`, "1"}, {`DateDiff("ww", CDate("2021-08-25T17:41:18"), CDate("2012-03-16-07:00"))`, "-493"},
		{`DateDiff("d", [e], Now())`, fault}, {`DateDiff("x", Now(), Now())`, refused}, {`DateFromNum(0)`, "1/1/1601 12:00:00 AM"}, {`DateFromNum(-1)`, fault}, {`DateFromNum(9223372036854775807)`, fault}, {`DateFromNum([missing])`, fault},
		{`NumFromDate("1601-01-01")`, "0"}, {`NumFromDate("2012-01-01T23:00:00Z")`, "129699324000000000"}, {`NumFromDate("2012-01-01 23:00:00 -08:00")`, "129699612000000000"}, {`NumFromDate("1/1/2012")`, refused}, {`NumFromDate([missing])`, fault}, {`NumFromDate(CDate("1/1/2012 11:00:00 PM"))`, "129699324000000000"}, {`NumFromDate("1600-12-31")`, fault},
		{`FormatDateTime("2021-03-05", , "yyyy-MM-dd", "dddd d MMMM yyyy")`, "Friday 5 March 2021"}, {`FormatDateTime("2021-03-05 07:08:09", , "yyyy-MM-dd HH:mm:ss", "h:m:s t")`, "7:8:9 A"}, {`FormatDateTime("5.3.21", , "d.M.yy", "yyyy-MM-dd")`, "2021-03-05"},
		{`FormatDateTime("12:30 AM", , "hh:mm tt", "HH:mm")`, "00:30"}, {`FormatDateTime("2021-03-05T07:08:09.5Z", , "yyyy-MM-ddTHH:mm:ss.fK", "fff FFF")`, "500 5"}, {`FormatDateTime("2021-03-05+01:00", , "yyyy-MM-ddzzz", "yyyy-MM-dd HH zz K")`, "2021-03-04 23 +00 Z"},
		{`FormatDateTime("20210305", , "yyyyMMdd", "\"day\" d \\h 'M'")`, "day 5 h M"}, {`FormatDateTime([missing], , "yyyy", "yy")`, fault}, {`FormatDateTime([e], , "yyyy", "yy")`, fault}, {`FormatDateTime("2021-3-5", , "yyyy-MM-dd", "yyyy")`, fault}, {`FormatDateTime("x2021", , "yyyy", "yy")`, fault}, {`FormatDateTime(" 2021 ", , "yyyy", "yy")`, "21"}, {`FormatDateTime(" 2021 ", "None", "yyyy", "yy")`, fault},
		// Encodings and names.
		{`ConvertToBase64([e])`, ""}, {`ConvertToBase64([missing])`, null}, {`ConvertFromBase64("SGVsbG8gd29ybGQh", UTF8)`, "Hello world!"}, {`ConvertFromBase64("SABlAGwAbABvACAAdwBvAHIAbABkACEA")`, "Hello world!"}, {`ConvertFromBase64("SGk", UTF8)`, fault}, {`ConvertFromBase64("SGk=", utf8)`, refused},
		{`ConvertToUTF8Hex([e])`, ""}, {`ConvertFromUTF8Hex("c3AB")`, "ë"}, {`ConvertFromUTF8Hex("C3")`, fault}, {`ConvertFromUTF8Hex("xyz")`, fault}, {`ConvertFromUTF8Hex([missing])`, null},
		{`CStr([n])`, "7"}, {`CStr([t])`, "True"}, {`CStr([l])`, fault}, {`CStr([missing])`, null}, {`CNum("042")`, "42"}, {`CNum("4.2")`, fault}, {`CNum([missing])`, fault}, {`CRef([s])`, "a,b"}, {`CRef([missing])`, null},
		{`CGuid("00112233-4455-6677-8899-AABBCCDDEEFF")`, "MyIRAFVEd2aImaq7zN3u/w=="}, {`CGuid("0011223344556677-8899-AABBCCDDEEFF--")`, fault}, {`CGuid([missing])`, null}, {`IsGuid("{00112233-4455-6677-8899-aabbccddeeff}")`, "True"}, {`IsGuid("{00112233-4455-6677-8899-aabbccddeeff")`, "False"}, {`IsGuid("00112233-4455-6677-8899-aabbccddeefg")`, "False"}, {`IsGuid([missing])`, "False"}, {`IsGuid([l])`, "False"},
		// Connect Sync.
		{`BitOr(1, 6)`, "7"}, {`IsBitSet(&HF, 4)`, "True"}, {`IsBitSet(8, 4)`, "False"}, {`IsBitSet([missing], 4)`, fault}, {`IsDate("2021-01-01")`, "True"}, {`IsDate(Now())`, "True"}, {`IsDate("2021-13-01")`, "False"}, {`IsDate([missing])`, "False"}, {`IsDate([l])`, "False"}, {`IsDate([n])`, "False"},
		{`IsEmpty([missing])`, "False"}, {`IsEmpty([e])`, "True"}, {`IsEmpty([s])`, "False"}, {`IsNumeric("-1.5")`, "True"}, {`IsNumeric("1e5")`, "False"}, {`IsNumeric([n])`, "True"}, {`IsNumeric([t])`, "False"}, {`IsNumeric([missing])`, "False"},
		{`Contains([l], "y")`, "2"}, {`Contains([l], "Y")`, "0"}, {`Contains([l], "Y", CaseInsensitive)`, "2"}, {`Contains([s], "b")`, "1"}, {`Contains([missing], "b")`, "0"}, {`Contains([l], "y", "CaseInsensitive")`, refused}, {`Contains([l], "y", UTF8)`, refused},
		{`ItemOrNull([l], 2)`, "y"}, {`ItemOrNull([l], 3)`, null}, {`ItemOrNull([l], 0)`, null}, {`ItemOrNull([missing], 1)`, null}, {`ItemOrNull([l], "x")`, refused},
		{`DNComponentRev("cn=Joe,ou=Atlanta,ou=GA,ou=US, dc=contoso,dc=com", 3)`, "US"}, {`DNComponentRev("cn=Joe,ou=US, dc=contoso", 1, "DC")`, "US"}, {`DNComponentRev("cn=Joe", 2)`, ""}, {`DNComponentRev("cn=Joe", 0)`, fault}, {`DNComponentRev([missing], 1)`, null}, {`DNComponentRev("cn=Joe", 1, "dc")`, refused}, {`DNComponentRev("dc=a", 1, "DC")`, ""},
		{`EscapeDNComponent("cn= Doe, \"J\" <x>; a+b\\ ")`, `cn=\ Doe\, \"J\" \<x\>\; a\+b\\\ `}, {`EscapeDNComponent("cn=#1")`, `cn=\#1`}, {`EscapeDNComponent("a,b")`, `a\,b`}, {`EscapeDNComponent([missing])`, null}, {`DNComponent(Append(EscapeDNComponent("cn=a, b"), ",dc=x"), 1)`, "a, b"},
		{`InStrRev("abbcdbbbef", "bb")`, "7"}, {`InStrRev("abab", "ab", 3)`, "1"}, {`InStrRev("aXbx", "X", , vbTextCompare)`, "4"}, {`InStrRev("a", "b")`, "0"}, {`InStrRev([missing], "b")`, "0"}, {`InStrRev("a", "a", 0)`, fault}, {`InStrRev("öaöa", "a")`, "4"},
		{`LCase("TeSt")`, "test"}, {`UCase("TeSt")`, "TEST"}, {`LCase([missing])`, ""}, {`Len("John Doe")`, "8"}, {`Len([u])`, "3"}, {`Len([missing])`, "0"}, {`Right("John Doe", 3)`, "Doe"}, {`Right([u], 1)`, "ï"}, {`Right("a", 0)`, ""}, {`Right("ab", -1)`, "ab"}, {`Right("ab", 9)`, "ab"}, {`Right([missing], 1)`, ""},
		{`PadLeft("User", 10, "0")`, "000000User"}, {`PadRight("User", 10, "0")`, "User000000"}, {`PadLeft("User", 3, "0")`, "User"}, {`PadLeft([missing], 3, "0")`, ""}, {`PadLeft("a", 2, "00")`, fault}, {`PadLeft("a", 2, "")`, fault}, {`PadLeft("ä", 3, "ö")`, "ööä"}, {`PadRight("a", 9999999, "0")`, fault}, {`PadLeft("a", -1, "0")`, "a"},
		{`ReplaceChars("Räksmörgås", "’:,Å:A,Ä:A,Ö:O,å:a,ä:a,ö:o")`, "Raksmorgas"}, {`ReplaceChars("O’Neil", "’:")`, "ONeil"}, {`ReplaceChars("ö", " ö : oe ")`, "oe"}, {`ReplaceChars("ö", "ö,o")`, refused}, {`ReplaceChars("ö", "oe:ö")`, refused}, {`ReplaceChars("ö", "")`, "ö"}, {`ReplaceChars([missing], "a:b")`, null}, {`ReplaceChars("a", [s])`, fault},
		// Variables.
		{`Select($item, [l], $item & "!")`, `["x!","y!"]`}, {`Select($item, [s], ToUpper($item))`, `["A,B"]`}, {`Select($i, [missing], $i)`, null}, {`Select($i, [l], [missing])`, null}, {`Select($i, [l], Select($j, [l], $i & $j))`, `[["xx","xy"],["yx","yy"]]`},
		{`Where($i, [l], $i = "y")`, `["y"]`}, {`Where($i, [l], "yes")`, refused}, {`Where($i, [l], $i)`, fault}, {`Where($i, [l], False)`, null}, {`Where($item, [none], True)`, null}, {`Count(Where($i, [l], IsPresent($i)))`, "2"},
		{`With($v, [s], Append($v, $v))`, "a,ba,b"}, {`With($v, [missing], IsNull($v))`, "True"}, {`With($v, "a", With($v, $v & "b", $v & "c"))`, "abc"}, {`With($v, "a", "b") & $v`, refused},
		{`$v`, refused}, {`With("v", "a", "b")`, refused}, {`With($, "a", "b")`, refused}, {`With($v, $v, "b")`, refused}, {`With($v, "a")`, refused}, {`Select(, [l], "a")`, refused}, {`Append($v, "a")`, refused}, {`With($v, "a", $w)`, refused}, {`With($v, IgnoreObjectFlow, "b") `, "(ignored)"},
		// Replace: what is given decides.
		{`Replace([missing], "a", , , "b", , )`, null}, {`Replace([missing], , "a", , "b", , )`, null}, {`Replace([missing], , "(?<g>a)", "g", "b", , )`, null}, {`Replace("aa", "a", , , "b", , )`, "bb"}, {`Replace("Aa", "a", , , "b", , )`, "Ab"}, {`Replace("a.b", ".", , , "", , )`, "ab"},
		{`Replace("jd", "<u>", , , , , "<u>@x/<u>")`, "jd@x/jd"}, {`Replace("jd", "<u>", , , , , "none")`, "none"}, {`Replace([e], "<u>", , , , , "<u>@x")`, "@x"}, {`Replace("abc", , "x", , "y", , )`, "abc"}, {`Replace("abc", , "(?<n>b)", "n", "${n}", , )`, "a${n}c"}, {`Replace("abc", , "(?<n>b)", "m", "x", , )`, refused},
		{`Replace("abcabc", , "(?<n>b)c", "n", "-", , )`, "a-ca-c"}, {`Replace("x", , "(?<n>b)", "n", , "abc", )`, "x"}, {`Replace([e], , "(?<n>b)", "n", , "abc", )`, "b"}, {`Replace([e], , "(?<n>z)", "n", , "abc", )`, null}, {`Replace("a", "b", "c", , "d", , )`, refused}, {`Replace("a", "b", , , , , )`, refused}, {`Replace("a", , "b", "g", , , )`, refused}, {`Replace("a", "b", , , "c", , , "x")`, refused},
		{`Replace("ab", , "(?<=a)b", , "x", , )`, refused}, {`Replace("aa", , "(a)\\1", , "x", , )`, refused}, {`Replace("AB", , "(?i)b", , "x", , )`, "Ax"}, {`Replace("a1b", , "\d", , "-", , )`, "a-b"}, {`Replace("a\b", "\\", , , "/", , )`, "a/b"}, {`Replace("John Smith", , "(\w+) (\w+)", , "$2, $1", , )`, "Smith, John"},
		// Others.
		{`SingleAppRoleAssignment([one])`, "x"}, {`SingleAppRoleAssignment([none])`, null}, {`AppRoleAssignments([missing])`, null}, {`Prepend("t-", [missing])`, null}, {`Redact([missing])`, null}, {`Error("no")`, fault}, {`StringFromSid([missing])`, null}, {`DNComponent([e], 1)`, ""},
	} {
		e, err := Parse(test.expression)
		if test.want == refused {
			if err == nil {
				t.Errorf("%s is accepted", test.expression)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.expression, err)
			continue
		}
		result, err := e.Evaluate(&Environment{Attribute: source.Get, Now: at("2021-07-02T15:33:38Z"), Random: seeded(1)})
		got := result.Value.String()
		var failed *EvaluationError
		switch {
		case errors.As(err, &failed):
			got = fault
		case err != nil:
			t.Errorf("%s: %v", test.expression, err)
			continue
		case result.Ignore != IgnoreNothing:
			got = "(ignored)"
		case result.Value.IsNull():
			got = null
		}
		if got != test.want {
			t.Errorf("%s gives %q (%v), want %q", test.expression, got, err, test.want)
		}
	}
}

// The table of letters in the service's documents, row by row.
func TestNormalizeDiacriticsTable(t *testing.T) {
	for want, letters := range map[string]string{
		"a": "ä à â ã å á ą ă ā ā́ ā̀ ā̂ ā̃ ǟ ā̈ ǡ a̱ å̄", "A": "Ä À Â Ã Å Á Ą Ă Ā Ā́ Ā̀ Ā̂ Ā̃ Ǟ Ā̈ Ǡ A̱ Å̄",
		"ae": "æ ǣ", "AE": "Æ Ǣ", "c": "ç č ć c̄ c̱", "C": "Ç Č Ć C̄ C̱", "d": "ď d̄ ḏ", "D": "Ď D̄ Ḏ",
		"e": "ë è é ê ę ě ė ē ḗ ḕ ē̂ ē̃ ê̄ e̱ ë̄ e̊̄", "E": "Ë È É Ê Ę Ě Ė Ē Ḗ Ḕ Ē̂ Ē̃ Ê̄ E̱ Ë̄ E̊̄", "g": "ğ ḡ g̱", "G": "Ğ Ḡ G̱",
		"i": "ï î ì í ı ī ī́ ī̀ ī̂ ī̃ i̱", "I": "Ï Î Ì Í İ Ī Ī́ Ī̀ Ī̂ Ī̃ I̱", "l": "ľ ł l̄ ḹ ḻ", "L": "Ł Ľ L̄ Ḹ Ḻ",
		"n": "ñ ń ň n̄ ṉ", "N": "Ñ Ń Ň N̄ Ṉ", "o": "ö ò ő õ ô ó ō ṓ ṑ ō̂ ō̃ ȫ ō̈ ǭ ȭ ȱ o̱", "O": "Ö Ò Ő Õ Ô Ó Ō Ṓ Ṑ Ō̂ Ō̃ Ȫ Ō̈ Ǭ Ȭ Ȱ O̱",
		"oe": "ø ø̄ œ̄", "OE": "Ø Ø̄ Œ̄", "r": "ř r̄ ṟ ṝ", "R": "Ř R̄ Ṟ Ṝ", "ss": "ß", "s": "š ś ș ş s̄ s̱", "S": "Š Ś Ș Ş S̄ S̱",
		"t": "ť ț t̄ ṯ", "T": "Ť Ț T̄ Ṯ", "u": "ü ù û ú ů ű ū ū́ ū̀ ū̂ ū̃ u̇̄ ǖ ṻ ṳ̄ u̱", "U": "Ü Ù Û Ú Ů Ű Ū Ū́ Ū̀ Ū̂ Ū̃ U̇̄ Ǖ Ṻ Ṳ̄ U̱",
		"y": "ÿ ý ȳ ȳ́ ȳ̀ ȳ̃ y̱", "Y": "Ÿ Ý Ȳ Ȳ́ Ȳ̀ Ȳ̃ Y̱", "z": "ź ž ż z̄ ẕ", "Z": "Ź Ž Ż Z̄ Ẕ",
	} {
		for _, letter := range strings.Fields(letters) {
			if got := normalizeDiacritics(letter); got != want {
				t.Errorf("%s becomes %q, want %q", letter, got, want)
			}
		}
	}
}
