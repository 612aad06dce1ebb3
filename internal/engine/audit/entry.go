// Package audit is the provisioning log: what was done, skipped or refused for
// each object, why, and what to do about it. Entries are committed with what
// they tell of, through an outbox in the store, and kept in one file a day and
// app, so that old ones go by deleting a file.
package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
)

// Entry is one line of the log: one attempt at one object, or one event of a
// job or of what is declared. It holds what its writer gives; no secret is
// ever given.
type Entry struct {
	ID                 string     `json:"id"` // first, since readers skip a line by it
	Time               time.Time  `json:"time"`
	AppID              string     `json:"app_id"`
	CycleID            string     `json:"cycle_id"`
	ChangeID           string     `json:"change_id,omitempty"`
	Category           Category   `json:"category"`
	Action             Action     `json:"action"`
	Status             Status     `json:"status"`
	Source             Identity   `json:"source"`
	Target             Identity   `json:"target"`
	Steps              []Step     `json:"steps"`
	ModifiedProperties []Property `json:"modified_properties"`
	Reason             string     `json:"reason"`
	ErrorCode          string     `json:"error_code"`
	RecommendedAction  string     `json:"recommended_action"`
	InitiatedBy        string     `json:"initiated_by"`
	DurationMS         int64      `json:"duration_ms"`
}

// Identity names the object of a source or the account of a target.
type Identity struct {
	Type        string `json:"type"`
	ID          string `json:"id"`
	DisplayName string `json:"display_name"`
}

// Step is one thing that was looked at or done on the way.
type Step struct {
	Name        string   `json:"name"`
	Type        StepType `json:"type"`
	Status      Status   `json:"status"`
	Description string   `json:"description"`
	Details     Details  `json:"details,omitempty"`
}

// Details are what a step tells besides: texts by name, each name once. In JSON
// they are an object.
type Details []Detail

// Detail is one of them.
type Detail struct{ Name, Value string }

// DetailsOf gives those of a map, ascending by name.
func DetailsOf(texts map[string]string) Details {
	if len(texts) == 0 {
		return nil
	}
	d := make(Details, 0, len(texts))
	for name, value := range texts {
		d = append(d, Detail{name, value})
	}
	slices.SortFunc(d, func(a, b Detail) int { return strings.Compare(a.Name, b.Name) })
	return d
}

// Get gives the text of that name, and whether there is one.
func (d Details) Get(name string) (string, bool) {
	for _, detail := range d {
		if detail.Name == name {
			return detail.Value, true
		}
	}
	return "", false
}

// MarshalJSON writes an object.
func (d Details) MarshalJSON() ([]byte, error) { return appendDetails(nil, d), nil }

// UnmarshalJSON reads an object. Its order is not kept.
func (d *Details) UnmarshalJSON(data []byte) error {
	var texts map[string]string
	err := json.Unmarshal(data, &texts)
	*d = DetailsOf(texts)
	return err
}

// Property is one attribute that changed; nil stands for no value.
type Property struct {
	Name string  `json:"name"`
	Old  *string `json:"old"`
	New  *string `json:"new"`
}

// Category says what an entry is about.
type Category string

// The categories.
const (
	Provisioning  Category = "provisioning"  // one object
	Job           Category = "job"           // start, pause, restart, quarantine, approval
	Configuration Category = "configuration" // what is declared
)

// Action is what was done, or would have been.
type Action string

// The actions. A StagedDelete is a removal that is held.
const (
	Create       Action = "create"
	Update       Action = "update"
	Delete       Action = "delete"
	Disable      Action = "disable"
	StagedDelete Action = "staged_delete"
	Other        Action = "other"
)

// Status is how it ended.
type Status string

// The statuses.
const (
	Success Status = "success"
	Warning Status = "warning"
	Failure Status = "failure"
	Skipped Status = "skipped"
)

// StepType is the stage that a step belongs to.
type StepType string

// The types of steps, in the order of their stages.
const (
	StepImport              StepType = "import"
	StepScoping             StepType = "scoping"
	StepMatching            StepType = "matching"
	StepProcessing          StepType = "processing"
	StepReferenceResolution StepType = "reference_resolution"
	StepExport              StepType = "export"
)

// decode reads a line. It never panics, whatever stands there.
func decode(line []byte) (Entry, error) {
	var e Entry
	if err := json.Unmarshal(line, &e); err != nil {
		return Entry{}, err
	}
	if _, err := ulid.ParseStrict(e.ID); err != nil {
		return Entry{}, fmt.Errorf("id %.40q: %w", e.ID, err)
	}
	if e.Time.IsZero() {
		return Entry{}, errors.New("the entry has no time")
	}
	return e, nil
}

const linePrefix = `{"id":"`

// lineID gives the id of a line without decoding it, "" when that needs to be
// done.
func lineID(line []byte) string {
	const end = len(linePrefix) + ulid.EncodedSize
	if len(line) <= end || string(line[:len(linePrefix)]) != linePrefix || line[end] != '"' {
		return ""
	}
	return string(line[len(linePrefix):end])
}
