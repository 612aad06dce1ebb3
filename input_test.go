package main

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

// assertTells wants each error to say what is wrong and the way out, and that
// there is no other.
func assertTells(t *testing.T, o outcome, wanted map[string][]string) {
	t.Helper()
	for address, parts := range wanted {
		if d := o.says(t, "error", parts...); d.Address != "" && d.Address != address {
			t.Errorf("%q is said of %s, want %s", d.Summary, d.Address, address)
		}
	}
	if n := o.count("error"); n != len(wanted) {
		t.Errorf("there are %d errors, want %d:\n%s", n, len(wanted), o.list())
	}
}

// block writes a resource.
func block(kind, label string, lines ...string) string {
	return fmt.Sprintf("resource \"provisioning_%s\" %q {\n  %s\n}\n", kind, label, strings.Join(lines, "\n  "))
}

const match = `"userName" = { source = "mail", matching_precedence = 1 }`

// TestBadInput_validate has what is found without an agent.
func TestBadInput_validate(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	var text strings.Builder
	wanted := map[string][]string{}
	wrong := func(kind, label string, lines []string, parts ...string) {
		text.WriteString(block(kind, label, lines...))
		wanted["provisioning_"+kind+"."+label] = parts
	}
	mapping := func(label, attributes string, parts ...string) {
		wrong("attribute_mapping", label, []string{`app_id = "x"`, `object_type = "User"`, "attributes = {", attributes, "}"}, parts...)
	}
	filter := func(label, clauses string, parts ...string) {
		wrong("scoping_filter", label, []string{`app_id = "x"`, `object_type = "User"`, `name = "n"`, "clauses = " + clauses}, parts...)
	}
	job := func(label, line string, parts ...string) {
		wrong("job", label, []string{`app_id = "x"`, line}, parts...)
	}

	wrong("source", "attribute", []string{`name = "a"`, `files = {}`, `file = { users = { path = "a.csv", id = "id" } }`}, "Unsupported argument", `"files"`)
	wrong("source", "none", []string{`name = "b"`}, "None of file and ldap", "Give exactly one of file and ldap.")
	wrong("credential", "two", []string{`name = "c"`, `bearer = { token_ref = "env:A" }`, `basic = { username = "a", password_ref = "env:A" }`},
		"More than one of basic and bearer", "keep one of basic and bearer")
	wrong("app", "template", []string{`name = "d"`, `source_id = "x"`, `template = "slak"`, `scim = { base_url = "https://a.example.com" }`}, `There is no template "slak"; there are: scim.`)
	mapping("unparsed", match+"\n"+`"title" = { expression = "Join(\" \", [a]" }`, `attributes["title"].expression`, "Line 1, column 5: the parenthesis is not closed")
	mapping("unmatched", `"userName" = { source = "mail" }`, "set matching_precedence = 1")
	mapping("guid", match+"\n"+`"nickName" = { expression = "Guid()" }`, `attributes["nickName"]`, "Guid", `apply = "on_create"`)
	filter("operator", `[{ attribute = "mail", operator = "equal", value = "a" }]`, `"equal"`, "did you mean equals?")
	filter("empty", `[]`, "remove the filter if that is meant")
	job("negative", `interval = "-5m"`, `"-5m" is negative`)
	job("limit", `accidental_deletions = { treshold = 50 }`, `accidental_deletions["treshold"]`, "is no limit", "threshold")
	job("rule", `deprovisioning = { User = { deletd = "delete" } }`, `deprovisioning["User"]["deletd"]`, "is no rule", "deleted")
	wrong("assignment", "nobody", []string{`app_id = "x"`}, "Give exactly one of group and user.")

	w.declare(text.String())
	assertTells(t, w.run("validate", "-json"), wanted)
	w.assertNoAgent()
}

