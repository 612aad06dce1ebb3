package expression

import (
	"strings"
	"time"
)

// inCalendar reports whether dates of the language reach to t: the years 1 to
// 9999.
func inCalendar(t time.Time) bool { return t.Year() >= 1 && t.Year() <= 9999 }

// parseInstant reads a date in one of the forms that CDate takes, in UTC
// unless it has an offset:
//
//	yyyy-MM-dd
//	yyyy-MM-ddTHH:mm[:ss[.f…]], or with a blank for the T
//	yyyy-MM-dd h:mm[:ss] tt
//	M/d/yyyy [h:mm[:ss] tt]
//
// those that begin with the year followed, if need be after a blank, by Z or
// ±h[h][:mm].
func parseInstant(text string) (time.Time, bool) {
	text = strings.TrimSpace(text)
	if t, ok := parseISO(text, true); ok {
		return t, ok
	}
	r := reader{text: text}
	var d dateParts
	ok := r.digits(&d.month, 1, 2) && r.literal("/") && r.digits(&d.day, 1, 2) && r.literal("/") && r.digits(&d.year, 4, 4)
	if ok && !r.done() {
		ok = r.blanks() && r.digits(&d.hour, 1, 2) && r.minutes(&d) && r.blanks() && r.halfDay(&d)
	}
	if !ok || !r.done() {
		return time.Time{}, false
	}
	return d.time()
}

// parseISO reads the forms that begin with the year; those with tt only when
// halfDays.
func parseISO(text string, halfDays bool) (time.Time, bool) {
	r := reader{text: text}
	var d dateParts
	if !(r.digits(&d.year, 4, 4) && r.literal("-") && r.digits(&d.month, 2, 2) && r.literal("-") && r.digits(&d.day, 2, 2)) {
		return time.Time{}, false
	}
	if r.literal("T") || r.blankBeforeDigit() {
		start := r.at
		if !r.digits(&d.hour, 1, 2) || !r.minutes(&d) {
			return time.Time{}, false
		}
		short := r.text[start+1] == ':'
		beforeHalf := r.at
		half := halfDays && r.blanks() && r.halfDay(&d)
		if !half {
			r.at = beforeHalf
			if short || !r.fraction(&d) {
				return time.Time{}, false
			}
		}
	}
	r.blanks()
	if !r.done() && !r.offset(&d) || !r.done() {
		return time.Time{}, false
	}
	return d.time()
}

// dateParts are the parts of a date as they were read.
type dateParts struct {
	year, month, day, hour, minute, second, nanos int
	offset                                        int // seconds east of UTC
	half                                          half
}

// half is the half of the day that an hour of 12 belongs to.
type half uint8

const (
	wholeDay half = iota
	morning
	afternoon
)

// time gives the point in time in UTC; false when there is no such date.
func (d dateParts) time() (time.Time, bool) {
	hour := d.hour
	if d.half != wholeDay {
		if hour < 1 || hour > 12 {
			return time.Time{}, false
		}
		hour %= 12
		if d.half == afternoon {
			hour += 12
		}
	}
	if hour > 23 || d.minute > 59 || d.second > 59 || d.year < 1 || d.month < 1 || d.month > 12 {
		return time.Time{}, false
	}
	t := time.Date(d.year, time.Month(d.month), d.day, hour, d.minute, d.second, d.nanos, time.UTC)
	if t.Day() != d.day {
		return time.Time{}, false
	}
	t = t.Add(-time.Duration(d.offset) * time.Second)
	return t, inCalendar(t)
}

// reader takes the parts of a date from a text. Its methods report whether the
// part was there.
type reader struct {
	text string
	at   int
}

func (r *reader) done() bool { return r.at == len(r.text) }

func (r *reader) literal(s string) bool {
	if !strings.HasPrefix(r.text[r.at:], s) {
		return false
	}
	r.at += len(s)
	return true
}

// blanks passes blanks, of which there must be one.
func (r *reader) blanks() bool {
	start := r.at
	for r.literal(" ") {
	}
	return r.at > start
}

// blankBeforeDigit passes a blank that a digit follows.
func (r *reader) blankBeforeDigit() bool {
	if r.at+1 >= len(r.text) || r.text[r.at] != ' ' || !isDigit(r.text[r.at+1]) {
		return false
	}
	r.at++
	return true
}

// digits reads a number of so many digits.
func (r *reader) digits(n *int, least, most int) bool {
	*n = 0
	start := r.at
	for r.at < len(r.text) && r.at-start < most && isDigit(r.text[r.at]) {
		*n = *n*10 + int(r.text[r.at]-'0')
		r.at++
	}
	return r.at-start >= least
}

// minutes reads :mm[:ss].
func (r *reader) minutes(d *dateParts) bool {
	if !r.literal(":") || !r.digits(&d.minute, 2, 2) {
		return false
	}
	return !r.literal(":") || r.digits(&d.second, 2, 2)
}

// halfDay reads AM or PM in any case.
func (r *reader) halfDay(d *dateParts) bool {
	if len(r.text)-r.at < 2 {
		return false
	}
	switch strings.ToUpper(r.text[r.at : r.at+2]) {
	case "AM":
		d.half = morning
	case "PM":
		d.half = afternoon
	default:
		return false
	}
	r.at += 2
	return true
}

// fraction reads a point and digits, if there is a point.
func (r *reader) fraction(d *dateParts) bool {
	if !r.literal(".") {
		return true
	}
	start := r.at
	if !r.digits(&d.nanos, 1, 9) {
		return false
	}
	for i := r.at - start; i < 9; i++ {
		d.nanos *= 10
	}
	return true
}

// offset reads Z or ±h[h][:mm], of at most 14 hours.
func (r *reader) offset(d *dateParts) bool {
	if r.literal("Z") {
		return true
	}
	sign := 1
	if r.literal("-") {
		sign = -1
	} else if !r.literal("+") {
		return false
	}
	var hours, minutes int
	if !r.digits(&hours, 1, 2) || r.literal(":") && !r.digits(&minutes, 2, 2) || minutes > 59 {
		return false
	}
	d.offset = sign * (hours*60 + minutes) * 60
	return hours*60+minutes <= 14*60
}
