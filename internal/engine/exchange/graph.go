package exchange

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

// The synchronizationSchema of Microsoft Graph v1.0, as far as this package
// writes and reads it. Fields are named as there. What a document holds beside
// them is kept by name in unknown.

type graphSchema struct {
	ID                   string           `json:"id,omitempty"`
	Version              string           `json:"version,omitempty"`
	ProvisioningTask     string           `json:"provisioningTaskIdentifier,omitempty"`
	Directories          []graphDirectory `json:"directories"`
	SynchronizationRules []graphRule      `json:"synchronizationRules"`
	unknown              []string
}

// graphDirectory is written alone: which attributes a system has, the system
// itself tells.
type graphDirectory struct {
	Name    string        `json:"name"`
	Objects []graphObject `json:"objects"`
}

type graphObject struct {
	Name       string            `json:"name"`
	Attributes []graphDefinition `json:"attributes"`
}

type graphDefinition struct {
	Name              string           `json:"name"`
	Type              string           `json:"type"`
	Anchor            bool             `json:"anchor"`
	CaseExact         bool             `json:"caseExact"`
	MultiValued       bool             `json:"multivalued"`
	Mutability        string           `json:"mutability"`
	Required          bool             `json:"required"`
	DefaultValue      *string          `json:"defaultValue"`
	ReferencedObjects []graphReference `json:"referencedObjects"`
	Metadata          []graphPair      `json:"metadata"`
}

type graphReference struct {
	Object   string `json:"referencedObjectName"`
	Property string `json:"referencedProperty,omitempty"`
}

type graphRule struct {
	ID              string               `json:"id,omitempty"`
	Name            string               `json:"name"`
	Priority        int64                `json:"priority"`
	Editable        *bool                `json:"editable,omitempty"`
	SourceDirectory string               `json:"sourceDirectoryName"`
	TargetDirectory string               `json:"targetDirectoryName"`
	ObjectMappings  []graphObjectMapping `json:"objectMappings"`
	Metadata        []graphPair          `json:"metadata,omitempty"`
	unknown         []string
}

type graphObjectMapping struct {
	Name       string                  `json:"name"`
	Enabled    *bool                   `json:"enabled"`   // nil: true
	FlowTypes  *string                 `json:"flowTypes"` // nil: all
	Source     string                  `json:"sourceObjectName"`
	Target     string                  `json:"targetObjectName"`
	Scope      *graphFilter            `json:"scope"`
	Attributes []graphAttributeMapping `json:"attributeMappings"`
	Metadata   []graphPair             `json:"metadata,omitempty"`
	unknown    []string
}

type graphAttributeMapping struct {
	Target                  string       `json:"targetAttributeName"`
	DefaultValue            *string      `json:"defaultValue"`
	ExportMissingReferences bool         `json:"exportMissingReferences"`
	FlowBehavior            string       `json:"flowBehavior,omitempty"`
	FlowType                string       `json:"flowType,omitempty"`
	FlowNullValues          bool         `json:"flowNullValues,omitempty"`
	MatchingPriority        int64        `json:"matchingPriority"`
	Source                  *graphSource `json:"source"`
	// WhenNull is an instance annotation (OData JSON Format 4.01 section 20):
	// Graph has no word for it.
	WhenNull string `json:"@provisioning.whenNull,omitempty"`
	unknown  []string
}

type graphSource struct {
	Expression string           `json:"expression"`
	Name       string           `json:"name"`
	Type       string           `json:"type"` // Attribute, Constant, Function
	Parameters []graphParameter `json:"parameters"`
}

type graphParameter struct {
	Key   string       `json:"key"`
	Value *graphSource `json:"value"`
}

type graphFilter struct {
	Groups   []graphGroup `json:"groups"`
	Category []graphGroup `json:"categoryFilterGroups"`
	Input    []graphGroup `json:"inputFilterGroups"`
	unknown  []string
}

type graphGroup struct {
	Name    string        `json:"name"`
	Clauses []graphClause `json:"clauses"`
	unknown []string
}

type graphClause struct {
	Attribute string        `json:"sourceOperandName"`
	Operator  string        `json:"operatorName"`
	Operand   *graphOperand `json:"targetOperand"`
	unknown   []string
}

type graphOperand struct {
	Values []string `json:"values"`
}

type graphPair struct {
	Key   string `json:"key"`
	Value any    `json:"value"`
}

// decode reads an object, and gives the names of what it holds beside the
// fields. Null, false, zero and what is empty say nothing; names with an @ are
// annotations.
func decode[T any](data []byte, into *T) (unknown []string, err error) {
	if err := json.Unmarshal(data, into); err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, err
	}
	known := reflect.TypeFor[T]()
	for i := range known.NumField() {
		name, _, _ := strings.Cut(known.Field(i).Tag.Get("json"), ",")
		delete(members, name)
	}
	for name, value := range members {
		switch string(value) {
		case "null", "false", "0", `""`, "[]", "{}":
			continue
		}
		if !strings.Contains(name, "@") {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return unknown, nil
}

func (s *graphSchema) UnmarshalJSON(data []byte) (err error) {
	type plain graphSchema
	s.unknown, err = decode(data, (*plain)(s))
	return err
}

func (d *graphDirectory) UnmarshalJSON([]byte) error { return nil } // the systems tell of themselves

func (r *graphRule) UnmarshalJSON(data []byte) (err error) {
	type plain graphRule
	r.unknown, err = decode(data, (*plain)(r))
	return err
}

func (m *graphObjectMapping) UnmarshalJSON(data []byte) (err error) {
	type plain graphObjectMapping
	m.unknown, err = decode(data, (*plain)(m))
	return err
}

func (m *graphAttributeMapping) UnmarshalJSON(data []byte) (err error) {
	type plain graphAttributeMapping
	m.unknown, err = decode(data, (*plain)(m))
	return err
}

func (f *graphFilter) UnmarshalJSON(data []byte) (err error) {
	type plain graphFilter
	f.unknown, err = decode(data, (*plain)(f))
	return err
}

func (g *graphGroup) UnmarshalJSON(data []byte) (err error) {
	type plain graphGroup
	g.unknown, err = decode(data, (*plain)(g))
	return err
}

func (c *graphClause) UnmarshalJSON(data []byte) (err error) {
	type plain graphClause
	c.unknown, err = decode(data, (*plain)(c))
	return err
}
