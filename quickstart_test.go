package main

import (
	"encoding/base64"
	"io/fs"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

const canary = "canary-5f0c1a77-token"

// quickstart is the example as it stands, in a workspace of its own, and the app
// that it provisions to.
func quickstart(t *testing.T) (*workspace, *sampleapp.App) {
	t.Helper()
	w := newWorkspace(t)
	if err := os.CopyFS(w.dir, os.DirFS("examples/quickstart")); err != nil {
		t.Fatal(err)
	}
	app := sampleapp.New(sampleapp.Options{Token: canary})
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	w.env = append(w.env, "TF_VAR_data_dir="+w.dataDir, "TF_VAR_base_url="+server.URL+"/scim/v2", "TF_VAR_token="+canary)
	return w, app
}

// TestQuickstart runs the example from the first plan to the end of the agent:
// it does what its comments say, later cycles and plans change nothing, the
// agent outlives Terraform, and the token is nowhere.
func TestQuickstart(t *testing.T) {
	t.Parallel()
	w, app := quickstart(t)

	if o := w.run("plan", "-input=false", "-out=saved.tfplan"); o.code != 0 {
		t.Fatalf("plan ended with %d:\n%s", o.code, o.text)
	}
	shown := w.run("show", "-json", "saved.tfplan").text
	if o := w.run("apply", "-input=false", "-auto-approve", "saved.tfplan"); o.code != 0 {
		t.Fatalf("apply ended with %d:\n%s", o.code, o.text)
	}
	want := map[string]any{"code": "active", "kind": "initial", "created": 4.0, "skipped": 2.0, "failed": 0.0, "users": 3.0, "groups": 1.0}
	if got := output[map[string]any](w, "status"); !reflect.DeepEqual(got, want) {
		t.Errorf("the output is %v, want %v", got, want)
	}
	reasons := map[string]bool{}
	for _, skipped := range output[[]map[string]string](w, "skipped") {
		reasons[skipped["who"]] = skipped["reason"] != "" && skipped["advice"] != ""
	}
	if want := map[string]bool{"Edsger Dijkstra": true, "Tony Hoare": true}; !maps.Equal(reasons, want) {
		t.Errorf("skipped with reason and advice: %v, want %v", reasons, want)
	}
	check := func() {
		t.Helper()
		for name, manager := range map[string]string{"grace@example.com": "", "ada@example.com": "grace@example.com", "alan@example.com": "ada@example.com"} {
			user, ok := app.User(name)
			boss, _ := app.User(manager)
			if !ok || !user.Active() || managerOf(user) != boss.ID {
				t.Errorf("the account of %s: %t %+v", name, ok, user)
			}
		}
		if group, ok := app.Group("Engineering"); !ok || len(group.Members) != 2 {
			t.Errorf("the group Engineering: %t %+v", ok, group)
		}
		if users, groups := app.Len(sampleapp.User), app.Len(sampleapp.Group); users != 3 || groups != 1 {
			t.Errorf("there are %d users and %d groups, want 3 and 1", users, groups)
		}
	}
	check()
	w.settled()

	agent := w.agent().Handshake()
	app.ForgetRequests()
	for range 5 {
		w.engine("job", "start", "chat", "--wait")
	}
	w.settled()
	if requests := app.Requests(); len(requests) > 0 {
		t.Errorf("idle cycles sent %d requests, the first %s %s", len(requests), requests[0].Method, requests[0].Path)
	}
	check()
	if now := w.agent().Handshake(); now.PID != agent.PID || now.StoreID != agent.StoreID {
		t.Errorf("the agent is process %d on store %s, was %d on %s", now.PID, now.StoreID, agent.PID, agent.StoreID)
	}

	log := w.engine("audit", "chat", "--json")
	for _, folder := range []string{w.dir, w.dataDir} {
		assertNowhere(t, folder, canary)
	}
	for name, text := range map[string]string{"the shown plan": shown, "the log": log, "the agent's log": w.engine("agent", "logs")} {
		if strings.Contains(text, canary) || strings.Contains(text, encoded(canary)) {
			t.Errorf("%s holds the token", name)
		}
	}

	if o := w.run("destroy", "-input=false", "-auto-approve"); o.code != 0 {
		t.Fatalf("destroy ended with %d:\n%s", o.code, o.text)
	}
	check()
	if now := w.agent().Handshake(); now.PID != agent.PID {
		t.Errorf("after the destroy the agent is process %d, was %d", now.PID, agent.PID)
	}
	w.stop()
	w.assertNoAgent()
}

func managerOf(user sampleapp.Resource) string {
	enterprise, _ := user.Attributes["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"].(map[string]any)
	switch manager := enterprise["manager"].(type) {
	case string:
		return manager
	case map[string]any:
		id, _ := manager["value"].(string)
		return id
	}
	return ""
}

// encoded is what a text looks like within base64, wherever it begins: without
// the ends, which depend on what stands beside it.
func encoded(text string) string {
	whole := base64.StdEncoding.EncodeToString([]byte(text))
	return whole[:len(whole)-4]
}

// assertNowhere reports every file below a folder that holds the text, plain or
// in base64.
func assertNowhere(t *testing.T, folder, text string) {
	t.Helper()
	needles := []string{text, encoded(text), encoded(text[1:]), encoded(text[2:])}
	files := 0
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		if slices.ContainsFunc(needles, func(needle string) bool { return strings.Contains(string(data), needle) }) {
			t.Errorf("%s holds the token", path)
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d files of %s were searched: %v", files, folder, err)
	}
}

// TestExamples_mappingTest runs the tests of the example, which reach no agent.
func TestExamples_mappingTest(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	if err := os.CopyFS(w.dir, os.DirFS("examples/mapping-test")); err != nil {
		t.Fatal(err)
	}
	if o := w.run("test", "-no-color"); o.code != 0 || !strings.Contains(o.text, "3 passed, 0 failed") {
		t.Errorf("the tests ended with %d:\n%s", o.code, o.text)
	}
	w.assertNoAgent()

	path := filepath.Join(w.dir, "main.tf")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w.write(path, strings.Replace(string(text), "ToLower([mail])", "[mail]", 1))
	if o := w.run("test", "-no-color"); o.code == 0 || !strings.Contains(o.text, "User names are in lower case.") {
		t.Errorf("the tests of a wrong mapping ended with %d:\n%s", o.code, o.text)
	}
}
