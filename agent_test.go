package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

// barrier is an app whose creations wait behind it until it is lifted.
type barrier struct {
	http.Handler
	reached chan struct{} // something is waiting
	lifted  chan struct{}
}

func newBarrier(app http.Handler) *barrier {
	return &barrier{app, make(chan struct{}, 1), make(chan struct{})}
}

func (b *barrier) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		select {
		case b.reached <- struct{}{}:
		default:
		}
		<-b.lifted
	}
	b.Handler.ServeHTTP(w, r)
}

// threePeople is people in a file, and an app with a job for all of them.
func threePeople(w *workspace, url, app, job string) string {
	w.t.Helper()
	w.write("people.csv", "id,mail,name\n1,ada@example.com,Ada\n2,alan@example.com,Alan\n3,grace@example.com,Grace\n")
	return block("source", "people", `name = "people"`, `file = { users = { path = "people.csv", id = "id" } }`,
		`attributes = { userPrincipalName = "mail", displayName = "name" }`) +
		block("app", "chat", `name = "chat"`, "source_id = provisioning_source.people.id", `template = "scim"`, `scope = "all"`,
			fmt.Sprintf("scim = { base_url = %q }", url), app) +
		block("job", "chat", "app_id = provisioning_app.chat.id", "revisions = [provisioning_source.people.revision, provisioning_app.chat.revision]", job)
}

// TestAgent_interrupted presses Ctrl-C while an apply waits: Terraform ends, the
// agent goes on, and the next apply waits again.
func TestAgent_interrupted(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	app := sampleapp.New(sampleapp.Options{})
	gate := newBarrier(app)
	server := httptest.NewServer(gate)
	t.Cleanup(server.Close)
	w.declare(threePeople(w, server.URL, "", `wait_for = "initial_cycle"`))

	apply := w.command("apply", "-json", "-input=false", "-auto-approve")
	apply.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a terminal's signal goes to the whole group
	var out bytes.Buffer
	apply.Stdout, apply.Stderr = &out, &out
	if err := apply.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-gate.reached:
	case <-time.After(patience):
		t.Error("the first account is not created")
	}
	agent := w.agent().Handshake()
	if err := syscall.Kill(-apply.Process.Pid, syscall.SIGINT); err != nil {
		t.Error(err)
	}
	if err := apply.Wait(); err == nil {
		t.Errorf("the interrupted apply succeeded:\n%s", out.String())
	}
	read(t, 1, out.Bytes()).says(t, "error", "Interrupted while waiting", "The job goes on by itself; the next apply waits again.")

	close(gate.lifted)
	w.applied()
	if n := app.Len(sampleapp.User); n != 3 {
		t.Errorf("there are %d accounts, want 3", n)
	}
	for name, count := range app.Counts() {
		if strings.HasPrefix(name, "create User") && count.Requests != 3 {
			t.Errorf("%s was asked for %d times, want 3", name, count.Requests)
		}
	}
	if now := w.agent().Handshake(); now.PID != agent.PID {
		t.Errorf("the agent is process %d, was %d", now.PID, agent.PID)
	}
	w.settled()
}

// TestAgent_twoRuns applies in two folders at once on one data directory.
func TestAgent_twoRuns(t *testing.T) {
	t.Parallel()
	first := newWorkspace(t)
	second := first.beside()
	server := httptest.NewServer(sampleapp.New(sampleapp.Options{}))
	t.Cleanup(server.Close)
	outcomes := make(chan outcome)
	for i, w := range []*workspace{first, second} {
		w.write("people.csv", "id,mail\n1,ada@example.com\n")
		w.declare(
			block("source", "people", fmt.Sprintf("name = \"people %d\"", i), `file = { users = { path = "people.csv", id = "id" } }`),
			block("app", "chat", fmt.Sprintf("name = \"chat %d\"", i), "source_id = provisioning_source.people.id", `template = "scim"`,
				fmt.Sprintf("scim = { base_url = %q }", server.URL)))
		go func() { outcomes <- w.apply() }()
	}
	for range 2 {
		if o := <-outcomes; o.code != 0 {
			t.Errorf("apply ended with %d:\n%s", o.code, o.text)
		}
	}
	first.settled()
	second.settled()
	if _, err := os.Stat("/proc/self"); err == nil {
		if pids := agents(t, first.dataDir); len(pids) != 1 {
			t.Errorf("there are the agents %v, want one", pids)
		}
	}
}

// TestAgent_upgrade replaces the agent of an older version by that of a newer
// provider, and not the other way round.
func TestAgent_upgrade(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	app := sampleapp.New(sampleapp.Options{})
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	w.declare(threePeople(w, server.URL, "", `wait_for = "initial_cycle"`))
	w.applied()
	before := w.agent().Handshake()
	if before.Version != version010 {
		t.Errorf("the agent has version %s, want %s", before.Version, version010)
	}

	w.provider(newer)
	w.settled()
	after := w.agent().Handshake()
	if after.Version != version020 || after.PID == before.PID || after.StoreID != before.StoreID {
		t.Errorf("the agent is %+v, was %+v", after, before)
	}

	w.provider(program)
	o := w.plan()
	o.says(t, "error", "newer than this program", "The agent has version 0.2.0, this program 0.1.0.", "Install version 0.2.0 or a newer one")
	if now := w.agent().Handshake(); now.PID != after.PID {
		t.Errorf("the refused plan left agent %+v, was %+v", now, after)
	}
}

