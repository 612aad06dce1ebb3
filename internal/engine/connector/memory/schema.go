package memory

import (
	"fmt"
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// enterprise is the URN of RFC 7643 section 4.3.
const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// DefaultSchema gives users and groups with a choice of the attributes of
// RFC 7643. The caller may change it.
func DefaultSchema() directory.Schema {
	text := func(name string) directory.Definition {
		return directory.Definition{Name: name, Type: directory.TypeString, Mutability: directory.ReadWrite}
	}
	required := func(d directory.Definition) directory.Definition {
		d.Required, d.Unique = true, true
		return d
	}
	exact := func(d directory.Definition) directory.Definition {
		d.CaseExact = true
		return d
	}
	boolean := func(name string) directory.Definition {
		return directory.Definition{Name: name, Type: directory.TypeBoolean, Mutability: directory.ReadWrite}
	}
	reference := func(name string, many bool, to ...string) directory.Definition {
		return directory.Definition{
			Name: name, Type: directory.TypeReference, MultiValued: many, CaseExact: true,
			Mutability: directory.ReadWrite, References: to,
		}
	}
	return directory.Schema{Types: []directory.ObjectType{
		{Name: directory.User, Attributes: []directory.Definition{
			required(text("userName")), text("displayName"), exact(text("externalId")), boolean("active"), text("title"),
			{Name: "name", Type: directory.TypeComplex, Mutability: directory.ReadWrite,
				Sub: []directory.Definition{text("formatted"), text("givenName"), text("familyName")}},
			{Name: "emails", Type: directory.TypeComplex, MultiValued: true, Mutability: directory.ReadWrite,
				Sub: []directory.Definition{text("value"), text("type"), boolean("primary")}},
			text(enterprise + ":department"), text(enterprise + ":employeeNumber"),
			reference(enterprise+":manager", false, directory.User),
		}},
		{Name: directory.Group, Attributes: []directory.Definition{
			required(text("displayName")), exact(text("externalId")),
			reference("members", true, directory.User, directory.Group),
		}},
	}}
}

// mark changes the definitions that the paths name, in a schema that is the
// target's own from then on.
func (t *Target) mark(option string, paths Paths, set func(*directory.Definition)) {
	if len(paths) == 0 {
		return
	}
	t.schema = cloneSchema(t.schema)
	for typ, texts := range paths {
		for _, text := range texts {
			d := lookup(t.schema, typ, directory.MustPath(text))
			if d == nil {
				panic(fmt.Sprintf("memory: Options.%s: the schema has no %s %s", option, typ, text))
			}
			set(d)
		}
	}
}

func cloneSchema(s directory.Schema) directory.Schema {
	s.Types = slices.Clone(s.Types)
	for i := range s.Types {
		s.Types[i].Attributes = slices.Clone(s.Types[i].Attributes)
		for j := range s.Types[i].Attributes {
			s.Types[i].Attributes[j].Sub = slices.Clone(s.Types[i].Attributes[j].Sub)
		}
	}
	return s
}

// lookup gives the definition that a path leads to, nil for none.
func lookup(s directory.Schema, typ string, path directory.Path) *directory.Definition {
	for i := range s.Types {
		if s.Types[i].Name != typ {
			continue
		}
		for j := range s.Types[i].Attributes {
			d := &s.Types[i].Attributes[j]
			if d.Name != path.Attribute().String() {
				continue
			}
			if path.Sub() == "" {
				return d
			}
			for k := range d.Sub {
				if d.Sub[k].Name == path.Sub() {
					return &d.Sub[k]
				}
			}
		}
	}
	return nil
}

func indexSchema(s directory.Schema) map[attributeKey]directory.Definition {
	index := map[attributeKey]directory.Definition{}
	for _, typ := range s.Types {
		for _, d := range typ.Attributes {
			path := directory.MustPath(d.Name).Parts()
			index[attributeKey{typ.Name, path.Path()}] = d
			for _, sub := range d.Sub {
				path.Sub = sub.Name
				index[attributeKey{typ.Name, path.Path()}] = sub
			}
		}
	}
	return index
}

// definition gives what the schema says of a path: for one that it does not
// know, a single text.
func (t *Target) definition(typ string, path directory.Path) directory.Definition {
	parts := path.Parts()
	parts.Where = directory.Condition{}
	return t.index[attributeKey{typ, parts.Path()}]
}

func isMembers(d directory.Definition) bool {
	return d.Type == directory.TypeReference && d.MultiValued
}
