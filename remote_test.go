package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

// remoteAgent is an agent that runs as a service would run it, and serves the
// network.
type remoteAgent struct {
	*workspace
	cmd   *exec.Cmd
	said  safeBuffer
	ended chan struct{} // closed then
	url   string
	token string
	ca    string // file
}

// safeBuffer is written by a process while a test reads it.
type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// newRemoteAgent starts one on a free port, with a token. The workspace is a
// runner: all that leads it to the agent is in its environment.
func newRemoteAgent(t *testing.T) *remoteAgent {
	t.Helper()
	a := &remoteAgent{workspace: newWorkspace(t)}
	a.token = a.newToken("ci", "--expires", "90d")
	a.ca = filepath.Join(a.dataDir, "tls-ca.pem")
	a.start("127.0.0.1:0")
	a.env = append(a.env, "PROVISIONING_DATA_DIR=", "PROVISIONING_ENDPOINT="+a.url, "PROVISIONING_TOKEN="+a.token,
		"PROVISIONING_CA_CERTIFICATE="+a.file(a.ca), "XDG_STATE_HOME="+t.TempDir())
	return a
}

// newToken makes a token on the agent's machine.
func (a *remoteAgent) newToken(args ...string) string {
	a.t.Helper()
	cmd := exec.Command(program, append([]string{"token", "create", "--data-dir", a.dataDir}, args...)...)
	out, err := cmd.Output()
	if err != nil {
		a.t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func (a *remoteAgent) file(path string) string {
	a.t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		a.t.Fatal(err)
	}
	return string(data)
}

// start starts the agent and waits until it serves.
func (a *remoteAgent) start(listen string) {
	a.t.Helper()
	a.cmd = exec.Command(program, "agent", "run", "--data-dir", a.dataDir, "--listen", listen, "--tls-self-signed")
	a.cmd.Stdout, a.cmd.Stderr = &a.said, &a.said
	if err := a.cmd.Start(); err != nil {
		a.t.Fatal(err)
	}
	cmd, ended := a.cmd, make(chan struct{})
	go func() {
		defer close(ended)
		cmd.Wait()
	}()
	a.ended = ended
	a.t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		<-ended
	})
	deadline := time.After(patience)
	for {
		var found api.Handshake
		if out, err := a.local("agent", "status", "--json"); err == nil && json.Unmarshal(out, &found) == nil {
			a.url = "https://" + found.Listen
			return
		}
		select {
		case <-ended:
			a.t.Fatalf("the agent ended: %v\n%s", cmd.ProcessState, a.said.String())
		case <-deadline:
			a.t.Fatalf("the agent does not serve:\n%s", a.said.String())
		case <-time.After(20 * time.Millisecond): // starting a process more often would only slow the agent
		}
	}
}

// local runs a command on the agent's machine.
func (a *remoteAgent) local(args ...string) ([]byte, error) {
	return exec.Command(program, append(args, "--data-dir", a.dataDir)...).Output()
}

