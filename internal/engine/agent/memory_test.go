package agent

import (
	"runtime"
	"runtime/metrics"
	"testing"
	"time"
)

func TestGrowth(t *testing.T) {
	for _, test := range []struct {
		live uint64
		want int
	}{
		{0, mostGrowth}, {1 << 20, mostGrowth}, {14 << 20, 400}, {28 << 20, 200}, {56 << 20, 100}, {150 << 20, leastGrowth},
	} {
		if got := growth(test.live); got != test.want {
			t.Errorf("growth(%d MiB) = %d %%, want %d %%", test.live>>20, got, test.want)
		}
	}
}

// TestFollowLive tells that the next goal of the collector follows what lives.
func TestFollowLive(t *testing.T) {
	followLive()
	held := make([]byte, 40<<20)
	percent := func() uint64 {
		sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	deadline := time.Now().Add(10 * time.Second)
	for percent() > 140 { // 56 of 40 and what else lives
		if time.Now().After(deadline) {
			t.Fatalf("%d %% after 40 MiB came to live", percent())
		}
		runtime.GC()
	}
	runtime.KeepAlive(held)
}
