package config

import (
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
)

// Mapping is the attribute mapping of one object type of one app.
type Mapping struct {
	ID         string                       `json:"id"`
	AppID      string                       `json:"app_id"`
	ObjectType string                       `json:"object_type"`
	Enabled    *bool                        `json:"enabled,omitempty"` // nil: true
	Actions    []mapping.Action             `json:"actions"`           // nil: all
	Attributes map[string]mapping.Attribute `json:"attributes"`
}

// Identity of the mapping: one an object type.
func (m *Mapping) Identity() Identity { return Identity{KindMapping, m.AppID, m.ObjectType} }

// GetID gives the id.
func (m *Mapping) GetID() string { return m.ID }

// SetID sets the id.
func (m *Mapping) SetID(id string) { m.ID = id }

// Definition gives what package mapping compiles.
func (m *Mapping) Definition() mapping.Definition {
	return mapping.Definition{
		ObjectType: m.ObjectType, Enabled: m.Enabled == nil || *m.Enabled, Actions: m.Actions, Attributes: m.Attributes,
	}
}

// Revision of the mapping.
func (m *Mapping) Revision() string {
	definition := m.Definition()
	if definition.Actions == nil {
		definition.Actions = []mapping.Action{mapping.ActionCreate, mapping.ActionUpdate, mapping.ActionDelete}
	}
	definition.Actions = sorted(definition.Actions)
	attributes := make(map[string]mapping.Attribute, len(definition.Attributes))
	for path, a := range definition.Attributes {
		if a.Apply == "" {
			a.Apply = mapping.ApplyAlways
		}
		if a.WhenNull == "" {
			a.WhenNull = mapping.ClearOwn
		}
		attributes[path] = a
	}
	definition.Attributes = attributes
	return revision(m.ObjectType+" mapping", definition)
}
