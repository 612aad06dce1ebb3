package command

import (
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// plainInterval passes at least between two lines of one phase, where there is
// no terminal.
const plainInterval = 5 * time.Second

// maxProgressLine keeps a line that is written over within a terminal's width.
const maxProgressLine = 78

// progressLine shows how far a cycle is: in place on a terminal, else by a line
// at each phase and now and then.
type progressLine struct {
	printer *printer
	now     func() time.Time
	phase   string
	at      time.Time
	open    bool // a line on a terminal has no end yet
}

func (l *progressLine) show(p status.Progress) { l.tell(p.Phase, progressText(p)) }

// tell shows a line about a phase.
func (l *progressLine) tell(phase, line string) {
	if l.printer.terminal {
		if runes := []rune(clean(line)); len(runes) > maxProgressLine {
			line = string(runes[:maxProgressLine])
		}
		l.printer.raw("\r\x1b[K" + l.printer.render(text{dim, line}))
		l.open = true
		return
	}
	if phase == l.phase && l.now().Sub(l.at) < plainInterval {
		return
	}
	l.phase, l.at = phase, l.now()
	l.printer.line(text{dim, line})
}

// end takes an open line away.
func (l *progressLine) end() {
	if l.open {
		l.printer.raw("\r\x1b[K")
		l.open = false
	}
}
