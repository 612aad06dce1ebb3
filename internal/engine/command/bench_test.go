package command

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/bench"
)

func TestShowBench(t *testing.T) {
	cpu, memory := 2.5, int64(70<<20)
	report := bench.Report{
		Program: "1.0.0", System: "linux/amd64", CPUs: 2, Users: 1000, Bad: 10, Groups: 11, SourceBytes: 800 << 10,
		LatencyMS: 20, Budget: 500, PageSize: 50, Quirks: json.RawMessage(`{"NoPatch":true}`), Concurrency: 64,
		Results: []bench.Result{
			{
				Cycle: "a", Title: "initial", Users: 1000, Seconds: 3, CPUSeconds: &cpu, RSSAnon: &memory, LiveHeap: 20 << 20,
				ChangeToWrite: &bench.Delay{P50: 1.5, P99: 2.875}, Requests: map[string]int{"GET": 12, "POST": 1001}, Throttled: 3,
				BytesSent: 1 << 20, BytesReceived: 1 << 21, Commits: 100, StoreBytes: 16 << 20, LogBytes: 4 << 20,
				Bare: &bench.Bare{Seconds: 1.5, Ratio: 0.5},
			},
			{Cycle: "d", Title: "untouched", Users: 1000, Seconds: 0.01, LiveHeap: 900, Commits: 3, StoreBytes: 16 << 20, LogBytes: 4 << 20},
		},
		Speedup: &bench.Speedup{Cycle: 21.04, Users: 24.96},
	}
	var out bytes.Buffer
	s := &session{out: &printer{w: &out}}
	s.showBench(&report)
	golden(t, "bench", out.String())
}
