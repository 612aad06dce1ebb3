package job

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/cycle"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

const tableStates store.Table = "jobs" // app's id: State

// State is what an app's job has come to. It belongs to the app: destroying the
// job loses nothing of it (decisions 1).
type State struct {
	// Position is the snapshot's sequence number up to which all changes were
	// dealt with.
	Position uint64 `json:"position"`
	SourceID string `json:"source_id,omitempty"`
	// Epoch is the source's that the links were made in.
	Epoch string `json:"epoch,omitempty"`
	// Doubtful is set while links may be unproven.
	Doubtful bool `json:"doubtful,omitempty"`
	// Shape is the one whose initial cycle has ended, Done the digest of the
	// configuration that a cycle has ended on.
	Shape   string `json:"shape,omitempty"`
	Done    string `json:"done,omitempty"`
	Restart bool   `json:"restart,omitempty"` // an initial cycle is wanted

	Running        *status.Cycle `json:"running,omitempty"` // begun and not ended
	First          *status.Cycle `json:"first,omitempty"`
	Last           *status.Cycle `json:"last,omitempty"`
	LastSuccessful *status.Cycle `json:"last_successful,omitempty"`
	// LastFailure is set while the latest attempt failed as a whole.
	LastFailure   *status.Cycle `json:"last_failure,omitempty"`
	FailureAdvice string        `json:"failure_advice,omitempty"`
	StartedAt     time.Time     `json:"started_at,omitzero"` // of the latest attempt
	CheckedAt     time.Time     `json:"checked_at,omitzero"`
	SteadyFirst   time.Time     `json:"steady_first,omitzero"`
	SteadyLast    time.Time     `json:"steady_last,omitzero"`

	Pause      *Pause                   `json:"pause,omitempty"`
	Quarantine *status.QuarantineRecord `json:"quarantine,omitempty"`
	Disabled   bool                     `json:"disabled,omitempty"` // after too long in quarantine

	// Touched are objects whose assignment changed and that no cycle has looked
	// at since; Releases counts the changes, so that a cycle forgets none that
	// came while it ran.
	Touched  []directory.Key `json:"touched,omitempty"`
	Releases int64           `json:"releases,omitempty"`
	// Removed are removals of the past hour that were not approved.
	Removed []Removed            `json:"removed,omitempty"`
	Held    *status.HeldRemovals `json:"held,omitempty"`
	// Emptied are object types of which the source names nobody any more,
	// ApprovedEmpty those for which an operator says that it is so.
	Emptied       map[string]int `json:"emptied,omitempty"`
	ApprovedEmpty []string       `json:"approved_empty,omitempty"`

	Managed  map[string]int64 `json:"managed,omitempty"`
	Escrowed int64            `json:"escrowed,omitempty"`

	// Features and Schema are what the target last told of itself.
	Features *connector.Features `json:"features,omitempty"`
	Schema   *directory.Schema   `json:"schema,omitempty"`
	// Learned is what the connector found out about the target since.
	Learned json.RawMessage `json:"learned,omitempty"`
}

// Pause is an operator's: no apply lifts it unless enabled itself changes
// (decisions 39).
type Pause struct {
	By string    `json:"by"`
	At time.Time `json:"at"`
}

// Removed counts removals of one type that were carried out at one time.
type Removed struct {
	At    time.Time `json:"at"`
	Type  string    `json:"type"`
	Count int64     `json:"count"`
}

// recent sums the removals of the past hour by type, and forgets older ones.
func (s *State) recent(now time.Time) map[string]int64 {
	counts := make(map[string]int64)
	var kept []Removed
	for _, r := range s.Removed {
		if now.Sub(r.At) < time.Hour {
			kept = append(kept, r)
			counts[r.Type] += r.Count
		}
	}
	s.Removed = kept
	return counts
}

// noteRemoved remembers removals of a cycle for the threshold's hour. A summary
// may be nil.
func (s *State) noteRemoved(summary *cycle.Summary, at time.Time) {
	if summary == nil {
		return
	}
	kept := slices.Clone(s.Removed)
	for _, typ := range slices.Sorted(maps.Keys(summary.Removed)) {
		if n := summary.Removed[typ]; n > 0 {
			kept = append(kept, Removed{at, typ, n})
		}
	}
	s.Removed = kept
}

func readState(r store.Reader, appID string) (*State, error) {
	data, err := r.Get(tableStates, store.Key(appID))
	if err != nil {
		return nil, err
	}
	s := &State{}
	if data == nil {
		return s, nil
	}
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("the state of the job of app %s is damaged: %w", appID, err)
	}
	return s, nil
}

func putState(appID string, s *State) (store.Mutation, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return store.Mutation{}, fmt.Errorf("the state of the job of app %s: %w", appID, err)
	}
	return store.Put(tableStates, store.Key(appID), data), nil
}
