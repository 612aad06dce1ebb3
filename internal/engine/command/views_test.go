package command

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent/client"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

func dialling(f *fake) func(context.Context, client.Options) (Agent, error) {
	return func(context.Context, client.Options) (Agent, error) { return f, nil }
}

func TestStatus(t *testing.T) {
	golden(t, "status", run(t, company(), "status").out)
	golden(t, "status_chat", run(t, company(), "status", "chat").out)
	golden(t, "status_wiki", run(t, company(), "status", "wiki").out)
	empty := company()
	empty.apps = nil
	if got := run(t, empty, "status"); got.code != ExitOK || !strings.Contains(got.out, "No app is declared yet") {
		t.Errorf("%+v", got)
	}
}

// TestNeedsAttention tells what waits for a person from what does not.
func TestNeedsAttention(t *testing.T) {
	for name, test := range map[string]struct {
		job  status.Job
		want bool
	}{
		"new":      {status.Job{Code: status.NotRun}, false},
		"paused":   {status.Job{Code: status.Paused, PausedBy: "grace"}, false},
		"disabled": {status.Job{Code: status.Disabled}, true},
		"held":     {status.Job{Code: status.Active, HeldRemovals: []status.HeldRemovals{{}}}, true},
		"escrowed": {status.Job{Code: status.Active, Escrowed: 1}, true},
		"failed":   {status.Job{Code: status.Active, LastCycle: &status.Cycle{State: status.Failed}}, true},
		"resolved": {status.Job{Code: status.Active, LastCycle: &status.Cycle{State: status.EntryErrors, Counts: status.Counts{Failed: 1}}}, false},
	} {
		if got := needsAttention(test.job); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// TestStatusWatch shows each change once, and ends with Ctrl-C in peace.
func TestStatusWatch(t *testing.T) {
	f := company()
	ctx, interrupt := context.WithCancel(t.Context())
	looks := 0
	p := Program{Sleep: func(ctx context.Context, _ time.Duration) error {
		switch looks++; looks {
		case 2:
			f.jobs["app-1"].Progress = &status.Progress{Kind: status.Incremental, Phase: "users", Done: 3, Total: 10, Counts: status.Counts{Updated: 3}}
		case 4:
			f.jobs["app-1"].Progress = nil
		case 6:
			interrupt()
		}
		return ctx.Err()
	}}
	got := runProgram(t, ctx, p, f, "status", "chat", "--watch")
	golden(t, "status_watch", got.out)
	if got.code != ExitOK || got.errors != "" {
		t.Errorf("code %d, %s", got.code, got.errors)
	}
}

func TestAudit(t *testing.T) {
	f := company()
	f.entries = entries()
	golden(t, "audit", run(t, f, "audit").out)
	golden(t, "audit_verbose", run(t, f, "audit", "chat", "--verbose").out)
	if f.query.AppID != "app-1" {
		t.Errorf("%+v", f.query)
	}
	got := run(t, f, "audit", "--limit", "2")
	if !strings.Contains(got.errors, "There may be older entries") || strings.Contains(got.out, "Edsger") {
		t.Errorf("%+v", got)
	}
	f.entries = nil
	if got := run(t, f, "audit"); got.out != "No entries.\n" || got.code != ExitOK {
		t.Errorf("%+v", got)
	}
	if got := run(t, f, "audit", "--json"); got.out != "[]\n" {
		t.Errorf("%+v", got)
	}
}

func TestAuditQuery(t *testing.T) {
	f := company()
	run(t, f, "audit", "wiki", "--status", "skipped", "--action", "staged_delete", "--category", "provisioning", "--object", "Ada", "--cycle", "c1",
		"--since", "1d12h", "--until", "2026-03-01T11:00:00+02:00", "--limit", "7")
	want := audit.Query{
		AppID: "app-2", Status: audit.Skipped, Action: audit.StagedDelete, Category: audit.Provisioning, Object: "Ada", CycleID: "c1", Limit: 7,
		Since: noon.Add(-36 * time.Hour),
	}
	until := f.query.Until
	f.query.Until = time.Time{}
	if f.query != want || !until.Equal(noon.Add(-3*time.Hour)) {
		t.Errorf("%+v, until %v, want %+v", f.query, until, want)
	}
}

// TestAuditFollow ends with Ctrl-C in peace, and with the agent's end not.
func TestAuditFollow(t *testing.T) {
	f := company()
	ctx, interrupt := context.WithCancel(t.Context())
	f.follow = func(yield func(audit.Entry) error) error {
		if err := yield(entries()[0]); err != nil {
			return err
		}
		interrupt()
		return context.Canceled
	}
	got := runProgram(t, ctx, Program{}, f, "audit", "--follow", "--json")
	if got.code != ExitOK || got.errors != "" || strings.Count(got.out, "\n") != 1 || !strings.Contains(got.out, `"cycle_id":"c2"`) {
		t.Errorf("%+v", got)
	}
	f.follow = func(func(audit.Entry) error) error {
		return &api.Error{Code: api.CodeUnavailable, Summary: "The agent is ending"}
	}
	if got := run(t, f, "audit", "-f"); got.code != ExitUnreachable {
		t.Errorf("%+v", got)
	}
}

func TestPreview(t *testing.T) {
	value := "Engineer"
	f := company()
	f.preview = status.Preview{
		AppID: "app-1", AppName: "chat", Counts: status.Counts{Created: 1, Updated: 1, Failed: 1, Unchanged: 4}, Held: 1, More: 12,
		Changes: []status.Change{
			{Action: "create", Type: "User", Anchor: "2", Source: "Ada Lovelace"},
			{Action: "update", Type: "User", Anchor: "3", Source: "Alan Turing", Details: []status.Property{{Name: "title", Old: nil, New: &value}}},
			{Action: "create", Type: "User", Anchor: "4", Failed: true, Reason: "EvaluationFailed"},
			{Action: "disable", Type: "User", Anchor: "5", Source: "Barbara Liskov", Held: true, Reason: "SourceObjectAbsent"},
		},
		OpenDoors: []string{"the last filter of User is gone: everybody is in scope"},
	}
	golden(t, "preview", run(t, f, "preview", "chat").out)
	golden(t, "preview_verbose", run(t, f, "preview", "chat", "--verbose").out)
}

func TestJob(t *testing.T) {
	for args, want := range map[string]string{
		"job start chat":                         "start app-1",
		"job pause wiki":                         "pause app-2",
		"job restart chat":                       "restart app-1",
		"job restart chat --scope links,escrows": "restart app-1 links escrows",
		"job approve wiki":                       "approve app-2 3f2a9c",
		"job approve wiki other":                 "approve app-2 other",
	} {
		f := company()
		got := run(t, f, strings.Fields(args)...)
		if asked := strings.Join(f.asked, "; "); asked != want || got.code != ExitOK {
			t.Errorf("%s: asked %q, want %q; %+v", args, asked, want, got)
		}
	}
	f := company()
	f.jobs["app-2"].HeldRemovals = append(f.jobs["app-2"].HeldRemovals, status.HeldRemovals{Digest: "empty-User", Count: 9})
	if got := run(t, f, "job", "approve", "wiki"); got.code != ExitFailure || f.asked != nil || !strings.Contains(got.out, "job approve wiki empty-User") {
		t.Errorf("%v, %+v", f.asked, got)
	}
}

// TestJobWait waits for the cycle that it asked for, and tells how it ended.
func TestJobWait(t *testing.T) {
	later := noon.Add(2 * time.Second)
	ended := func(job *status.Job, state status.CycleState, reason string) {
		job.Progress, job.CheckedAt = nil, later
		job.LastCycle = &status.Cycle{ID: "c3", Kind: status.Incremental, State: state, Reason: reason, StartedAt: noon.Add(time.Second), EndedAt: later,
			Counts: status.Counts{Updated: 1}}
	}
	for name, test := range map[string]struct {
		end  func(*status.Job)
		code int
		out  string
		errs string
	}{
		"succeeded":       {func(j *status.Job) { ended(j, status.Succeeded, "") }, ExitOK, "1 updated", ""},
		"nothing changed": {func(j *status.Job) { j.Progress, j.CheckedAt = nil, later }, ExitOK, "nothing had changed", ""},
		"failed":          {func(j *status.Job) { ended(j, status.Failed, "the file is gone") }, ExitFailure, "", "the file is gone"},
		"paused":          {func(j *status.Job) { j.Code, j.PausedBy = status.Paused, "grace" }, ExitFailure, "", "paused by grace"},
		"off":             {func(j *status.Job) { j.Code = status.Paused }, ExitFailure, "", "enabled = true"},
		"quarantine": {func(j *status.Job) {
			ended(j, status.Failed, "401")
			j.Quarantine = &status.QuarantineRecord{Message: "The credential is not accepted.", Advice: "Give a new one."}
		}, ExitFailure, "", "The credential is not accepted."},
	} {
		t.Run(name, func(t *testing.T) {
			f := company()
			job := f.jobs["app-1"]
			f.onStart = func() {
				job.Progress = &status.Progress{Kind: status.Incremental, Phase: "reading the source"}
			}
			looks := 0
			p := Program{Sleep: func(ctx context.Context, _ time.Duration) error {
				switch looks++; looks {
				case 1:
					job.Progress = &status.Progress{Kind: status.Incremental, Phase: "users", Done: 1, Total: 2}
				case 2:
					job.Progress = &status.Progress{Kind: status.Incremental, Phase: "users", Done: 2, Total: 2} // too soon for another line
				case 3:
					test.end(job)
				case 4:
					return errors.New("it waits for ever")
				}
				return nil
			}}
			got := runProgram(t, t.Context(), p, f, "job", "start", "chat", "--wait")
			if got.code != test.code || !strings.Contains(got.out, test.out) || !strings.Contains(got.errors, test.errs) {
				t.Errorf("%+v", got)
			}
			if !strings.HasPrefix(got.errors, "incremental cycle: reading the source\nincremental cycle: users 1 of 2\n") {
				t.Errorf("progress: %q", got.errors)
			}
		})
	}
}

func TestAgent(t *testing.T) {
	f := company()
	golden(t, "agent_status", run(t, f, "agent", "status").out)
	if got := run(t, nil, "agent", "stop"); got.out != "No agent runs.\n" || got.code != ExitOK {
		t.Errorf("%+v", got)
	}
	if got := run(t, f, "agent", "stop"); !f.stopped || got.out != "The agent has stopped.\n" {
		t.Errorf("%+v", got)
	}
}

// TestAgentBackup makes a file of who calls, whole or not at all.
func TestAgentBackup(t *testing.T) {
	t.Chdir(t.TempDir())
	f := company()
	if got := run(t, f, "agent", "backup", "copy.db"); got.code != ExitOK || !strings.Contains(got.out, "/copy.db") {
		t.Errorf("%+v", got)
	}
	if data, err := os.ReadFile("copy.db"); err != nil || string(data) != "the store" {
		t.Errorf("the backup is %q, %v", data, err)
	}
	if got := run(t, f, "agent", "backup", "copy.db"); got.code != ExitFailure || !strings.Contains(got.errors, "is there already") {
		t.Errorf("%+v", got)
	}
	if got := run(t, f, "agent", "backup", "missing/copy.db"); got.code != ExitFailure || !strings.Contains(got.errors, "no such file or directory") {
		t.Errorf("%+v", got)
	}
	f.err = &api.Error{Code: api.CodeUnavailable, Summary: "cut off"}
	if got := run(t, f, "agent", "backup", "half.db"); got.code == ExitOK || !strings.Contains(got.errors, "cut off") {
		t.Errorf("%+v", got)
	}
	if files, _ := filepath.Glob("*"); len(files) != 1 {
		t.Errorf("there are %v", files)
	}
}

// TestAgentLogs needs no agent.
func TestAgentLogs(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "agent.log"), []byte("one\ntwo \x1b[31m\nthree"), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"agent logs":               "one\ntwo \\u001b[31m\nthree\n",
		"agent logs -n 2":          "two \\u001b[31m\nthree\n",
		"agent logs --json -n 1":   "{\"line\":\"three\"}\n",
		"agent logs -n 1 --follow": "three\n",
	} {
		ctx, interrupt := context.WithCancel(t.Context())
		if strings.Contains(args, "follow") {
			interrupt()
		}
		var out, errs strings.Builder
		p := Program{Version: "1.2.3", Stdout: &out, Stderr: &errs}
		if code := p.Run(ctx, append(strings.Fields(args), "--data-dir", dir)); code != ExitOK || out.String() != want {
			t.Errorf("%s: code %d, %q, want %q; %s", args, code, out.String(), want, errs.String())
		}
		interrupt()
	}
}

