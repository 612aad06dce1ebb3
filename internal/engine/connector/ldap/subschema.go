package ldap

import (
	"context"
	"slices"
	"strings"
)

// maxDepth bounds how many supertypes or superclasses are followed.
const maxDepth = 32

// attributeType is one attribute as the server defines it.
type attributeType struct {
	name        string
	multiValued bool
	binary      bool
	caseExact   bool
}

// subschema is what a server says of its attributes and classes. It may be
// empty, where an account may not read it.
type subschema struct {
	attributes map[string]*attributeType // by each of their names, folded: those that users may write
	classes    map[string]description    // by each of their names, folded
}

// binarySyntaxes are those of RFC 4517, and of RFC 4523, whose values are no
// text.
var binarySyntaxes = map[string]bool{
	"1.3.6.1.4.1.1466.115.121.1.4":  true, // Audio
	"1.3.6.1.4.1.1466.115.121.1.5":  true, // Binary
	"1.3.6.1.4.1.1466.115.121.1.8":  true, // Certificate
	"1.3.6.1.4.1.1466.115.121.1.9":  true, // Certificate List
	"1.3.6.1.4.1.1466.115.121.1.10": true, // Certificate Pair
	"1.3.6.1.4.1.1466.115.121.1.23": true, // Fax
	"1.3.6.1.4.1.1466.115.121.1.28": true, // JPEG
	"1.3.6.1.4.1.1466.115.121.1.40": true, // Octet String
	"1.3.6.1.4.1.1466.115.121.1.49": true, // Supported Algorithm
}

// readSubschema reads the schema that the root DSE names.
func (s *session) readSubschema(ctx context.Context) (*subschema, error) {
	read := newSubschema(nil, nil)
	if s.root.subschema == "" {
		return read, nil
	}
	entry, err := s.entry(ctx, s.root.subschema, "(objectClass=subschema)", "attributeTypes", "objectClasses")
	if err != nil || entry == nil {
		return read, err
	}
	return newSubschema(entry.GetEqualFoldAttributeValues("attributeTypes"), entry.GetEqualFoldAttributeValues("objectClasses")), nil
}

// newSubschema takes definitions; what cannot be understood is as good as not
// defined.
func newSubschema(attributeTypes, objectClasses []string) *subschema {
	s := &subschema{attributes: make(map[string]*attributeType), classes: byName(objectClasses)}
	types := byName(attributeTypes)
	for name, d := range types {
		if usage := inherited(types, d, "USAGE"); usage != "" && usage != "userApplications" {
			continue
		}
		equality := inherited(types, d, "EQUALITY")
		s.attributes[name] = &attributeType{
			name:        d["NAME"][0],
			multiValued: !d.has("SINGLE-VALUE"),
			binary:      binarySyntaxes[inherited(types, d, "SYNTAX")],
			caseExact:   strings.HasPrefix(equality, "caseExact") || strings.HasPrefix(equality, "octetString"),
		}
	}
	return s
}

func byName(definitions []string) map[string]description {
	named := make(map[string]description)
	for _, definition := range definitions {
		d, err := parseDescription(definition)
		if err != nil {
			continue
		}
		if slices.ContainsFunc(d["NAME"], func(name string) bool { return !attributeDescription.MatchString(name) }) {
			continue
		}
		for _, name := range d["NAME"] {
			named[strings.ToLower(name)] = d
		}
	}
	return named
}

// inherited gives a keyword of an attribute type, or of the nearest supertype
// that has it.
func inherited(types map[string]description, d description, keyword string) string {
	for range maxDepth {
		if d.has(keyword) || d.first("SUP") == "" {
			break
		}
		d = types[strings.ToLower(d.first("SUP"))]
	}
	return d.first(keyword)
}

// names gives the attributes to ask for, ascending: all that users may write,
// less secrets and OpenLDAP's own configuration; everything where they are not
// known.
func (s *subschema) names() []string {
	var names []string
	for _, a := range s.attributes {
		if !isSecret(a.name) && !strings.HasPrefix(a.name, "olc") {
			names = append(names, a.name)
		}
	}
	if len(names) == 0 {
		return []string{"*"}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// allowed gives the attributes that entries of the classes may have, folded.
func (s *subschema) allowed(classes []string) map[string]bool {
	allowed := make(map[string]bool)
	for depth := 0; len(classes) > 0 && depth < maxDepth; depth++ {
		var above []string
		for _, class := range classes {
			d := s.classes[strings.ToLower(class)]
			for _, name := range slices.Concat(d["MUST"], d["MAY"]) {
				allowed[strings.ToLower(name)] = true
			}
			above = append(above, d["SUP"]...)
		}
		slices.Sort(above)
		classes = slices.Compact(above)
	}
	return allowed
}

// secrets are the attributes, folded, that hold passwords and keys under names
// that do not say so.
var secrets = map[string]bool{
	"unicodepwd": true, "dbcspwd": true, "supplementalcredentials": true, "pwdhistory": true, "ntpwdhistory": true, "lmpwdhistory": true,
	"krbprincipalkey": true, "krbextradata": true, "krb5key": true, "ipanthash": true, "ipatokenotpkey": true,
	"userpkcs12": true, "olcrootpw": true, "nsslapd-rootpw": true, "oathsecret": true, "sambapasswordhistory": true, "passwordhistory": true,
}

// isSecret reports whether the values of an attribute are passwords or keys.
func isSecret(name string) bool {
	name, _, _ = strings.Cut(strings.ToLower(name), ";")
	return secrets[name] || strings.HasSuffix(name, "password") || strings.HasSuffix(name, "privatekey")
}
