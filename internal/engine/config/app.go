package config

// App is a target application.
type App struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	SourceID string `json:"source_id"`
	Template string `json:"template"`
	// TemplateRevision is the one that the app was created with; the agent sets
	// it.
	TemplateRevision string `json:"template_revision,omitempty"`
	Mode             Mode   `json:"mode,omitempty"`  // empty: automatic
	Scope            Scope  `json:"scope,omitempty"` // empty: assigned
	// Exactly one of these.
	SCIM *SCIMConnection `json:"scim,omitempty"`

	CredentialID       string            `json:"credential_id,omitempty"`
	SkipTestConnection bool              `json:"skip_test_connection,omitempty"`
	Protected          []string          `json:"protected,omitempty"`
	Labels             map[string]string `json:"labels,omitempty"`
}

// SCIMConnection is where a SCIM 2.0 app is.
type SCIMConnection struct {
	BaseURL       string `json:"base_url"`
	CACertificate string `json:"ca_certificate,omitempty"`
}

// Mode says whether an app may have a job.
type Mode string

// The modes.
const (
	Automatic Mode = "automatic"
	Manual    Mode = "manual"
)

// Scope says who may be in scope of an app.
type Scope string

// The scopes.
const (
	ScopeAssigned Scope = "assigned"
	ScopeAll      Scope = "all"
)

// Identity of the app.
func (a *App) Identity() Identity { return Identity{Kind: KindApp, Name: a.Name} }

// GetID gives the id.
func (a *App) GetID() string { return a.ID }

// SetID sets the id.
func (a *App) SetID(id string) { a.ID = id }

// Revision of the app. Labels do not count: they change nothing that is done.
func (a *App) Revision() string {
	content := *a
	content.ID, content.SourceID, content.CredentialID, content.TemplateRevision = "", "", "", ""
	content.SkipTestConnection, content.Labels = false, nil
	if content.Mode == "" {
		content.Mode = Automatic
	}
	if content.Scope == "" {
		content.Scope = ScopeAssigned
	}
	content.Protected = sorted(a.Protected)
	return revision("app "+a.Name, content)
}

// Connector gives the name of the connector and its block.
func (a *App) Connector() (kind string, connection any) {
	if a.SCIM != nil {
		return "scim", a.SCIM
	}
	return "", nil
}
