package config

import (
	"strings"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Assignment assigns one user or group of the source to an app.
type Assignment struct {
	ID    string `json:"id"`
	AppID string `json:"app_id"`
	// Exactly one of these: id, user name, mail or display name, as written.
	User  string `json:"user,omitempty"`
	Group string `json:"group,omitempty"`
	Role  string `json:"role,omitempty"`
	// Object is whom the text meant when the assignment was created; the agent
	// sets it, and a renamed object stays assigned.
	Object directory.Key `json:"object,omitzero"`
	// CreatedAt orders roles; the agent sets it.
	CreatedAt time.Time `json:"created_at,omitzero"`
}

// Identity of the assignment: "group/Engineering" or "group/Engineering/admin".
// A slash within a part is written %2F, a percent sign %25.
func (a *Assignment) Identity() Identity {
	parts := []string{"user", a.User}
	if a.User == "" {
		parts = []string{"group", a.Group}
	}
	if a.Role != "" {
		parts = append(parts, a.Role)
	}
	for i, part := range parts {
		parts[i] = slashes.Replace(part)
	}
	return Identity{KindAssignment, a.AppID, strings.Join(parts, "/")}
}

var slashes = strings.NewReplacer("%", "%25", "/", "%2F")

// GetID gives the id.
func (a *Assignment) GetID() string { return a.ID }

// SetID sets the id.
func (a *Assignment) SetID(id string) { a.ID = id }

// Revision of the assignment.
func (a *Assignment) Revision() string {
	name := a.Identity().Name
	return revision("assignment "+name, name)
}
