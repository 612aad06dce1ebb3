package config

import (
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
)

// Source is where identities are read from.
type Source struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	CredentialID string `json:"credential_id,omitempty"`
	// Exactly one of these.
	File *FileSource `json:"file,omitempty"`
	// Attributes are names that mappings and filters may use beside the
	// source's own: name to own name.
	Attributes map[string]string `json:"attributes,omitempty"`
}

// FileSource reads users and groups from files.
type FileSource struct {
	Users  *FileSet `json:"users,omitempty"`
	Groups *FileSet `json:"groups,omitempty"`
}

// FileSet is one file of objects of one type.
type FileSet struct {
	Path       string            `json:"path"`
	Format     string            `json:"format,omitempty"` // csv, json, jsonl; empty: by the ending
	IDColumn   string            `json:"id"`
	Members    string            `json:"members,omitempty"`    // column of the members' ids
	References map[string]string `json:"references,omitempty"` // attribute to column of ids
}

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
	return revision("source "+s.Name, content)
}

// Connector gives the name of the connector and its block.
func (s *Source) Connector() (kind string, connection any) {
	if s.File != nil {
		return "file", s.File
	}
	return "", nil
}

// References gives the attributes of an object type that refer to other
// objects.
func (s *Source) References(objectType string) []string {
	if s.File == nil {
		return nil
	}
	set := s.File.Users
	if objectType == directory.Group {
		set = s.File.Groups
	}
	if set == nil {
		return nil
	}
	var names []string
	for name := range set.References {
		names = append(names, name)
	}
	if set.Members != "" {
		names = append(names, "members")
	}
	slices.Sort(names)
	return names
}

// MappingSource gives what mappings and filters of an object type may refer
// to.
func (s *Source) MappingSource(objectType string) mapping.Source {
	return mapping.Source{Aliases: s.Attributes, References: s.References(objectType)}
}
