package config

// Job is an app's job and the state wanted of it.
type Job struct {
	ID                  string                       `json:"id"`
	AppID               string                       `json:"app_id"`
	Enabled             *bool                        `json:"enabled,omitempty"`  // nil: true
	Interval            string                       `json:"interval,omitempty"` // empty: 10m
	AccidentalDeletions map[string]float64           `json:"accidental_deletions"`
	Deprovisioning      map[string]map[string]string `json:"deprovisioning,omitempty"`
	RateLimit           *RateLimit                   `json:"rate_limit,omitempty"`
	LogRetention        string                       `json:"log_retention,omitempty"` // empty: 30d
	LogDetail           string                       `json:"log_detail,omitempty"`    // empty: changes; all: unchanged objects too
	RestartTriggers     map[string]string            `json:"restart_triggers,omitempty"`
	RestartScope        []string                     `json:"restart_scope,omitempty"`
	Revisions           []string                     `json:"revisions"` // nil: not given
	// Kept for the provider's Read, without meaning for the engine.
	WaitFor  string            `json:"wait_for,omitempty"`
	Timeouts map[string]string `json:"timeouts,omitempty"`
	// MetRevisions are the revisions whose wait succeeded, or that needed none;
	// the agent sets them, and the provider's Read gives them.
	MetRevisions []string `json:"met_revisions,omitempty"`
	AwaitedCycle string   `json:"awaited_cycle,omitempty"`
}

// RateLimit bounds the requests to an app.
type RateLimit struct {
	RequestsPerSecond *float64 `json:"requests_per_second,omitempty"`
	Concurrency       *int64   `json:"concurrency,omitempty"`
}

// Identity of the job: one an app.
func (j *Job) Identity() Identity { return Identity{KindJob, j.AppID, "job"} }

// GetID gives the id.
func (j *Job) GetID() string { return j.ID }

// SetID sets the id.
func (j *Job) SetID(id string) { j.ID = id }

// Revision of a job is empty: jobs list revisions and have none.
func (j *Job) Revision() string { return "" }

// IsEnabled reports whether the job is on.
func (j *Job) IsEnabled() bool { return j.Enabled == nil || *j.Enabled }
