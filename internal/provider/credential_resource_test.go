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
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
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

// Tokens of an authorization server: what is refused changes nothing, and
// neither secrets nor tokens are kept.
func TestAccCredential_oauth2(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	accounts := sampleapp.New(sampleapp.Options{ClientID: "engine", ClientSecret: "canary-one"})
	server := httptest.NewServer(accounts)
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("canary-three\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	declared := func(client, more string) string {
		return credential(fmt.Sprintf("oauth2_client_credentials = {\n token_url = %q\n client_id = %q\n %s\n}", server.URL+"/oauth/token", client, more)) +
			target(server.URL).app("credential_id = provisioning_credential.chat.id")
	}
	var tokens []string
	connects := func(state *terraform.State) error {
		accounts.RevokeTokens()
		if _, err := service.TestConnection(context.Background(), config.KindApp, only[*config.App](t, service, config.KindApp).ID); err != nil {
			t.Errorf("the app is not reached with what is stored: %v", err)
		}
		tokens = append(tokens, accounts.AccessTokens()...)
		if text := fmt.Sprint(state.RootModule().Resources["provisioning_credential.chat"].Primary.Attributes); strings.Contains(text, "canary") {
			t.Error("the secret is in the state")
		}
		return nil
	}
	const address = "provisioning_credential.chat"
	byName := resource.TestStep{ResourceName: address, ImportState: true, ImportStateId: "chat", ImportStateKind: resource.ImportBlockWithID}
	byID := resource.TestStep{ResourceName: address, ImportState: true, ImportStateKind: resource.ImportBlockWithID,
		ImportStateIdFunc: func(state *terraform.State) (string, error) {
			return state.RootModule().Resources[address].Primary.ID, nil
		}}
	const more = `scopes = ["users.write", "users.read"]
		endpoint_params = { audience = "https://chat.example.com" }`
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{
				Config: declared("engine", `client_secret_wo = var.secret, client_secret_wo_version = 1, scopes = [], endpoint_params = {}`), Check: connects,
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(address, tfjsonpath.New("oauth2_client_credentials").AtMapKey("client_secret_wo"), knownvalue.Null()),
				},
			},
			{Config: declared("engine", `client_secret_wo = var.secret, client_secret_wo_version = 1, auth_style = "body"`+"\n"+more), Check: connects},
			byName, byID,
			{
				Config:      declared("another", `client_secret_wo = var.secret, client_secret_wo_version = 1`),
				ExpectError: says(`Cannot connect app "chat"`, "invalid_client", "The credential stays as it was.", "Check client_id and the client secret"),
			},
			{
				Config:      declared("engine", `client_secret_wo = "canary-two", client_secret_wo_version = 2, auth_style = "body"`+"\n"+more),
				ExpectError: says(`Cannot connect app "chat"`, "The credential stays as it was."),
			},
			{
				Config:           declared("engine", `client_secret_wo = var.secret, client_secret_wo_version = 1, auth_style = "body"`+"\n"+more),
				ConfigPlanChecks: plans(plancheck.ExpectEmptyPlan()), Check: connects,
			},
			{
				PreConfig: func() { accounts.SetClientSecret("canary-two") },
				Config:    declared("engine", `client_secret_wo = "canary-two", client_secret_wo_version = 2`+"\n"+more), Check: connects,
			},
			byName,
			{
				PreConfig: func() { accounts.SetClientSecret("canary-three") },
				Config:    declared("engine", fmt.Sprintf("client_secret_ref = %q", "file:"+file)), Check: connects,
			},
			byName,
		},
	})
	if len(tokens) < 5 {
		t.Errorf("only %d tokens were given", len(tokens))
	}
	for _, secret := range append(tokens, "canary-") {
		assertNowhere(t, service.dataDir, secret)
	}
}

// A basic credential, from its creation to a reference in its place.
func TestAccCredential_basic(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	app := &gate{Handler: service.accounts}
	lets := func(password string) func() {
		return func() { app.open("Basic " + base64.StdEncoding.EncodeToString([]byte("ada:"+password))) }
	}
	lets("canary-one")()
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("canary-three"), 0o600); err != nil {
		t.Fatal(err)
	}
	declared := func(block string) string {
		return credential("basic = {\n username = \"ada\"\n "+block+"\n}") + target(server.URL).app("credential_id = provisioning_credential.chat.id")
	}
	imports := resource.TestStep{
		ResourceName: "provisioning_credential.chat", ImportState: true, ImportStateId: "chat", ImportStateKind: resource.ImportBlockWithID,
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{Config: declared("password_wo = var.secret\n password_wo_version = 1")},
			imports,
			{
				Config:      declared(`password_wo = "canary-two"` + "\n password_wo_version = 2"),
				ExpectError: says(`Cannot connect app "chat"`, "401", "The credential stays as it was."),
			},
			{PreConfig: lets("canary-two"), Config: declared(`password_wo = "canary-two"` + "\n password_wo_version = 2")},
			{PreConfig: lets("canary-three"), Config: declared(fmt.Sprintf("password_ref = %q", "file:"+file))},
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
		"none":                  {``, "Give exactly one of basic, bearer and oauth2_client_credentials."},
		"two blocks":            {`bearer = { token_ref = "env:A" }` + "\n" + `basic = { username = "a", password_ref = "env:A" }`, "keep one of basic and bearer"},
		"no secret":             {`bearer = {}`, "Give either token_wo with token_wo_version, or token_ref."},
		"no version":            {`bearer = { token_wo = "canary" }`, "Add token_wo_version = 1"},
		"version alone":         {`bearer = { token_wo_version = 1 }`, "Add token_wo, or leave both out"},
		"value and reference":   {`bearer = { token_wo = "canary", token_ref = "env:A" }`, "keep one of them"},
		"version and reference": {`bearer = { token_wo_version = 1, token_ref = "env:A" }`, "not both"},
		"empty secret":          {`bearer = { token_wo = "", token_wo_version = 1 }`, "token_wo is an empty text"},
		"no client secret":      {`oauth2_client_credentials = { token_url = "https://a.example.com", client_id = "c" }`, "Give either client_secret_wo with client_secret_wo_version, or client_secret_ref."},
		"two client secrets":    {`oauth2_client_credentials = { token_url = "https://a.example.com", client_id = "c", client_secret_wo = "canary", client_secret_ref = "env:A" }`, "keep one of them"},
		"token_url in clear":    {`oauth2_client_credentials = { token_url = "http://a.example.com", client_id = "c", client_secret_ref = "env:A" }`, "Over http the credential would go to a.example.com in the clear"},
		"secret as parameter":   {`oauth2_client_credentials = { token_url = "https://a.example.com", client_id = "c", client_secret_ref = "env:A", endpoint_params = { client_secret = "x" } }`, "Leave out client_secret"},
		"unknown style":         {`oauth2_client_credentials = { token_url = "https://a.example.com", client_id = "c", client_secret_ref = "env:A", auth_style = "query" }`, "use header or body"},
		"scopes in one text":    {`oauth2_client_credentials = { token_url = "https://a.example.com", client_id = "c", client_secret_ref = "env:A", scopes = ["a b"] }`, "write each scope as an element of its own"},
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
