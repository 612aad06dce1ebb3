package ldap

import (
	"context"
	"maps"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Schema gives, for each type, the attributes that the classes of its first
// entries may have, as the server defines them, and those that these entries
// do have.
func (s *source) Schema(ctx context.Context) (directory.Schema, error) {
	c, err := s.connect(ctx)
	if err != nil {
		return directory.Schema{}, err
	}
	defer c.close()
	schema, err := c.readSubschema(ctx)
	if err != nil {
		return directory.Schema{}, err
	}
	var out directory.Schema
	for _, d := range s.searches {
		attributes, err := c.attributes(ctx, d, schema)
		if err != nil {
			return directory.Schema{}, err
		}
		out.Types = append(out.Types, directory.ObjectType{Name: d.typ, Attributes: attributes})
	}
	return out, nil
}

func (s *session) attributes(ctx context.Context, d *search, schema *subschema) ([]directory.Definition, error) {
	defined := map[string]directory.Definition{anchorAttribute: {
		Name: anchorAttribute, Type: directory.TypeString, Required: true, CaseExact: true, Unique: true, Mutability: directory.ReadOnly,
	}}
	classes := make(map[string]bool)
	_, err := s.sample(ctx, d, schema.names(), func(entry *goldap.Entry) {
		for _, attribute := range entry.Attributes {
			if strings.EqualFold(attribute.Name, "objectClass") {
				for _, class := range attribute.Values {
					classes[class] = true
				}
			}
			base, _, _ := strings.Cut(attribute.Name, ";")
			if isOperational(base) || isSecret(base) || d.edge(base) != "" {
				continue
			}
			own, binary := schema.nameOf(attribute.Name)
			definition := defined[own]
			definition.Name, definition.Type = own, directory.TypeString
			definition.MultiValued = definition.MultiValued || len(attribute.Values) > 1
			if known := schema.attributes[strings.ToLower(base)]; known != nil {
				definition.MultiValued, definition.CaseExact = known.multiValued, known.caseExact
			}
			if binary {
				definition.Type = directory.TypeBinary
			}
			defined[own] = definition
		}
	})
	if err != nil {
		return nil, err
	}
	for name := range schema.allowed(slices.Collect(maps.Keys(classes))) {
		known := schema.attributes[name]
		if known == nil || isSecret(known.name) || isOperational(known.name) || d.edge(known.name) != "" {
			continue
		}
		definition := directory.Definition{Name: known.name, Type: directory.TypeString, MultiValued: known.multiValued, CaseExact: known.caseExact}
		if known.binary {
			definition.Type = directory.TypeBinary
		}
		defined[known.name] = definition
	}
	for _, r := range d.references {
		reference := directory.Definition{Name: r.attribute, Type: directory.TypeReference, MultiValued: true, References: []string{directory.User}}
		if d.typ == directory.Group {
			reference.References = append(reference.References, directory.Group)
		}
		defined[r.attribute] = reference
	}
	out := make([]directory.Definition, 0, len(defined))
	for _, name := range slices.Sorted(maps.Keys(defined)) {
		out = append(out, defined[name])
	}
	return out, nil
}

// sample reads the first entries of a search, a page at most, and says whether
// other servers hold a part of it.
func (s *session) sample(ctx context.Context, d *search, attributes []string, f func(*goldap.Entry)) (referral bool, err error) {
	request := d.request("", append([]string{anchorAttribute, modifiedAttribute}, attributes...))
	request.Controls = []goldap.Control{goldap.NewControlPaging(s.page)}
	err = s.stream(ctx, "look at "+d.block+" below "+d.base, func(ctx context.Context) goldap.Response { return s.conn.SearchAsync(ctx, request, 0) }, func(r goldap.Response) error {
		referral = referral || r.Referral() != ""
		if r.Entry() != nil {
			f(r.Entry())
		}
		return nil
	})
	return referral, err
}
