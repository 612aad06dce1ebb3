package provider

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

func credential(block string) string {
	return header + `
variable "secret" {
  type      = string
  ephemeral = true
  default   = "canary-one"
}

resource "provisioning_credential" "chat" {
  name = "chat"
  ` + block + `
}
`
}

// gate is an app that lets in whoever authenticates as wanted.
type gate struct {
	http.Handler
	wanted atomic.Pointer[string]
}

func (g *gate) open(authorization string) { g.wanted.Store(&authorization) }

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != *g.wanted.Load() {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	g.Handler.ServeHTTP(w, r)
}

// A new secret is tested against the app before it replaces the old one.
func TestAccCredential_rotation(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	app := &gate{Handler: service.accounts}
	app.open("Bearer canary-one")
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	secret := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(secret, []byte("canary-three\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	declared := func(block string) string {
		return credential(block) + target(server.URL).app("credential_id = provisioning_credential.chat.id")
	}
	connects := func(state *terraform.State) error {
		chat := only[*config.App](t, service, config.KindApp)
		if _, err := service.TestConnection(context.Background(), config.KindApp, chat.ID); err != nil {
			t.Errorf("the app is not reached with what is stored: %v", err)
		}
		if text := fmt.Sprint(state.RootModule().Resources["provisioning_credential.chat"].Primary.Attributes); strings.Contains(text, "canary") {
			t.Error("the secret is in the state")
		}
		return nil
	}
	imports := resource.TestStep{
		ResourceName: "provisioning_credential.chat", ImportState: true, ImportStateId: "chat", ImportStateKind: resource.ImportBlockWithID,
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{
				Config: declared(`bearer = { token_wo = var.secret, token_wo_version = 1 }`), Check: connects,
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue("provisioning_credential.chat", tfjsonpath.New("bearer").AtMapKey("token_wo"), knownvalue.Null()),
				},
			},
			{ // another value alone is not seen
				Config:           declared(`bearer = { token_wo = "canary-two", token_wo_version = 1 }`),
				ConfigPlanChecks: plans(plancheck.ExpectEmptyPlan()), Check: connects,
			},
			{ // the app refuses the new one: the old one stays
				Config:      declared(`bearer = { token_wo = "canary-two", token_wo_version = 2 }`),
				ExpectError: says(`Cannot connect app "chat"`, "The credential stays as it was."),
			},
			{Config: declared(`bearer = { token_wo = var.secret, token_wo_version = 1 }`), ConfigPlanChecks: plans(plancheck.ExpectEmptyPlan()), Check: connects},
			{
				PreConfig: func() { app.open("Bearer canary-two") },
				Config:    declared(`bearer = { token_wo = "canary-two", token_wo_version = 2 }`), Check: connects,
			},
			imports,
			{
				PreConfig: func() { app.open("Bearer canary-three") },
				Config:    declared(fmt.Sprintf("bearer = { token_ref = %q }", "file:"+secret)), Check: connects,
			},
			imports,
			{
				PreConfig: func() { app.open("Basic " + base64.StdEncoding.EncodeToString([]byte("ada:canary-one"))) },
				Config:    declared(`basic = { username = "ada", password_wo = var.secret, password_wo_version = 2 }`), Check: connects,
			},
			imports,
		},
	})
	assertNowhere(t, service.dataDir, "canary-")
}

// A reference that leads nowhere is told when the app is saved.
func TestAccCredential_missingReference(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{{
			Config:      credential(`bearer = { token_ref = "env:PROVISIONING_TEST_UNSET" }`) + service.app("credential_id = provisioning_credential.chat.id"),
			ExpectError: says(`Cannot connect app "chat"`, "PROVISIONING_TEST_UNSET"),
		}},
	})
}

func TestAccCredential_invalid(t *testing.T) {
	for name, test := range map[string]struct{ block, want string }{
		"none":                  {``, "Give exactly one of basic and bearer."},
		"two blocks":            {`bearer = { token_ref = "env:A" }` + "\n" + `basic = { username = "a", password_ref = "env:A" }`, "keep one of basic and bearer"},
		"no secret":             {`bearer = {}`, "Give either token_wo with token_wo_version, or token_ref."},
		"no version":            {`bearer = { token_wo = "canary" }`, "Add token_wo_version = 1"},
		"version alone":         {`bearer = { token_wo_version = 1 }`, "Add token_wo, or leave both out"},
		"value and reference":   {`bearer = { token_wo = "canary", token_ref = "env:A" }`, "keep one of them"},
		"version and reference": {`bearer = { token_wo_version = 1, token_ref = "env:A" }`, "not both"},
		"empty secret":          {`bearer = { token_wo = "", token_wo_version = 1 }`, "token_wo is an empty text"},
		"no reference":          {`bearer = { token_ref = "canary" }`, "Not a reference to a secret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: factories(newEngine(t)),
				Steps:                    []resource.TestStep{{Config: credential(test.block), PlanOnly: true, ExpectError: says(test.want)}},
			})
		})
	}
}
