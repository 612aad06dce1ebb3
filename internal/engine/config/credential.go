package config

// Credential is what the engine authenticates with. It holds no secret:
// secrets travel beside it in Secrets and are sealed apart.
type Credential struct {
	ID     string           `json:"id"`
	Name   string           `json:"name"`
	Method string           `json:"method"` // "bearer", "basic", …: the block in HCL
	Fields map[string]Field `json:"fields"`
}

// Field is one part of a credential: a plain value, a reference to a secret,
// or a secret that is given write-only, of which only the version stands here.
type Field struct {
	Value     string `json:"value,omitempty"`
	Reference string `json:"reference,omitempty"`
	Version   *int64 `json:"version,omitempty"`
}

// Secrets are write-only values by field. They are in requests alone.
type Secrets map[string]string

// Methods of credentials, and the fields of each: true for secret ones.
var credentialFields = map[string]map[string]bool{
	"bearer": {"token": true},
	"basic":  {"username": false, "password": true},
}

// Identity of the credential.
func (c *Credential) Identity() Identity { return Identity{Kind: KindCredential, Name: c.Name} }

// GetID gives the id.
func (c *Credential) GetID() string { return c.ID }

// SetID sets the id.
func (c *Credential) SetID(id string) { c.ID = id }

// Revision of a credential is empty: a new secret is no new configuration.
func (c *Credential) Revision() string { return "" }
