package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/bench"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

func (s *session) benchCommand() *cobra.Command {
	var options bench.Options
	var keep string
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure what cycles cost on this machine",
		Long: `Measure what the cycles of a job cost on this machine: time, CPU, memory, requests,
bytes, and how long changes take to arrive. A directory of N users is written, an app started, and an agent, each
a process of its own; all is removed at the end.

Each cycle is held against the bare loop: a plain HTTP client that sends the same
requests, in the same run, with nothing else to do. "of bare" is the rate of the
cycle in units of the bare loop's.

"Memory" is the most that the agent allocated, "live" the most of it that a garbage
collection found in use. "p50" and "p99" are the time from a change to its write:
from the order of the cycle until the write came to the app, which half of the
writes and 99 % of them did not exceed.

Cycles:
` + cyclesHelp(),
		Example: "  " + Name + " bench --users 10000\n  " + Name + " bench --users 100000 --latency 20ms --cycles a,c,j --json",
		Args:    arguments,
		RunE: s.runs(func(ctx context.Context, _ []string) (err error) {
			for _, letter := range options.Cycles {
				if !slices.ContainsFunc(bench.Cycles(), func(c bench.Cycle) bool { return c.Letter == letter }) {
					return &usageError{fmt.Errorf("%q is no cycle; see bench --help", letter)}
				}
			}
			if slices.Contains(options.Cycles, "j") && options.Latency == 0 {
				return &usageError{errors.New("cycle j shows what waiting costs: give --latency with it")}
			}
			if options.Users < bench.LeastUsers || options.Users > bench.MostUsers {
				return &usageError{fmt.Errorf("%d users cannot be measured; give from %d to %d", options.Users, bench.LeastUsers, bench.MostUsers)}
			}
			if _, err := sampleapp.ParseQuirks(options.Quirks); err != nil {
				return &usageError{err}
			}
			if options.Program, err = os.Executable(); err != nil {
				return fmt.Errorf("find this program's binary: %w", err)
			}
			if options.Dir, err = os.MkdirTemp(keep, "provisioning-bench-"); err != nil {
				return fmt.Errorf("make a folder to measure in: %w", err)
			}
			defer func() { err = errors.Join(err, os.RemoveAll(options.Dir)) }()
			line := &progressLine{printer: s.errs, now: s.Now}
			options.Version, options.Progress = s.Version, line.tell
			report, err := bench.Run(ctx, options)
			line.end()
			switch {
			case report == nil:
			case s.json:
				err = errors.Join(err, s.out.json(report, false))
			default:
				s.showBench(report)
			}
			return err
		}),
	}
	flags := cmd.Flags()
	flags.IntVar(&options.Users, "users", 1000, fmt.Sprintf("how many users the source has, %d or more", bench.LeastUsers))
	flags.DurationVar(&options.Latency, "latency", 0, "time that passes in the app before it looks at a request")
	flags.IntVar(&options.Budget, "budget", 0, "requests that the app takes each second, further ones it answers with 429 (default: all)")
	flags.IntVar(&options.PageSize, "page-size", 0, "most accounts in a page of the app's (default: 200)")
	flags.StringVar(&options.Quirks, "quirks", "", `departures of the app from the standard, as JSON, such as {"NoPatch":true}`)
	flags.StringSliceVar(&options.Cycles, "cycles", nil, "letters of the cycles to measure (default: all, j with --latency alone)")
	flags.IntVar(&options.Concurrency, "concurrency", 0, "requests in flight (default: the engine adapts, the bare loop has 64)")
	flags.StringVar(&keep, "dir", "", "directory to make the temporary folder in (default: the system's)")
	return cmd
}

func cyclesHelp() string {
	var b strings.Builder
	for _, c := range bench.Cycles() {
		fmt.Fprintf(&b, "  %s  %s\n", c.Letter, c.Title)
	}
	return strings.TrimRight(b.String(), "\n")
}

// showBench prints what was measured as a table.
func (s *session) showBench(r *bench.Report) {
	s.out.linef("%d users (%d without a user name), %d groups, source of %s; %s; bare loop with %d in flight; %d CPUs, %s, version %s",
		r.Users, r.Bad, r.Groups, size(r.SourceBytes), appOf(r), r.Concurrency, r.CPUs, r.System, r.Program)
	s.out.linef("")
	head := []string{
		"", "cycle", "time", "CPU", "memory", "live", "p50", "p99", "requests", "a user", "sent", "received", "commits", "store", "log",
		"bare loop", "of bare",
	}
	rows := [][]text{make([]text, len(head))}
	for i, name := range head {
		rows[0][i] = text{dim, name}
	}
	for i := range r.Results {
		x := &r.Results[i]
		live, p50, p99, bare, ofBare := "-", "-", "-", "-", "-"
		if x.LiveHeap > 0 {
			live = size(x.LiveHeap)
		}
		if x.ChangeToWrite != nil {
			p50, p99 = duration(x.ChangeToWrite.P50), duration(x.ChangeToWrite.P99)
		}
		if x.Bare != nil {
			bare, ofBare = duration(x.Bare.Seconds), fmt.Sprintf("%.2f", x.Bare.Ratio)
		}
		cells := []string{
			x.Cycle, x.Title, duration(x.Seconds), notTold(x.CPUSeconds, duration), notTold(x.RSSAnon, size), live, p50, p99,
			requestsOf(x), fmt.Sprintf("%.3f", float64(x.Total())/float64(x.Users)), size(x.BytesSent), size(x.BytesReceived),
			fmt.Sprint(x.Commits), size(x.StoreBytes), size(x.LogBytes), bare, ofBare,
		}
		row := make([]text, len(cells))
		for i, cell := range cells {
			row[i] = text{plain, cell}
		}
		rows = append(rows, row)
	}
	s.out.table("", rows)
	if r.Speedup != nil {
		s.out.linef("")
		s.out.linef("The initial cycle sends %.1f times as fast as with one request at a time, and creates users %.1f times as fast.",
			r.Speedup.Cycle, r.Speedup.Users)
	}
}

// appOf tells what app was measured against.
func appOf(r *bench.Report) string {
	told := fmt.Sprintf("%g ms in the app", r.LatencyMS)
	if r.Budget > 0 {
		told += fmt.Sprintf(", which takes %d requests a second", r.Budget)
	}
	if r.PageSize > 0 {
		told += fmt.Sprintf(", pages of %d", r.PageSize)
	}
	if len(r.Quirks) > 0 {
		told += fmt.Sprintf(", quirks %s", r.Quirks)
	}
	return told
}

// requestsOf shows the requests of a cycle by method.
func requestsOf(r *bench.Result) string {
	var parts []string
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		if n := r.Requests[method]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, method))
		}
	}
	told := "none"
	if parts != nil {
		told = strings.Join(parts, ", ")
	}
	if r.Throttled > 0 {
		told += fmt.Sprintf("; %d throttled", r.Throttled)
	}
	return told
}

func notTold[T any](value *T, show func(T) string) string {
	if value == nil {
		return "n/a"
	}
	return show(*value)
}

func duration(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Round(time.Millisecond).String()
}

// size shows bytes in units of 1024.
func size(bytes int64) string {
	const units = "kMGT"
	value, unit := float64(bytes), -1
	for value >= 1000 && unit < len(units)-1 {
		value /= 1024
		unit++
	}
	if unit < 0 {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.3g %ciB", value, units[unit])
}
