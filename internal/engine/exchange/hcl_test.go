package exchange

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// parsed wants HCL that can be read, and gives its blocks by type and label.
func parsed(t fataler, text []byte) map[string]*hclsyntax.Body {
	t.Helper()
	file, diags := hclsyntax.ParseConfig(text, "x.tf", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("%v\n%s", diags, text)
	}
	blocks := map[string]*hclsyntax.Body{}
	for _, block := range file.Body.(*hclsyntax.Body).Blocks {
		if block.Type != "resource" {
			continue
		}
		address := block.Labels[0] + "." + block.Labels[1]
		if blocks[address] != nil {
			t.Fatalf("%s is there twice\n%s", address, text)
		}
		blocks[address] = block.Body
	}
	return blocks
}

// TestHCL_hostile: whatever texts hold, HCL gives them back.
func TestHCL_hostile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.MapOfN(rapid.String(), rapid.String(), 0, 5).Draw(t, "texts")
		name := rapid.String().Draw(t, "name")
		d := Declared{App: &config.App{ID: "a", Name: name, Template: "none", Labels: texts},
			Source: &config.Source{ID: "s", Name: name}, Job: &config.Job{AppID: "a", RestartTriggers: texts}}
		blocks := parsed(t, HCL(d))
		if len(blocks) != 3 {
			t.Fatalf("there are %d resources", len(blocks))
		}
		for address, body := range blocks {
			for attribute, want := range map[string]cty.Value{"name": cty.StringVal(name), "labels": toMap(texts), "restart_triggers": toMap(texts)} {
				a, ok := body.Attributes[attribute]
				if !ok {
					continue
				}
				got, diags := a.Expr.Value(nil)
				if diags.HasErrors() {
					t.Fatalf("%s.%s: %v", address, attribute, diags)
				}
				if !got.RawEquals(want) {
					t.Errorf("%s.%s is %#v, not %#v", address, attribute, got, want)
				}
			}
		}
	})
}

func toMap(texts map[string]string) cty.Value {
	values := map[string]cty.Value{}
	for name, text := range texts {
		values[name] = cty.StringVal(text)
	}
	return cty.ObjectVal(values)
}

// TestHCL_credentials writes every kind of field, and no secret.
func TestHCL_credentials(t *testing.T) {
	version := int64(2)
	got := string(HCL(Declared{
		App: &config.App{ID: "a", Name: "chat", Template: "none", CredentialID: "c1"},
		Credentials: []*config.Credential{
			{ID: "c1", Name: "oauth", Method: config.OAuth2ClientCredentials, Fields: map[string]config.Field{
				"token_url": {Value: "https://id.example.com/token"}, "client_id": {Value: "me"}, "client_secret": {Version: &version},
				"scopes": {Values: []string{"read", "write"}}, "endpoint_params": {Parameters: map[string]string{"audience": "chat"}},
			}},
			{ID: "c2", Name: "basic", Method: config.Basic, Fields: map[string]config.Field{"username": {Value: "me"}, "password": {Reference: "env:PASSWORD"}}},
		},
	}))
	for _, part := range []string{
		"client_secret_wo         = var.oauth_client_secret", "client_secret_wo_version = 2", `scopes                   = ["read", "write"]`,
		`endpoint_params          = { audience = "chat" }`, `password_ref = "env:PASSWORD"`, "credential_id = provisioning_credential.oauth.id",
		`variable "oauth_client_secret"`,
	} {
		if !strings.Contains(got, part) {
			t.Errorf("%q is not in\n%s", part, got)
		}
	}
	parsed(t, []byte(got))
}

// TestHCL_labels: things of like names get labels of their own.
func TestHCL_labels(t *testing.T) {
	d := Declared{App: &config.App{ID: "a", Name: "123 –", Template: "none"}}
	for _, name := range []string{"A b", "a-b", "ä", "ß", "for", ""} {
		d.Filters = append(d.Filters, &config.Filter{ID: name, AppID: "a", ObjectType: "User", Name: name})
	}
	if blocks := parsed(t, HCL(d)); len(blocks) != 1+len(d.Filters) {
		t.Errorf("there are %d resources", len(blocks))
	}
}
