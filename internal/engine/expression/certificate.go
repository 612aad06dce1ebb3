package expression

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// certificate is one of X.509 (RFC 5280 section 4.1). It is read by its
// structure alone: crypto/x509 refuses keys on curves that it cannot compute
// with, and tells neither the algorithms' identifiers nor their parameters.
type certificate struct {
	Raw                asn1.RawContent
	Content            certificateContent
	SignatureAlgorithm pkix.AlgorithmIdentifier
	Signature          asn1.BitString
}

type certificateContent struct {
	Version            int `asn1:"optional,explicit,default:0,tag:0"`
	SerialNumber       *big.Int
	SignatureAlgorithm pkix.AlgorithmIdentifier
	Issuer             pkix.RDNSequence
	Validity           struct{ NotBefore, NotAfter time.Time }
	Subject            pkix.RDNSequence
	PublicKey          struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	IssuerID   asn1.BitString   `asn1:"optional,tag:1"`
	SubjectID  asn1.BitString   `asn1:"optional,tag:2"`
	Extensions []pkix.Extension `asn1:"omitempty,optional,explicit,tag:3"`
}

// readCertificate reads base64 of a certificate in DER. problem says what is
// wrong with the text.
func readCertificate(source string) (c *certificate, problem string) {
	if strings.HasPrefix(source, "-----BEGIN") {
		return nil, "it is PEM, where base64 of DER is expected: the text between the lines of hyphens"
	}
	der, err := base64.StdEncoding.DecodeString(source)
	if err != nil {
		return nil, "it is not base64"
	}
	c = new(certificate)
	rest, err := asn1.Unmarshal(der, c)
	validity := c.Content.Validity
	if err != nil || len(rest) > 0 || c.Content.Version < 0 || c.Content.Version > 2 ||
		!inCalendar(validity.NotBefore.UTC()) || !inCalendar(validity.NotAfter.UTC()) {
		return nil, "its bytes are no certificate in DER"
	}
	return c, ""
}

// serialNumber gives the bytes of the number as they stand in DER: in two's
// complement, with a zero before a positive one whose first bit is set.
func (c *certificate) serialNumber() []byte {
	var encoded asn1.RawValue
	der, err := asn1.Marshal(c.Content.SerialNumber)
	if err == nil {
		_, err = asn1.Unmarshal(der, &encoded)
	}
	if err != nil {
		return nil
	}
	return encoded.Bytes
}

// criticalExtensions gives the identifiers of the extensions that are marked
// critical, in the order of the certificate.
func (c *certificate) criticalExtensions() []string {
	var ids []string
	for _, extension := range c.Content.Extensions {
		if extension.Critical {
			ids = append(ids, extension.Id.String())
		}
	}
	return ids
}

// Identifiers of attributes, extensions and names.
const (
	oidCommonName         = "2.5.4.3"
	oidOrganization       = "2.5.4.10"
	oidOrganizationalUnit = "2.5.4.11"
	oidEmail              = "1.2.840.113549.1.9.1"
	oidSubjectNames       = "2.5.29.17"
	oidIssuerNames        = "2.5.29.18"
	oidUserPrincipalName  = "1.3.6.1.4.1.311.20.2.3"
)

// attributeLabels are what Windows writes for the types of attributes in names
// ([MS-OSCO], the conversion of a subject's name).
var attributeLabels = map[string]string{
	oidCommonName: "CN", oidOrganization: "O", oidOrganizationalUnit: "OU", oidEmail: "E",
	"2.5.4.4": "SN", "2.5.4.5": "SERIALNUMBER", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "S", "2.5.4.9": "STREET", "2.5.4.12": "T",
	"2.5.4.13": "Description", "2.5.4.17": "PostalCode", "2.5.4.18": "POBox", "2.5.4.20": "Phone", "2.5.4.42": "G", "2.5.4.43": "I",
	"0.9.2342.19200300.100.1.25": "DC",
}

// distinguishedName writes a name as X500DistinguishedName.Name of .NET does:
// the last component first, each as label=value, a type without a label as
// OID.1.2.3, and in double quotes what could be misread.
func distinguishedName(name pkix.RDNSequence) string {
	var components []string
	for _, component := range slices.Backward(name) {
		var parts []string
		for _, attribute := range component {
			label, known := attributeLabels[attribute.Type.String()]
			if !known {
				label = "OID." + attribute.Type.String()
			}
			parts = append(parts, label+"="+quoteAttribute(attributeText(attribute)))
		}
		components = append(components, strings.Join(parts, " + "))
	}
	return strings.Join(components, ", ")
}

