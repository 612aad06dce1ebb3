//go:build unix

package client

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
)

// TestConnect_manyStarters: each is a process whose output is waited for, so an
// agent that held on to it would be noticed.
func TestConnect_manyStarters(t *testing.T) {
	dir := dataDir(t)
	var mu sync.Mutex
	pids := map[string]int{}
	var starters sync.WaitGroup
	for range 40 {
		starters.Go(func() {
			out, err := exec.Command(os.Args[0], asStarter, dir).Output()
			if err != nil {
				var exit *exec.ExitError
				if errors.As(err, &exit) {
					t.Errorf("%v: %s", err, exit.Stderr)
				} else {
					t.Error(err)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			pids[string(bytes.TrimSpace(out))]++
		})
	}
	starters.Wait()
	if len(pids) != 1 {
		t.Errorf("agents by the starters that reached them: %v", pids)
	}
	log, err := os.ReadFile(agent.LogPath(dir))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(log, []byte("agent serves")); n != 1 {
		t.Errorf("%d agents served", n)
	}
}

func TestConnect_detached(t *testing.T) {
	dir := dataDir(t)
	pid := connect(t, options(dir, "1.0.0", "a")).Handshake().PID
	session, err := unix.Getsid(pid)
	if err != nil {
		t.Fatal(err)
	}
	if session != pid {
		t.Errorf("the agent %d is in session %d", pid, session)
	}
	for _, name := range []string{"agent.log", "agent.lock", "start.lock", "agent.sock"} {
		info, err := os.Lstat(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
	if _, err := os.Stat("/proc/self"); errors.Is(err, fs.ErrNotExist) {
		t.Skip("no /proc")
	}
	link := func(name string) string {
		target, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), name))
		if err != nil {
			t.Error(err)
		}
		return target
	}
	if got := link("cwd"); got != dir {
		t.Errorf("it works in %s", got)
	}
	if got := link("fd/0"); got != os.DevNull {
		t.Errorf("it reads %s", got)
	}
	for _, name := range []string{"fd/1", "fd/2"} {
		if got := link(name); got != agent.LogPath(dir) {
			t.Errorf("%s is %s", name, got)
		}
	}
	if got := filepath.Dir(link("exe")); got != filepath.Join(dir, "bin") {
		t.Errorf("it runs from %s", got)
	}
}

func TestConnect_environment(t *testing.T) {
	t.Setenv("TF_VAR_token", "canary")
	t.Setenv("TF_PLUGIN_MAGIC_COOKIE", "canary")
	t.Setenv("PLUGIN_PROTOCOL_VERSIONS", "canary")
	t.Setenv("SLACK_TOKEN", "wanted")
	warnings, err := connect(t, options(dataDir(t), "1.0.0", "a")).Warnings(t.Context(), "app")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(warnings, api.Warning{Summary: "SLACK_TOKEN=wanted"}) {
		t.Error("the agent does not see SLACK_TOKEN")
	}
	for _, w := range warnings {
		if strings.HasPrefix(w.Summary, "TF_") || strings.HasPrefix(w.Summary, "PLUGIN_") || strings.HasPrefix(w.Summary, agent.ReadyVariable) {
			t.Errorf("the agent sees %s", w.Summary)
		}
	}
}

func TestConnect_noAgent(t *testing.T) {
	dir := dataDir(t)
	_, err := Connect(t.Context(), Options{DataDir: dir, Version: "1.0.0"})
	wantCode(t, err, api.CodeUnavailable)
	absent := filepath.Join(dir, "absent")
	_, err = Connect(t.Context(), Options{DataDir: absent, Version: "1.0.0"})
	wantCode(t, err, api.CodeUnavailable)
	if _, err := os.Stat(absent); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("asking for an agent made a directory: %v", err)
	}
}

func TestConnect_openToOthers(t *testing.T) {
	dir := dataDir(t)
	if err := os.Chmod(dir, 0o722); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o700)
	_, err := Connect(t.Context(), options(dir, "1.0.0", "a"))
	wantCode(t, err, api.CodeInvalid)
}

