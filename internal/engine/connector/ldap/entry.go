package ldap

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Operational attributes that are read of each entry.
const (
	anchorAttribute   = "entryUUID" // RFC 4530
	modifiedAttribute = "modifyTimestamp"
	createdAttribute  = "createTimestamp"
)

// Bounds of what an object may hold; one that holds more fails alone.
const (
	maxText   = 1 << 20  // bytes of one text
	maxObject = 16 << 20 // bytes of all its texts
)

// dnReference is the kind of reference that names an entry by its DN.
const dnReference = "dn"

// anchor is an entryUUID.
type anchor [16]byte

// String gives the text of RFC 4122, in lower case.
func (a anchor) String() string {
	text := hex.EncodeToString(a[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

func (a anchor) compare(b anchor) int { return bytes.Compare(a[:], b[:]) }

// parseAnchor takes the text of a UUID in any letter case.
func parseAnchor(text string) (a anchor, ok bool) {
	digits := strings.ReplaceAll(text, "-", "")
	if len(digits) != 32 {
		return a, false
	}
	if _, err := hex.Decode(a[:], []byte(digits)); err != nil {
		return anchor{}, false
	}
	return a, strings.EqualFold(a.String(), text)
}

// anchorOf gives the anchor of an entry. The problem says why there is none.
func anchorOf(entry *goldap.Entry) (a anchor, problem string) {
	text := entry.GetEqualFoldAttributeValue(anchorAttribute)
	if text == "" {
		return a, "the entry has no entryUUID that this account may read; let it read entryUUID"
	}
	a, ok := parseAnchor(text)
	if !ok {
		return a, "the entryUUID is no UUID"
	}
	return a, ""
}

// timestamp gives a time of an entry; zero when it has none that can be read.
func timestamp(entry *goldap.Entry, attribute string) time.Time {
	at, err := ber.ParseGeneralizedTime([]byte(entry.GetEqualFoldAttributeValue(attribute)))
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

// thing is an entry as the engine takes it.
type thing struct {
	change  connector.Change // Whole, or Seen when it has a problem
	edges   []directory.Edge
	problem string
}

// translate makes the object of an entry.
func (d *search) translate(entry *goldap.Entry, a anchor, schema *subschema) thing {
	key := directory.Key{Type: d.typ, Anchor: a.String()}
	broken := func(format string, arguments ...any) thing {
		return thing{
			change:  connector.Change{Kind: connector.Seen, Object: directory.Object{Key: key}},
			problem: fmt.Sprintf(format, arguments...),
		}
	}
	dn, err := NormalizeDN(entry.DN)
	if err != nil {
		return broken("its distinguished name cannot be taken: %v", err)
	}
	values := map[string][]directory.Value{anchorAttribute: {directory.Text(key.Anchor)}}
	var edges []directory.Edge
	size := 0
	for _, attribute := range entry.Attributes {
		name, options, _ := strings.Cut(attribute.Name, ";")
		if isOperational(name) || isSecret(name) {
			continue
		}
		if edge := d.edge(name); edge != "" {
			if strings.HasPrefix(strings.ToLower(options), "range=") {
				return broken("the server gives only a part of the values of %s; read it as an active_directory source", name)
			}
			for _, value := range attribute.Values {
				to, err := NormalizeDN(value)
				if err != nil {
					return broken("a value of %s is no distinguished name: %v", name, err)
				}
				edges = append(edges, directory.Edge{Holder: key, Attribute: edge, To: directory.Ref{By: dnReference, Value: to}})
			}
			continue
		}
		if !attributeDescription.MatchString(attribute.Name) {
			return broken("it has an attribute with the name %q, which is none", attribute.Name)
		}
		own, binary := schema.nameOf(attribute.Name)
		for _, raw := range attribute.ByteValues {
			text := textOf(raw, binary)
			if size += len(text); len(text) > maxText || size > maxObject {
				return broken("a value of %s, or all values together, are too long: at most %d and %d bytes are taken", own, maxText, maxObject)
			}
			values[own] = append(values[own], directory.Text(text))
		}
	}
	attributes := make(map[string]directory.Value, len(values))
	for name, list := range values {
		if attributes[name] = directory.List(list...); len(list) == 1 {
			attributes[name] = list[0]
		}
	}
	return thing{
		change: connector.Change{
			Kind:    connector.Whole,
			Object:  directory.Object{Key: key, Attributes: directory.NewAttributes(attributes)},
			Aliases: []directory.Ref{{By: dnReference, Value: dn}},
		},
		edges: edges,
	}
}

// edge gives the attribute of the edges that an attribute's values become, ""
// for none.
func (d *search) edge(name string) string {
	at := slices.IndexFunc(d.references, func(r reference) bool { return strings.EqualFold(r.own, name) })
	if at < 0 {
		return ""
	}
	return d.references[at].attribute
}

// isOperational reports whether a name is one of those that are read for the
// connector's own use. memberOf is one: it says what groups say, later and
// without moving a timestamp.
func isOperational(name string) bool {
	return slices.ContainsFunc([]string{anchorAttribute, modifiedAttribute, createdAttribute, "memberOf"}, func(own string) bool {
		return strings.EqualFold(own, name)
	})
}

// nameOf gives an attribute the name that the schema has for it, with its
// options, and says whether its values are binary.
func (s *subschema) nameOf(name string) (own string, binary bool) {
	base, options, has := strings.Cut(name, ";")
	if known := s.attributes[strings.ToLower(base)]; known != nil {
		base, binary = known.name, known.binary
	}
	if !has {
		return base, binary
	}
	options = strings.ToLower(options)
	return base + ";" + options, binary || slices.Contains(strings.Split(options, ";"), "binary")
}

// textOf gives the text of a value: base64 where it is none.
func textOf(raw []byte, binary bool) string {
	if binary || !utf8.Valid(raw) || slices.Contains(raw, 0) {
		return base64.StdEncoding.EncodeToString(raw)
	}
	return string(raw)
}
