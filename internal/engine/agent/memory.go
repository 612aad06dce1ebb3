package agent

import (
	"os"
	"runtime/debug"
)

// An agent holds little that lives for long beside much that lives for one
// object. Collected at twice what lives, as is the default, it would collect
// every few megabytes; at nearly three times, but never beyond the limit as long
// as what lives fits in, it spends half the time on it.
const (
	heapGrowth  = 180 // percent
	memoryLimit = 192 << 20
)

// collectSeldom sets when garbage is collected, unless the environment says it.
func collectSeldom() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}
