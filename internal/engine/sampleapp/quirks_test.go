package sampleapp

import (
	"strings"
	"testing"
)

func TestParseQuirks(t *testing.T) {
	if q, err := ParseQuirks(`{"NoPatch":true,"MembersPerRequest":20}`); err != nil || !q.NoPatch || q.MembersPerRequest != 20 {
		t.Errorf("%+v, %v", q, err)
	}
	if _, err := ParseQuirks(`{"NoPath":true}`); err == nil || !strings.Contains(err.Error(), "NoPatch") {
		t.Errorf("what is no quirk: %v", err)
	}
}
