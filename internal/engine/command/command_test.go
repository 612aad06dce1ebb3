package command

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
)

// TestExitCodes plays what ends a command.
func TestExitCodes(t *testing.T) {
	refuses := func() *fake {
		f := company()
		f.err = &api.Error{Code: api.CodeConflict, Summary: "Cannot", Detail: "the state does not allow it", Advice: "Wait."}
		return f
	}
	for name, test := range map[string]struct {
		agent *fake
		args  string
		code  int
		says  string // on standard error
	}{
		"no command":                   {company(), "", ExitOK, ""},
		"help":                         {nil, "status --help", ExitOK, ""},
		"version":                      {nil, "version", ExitOK, ""},
		"unknown command":              {nil, "stauts", ExitUsage, "did you mean status?"},
		"unknown command of a group":   {nil, "job begin chat", ExitUsage, `"begin" is no command`},
		"group alone":                  {nil, "agent", ExitOK, ""},
		"unknown flag":                 {nil, "status --wtach", ExitUsage, "unknown flag"},
		"too many arguments":           {nil, "status a b", ExitUsage, `"b" is one too many: ` + Name + " status [APP]"},
		"missing argument":             {nil, "job start", ExitUsage, "APP is missing: " + Name + " job start APP"},
		"missing flag":                 {nil, "provision chat", ExitUsage, "with --user or --group"},
		"bad status":                   {company(), "audit --status failed", ExitUsage, `--status "failed" is not known`},
		"bad since":                    {company(), "audit --since yesterday", ExitUsage, "is no moment"},
		"bad limit":                    {company(), "audit --limit 0", ExitUsage, "give 1 or more"},
		"bad preview limit":            {company(), "preview chat --limit -1", ExitUsage, "give 1 or more"},
		"bad scope":                    {company(), "job restart chat --scope linkz", ExitUsage, `did you mean "links"?`},
		"app and source":               {company(), "test-connection chat --source people", ExitUsage, "either one app or one --source"},
		"neither app nor source":       {company(), "test-connection", ExitUsage, "either one app or one --source"},
		"no agent":                     {nil, "status", ExitUnreachable, "No agent runs"},
		"no agent to act":              {nil, "job start chat", ExitUnreachable, "No agent runs"},
		"well":                         {company(), "status chat", ExitOK, ""},
		"needs attention":              {company(), "status", ExitAttention, ""},
		"needs attention, as JSON":     {company(), "status wiki --json", ExitAttention, ""},
		"unknown app":                  {company(), "status caht", ExitFailure, `There is no app "caht"`},
		"app by id":                    {company(), "status app-1", ExitOK, ""},
		"unknown source":               {company(), "test-connection --source peple", ExitFailure, `Did you mean "people"?`},
		"refused":                      {refuses(), "job pause chat", ExitFailure, "the state does not allow it"},
		"nothing held":                 {company(), "job approve chat", ExitOK, ""},
		"sample app without password":  {nil, "sample-app --username ada", ExitUsage, "--password-env is missing"},
		"sample app without user name": {nil, "sample-app --password-env PATH", ExitUsage, "--password-env needs --username"},
		"sample app without secret":    {nil, "sample-app --client-id engine --client-secret-env NOTHING", ExitUsage, "NOTHING"},
		"sample app without its token": {nil, "sample-app --token-env NOTHING", ExitUsage, "NOTHING"},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t, test.agent, strings.Fields(test.args)...)
			if got.code != test.code || !strings.Contains(got.errors, test.says) || test.says == "" && got.errors != "" {
				t.Errorf("code %d, want %d; errors %q, want %q in them", got.code, test.code, got.errors, test.says)
			}
		})
	}
}

// TestAutostart makes sure that looking starts no agent.
func TestAutostart(t *testing.T) {
	for args, starts := range map[string]bool{
		"status": false, "audit": false, "app list": false, "preview chat": false, "test-connection chat": false, "agent status": false,
		"export chat": false,
		"agent stop":  false, "agent backup x": false,
		"job start chat": true, "job pause chat": true, "job restart chat": true, "job approve chat": true, "provision chat --user 1": true,
	} {
		t.Run(args, func(t *testing.T) {
			t.Chdir(t.TempDir()) // where the backup goes
			got := run(t, company(), strings.Fields(args)...)
			if len(got.dialled) != 1 || got.dialled[0].Autostart != starts || got.dialled[0].Version != "1.2.3" {
				t.Errorf("%+v, want Autostart %t", got.dialled, starts)
			}
			if got.dialled[0].AnyVersion != (args == "agent stop") {
				t.Errorf("AnyVersion %t", got.dialled[0].AnyVersion)
			}
		})
	}
}

