package expression

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestCDateForms(t *testing.T) {
	for text, want := range map[string]string{
		"2020-03-16":                    "2020-03-16T00:00:00Z",
		"2020-03-16Z":                   "2020-03-16T00:00:00Z",
		"2020-03-16-07:00":              "2020-03-16T07:00:00Z",
		"2020-03-16+5":                  "2020-03-15T19:00:00Z",
		"2021-06-30+08:00":              "2021-06-29T16:00:00Z",
		"2020-03-16T05:06":              "2020-03-16T05:06:00Z",
		"2020-03-16 05:06:07":           "2020-03-16T05:06:07Z",
		"2020-03-16 05:06:07 +01":       "2020-03-16T04:06:07Z",
		"2020-03-16T05:06:07.5Z":        "2020-03-16T05:06:07.5Z",
		"2020-03-16T05:06:07.123456789": "2020-03-16T05:06:07.123456789Z",
		"2020-03-16 5:06 PM -8":         "2020-03-17T01:06:00Z",
		"2020-03-16 12:06 am":           "2020-03-16T00:06:00Z",
		"3/16/2020":                     "2020-03-16T00:00:00Z",
		"03/06/2020 12:00:00 PM":        "2020-03-06T12:00:00Z",
		"3/16/2020 1:02 AM":             "2020-03-16T01:02:00Z",
		" 2020-03-16 ":                  "2020-03-16T00:00:00Z",
		"0001-01-01":                    "0001-01-01T00:00:00Z",
		"9999-12-31T23:59:59":           "9999-12-31T23:59:59Z",
		"2000-02-29":                    "2000-02-29T00:00:00Z",

		"": "", "0000-01-01": "", "0001-01-01+01:00": "", "9999-12-31T23:59:59-01:00": "", "1900-02-29": "",
		"2020-3-16": "", "2020-00-01": "", "2020-13-01": "", "2020-01-00": "", "2020-01-32": "", "2020-01-01T24:00": "",
		"2020-01-01T5:00": "", "2020-01-01T05": "", "2020-01-01T05:6": "", "2020-01-01T05:60": "", "2020-01-01T05:00:60": "",
		"2020-01-01T05:00:00.": "", "2020-01-01 13:00 PM": "", "2020-01-01 0:30 AM": "", "2020-01-01+15:00": "", "2020-01-01+1:60": "",
		"2020-01-01+": "", "2020-01-01X": "", "2020-01-01Z ": "2020-01-01T00:00:00Z", "2020-01-01 Z x": "", "1/1/20": "", "13/1/2020": "",
		"1/1/2020 ": "2020-01-01T00:00:00Z", "1/1/2020 1:00": "", "1/1/2020Z": "", "２020-01-01": "",
	} {
		got, ok := parseInstant(text)
		if ok != (want != "") || ok && got.Format(time.RFC3339Nano) != want {
			t.Errorf("%q is %v (%v), want %q", text, got, ok, want)
		}
	}
}

func TestDateAdd(t *testing.T) {
	for _, test := range []struct {
		interval string
		value    int64
		date     string
		want     string
	}{
		{"m", 1, "2021-01-31", "2021-02-28"}, {"m", 1, "2024-01-31", "2024-02-29"}, {"m", -2, "2021-01-31", "2020-11-30"},
		{"m", -13, "2021-01-15", "2019-12-15"}, {"yyyy", 1, "2024-02-29", "2025-02-28"}, {"yyyy", -1, "2024-02-29", "2023-02-28"},
		{"ww", -1, "2021-01-01", "2020-12-25"}, {"d", 365, "2021-01-01", "2022-01-01"}, {"h", 24, "2021-01-01", "2021-01-02"},
		{"n", -1440, "2021-01-01", "2020-12-31"}, {"s", 86400, "2021-01-01", "2021-01-02"}, {"d", 0, "2021-01-01", "2021-01-01"},
		{"yyyy", 7978, "2021-01-01", "9999-01-01"}, {"yyyy", 7979, "2021-01-01", ""}, {"yyyy", -2021, "2021-01-01", ""},
		{"d", 1, "9999-12-31", ""}, {"s", 1 << 62, "2021-01-01", ""}, {"ww", -1 << 63, "2021-01-01", ""}, {"m", 1 << 62, "2021-01-01", ""},
		{"yyyy", -1 << 63, "2021-01-01", ""},
	} {
		date, _ := parseInstant(test.date)
		got, ok := addInterval(date, test.interval, test.value)
		if ok != (test.want != "") || ok && got.Format(time.DateOnly) != test.want {
			t.Errorf("%s and %d %s: %v (%v), want %q", test.date, test.value, test.interval, got, ok, test.want)
		}
	}
}

