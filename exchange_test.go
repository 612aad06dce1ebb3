package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExport applies the quick start, exports its app, and applies what was
// exported in a folder without a state: all is imported, nothing is changed, and
// the next plan is empty. No secret is exported.
func TestExport(t *testing.T) {
	t.Parallel()
	w, app := quickstart(t)
	w.applied()
	app.ForgetRequests()

	exported := w.engine("export", "chat")
	if strings.Contains(exported, canary) {
		t.Error("the export holds the token")
	}
	other := w.beside()
	other.declare(exported)
	other.env = append(other.env, "TF_VAR_chat_token="+canary)
	if o := other.run("fmt", "-check", "-diff"); o.code != 0 {
		t.Errorf("it is not formatted:\n%s", o.text)
	}
	if o := other.run("apply", "-no-color", "-input=false", "-auto-approve"); o.code != 0 ||
		!strings.Contains(o.text, "9 imported, 0 added, 0 changed, 0 destroyed") {
		t.Fatalf("apply ended with %d:\n%s", o.code, o.text)
	}
	other.settled()
	if requests := app.Requests(); len(requests) > 0 {
		t.Errorf("the import sent %d requests, the first %s %s", len(requests), requests[0].Method, requests[0].Path)
	}

	sheet := w.engine("export", "chat", "--format", "markdown")
	for _, part := range []string{"# chat", "| group | Engineering |", "`employee_type` is given and is not “contractor”", "| `userName` | `userPrincipalName` |"} {
		if !strings.Contains(sheet, part) {
			t.Errorf("%q is not in the sheet:\n%s", part, sheet)
		}
	}
}

// TestImportGraph takes the mappings and filters of an app through the schema
// of Microsoft Graph into a configuration that means the same.
func TestImportGraph(t *testing.T) {
	t.Parallel()
	w, _ := quickstart(t)
	path := filepath.Join(w.dir, "main.tf")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// What is a default anyway comes back as nothing, and that is no change.
	configuration := strings.NewReplacer(
		`actions     = ["create", "update", "delete"]`, `actions = ["create", "update", "delete"]`+"\n  enabled = true",
		`{ source = "employee_id", matching_precedence = 2 }`, `{ source = "employee_id", matching_precedence = 2, apply = "always", when_null = "clear_own" }`,
	).Replace(string(text))
	w.write(path, configuration)
	w.applied()
	schema := filepath.Join(w.t.TempDir(), "schema.json")
	w.engine("export", "chat", "--format", "graph", "--output", schema)
	imported := w.engine("import", schema, "--app", "chat")

	for _, part := range []struct{ kind, label, now string }{
		{"attribute_mapping", "users", "chat_user"}, {"attribute_mapping", "groups", "chat_group"}, {"scoping_filter", "staff", "chat_user_staff"},
	} {
		begin := strings.Index(configuration, `resource "provisioning_`+part.kind+`" "`+part.label+`"`)
		end := begin + strings.Index(configuration[begin:], "\n}\n") + 3
		configuration = configuration[:begin] + configuration[end:]
		was, now := "provisioning_"+part.kind+"."+part.label, "provisioning_"+part.kind+"."+part.now
		configuration = strings.ReplaceAll(configuration, was+".", now+".") + "\nmoved {\n  from = " + was + "\n  to = " + now + "\n}\n"
	}
	w.write(path, configuration+imported)
	if o := w.plan(); o.code != 2 && o.code != 0 || o.count("error")+o.count("warning") > 0 || strings.Contains(o.text, `"action":"update"`) {
		t.Errorf("the plan ended with %d:\n%s", o.code, o.text)
	}
	if o := w.run("apply", "-no-color", "-input=false", "-auto-approve"); o.code != 0 || !strings.Contains(o.text, "0 added, 0 changed, 0 destroyed") {
		t.Errorf("apply ended with %d:\n%s", o.code, o.text)
	}
	w.settled()
}

// TestGuides_validate holds what the guides declare against the provider: each
// is one configuration.
func TestGuides_validate(t *testing.T) {
	t.Parallel()
	for _, guide := range []string{"connect-an-app.md"} {
		w := newWorkspace(t)
		text, err := os.ReadFile(filepath.Join("templates", "guides", guide))
		if err != nil {
			t.Fatal(err)
		}
		var blocks []string
		for i, part := range strings.Split(string(text), "```") {
			if block, ok := strings.CutPrefix(part, "terraform\n"); ok && i%2 == 1 {
				blocks = append(blocks, block)
			}
		}
		w.declare(blocks...)
		if o := w.run("validate", "-json"); o.code != 0 || len(blocks) == 0 {
			t.Errorf("%s has %d blocks:\n%s", guide, len(blocks), o.text)
		}
	}
}
