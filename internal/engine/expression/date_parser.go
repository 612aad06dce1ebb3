package expression

import (
	"strings"
	"time"
)

// dateParser reads a text token by token.
type dateParser struct {
	reader
	known [128]bool // parts that were read, by format letter; w is the weekday
	value [128]int
}

// token reads what the token stands for.
func (p *dateParser) token(k dateToken) bool {
	switch k.letter {
	case 0:
		return p.literal(k.literal)
	case 'y':
		return p.year(k.width)
	case 'M':
		if k.width > 2 {
			return p.month(k.width)
		}
		return p.number('M', k.width)
	case 'd':
		if k.width > 2 {
			return p.weekday(k.width)
		}
		return p.number('d', k.width)
	case 'H', 'h', 'm', 's':
		return p.number(k.letter, k.width)
	case 'f':
		return p.decimals(k.width, k.width)
	case 'F':
		return p.decimals(0, k.width)
	case 't':
		return p.designator(k.width)
	case 'z':
		return p.zone(k.width)
	case 'K':
		if p.done() {
			return true
		}
		return p.reader.literal("Z") && p.keep('z', 0) || p.zone(3)
	case 'g':
		return p.literal("A.D.") || p.literal("AD")
	}
	return false
}

// keep notes a part; false when it was read before and differs.
func (p *dateParser) keep(part byte, value int) bool {
	if p.known[part] {
		return p.value[part] == value
	}
	p.known[part], p.value[part] = true, value
	return true
}

// number reads one or two digits for a width of 1, else exactly as many.
func (p *dateParser) number(part byte, width int) bool {
	var n int
	return p.digits(&n, width, 2) && p.keep(part, n)
}

func (p *dateParser) year(width int) bool {
	least, most := width, max(width, 2)
	var n int
	if !p.digits(&n, least, most) {
		return false
	}
	if width <= 2 {
		// The invariant calendar's window ends with 2049.
		if n += 2000; n > 2049 {
			n -= 100
		}
	}
	return p.keep('y', n)
}

func (p *dateParser) month(width int) bool {
	for m := time.January; m <= time.December; m++ {
		if p.name(m.String(), width) {
			return p.keep('M', int(m))
		}
	}
	return false
}

func (p *dateParser) weekday(width int) bool {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if p.name(d.String(), width) {
			return p.keep('w', int(d))
		}
	}
	return false
}

// name reads a name in any case, its first three letters for a width of 3.
func (p *dateParser) name(name string, width int) bool {
	if width == 3 {
		name = name[:3]
	}
	rest := p.text[p.at:]
	if len(rest) < len(name) || !strings.EqualFold(rest[:len(name)], name) {
		return false
	}
	p.at += len(name)
	return true
}

// decimals reads digits of a fraction of a second.
func (p *dateParser) decimals(least, most int) bool {
	start := p.at
	var n int
	if !p.digits(&n, least, most) {
		return false
	}
	for i := p.at - start; i < 9; i++ {
		n *= 10
	}
	return p.keep('f', n)
}

// designator reads AM or PM, or its first letter for a width of 1.
func (p *dateParser) designator(width int) bool {
	switch {
	case p.name("AM"[:width], 0):
		return p.keep('t', int(morning))
	case p.name("PM"[:width], 0):
		return p.keep('t', int(afternoon))
	}
	return false
}

// zone reads an offset: hours for a width of 1 or 2, else also minutes, with or
// without colon.
func (p *dateParser) zone(width int) bool {
	sign := 1
	if p.literal("-") {
		sign = -1
	} else if !p.literal("+") {
		return false
	}
	var hours, minutes int
	if !p.digits(&hours, min(width, 2), 2) {
		return false
	}
	if width == 3 {
		p.literal(":")
		if !p.digits(&minutes, 2, 2) {
			return false
		}
	}
	offset := hours*60 + minutes
	return minutes < 60 && offset <= 14*60 && p.keep('z', sign*offset*60)
}

// part gives what was read, or else what stands for it.
func (p *dateParser) part(part byte, absent int) int {
	if p.known[part] {
		return p.value[part]
	}
	return absent
}

// time puts the parts together; false when there is no such date.
func (p *dateParser) time() (time.Time, bool) {
	d := dateParts{year: p.part('y', 1), month: p.part('M', 1), day: p.part('d', 1)}
	// The weekday is that of the date as written, before the offset is applied.
	written, ok := d.time()
	if !ok || p.part('w', int(written.Weekday())) != int(written.Weekday()) {
		return time.Time{}, false
	}
	if d.hour, ok = p.hour(); !ok {
		return time.Time{}, false
	}
	d.minute, d.second, d.nanos, d.offset = p.part('m', 0), p.part('s', 0), p.part('f', 0), p.part('z', 0)
	return d.time()
}

// hour gives the hour of the day; false when what was read of it differs. An
// hour of 12 without designator is one of the morning.
func (p *dateParser) hour() (int, bool) {
	written := half(p.part('t', int(wholeDay)))
	hour := p.part('h', 0)
	if hour > 12 {
		return 0, false
	}
	hour %= 12
	if written == afternoon {
		hour += 12
	}
	if !p.known['H'] {
		return hour, p.known['h'] || written == wholeDay
	}
	day := p.value['H']
	agrees := (!p.known['h'] || day%12 == hour%12) && (written == wholeDay || (day >= 12) == (written == afternoon))
	return day, agrees
}
