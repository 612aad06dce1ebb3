package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/bench"
)

// TestBench measures a small population with the real binary. How long anything
// takes is not looked at; how many requests it takes is.
func TestBench(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	report := measure(t, dir, "--users", "200", "--latency", "1ms")
	result := func(letter string) *bench.Result {
		r := report.Result(letter)
		if r == nil {
			t.Fatalf("cycle %s was not measured", letter)
		}
		return r
	}
	accounts := report.Users - report.Bad + report.Groups
	for _, c := range bench.Cycles() {
		r := result(c.Letter)
		if c.Letter != "i" && r.Repeated > 0 {
			t.Errorf("%s: %d writes were sent twice", c.Letter, r.Repeated)
		}
		if r.LiveHeap <= 0 || r.LiveHeap > 1<<30 {
			t.Errorf("%s: %d bytes of heap are live", c.Letter, r.LiveHeap)
		}
		switch d := r.ChangeToWrite; {
		case (d != nil) != (r.Total() > r.Requests[http.MethodGet]):
			t.Errorf("%s: changes take %+v with the requests %v", c.Letter, d, r.Requests)
		case d != nil && (d.P50 <= 0 || d.P99 < d.P50 || d.P99 > r.Seconds):
			t.Errorf("%s: changes take %+v in a cycle of %g s", c.Letter, *d, r.Seconds)
		}
		if r.Bare != nil && r.Bare.Otherwise > r.Total()/10 {
			t.Errorf("%s: %d of %d requests went otherwise in the bare loop", c.Letter, r.Bare.Otherwise, r.Total())
		}
	}
	if s := report.Speedup; s == nil || s.Cycle <= 0 || s.Users <= 0 {
		t.Errorf("it is not compared with one request at a time: %+v", s)
	}
	if n := result("a").Requests[http.MethodPost]; n != accounts {
		t.Errorf("a: %d accounts were made, want %d", n, accounts)
	}
	if r := result("b"); r.Total() != r.Requests[http.MethodGet] {
		t.Errorf("b: accounts that are there already were written: %v", r.Requests)
	}
	for _, letter := range []string{"c", "d"} {
		if n := result(letter).Total(); n != 0 {
			t.Errorf("%s: %d requests for nothing", letter, n)
		}
	}
	if r := result("e"); r.Counts.Updated != 2 || r.Total() != 2 {
		t.Errorf("e: %d updated by %d requests, want 2 and 2", r.Counts.Updated, r.Total())
	}
	if r := result("h"); r.Total() != 1 || r.BytesSent >= 2000 {
		t.Errorf("h: %d requests of %d bytes, want one of less than 2,000", r.Total(), r.BytesSent)
	}
	if n := result("g").Counts.Disabled; n != 20 {
		t.Errorf("g: %d disabled, want 20", n)
	}
	if r := result("i"); r.Requests[http.MethodPost]-r.Repeated > accounts {
		t.Errorf("i: %d accounts were made and %d asked for twice, want %d", r.Requests[http.MethodPost], r.Repeated, accounts)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if _, err := os.Stat("/proc/self"); err == nil {
		if pids := agents(t, dir); len(pids) > 0 {
			t.Errorf("the agents %v are left", pids)
		}
	}
}

// TestBench_app measures against an app that throttles, has short pages and takes
// few members at a time: the cycle and the bare loop come to an end all the same.
func TestBench_app(t *testing.T) {
	t.Parallel()
	report := measure(t, t.TempDir(), "--users", "200", "--cycles", "a", "--budget", "150", "--page-size", "20", "--quirks", `{"MembersPerRequest":30}`)
	r := report.Result("a")
	if r == nil || r.Requests[http.MethodPost] < report.Users-report.Bad+report.Groups {
		t.Fatalf("%+v", r)
	}
	if r.Bare.Seconds < 1 || r.Bare.Otherwise > r.Total()/10 {
		t.Errorf("the bare loop did not keep to the budget: %+v", *r.Bare)
	}
}

// measure gives the report of a bench in a directory.
func measure(t *testing.T, dir string, args ...string) (report bench.Report) {
	t.Helper()
	cmd := exec.Command(program, append([]string{"bench", "--json", "--dir", dir}, args...)...)
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+t.TempDir())
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatal(err)
	}
	return report
}
