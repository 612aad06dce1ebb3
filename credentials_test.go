package main

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

// TestCredentials provisions with a credential of each kind, rotates them, and
// finds neither a secret nor an access token in anything that was written.
func TestCredentials(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	basic := sampleapp.New(sampleapp.Options{Username: "engine", Password: canary + "-password"})
	bearer := sampleapp.New(sampleapp.Options{Token: canary + "-reference"})
	oauth2 := sampleapp.New(sampleapp.Options{ClientID: "engine", ClientSecret: canary + "-client"})
	urls := map[string]string{}
	for name, app := range map[string]*sampleapp.App{"basic": basic, "bearer": bearer, "oauth2": oauth2} {
		server := httptest.NewServer(app)
		t.Cleanup(server.Close)
		urls[name] = server.URL + "/scim/v2"
	}
	secret := filepath.Join(t.TempDir(), "token") // outside of what is searched
	if err := os.WriteFile(secret, []byte(canary+"-reference\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.write("people.csv", "id,mail\n1,ada@example.com\n2,grace@example.com\n")
	declare := func(version string) {
		var text strings.Builder
		text.WriteString(`
variable "password" { ephemeral = true }
variable "client_secret" { ephemeral = true }
` + block("source", "people", `name = "people"`, `file = { users = { path = "people.csv", id = "id" } }`))
		for name, lines := range map[string]string{
			"basic":  `basic = { username = "engine", password_wo = var.password, password_wo_version = ` + version + ` }`,
			"bearer": `bearer = { token_ref = "file:` + secret + `" }`,
			"oauth2": `oauth2_client_credentials = { token_url = "` + urls["oauth2"] + `/oauth/token", client_id = "engine", client_secret_wo = var.client_secret, client_secret_wo_version = ` + version + ` }`,
		} {
			text.WriteString(block("credential", name, `name = "`+name+`"`, lines))
			text.WriteString(block("app", name, `name = "`+name+`"`, "source_id = provisioning_source.people.id", `template = "scim"`, `scope = "all"`,
				`scim = { base_url = "`+urls[name]+`" }`, "credential_id = provisioning_credential."+name+".id"))
			text.WriteString(block("attribute_mapping", name, "app_id = provisioning_app."+name+".id", `object_type = "User"`, "attributes = {", match, "}"))
			text.WriteString(block("job", name, "app_id = provisioning_app."+name+".id", `wait_for = "initial_cycle"`,
				"revisions = [provisioning_source.people.revision, provisioning_app."+name+".revision, provisioning_attribute_mapping."+name+".revision]"))
		}
		w.declare(text.String())
	}
	secrets := []string{canary}
	given := func(password, clientSecret string) {
		w.env = append(w.env, "TF_VAR_password="+password, "TF_VAR_client_secret="+clientSecret)
		secrets = append(secrets, password, clientSecret)
	}

	given(canary+"-password", canary+"-client")
	declare("1")
	if o := w.run("plan", "-input=false", "-out=saved.tfplan"); o.code != 0 {
		t.Fatalf("plan ended with %d:\n%s", o.code, o.text)
	}
	told := w.run("show", "-json", "saved.tfplan").text + w.applied().text
	for name, app := range map[string]*sampleapp.App{"basic": basic, "bearer": bearer, "oauth2": oauth2} {
		if n := app.Len(sampleapp.User); n != 2 {
			t.Errorf("%s: there are %d accounts, want 2", name, n)
		}
	}
	w.settled()
	secrets = append(secrets, oauth2.AccessTokens()...)

	// The app with basic authentication refuses another password, the
	// authorization server another secret.
	given(canary+"-wrong", canary+"-wrong-client")
	declare("2")
	o := w.apply()
	assertTells(t, o, map[string][]string{
		"provisioning_credential.basic":  {`Cannot connect app "basic"`, "401", "The credential stays as it was."},
		"provisioning_credential.oauth2": {`Cannot connect app "oauth2"`, "invalid_client", "The credential stays as it was."},
	})
	told += o.text

	oauth2.SetClientSecret(canary + "-rotated")
	oauth2.RevokeTokens()
	given(canary+"-password", canary+"-rotated")
	told += w.applied().text
	w.write("people.csv", "id,mail\n1,ada@example.com\n2,grace@example.com\n3,alan@example.com\n")
	for name, app := range map[string]*sampleapp.App{"basic": basic, "bearer": bearer, "oauth2": oauth2} {
		told += w.engine("job", "start", name, "--wait")
		if n := app.Len(sampleapp.User); n != 3 {
			t.Errorf("%s: there are %d accounts after the rotation, want 3", name, n)
		}
		told += w.engine("audit", name, "--json") + w.engine("status", name, "--json")
	}
	told += w.engine("agent", "logs")
	secrets = append(secrets, oauth2.AccessTokens()...)
	if len(secrets) < 9 {
		t.Errorf("only %d secrets are looked for", len(secrets))
	}
	for _, secret := range secrets {
		for _, folder := range []string{w.dir, w.dataDir} {
			assertNowhere(t, folder, secret)
		}
		if strings.Contains(told, secret) || strings.Contains(told, encoded(secret)) {
			t.Errorf("what was said holds the secret %s", secret)
		}
	}
}