// TestBadInput_plan has what is found with the agent's help, before anything is
// changed.
func TestBadInput_plan(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	w.declare(
		block("source", "people", `name = "people"`, `file = { users = { path = "nobody.csv", id = "id" } }`),
		block("source", "one", `name = "staff"`, `file = { users = { path = "people.csv", id = "id" } }`),
		block("source", "two", `name = "staff"`, `file = { users = { path = "people.csv", id = "id" } }`),
		block("app", "manual", `name = "manual"`, `source_id = "x"`, `template = "scim"`, `mode = "manual"`, `scim = { base_url = "https://a.example.com" }`),
		block("job", "manual", `app_id = provisioning_app.manual.id`),
		block("app", "chat", `name = "chat"`, `source_id = provisioning_source.crew.id`, `template = "scim"`, `scim = { base_url = terraform_data.later.output }`),
		`resource "terraform_data" "later" { input = "https://a.example.com" }`,
		block("source", "crew", `name = "crew"`, `file = { users = { path = "people.csv", id = "id" } }`),
		block("attribute_mapping", "users", `app_id = provisioning_app.chat.id`, `object_type = "User"`,
			`attributes = { "userName" = { source = "maill", matching_precedence = 1 } }`),
		block("scoping_filter", "staff", `app_id = provisioning_app.chat.id`, `object_type = "User"`, `name = "staff"`,
			`clauses = [{ attribute = "maill", operator = "is_not_null" }]`),
		block("assignment", "nobody", `app_id = provisioning_app.chat.id`, `user = "nobody@example.com"`),
	)
	w.write("people.csv", "id,mail\n1,ada@example.com\n")
	o := w.plan()
	twin := "provisioning_source.one"
	if o.says(t, "error", "Two resources declare").Address != twin {
		twin = "provisioning_source.two"
	}
	assertTells(t, o, map[string][]string{
		"provisioning_source.people": {"Missing file", "nobody.csv", "Correct the path"},
		twin:                         {`Two resources declare source "staff"`, "give it another name"},
		"provisioning_job.manual":    {`App "manual" has no job`, `Set mode = "automatic"`, "or remove this job"},
		// The app is not known whole: its address comes with the apply.
		"provisioning_attribute_mapping.users": {`attributes["userName"].source`, "unknown attribute [maill]", "did you mean [mail]?"},
		"provisioning_scoping_filter.staff":    {`no attribute "maill"`, `Did you mean "mail"?`},
		"provisioning_assignment.nobody":       {`Cannot assign "nobody@example.com"`, "Correct the name, or add it to the source first."},
	})
}

// TestBadInput_apply has what only the systems themselves can tell. Each thing
// fails alone.
func TestBadInput_apply(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	open := httptest.NewServer(sampleapp.New(sampleapp.Options{}))
	locked := httptest.NewServer(sampleapp.New(sampleapp.Options{Token: "another"}))
	page := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
		out.Header().Set("Content-Type", "text/html")
		fmt.Fprint(out, "<html><body>Welcome</body></html>")
	}))
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	for _, server := range []*httptest.Server{open, locked, page} {
		t.Cleanup(server.Close)
	}
	file := filepath.Join(w.dir, "people.csv")
	w.write("people.csv", "id,mail\n1,ada@example.com\n")
	source := func(label, name string) string {
		return block("source", label, fmt.Sprintf("name = %q", name), fmt.Sprintf("file = { users = { path = %q, id = \"id\" } }", file))
	}
	w.declare(source("people", "people"))
	w.applied()

	other := w.beside()
	app := func(name, url, more string) string {
		return block("app", name, fmt.Sprintf("name = %q", name), "source_id = provisioning_source.more.id", `template = "scim"`,
			fmt.Sprintf("scim = { base_url = %q }", url), more)
	}
	other.declare(
		source("people", "people"), source("more", "more"),
		block("credential", "reference", `name = "reference"`, `bearer = { token_ref = "env:PROVISIONING_TEST_UNSET" }`),
		block("credential", "wrong", `name = "wrong"`, `bearer = { token_wo = "`+canary+`", token_wo_version = 1 }`),
		app("open", open.URL, ""), app("down", down.URL, ""), app("page", page.URL, ""),
		app("wrong", locked.URL, "credential_id = provisioning_credential.wrong.id"),
		app("unset", open.URL, "credential_id = provisioning_credential.reference.id"),
	)
	other.plan().says(t, "warning", `There is a source "people" already`, "unless this plan destroys that one as well", "terraform import", "moved {")
	o := other.apply()
	assertTells(t, o, map[string][]string{
		"provisioning_source.people": {`There is a source "people" already`, "terraform import 'provisioning_source.<label>' 'people'", "import {", "moved {"},
		"provisioning_app.down":      {`Cannot connect app "down"`, "connection refused", "Check base_url"},
		"provisioning_app.page":      {`Cannot connect app "page"`, "not SCIM", "Check base_url"},
		"provisioning_app.wrong":     {`Cannot connect app "wrong"`, "401"},
		"provisioning_app.unset":     {`Cannot connect app "unset"`, "PROVISIONING_TEST_UNSET"},
	})
	if strings.Contains(o.text, canary) {
		t.Error("an error holds the token")
	}
}

