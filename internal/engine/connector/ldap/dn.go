package ldap

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	goldap "github.com/go-ldap/ldap/v3"
	"golang.org/x/text/unicode/norm"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// maxDN bounds a normalised DN, which is the name of a reference.
const maxDN = 4096

// NormalizeDN gives the form of a distinguished name (RFC 4514) in which equal
// names are equal texts: escapes are resolved and made again in one way, letter
// case, the spaces between words and Unicode's compatible characters are folded
// (RFC 4518), and the parts of a relative name are sorted. The error says why
// the text is no name, or that it is longer than a reference can be.
func NormalizeDN(text string) (string, error) {
	dn, err := goldap.ParseDN(text)
	if err != nil {
		return "", err
	}
	if len(dn.RDNs) == 0 {
		return "", fmt.Errorf("it is empty")
	}
	names := make([]string, len(dn.RDNs))
	for i, rdn := range dn.RDNs {
		parts := make([]string, len(rdn.Attributes))
		for j, part := range rdn.Attributes {
			parts[j] = goldap.EscapeDN(directory.Fold(part.Type)) + "=" + prepare(part.Value)
		}
		slices.Sort(parts)
		names[i] = strings.Join(parts, "+")
	}
	normal := strings.Join(names, ",")
	if len(normal) > maxDN {
		return "", fmt.Errorf("it has %d bytes; at most %d are taken", len(normal), maxDN)
	}
	return normal, nil
}

// prepare gives a value of a name in its form for comparison.
func prepare(value string) string {
	if !utf8.ValidString(value) {
		var escaped strings.Builder
		for i := range len(value) {
			fmt.Fprintf(&escaped, `\%02x`, value[i])
		}
		return escaped.String()
	}
	folded := norm.NFKC.String(directory.Fold(norm.NFKC.String(value)))
	return goldap.EscapeDN(strings.Join(strings.Fields(folded), " "))
}
