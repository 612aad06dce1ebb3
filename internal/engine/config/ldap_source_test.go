package config

import (
	"encoding/json"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
)

func goodDirectory() *Source {
	return &Source{Name: "directory", CredentialID: "c1", LDAP: &LDAPSource{
		URL:    "ldaps://ldap.example.com",
		Users:  &LDAPSet{BaseDN: "ou=people,dc=example,dc=org"},
		Groups: &LDAPSet{BaseDN: "ou=groups,dc=example,dc=org"},
	}}
}

func TestLDAPSource_Validate(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	for _, tt := range []struct {
		name string
		edit func(*LDAPSource)
		path string // "" for a valid one
		says string
	}{
		{"good", func(*LDAPSource) {}, "", ""},
		{"all given", func(l *LDAPSource) {
			*l = LDAPSource{URL: "ldap://ldap.example.com:3389/", StartTLS: ref(true), PageSize: ref(int64(1000)), Incremental: "modify_timestamp",
				Users:  &LDAPSet{BaseDN: "o=x", Filter: "(&(a=b)(!(c=d*)))", Scope: "one", References: map[string]string{"assistant": "secretary", "home": "2.5.4.34"}},
				Groups: &LDAPSet{BaseDN: `ou=a\, b,o=x`, Members: "uniqueMember", References: map[string]string{"owner": "owner;x-main"}}}
		}, "", ""},
		{"CA", func(l *LDAPSource) { l.CACertificate = certificate }, "", ""},
		{"loopback", func(l *LDAPSource) { l.URL = "ldap://[::1]:389" }, "", ""},
		{"no url", func(l *LDAPSource) { l.URL = "" }, "ldap.url", "Missing url"},
		{"http", func(l *LDAPSource) { l.URL = "https://ldap.example.com" }, "ldap.url", "Not an address"},
		{"without scheme", func(l *LDAPSource) { l.URL = "ldap.example.com" }, "ldap.url", "Not an address"},
		{"without host", func(l *LDAPSource) { l.URL = "ldaps://:636" }, "ldap.url", "Not an address"},
		{"password in the address", func(l *LDAPSource) { l.URL = "ldaps://cn:hunter2@ldap.example.com" }, "ldap.url", "credential_id"},
		{"base in the address", func(l *LDAPSource) { l.URL = "ldaps://ldap.example.com/dc=x" }, "ldap.url", "More than an address"},
		{"both kinds of TLS", func(l *LDAPSource) { l.StartTLS = ref(true) }, "ldap.start_tls", "Encrypted twice"},
		{"clear text", func(l *LDAPSource) { l.URL = "ldap://ldap.example.com" }, "ldap.start_tls", "password would go to"},
		{"CA without TLS", func(l *LDAPSource) { l.URL, l.CACertificate = "ldap://localhost", certificate }, "ldap.start_tls", "of no use"},
		{"no certificate", func(l *LDAPSource) { l.CACertificate = "trust me" }, "ldap.ca_certificate", "PEM"},
		{"page", func(l *LDAPSource) { l.PageSize = ref(int64(10_001)) }, "ldap.page_size", "1 to 10000"},
		{"no page", func(l *LDAPSource) { l.PageSize = ref(int64(0)) }, "ldap.page_size", "1 to 10000"},
		{"way", func(l *LDAPSource) { l.Incremental = "dirsync" }, "ldap.incremental", "auto, syncrepl, modify_timestamp, full"},
		{"nothing", func(l *LDAPSource) { l.Users, l.Groups = nil, nil }, "ldap", "Nothing to read"},
		{"no base", func(l *LDAPSource) { l.Users.BaseDN = "" }, "ldap.users.base_dn", "ou=users"},
		{"base", func(l *LDAPSource) { l.Groups.BaseDN = "groups" }, "ldap.groups.base_dn", `"groups"`},
		{"filter", func(l *LDAPSource) { l.Users.Filter = "(a=b" }, "ldap.users.filter", "RFC 4515"},
		{"scope", func(l *LDAPSource) { l.Users.Scope = "base" }, "ldap.users.scope", "sub"},
		{"members of users", func(l *LDAPSource) { l.Users.Members = "member" }, "ldap.users.members", "under groups"},
		{"members", func(l *LDAPSource) { l.Groups.Members = "a b" }, "ldap.groups.members", `"a b"`},
		{"members twice", func(l *LDAPSource) { l.Groups.References = map[string]string{"members": "member"} }, "ldap.groups.references.members", "under members"},
		{"reference to nothing", func(l *LDAPSource) { l.Users.References = map[string]string{"manager": ""} }, "ldap.users.references.manager", "DNs of manager"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := goodDirectory()
			tt.edit(s.LDAP)
			problems := s.Validate()
			if tt.path == "" {
				if len(problems) > 0 {
					t.Errorf("problems: %v", problems)
				}
				return
			}
			if len(problems) != 1 || strings.Join(problems[0].Path, ".") != tt.path || !strings.Contains(problems[0].Summary+" "+problems[0].Detail, tt.says) {
				t.Errorf("problems: %+v, want one at %s that says %q", problems, tt.path, tt.says)
			}
			if strings.Contains(problems[0].Detail, "hunter2") {
				t.Error("the password is repeated")
			}
		})
	}
	anonymous := goodDirectory()
	anonymous.CredentialID, anonymous.LDAP.URL = "", "ldap://ldap.example.com"
	if problems := anonymous.Validate(); len(problems) > 0 {
		t.Errorf("without a password there is nothing to hide: %v", problems)
	}
	both := goodDirectory()
	both.File = goodSource().File
	if problems := both.Validate(); len(problems) != 1 || !strings.Contains(problems[0].Detail, "exactly one") {
		t.Errorf("two connectors: %v", problems)
	}
}

