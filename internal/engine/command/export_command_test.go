package command

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/exchange"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

// declaring is a company whose app "chat" has a piece of each kind.
func declaring() *fake {
	f := company()
	one, upn, value := int64(1), "userPrincipalName", "Dr."
	f.things = []config.Thing{
		&config.Credential{ID: "cred-1", Name: "chat", Method: "bearer", Fields: map[string]config.Field{"token": {Version: &one}}},
		&config.Mapping{ID: "map-1", AppID: "app-1", ObjectType: "User", Attributes: map[string]mapping.Attribute{
			"userName": {Source: &upn, MatchingPrecedence: &one, WhenNull: mapping.Ignore},
		}},
		&config.Filter{ID: "fil-1", AppID: "app-1", ObjectType: "User", Name: "doctors", Clauses: []scoping.Clause{
			{Attribute: "displayName", Operator: scoping.StartsWith, Value: &value},
		}},
		&config.Assignment{ID: "as-1", AppID: "app-1", Group: "Staff"},
		&config.Job{ID: "job-1", AppID: "app-1"},
	}
	f.apps[1].(*config.App).CredentialID = "cred-1"
	return f
}

func TestExport(t *testing.T) {
	for name, test := range map[string]struct {
		args         string
		code         int
		prints, says []string
	}{
		"HCL": {"export chat", ExitOK, []string{
			`resource "provisioning_app" "chat"`, "credential_id = provisioning_credential.chat.id", `id = "chat/User/doctors"`,
			`resource "provisioning_job" "chat"`, `group  = "Staff"`, "source_id     = provisioning_source.people.id", "var.chat_token",
		}, nil},
		"graph": {"export chat --format graph", ExitOK, []string{`"sourceOperandName": "displayName"`, `"matchingPriority": 1`}, []string{
			`User userName: when_null = "ignore" is an annotation`, "starts_with Dr. is written as a REGEX MATCH",
		}},
		"Markdown":       {"export chat --format markdown", ExitOK, []string{"# chat\n", "| group | Staff |"}, nil},
		"by id":          {"export app-1 --format markdown", ExitOK, []string{"# chat\n"}, nil},
		"little":         {"export wiki", ExitOK, []string{`mode      = "manual"`}, nil},
		"unknown app":    {"export caht", ExitFailure, nil, []string{`Did you mean "chat"?`}},
		"unknown format": {"export chat --format makrdown", ExitUsage, nil, []string{`did you mean "markdown"?`}},
		"no directory":   {"export chat --output /no/such/directory/chat.tf", ExitFailure, nil, []string{"Cannot write /no/such/directory/chat.tf"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t, declaring(), strings.Fields(test.args)...)
			if got.code != test.code || test.says == nil && got.errors != "" {
				t.Errorf("code %d, want %d: %s", got.code, test.code, got.errors)
			}
			for _, part := range test.prints {
				if !strings.Contains(got.out, part) {
					t.Errorf("%q is not in\n%s", part, got.out)
				}
			}
			for _, part := range test.says {
				if !strings.Contains(got.errors, part) {
					t.Errorf("%q is not in\n%s", part, got.errors)
				}
			}
		})
	}
}

// TestExport_file replaces a file whole, and leaves nothing else behind.
func TestExport_file(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "chat.tf")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := run(t, declaring(), "export", "chat", "--output", path)
	content, err := os.ReadFile(path)
	if err != nil || got.code != ExitOK || got.out != "" || !strings.Contains(string(content), `resource "provisioning_app" "chat"`) {
		t.Errorf("code %d, printed %q, wrote %q: %v", got.code, got.out, content, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%v is left: %v", entries, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has another mode: %v, %v", info.Mode(), err)
	}
	link := filepath.Join(t.TempDir(), "link.tf")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	run(t, declaring(), "export", "chat", "--output", link, "--format", "markdown")
	content, err = os.ReadFile(path)
	if to, notLink := os.Readlink(link); err != nil || notLink != nil || to != path || !strings.HasPrefix(string(content), "# chat") {
		t.Errorf("the link leads to %q, %v; there is %.20q, %v", to, notLink, content, err)
	}
	if got := run(t, declaring(), "export", "chat", "--output", os.DevNull); got.code != ExitOK {
		t.Errorf("code %d: %s", got.code, got.errors)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Errorf("%s was replaced: %v, %v", os.DevNull, info, err)
	}
}

func TestExport_json(t *testing.T) {
	var x exchanged
	got := run(t, declaring(), "export", "chat", "--format", "graph", "--json")
	if err := json.Unmarshal([]byte(got.out), &x); err != nil || x.Format != "graph" || len(x.Notes) != 2 || got.errors != "" {
		t.Errorf("%v: %s %s", err, got.out, got.errors)
	}
	if _, err := exchange.ReadGraph([]byte(x.Content)); err != nil {
		t.Error(err)
	}
}

// TestImport reads what export wrote, from a file and from standard input.
func TestImport(t *testing.T) {
	schema := run(t, declaring(), "export", "chat", "--format", "graph").out
	dir := t.TempDir()
	file, bad := filepath.Join(dir, "schema.json"), filepath.Join(dir, "bad.json")
	for path, content := range map[string]string{file: schema, bad: "{}"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		args   string
		code   int
		prints string
		says   string
	}{
		"file":           {"import " + file + " --app chat", ExitOK, "app_id      = provisioning_app.chat.id", ""},
		"standard input": {"import -", ExitOK, "app_id      = provisioning_app.app.id", ""},
		"other form":     {"import " + bad, ExitFailure, "", "no synchronizationRules"},
		"no file":        {"import " + file + ".not", ExitFailure, "", "no such file"},
		"format":         {"import " + file + " --format hcl", ExitUsage, "", `--format "hcl" is not known`},
	} {
		t.Run(name, func(t *testing.T) {
			got := runProgram(t, t.Context(), Program{Stdin: strings.NewReader(schema)}, nil, strings.Fields(test.args)...)
			if got.code != test.code || !strings.Contains(got.out, test.prints) || !strings.Contains(got.errors, test.says) || test.says == "" && got.errors != "" {
				t.Errorf("code %d\n%s\n%s", got.code, got.out, got.errors)
			}
			if len(got.dialled) > 0 {
				t.Error("an agent was asked")
			}
			if test.code == ExitOK && !bytes.Contains([]byte(got.out), []byte(`operator = "starts_with", value = "Dr."`)) {
				t.Errorf("the filter is lost:\n%s", got.out)
			}
		})
	}
}
