package directory

// Schema is what a source or target says of its object types.
type Schema struct {
	Types []ObjectType `json:"types"`
}

// Type gives the object type of that name.
func (s Schema) Type(name string) (ObjectType, bool) {
	for _, t := range s.Types {
		if t.Name == name {
			return t, true
		}
	}
	return ObjectType{}, false
}

// ObjectType is one kind of object and its attributes.
type ObjectType struct {
	Name       string       `json:"name"`
	Attributes []Definition `json:"attributes"`
}

// Attribute gives the definition under that name.
func (t ObjectType) Attribute(name string) (Definition, bool) {
	for _, d := range t.Attributes {
		if d.Name == name {
			return d, true
		}
	}
	return Definition{}, false
}

// DataType is the type of an attribute's values.
type DataType string

// The data types.
const (
	TypeString    DataType = "string"
	TypeInteger   DataType = "integer"
	TypeBoolean   DataType = "boolean"
	TypeDateTime  DataType = "dateTime"
	TypeBinary    DataType = "binary"
	TypeReference DataType = "reference"
	TypeComplex   DataType = "complex"
)

// Mutability tells when an attribute may be written (RFC 7643 section 7).
type Mutability string

// The mutabilities.
const (
	ReadWrite Mutability = "readWrite"
	ReadOnly  Mutability = "readOnly"
	Immutable Mutability = "immutable"
	WriteOnly Mutability = "writeOnly"
)

// Definition describes one attribute. Name is a path's text for a target:
// extension attributes carry their URN, sub-attributes stand in Sub.
type Definition struct {
	Name        string       `json:"name"`
	Type        DataType     `json:"type"`
	MultiValued bool         `json:"multi_valued,omitempty"`
	Required    bool         `json:"required,omitempty"`
	CaseExact   bool         `json:"case_exact,omitempty"`
	Unique      bool         `json:"unique,omitempty"`
	Mutability  Mutability   `json:"mutability,omitempty"`
	References  []string     `json:"references,omitempty"`
	Sub         []Definition `json:"sub,omitempty"`
	// AliasOf is the source's own name of an attribute that mappings and filters
	// know by another.
	AliasOf string `json:"alias_of,omitempty"`
}