// TestLookingMakesNothing makes sure that a wrong --data-dir stays as it is.
func TestLookingMakesNothing(t *testing.T) {
	dir := t.TempDir() + "/no-such-directory"
	getenv := environment{dataDirVariable: dir}.get
	var out, errs strings.Builder
	p := Program{Version: "1.2.3", Stdout: &out, Stderr: &errs, Getenv: getenv}
	for _, args := range []string{"status", "agent status"} {
		if code := p.Run(t.Context(), strings.Fields(args)); code != ExitUnreachable || !strings.Contains(errs.String(), dir) {
			t.Errorf("%s: code %d, %s", args, code, errs.String())
		}
	}
	if code := p.Run(t.Context(), []string{"agent", "stop"}); code != ExitOK || !strings.Contains(out.String(), "No agent runs.") {
		t.Errorf("code %d, %s", code, out.String())
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory was made: %v", err)
	}
}

// TestJSON makes sure that every command gives one JSON value with --json.
func TestJSON(t *testing.T) {
	for _, args := range []string{
		"status", "status chat", "audit", "app list", "preview chat", "test-connection chat", "test-connection --source people", "version",
		"job start chat", "job start chat --wait", "job pause chat", "job restart chat", "job approve chat", "job approve chat 3f2a9c51d07e",
		"provision chat --user 1", "accounts", "accounts --app chat", "accounts --person nobody", "accounts --app chat --unmatched", "accounts drop chat 1", "agent status", "agent stop", "agent backup x",
	} {
		t.Run(args, func(t *testing.T) {
			t.Chdir(t.TempDir()) // where the backup goes
			f := company()
			f.jobs["app-1"].CheckedAt = noon.Add(1)
			f.jobs["app-2"] = f.jobs["app-1"] // nothing waits for anybody
			if args != "accounts --person nobody" {
				f.linked = linked()
			}
			got := run(t, f, append(strings.Fields(args), "--json")...)
			var value any
			if err := json.Unmarshal([]byte(got.out), &value); err != nil || value == nil || got.code != ExitOK {
				t.Errorf("code %d, %v\n%s\n%s", got.code, err, got.out, got.errors)
			}
		})
	}
}

// TestJSONError makes sure that errors are JSON as well.
func TestJSONError(t *testing.T) {
	for args, want := range map[string]api.Code{"status nobody": api.CodeNotFound, "status --nothing": api.CodeInvalid} {
		got := run(t, company(), append([]string{"--json"}, strings.Fields(args)...)...)
		var told api.Error
		if err := json.Unmarshal([]byte(got.errors), &told); err != nil || told.Code != want || got.out != "" {
			t.Errorf("%s: %v\n%s", args, err, got.errors)
		}
	}
}

// TestErrors shows an error with all its parts, in which nothing reaches the
// terminal that the target made up.
func TestErrors(t *testing.T) {
	f := company()
	f.err = &api.Error{
		Code: api.CodeInvalid, Summary: `Cannot pause "chat"`, Detail: "the app said: \x1b[2Jgone\u202e", Advice: "Look at it.",
		Problems: config.Problems{{Path: []string{"interval"}, Summary: "Not a duration", Detail: "write 10m"}},
	}
	golden(t, "error", run(t, f, "job", "pause", "chat").errors)
}

// TestCompletion completes the names of apps, and what flags take.
func TestCompletion(t *testing.T) {
	for args, want := range map[string]string{
		"job start ":                "chat\tscim\nwiki\tscim\n:4\n",
		"accounts --app ":           "chat\tscim\nwiki\tscim\n:4\n",
		"test-connection --source ": "people\n:4\n",
		"audit --status f":          "failure\n:4\n",
	} {
		words := strings.Split(args, " ")
		var out, errs strings.Builder
		p := Program{Version: "1.2.3", Stdout: &out, Stderr: &errs, Getenv: environment{dataDirVariable: t.TempDir()}.get, Dial: dialling(company())}
		if code := p.Run(t.Context(), append([]string{"__complete"}, words...)); code != ExitOK {
			t.Fatalf("code %d: %s", code, errs.String())
		}
		if args == "audit --status f" { // a fixed list is not narrowed by cobra
			if !strings.Contains(out.String(), "failure") {
				t.Errorf("%q: %q", args, out.String())
			}
			continue
		}
		if out.String() != want {
			t.Errorf("%q: %q, want %q", args, out.String(), want)
		}
	}
}

