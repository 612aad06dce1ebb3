// Package bench measures the engine: what the cycles of a job cost for a
// directory of N users. Each cycle is held against the bare loop, which sends
// the very requests that the cycle sent, with nothing else to do, in the same
// run: a ratio means the same on every machine.
//
// Everything is real: the agent is the program's own, a process of its own whose
// memory and CPU time are told; the app is the sample app in another process on
// loopback; source, store and provisioning log are files.
package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

// Options of Run. Program, Dir and Users are required.
type Options struct {
	Program string // this program's binary
	Version string // its version
	Dir     string // an empty folder to work in; what is in it afterwards is of no use
	Users   int
	// Latency of the app, before it looks at a request.
	Latency time.Duration
	// Budget is how many requests the app takes each second; further ones it
	// answers with 429. 0: all.
	Budget int
	// PageSize is the most accounts in a page of the app's; 0: the sample app's own.
	PageSize int
	// Quirks are departures of the app from the standard, as sampleapp.ParseQuirks
	// reads them.
	Quirks string
	// Cycles names what is measured by the letters of Cycles, in whatever order;
	// nil: all. What a cycle stands on is run as well, and not told.
	Cycles []string
	// Concurrency is how many requests may be in flight; 0: the engine adapts, and
	// the bare loop has as many as the engine may come to.
	Concurrency int
	// Progress is called with what is being done: the cycle's letter and phase, and
	// a line about them; nil: nobody is told.
	Progress func(phase, line string)
}

// Report is what a run came to.
type Report struct {
	Program     string          `json:"program"` // version
	System      string          `json:"system"`
	CPUs        int             `json:"cpus"`
	Users       int             `json:"users"`
	Bad         int             `json:"bad"` // users without a user name, who fail
	Groups      int             `json:"groups"`
	SourceBytes int64           `json:"source_bytes"`
	LatencyMS   float64         `json:"latency_ms"`
	Budget      int             `json:"budget,omitempty"`    // of the app
	PageSize    int             `json:"page_size,omitempty"` // of the app
	Quirks      json.RawMessage `json:"quirks,omitempty"`    // of the app
	Concurrency int             `json:"concurrency"`         // of the bare loop
	Results     []Result        `json:"results"`
	Speedup     *Speedup        `json:"speedup"` // null unless a and j were measured
}

// MostUsers is the largest population: ids have eight digits.
const MostUsers = 99_999_999

// LeastUsers is the smallest population in which there is one of everything.
const LeastUsers = 200

// inFlight is how many requests the engine comes to have in flight by itself.
const inFlight = 64

// Run measures. The processes that it starts end with it, whatever happens. With an
// error comes the report of what was measured before it, nil for nothing.
func Run(ctx context.Context, options Options) (*Report, error) {
	if options.Users < LeastUsers || options.Users > MostUsers {
		return nil, fmt.Errorf("%d users: give from %d to %d", options.Users, LeastUsers, MostUsers)
	}
	if options.Progress == nil {
		options.Progress = func(string, string) {}
	}
	for _, letter := range options.Cycles {
		if !slices.ContainsFunc(Cycles(), func(c Cycle) bool { return c.Letter == letter }) {
			return nil, fmt.Errorf("%q is no cycle", letter)
		}
	}
	if _, err := sampleapp.ParseQuirks(options.Quirks); err != nil {
		return nil, err
	}
	b := &bench{Options: options, population: newPopulation(filepath.Join(options.Dir, "source"), options.Users)}
	if err := os.MkdirAll(b.population.dir, 0o700); err != nil {
		return nil, err
	}
	b.report = Report{
		Program: options.Version, System: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU(),
		Users: options.Users, Bad: b.population.bad(), Groups: b.population.groups(),
		LatencyMS: float64(options.Latency) / float64(time.Millisecond), Budget: options.Budget, PageSize: options.PageSize,
		Quirks: json.RawMessage(options.Quirks), Concurrency: b.concurrency(),
	}
	err := b.measure(ctx)
	b.report.Speedup = b.report.speedup()
	if err != nil && len(b.report.Results) == 0 {
		return nil, err
	}
	return &b.report, err
}

// bench is one run.
type bench struct {
	Options
	population *population
	report     Report
}

func (b *bench) concurrency() int {
	if b.Concurrency > 0 {
		return b.Concurrency
	}
	return inFlight
}

// say tells what is being done for a cycle.
func (b *bench) say(letter, phase, done string) {
	b.Progress(letter+" "+phase, strings.TrimRight(letter+": "+phase+" "+done, " "))
}

// wants reports whether one of the cycles is to be measured.
func (b *bench) wants(letters ...string) bool {
	return len(b.Cycles) == 0 || slices.ContainsFunc(letters, func(letter string) bool { return slices.Contains(b.Cycles, letter) })
}
