// Package ldap is the source that reads users and groups from an LDAP v3
// directory (RFC 4511).
//
// The anchor of an object is its entryUUID (RFC 4530). Its distinguished name
// is an alias by which references name it, never an anchor: the references of
// users ("manager") and the members of groups become edges to a DN, normalised
// by NormalizeDN. Groups in groups are edges like others.
//
// Of an entry all user attributes are read, and entryUUID: one value as text,
// several as a list in the server's order, and attributes whose syntax is binary
// (jpegPhoto, userCertificate, octet strings), as well as values that are no
// UTF-8 text, in base64. Attributes that hold references are no attributes of
// the object. Passwords and keys are not asked for, and left out where a server
// gives them unasked.
//
// # Changes
//
// Where the server offers content synchronization (RFC 4533) and lets the
// account use it, a refresh tells whether and which entries have changed.
// Elsewhere every anchor is listed with its modifyTimestamp, and when anything
// differs, the entries whose modifyTimestamp is young are read. In both ways the
// list of anchors says who is there, and a name that went or changed makes
// everything be read again: servers rewrite the references to it, and move the
// entries below it, without touching a modifyTimestamp or telling a refresh.
//
// The block is taken as it stands: its defaults, and the names by which mappings
// know the attributes, are those of package config.
package ldap