// What is not given is the same as its default, to the revision and to the
// connector.
func TestLDAPSource_defaults(t *testing.T) {
	bare, full := goodDirectory(), goodDirectory()
	full.LDAP = &LDAPSource{URL: bare.LDAP.URL, StartTLS: ref(false), PageSize: ref(int64(500)), Incremental: "auto",
		Users:  &LDAPSet{BaseDN: bare.LDAP.Users.BaseDN, Filter: "(objectClass=inetOrgPerson)", Scope: "sub", References: map[string]string{"manager": "manager"}},
		Groups: &LDAPSet{BaseDN: bare.LDAP.Groups.BaseDN, Filter: "(objectClass=groupOfNames)", Scope: "sub", Members: "member"}}
	if bare.Revision() != full.Revision() {
		t.Errorf("the revisions are %s and %s", bare.Revision(), full.Revision())
	}
	opened := func(s *Source) string {
		kind, block := s.Connector()
		encoded, err := json.Marshal(block)
		if kind != "ldap" || err != nil {
			t.Fatal(kind, err)
		}
		return string(encoded)
	}
	if opened(bare) != opened(full) || bare.LDAP.PageSize != nil || bare.LDAP.Users.Filter != "" {
		t.Errorf("the connector gets %s and %s", opened(bare), opened(full))
	}
	for name, edit := range map[string]func(*LDAPSource){
		"url":           func(l *LDAPSource) { l.URL = "ldaps://other.example.com" },
		"page":          func(l *LDAPSource) { l.PageSize = ref(int64(100)) },
		"filter":        func(l *LDAPSource) { l.Users.Filter = "(objectClass=person)" },
		"no references": func(l *LDAPSource) { l.Users.References = map[string]string{} },
		"no groups":     func(l *LDAPSource) { l.Groups = nil },
		"incremental":   func(l *LDAPSource) { l.Incremental = "full" },
	} {
		s := goodDirectory()
		edit(s.LDAP)
		if s.Revision() == bare.Revision() {
			t.Errorf("%s makes no other revision", name)
		}
		// It is stored as JSON, and read again.
		encoded, err := json.Marshal(s)
		var again Source
		if err != nil || json.Unmarshal(encoded, &again) != nil || again.Revision() != s.Revision() {
			t.Errorf("%s is not kept: %s", name, encoded)
		}
	}
}

func TestLDAPSource_references(t *testing.T) {
	s := goodDirectory()
	for objectType, want := range map[string][]string{"User": {"manager"}, "Group": {"members"}} {
		if got := s.References(objectType); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", objectType, got, want)
		}
	}
	s.LDAP.Users.References = map[string]string{}
	s.LDAP.Groups.References = map[string]string{"owner": "owner"}
	if got := s.References("User"); len(got) > 0 {
		t.Errorf("users refer by %v", got)
	}
	if got := s.References("Group"); !slices.Equal(got, []string{"members", "owner"}) {
		t.Errorf("groups refer by %v", got)
	}
	s.LDAP.Groups = nil
	if got := s.References("Group"); len(got) > 0 {
		t.Errorf("groups that are not read refer by %v", got)
	}
}

// The connector's names act under the declared ones.
func TestSource_Aliases(t *testing.T) {
	s := goodDirectory()
	s.Attributes = map[string]string{"userPrincipalName": "mail", "department": "ou"}
	users, groups := s.MappingSource("User").Aliases, s.Aliases("Group")
	for name, want := range map[string]string{"surname": "sn", "mailNickname": "uid", "department": "ou", "userPrincipalName": "mail", "displayName": ""} {
		if users[name] != want {
			t.Errorf("%s of users is %q, want %q", name, users[name], want)
		}
	}
	if groups["displayName"] != "cn" || groups["surname"] != "" {
		t.Errorf("groups: %v", groups)
	}
	users["surname"] = "x"
	if s.Aliases("User")["surname"] != "sn" {
		t.Error("the defaults can be changed from outside")
	}
	if got := goodSource().Aliases("User"); len(got) != 1 {
		t.Errorf("a file has the aliases %v", got)
	}
}

// The guide lists the very names that there are.
func TestLDAPSource_guide(t *testing.T) {
	guide, err := os.ReadFile("../../../templates/guides/source-ldap.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(guide), "\n## Names\n")
	table, _, _ = strings.Cut(table, "\n## ")
	rows := 0
	for _, names := range ldapAliases {
		for name, own := range names {
			rows++
			if !strings.Contains(table, "\n| `"+name+"` | `"+own+"` |\n") {
				t.Errorf("the guide does not say that %s stands for %s", name, own)
			}
		}
	}
	if n := strings.Count(table, "\n| `"); n != rows {
		t.Errorf("the guide has %d names, there are %d", n, rows)
	}
}