func TestDateDiff(t *testing.T) {
	for _, test := range []struct{ interval, from, to, want string }{
		{"d", "2021-08-18+08:00", "2021-08-31+08:00", "13"},
		{"d", "2021-08-24T12:00", "2021-08-25T11:59:59", "0"},
		{"d", "2021-08-25T11:59:59", "2021-08-24T12:00", "0"},
		{"d", "0001-01-01", "9999-12-31", "3652058"},
		{"s", "0001-01-01", "9999-12-31", "315537811200"},
		{"s", "2021-08-24T12:00:00.9", "2021-08-24T12:00:02.1", "1"},
		{"s", "2021-08-24T12:00:02.1", "2021-08-24T12:00:00.9", "-1"},
		{"n", "2021-08-24T12:00:59", "2021-08-24T12:01:58", "0"},
		{"h", "2021-08-24T12:00", "2021-08-24T14:59", "2"},
		{"ww", "2021-08-25T17:41:18", "2012-03-16-07:00", "-493"},
		{"ww", "2021-08-28", "2021-08-29", "1"},
		{"ww", "2021-08-29", "2021-09-04T23:59", "0"},
		{"ww", "1969-12-27", "1969-12-28", "1"},
		{"ww", "0001-01-01", "0001-01-07", "1"},
		{"m", "2021-01-31", "2021-02-01", "1"},
		{"yyyy", "2020-12-31T23:59:59", "2021-01-01", "1"},
	} {
		e, err := Parse(`DateDiff("` + test.interval + `", "` + test.from + `", "` + test.to + `")`)
		if err != nil {
			t.Fatal(err)
		}
		result, err := e.Evaluate(&Environment{})
		if err != nil || result.Value.String() != test.want {
			t.Errorf("%s gives %v, error %v; want %s", e, result.Value, err, test.want)
		}
	}
}

func TestActiveDirectoryNumbers(t *testing.T) {
	for _, test := range []struct{ expression, want string }{
		{`DateFromNum(0)`, "1/1/1601 12:00:00 AM"},
		{`DateFromNum(2650467743999999999)`, "12/31/9999 11:59:59 PM"},
		{`DateFromNum("129699324000000000")`, "1/1/2012 11:00:00 PM"},
		{`NumFromDate("1601-01-01")`, "0"},
		{`NumFromDate(CDate("1/1/2012 11:00:00 PM"))`, "129699324000000000"},
		{`NumFromDate("2012-01-01T23:00:00.0000001")`, "129699324000000001"},
	} {
		e, err := Parse(test.expression)
		if err != nil {
			t.Fatal(err)
		}
		result, err := e.Evaluate(&Environment{})
		if err != nil || result.Value.String() != test.want {
			t.Errorf("%s gives %v, error %v; want %s", e, result.Value, err, test.want)
		}
	}
	for _, text := range []string{
		`DateFromNum(-1)`, `DateFromNum(2650467744000000000)`, `DateFromNum(9223372036854775807)`, `NumFromDate("1600-12-31")`,
		`NumFromDate("1/1/2012")`, `NumFromDate("2012-01-01 1:00 PM")`, `NumFromDate([a])`, `NumFromDate([b])`, `CDate([b])`,
	} {
		e, err := Parse(text)
		if err != nil {
			continue
		}
		if result, err := e.Evaluate(&Environment{Attribute: object(t, `{"b": ""}`).Get}); err == nil {
			t.Errorf("%s gives %v", text, result.Value)
		}
	}
}