import (
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/network"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// membersAttribute is the attribute of the edges from a group to its members.
const membersAttribute = "members"

// Ways of reading changes.
const (
	incrementalAuto      = "auto"             // synchronization where it can be had, else by time
	incrementalSyncrepl  = "syncrepl"         // RFC 4533, or an error
	incrementalTimestamp = "modify_timestamp" // by time
	incrementalFull      = "full"             // everything, each time
)

const maxPage = 10_000

// connection is the ldap block as declared.
type connection struct {
	URL           string       `json:"url"`
	StartTLS      bool         `json:"start_tls"`
	CACertificate string       `json:"ca_certificate"` // PEM; beside the system's
	Users         *declaration `json:"users"`
	Groups        *declaration `json:"groups"`
	PageSize      int          `json:"page_size"`
	Incremental   string       `json:"incremental"`
}

type declaration struct {
	BaseDN     string            `json:"base_dn"`
	Filter     string            `json:"filter"`
	Scope      string            `json:"scope"`
	Members    string            `json:"members"` // of groups
	References map[string]string `json:"references"`
}

// source is a Source of one directory. It keeps nothing between calls; each
// makes its own connection.
type source struct {
	host, address string // "ldap.example.com", "ldap.example.com:636"
	tls           *tls.Config
	startTLS      bool
	credential    connector.Credential
	searches      []*search
	page          uint32
	incremental   string
	settings      string // digest of what is read
	patience      time.Duration
}

var _ connector.Source = (*source)(nil)

// search is what is read for one object type.
type search struct {
	typ        string
	block      string // its name in the configuration: "users"
	base       string
	scope      int
	filter     string
	references []reference // ascending by attribute
}

// reference is an attribute of an entry that names other entries by DN.
type reference struct {
	attribute string // of the edges
	own       string // the directory's name
}

var scopes = map[string]int{"sub": goldap.ScopeWholeSubtree, "one": goldap.ScopeSingleLevel}

// attributeDescription is RFC 4512 section 2.5.
var attributeDescription = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*|[0-9]+(\.[0-9]+)+)(;[A-Za-z0-9-]+)*$`)

// Open makes the source of an ldap block. The error says what is wrong with the
// block or credential; no connection is made.
func Open(options connector.Options) (connector.Source, error) {
	var declared connection
	if err := options.Decode(&declared); err != nil {
		return nil, misdeclared("%v", err)
	}
	s := &source{credential: options.Credential, startTLS: declared.StartTLS, incremental: declared.Incremental, patience: time.Minute}
	if err := s.setAddress(declared); err != nil {
		return nil, err
	}
	if err := s.setSearches(declared); err != nil {
		return nil, err
	}
	if declared.PageSize < 1 || declared.PageSize > maxPage {
		return nil, misdeclared("page_size is %d; it is from 1 to %d", declared.PageSize, maxPage)
	}
	s.page = uint32(declared.PageSize)
	switch s.incremental {
	case incrementalAuto, incrementalSyncrepl, incrementalTimestamp, incrementalFull:
	default:
		return nil, misdeclared("incremental is %q; it is one of auto, syncrepl, modify_timestamp, full", s.incremental)
	}
	return s, nil
}

// setAddress checks where to connect to, and that a password does not travel
// in clear text.
func (s *source) setAddress(declared connection) error {
	at, err := url.Parse(declared.URL)
	port := map[string]string{"ldap": "389", "ldaps": "636"}
	switch {
	case declared.URL == "":
		return misdeclared("url is missing; it looks like ldaps://ldap.example.com")
	case err != nil:
		return misdeclared("url is no URL; it looks like ldaps://ldap.example.com")
	case port[at.Scheme] == "" || at.Hostname() == "":
		return misdeclared("url has to begin with ldaps:// or ldap:// and a host name")
	case at.User != nil:
		return misdeclared("url holds a user name or password; put them into a provisioning_credential")
	case strings.Trim(at.Path, "/") != "" || at.RawQuery != "" || at.Fragment != "":
		return misdeclared("url holds more than host and port; say what to read in users and groups")
	case at.Scheme == "ldaps" && declared.StartTLS:
		return misdeclared("start_tls is for ldap://; with ldaps:// everything is encrypted from the start")
	}
	switch s.credential.Kind {
	case "":
	case "basic":
		if at.Scheme == "ldap" && !declared.StartTLS && !network.IsLoopback(at.Hostname()) {
			return misdeclared("over ldap:// the password could be read on its way to %s; set start_tls = true, or begin url with ldaps://", at.Hostname())
		}
	default:
		return misdeclared("the credential is %s; a directory takes basic (the bind DN as username, and its password), or none", s.credential.Kind)
	}
	s.host, s.address = at.Hostname(), net.JoinHostPort(at.Hostname(), at.Port())
	if at.Port() == "" {
		s.address = net.JoinHostPort(at.Hostname(), port[at.Scheme])
	}
	if at.Scheme == "ldaps" || declared.StartTLS {
		if s.tls, err = network.NewTLS(declared.CACertificate); err != nil {
			return misdeclared("%v", err)
		}
		s.tls.ServerName = s.host
	} else if declared.CACertificate != "" {
		err = misdeclared("ca_certificate is of no use over ldap:// without start_tls = true")
	}
	return err
}

func (s *source) setSearches(declared connection) error {
	for _, part := range []struct {
		typ, block string
		*declaration
	}{
		{directory.User, "users", declared.Users},
		{directory.Group, "groups", declared.Groups},
	} {
		if part.declaration == nil {
			continue
		}
		d, err := newSearch(part.typ, part.block, *part.declaration)
		if err != nil {
			return err
		}
		s.searches = append(s.searches, d)
	}
	if len(s.searches) == 0 {
		return misdeclared("neither users nor groups are declared; at least one of them names what to read")
	}
	s.settings = digestOf(s.searches)
	return nil
}

func newSearch(typ, block string, declared declaration) (*search, error) {
	d := &search{typ: typ, block: block, base: declared.BaseDN, filter: declared.Filter}
	if d.base == "" {
		return nil, misdeclared("%s.base_dn is missing; it names the entry below which %s are read, like ou=people,dc=example,dc=org", block, block)
	}
	if _, err := NormalizeDN(d.base); err != nil {
		return nil, misdeclared("%s.base_dn %q is no distinguished name: %v", block, d.base, err)
	}
	if _, err := goldap.CompileFilter(d.filter); err != nil {
		return nil, misdeclared("%s.filter %q is no filter as of RFC 4515: %v", block, d.filter, err)
	}
	var known bool
	if d.scope, known = scopes[declared.Scope]; !known {
		return nil, misdeclared("%s.scope is %q; it is sub or one", block, declared.Scope)
	}
	references := maps.Clone(declared.References)
	if typ == directory.Group {
		if references == nil {
			references = make(map[string]string)
		}
		references[membersAttribute] = declared.Members
	} else if declared.Members != "" {
		return nil, misdeclared("%s.members is not known; only groups have members", block)
	}
	for _, attribute := range slices.Sorted(maps.Keys(references)) {
		own := references[attribute]
		if attribute == "" || !attributeDescription.MatchString(own) {
			return nil, misdeclared("a reference %q to the attribute %q is declared; both are names, like manager", attribute, own)
		}
		d.references = append(d.references, reference{attribute, own})
	}
	return d, nil
}

// digestOf gives the digest of what is read.
func digestOf(searches []*search) string {
	var out strings.Builder
	for _, d := range searches {
		fmt.Fprintf(&out, "%q %q %d %q %q\n", d.typ, d.base, d.scope, d.filter, d.references)
	}
	return digest(out.String())
}

// wanted gives the searches of the types that are asked for.
func (s *source) wanted(types []string) []*search {
	var searches []*search
	for _, d := range s.searches {
		if slices.Contains(types, d.typ) {
			searches = append(searches, d)
		}
	}
	return searches
}

// request makes the request of a search, narrowed by a filter, "" for none.
func (d *search) request(narrow string, attributes []string) *goldap.SearchRequest {
	filter := d.filter
	if narrow != "" {
		filter = "(&" + d.filter + narrow + ")"
	}
	return goldap.NewSearchRequest(d.base, d.scope, goldap.NeverDerefAliases, 0, 0, false, filter, attributes, nil)
}
