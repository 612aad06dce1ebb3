package bench

import (
	"slices"
	"time"
)

// Delay tells how long changes took to arrive, in seconds.
type Delay struct {
	P50 float64 `json:"p50"` // half of them took no longer
	P99 float64 `json:"p99"` // 99 % of them took no longer
}

// delayOf gives the delay of many, nil for none. It sorts them.
func delayOf(delays []time.Duration) *Delay {
	if len(delays) == 0 {
		return nil
	}
	slices.Sort(delays)
	percentile := func(p int) float64 { return seconds(delays[(len(delays)*p+99)/100-1]) }
	return &Delay{P50: percentile(50), P99: percentile(99)}
}

// pace is how fast things came.
type pace struct {
	n           int
	first, last time.Time
}

func (p *pace) add(at time.Time) {
	if p.n == 0 || at.Before(p.first) {
		p.first = at
	}
	if at.After(p.last) {
		p.last = at
	}
	p.n++
}

// rate gives how many came a second, 0 when that cannot be told.
func (p *pace) rate() float64 {
	if !p.last.After(p.first) {
		return 0
	}
	return float64(p.n-1) / seconds(p.last.Sub(p.first))
}