// TestAgentRestore refuses what is no backup, and touches nothing.
func TestAgentRestore(t *testing.T) {
	backup := filepath.Join(t.TempDir(), "backup.db")
	if err := os.WriteFile(backup, []byte("no store"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := run(t, nil, "agent", "restore", backup); got.code != ExitFailure || got.dialled != nil || !strings.Contains(got.errors, "Nothing was changed") {
		t.Errorf("%+v", got)
	}
}

// TestColours makes sure that width and colour do not disturb each other, and
// that nothing of a source reaches the terminal as an escape.
func TestColours(t *testing.T) {
	var out strings.Builder
	p := &printer{w: &out, colour: true}
	p.table("", [][]text{{{bold, "é\x1b[31m"}, {plain, "x"}}, {{good, "longer\u202ethan"}, {dim, "y"}}})
	want := "\x1b[1mé\\u001b[31m\x1b[0m       x\n\x1b[32mlonger\\u202ethan\x1b[0m  \x1b[2my\x1b[0m\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	for name, variables := range map[string]map[string]string{"a pipe": {}, "NO_COLOR": {"NO_COLOR": "1"}} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if p := newPrinter(w, func(name string) string { return variables[name] }); p.colour || p.terminal {
			t.Errorf("%s: %+v", name, p)
		}
		r.Close()
		w.Close()
	}
}

// TestScreen draws over what was drawn before.
func TestScreen(t *testing.T) {
	var out strings.Builder
	s := &screen{printer: &printer{w: &out, terminal: true}}
	for _, body := range []string{"one\ntwo", "three"} {
		s.draw(func(p *printer) error { p.block("", plain, body); return p.err })
	}
	if want := "one\ntwo\n\x1b[2A\x1b[Jthree\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

// TestProgressLine writes over one line on a terminal, and takes it away.
func TestProgressLine(t *testing.T) {
	var out strings.Builder
	line := &progressLine{printer: &printer{w: &out, terminal: true}, now: func() time.Time { return noon }}
	line.show(status.Progress{Kind: status.Initial, Phase: "users", Done: 1})
	line.show(status.Progress{Kind: status.Initial, Phase: strings.Repeat("x", 200)})
	line.end()
	line.end()
	want := "\r\x1b[Kinitial cycle: users 1\r\x1b[Kinitial cycle: " + strings.Repeat("x", maxProgressLine-15) + "\r\x1b[K"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
