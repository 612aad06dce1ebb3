package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent/client"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
)

// workspace is a folder with a configuration, the real terraform that runs in
// it, with the real binary as its provider, and the agent of its data directory.
type workspace struct {
	t       *testing.T
	dir     string   // the configuration's
	dataDir string   // may be another workspace's
	env     []string // beside what every workspace has
	cli     string   // the CLI configuration
}

// newWorkspace makes an empty one. In the end no agent and no socket of it may
// be left.
func newWorkspace(t *testing.T) *workspace {
	t.Helper()
	if terraform == "" {
		t.Skip("there is no terraform on PATH; install Terraform 1.11 or newer")
	}
	root := t.TempDir()
	w := &workspace{t: t, dir: filepath.Join(root, "configuration"), dataDir: filepath.Join(root, "data")}
	w.provider(program)
	runtimeDir := filepath.Join(root, "run")
	for _, dir := range []string{w.dir, runtimeDir} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	w.env = []string{"XDG_RUNTIME_DIR=" + runtimeDir}
	t.Cleanup(func() {
		w.stop()
		// An agent that has stopped may take a moment to be gone.
		left := agents(t, w.dataDir)
		for end := time.Now().Add(patience); len(left) > 0 && time.Now().Before(end); left = agents(t, w.dataDir) {
			runtime.Gosched()
		}
		if len(left) > 0 {
			t.Errorf("agents %v are left of %s", left, w.dataDir)
		}
		assertNoSocket(t, root)
	})
	return w
}

// beside gives another folder with the same data directory.
func (w *workspace) beside() *workspace {
	w.t.Helper()
	other := *w
	other.dir = w.t.TempDir()
	return &other
}

// provider sets which binary terraform starts as the provider.
func (w *workspace) provider(binary string) {
	w.t.Helper()
	w.cli = filepath.Join(w.t.TempDir(), "terraform.rc")
	w.write(w.cli, fmt.Sprintf("disable_checkpoint = true\nprovider_installation {\n  dev_overrides { \"openprovisioning/provisioning\" = %q }\n  direct {}\n}\n",
		filepath.Dir(binary)))
}

// write writes a file; a relative name is one of the configuration's.
func (w *workspace) write(name, content string) {
	w.t.Helper()
	if !filepath.IsAbs(name) {
		name = filepath.Join(w.dir, name)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// header begins every configuration that is not an example.
const header = `
terraform {
  required_providers {
    provisioning = { source = "openprovisioning/provisioning" }
  }
}
`

// declare writes the configuration.
func (w *workspace) declare(parts ...string) {
	w.t.Helper()
	w.write("main.tf", header+strings.Join(parts, "\n"))
}

// command is a terraform that has not been started.
func (w *workspace) command(args ...string) *exec.Cmd {
	cmd := exec.Command(terraform, args...)
	cmd.Dir = w.dir
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); !strings.HasPrefix(name, "TF_") && name != "CI" {
			cmd.Env = append(cmd.Env, entry)
		}
	}
	cmd.Env = append(cmd.Env, "TF_CLI_CONFIG_FILE="+w.cli, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "PROVISIONING_DATA_DIR="+w.dataDir)
	cmd.Env = append(cmd.Env, w.env...)
	return cmd
}

// outcome is what a terraform said, and its exit code.
type outcome struct {
	code        int
	text        string // all of it
	diagnostics []diagnostic
}

type diagnostic struct {
	Severity string `json:"severity"`
	Summary  string `json:"summary"`
	Detail   string `json:"detail"`
	Address  string `json:"address"`
}

// run runs terraform to its end.
func (w *workspace) run(args ...string) outcome {
	w.t.Helper()
	cmd := w.command(args...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatal(err)
	}
	return read(w.t, cmd.ProcessState.ExitCode(), out)
}

// read takes the diagnostics out of what a command said as JSON.
func read(t *testing.T, code int, out []byte) outcome {
	t.Helper()
	o := outcome{code: code, text: string(out)}
	note := func(d diagnostic) {
		if !strings.HasPrefix(d.Summary, "Provider development overrides") {
			o.diagnostics = append(o.diagnostics, d)
		}
	}
	var whole struct{ Diagnostics []diagnostic }
	if json.Unmarshal(out, &whole) == nil { // of validate
		for _, d := range whole.Diagnostics {
			note(d)
		}
		return o
	}
	for line := range bytes.Lines(out) {
		var message struct{ Diagnostic *diagnostic }
		if json.Unmarshal(line, &message) == nil && message.Diagnostic != nil {
			note(*message.Diagnostic)
		}
	}
	return o
}

