package command

import "bytes"

// logLines prints a log line by line: as it is, or each as JSON.
type logLines struct {
	*session
	rest []byte // a line without an end yet
}

func (l *logLines) Write(data []byte) (int, error) {
	l.rest = append(l.rest, data...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte("\n"))
		if !found {
			return len(data), l.out.err
		}
		if err := l.print(line); err != nil {
			return 0, err
		}
		l.rest = rest
	}
}

// flush prints what has no end.
func (l *logLines) flush() error {
	if len(l.rest) == 0 {
		return nil
	}
	return l.print(l.rest)
}

func (l *logLines) print(line []byte) error {
	if l.json {
		return l.out.json(struct {
			Line string `json:"line"`
		}{string(line)}, true)
	}
	l.out.line(text{plain, string(line)})
	return l.out.err
}
