package scim

import (
	"encoding/json"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

var _ connector.Learner = (*target)(nil)

// memory is what outlives a connection: what was learned, and of the discovery
// what a schema does not tell.
type memory struct {
	Types             []rememberedType `json:"types,omitempty"`
	MembersPerRequest int              `json:"members_per_request,omitempty"`
	Put               bool             `json:"put,omitempty"`
	Active            activeForm       `json:"active,omitempty"`
	Extension         extensionForm    `json:"extension,omitempty"`
	Removal           MemberRemoval    `json:"removal,omitempty"`
	ExcludedForms     []MemberRemoval  `json:"excluded_forms,omitempty"`
	Filters           []string         `json:"filters,omitempty"` // those that are trusted, ascending
}

type rememberedType struct {
	Name       string   `json:"name"`
	Endpoint   string   `json:"endpoint"`
	Schema     string   `json:"schema,omitempty"`
	Extensions []string `json:"extensions,omitempty"`
}

// Learned implements connector.Learner. That a filter cannot be trusted is not
// in it: it is tried again.
func (t *target) Learned() json.RawMessage {
	m := t.learned.memory()
	if c := t.known(); c != standard {
		for _, r := range c.types {
			m.Types = append(m.Types, rememberedType{r.name, r.endpoint, r.schema, r.extensions})
		}
	}
	encoded, err := marshal(m)
	if err != nil {
		return nil
	}
	return encoded
}

// Recall implements connector.Learner.
func (t *target) Recall(learned json.RawMessage, schema directory.Schema) {
	var m memory
	if len(learned) == 0 || json.Unmarshal(learned, &m) != nil {
		return
	}
	t.learned.recall(m, t.now())
	if len(m.Types) == 0 {
		return
	}
	c := &catalog{schema: schema, index: map[string]directory.Definition{}}
	for _, r := range m.Types {
		if plainEndpoint.MatchString(r.Endpoint) {
			c.types = append(c.types, resourceType{name: r.Name, endpoint: strings.TrimPrefix(r.Endpoint, "/"), schema: r.Schema, extensions: r.Extensions})
		}
	}
	for _, object := range schema.Types {
		c.describe(object)
	}
	t.discovery.mu.Lock()
	defer t.discovery.mu.Unlock()
	t.discovery.learn(c)
}
