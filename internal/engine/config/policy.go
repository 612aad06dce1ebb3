package config

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Removal is what is done about an account whose object was lost.
type Removal string

// The removals.
const (
	RemovalDisable Removal = "disable"
	RemovalDelete  Removal = "delete"
	RemovalIgnore  Removal = "ignore"
)

// Deprovisioning is what to do with the accounts of one object type when their
// objects are lost.
type Deprovisioning struct {
	OutOfScope Removal
	Deleted    Removal
	// GracePeriod passes between a disable for absence and the delete.
	GracePeriod time.Duration
	// AuthoritativeMembers removes members that the engine did not put there.
	AuthoritativeMembers bool
}

// Threshold holds removals that are too many at once.
type Threshold struct {
	Count   int64   // more than this many; negative: no bound
	Percent float64 // more than this share of the linked active objects and at least 10; negative: no bound
}

// The limits of decisions 12: with no block both hold; a block sets just what
// it names.
const (
	DefaultThreshold = 500
	DefaultPercent   = 25
)

// DefaultInterval passes between the starts of two cycles.
const DefaultInterval = 10 * time.Minute

// Defaults of durations that a job may set.
const (
	DefaultGracePeriod  = 30 * 24 * time.Hour
	DefaultLogRetention = 30 * 24 * time.Hour
)

// IntervalDuration gives the interval of a valid job.
func (j *Job) IntervalDuration() time.Duration { return durationOr(j.Interval, DefaultInterval) }

// LogRetentionDuration gives how long the job's log is kept.
func (j *Job) LogRetentionDuration() time.Duration {
	return durationOr(j.LogRetention, DefaultLogRetention)
}

func durationOr(text string, otherwise time.Duration) time.Duration {
	if text == "" {
		return otherwise
	}
	d, err := ParseDuration(text)
	if err != nil {
		return otherwise
	}
	return d
}

// Threshold gives the job's limits for removals.
func (j *Job) Threshold() Threshold {
	if j == nil || j.AccidentalDeletions == nil {
		return Threshold{DefaultThreshold, DefaultPercent}
	}
	limits := Threshold{-1, -1}
	if count, ok := j.AccidentalDeletions["threshold"]; ok {
		limits.Count = int64(count)
	}
	if percent, ok := j.AccidentalDeletions["percent"]; ok {
		limits.Percent = percent
	}
	return limits
}

// DeprovisioningOf gives the policy for an object type. Groups are left alone
// unless the job says otherwise (decisions 14).
func (j *Job) DeprovisioningOf(objectType string) Deprovisioning {
	policy := Deprovisioning{OutOfScope: RemovalDisable, Deleted: RemovalDelete, GracePeriod: DefaultGracePeriod}
	if objectType == directory.Group {
		policy.OutOfScope, policy.Deleted = RemovalIgnore, RemovalIgnore
	}
	if j == nil {
		return policy
	}
	given := j.Deprovisioning[objectType]
	if v, ok := given["out_of_scope"]; ok {
		policy.OutOfScope = Removal(v)
	}
	if v, ok := given["deleted"]; ok {
		policy.Deleted = Removal(v)
	}
	policy.GracePeriod = durationOr(given["grace_period"], policy.GracePeriod)
	policy.AuthoritativeMembers = given["members"] == "authoritative"
	return policy
}

// misspelt gives the object type that a key stands for when it is written in
// another way, "" when it is not: a policy under a wrong key would be none.
func misspelt(key string) string {
	for _, objectType := range []string{directory.User, directory.Group} {
		if key != objectType && strings.EqualFold(strings.TrimRight(strings.TrimSpace(key), "sS"), objectType) {
			return objectType
		}
	}
	return ""
}

func (j *Job) validatePolicy(problems *Problems) {
	for _, key := range slices.Sorted(maps.Keys(j.AccidentalDeletions)) {
		value := j.AccidentalDeletions[key]
		path := []string{"accidental_deletions", key}
		switch {
		case key != "threshold" && key != "percent":
			problems.add(path, "Unknown limit", "%q is no limit of accidental_deletions; there are threshold and percent.", key)
		case !(value >= 0):
			problems.add(path, "Negative limit", "%s is %v; give 0 or more.", key, value)
		case key == "threshold" && value != float64(int64(value)):
			problems.add(path, "Not a whole number", "threshold is %v; give a whole number of removals.", value)
		case key == "percent" && value > 100:
			problems.add(path, "More than all", "percent is %v; give 100 or less.", value)
		}
	}
	for _, objectType := range slices.Sorted(maps.Keys(j.Deprovisioning)) {
		given := j.Deprovisioning[objectType]
		if meant := misspelt(objectType); meant != "" {
			problems.add([]string{"deprovisioning", objectType}, "Unknown object type", "%q is no object type; write %q.", objectType, meant)
		}
		for _, key := range slices.Sorted(maps.Keys(given)) {
			value, path := given[key], []string{"deprovisioning", objectType, key}
			switch key {
			case "out_of_scope", "deleted":
				switch Removal(value) {
				case RemovalDisable, RemovalDelete, RemovalIgnore:
					if objectType == directory.Group && Removal(value) == RemovalDisable {
						problems.add(path, "Groups cannot be disabled", `Use "delete" or "ignore" for groups.`)
					}
				default:
					problems.add(path, "Unknown removal", "%q is not known; use disable, delete or ignore.", value)
				}
			case "grace_period":
				if _, err := ParseDuration(value); err != nil {
					problems.add(path, "Not a duration", "%v.", err)
				}
			case "members":
				if value != "own" && value != "authoritative" || objectType != directory.Group {
					problems.add(path, "Unknown rule for members", `Use "own" or "authoritative", for object type Group.`)
				}
			default:
				problems.add(path, "Unknown rule", "%q is no rule of deprovisioning; there are %s.", key,
					strings.Join([]string{"out_of_scope", "deleted", "grace_period", "members"}, ", "))
			}
		}
	}
}
