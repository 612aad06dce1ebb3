package provider

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/ldap/slapdtest"
)

// ldapSource is a source that reads from the server, with more of its block, as
// the user of a credential.
func ldapSource(url, password string, version int, block string) string {
	return fmt.Sprintf(`
resource "provisioning_credential" "directory" {
  name  = "directory"
  basic = { username = %q, password_wo = %q, password_wo_version = %d }
}

resource "provisioning_source" "directory" {
  name          = "directory"
  credential_id = provisioning_credential.directory.id
  ldap = {
    url = %q
    %s
  }
  attributes = { userPrincipalName = "mail" }
}
`, slapdtest.Replica, password, version, url, block)
}

const (
	bases = `
    users  = { base_dn = "` + slapdtest.PeopleDN + `" }
    groups = { base_dn = "` + slapdtest.GroupsDN + `" }`
	spelledOut = `
    page_size   = 100
    incremental = "modify_timestamp"
    start_tls   = false
    users       = { base_dn = "` + slapdtest.PeopleDN + `", filter = "(uid=*)", scope = "one", references = {} }
    groups      = { base_dn = "` + slapdtest.GroupsDN + `", members = "member", references = { owner = "owner" } }`
)

func TestAccSource_ldap(t *testing.T) {
	t.Parallel()
	server := slapdtest.New(t)
	server.Seed(t, 5)
	service := newEngine(t)
	url := "ldap://" + server.LDAP
	const address = "provisioning_source.directory"
	at := func(names ...string) tfjsonpath.Path {
		p := tfjsonpath.New("ldap")
		for _, name := range names {
			p = p.AtMapKey(name)
		}
		return p
	}
	stored := func(check func(*config.LDAPSource) bool) resource.TestCheckFunc {
		return func(*terraform.State) error {
			if l := only[*config.Source](t, service, config.KindSource).LDAP; l == nil || !check(l) {
				t.Errorf("the agent was told %+v", l)
			}
			return nil
		}
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{
				Config: header + ldapSource(url, slapdtest.Password, 1, bases),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(address, at("page_size"), knownvalue.Null()),
					statecheck.ExpectKnownValue(address, at("users", "filter"), knownvalue.Null()),
					statecheck.ExpectKnownValue(address, tfjsonpath.New("file"), knownvalue.Null()),
				},
				Check: stored(func(l *config.LDAPSource) bool { return l.URL == url && l.PageSize == nil && l.Users.References == nil }),
			},
			{Config: header + ldapSource(url, slapdtest.Password, 1, bases), ConfigPlanChecks: plans(plancheck.ExpectEmptyPlan())},
			{ResourceName: address, ImportState: true, ImportStateId: "directory", ImportStateKind: resource.ImportBlockWithID},
			{
				Config:           header + ldapSource(url, slapdtest.Password, 1, spelledOut),
				ConfigPlanChecks: plans(plancheck.ExpectResourceAction(address, plancheck.ResourceActionUpdate)),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(address, at("users", "references"), knownvalue.MapSizeExact(0)),
					statecheck.ExpectKnownValue(address, at("groups", "references", "owner"), knownvalue.StringExact("owner")),
				},
				Check: stored(func(l *config.LDAPSource) bool {
					return *l.PageSize == 100 && l.Users.References != nil && l.Users.Scope == "one" && l.Groups.Members == "member" && !*l.StartTLS
				}),
			},
			{ResourceName: address, ImportState: true, ImportStateKind: resource.ImportBlockWithID},
			{ // what a directory is asked for cannot be found in it
				Config:      header + ldapSource(url, slapdtest.Password, 1, strings.ReplaceAll(bases, "ou=people", "ou=persons")),
				ExpectError: says(`Cannot connect source "directory"`, "No Such Object", "Correct base_dn"),
			},
			{ // a new password is tested before it takes the place of the old one
				Config:      header + ldapSource(url, "hunter2", 2, spelledOut),
				ExpectError: says("Invalid Credentials", "The credential stays as it was."),
			},
			{Config: header + ldapSource(url, slapdtest.Password, 1, spelledOut), ConfigPlanChecks: plans(plancheck.ExpectEmptyPlan())},
		},
	})
	assertNowhere(t, service.dataDir, "hunter2")
}

// A directory is reached with TLS from the first byte, or by StartTLS, and only
// when its certificate is one of the CA's.
func TestAccSource_ldapTLS(t *testing.T) {
	t.Parallel()
	server := slapdtest.New(t)
	server.Seed(t, 1)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, []byte(server.CA), 0o600); err != nil {
		t.Fatal(err)
	}
	trusted := fmt.Sprintf("\n    ca_certificate = file(%q)", ca) + bases
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(newEngine(t)),
		Steps: []resource.TestStep{
			{Config: header + ldapSource("ldaps://"+server.LDAPS, slapdtest.Password, 1, bases), ExpectError: says("TLS could not be begun", "ca_certificate")},
			{Config: header + ldapSource("ldaps://"+server.LDAPS, slapdtest.Password, 1, trusted)},
			{Config: header + ldapSource("ldap://"+server.LDAP, slapdtest.Password, 1, "start_tls = true"+trusted)},
		},
	})
}

func TestAccSource_ldapInvalid(t *testing.T) {
	const url = "ldaps://ldap.example.com"
	for name, test := range map[string]struct{ url, block, want string }{
		"no address":      {"ldap.example.com", bases, "ldap.url: Give an ldaps:// or ldap:// address"},
		"clear text":      {"ldap://ldap.example.com", bases, "The password would go to ldap.example.com in the clear; set start_tls = true"},
		"encrypted twice": {url, "start_tls = true" + bases, "ldap.start_tls: With ldaps:// all is encrypted from the start"},
		"nothing to read": {url, "", "Give users, groups or both."},
		"base":            {url, `users = { base_dn = "people" }`, `ldap.users.base_dn: "people" cannot be read as of RFC 4514`},
		"filter":          {url, `users = { base_dn = "dc=x", filter = "uid=*)" }`, "ldap.users.filter"},
		"scope":           {url, `users = { base_dn = "dc=x", scope = "base" }`, `"base" is not known; use sub`},
		"page":            {url, "page_size = 0" + bases, "ldap.page_size: Give 1 to 10000 entries a page"},
		"way":             {url, `incremental = "dirsync"` + bases, "use auto, syncrepl, modify_timestamp, full"},
		"certificate":     {url, `ca_certificate = "trust me"` + bases, "Give certificates in PEM"},
		"two connectors": {url, bases + `
  }
  file = { users = { path = "testdata/people.csv", id = "employee_id" }`, "keep one of file and ldap"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: factories(newEngine(t)),
				Steps: []resource.TestStep{{
					Config: header + ldapSource(test.url, slapdtest.Password, 1, test.block), PlanOnly: true, ExpectError: says(test.want),
				}},
			})
		})
	}
}

// The example of the documentation works on a directory as it describes it.
func TestAccExamples_ldap(t *testing.T) {
	server := slapdtest.New(t)
	server.Seed(t, 1)
	example, err := os.ReadFile("../../examples/resources/provisioning_source/resource_ldap.tf")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string]string{"ca.pem": server.CA, "password": slapdtest.Password} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := strings.NewReplacer("ldaps://ldap.example.com", "ldaps://"+server.LDAPS, "cn=provisioning,dc=example,dc=org", slapdtest.Replica,
		"/run/secrets/directory", filepath.Join(dir, "password"), "${path.module}", dir).Replace(string(example))
	if text == string(example) {
		t.Error("the example is another one")
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(newEngine(t)),
		Steps:                    []resource.TestStep{{Config: header + text}},
	})
}