// TestBadInput_agent has data directories that no agent can serve. Each plan
// says so, and changes nothing in them.
func TestBadInput_agent(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil func(t *testing.T, w *workspace, store string)
		want  []string
	}{
		"unwritable": {func(t *testing.T, w *workspace, _ string) {
			w.dataDir = "/proc/provisioning" // which denies even root
			if _, err := os.Stat("/proc/self"); err != nil {
				t.Skip("this system has no /proc")
			}
		}, []string{"/proc/provisioning", "data_dir"}},
		"a file in its place": {func(t *testing.T, w *workspace, _ string) {
			if err := os.RemoveAll(w.dataDir); err != nil {
				t.Fatal(err)
			}
			w.write(w.dataDir, "no directory")
		}, []string{"not a directory", "data_dir"}},
		"newer version": {func(t *testing.T, _ *workspace, store string) { raiseSchema(t, store) },
			[]string{"schema 99", "Install the version that wrote it, or a newer one."}},
		"garbage": {func(t *testing.T, w *workspace, store string) { w.write(store, strings.Repeat("garbage ", 8192)) },
			[]string{"store.db", "agent restore"}},
		"truncated": {func(t *testing.T, _ *workspace, store string) {
			info, err := os.Stat(store)
			if err = errors.Join(err, os.Truncate(store, info.Size()/2)); err != nil {
				t.Fatal(err)
			}
		}, []string{"store.db", "agent restore"}},
		"empty": {func(t *testing.T, w *workspace, store string) { w.write(store, "") }, []string{"store.db", "agent restore"}},
		"gone": {func(t *testing.T, _ *workspace, store string) {
			if err := os.Remove(store); err != nil {
				t.Fatal(err)
			}
		}, []string{"is gone", "agent restore"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorkspace(t)
			w.declare(block("source", "people", `name = "people"`, `file = { users = { path = "people.csv", id = "id" } }`))
			w.write("people.csv", "id,mail\n1,ada@example.com\n")
			if o := w.plan(); o.code != 2 {
				t.Fatalf("the plan ended with %d:\n%s", o.code, o.text)
			}
			w.stop()
			store := filepath.Join(w.dataDir, "store.db")
			test.spoil(t, w, store)
			before := contents(w.dataDir)
			o := w.plan()
			o.says(t, "error", test.want...)
			if n := o.count("error"); n != 1 {
				t.Errorf("there are %d errors, want 1:\n%s", n, o.list())
			}
			if after := contents(w.dataDir); !maps.Equal(before, after) {
				t.Errorf("the data directory was changed from %v to %v", before, after)
			}
		})
	}
}

// contents gives the digests of the files below a folder but for the agent's
// log, or of the file itself.
func contents(folder string) map[string][sha256.Size]byte {
	files := map[string][sha256.Size]byte{}
	_ = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if data, err := os.ReadFile(path); err == nil && entry.Name() != "agent.log" {
			files[path] = sha256.Sum256(data)
		}
		return nil
	})
	return files
}

// raiseSchema makes a store that of a later version.
func raiseSchema(t *testing.T, path string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const table, key, value = "\x00store", "schema", "99"
	sum := crc32.Checksum([]byte(table+key+value), crc32.MakeTable(crc32.Castagnoli))
	err = db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(table)).Put([]byte(key), append(binary.LittleEndian.AppendUint32(nil, sum), value...))
	})
	if err != nil {
		t.Fatal(err)
	}
}
