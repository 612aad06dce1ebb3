package command

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

const timeLayout = "2006-01-02 15:04:05"

// clock writes a moment in the zone that the session lives in.
func (s *session) clock(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.In(s.Now().Location()).Format(timeLayout)
}

// when writes how far off a moment is.
func (s *session) when(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	if d := s.Now().Sub(t); d < 0 {
		return "in " + span(-d)
	} else if d >= time.Second {
		return span(d) + " ago"
	}
	return "now"
}

// span writes a duration by its greatest unit.
func span(d time.Duration) string {
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}} {
		if d >= unit.size {
			return fmt.Sprintf("%d %s", d/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%d ms", d.Milliseconds())
}

// counted writes the counts that are not 0.
func counted(c status.Counts, held int64) string {
	var parts []string
	for _, part := range []struct {
		n    int64
		word string
	}{
		{c.Created, "created"}, {c.Updated, "updated"}, {c.Disabled, "disabled"}, {c.Deleted, "deleted"},
		{c.Skipped, "skipped"}, {c.Failed, "failed"}, {c.Unchanged, "unchanged"}, {held, "held"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.word))
		}
	}
	if parts == nil {
		return "nothing to do"
	}
	return strings.Join(parts, ", ")
}

// managed writes the accounts by type.
func managed(byType map[string]int64) string {
	var parts []string
	for _, typ := range slices.Backward(slices.Sorted(maps.Keys(byType))) { // users first
		parts = append(parts, fmt.Sprintf("%s %d", typ, byType[typ]))
	}
	if parts == nil {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// spaced writes an identifier as words.
func spaced[T ~string](name T) string { return strings.ReplaceAll(string(name), "_", " ") }

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// moment writes a moment and how far off it is.
func (s *session) moment(t time.Time) string { return s.clock(t) + " (" + s.when(t) + ")" }
