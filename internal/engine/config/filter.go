package config

import (
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

// Filter is one scoping filter of one app and object type.
type Filter struct {
	ID         string           `json:"id"`
	AppID      string           `json:"app_id"`
	ObjectType string           `json:"object_type"`
	Name       string           `json:"name"`
	Clauses    []scoping.Clause `json:"clauses"`
}

// Identity of the filter.
func (f *Filter) Identity() Identity {
	return Identity{KindFilter, f.AppID, f.ObjectType + "/" + f.Name}
}

// GetID gives the id.
func (f *Filter) GetID() string { return f.ID }

// SetID sets the id.
func (f *Filter) SetID(id string) { f.ID = id }

// Revision of the filter.
func (f *Filter) Revision() string {
	content := *f
	content.ID, content.AppID = "", ""
	return revision(f.ObjectType+" filter "+f.Name, content)
}
