package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// newDemo gives a demo whose folder is made in a directory of the test.
func newDemo(t *testing.T) (cmd *exec.Cmd, dir string) {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIPPED with -short: the demo, which is the whole way with a real Terraform")
	}
	args := []string{"demo"}
	if cli := os.Getenv("TF_ACC_TERRAFORM_PATH"); cli != "" {
		args = append(args, "--terraform", cli)
	} else if _, err := exec.LookPath("terraform"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("there is no terraform on PATH")
		}
		t.Skip("SKIPPED: the demo, since there is no terraform on PATH; install Terraform 1.11 or newer")
	}
	dir = t.TempDir()
	cmd = exec.CommandContext(t.Context(), program, args...)
	// XDG_RUNTIME_DIR: where the socket goes when the test's directory has too long a name.
	cmd.Env = append(os.Environ(), "TMPDIR="+dir, "XDG_RUNTIME_DIR="+dir)
	return cmd, dir
}

// nothingLeft makes sure that a demo left neither files nor processes.
func nothingLeft(t *testing.T, dir string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, "provisioning-demo-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	commands, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range commands {
		if line, err := os.ReadFile(path); err == nil && bytes.Contains(line, []byte(dir)) {
			t.Errorf("still runs: %s", bytes.ReplaceAll(line, []byte{0}, []byte(" ")))
		}
	}
}

// TestDemo plays the demo from its begin to its end, twice.
func TestDemo(t *testing.T) {
	for range 2 {
		cmd, dir := newDemo(t)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, want := range []string{
			"chat initial cycle:", // its progress
			"Apply complete! Resources: 9 added",
			"Edsger Dijkstra  NotInScope",
			"disable   success  User Alan Turing",
			"1 created, 2 updated, 1 disabled",
			"No changes.",
			"Destroy complete! Resources: 9 destroyed.",
			"What to try next",
		} {
			if !strings.Contains(string(out), want) {
				t.Errorf("%q is missing in\n%s", want, out)
			}
		}
		nothingLeft(t, dir)
	}
}

// TestDemoInterrupted makes sure that Ctrl-C in the midst of it clears the stage.
func TestDemoInterrupted(t *testing.T) {
	cmd, dir := newDemo(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	said := &watcher{word: []byte("provisioning_job.chat: Creating"), seen: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-said.seen:
	case <-ctx.Done():
		t.Error("it never came to the job")
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !bytes.Contains(said.text, []byte("Interrupted")) {
		t.Errorf("%v\n%s", err, said.text)
	}
	nothingLeft(t, dir)
}

// watcher keeps an output, and tells when a word comes.
type watcher struct {
	text []byte
	word []byte
	seen chan struct{}
	done bool
}

func (w *watcher) Write(data []byte) (int, error) {
	w.text = append(w.text, data...)
	if !w.done && bytes.Contains(w.text, w.word) {
		w.done = true
		close(w.seen)
	}
	return len(data), nil
}
