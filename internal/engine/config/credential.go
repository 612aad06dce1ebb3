package config

import (
	"crypto/x509"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/network"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/secret"
)

// Credential is what the engine authenticates with. It holds no secret:
// secrets travel beside it in Secrets and are sealed apart.
type Credential struct {
	ID     string           `json:"id"`
	Name   string           `json:"name"`
	Method string           `json:"method"` // "bearer", "basic", …: the block in HCL
	Fields map[string]Field `json:"fields"`
}

// Field is one part of a credential: a plain value, list or map, a reference to
// a secret, or a secret that is given write-only, of which only the version
// stands here.
type Field struct {
	Value      string            `json:"value,omitempty"`
	Values     []string          `json:"values,omitempty"`
	Parameters map[string]string `json:"parameters,omitempty"`
	Reference  string            `json:"reference,omitempty"`
	Version    *int64            `json:"version,omitempty"`
}

// Secrets are write-only values by field. They are in requests alone.
type Secrets map[string]string

// The methods of credentials.
const (
	Bearer                  = "bearer"
	Basic                   = "basic"
	OAuth2ClientCredentials = "oauth2_client_credentials"
)

// fieldKind says what a field of a method is.
type fieldKind uint8

const (
	required fieldKind = iota // a plain value
	optional
	secretly
)

// credentialFields are the methods, and the fields of each.
var credentialFields = map[string]map[string]fieldKind{
	Bearer: {"token": secretly},
	Basic:  {"username": required, "password": secretly},
	OAuth2ClientCredentials: {
		"token_url": required, "client_id": required, "client_secret": secretly,
		"scopes": optional, "endpoint_params": optional, "auth_style": optional, "ca_certificate": optional,
	},
}

// AuthStyles are how a client shows its secret to a token endpoint (RFC 6749
// section 2.3.1).
var AuthStyles = []string{"header", "body"}

// Identity of the credential.
func (c *Credential) Identity() Identity { return Identity{Kind: KindCredential, Name: c.Name} }

// GetID gives the id.
func (c *Credential) GetID() string { return c.ID }

// SetID sets the id.
func (c *Credential) SetID(id string) { c.ID = id }

// Revision of a credential is empty: a new secret is no new configuration.
func (c *Credential) Revision() string { return "" }

// SecretFields gives the fields of a credential method that are secret.
func SecretFields(method string) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(credentialFields[method])) {
		if credentialFields[method][name] == secretly {
			names = append(names, name)
		}
	}
	return names
}

// Validate checks the credential; whether secrets are there is the caller's.
func (c *Credential) Validate() Problems {
	var problems Problems
	problems.name("name", c.Name)
	fields, ok := credentialFields[c.Method]
	if !ok {
		problems.add(nil, "No credential", "Give exactly one of: %s.", strings.Join(slices.Sorted(maps.Keys(credentialFields)), ", "))
		return problems
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		switch field := c.Fields[name]; fields[name] {
		case required:
			if field.Value == "" {
				problems.add([]string{c.Method, name}, "Missing "+name, "A %s credential needs a %s.", c.Method, name)
			}
		case secretly:
			field.validateSecret(&problems, c.Method, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
		if _, known := fields[name]; !known {
			problems.add([]string{c.Method, name}, "Unknown field", "A %s credential has no %s.", c.Method, name)
		}
	}
	if c.Method == OAuth2ClientCredentials {
		c.validateOAuth2(&problems)
	}
	return problems
}

func (f Field) validateSecret(problems *Problems, method, name string) {
	path := []string{method, name}
	switch {
	case f.Value != "":
		problems.add(path, "Secret in the open", "Give either %s_wo with %s_wo_version, or %s_ref.", name, name, name)
	case f.Reference == "" && f.Version == nil:
		problems.add(path, "Missing secret", "Give either %s_wo with %s_wo_version, or %s_ref.", name, name, name)
	case f.Reference != "" && f.Version != nil:
		problems.add(path, "Two secrets", "Give either %s_wo with %s_wo_version, or %s_ref, not both.", name, name, name)
	case f.Reference != "":
		if _, err := secret.ParseReference(f.Reference); err != nil {
			problems.add([]string{method, name + "_ref"}, "Not a reference to a secret", "%v.", err)
		}
	}
}

// validateOAuth2 checks what a token is asked for with (RFC 6749 sections 3.2,
// 3.3 and 4.4.2).
func (c *Credential) validateOAuth2(problems *Problems) {
	path := func(steps ...string) []string { return append([]string{c.Method}, steps...) }
	if text := c.Fields["token_url"].Value; text != "" {
		problems.address(path("token_url"), text, "https://login.example.com/oauth2/token",
			"Leave user and password out of token_url and use client_id with client_secret_wo or client_secret_ref.")
	}
	for _, scope := range c.Fields["scopes"].Values {
		if scope == "" || strings.ContainsFunc(scope, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
			problems.add(path("scopes"), "Not a scope", "%q is no scope; write each scope as an element of its own, without blanks.", scope)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Fields["endpoint_params"].Parameters)) {
		switch name {
		case "":
			problems.add(path("endpoint_params"), "Parameter without a name", "Give each parameter its name.")
		case "grant_type", "scope", "client_id", "client_secret", "client_assertion", "client_assertion_type", "username", "password":
			problems.add(path("endpoint_params", name), "Reserved parameter",
				"Leave out %s: client, secret and scopes have attributes of their own, and the grant is client_credentials.", name)
		}
	}
	if style := c.Fields["auth_style"].Value; style != "" && !slices.Contains(AuthStyles, style) {
		problems.add(path("auth_style"), "Unknown style", "%q is not known; use %s, or leave it out to have it found out.", style, strings.Join(AuthStyles, " or "))
	}
	problems.certificate(path("ca_certificate"), c.Fields["ca_certificate"].Value)
}

// address checks the address of a system, to which secrets are sent. The text is
// not repeated: it may hold a password.
func (p *Problems) address(path []string, text, example, withoutUser string) {
	address, err := url.Parse(text)
	switch {
	case err != nil || address.Hostname() == "" || address.Scheme != "https" && address.Scheme != "http":
		p.add(path, "Not an address", "Give an https address, such as %s.", example)
	case address.User != nil:
		p.add(path, "Secret in the address", "%s", withoutUser)
	case address.Scheme == "http" && !network.IsLoopback(address.Hostname()):
		p.add(path, "Not encrypted", "Over http the credential would go to %s in the clear; use https.", address.Host)
	case address.Fragment != "":
		p.add(path, "Fragment in the address", "Leave out what follows the #.")
	}
}

// certificate checks the certificates of authorities; none are empty.
func (p *Problems) certificate(path []string, pem string) {
	if pem != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(pem)) {
		p.add(path, "Not a certificate", "Give certificates in PEM, from -----BEGIN CERTIFICATE----- on.")
	}
}
