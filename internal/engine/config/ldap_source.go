package config

import (
	"crypto/x509"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/network"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// LDAPSource reads users and groups from an LDAP directory.
type LDAPSource struct {
	URL           string   `json:"url"`                      // ldap:// or ldaps://, host and port
	StartTLS      *bool    `json:"start_tls,omitempty"`      // nil: false
	CACertificate string   `json:"ca_certificate,omitempty"` // PEM; beside the system's
	Users         *LDAPSet `json:"users,omitempty"`
	Groups        *LDAPSet `json:"groups,omitempty"`
	PageSize      *int64   `json:"page_size,omitempty"`   // entries a page; nil: 500
	Incremental   string   `json:"incremental,omitempty"` // auto, syncrepl, modify_timestamp, full; empty: auto
}

// LDAPSet is what is read of one object type. No references at all are declared
// by a map without any.
type LDAPSet struct {
	BaseDN     string            `json:"base_dn"`
	Filter     string            `json:"filter,omitempty"`  // RFC 4515; empty: the type's own
	Scope      string            `json:"scope,omitempty"`   // sub, one; empty: sub
	Members    string            `json:"members,omitempty"` // attribute of the members' DNs, of groups; empty: member
	References map[string]string `json:"references"`        // attribute to the directory's attribute of DNs; nil: the type's own
}

// ldapDefaults are what a set of a type is read by unless it says otherwise.
var ldapDefaults = map[string]LDAPSet{
	directory.User:  {Filter: "(objectClass=inetOrgPerson)", Scope: "sub", References: map[string]string{"manager": "manager"}},
	directory.Group: {Filter: "(objectClass=groupOfNames)", Scope: "sub", Members: "member"},
}

const (
	ldapPageSize    = 500
	ldapMaxPageSize = 10_000
)

var ldapIncremental = []string{"auto", "syncrepl", "modify_timestamp", "full"}

// ldapAliases lead from the names that mappings use to those of RFC 4519 and
// RFC 2798. Names that are the same on both sides need none.
var ldapAliases = map[string]map[string]string{
	directory.User: {
		"surname":       "sn",
		"mailNickname":  "uid",
		"jobTitle":      "title",
		"department":    "departmentNumber",
		"employeeId":    "employeeNumber",
		"companyName":   "o",
		"streetAddress": "street",
		"city":          "l",
		"state":         "st",
		"country":       "c",
	},
	directory.Group: {
		"displayName": "cn",
	},
}

func (l *LDAPSource) set(objectType string) *LDAPSet {
	if objectType == directory.Group {
		return l.Groups
	}
	return l.Users
}

// complete gives the set with its defaults in place of what is not given.
func (s LDAPSet) complete(objectType string) *LDAPSet {
	defaults := ldapDefaults[objectType]
	if s.Filter == "" {
		s.Filter = defaults.Filter
	}
	if s.Scope == "" {
		s.Scope = defaults.Scope
	}
	if s.Members == "" {
		s.Members = defaults.Members
	}
	if s.References == nil {
		s.References = defaults.References
	}
	return &s
}

// complete gives the block with its defaults in place of what is not given.
func (l *LDAPSource) complete() *LDAPSource {
	out := *l
	if out.StartTLS == nil {
		out.StartTLS = new(bool)
	}
	if out.PageSize == nil {
		out.PageSize = new(int64(ldapPageSize))
	}
	if out.Incremental == "" {
		out.Incremental = ldapIncremental[0]
	}
	if out.Users != nil {
		out.Users = out.Users.complete(directory.User)
	}
	if out.Groups != nil {
		out.Groups = out.Groups.complete(directory.Group)
	}
	return &out
}

func (l *LDAPSource) references(objectType string) []string {
	set := l.set(objectType)
	if set == nil {
		return nil
	}
	set = set.complete(objectType)
	names := slices.Collect(maps.Keys(set.References))
	if set.Members != "" {
		names = append(names, membersAttribute)
	}
	slices.Sort(names)
	return names
}

func (l *LDAPSource) aliases(objectType string) map[string]string { return ldapAliases[objectType] }

func (l *LDAPSource) validate(problems *Problems, credential bool) {
	l.validateAddress(problems, credential)
	path := func(field ...string) []string { return append([]string{"ldap"}, field...) }
	if pem := l.CACertificate; pem != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(pem)) {
		problems.add(path("ca_certificate"), "Not a certificate", "Give certificates in PEM, from -----BEGIN CERTIFICATE----- on.")
	}
	if l.PageSize != nil && (*l.PageSize < 1 || *l.PageSize > ldapMaxPageSize) {
		problems.add(path("page_size"), "Not a page size", "Give 1 to %d entries a page; directories usually allow 500 or 1000.", ldapMaxPageSize)
	}
	if l.Incremental != "" && !slices.Contains(ldapIncremental, l.Incremental) {
		problems.add(path("incremental"), "Unknown way of reading changes", "%q is not known; use %s.", l.Incremental, strings.Join(ldapIncremental, ", "))
	}
	if l.Users == nil && l.Groups == nil {
		problems.add([]string{"ldap"}, "Nothing to read", "Give users, groups or both.")
	}
	if l.Users != nil {
		if l.Users.Members != "" {
			problems.add(path("users", "members"), "Users have no members", "Declare members under groups.")
		}
		l.Users.validate(problems, "users")
	}
	if l.Groups != nil {
		l.Groups.validate(problems, "groups")
	}
}

