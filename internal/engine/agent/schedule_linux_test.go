package agent

import (
	"os"
	"runtime"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

func TestWorkInBatches(t *testing.T) {
	nice := func() int32 {
		t.Helper()
		attributes, err := unix.SchedGetAttr(0, 0)
		if err != nil {
			t.Fatal(err)
		}
		return attributes.Nice
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := nice()
	workInBatches()
	if after := nice(); after != before {
		t.Errorf("nice became %d, was %d", after, before)
	}
	// A thread that is made now is one of them.
	begun, end := make(chan struct{}), make(chan struct{})
	defer close(end)
	go func() {
		runtime.LockOSThread()
		close(begun)
		<-end
	}()
	<-begun
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			t.Fatal(err)
		}
		if attributes, err := unix.SchedGetAttr(id, 0); err == nil && attributes.Policy != unix.SCHED_BATCH {
			t.Errorf("thread %d has policy %d", id, attributes.Policy)
		}
	}
}