// commandLine runs a command of the program on the runner, and gives what it said
// and its exit code.
func (a *remoteAgent) commandLine(args ...string) (string, int) {
	a.t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = a.dir
	cmd.Env = append(os.Environ(), a.env...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		a.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// TestRemote_quickstart runs the example by an agent on another machine, from
// two runners that have nothing in common but the state.
func TestRemote_quickstart(t *testing.T) {
	t.Parallel()
	a := newRemoteAgent(t)
	app := sampleapp.New(sampleapp.Options{Token: canary})
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	there := t.TempDir() // where the agent's machine has its files
	a.env = append(a.env, "TF_VAR_data_dir=unused", "TF_VAR_base_url="+server.URL+"/scim/v2", "TF_VAR_token="+canary)
	text, err := os.ReadFile("examples/quickstart/main.tf")
	if err != nil {
		t.Fatal(err)
	}
	main := strings.Replace(string(text), "  data_dir = var.data_dir\n", "", 1)
	a.write("main.tf", main)
	o := a.plan()
	o.says(t, "error", "Relative path", `"people.csv" is relative to where Terraform runs`, "absolute path")
	o.says(t, "error", "Relative path", "groups.json")
	for _, name := range []string{"people.csv", "groups.json"} {
		data, err := os.ReadFile(filepath.Join("examples/quickstart", name))
		if err != nil {
			t.Fatal(err)
		}
		a.write(filepath.Join(there, name), string(data))
		main = strings.Replace(main, fmt.Sprintf("%q", name), fmt.Sprintf("%q", filepath.Join(there, name)), 1)
	}
	a.write("main.tf", main)
	if o := a.run("plan", "-input=false", "-out=saved.tfplan"); o.code != 0 {
		t.Fatalf("plan ended with %d:\n%s", o.code, o.text)
	}
	shown := a.run("show", "-json", "saved.tfplan").text
	if o := a.run("apply", "-input=false", "-auto-approve", "saved.tfplan"); o.code != 0 {
		t.Fatalf("apply ended with %d:\n%s", o.code, o.text)
	}
	if users, groups := app.Len(sampleapp.User), app.Len(sampleapp.Group); users != 3 || groups != 1 {
		t.Errorf("there are %d users and %d groups, want 3 and 1", users, groups)
	}
	a.settled()

	second := a.beside()
	second.env = append(second.env, "XDG_STATE_HOME="+t.TempDir())
	second.write("main.tf", main)
	second.write("terraform.tfstate", a.file(filepath.Join(a.dir, "terraform.tfstate")))
	second.settled()
	second.write("main.tf", strings.Replace(main, `interval             = "10m"`, `interval             = "20m"`, 1))
	second.applied()
	second.settled()

	for args, says := range map[string]string{"status": "chat", "audit chat --limit 5": "", "preview chat": "", "app list": "chat", "agent status": a.url[len("https://"):]} {
		if out, code := a.commandLine(strings.Fields(args)...); code != 0 || !strings.Contains(out, says) {
			t.Errorf("%s ended with %d: %s", args, code, out)
		}
	}
	for args, says := range map[string]string{
		"agent stop --endpoint " + a.url:                          "on the agent's own machine",
		"token list --endpoint " + a.url:                          "on the agent's own machine",
		"agent backup copy.db":                                    "does not do this over the network",
		"status --data-dir x --endpoint " + a.url:                 "give one of them",
		"status --token-file missing.txt --endpoint " + a.url:     "no such file",
		"status --ca-file main.tf --endpoint " + a.url:            "not PEM",
		"status --endpoint " + strings.Replace(a.url, "s", "", 1): "is not encrypted",
	} {
		if out, code := a.commandLine(strings.Fields(args)...); code == 0 || !strings.Contains(out, says) {
			t.Errorf("%s ended with %d: %s", args, code, out)
		}
	}

	for _, folder := range []string{a.dir, second.dir, a.dataDir} {
		assertNowhere(t, folder, a.token)
		assertNowhere(t, folder, canary)
	}
	for name, text := range map[string]string{"the shown plan": shown, "what the agent says": a.said.String()} {
		if strings.Contains(text, a.token) || strings.Contains(text, canary) {
			t.Errorf("%s holds a token", name)
		}
	}

	if _, err := a.local("token", "revoke", "ci"); err != nil {
		t.Fatal(err)
	}
	a.plan().says(t, "error", "The agent does not accept the token", `"ci" was revoked on`, "token create")
	if out, code := a.commandLine("status"); code != 4 || !strings.Contains(out, "was revoked on") {
		t.Errorf("status ended with %d: %s", code, out)
	}
}

// TestRemote_errors has what keeps a runner from its agent. Each plan says so and
// the way out; none starts an agent.
func TestRemote_errors(t *testing.T) {
	t.Parallel()
	a := newRemoteAgent(t)
	silent := httptest.NewServer(nil)
	silent.Close()
	state := t.TempDir()
	for name, test := range map[string]struct {
		provider string
		env      []string
		want     []string
	}{
		"both in the configuration": {`data_dir = "x"` + "\n" + fmt.Sprintf("endpoint = %q", a.url), nil, []string{"Both data_dir and endpoint", "Keep data_dir"}},
		"both in the environment":   {"", []string{"PROVISIONING_DATA_DIR=x"}, []string{"Both PROVISIONING_DATA_DIR and PROVISIONING_ENDPOINT", "Unset one"}},
		"token alone":               {`token = "x"`, []string{"PROVISIONING_ENDPOINT="}, []string{"Token without endpoint"}},
		"empty":                     {`endpoint = ""`, nil, []string{"Empty endpoint"}},
		"unencrypted":               {fmt.Sprintf("endpoint = %q", strings.Replace(a.url, "https", "http", 1)), nil, []string{"is not encrypted", "https://"}},
		"no token":                  {"", []string{"PROVISIONING_TOKEN="}, []string{"No token for endpoint", "PROVISIONING_TOKEN"}},
		"wrong token":               {`token = "` + canary + `"`, nil, []string{"does not accept the token", "It knows no such token", "token create"}},
		"unknown authority":         {"", []string{"PROVISIONING_CA_CERTIFICATE="}, []string{"authority that is not trusted here", "ca_certificate"}},
		"no authority":              {`ca_certificate = "main.tf"`, nil, []string{"The CA certificate is not PEM", "file("}},
		"nobody there":              {fmt.Sprintf("endpoint = %q", strings.Replace(silent.URL, "http:", "https:", 1)), nil, []string{"Cannot reach the agent of endpoint", "connection refused", "--listen"}},
	} {
		w := a.beside()
		w.env = append(append(w.env, "XDG_STATE_HOME="+state), test.env...)
		w.declare("provider \"provisioning\" {\n"+test.provider+"\n}\n",
			block("source", "people", `name = "people"`, `file = { users = { path = "/people.csv", id = "id" } }`))
		o := w.plan()
		o.says(t, "error", test.want...)
		if o.code == 0 || o.count("error") != 1 || strings.Contains(o.text, a.token) {
			t.Errorf("%s: the plan ended with %d, or holds the token:\n%s", name, o.code, o.list())
		}
	}
	if entries, err := os.ReadDir(state); err != nil || len(entries) > 0 {
		t.Errorf("an agent was started: %v, %v", entries, err)
	}
}

// TestRemote_restart kills the agent's machine while an apply waits. The wait
// goes on when it is back.
func TestRemote_restart(t *testing.T) {
	t.Parallel()
	a := newRemoteAgent(t)
	app := sampleapp.New(sampleapp.Options{})
	gate := newBarrier(app)
	server := httptest.NewServer(gate)
	t.Cleanup(server.Close)
	text := threePeople(a.workspace, server.URL, "", `wait_for = "initial_cycle"`)
	a.declare(strings.Replace(text, `"people.csv"`, fmt.Sprintf("%q", filepath.Join(a.dir, "people.csv")), 1))

	applied := make(chan outcome, 1)
	go func() { applied <- a.apply() }()
	select {
	case <-gate.reached:
	case <-time.After(patience):
		t.Error("the first account is not created")
	}
	if err := a.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-a.ended
	close(gate.lifted)
	a.start(strings.TrimPrefix(a.url, "https://"))
	if o := <-applied; o.code != 0 {
		t.Errorf("the apply ended with %d:\n%s", o.code, o.text)
	}
	if n := app.Len(sampleapp.User); n != 3 {
		t.Errorf("there are %d accounts, want 3", n)
	}
	a.settled()
}

// TestRemote_noToken refuses to serve a network that nobody could come in from,
// and a plain one.
func TestRemote_noToken(t *testing.T) {
	t.Parallel()
	for args, says := range map[string]string{
		"--listen 127.0.0.1:0 --tls-self-signed": "token create NAME",
		"--listen 127.0.0.1:0":                   "nothing is served without TLS",
		"--tls-self-signed":                      "a certificate is for --listen",
	} {
		out, err := exec.Command(program, append([]string{"agent", "run", "--data-dir", t.TempDir()}, strings.Fields(args)...)...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), says) {
			t.Errorf("%s: %v\n%s", args, err, out)
		}
	}
}