// validateAddress reports what is wrong with where to connect to, and a
// password that would travel in clear text.
func (l *LDAPSource) validateAddress(problems *Problems, credential bool) {
	at, err := url.Parse(l.URL)
	path := []string{"ldap", "url"}
	switch {
	case l.URL == "":
		problems.add(path, "Missing url", "Give the address of the directory server, such as ldaps://ldap.example.com.")
		return
	case err != nil || at.Hostname() == "" || at.Scheme != "ldap" && at.Scheme != "ldaps":
		// The text is not repeated: it may hold a password.
		problems.add(path, "Not an address", "Give an ldaps:// or ldap:// address, such as ldaps://ldap.example.com.")
		return
	case at.User != nil:
		problems.add(path, "Secret in the address", "Leave user and password out of url and use credential_id.")
	case strings.Trim(at.Path, "/") != "" || at.RawQuery != "" || at.Fragment != "":
		problems.add(path, "More than an address", "Leave out what follows host and port; users and groups say what is read.")
	}
	// The ways to encrypt are told apart at start_tls: it decides, once url is
	// known.
	path = []string{"ldap", "start_tls"}
	startTLS := l.StartTLS != nil && *l.StartTLS
	switch {
	case at.Scheme == "ldaps" && startTLS:
		problems.add(path, "Encrypted twice", "With ldaps:// all is encrypted from the start; start_tls is for ldap:// addresses.")
	case at.Scheme == "ldap" && !startTLS && credential && !network.IsLoopback(at.Hostname()):
		problems.add(path, "Not encrypted", "The password would go to %s in the clear; set start_tls = true, or begin url with ldaps://.", at.Host)
	case at.Scheme == "ldap" && !startTLS && l.CACertificate != "":
		problems.add(path, "Not encrypted", "Without encryption a ca_certificate is of no use; set start_tls = true, or begin url with ldaps://.")
	}
}

// attributeDescription is RFC 4512 section 2.5.
var attributeDescription = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*|[0-9]+(\.[0-9]+)+)(;[A-Za-z0-9-]+)*$`)

func (s *LDAPSet) validate(problems *Problems, block string) {
	path := func(field ...string) []string { return append([]string{"ldap", block}, field...) }
	if s.BaseDN == "" {
		problems.add(path("base_dn"), "Missing base_dn", "Name the entry below which %s are read, such as ou=%s,dc=example,dc=org.", block, block)
	} else if _, err := goldap.ParseDN(s.BaseDN); err != nil {
		problems.add(path("base_dn"), "Not a distinguished name", "%q cannot be read as of RFC 4514: %v.", s.BaseDN, err)
	}
	if s.Filter != "" {
		if _, err := goldap.CompileFilter(s.Filter); err != nil {
			problems.add(path("filter"), "Not a filter", "%q cannot be read as of RFC 4515: %v.", s.Filter, err)
		}
	}
	if s.Scope != "" && s.Scope != "sub" && s.Scope != "one" {
		problems.add(path("scope"), "Unknown scope", "%q is not known; use sub (all below base_dn) or one (right below it).", s.Scope)
	}
	if s.Members != "" && !attributeDescription.MatchString(s.Members) {
		problems.add(path("members"), "Not an attribute", "%q is no attribute of a directory; name the one that holds the DNs of members, such as member.", s.Members)
	}
	for _, name := range slices.Sorted(maps.Keys(s.References)) {
		own := s.References[name]
		switch {
		case !attributeDescription.MatchString(own):
			problems.add(path("references", name), "Not an attribute", "%q is no attribute of a directory; name the one that holds the DNs of %s.", own, name)
		case name == membersAttribute && block == "groups":
			problems.add(path("references", name), "Members declared twice", "Name the attribute of members under members.")
		}
	}
}
