package agent

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// workInBatches has the system schedule the agent as what it is: work in the
// background that nobody watches (SCHED_BATCH, sched(7)). Its threads get as much of
// the processors as before, but one that wakes up lets whoever works finish its slice.
// That is kind to others on the machine; and of a cycle, whose threads wake each other
// thousands of times a second, it takes a tenth off the time. An agent that was started
// with a policy of its own keeps it, and where the system does not allow the change,
// the agent works without.
func workInBatches() {
	// A thread that is not told yet may begin another meanwhile; those that were told
	// hand the policy on. A system that only says that it does it is not asked for ever.
	const passes = 8
	for told, pass := 1, 0; told > 0 && pass < passes; pass++ {
		told = 0
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return
		}
		for _, thread := range threads {
			id, err := strconv.Atoi(thread.Name())
			if err != nil {
				return
			}
			attributes, err := unix.SchedGetAttr(id, 0)
			if err != nil || attributes.Policy != unix.SCHED_NORMAL {
				continue // it has ended, or has another policy
			}
			attributes.Policy, attributes.Runtime = unix.SCHED_BATCH, 0
			if unix.SchedSetAttr(id, attributes, 0) != nil {
				return
			}
			told++
		}
	}
}