// TestAgent_unattended tells, once, since when nobody kept the jobs, and in a CI
// system that nobody may.
func TestAgent_unattended(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	server := httptest.NewServer(sampleapp.New(sampleapp.Options{}))
	t.Cleanup(server.Close)
	w.declare(threePeople(w, server.URL, "", ""))
	w.applied()
	w.settled()
	w.stop()
	stopped := time.Now().UTC()

	w.env = append(w.env, "CI=true")
	w.write("people.csv", "id,mail,name\n1,ada@example.com,Ada\n")
	o := w.plan()
	if o.code != 0 || o.count("warning") != 2 {
		t.Errorf("the plan ended with %d and %d warnings, want 0 and 2:\n%s", o.code, o.count("warning"), o.text)
	}
	d := o.says(t, "warning", "Nobody kept the jobs since", w.dataDir, "agent run")
	since, err := time.Parse("2006-01-02 15:04:05 MST", strings.TrimPrefix(d.Summary, "Nobody kept the jobs since "))
	if off := stopped.Sub(since).Abs(); err != nil || off > patience {
		t.Errorf("%q is %v from when the agent was stopped (%v)", d.Summary, off, err)
	}
	o.says(t, "warning", "The agent may end with this CI job", "no cycle runs then", "agent install --listen", "endpoint", "PROVISIONING_ENDPOINT")
	w.settled()

	w.stop()
	w.declare(threePeople(w, server.URL, `labels = { team = "a" }`, ""))
	if o := w.applied(); o.count("warning") != 2 {
		t.Errorf("an apply has %d warnings, want 2:\n%s", o.count("warning"), o.list())
	}
}

// outage is an app that is down while it says so.
type outage struct {
	http.Handler
	down atomic.Bool
}

func (o *outage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if o.down.Load() {
		panic(http.ErrAbortHandler)
	}
	o.Handler.ServeHTTP(w, r)
}

// TestWait_fails keeps a job whose cycle failed, and waits again with the next
// apply.
func TestWait_fails(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	app := sampleapp.New(sampleapp.Options{})
	target := &outage{Handler: app}
	target.down.Store(true)
	server := httptest.NewServer(target)
	t.Cleanup(server.Close)
	w.declare(threePeople(w, server.URL, "skip_test_connection = true", `wait_for = "initial_cycle"`))
	o := w.apply()
	if o.code == 0 {
		t.Fatal("the apply succeeded without the app")
	}
	o.says(t, "error", `The initial cycle of app "chat" did not succeed`, "the next apply waits again")

	target.down.Store(false)
	w.applied()
	if n := app.Len(sampleapp.User); n != 3 {
		t.Errorf("there are %d accounts, want 3", n)
	}
	w.settled()

	// An update fails alike, and is due again although its revisions were stored.
	target.down.Store(true)
	w.declare(threePeople(w, server.URL, "skip_test_connection = true", `wait_for = "initial_cycle"`),
		block("scoping_filter", "some", "app_id = provisioning_app.chat.id", `object_type = "User"`, `name = "some"`,
			`clauses = [{ attribute = "name", operator = "not_equals", value = "Ada" }]`))
	w.listRevision("provisioning_scoping_filter.some")
	o = w.apply()
	o.says(t, "error", `The initial cycle of app "chat" did not succeed`, "the next apply waits again")
	if o := w.plan(); o.code != 2 {
		t.Errorf("after the failed wait the plan ended with %d, want differences:\n%s", o.code, o.text)
	}
	target.down.Store(false)
	w.applied()
	w.settled()
	if user, ok := app.User("ada@example.com"); !ok || user.Active() {
		t.Errorf("the account that is out of scope: %t %+v", ok, user)
	}
}

// listRevision adds a thing to the revisions of the job.
func (w *workspace) listRevision(address string) {
	w.t.Helper()
	path := filepath.Join(w.dir, "main.tf")
	text, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	w.write(path, strings.Replace(string(text), "revisions = [", "revisions = ["+address+".revision, ", 1))
}

// TestPlan_warnings shows what waits for a person, each with a summary of its
// own: Terraform folds warnings of one summary.
func TestPlan_warnings(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	app := sampleapp.New(sampleapp.Options{})
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	base := threePeople(w, server.URL, "", "wait_for = \"initial_cycle\"\n  accidental_deletions = { threshold = 1 }")
	w.declare(base)
	w.applied()

	w.write("people.csv", "id,mail,name\n3,grace@example.com,Grace\n")
	w.engine("job", "start", "chat", "--wait")
	w.engine("job", "pause", "chat")
	w.declare(base, block("assignment", "grace", "app_id = provisioning_app.chat.id", `user = "grace@example.com"`))
	w.applied()
	o := w.plan()
	if o.code != 0 {
		t.Errorf("the plan ended with %d:\n%s", o.code, o.text)
	}
	o.says(t, "warning", "chat: paused by", "since", "job start chat")
	o.says(t, "warning", "chat: 2 removals are held", "Ada", "job approve chat")
	o.says(t, "warning", "chat: pieces that the job does not list", "assignment user/grace@example.com")
	if n := o.count("warning"); n != 3 {
		t.Errorf("there are %d warnings, want 3:\n%s", n, o.list())
	}
	for _, user := range app.Users() {
		if !user.Active() {
			t.Errorf("%s is disabled although the removals are held", user.Name)
		}
	}
}
