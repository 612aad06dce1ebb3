package bench

import (
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

func TestDelayOf(t *testing.T) {
	for _, test := range []struct{ n, p50, p99 int }{{1, 1, 1}, {2, 1, 2}, {99, 50, 99}, {100, 50, 99}, {101, 51, 100}, {1000, 500, 990}} {
		var delays []time.Duration
		for _, i := range rand.Perm(test.n) {
			delays = append(delays, time.Duration(i+1)*time.Second)
		}
		if got := delayOf(delays); got.P50 != float64(test.p50) || got.P99 != float64(test.p99) {
			t.Errorf("of %d: %+v, want %d and %d", test.n, *got, test.p50, test.p99)
		}
	}
	if got := delayOf(nil); got != nil {
		t.Errorf("of none: %+v", *got)
	}
}

// TestCount has an app asked for things, each a second after the other.
func TestCount(t *testing.T) {
	record := filepath.Join(t.TempDir(), "requests")
	file, err := os.Create(record)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	began := time.Unix(1_000_000, 0)
	now := began
	app := sampleapp.New(sampleapp.Options{
		Record: file, Budget: sampleapp.Budget{Requests: 103, Per: time.Hour}, Now: func() time.Time { return now },
	})
	ask := func(method, path, body string) {
		now = now.Add(time.Second)
		app.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, "/scim/v2/"+path, strings.NewReader(body)))
	}
	ask("GET", "Users?count=1", "")
	for i := range 100 { // after 2 to 101 s
		ask("POST", "Users", fmt.Sprintf(`{"userName":"user%d"}`, i))
	}
	ask("POST", "Users", `{"userName":"user0"}`)     // there is one already
	ask("POST", "Groups", `{"displayName":"group"}`) // after 103 s
	ask("POST", "Users", `{"userName":"another"}`)   // is not taken any more
	r := Result{Users: 50}
	if err := r.count(record, began); err != nil {
		t.Fatal(err)
	}
	if r.Requests["GET"] != 1 || r.Requests["POST"] != 103 || r.PerUser["POST"] != 2.06 || r.Throttled != 1 || r.Repeated != 1 {
		t.Errorf("%v requests, %v a user, %d throttled, %d repeated", r.Requests, r.PerUser, r.Throttled, r.Repeated)
	}
	if r.ChangeToWrite == nil || *r.ChangeToWrite != (Delay{P50: 52, P99: 101}) {
		t.Errorf("changes take %+v", r.ChangeToWrite)
	}
	if r.UsersPerSecond != 1 {
		t.Errorf("%g users a second", r.UsersPerSecond)
	}

	if err := os.Truncate(record, 0); err != nil {
		t.Fatal(err)
	}
	r = Result{Users: 50}
	if err := r.count(record, began); err != nil || r.Total() != 0 || r.ChangeToWrite != nil || r.UsersPerSecond != 0 {
		t.Errorf("of nothing: %+v, %v", r, err)
	}
}

func TestReport_speedup(t *testing.T) {
	one := Result{Cycle: "j", Seconds: 10, Requests: map[string]int{"POST": 400, "PATCH": 50}, UsersPerSecond: 48}
	many := Result{Cycle: "a", Seconds: 5, Requests: map[string]int{"POST": 4500}, UsersPerSecond: 1200}
	report := Report{Results: []Result{many, one}}
	if got := report.speedup(); got == nil || *got != (Speedup{Cycle: 20, Users: 25}) {
		t.Errorf("%+v", got)
	}
	report.Results = report.Results[:1]
	if got := report.speedup(); got != nil {
		t.Errorf("without the one: %+v", *got)
	}
}
