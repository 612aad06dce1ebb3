package command

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// linked are an account of each state.
func linked() []status.Account {
	ago := func(d time.Duration) *status.AccountChange {
		return &status.AccountChange{At: noon.Add(-d), CycleID: "c1", Action: "update"}
	}
	group := []status.AccountAssignment{{ID: "as-1", By: "group", Name: "Engineering", Role: "admin"}}
	user := func(id, name, account string) status.Account {
		return status.Account{
			AppID: "app-1", AppName: "chat", ObjectType: "User", Source: status.AccountEnd{ID: id, DisplayName: name},
			Target: status.AccountEnd{ID: "0" + id, DisplayName: account}, State: status.AccountActive, Enabled: true,
			LinkedAt: noon.Add(-48 * time.Hour), LinkedBy: status.LinkedByCreate, Assignments: group, LastChange: ago(time.Hour),
		}
	}
	ada, grace, alan, edsger, barbara := user("1", "Ada Lovelace", "ada@example.com"), user("2", "Grace Hopper", "grace@example.com"),
		user("3", "Alan\x1b[31m Turing", "alan@example.com"), user("4", "Edsger Dijkstra", "edsger@example.com"), user("5", "Barbara Liskov", "barbara@example.com")
	grace.State, grace.Enabled, grace.Reason, grace.Assignments = status.AccountDisabled, false, "out_of_scope", []status.AccountAssignment{{ID: "as-2"}}
	alan.State, alan.Reason, alan.LinkedBy, alan.LastChange = status.AccountEscrowed, "EntryConflict", status.LinkedByMatch, nil
	edsger.State, edsger.Reason, edsger.Protected = status.AccountHeld, "accidental_deletions", true
	edsger.LastChange.Action = "none"
	barbara.State, barbara.Reason, barbara.AppName, barbara.Assignments = status.AccountUnproven, "LinkUnproven", "wiki", []status.AccountAssignment{{By: "all"}}
	return []status.Account{ada, grace, alan, edsger, barbara}
}

func TestAccounts(t *testing.T) {
	f := company()
	f.linked = linked()
	golden(t, "accounts", run(t, f, "accounts").out)
	golden(t, "accounts_chat", run(t, f, "accounts", "--app", "chat").out)
	run(t, f, "accounts", "--app", "wiki", "--person", "Ada", "--type", "User", "--state", "held", "--limit", "7")
	if want := (status.AccountQuery{AppID: "app-2", Person: "Ada", ObjectType: "User", State: status.AccountHeld, Limit: 7}); f.wanted != want {
		t.Errorf("%+v", f.wanted)
	}
	if got := run(t, f, "accounts", "--limit", "5"); !strings.Contains(got.errors, "There may be more accounts") {
		t.Errorf("%+v", got)
	}
	var list []status.Account
	if got := run(t, f, "accounts", "--json"); json.Unmarshal([]byte(got.out), &list) != nil || len(list) != 5 || list[0].Target.ID != "01" {
		t.Errorf("%s", got.out)
	}
	f.linked = nil
	if got := run(t, f, "accounts", "--person", "nobody"); got.out != "No account that meets this belongs to \"nobody\".\n" || got.code != ExitOK {
		t.Errorf("%+v", got)
	}
	if got := run(t, f, "accounts", "--json"); got.out != "[]\n" {
		t.Errorf("%q", got.out)
	}
}

// TestAccounts_many prints a long list in parts, each row once.
func TestAccounts_many(t *testing.T) {
	f := company()
	for range 2500 {
		f.linked = append(f.linked, linked()[0])
	}
	got := run(t, f, "accounts")
	if lines := strings.Count(got.out, "\n"); lines != 2501 || strings.Count(got.out, "APP ") != 1 {
		t.Errorf("%d lines", lines)
	}
}

func TestAccounts_usage(t *testing.T) {
	for args, says := range map[string]string{
		"accounts --unmatched":                      "name it with --app",
		"accounts --unmatched --app chat --limit 3": "goes with --app alone",
		"accounts --state gone":                     `--state "gone" is not known`,
		"accounts --limit -1":                       "--limit is -1",
		"accounts chat":                             "an app is named with --app",
		"accounts dorp":                             "did you mean drop?",
		"accounts drop chat":                        "OBJECT is missing",
	} {
		f := company()
		f.linked = linked()
		if got := run(t, f, strings.Fields(args)...); got.code != ExitUsage || !strings.Contains(got.errors, says) {
			t.Errorf("%s: code %d, %s", args, got.code, got.errors)
		}
	}
}

func TestAccounts_unmatched(t *testing.T) {
	f := company()
	off := false
	end := func(id, name string) status.AccountEnd { return status.AccountEnd{ID: id, DisplayName: name} }
	f.unmatched = status.Unmatched{
		AppID: "app-1", AppName: "chat", Listed: 9, Linked: 1, Matched: 5, More: 1, New: 3,
		Accounts: []status.UnmatchedAccount{
			{ObjectType: "User", AccountEnd: end("007", "John Smith"), Matching: "jsmith@example.com", Enabled: &off, Near: []status.Near{
				{AccountEnd: end("2", "John\u202e Smith"), Score: 85, Because: "the same display name"},
				{AccountEnd: end("10", "Jane Smith"), Score: 65, Because: "a short form of the name", Reason: "NotInScope"},
			}},
			{ObjectType: "User", AccountEnd: end("008", "root"), Matching: "root", Protected: true},
		},
		Doubtful: []status.UnmatchedObject{{ObjectType: "User", AccountEnd: end("2", "John Smith"), Near: []status.Near{
			{AccountEnd: end("007", "jsmith@example.com"), Score: 85, Because: "the same display name"}}}},
		MoreDoubtful: 1,
	}
	golden(t, "accounts_unmatched", run(t, f, "accounts", "--app", "chat", "--unmatched").out)
	if got := strings.Join(f.asked, "; "); got != "unmatched app-1" {
		t.Error(got)
	}
	f.unmatched = status.Unmatched{AppName: "chat", Complete: true, Listed: 1, Matched: 1}
	if got := run(t, f, "accounts", "--app", "chat", "--unmatched").out; strings.Contains(got, "!") {
		t.Error(got)
	}
}

func TestAccounts_drop(t *testing.T) {
	f := company()
	f.linked = linked()
	got := run(t, f, "accounts", "drop", "chat", "ada@example.com", "--type", "User")
	golden(t, "accounts_drop", got.out)
	if d := f.drop; d.Object != "ada@example.com" || d.ObjectType != "User" || d.By == "" || !got.dialled[0].Autostart {
		t.Errorf("%+v, %+v", d, got.dialled)
	}
	f.err = &api.Error{Code: api.CodeAmbiguous, Summary: "Cannot drop"}
	if got := run(t, f, "accounts", "drop", "chat", "7"); got.code != ExitFailure || !strings.Contains(got.errors, "Cannot drop") {
		t.Errorf("%+v", got)
	}
}
