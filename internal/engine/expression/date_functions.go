package expression

import (
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

var intervalParameter = Parameter{Name: "interval", Type: TypeText, Allowed: []string{"yyyy", "m", "d", "ww", "h", "n", "s"}}

func date(name string) Parameter { return Parameter{Name: name, Type: TypeDate} }

var dateFunctions = []definition{
	{
		Function: Function{
			Name: "CDate", Result: TypeDate, Parameters: []Parameter{date("value")},
			Summary: "Gives the date that a text spells: yyyy-MM-dd, with T or a blank and HH:mm[:ss[.f]], each with Z or an offset, or M/d/yyyy [h:mm[:ss] tt]. Without offset it is UTC.",
			Null:    "Null, empty and what is no date are errors.",
			Example: Example{`CDate([StatusHireDate])`, source("StatusHireDate", "2020-03-16-07:00"), "3/16/2020 7:00:00 AM", false},
		},
		evaluate: func(in invocation) (directory.Value, error) {
			t, err := in.time(0)
			return directory.Time(t), err
		},
	},
	{
		Function: Function{
			Name: "DateAdd", Result: TypeDate, Parameters: []Parameter{intervalParameter, integer("value"), date("date")},
			Summary: "Gives the date so many years (yyyy), months (m), days (d), weeks (ww), hours (h), minutes (n) or seconds (s) later; a month without that day ends on its last.",
			Null:    "Null is an error.",
			Example: Example{`DateAdd("d", 7, CDate([StatusHireDate]))`, source("StatusHireDate", "2012-03-16-07:00"), "3/23/2012 7:00:00 AM", false},
		},
		evaluate: dateAdd,
	},
	{
		Function: Function{
			Name: "DateDiff", Result: TypeInteger, Parameters: []Parameter{intervalParameter, date("date1"), date("date2")},
			Summary: "Gives how much later the second date is: whole days (d), hours (h), minutes (n), seconds (s); turns of the year (yyyy), the month (m), or the week (ww), on Sunday.",
			Null:    "Null is an error.",
			Example: Example{`DateDiff("d", CDate("2021-08-18"), CDate("2021-08-31"))`, nil, "13", false},
		},
		evaluate: dateDiff,
	},
	{
		Function: Function{
			Name: "DateFromNum", Result: TypeDate, Parameters: []Parameter{integer("value")},
			Summary: "Gives the date of Active Directory's number: 100 nanoseconds since 1601 in UTC.",
			Null:    "Null and a number beyond the year 9999 are errors.",
			Example: Example{`DateFromNum(129699324000000000)`, nil, "1/1/2012 11:00:00 PM", false},
		},
		evaluate: dateFromNum,
	},
	{
		Function: Function{
			Name: "FormatDateTime", Result: TypeText,
			Parameters: []Parameter{anything("source"), optional(text("dateTimeStyles")), text("inputFormat"), text("outputFormat")},
			Summary:    "Reads a date in one .NET format and writes it, in UTC, in another. The styles may be left out with their comma.",
			Null:       "Null, empty and what does not fit the format are errors. A date needs no input format but has one.",
			Example:    Example{`FormatDateTime([extensionAttribute1], , "yyyyMMddHHmmss.fZ", "yyyy-MM-dd")`, source("extensionAttribute1", "20150123105347.1Z"), "2015-01-23", false},
		},
		arrange:  arrangeFormat,
		prepare:  prepareFormat,
		evaluate: formatDateTime,
	},
	{
		Function: Function{
			Name: "Now", Result: TypeDate,
			Summary: "Gives the time of the evaluation, in UTC.",
			Null:    "It takes nothing.",
			Example: Example{`Now()`, nil, "7/2/2021 3:33:38 PM", false},
		},
		impure:   true,
		evaluate: now,
	},
	{
		Function: Function{
			Name: "NumFromDate", Result: TypeInteger, Parameters: []Parameter{date("value")},
			Summary: "Gives Active Directory's number for a date in ISO 8601, a blank for the T allowed: 100 nanoseconds since 1601 in UTC.",
			Null:    "Null, empty and other forms of dates are errors.",
			Example: Example{`NumFromDate("2012-01-01 23:00:00")`, nil, "129699324000000000", false},
		},
		prepare: func(n *call) (any, *refusal) {
			if source, constant := n.text(0); constant {
				if _, ok := parseISO(source, false); !ok {
					return nil, &refusal{problem: "the text is no date in ISO 8601", expected: "a text such as 2026-11-21T09:30:00Z"}
				}
			}
			return nil, nil
		},
		evaluate: numFromDate,
	},
}

// seconds of the intervals of fixed length.
var seconds = map[string]int64{"ww": 7 * 24 * 3600, "d": 24 * 3600, "h": 3600, "n": 60, "s": 1}

// maxSpan is more seconds than lie between any two dates.
const maxSpan = 10_000 * 366 * 24 * 3600

func dateAdd(in invocation) (directory.Value, error) {
	interval, err := in.choice(0)
	if err != nil {
		return directory.Null, err
	}
	value, err := in.integer(1)
	if err != nil {
		return directory.Null, err
	}
	t, err := in.time(2)
	if err != nil {
		return directory.Null, err
	}
	later, ok := addInterval(t, interval, value)
	if !ok {
		return directory.Null, in.faultOf(1, directory.Integer(value), "the date would not be in the years 1 to 9999")
	}
	return directory.Time(later), nil
}

// addInterval gives the date so many intervals later; false when there is none.
func addInterval(t time.Time, interval string, value int64) (time.Time, bool) {
	if value > maxSpan || value < -maxSpan {
		return time.Time{}, false
	}
	switch interval {
	case "yyyy":
		return addMonths(t, 12*value)
	case "m":
		return addMonths(t, value)
	}
	step := seconds[interval]
	if value > maxSpan/step || value < -maxSpan/step {
		return time.Time{}, false
	}
	t = time.Unix(t.Unix()+value*step, int64(t.Nanosecond())).UTC()
	return t, inCalendar(t)
}

// addMonths gives the same day so many months later, or the month's last.
func addMonths(t time.Time, months int64) (time.Time, bool) {
	months += int64(t.Year())*12 + int64(t.Month()) - 1
	if months < 12 || months >= 10_000*12 {
		return time.Time{}, false
	}
	first := time.Date(int(months/12), time.Month(months%12+1), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1), true
}

func dateDiff(in invocation) (directory.Value, error) {
	interval, err := in.choice(0)
	if err != nil {
		return directory.Null, err
	}
	from, err := in.time(1)
	if err != nil {
		return directory.Null, err
	}
	to, err := in.time(2)
	if err != nil {
		return directory.Null, err
	}
	var difference int
	switch interval {
	case "yyyy":
		difference = to.Year() - from.Year()
	case "m":
		difference = (to.Year()-from.Year())*12 + int(to.Month()) - int(from.Month())
	case "ww":
		difference = week(to) - week(from)
	default:
		difference = int(elapsed(from, to) / seconds[interval])
	}
	return directory.Integer(int64(difference)), nil
}

// week numbers the weeks, which begin on Sunday.
func week(t time.Time) int {
	const days = 24 * 3600
	midnight := t.Unix() - (t.Unix()%days+days)%days
	// 4 January 1970 is a Sunday; the years before count down to 1.
	const sunday = 3*days - 200_000*7*days
	return int((midnight - sunday) / (7 * days))
}

// elapsed gives the whole seconds between, rounded toward zero. (A Duration
// holds 292 years only.)
func elapsed(from, to time.Time) int64 {
	difference := to.Unix() - from.Unix()
	switch nanos := to.Nanosecond() - from.Nanosecond(); {
	case difference > 0 && nanos < 0:
		difference--
	case difference < 0 && nanos > 0:
		difference++
	}
	return difference
}

func now(in invocation) (directory.Value, error) {
	if in.env.Now == nil {
		return directory.Null, in.fault(-1, "the time is not given here")
	}
	t, err := in.env.Now()
	if err != nil {
		return directory.Null, err
	}
	return directory.Time(t), nil
}

// Active Directory counts ticks of 100 ns from 1601.
const (
	ticksASecond  = 10_000_000
	secondsTo1601 = -11_644_473_600
)

func dateFromNum(in invocation) (directory.Value, error) {
	ticks, err := in.integer(0)
	if err != nil {
		return directory.Null, err
	}
	t := time.Unix(secondsTo1601+ticks/ticksASecond, ticks%ticksASecond*100).UTC()
	if ticks < 0 || !inCalendar(t) {
		return directory.Null, in.faultOf(0, directory.Integer(ticks), "the date would not be in the years 1601 to 9999")
	}
	return directory.Time(t), nil
}

func numFromDate(in invocation) (directory.Value, error) {
	value, err := in.single(0)
	if err != nil {
		return directory.Null, err
	}
	t, ok := value.AsTime()
	if !ok {
		text, _ := value.AsText()
		t, ok = parseISO(text, false)
	}
	if !ok || t.Unix() < secondsTo1601 || !inCalendar(t) {
		return directory.Null, in.faultOf(0, value, "a date from 1601 on in ISO 8601 is expected, such as 2026-11-21T09:30:00Z; FormatDateTime changes other forms")
	}
	return directory.Integer((t.Unix()-secondsTo1601)*ticksASecond + int64(t.Nanosecond())/100), nil
}
