package config

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"0s": 0, "0d": 0, "1s": time.Second, "90s": 90 * time.Second, "1h30m": 90 * time.Minute, "30d": 30 * day, "1d12h": 36 * time.Hour,
		" 10m ": 10 * time.Minute, "1.5h": 90 * time.Minute, "100000d": 100000 * day,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "d", "10", "-1h", "-1d", "1d-1h", "1.5d", "1h1d", "1w", "P1D", "100001d", "99999999999999999999d", "100000d2000000h", "1d 1h"} {
		if got, err := ParseDuration(text); err == nil || got != 0 {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, seed := range []string{"1d12h", "100000d2562047h", "9223372036854775807ns", "-1ns"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := ParseDuration(text); d < 0 || err != nil && d != 0 {
			t.Fatalf("%q: %v, %v", text, d, err)
		}
	})
}

func TestJob_policy(t *testing.T) {
	var none *Job
	for _, j := range []*Job{none, {}, {Deprovisioning: map[string]map[string]string{"User": {}}}} {
		if got := j.DeprovisioningOf("User"); got != (Deprovisioning{RemovalDisable, RemovalDelete, 30 * 24 * time.Hour, false}) {
			t.Errorf("users: %+v", got)
		}
		if got := j.DeprovisioningOf("Group"); got != (Deprovisioning{RemovalIgnore, RemovalIgnore, 30 * 24 * time.Hour, false}) {
			t.Errorf("groups: %+v", got)
		}
		if got := j.Threshold(); got != (Threshold{500, 25}) {
			t.Errorf("limits: %+v", got)
		}
	}
	j := goodJob()
	if got := j.DeprovisioningOf("Group"); got.Deleted != RemovalDelete || got.OutOfScope != RemovalIgnore || !got.AuthoritativeMembers {
		t.Errorf("groups: %+v", got)
	}
	j.Deprovisioning["User"]["grace_period"] = "0s"
	if got := j.DeprovisioningOf("User"); got.GracePeriod != 0 {
		t.Errorf("users: %+v", got)
	}
	if got := j.DeprovisioningOf("Desk"); got.Deleted != RemovalIgnore || got.OutOfScope != RemovalDisable {
		t.Errorf("desks: %+v", got)
	}

	// A block sets just what it names.
	for _, tt := range []struct {
		given map[string]float64
		want  Threshold
	}{
		{map[string]float64{}, Threshold{-1, -1}},
		{map[string]float64{"threshold": 0}, Threshold{0, -1}},
		{map[string]float64{"percent": 0.5}, Threshold{-1, 0.5}},
		{map[string]float64{"threshold": 7, "percent": 100}, Threshold{7, 100}},
	} {
		if got := (&Job{AccidentalDeletions: tt.given}).Threshold(); got != tt.want {
			t.Errorf("%v: %+v", tt.given, got)
		}
	}

	if (&Job{}).IntervalDuration() != 10*time.Minute || (&Job{}).LogRetentionDuration() != 30*24*time.Hour || (&Job{Interval: "1s"}).IntervalDuration() != time.Second {
		t.Error("durations are wrong")
	}
	if !(&Job{}).IsEnabled() || (&Job{Enabled: ref(false)}).IsEnabled() {
		t.Error("a job is on unless it is turned off")
	}
}

func TestSource_references(t *testing.T) {
	s := goodSource()
	if got := s.References("User"); len(got) != 1 || got[0] != "manager" {
		t.Errorf("users refer by %v", got)
	}
	if got := s.References("Group"); len(got) != 1 || got[0] != "members" {
		t.Errorf("groups refer by %v", got)
	}
	s.File.Groups = nil
	if got := append(s.References("Group"), (&Source{}).References("User")...); len(got) > 0 {
		t.Errorf("nothing refers by %v", got)
	}
	if got := goodSource().MappingSource("User"); got.Aliases["mail"] != "email" || got.Known != nil {
		t.Errorf("mappings see %+v", got)
	}
}