func TestConnect_versions(t *testing.T) {
	tests := []struct {
		name                            string
		oldVersion, oldBuild            string
		version, build                  string
		manual                          bool
		replaced, refused, incompatible bool
	}{
		{name: "same", oldVersion: "1.2.0", oldBuild: "a", version: "1.2.0", build: "a"},
		{name: "newer version", oldVersion: "1.2.0", oldBuild: "a", version: "1.10.0", build: "b", replaced: true},
		{name: "older version", oldVersion: "1.10.0", oldBuild: "b", version: "1.9.0", build: "a", refused: true},
		{name: "newer pre-release", oldVersion: "1.2.0-rc.1", oldBuild: "a", version: "1.2.0", build: "b", replaced: true},
		{name: "rebuilt by a developer", oldVersion: "dev", oldBuild: "a", version: "dev", build: "b", replaced: true},
		{name: "developer's after a release", oldVersion: "1.2.0", oldBuild: "a", version: "dev", build: "b", replaced: true},
		{name: "release after a developer's", oldVersion: "dev", oldBuild: "a", version: "1.2.0", build: "b", refused: true},
		{name: "newer without start", oldVersion: "1.2.0", oldBuild: "a", version: "1.3.0", build: "b", manual: true},
		{name: "older without start", oldVersion: "1.3.0", oldBuild: "a", version: "1.2.0", build: "b", manual: true, refused: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := dataDir(t)
			old := connect(t, options(dir, tt.oldVersion, tt.oldBuild)).Handshake()
			now := options(dir, tt.version, tt.build)
			now.Autostart = !tt.manual
			c, err := Connect(t.Context(), now)
			if tt.refused {
				told := wantCode(t, err, api.CodeIncompatible)
				for _, version := range []string{tt.oldVersion, tt.version} {
					if !strings.Contains(told.Error(), version) {
						t.Errorf("%q does not name %s", told, version)
					}
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := c.Handshake()
			if replaced := got.PID != old.PID; replaced != tt.replaced {
				t.Errorf("replaced: %t", replaced)
			}
			if tt.replaced && (got.Version != tt.version || got.Build != tt.build) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestConnect_anyVersion(t *testing.T) {
	dir := dataDir(t)
	pid := connect(t, options(dir, "2.0.0", "a")).Handshake().PID
	c := connect(t, Options{DataDir: dir, Version: "1.0.0", AnyVersion: true})
	if c.Handshake().PID != pid {
		t.Error("another agent was reached")
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, "the agent ended", func() bool { return len(processes(dir)) == 0 })
	if err := c.Stop(t.Context()); err != nil {
		t.Errorf("stopping none: %v", err)
	}
}

func TestConnect_startFails(t *testing.T) {
	tests := []struct {
		behaviour string
		code      api.Code
		says      string
	}{
		{refusing, api.CodeConflict, "Cannot open the log: it is not writable. Make room."},
		{corrupt, api.CodeConflict, "the store is damaged: bad checksum"},
		{panicking, api.CodeUnavailable, "the agent ended while starting (exit status 2)"},
	}
	for _, tt := range tests {
		t.Run(tt.behaviour, func(t *testing.T) {
			dir := dataDir(t)
			_, err := Connect(t.Context(), behaving(dir, "1.0.0", "a", tt.behaviour))
			told := wantCode(t, err, tt.code)
			if !strings.Contains(told.Error(), tt.says) {
				t.Errorf("it says %q", told)
			}
			if tt.behaviour == refusing && !slices.Equal(told.Path, []string{"data_dir"}) {
				t.Errorf("its path is %q", told.Path)
			}
			if tt.behaviour == panicking {
				log, _ := os.ReadFile(agent.LogPath(dir))
				if !bytes.Contains(log, []byte("the engine cannot be opened")) {
					t.Error("the panic is not in the log")
				}
			}
			wantEnded(t, dir)
			connect(t, options(dir, "1.0.0", "a")) // and the way is free
		})
	}
}

func TestConnect_noProgram(t *testing.T) {
	o := options(dataDir(t), "1.0.0", "a")
	o.Executable = filepath.Join(o.DataDir, "none")
	_, err := Connect(t.Context(), o)
	wantCode(t, err, api.CodeUnavailable)
}

func TestConnect_cancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Connect(ctx, options(dataDir(t), "1.0.0", "a")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestConnect_longPath(t *testing.T) {
	runtimeDir := dataDir(t)
	t.Setenv("XDG_RUNTIME_DIR", runtimeDir)
	dir := filepath.Join(dataDir(t), strings.Repeat("long", 40))
	pid := connect(t, options(dir, "1.0.0", "a")).Handshake().PID
	// A caller with another environment finds it as well.
	t.Setenv("XDG_RUNTIME_DIR", "")
	c := connect(t, options(dir, "1.0.0", "a"))
	if c.Handshake().PID != pid {
		t.Error("another agent was reached")
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(runtimeDir, "*", "*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestInstall_removesOthers(t *testing.T) {
	dir := dataDir(t)
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "old"), nil, 0o700); err != nil {
		t.Fatal(err)
	}
	connect(t, options(dir, "1.0.0", "a"))
	entries, err := os.ReadDir(bin)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := agent.BuildDigest()
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != digest {
		t.Errorf("bin has %v", entries)
	}
}
