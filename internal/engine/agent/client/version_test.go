package client

import (
	"slices"
	"testing"
)

func TestCompareVersions(t *testing.T) {
	versions := []string{ // ascending
		"0.9.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0",
		"1.0.1", "1.2.0", "v1.10.0", "2.0.0-dev", "2.0.0", "dev",
	}
	for i, a := range versions {
		for j, b := range versions {
			if got, want := compareVersions(a, b), sign(i-j); sign(got) != want {
				t.Errorf("compareVersions(%q, %q) = %d, want %d", a, b, got, want)
			}
		}
	}
	for _, equal := range [][2]string{{"1.0.0", "v1.0.0"}, {"1.0.0+a", "1.0.0+b"}, {"dev", ""}, {"dev", "1.0.0.0-"}} {
		if got := compareVersions(equal[0], equal[1]); got != 0 {
			t.Errorf("compareVersions(%q, %q) = %d", equal[0], equal[1], got)
		}
	}
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

func TestEnvironment(t *testing.T) {
	got := environment([]string{
		"HOME=/h", "TF_LOG=trace", "PLUGIN_MIN_PORT=1", "TOKEN=TF_x=PLUGIN_y", "PROVISIONING_AGENT_READY=3", "TFX=1", "EMPTY=", "=odd",
	})
	want := []string{"HOME=/h", "TOKEN=TF_x=PLUGIN_y", "TFX=1", "EMPTY=", "=odd"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestStateDir(t *testing.T) {
	t.Setenv("HOME", "/home/grace")
	for _, tt := range []struct{ state, want string }{
		{"/state", "/state"},
		{"", "/home/grace/.local/state"},
		{"relative", "/home/grace/.local/state"},
	} {
		t.Setenv("XDG_STATE_HOME", tt.state)
		if got, err := stateDir("linux"); err != nil || got != tt.want {
			t.Errorf("with XDG_STATE_HOME=%q: %q, %v", tt.state, got, err)
		}
	}
	t.Setenv("XDG_STATE_HOME", "")
	t.Setenv("HOME", "")
	if got, err := stateDir("linux"); err == nil {
		t.Errorf("without a home: %q", got)
	}
}
