package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/expression"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
)

// Source is where identities are read from.
type Source struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	CredentialID string `json:"credential_id,omitempty"`
	// Exactly one of these.
	File *FileSource `json:"file,omitempty"`
	LDAP *LDAPSource `json:"ldap,omitempty"`
	// Attributes are names that mappings and filters may use beside the
	// source's own: name to own name.
	Attributes map[string]string `json:"attributes,omitempty"`
	// DefaultDomain is what the function of that name gives in mappings.
	DefaultDomain string `json:"default_domain,omitempty"`
}

// connectorBlock is what a source says to its connector.
type connectorBlock interface {
	// references gives the attributes of an object type that refer to other
	// objects, ascending.
	references(objectType string) []string
	// aliases gives the names by which mappings know the connector's attributes
	// unless the source says otherwise. It is not to be changed.
	aliases(objectType string) map[string]string
	// validate adds what is wrong with the block; credential tells whether the
	// source has one.
	validate(problems *Problems, credential bool)
}

// membersAttribute is how mappings know the members of groups, whatever the
// source calls them.
const membersAttribute = "members"

// domain is the form of a domain's name: labels with dots between them.
var domain = regexp.MustCompile(`\A[\pL\pN-]+(\.[\pL\pN-]+)*\z`)

// Identity of the source.
func (s *Source) Identity() Identity { return Identity{Kind: KindSource, Name: s.Name} }

// GetID gives the id.
func (s *Source) GetID() string { return s.ID }

// SetID sets the id.
func (s *Source) SetID(id string) { s.ID = id }

// Revision of the source.
func (s *Source) Revision() string {
	content := *s
	content.ID, content.CredentialID = "", ""
	if len(content.Attributes) == 0 {
		content.Attributes = nil
	}
	if s.LDAP != nil {
		content.LDAP = s.LDAP.complete()
	}
	return revision("source "+s.Name, content)
}

// Connector gives the name of the connector and its block.
func (s *Source) Connector() (kind string, connection any) {
	switch {
	case s.File != nil:
		return "file", s.File
	case s.LDAP != nil:
		return "ldap", s.LDAP.complete()
	}
	return "", nil
}

// blocks gives the connector blocks that are given.
func (s *Source) blocks() []connectorBlock {
	var blocks []connectorBlock
	if s.File != nil {
		blocks = append(blocks, s.File)
	}
	if s.LDAP != nil {
		blocks = append(blocks, s.LDAP)
	}
	return blocks
}

// References gives the attributes of an object type that refer to other
// objects, ascending.
func (s *Source) References(objectType string) []string {
	var names []string
	for _, block := range s.blocks() {
		names = append(names, block.references(objectType)...)
	}
	return names
}

// Aliases gives the names under which mappings, filters and people know the
// attributes of an object type, each to the source's own name: those that are
// declared over the defaults of the connector.
func (s *Source) Aliases(objectType string) map[string]string {
	names := make(map[string]string)
	for _, block := range s.blocks() {
		maps.Copy(names, block.aliases(objectType))
	}
	maps.Copy(names, s.Attributes)
	return names
}

// MappingSource gives what mappings and filters of an object type may refer
// to.
func (s *Source) MappingSource(objectType string) mapping.Source {
	return mapping.Source{Aliases: s.Aliases(objectType), References: s.References(objectType), DefaultDomain: &s.DefaultDomain}
}

// Validate checks the source.
func (s *Source) Validate() Problems {
	var problems Problems
	problems.name("name", s.Name)
	blocks := s.blocks()
	if len(blocks) != 1 {
		problems.add(nil, "No connector, or several", "Give exactly one connector block: file or ldap.")
		return problems
	}
	blocks[0].validate(&problems, s.CredentialID != "")
	if s.DefaultDomain != "" && !domain.MatchString(s.DefaultDomain) {
		problems.add([]string{"default_domain"}, "Not a domain", "%q is no name of a domain; write it as in \"contoso.com\".", s.DefaultDomain)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Attributes)) {
		own := s.Attributes[name]
		path := []string{"attributes", name}
		switch {
		case name == "" || strings.ContainsAny(name, "[]"):
			problems.add(path, "Not an attribute name", "%q cannot be used in a mapping; write it without brackets.", name)
		case slices.Contains(mapping.Computed, name):
			problems.add(path, "Reserved name", "%s is computed for every object and cannot be given.", name)
		case own == "":
			problems.add(path, "Missing attribute", "Say which attribute of the source %s stands for.", name)
		}
	}
	return problems
}

// ObjectTypes gives the types of the objects that the source may have: users,
// groups, and others by name.
func (s *Source) ObjectTypes() []string {
	types := []string{directory.User, directory.Group}
	if s.File != nil {
		types = append(types, slices.Sorted(maps.Keys(s.File.Objects))...)
	}
	return types
}

// CheckObjectType reports a mapping or filter of objects that the source does
// not have: nothing would ever come of it.
func (s *Source) CheckObjectType(objectType string) Problems {
	types := s.ObjectTypes()
	if slices.Contains(types, objectType) {
		return nil
	}
	var problems Problems
	detail := fmt.Sprintf("Source %q has no objects of type %q; it has %s.", s.Name, objectType, strings.Join(types, ", "))
	if nearest, ok := expression.Nearest(strings.TrimSuffix(objectType, "s"), types); ok {
		detail += fmt.Sprintf(" Did you mean %q?", nearest)
	}
	problems.add([]string{"object_type"}, "Unknown object type", "%s", detail)
	return problems
}