func quoteAttribute(value string) string {
	if value != "" && strings.Trim(value, " \t\n\v\f\r") == value && !strings.ContainsAny(value, ",+=\"\n<>#;") {
		return value
	}
	return `"` + strings.ReplaceAll(value, `"`, `""`) + `"`
}

// attributeText gives the value of an attribute, "" for one that is no text.
// The bytes of a T61String are UTF-8 or, as .NET takes them otherwise, Latin-1.
func attributeText(attribute pkix.AttributeTypeAndValue) string {
	text, _ := attribute.Value.(string)
	if utf8.ValidString(text) {
		return text
	}
	var out strings.Builder
	for _, b := range []byte(text) {
		out.WriteRune(rune(b))
	}
	return out.String()
}

// lastOf gives the value of that type that is the last in the name.
func lastOf(name pkix.RDNSequence, id string) (string, bool) {
	for _, component := range slices.Backward(name) {
		for _, attribute := range component {
			if attribute.Type.String() == id {
				return attributeText(attribute), true
			}
		}
	}
	return "", false
}

// Types of names (System.Security.Cryptography.X509Certificates.X509NameType).
const (
	nameSimple  = "SimpleName"
	nameEmail   = "EmailName"
	nameUPN     = "UpnName"
	nameDNS     = "DnsName"
	nameDNSOnly = "DnsFromAlternativeName"
	nameURL     = "UrlName"
)

// Tags of GeneralName (RFC 5280 section 4.2.1.6).
const (
	tagOtherName = 0
	tagEmail     = 1
	tagDNS       = 2
	tagURI       = 6
)

// nameOf gives the name of that type of the subject or the issuer, "" when
// there is none, as X509Certificate2.GetNameInfo of .NET does. Of several
// attributes of one type the last counts.
func (c *certificate) nameOf(nameType string, issuer bool) (text, problem string) {
	name, extension := c.Content.Subject, oidSubjectNames
	if issuer {
		name, extension = c.Content.Issuer, oidIssuerNames
	}
	tag, fallback := tagEmail, ""
	switch nameType {
	case nameSimple:
		if simple, found := simpleName(name); found {
			return simple, ""
		}
	case nameEmail:
		fallback = oidEmail
	case nameUPN:
		tag = tagOtherName
	case nameDNS:
		tag, fallback = tagDNS, oidCommonName
	case nameDNSOnly:
		tag = tagDNS
	case nameURL:
		tag = tagURI
	}
	text, found, problem := c.alternativeName(extension, tag)
	if !found && problem == "" {
		text, _ = lastOf(name, fallback)
	}
	return text, problem
}

// simpleName gives the common name, else the unit, the organization, the
// address, else the last attribute of all.
func simpleName(name pkix.RDNSequence) (string, bool) {
	for _, id := range []string{oidCommonName, oidOrganizationalUnit, oidOrganization, oidEmail} {
		if text, found := lastOf(name, id); found {
			return text, true
		}
	}
	for _, component := range slices.Backward(name) {
		for _, attribute := range component {
			return attributeText(attribute), true
		}
	}
	return "", false
}

// alternativeName gives the first name with the tag in an extension of
// alternative names; of other names, the first user principal name.
func (c *certificate) alternativeName(extension string, tag int) (text string, found bool, problem string) {
	const malformed = "its alternative names are malformed"
	for _, e := range c.Content.Extensions {
		if e.Id.String() != extension {
			continue
		}
		var names []asn1.RawValue
		if rest, err := asn1.Unmarshal(e.Value, &names); err != nil || len(rest) > 0 {
			return "", false, malformed
		}
		for _, name := range names {
			if name.Class != asn1.ClassContextSpecific || name.Tag != tag {
				continue
			}
			if tag != tagOtherName {
				return strings.ToValidUTF8(string(name.Bytes), "\uFFFD"), true, ""
			}
			var other struct {
				ID    asn1.ObjectIdentifier
				Value asn1.RawValue // [0] EXPLICIT
			}
			if _, err := asn1.UnmarshalWithParams(name.FullBytes, &other, "tag:0"); err != nil {
				return "", false, malformed
			}
			if other.ID.String() != oidUserPrincipalName {
				continue
			}
			if _, err := asn1.Unmarshal(other.Value.Bytes, &text); err != nil {
				return "", false, malformed
			}
			return text, true, ""
		}
	}
	return "", false, ""
}
