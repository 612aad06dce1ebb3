package lazyjson

// parser moves through a JSON text.
type parser struct {
	text string
	at   int
}

// value moves past one value whose arrays and objects nest no deeper than depth.
func (p *parser) value(depth int) bool {
	if p.at == len(p.text) {
		return false
	}
	switch p.text[p.at] {
	case '"':
		return p.string()
	case '{', '[':
		return depth > 0 && p.parts(depth-1, nil)
	case 't':
		return p.word("true")
	case 'f':
		return p.word("false")
	case 'n':
		return p.word("null")
	}
	return p.number()
}

// parts moves past an array or object and visits its parts, whose names are as
// they are written, without quotes. It ends early, and gives false, when visit
// does.
func (p *parser) parts(depth int, visit func(name string, value Value) bool) bool {
	closing := p.text[p.at] + 2 // so they stand in ASCII
	p.at++
	p.space()
	if p.take(closing) {
		return true
	}
	for {
		var name string
		if closing == '}' {
			begin := p.at
			if !p.string() {
				return false
			}
			name = p.text[begin+1 : p.at-1]
			p.space()
			if !p.take(':') {
				return false
			}
			p.space()
		}
		begin := p.at
		if !p.value(depth) {
			return false
		}
		if visit != nil && !visit(name, Value{text: p.text[begin:p.at]}) {
			return false
		}
		p.space()
		if p.take(closing) {
			return true
		}
		if !p.take(',') {
			return false
		}
		p.space()
	}
}

func (p *parser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return
		}
	}
}

// take moves past a byte if it is next.
func (p *parser) take(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) word(word string) bool {
	end := p.at + len(word)
	if end > len(p.text) || p.text[p.at:end] != word {
		return false
	}
	p.at = end
	return true
}

func (p *parser) string() bool {
	if !p.take('"') {
		return false
	}
	for i, text := p.at, p.text; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			p.at = i + 1
			return true
		case c == '\\':
			p.at = i
			if !p.escape() {
				return false
			}
			i = p.at - 1
		case c < ' ':
			return false
		}
	}
	return false
}

func (p *parser) escape() bool {
	p.at++
	if p.at == len(p.text) {
		return false
	}
	c := p.text[p.at]
	p.at++
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for range 4 {
			if p.at == len(p.text) || !isHex(p.text[p.at]) {
				return false
			}
			p.at++
		}
		return true
	}
	return false
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func (p *parser) number() bool {
	p.take('-')
	if !p.take('0') && !p.digits() {
		return false
	}
	if p.take('.') && !p.digits() {
		return false
	}
	if p.take('e') || p.take('E') {
		if !p.take('+') {
			p.take('-')
		}
		return p.digits()
	}
	return true
}

// digits moves past at least one digit.
func (p *parser) digits() bool {
	begin := p.at
	for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
		p.at++
	}
	return p.at > begin
}
