package command

import (
	"bytes"
	"io"
	"sync"
)

// gutter writes the lines of another program's output behind a margin.
type gutter struct {
	printer *printer
	mu      sync.Mutex
	rest    []byte
}

var _ io.Writer = (*gutter)(nil)

// Write prints the lines that have an end.
func (g *gutter) Write(data []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rest = append(g.rest, data...)
	for {
		line, rest, found := bytes.Cut(g.rest, []byte("\n"))
		if !found {
			return len(data), nil
		}
		g.printer.line(text{dim, "   │ "}, text{plain, string(line)})
		g.rest = rest
	}
}

// insert prints a line of our own between those of the program.
func (g *gutter) insert(pieces ...text) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.printer.line(pieces...)
}
