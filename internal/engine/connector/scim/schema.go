package scim

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// catalog is what is known of resource types and their attributes.
type catalog struct {
	types  []resourceType
	schema directory.Schema
	index  map[string]directory.Definition // by type, and path of the attribute or sub-attribute, folded
}

type resourceType struct {
	name       string
	endpoint   string
	schema     string
	extensions []string
}

// wireAttribute is an attribute as /Schemas tells it (RFC 7643 section 7).
type wireAttribute struct {
	Name           string          `json:"name"`
	Type           string          `json:"type"`
	MultiValued    bool            `json:"multiValued"`
	Required       bool            `json:"required"`
	CaseExact      bool            `json:"caseExact"`
	Mutability     string          `json:"mutability"`
	Returned       string          `json:"returned"`
	Uniqueness     string          `json:"uniqueness"`
	ReferenceTypes []string        `json:"referenceTypes"`
	SubAttributes  []wireAttribute `json:"subAttributes"`
}

type wireSchema struct {
	ID         string          `json:"id"`
	Attributes []wireAttribute `json:"attributes"`
}

const (
	schemaUser       = "urn:ietf:params:scim:schemas:core:2.0:User"
	schemaGroup      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	schemaEnterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
)

//go:embed rfc7643.json
var standardSchemas []byte

var standardTypes = []resourceType{
	{name: directory.User, endpoint: "Users", schema: schemaUser, extensions: []string{schemaEnterprise}},
	{name: directory.Group, endpoint: "Groups", schema: schemaGroup},
}

// standard is the catalog of RFC 7643, for servers that tell nothing.
var standard = func() *catalog {
	var schemas []wireSchema
	if err := json.Unmarshal(standardSchemas, &schemas); err != nil {
		panic("scim: rfc7643.json: " + err.Error())
	}
	return newCatalog(standardTypes, schemas)
}()

// newCatalog puts types and schemas together. What the schemas do not describe
// of the core types is taken from the standard by its users: a definition that
// is missing is no statement that the attribute is.
func newCatalog(types []resourceType, schemas []wireSchema) *catalog {
	c := &catalog{types: types, index: map[string]directory.Definition{}}
	byID := map[string]wireSchema{}
	for _, s := range schemas {
		byID[strings.ToLower(s.ID)] = s
	}
	for _, t := range types {
		object := directory.ObjectType{Name: t.name}
		for _, a := range byID[strings.ToLower(t.schema)].Attributes {
			object.Attributes = append(object.Attributes, convert("", a))
		}
		for _, urn := range t.extensions {
			for _, a := range byID[strings.ToLower(urn)].Attributes {
				object.Attributes = append(object.Attributes, convert(urn+":", a))
			}
		}
		if len(object.Attributes) > 0 && !slices.ContainsFunc(object.Attributes, isExternalID) {
			object.Attributes = append(object.Attributes, convert("", wireAttribute{Name: "externalId", Type: "string", CaseExact: true}))
		}
		c.describe(object)
		c.schema.Types = append(c.schema.Types, object)
	}
	return c
}

// isExternalID knows the attribute that all resources have in common and most
// servers leave out of /Schemas (RFC 7643 section 3.1).
func isExternalID(d directory.Definition) bool { return strings.EqualFold(d.Name, "externalId") }

// describe puts the attributes of a type into the index.
func (c *catalog) describe(object directory.ObjectType) {
	for _, d := range object.Attributes {
		key := indexKey(object.Name, d.Name)
		c.index[key] = d
		for _, sub := range d.Sub {
			c.index[key+"."+strings.ToLower(sub.Name)] = sub
		}
	}
}

func indexKey(typ, name string) string { return typ + "\x00" + strings.ToLower(name) }

func convert(prefix string, a wireAttribute) directory.Definition {
	d := directory.Definition{
		Name: prefix + a.Name, Type: directory.DataType(a.Type), MultiValued: a.MultiValued, Required: a.Required,
		CaseExact: a.CaseExact, Unique: a.Uniqueness == "server" || a.Uniqueness == "global",
		Mutability: directory.Mutability(a.Mutability), References: a.ReferenceTypes,
	}
	switch d.Type {
	case directory.TypeString, directory.TypeInteger, directory.TypeBoolean, directory.TypeDateTime, directory.TypeBinary,
		directory.TypeComplex:
	case directory.TypeReference:
		if !slices.ContainsFunc(a.ReferenceTypes, isResource) {
			d.Type, d.References = directory.TypeString, nil // an address, not another account
		}
	default:
		d.Type = directory.TypeString
	}
	if d.Mutability == "" {
		d.Mutability = directory.ReadWrite
	}
	if d.Mutability == directory.ReadWrite && (a.Returned == "never" || a.Returned == "request") {
		d.Mutability = directory.WriteOnly // what no answer shows cannot be compared
	}
	for _, sub := range a.SubAttributes {
		if len(sub.SubAttributes) > 0 {
			continue // RFC 7643 section 2.3.8: complex attributes do not nest
		}
		definition := convert("", sub)
		d.Sub = append(d.Sub, definition)
		if sub.Name == "$ref" && definition.Type == directory.TypeReference {
			d.Type, d.References = directory.TypeReference, sub.ReferenceTypes
		}
	}
	return d
}

func isResource(name string) bool {
	return !strings.EqualFold(name, "external") && !strings.EqualFold(name, "uri")
}

// definition tells what is known of a path: by the server, else by the
// standard, else nothing but its name.
func (c *catalog) definition(typ string, path directory.Path) directory.Definition {
	name := path.Name()
	if !isCore(path.URN()) {
		name = path.URN() + ":" + path.Name()
	}
	key := indexKey(typ, name)
	if path.Sub() != "" {
		key += "." + strings.ToLower(path.Sub())
	}
	if d, ok := c.index[key]; ok {
		return d
	}
	if d, ok := standard.index[key]; ok {
		return d
	}
	return directory.Definition{Name: path.String()}
}

// typeOf gives the resource type of a name.
func (c *catalog) typeOf(name string) (resourceType, error) {
	for _, types := range [...][]resourceType{c.types, standardTypes} {
		for i := range types {
			if types[i].name == name {
				return types[i], nil
			}
		}
	}
	var known []string
	for _, t := range c.types {
		known = append(known, t.name)
	}
	return resourceType{}, rejected(codeNotOffered, fmt.Sprintf("the app has no object type %s; it has %s", name, strings.Join(known, ", ")), nil)
}

// names gives the object types' names.
func (c *catalog) names() []string {
	names := make([]string, len(c.types))
	for i, t := range c.types {
		names[i] = t.name
	}
	return names
}

// schemasFor gives the URNs that a resource's schemas attribute has to hold:
// those that it holds, or that of its type, and those of the extensions that it
// has attributes of.
func (t resourceType) schemasFor(r resource) []string {
	var list []string
	_, held, _ := r.Lookup("schemas")
	for element := range held.Elements() {
		if urn, ok := element.AsText(); ok {
			list = append(list, urn)
		}
	}
	if len(list) == 0 {
		core := t.schema
		if core == "" {
			core = "urn:ietf:params:scim:schemas:core:2.0:" + t.name
		}
		list = append(list, core)
	}
	for name := range r.Members() {
		if hasPrefixFold(name, "urn:") && !slices.ContainsFunc(list, func(urn string) bool { return strings.EqualFold(urn, name) }) {
			list = append(list, name)
		}
	}
	return list
}
