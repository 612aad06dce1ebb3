package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var days = regexp.MustCompile(`^(\d+)d`)

// ParseDuration reads a duration as Go writes it, with d for days in front:
// "90s", "10m", "30d", "1d12h". A negative one is an error.
func ParseDuration(text string) (time.Duration, error) {
	rest := strings.TrimSpace(text)
	var total time.Duration
	if match := days.FindStringSubmatch(rest); match != nil {
		n, err := strconv.ParseInt(match[1], 10, 64)
		if err != nil || n > 100_000 {
			return 0, fmt.Errorf("%q is too many days", text)
		}
		total = time.Duration(n) * 24 * time.Hour
		rest = rest[len(match[0]):]
		if rest == "" {
			return total, nil
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil {
		return 0, fmt.Errorf(`%q is no duration; write it like "90s", "10m", "12h" or "30d"`, text)
	}
	if d < 0 {
		return 0, fmt.Errorf(`%q is negative; write it like "90s", "10m", "12h" or "30d"`, text)
	}
	if total += d; total < 0 {
		return 0, fmt.Errorf("%q is too long", text)
	}
	return total, nil
}
