// Package status holds what is told of a job: its state, its cycles with their
// counts, its progress, and the outcome of a preview. It is data alone, with
// the names that the API, the provider and the command line show.
package status

import "time"

// Code is the state of a job.
type Code string

// The states of a job.
const (
	NotRun     Code = "not_run"    // no cycle has ended yet
	Active     Code = "active"     // cycles run
	Paused     Code = "paused"     // by an operator, or enabled = false
	Quarantine Code = "quarantine" // the connection does not work; tried ever less often
	Disabled   Code = "disabled"   // after 28 days in quarantine
)

// CycleKind tells why a cycle ran and what it looked at.
type CycleKind string

// The kinds of cycles.
const (
	Initial     CycleKind = "initial"
	Incremental CycleKind = "incremental"
	OnDemand    CycleKind = "on_demand"
)

// CycleState is how a cycle stands.
type CycleState string

// The states of a cycle.
const (
	Running     CycleState = "running"
	Succeeded   CycleState = "succeeded"
	EntryErrors CycleState = "entry_level_errors" // ended; some objects failed
	Failed      CycleState = "failed"
	Stopped     CycleState = "stopped" // paused, or overtaken by a new configuration
)

// Counts counts objects, each once a cycle.
type Counts struct {
	Created   int64 `json:"created"`
	Updated   int64 `json:"updated"`
	Disabled  int64 `json:"disabled"`
	Deleted   int64 `json:"deleted"`
	Skipped   int64 `json:"skipped"`
	Failed    int64 `json:"failed"`
	Unchanged int64 `json:"unchanged"`
}

// Sent counts the objects that something was written for.
func (c Counts) Sent() int64 { return c.Created + c.Updated + c.Disabled + c.Deleted }

// Cycle is one run of a job.
type Cycle struct {
	ID        string     `json:"id"`
	Kind      CycleKind  `json:"kind"`
	State     CycleState `json:"state"`
	StartedAt time.Time  `json:"started_at"`
	EndedAt   time.Time  `json:"ended_at,omitzero"`
	Counts
	// Held counts removals that the threshold holds back.
	Held int64 `json:"held"`
	// Reason says why the cycle failed or stopped; empty otherwise.
	Reason string `json:"reason,omitempty"`
	// Requests counts requests to the target.
	Requests int64 `json:"requests"`
	// Configuration is the digest of the configuration that the cycle ran on.
	Configuration string `json:"configuration,omitempty"`
}

// Progress is how far the running cycle is.
type Progress struct {
	CycleID string    `json:"cycle_id"`
	Kind    CycleKind `json:"kind"`
	// Phase is what is being done: "reading the source", "listing accounts",
	// "users", "groups", "references", "removals".
	Phase string `json:"phase"`
	Done  int64  `json:"done"`
	Total int64  `json:"total"` // 0 when not known yet
	Counts
	StartedAt time.Time `json:"started_at"`
}

// QuarantineRecord says why a job is in quarantine and until when.
type QuarantineRecord struct {
	Reason      string    `json:"reason"` // a code
	Message     string    `json:"message"`
	Advice      string    `json:"advice,omitempty"`
	Since       time.Time `json:"since"`
	SeriesCount int       `json:"series_count"`
	NextAttempt time.Time `json:"next_attempt"`
}

// HeldRemovals is a set of removals that wait for an approval.
type HeldRemovals struct {
	Digest string    `json:"digest"` // what an approval names
	Count  int64     `json:"count"`
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
	// Examples names a few of those concerned.
	Examples []string `json:"examples,omitempty"`
}

// Configuration tells which configuration is in force and which waits.
type Configuration struct {
	Released string   `json:"released"`          // digest; empty before the first release
	Pending  []string `json:"pending,omitempty"` // revisions that wait for the job to be applied
	Unlisted []string `json:"unlisted,omitempty"`
}

// Job is all that is told of one app's job.
type Job struct {
	AppID   string `json:"app_id"`
	AppName string `json:"app_name"`
	JobID   string `json:"job_id,omitempty"`
	Code    Code   `json:"code"`
	// PausedBy and PausedAt are set while an operator's pause holds.
	PausedBy string    `json:"paused_by,omitempty"`
	PausedAt time.Time `json:"paused_at,omitzero"`

	Quarantine *QuarantineRecord `json:"quarantine,omitempty"`
	Progress   *Progress         `json:"progress,omitempty"`

	// LastCycle is the last that read a change or sent something; CheckedAt
	// moves with every cycle.
	FirstCycle          *Cycle    `json:"first_cycle,omitempty"`
	LastCycle           *Cycle    `json:"last_cycle,omitempty"`
	LastSuccessfulCycle *Cycle    `json:"last_successful_cycle,omitempty"`
	CheckedAt           time.Time `json:"checked_at,omitzero"`
	NextCycleAt         time.Time `json:"next_cycle_at,omitzero"`

	SteadyStateFirstAchievedAt time.Time `json:"steady_state_first_achieved_at,omitzero"`
	SteadyStateLastAchievedAt  time.Time `json:"steady_state_last_achieved_at,omitzero"`

	Managed       map[string]int64 `json:"managed"` // accounts linked and existing, by mapped object type
	Escrowed      int64            `json:"escrowed"`
	HeldRemovals  []HeldRemovals   `json:"held_removals,omitempty"`
	Configuration Configuration    `json:"configuration"`
}

// Change is one account that a preview says would be touched.
type Change struct {
	Action  string     `json:"action"` // create, update, disable, delete, none
	Type    string     `json:"type"`
	Anchor  string     `json:"anchor"`
	Source  string     `json:"source"` // display name
	Target  string     `json:"target,omitempty"`
	Reason  string     `json:"reason,omitempty"`
	Failed  bool       `json:"failed,omitempty"`
	Held    bool       `json:"held,omitempty"`
	Skipped bool       `json:"skipped,omitempty"`
	Details []Property `json:"modified_properties,omitempty"`
}

// Property is one attribute that would change; null when there is no value.
type Property struct {
	Name string  `json:"name"`
	Old  *string `json:"old"`
	New  *string `json:"new"`
}

// Preview is what a cycle would do now.
type Preview struct {
	AppID   string `json:"app_id"`
	AppName string `json:"app_name"`
	Counts
	Held    int64    `json:"held"`
	Changes []Change `json:"changes"`
	// More counts changes beyond those in Changes.
	More int64 `json:"more"`
	// OpenDoors tells in a line each where a missing filter or mapping lets more
	// in than before.
	OpenDoors []string `json:"open_doors,omitempty"`
}
