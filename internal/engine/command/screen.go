package command

import (
	"bytes"
	"fmt"
	"strings"
)

// screen draws over what it drew before, on a terminal.
type screen struct {
	printer *printer
	lines   int
}

func (s *screen) draw(f func(*printer) error) {
	var buffer bytes.Buffer
	p := *s.printer
	p.w = &buffer
	if f(&p) != nil {
		return
	}
	up := ""
	if s.lines > 0 {
		up = fmt.Sprintf("\x1b[%dA\x1b[J", s.lines)
	}
	s.lines = strings.Count(buffer.String(), "\n")
	s.printer.raw(up + buffer.String())
}