func (w *workspace) plan() outcome {
	w.t.Helper()
	return w.run("plan", "-json", "-input=false", "-detailed-exitcode")
}

func (w *workspace) apply() outcome {
	w.t.Helper()
	return w.run("apply", "-json", "-input=false", "-auto-approve")
}

// applied applies, and wants no error.
func (w *workspace) applied() outcome {
	w.t.Helper()
	o := w.apply()
	if o.code != 0 {
		w.t.Fatalf("apply ended with %d:\n%s", o.code, o.text)
	}
	return o
}

// settled wants a plan without a difference and without a word.
func (w *workspace) settled() {
	w.t.Helper()
	if o := w.plan(); o.code != 0 || len(o.diagnostics) > 0 {
		w.t.Errorf("the plan is not empty (%d):\n%s", o.code, o.text)
	}
}

// output gives an output value.
func output[T any](w *workspace, name string) (value T) {
	w.t.Helper()
	cmd := w.command("output", "-json", name)
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &value)
	}
	if err != nil {
		w.t.Fatalf("output %s: %v", name, err)
	}
	return value
}

// says wants a diagnostic of a severity that holds all parts, however long the
// lines, and gives it.
func (o outcome) says(t *testing.T, severity string, parts ...string) diagnostic {
	t.Helper()
	for _, d := range o.diagnostics {
		text := strings.Join(strings.Fields(d.Summary+"\n"+d.Detail), " ")
		if d.Severity == severity && !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) }) {
			return d
		}
	}
	t.Errorf("no %s says %q:\n%s", severity, parts, o.list())
	return diagnostic{}
}

// count gives how many diagnostics of a severity there are.
func (o outcome) count(severity string) (n int) {
	for _, d := range o.diagnostics {
		if d.Severity == severity {
			n++
		}
	}
	return n
}

func (o outcome) list() string {
	var text strings.Builder
	for _, d := range o.diagnostics {
		fmt.Fprintf(&text, "%s: %s (%s)\n    %s\n", d.Severity, d.Summary, d.Address, strings.ReplaceAll(d.Detail, "\n", "\n    "))
	}
	return text.String()
}

// engine runs the command line of the binary.
func (w *workspace) engine(args ...string) string {
	w.t.Helper()
	cmd := exec.Command(program, append(args, "--data-dir", w.dataDir)...)
	cmd.Env = append(os.Environ(), w.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Errorf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// stop ends the agent, if there is one.
func (w *workspace) stop() {
	w.t.Helper()
	if info, err := os.Stat(w.dataDir); err == nil && info.IsDir() {
		w.engine("agent", "stop")
	}
}

// agent reaches the agent that runs; the test ends where none does.
func (w *workspace) agent() *client.Client {
	w.t.Helper()
	c, err := w.dial()
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *workspace) dial() (*client.Client, error) {
	return client.Connect(context.Background(), client.Options{DataDir: w.dataDir, AnyVersion: true})
}

// assertNoAgent wants that no agent answers.
func (w *workspace) assertNoAgent() {
	w.t.Helper()
	var told *api.Error
	if _, err := w.dial(); !errors.As(err, &told) || told.Code != api.CodeUnavailable {
		w.t.Errorf("an agent answers, or why not is unclear: %v", err)
	}
}

// agents gives the processes that are agents of a data directory, where the
// system tells.
func agents(t *testing.T, dataDir string) []string {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var pids []string
	for _, path := range lines {
		line, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(line), "agent\x00run\x00--data-dir\x00"+dataDir+"\x00") {
			pids = append(pids, filepath.Base(filepath.Dir(path)))
		}
	}
	return pids
}

func assertNoSocket(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && (entry.Type()&fs.ModeSocket != 0 || entry.Name() == "agent.sock") {
			t.Errorf("the socket %s is left", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