// TestBrokenOutput makes sure that lost output is no success.
func TestBrokenOutput(t *testing.T) {
	var errs strings.Builder
	p := Program{Version: "1.2.3", Stdout: fullDisk{}, Stderr: &errs, Getenv: environment{dataDirVariable: t.TempDir()}.get, Dial: dialling(company())}
	for _, args := range []string{"status chat", "status chat --json", "app list"} {
		if code := p.Run(t.Context(), strings.Fields(args)); code != ExitFailure || !strings.Contains(errs.String(), "disk full") {
			t.Errorf("%s: code %d, %s", args, code, errs.String())
		}
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestTestConnection(t *testing.T) {
	f := company()
	f.findings = []connector.Finding{
		{Severity: connector.SeverityInfo, Summary: "The app speaks SCIM 2.0."},
		{Severity: connector.SeverityWarning, Summary: "It cannot filter on externalId.", Detail: "Accounts are listed instead."},
	}
	golden(t, "test_connection", run(t, f, "test-connection", "chat").out)
	if got := strings.Join(f.asked, "; "); got != "test app app-1" {
		t.Error(got)
	}
	run(t, f, "test-connection", "--source", "people")
	if got := f.asked[1]; got != "test source src-1" {
		t.Error(got)
	}
}

func TestAppList(t *testing.T) {
	golden(t, "app_list", run(t, company(), "app", "list").out)
}

func TestProvision(t *testing.T) {
	f := company()
	f.results = []api.ProvisionResult{{Entry: entries()[0]}, {Entry: entries()[1]}}
	got := run(t, f, "provision", "chat", "--user", "ada@example.com", "--user", "4", "--group", "Engineering", "--dry-run")
	golden(t, "provision", got.out)
	if got.code != ExitFailure { // one of them failed
		t.Errorf("code %d", got.code)
	}
	if d := f.demand; len(d.Users) != 2 || d.Groups[0] != "Engineering" || !d.DryRun || d.By == "" {
		t.Errorf("%+v", d)
	}
	f.results = f.results[:1]
	if got := run(t, f, "provision", "chat", "--user", "1"); got.code != ExitOK || f.demand.DryRun {
		t.Errorf("code %d, %+v", got.code, f.demand)
	}
}

// entries are three of the provisioning log, the newest first.
func entries() []audit.Entry {
	value := func(s string) *string { return &s }
	return []audit.Entry{
		{
			ID: "3", Time: noon.Add(-1e9), AppID: "app-1", CycleID: "c2", ChangeID: "ch3", Category: audit.Provisioning, Action: audit.Create, Status: audit.Success,
			Source: audit.Identity{Type: "User", ID: "2", DisplayName: "Ada Lovelace"}, Target: audit.Identity{Type: "User", ID: "00000007", DisplayName: "ada@example.com"},
			Steps: []audit.Step{
				{Name: "EntrySynchronizationScoping", Type: audit.StepScoping, Status: audit.Success, Description: "in scope", Details: audit.Details{{Name: "Assigned", Value: "True"}}},
				{Name: "EntryExportAdd", Type: audit.StepExport, Status: audit.Success, Description: "the app created the account"},
			},
			ModifiedProperties: []audit.Property{{Name: "userName", New: value("ada@example.com")}, {Name: "title", Old: value("Engineer"), New: nil}},
			InitiatedBy:        "system", DurationMS: 12,
		},
		{
			ID: "2", Time: noon.Add(-2e9), AppID: "app-1", CycleID: "c2", Category: audit.Provisioning, Action: audit.Create, Status: audit.Failure,
			Source: audit.Identity{Type: "User", ID: "3", DisplayName: "Alan\x1b[31m Turing"}, ErrorCode: "EntryConflict", Reason: "the app said: userName is taken",
			RecommendedAction: "Correct the account in the app.",
		},
		{
			ID: "1", Time: noon.Add(-3e9), AppID: "app-2", CycleID: "w1", Category: audit.Provisioning, Action: audit.Other, Status: audit.Skipped,
			Source: audit.Identity{Type: "User", ID: "4", DisplayName: "Edsger Dijkstra"}, Reason: "NotInScope", RecommendedAction: "Look at the scoping step.",
			Steps: []audit.Step{
				{Name: "EntryImport", Type: audit.StepImport, Status: audit.Success, Description: "read from the source"},
				{Name: "EntrySynchronizationScoping", Type: audit.StepScoping, Status: audit.Skipped, Description: "no scoping filter passes: staff"},
			},
		},
		{
			ID: "0", Time: noon.Add(-4e9), AppID: "app-1", Category: audit.Job, Action: audit.Other, Status: audit.Success,
			Reason: "Disable/pause provisioning configuration", InitiatedBy: "grace",
		},
	}
}