func TestDateFormats(t *testing.T) {
	const text = "2021-03-05T07:08:09.0120000Z"
	date, _ := time.Parse(time.RFC3339Nano, text)
	for format, want := range map[string]string{
		"y": "2021 March", "%y": "21", "yy": "21", "yyy": "2021", "yyyy": "2021", "yyyyy": "02021",
		"%M": "3", "MM": "03", "MMM": "Mar", "MMMM": "March", "MMMMM": "March",
		"%d": "5", "dd": "05", "ddd": "Fri", "dddd": "Friday", "%H": "7", "HH": "07", "HHH": "07", "%h": "7", "hh": "07",
		"%m": "8", "mm": "08", "%s": "9", "ss": "09",
		"%f": "0", "ff": "01", "fff": "012", "fffffff": "0120000", "%F": "", "FF": "01", "FFFFFFF": "012", "ss.FFF": "09.012", "ss.F": "09",
		"%t": "A", "tt": "AM", "%z": "+0", "zz": "+00", "zzz": "+00:00", "%K": "Z", "KK": "ZZ", "%g": "A.D.",
		`'yyyy'"MM"\dd`: "yyyyMMd5", `h \h`: "7 h", "Zulu": "Zulu", "yyyy/MM-dd:x é": "2021/03-05:x é", `''yyyy`: "2021",
		"d": "03/05/2021", "D": "Friday, 05 March 2021", "o": "2021-03-05T07:08:09.0120000Z", "s": "2021-03-05T07:08:09",
		"u": "2021-03-05 07:08:09Z", "r": "Fri, 05 Mar 2021 07:08:09 GMT", "G": "03/05/2021 07:08:09", "t": "07:08",
	} {
		compiled, err := compileDateFormat(format)
		if err != nil || compiled.format(date) != want {
			t.Errorf("format %s gives %q, error %v; want %q", format, compiled.format(date), err, want)
		}
	}
	for _, format := range []string{"", "x", "é", "'yyyy", `yyyy\`, "yyyy%", "%%d", "ffffffff"} {
		if _, err := compileDateFormat(format); err == nil {
			t.Errorf("the format %q is accepted", format)
		}
	}
	noon, _ := time.Parse(time.RFC3339, "2021-03-05T12:00:00Z")
	hours, _ := compileDateFormat("h tt")
	if got := hours.format(noon); got != "12 PM" {
		t.Errorf("noon is %s", got)
	}
	if got := hours.format(noon.Add(12 * time.Hour)); got != "12 AM" {
		t.Errorf("midnight is %s", got)
	}
}

func TestDateParsing(t *testing.T) {
	for _, test := range []struct{ format, text, styles, want string }{
		{"yyyy-MM-dd", "2021-03-05", "", "2021-03-05T00:00:00Z"},
		{"yyyy-MM-dd", " 2021-03-05\t", "", "2021-03-05T00:00:00Z"},
		{"yyyy-MM-dd", " 2021-03-05", "None", ""},
		{"yyyy-MM-dd", "2021 - 03-05", "AllowInnerWhite", "2021-03-05T00:00:00Z"},
		{"yyyy-MM-dd", " 2021 -03-05 ", "AllowWhiteSpaces, AssumeUniversal", "2021-03-05T00:00:00Z"},
		{"yyyy-MM-dd", "2021-3-05", "", ""},
		{"yyyy-MM-dd", "2021-02-29", "", ""},
		{"yyyy-MM-dd", "2021-03-05x", "", ""},
		{"yyyy-M-d", "2021-3-05", "", "2021-03-05T00:00:00Z"},
		{"yy-M-d", "49-3-5", "", "2049-03-05T00:00:00Z"},
		{"yy-M-d", "50-3-5", "", "1950-03-05T00:00:00Z"},
		{"y-M-d", "7-3-5", "", "2007-03-05T00:00:00Z"},
		{"dddd, dd MMMM yyyy", "friday, 05 MARCH 2021", "", "2021-03-05T00:00:00Z"},
		{"dddd, dd MMMM yyyy", "Monday, 05 March 2021", "", ""},
		{"ddd MMM d yyyy", "Fri Mar 5 2021", "", "2021-03-05T00:00:00Z"},
		{"MMM yyyy", "May 2021", "", "2021-05-01T00:00:00Z"},
		{"h:mm tt", "12:05 AM", "", "0001-01-01T00:05:00Z"},
		{"h:mm tt", "12:05 pm", "", "0001-01-01T12:05:00Z"},
		{"h:mm", "12:05", "", "0001-01-01T00:05:00Z"},
		{"h:mm t", "1:05 P", "", "0001-01-01T13:05:00Z"},
		{"h:mm tt", "13:05 PM", "", ""},
		{"H:mm tt", "13:05 PM", "", "0001-01-01T13:05:00Z"},
		{"H:mm tt", "13:05 AM", "", ""},
		{"HH hh tt", "13 01 PM", "", "0001-01-01T13:00:00Z"},
		{"HH hh", "13 02", "", ""},
		{"HH", "24", "", ""},
		{"dd/dd", "05/06", "", ""},
		{"dd/dd", "05/05", "", "0001-01-05T00:00:00Z"},
		{"yyyyMMddHHmmss.f'Z'", "20150123105347.1Z", "", "2015-01-23T10:53:47.1Z"},
		{"ss.fff", "07.12", "", ""},
		{"ss.FFF", "07.12", "", "0001-01-01T00:00:07.12Z"},
		{"ss.FFF", "07", "", "0001-01-01T00:00:07Z"},
		{"ss.FFF", "07.", "", "0001-01-01T00:00:07Z"},
		{"yyyy-MM-ddzzz", "2020-12-31-08:00", "", "2020-12-31T08:00:00Z"},
		{"yyyy-MM-ddzzz", "2020-12-31-0800", "", "2020-12-31T08:00:00Z"},
		{"yyyy-MM-ddzz", "2020-12-31-08", "", "2020-12-31T08:00:00Z"},
		{"yyyy-MM-ddz", "2020-12-31-8", "", "2020-12-31T08:00:00Z"},
		{"yyyy-MM-ddzzz", "2020-12-31-15:00", "", ""},
		{"yyyy-MM-ddzzz", "2020-12-31-08:60", "", ""},
		{"yyyy-MM-ddzzz", "2020-12-31", "", ""},
		{"yyyy-MM-ddK", "2020-12-31", "", "2020-12-31T00:00:00Z"},
		{"yyyy-MM-ddK", "2020-12-31Z", "", "2020-12-31T00:00:00Z"},
		{"yyyy-MM-ddK", "2020-12-31+01:00", "", "2020-12-30T23:00:00Z"},
		{"yyyy-MM-ddK", "0001-01-01+01:00", "", ""},
		{"yyyy g", "2020 A.D.", "", "2020-01-01T00:00:00Z"},
		{"o", "2021-03-05T07:08:09.0120000Z", "", "2021-03-05T07:08:09.012Z"},
		{"yyyy", "0000", "", ""},
		{"yyyyyyyyy", "999999999", "", ""},
		{"MM", "00", "", ""},
	} {
		format, err := compileDateFormat(test.format)
		if err != nil {
			t.Errorf("%s: %v", test.format, err)
			continue
		}
		styles := defaultStyles
		if test.styles != "" {
			styles, _ = parseStyles(test.styles)
		}
		got, err := format.parse(test.text, styles)
		if (err == nil) != (test.want != "") || err == nil && got.Format(time.RFC3339Nano) != test.want {
			t.Errorf("%q by %s is %v, error %v; want %q", test.text, test.format, got, err, test.want)
		}
	}
}

func TestDateParsingSaysWhatWasExpected(t *testing.T) {
	format, err := compileDateFormat("yyyy-MM-dd")
	if err != nil {
		t.Fatal(err)
	}
	_, err = format.parse("2021-March", defaultStyles)
	if err == nil || !strings.Contains(err.Error(), "MM is expected after 5 characters") {
		t.Fatal(err)
	}
}

// What a format writes it reads again, as far as the format tells.
func TestFormattedDatesParse(t *testing.T) {
	formats := []string{"o", "yyyy-MM-dd'T'HH:mm:ss.fffffffK", "dddd d MMMM yyyy h:m:s.fffffff tt zzz", "yyyyMMddHHmmssfffffff", "M/d/yyyy hh:mm:ss.FFFFFFF tt"}
	rapid.Check(t, func(t *rapid.T) {
		seconds := rapid.Int64Range(-62135596800, 253402300799).Draw(t, "seconds")
		want := time.Unix(seconds, 100*rapid.Int64Range(0, 9_999_999).Draw(t, "ticks")).UTC()
		text := rapid.SampledFrom(formats).Draw(t, "format")
		format, err := compileDateFormat(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := format.parse(format.format(want), dateStyles{})
		if err != nil || !got.Equal(want) {
			t.Fatalf("%v by %s is %q, which is read as %v, error %v", want, text, format.format(want), got, err)
		}
	})
}

// Adding what lies between two dates to the first gives the second.
func TestDateDiffAndAddAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		instant := rapid.Map(rapid.Int64Range(-62135596800, 253402300799), func(s int64) time.Time { return time.Unix(s, 0).UTC() })
		from, to := instant.Draw(t, "from"), instant.Draw(t, "to")
		sum, ok := addInterval(from, "s", elapsed(from, to))
		if !ok || !sum.Equal(to) {
			t.Fatalf("%v plus %d s is %v, want %v", from, elapsed(from, to), sum, to)
		}
		later, ok := addInterval(from, "ww", 1)
		if ok && week(later) != week(from)+1 {
			t.Fatalf("a week after week %d is week %d", week(from), week(later))
		}
		if days := int(to.Unix()-from.Unix()) / (24 * 3600); to.After(from) && week(to)-week(from) > days/7+1 {
			t.Fatalf("%d weeks in %d days", week(to)-week(from), days)
		}
	})
}
