//go:build unix

package client

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

func signal(t *testing.T, pid int, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		t.Fatal(err)
	}
}

// freeze stops a process, and returns when none of its threads runs, where the
// system tells.
func freeze(t *testing.T, pid int) {
	t.Helper()
	signal(t, pid, syscall.SIGSTOP)
	t.Cleanup(func() { syscall.Kill(pid, syscall.SIGCONT) })
	until(t, "the process stopped", func() bool {
		threads, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task/*/stat"))
		for _, name := range threads {
			stat, err := os.ReadFile(name)
			if err != nil || !bytes.Contains(stat, []byte(") T ")) {
				return false
			}
		}
		return true
	})
}

func wantEnded(t *testing.T, dir string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := agent.WaitEnded(ctx, dir); err != nil {
		t.Fatalf("the agent goes on: %v", err)
	}
	until(t, "nobody listens", func() bool { // what a killed process had is given back one by one
		conn, err := agent.Dial(ctx, dir)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
}

func TestAgent_secondSignal(t *testing.T) {
	dir := dataDir(t)
	pid := connect(t, behaving(dir, "1.0.0", "a", lingering)).Handshake().PID
	signal(t, pid, syscall.SIGTERM)
	until(t, "the agent is ending", func() bool {
		_, err := os.Stat(filepath.Join(dir, "closing"))
		return err == nil
	})
	signal(t, pid, syscall.SIGTERM)
	wantEnded(t, dir)
}

func TestAgent_lostFiles(t *testing.T) {
	for _, name := range []string{"agent.lock", "agent.sock"} {
		t.Run(name, func(t *testing.T) {
			dir := dataDir(t)
			connect(t, options(dir, "1.0.0", "a"))
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
			until(t, "the agent ended", func() bool { return len(processes(dir)) == 0 })
		})
	}
}

// TestAgent_lostWhileStopped: an agent that slept while another took its place
// ends, and leaves the other alone.
func TestAgent_lostWhileStopped(t *testing.T) {
	dir := dataDir(t)
	old := connect(t, options(dir, "1.0.0", "a")).Handshake().PID
	freeze(t, old)
	for _, name := range []string{"agent.lock", "agent.sock"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	next := connect(t, options(dir, "1.0.0", "a")).Handshake().PID
	signal(t, old, syscall.SIGCONT)
	until(t, "the old agent ended", func() bool { return len(processes(dir)) == 1 })
	if got := connect(t, options(dir, "1.0.0", "a")).Handshake().PID; got != next {
		t.Errorf("agent %d answers, not %d", got, next)
	}
}

// TestConnect_stoppedAgent: one that is there and does not answer is not
// replaced.
func TestConnect_stoppedAgent(t *testing.T) {
	dir := dataDir(t)
	pid := connect(t, options(dir, "1.0.0", "a")).Handshake().PID
	freeze(t, pid)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := Connect(ctx, options(dir, "1.0.0", "a")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if found := processes(dir); len(found) > 1 {
		t.Errorf("agents: %v", found)
	}
}

// TestConnect_drains: a newer client waits until the older agent is done.
func TestConnect_drains(t *testing.T) {
	dir := dataDir(t)
	old := connect(t, behaving(dir, "1.0.0", "a", lingering)).Handshake()
	done := make(chan error, 1)
	var c *Client
	go func() {
		var err error
		c, err = Connect(t.Context(), options(dir, "1.1.0", "b"))
		done <- err
	}()
	until(t, "the agent is ending", func() bool {
		_, err := os.Stat(filepath.Join(dir, "closing"))
		return err == nil
	})
	select {
	case err := <-done:
		t.Fatalf("the older agent was not waited for: %v", err)
	default:
	}
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Handshake().PID == old.PID {
		t.Error("the agent was not replaced")
	}
}

func TestConnect_afterKill(t *testing.T) {
	dir := dataDir(t)
	first := connect(t, options(dir, "1.0.0", "a"))
	signal(t, first.Handshake().PID, syscall.SIGKILL)
	wantEnded(t, dir)
	second := connect(t, options(dir, "1.0.0", "a"))
	if first.Handshake().PID == second.Handshake().PID {
		t.Error("the agent was not started again")
	}
	// The client of the first goes on with the second.
	if _, err := first.Get(t.Context(), config.KindApp, "x"); err != nil {
		t.Fatal(err)
	}
}

func TestCall_startsAgent(t *testing.T) {
	dir := dataDir(t)
	c := connect(t, options(dir, "1.0.0", "a"))
	before := c.Handshake().PID
	signal(t, before, syscall.SIGKILL)
	wantEnded(t, dir)
	if _, err := c.Get(t.Context(), config.KindApp, "x"); err != nil {
		t.Fatal(err)
	}
	if c.Handshake().PID == before {
		t.Error("the agent was not started again")
	}
}

func TestCall_otherStore(t *testing.T) {
	dir := dataDir(t)
	c := connect(t, options(dir, "1.0.0", "a"))
	signal(t, c.Handshake().PID, syscall.SIGKILL)
	wantEnded(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "store"), []byte("store-2"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := c.Get(t.Context(), config.KindApp, "x")
	wantCode(t, err, api.CodeConflict)
}

func TestWait_nextAgent(t *testing.T) {
	for name, end := range map[string]syscall.Signal{"killed": syscall.SIGKILL, "ended": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, options(dataDir(t), "1.0.0", "a"))
			var once sync.Once
			result, err := c.Wait(t.Context(), "app", api.WaitRequest{For: "next_cycle"}, func(status.Progress) {
				once.Do(func() { signal(t, c.Handshake().PID, end) })
			})
			if err != nil || !result.Succeeded {
				t.Errorf("got %+v, %v", result, err)
			}
		})
	}
}
