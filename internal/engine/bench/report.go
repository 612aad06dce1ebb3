package bench

import (
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// Cycle is something that can be measured.
type Cycle struct {
	Letter string
	Title  string
}

// Cycles gives all, in the order in which they are run.
func Cycles() []Cycle {
	return []Cycle{
		{"a", "initial: all are created"},
		{"b", "initial: all are matched"},
		{"c", "the source read anew, nothing changed"},
		{"d", "the source untouched, nothing changed"},
		{"r", "restarted: all decided anew, nothing changed"},
		{"e", "1 % changed"},
		{"h", "one more member in the group of half of all"},
		{"g", "10 % leave the scope"},
		{"i", "initial: killed half way, resumed"},
		{"j", "initial: one request at a time"},
	}
}

func titleOf(letter string) string {
	for _, c := range Cycles() {
		if c.Letter == letter {
			return c.Title
		}
	}
	return ""
}

// Result is what one cycle cost. What the system does not tell is null.
type Result struct {
	Cycle string `json:"cycle"` // letter
	Title string `json:"title"`
	Users int    `json:"users"`
	// Seconds pass between the order and the end of the cycle, reading the source
	// included.
	Seconds float64 `json:"seconds"`
	// CPUSeconds are the agent's, of user and system together; of both agents,
	// where one was killed.
	CPUSeconds *float64 `json:"cpu_seconds"`
	// RSSAnon is the most anonymous memory that the agent's process had: what it
	// allocated, and not what it mapped of files. In bytes, looked at fifty times
	// a second.
	RSSAnon *int64 `json:"rss_anon"`
	// LiveHeap is the most that a garbage collection of the agent found in use, in
	// bytes, asked for once a second and at the end. It may have been before a short
	// cycle; 0 where there was none yet.
	LiveHeap int64         `json:"live_heap"`
	Counts   status.Counts `json:"counts"`
	// ChangeToWrite is, of each write that the app carried out, the time between
	// the order of the cycle, when every change was there to be read, and its
	// arrival at the app; null where nothing was written.
	ChangeToWrite *Delay `json:"change_to_write"`
	// UsersPerSecond are created from the first to the last of them: the pace of
	// the users' phase alone; 0 where there were not two.
	UsersPerSecond float64 `json:"users_per_second"`

	Requests  map[string]int     `json:"requests"`  // by method
	PerUser   map[string]float64 `json:"per_user"`  // requests for each user, by method
	Throttled int                `json:"throttled"` // of the requests, answered with 429
	// BytesSent and BytesReceived are of bodies, without HTTP headers.
	BytesSent     int64 `json:"bytes_sent"`
	BytesReceived int64 `json:"bytes_received"`
	// Repeated counts writes that were sent before in the very same words, without
	// those answered with 429.
	Repeated int `json:"repeated"`

	Commits    uint64 `json:"commits"`     // of the store, each two fsyncs
	StoreBytes int64  `json:"store_bytes"` // of the store's file afterwards
	LogBytes   int64  `json:"log_bytes"`   // of the provisioning log afterwards

	Bare *Bare `json:"bare"` // null where nothing was sent
}

// Bare is what the same requests took in the bare loop.
type Bare struct {
	Seconds float64 `json:"seconds"`
	// Ratio is the rate of the cycle in units of the bare loop's.
	Ratio float64 `json:"ratio"`
	// Otherwise counts the requests that were answered by another status than in
	// the cycle.
	Otherwise int `json:"otherwise"`
}

// Total gives the number of all requests.
func (r *Result) Total() int {
	total := 0
	for _, n := range r.Requests {
		total += n
	}
	return total
}

// Result gives what a cycle cost, nil when it was not measured.
func (r *Report) Result(letter string) *Result {
	for i := range r.Results {
		if r.Results[i].Cycle == letter {
			return &r.Results[i]
		}
	}
	return nil
}

// Speedup tells how many times faster the initial cycle is than the one with one
// request in flight.
type Speedup struct {
	Cycle float64 `json:"cycle"` // by requests a second, from the order of the cycle to its end
	Users float64 `json:"users"` // by users a second, from the first created to the last
}

// speedup compares the two; nil where either was not measured.
func (r *Report) speedup() *Speedup {
	many, one := r.Result("a"), r.Result("j")
	if many == nil || one == nil {
		return nil
	}
	return &Speedup{
		Cycle: float64(many.Total()) / many.Seconds / (float64(one.Total()) / one.Seconds),
		Users: many.UsersPerSecond / one.UsersPerSecond,
	}
}

func seconds(d time.Duration) float64 { return d.Seconds() }
