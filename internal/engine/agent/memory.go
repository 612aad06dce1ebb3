package agent

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// An agent holds little that lives for long beside much that lives for one
// object. Collected at twice what lives, as is the default, it would collect
// every few megabytes. So garbage is let lie until there is so much of it,
// however little lives; but an agent that holds next to nothing does not grow to
// many times of that, and none grows beyond the limit as long as what lives fits in.
const (
	garbage     = 56 << 20 // bytes
	leastGrowth = 100      // percent of what lives
	mostGrowth  = 400
	memoryLimit = 192 << 20
)

// collectSeldom sets when garbage is collected, unless the environment says it.
func collectSeldom() {
	if os.Getenv("GOGC") == "" {
		followLive()
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}

// followLive sets how far the heap may grow by what lives now, and again after
// each collection: the next one finds what this one left for it.
func followLive() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	debug.SetGCPercent(growth(live[0].Value.Uint64()))
	left := new([64]byte) // too large to share its place with something that stays
	runtime.AddCleanup(left, func(struct{}) { followLive() }, struct{}{})
}

// growth is by how many percent a heap of which so many bytes live may grow until
// it is collected.
func growth(live uint64) int {
	return int(min(max(garbage*100/max(live, 1), leastGrowth), mostGrowth))
}
