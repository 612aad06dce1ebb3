package expression

import (
	"crypto/sha1"
	"encoding/hex"
	"strings"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// exampleCertificate is base64 of one whose subject is O=Contoso, CN=Ada, with
// the user principal name ada@contoso.com and a key on the curve P-256.
const exampleCertificate = "" +
	"MIIBcDCCARWgAwIBAgIEAMD/7jAKBggqhkjOPQQDAjAfMRAwDgYDVQQKEwdDb250b3NvMQswCQYDVQQDEwJDQTAeFw0yNjAxMDEw" +
	"MDAwMDBaFw0yNzAxMDEwMDAwMDBaMCAxEDAOBgNVBAoTB0NvbnRvc28xDDAKBgNVBAMTA0FkYTBZMBMGByqGSM49AgEGCCqGSM49" +
	"AwEHA0IABNnhxzGP28vdRIV0rXSjSGgvFR1G4e51NslfZ1lMBAmoyw7PPVDFyoKO3U5UGG7w9GlBcHAulxSPv36Fv2HDh+qjPjA8" +
	"MA4GA1UdDwEB/wQEAwIHgDAqBgNVHREEIzAhoB8GCisGAQQBgjcUAgOgEQwPYWRhQGNvbnRvc28uY29tMAoGCCqGSM49BAMCA0kA" +
	"MEYCIQCWLuRvk1CHdgA2c1wQT/WdFQU30iwEJrvj0jORUQqxKgIhALLFpbxPg5pqaVUFHnNwT8U/hqG/OvigbzsLDvzwJWd0"

// certificateFunctions are those of Connect Sync that tell what a certificate
// says (Microsoft Entra Connect Sync: Functions Reference), with the results of
// .NET's X509Certificate2.
var certificateFunctions = []definition{
	{
		Function: Function{
			Name: "CertExtensionOids", Result: TypeList, Parameters: []Parameter{text("certificateRawData")},
			Summary: "Gives the identifiers of the extensions that are marked critical.",
			Null:    "A null source gives null, no such extension a list of nothing; what is no certificate is an error.",
			Example: Example{`CertExtensionOids([userCertificate])`, source("userCertificate", exampleCertificate), `["2.5.29.15"]`, false},
		},
		evaluate: ofCertificate(func(c *certificate) directory.Value { return directory.Texts(c.criticalExtensions()...) }),
	},
	{
		Function: Function{
			Name: "CertFormat", Result: TypeText, Parameters: []Parameter{text("certificateRawData")},
			Summary: "Gives the name of the format, which is X509.",
			Null:    "A null source gives null; what is no certificate is an error.",
			Example: Example{`CertFormat([userCertificate])`, source("userCertificate", exampleCertificate), "X509", false},
		},
		evaluate: certificateText(func(*certificate) string { return "X509" }),
	},
	{
		Function: Function{
			Name: "CertFriendlyName", Result: TypeText, Parameters: []Parameter{text("certificateRawData")},
			Summary: "Gives the empty text: a friendly name is kept beside a certificate, in the store of a machine, and is no part of it.",
			Null:    "A null source gives null; what is no certificate is an error.",
			Example: Example{`IIF(IsNullOrEmpty(CertFriendlyName([userCertificate])), CertSubject([userCertificate]), "named")`, source("userCertificate", exampleCertificate), "CN=Ada, O=Contoso", false},
		},
		evaluate: certificateText(func(*certificate) string { return "" }),
	},
	{
		Function: Function{
			Name: "CertHashString", Result: TypeText, Parameters: []Parameter{text("certificateRawData")},
			Summary: "Gives the SHA-1 hash of the certificate as hexadecimal digits in upper case; another name of CertThumbprint.",
			Null:    "A null source gives null; what is no certificate is an error.",
			Example: Example{`CertHashString([userCertificate])`, source("userCertificate", exampleCertificate), "BF3A41EB047BF8AD141389C26E54892685828081", false},
		},
		evaluate: certificateText(thumbprint),
	},
	{
		Function: Function{
			Name: "CertIssuer", Result: TypeText, Parameters: []Parameter{text("certificateRawData")},
			Summary: "Gives the name of the issuer, its last component first; another name of CertIssuerDN.",
			Null:    "A null source gives null; what is no certificate is an error.",
			Example: Example{`CertIssuer([userCertificate])`, source("userCertificate", exampleCertificate), "CN=CA, O=Contoso", false},
		},
		evaluate: certificateText(issuerName),
	},
	{
		Function: Function{
			Name: "CertIssuerDN", Result: TypeText, Parameters: []Parameter{text("certificateRawData")},
			Summary: "Gives the name of the issuer, its last component first.",
			Null:    "A null source gives null; what is no certificate is an error.",
			Example: Example{`CertIssuerDN([userCertificate])`, source("userCertificate", exampleCertificate), "CN=CA, O=Contoso", false},
		},
		evaluate: certificateText(issuerName),
	},
	{
		Function: Function{
			Name: "CertIssuerOid", Result: TypeText, Parameters: []Parameter{text("certificateRawData")},
			Summary: "Gives null, as in .NET: the name of the issuer has no identifier.",
			Null:    "A null source gives null; what is no certificate is an error.",
			Example: Example{`IIF(IsPresent(CertIssuerOid([userCertificate])), "identified", CertIssuer([userCertificate]))`, source("userCertificate", exampleCertificate), "CN=CA, O=Contoso", false},
		},
		evaluate: ofCertificate(func(*certificate) directory.Value { return directory.Null }),
	},
	{
		Function: Function{
			Name: "CertKeyAlgorithm", Result: TypeText, Parameters: []Parameter{text("certificateRawData")},
			Summary: "Gives the identifier of the public key's algorithm; another name of CertPublicKeyOid.",
			Null:    "A null source gives null; what is no certificate is an error.",
			Example: Example{`CertKeyAlgorithm([userCertificate])`, source("userCertificate", exampleCertificate), "1.2.840.10045.2.1", false},
		},
		evaluate: certificateText(keyAlgorithm),
	},
	{
		Function: Function{
			Name: "CertKeyAlgorithmParams", Result: TypeText, Parameters: []Parameter{text("certificateRawData")},
			Summary: "Gives the parameters of the public key's algorithm, in DER, as hexadecimal digits in upper case.",
			Null:    "A null source gives null, an algorithm without parameters the empty text; what is no certificate is an error.",
			Example: Example{`CertKeyAlgorithmParams([userCertificate])`, source("userCertificate", exampleCertificate), "06082A8648CE3D030107", false},
		},
		evaluate: certificateText(func(c *certificate) string { return upperHex(c.Content.PublicKey.Algorithm.Parameters.FullBytes) }),
	},
	{
		Function: Function{
			Name: "CertNameInfo", Result: TypeText,
			Parameters: []Parameter{
				text("certificateRawData"), {Name: "x509NameType", Type: TypeText, Allowed: []string{nameSimple, nameEmail, nameUPN, nameDNS, nameDNSOnly, nameURL}},
				{Name: "includesIssuerName", Type: TypeBoolean},
			},
			Summary: "Gives a name of the subject or, where the last argument is True, of the issuer: the first alternative name of the type; without one, EmailName gives the address (E) and DnsName the common name. SimpleName gives the common name, else the unit, the organization, the address, the last part of the name, the first alternative address. Of several parts of the name that are of one type the last counts.",
			Null:    "A null certificate gives null, no such name the empty text; what is no certificate is an error.",
			Example: Example{`CertNameInfo([userCertificate], "UpnName", False)`, source("userCertificate", exampleCertificate), "ada@contoso.com", false},
		},
		evaluate: certNameInfo,
	},
	{
		Function: Function{
			Name: "CertNotAfter", Result: TypeDate, Parameters: []Parameter{text("certificateRawData")},
			Summary: "Gives the date, in UTC, after which the certificate is no longer valid.",
			Null:    "A null source gives null; what is no certificate is an error.",
			Example: Example{`CertNotAfter([userCertificate])`, source("userCertificate", exampleCertificate), "1/1/2027 12:00:00 AM", false},
		},
		evaluate: certificateDate(func(c *certificate) time.Time { return c.Content.Validity.NotAfter }),
	},
	{
		Function: Function{
			Name: "CertNotBefore", Result: TypeDate, Parameters: []Parameter{text("certificateRawData")},
			Summary: "Gives the date, in UTC, from which the certificate is valid.",
			Null:    "A null source gives null; what is no certificate is an error.",
			Example: Example{`CertNotBefore([userCertificate])`, source("userCertificate", exampleCertificate), "1/1/2026 12:00:00 AM", false},
		},
		evaluate: certificateDate(func(c *certificate) time.Time { return c.Content.Validity.NotBefore }),
	},
	{
		Function: Function{
			Name: "CertPublicKeyOid", Result: TypeText, Parameters: []Parameter{text("certificateRawData")},
			Summary: "Gives the identifier of the public key's algorithm.",
			Null:    "A null source gives null; what is no certificate is an error.",
			Example: Example{`CertPublicKeyOid([userCertificate])`, source("userCertificate", exampleCertificate), "1.2.840.10045.2.1", false},
		},
		evaluate: certificateText(keyAlgorithm),
	},
	{
		Function: Function{
			Name: "CertPublicKeyParametersOid", Result: TypeText, Parameters: []Parameter{text("certificateRawData")},
			Summary: "Gives the identifier that .NET gives to the public key's parameters, which is that of its algorithm; CertKeyAlgorithmParams gives the parameters.",
			Null:    "A null source gives null; what is no certificate is an error.",
			Example: Example{`CertPublicKeyParametersOid([userCertificate])`, source("userCertificate", exampleCertificate), "1.2.840.10045.2.1", false},
		},
		evaluate: certificateText(keyAlgorithm),
	},
	{
		Function: Function{
			Name: "CertSerialNumber", Result: TypeText, Parameters: []Parameter{text("certificateRawData")},
			Summary: "Gives the bytes of the serial number as hexadecimal digits in upper case, the most significant first.",
			Null:    "A null source gives null; what is no certificate is an error.",
			Example: Example{`CertSerialNumber([userCertificate])`, source("userCertificate", exampleCertificate), "00C0FFEE", false},
		},
		evaluate: certificateText(func(c *certificate) string { return upperHex(c.serialNumber()) }),
	},
	{
		Function: Function{
			Name: "CertSignatureAlgorithmOid", Result: TypeText, Parameters: []Parameter{text("certificateRawData")},
			Summary: "Gives the identifier of the algorithm that the certificate is signed with.",
			Null:    "A null source gives null; what is no certificate is an error.",
			Example: Example{`CertSignatureAlgorithmOid([userCertificate])`, source("userCertificate", exampleCertificate), "1.2.840.10045.4.3.2", false},
		},
		evaluate: certificateText(func(c *certificate) string { return c.SignatureAlgorithm.Algorithm.String() }),
	},
	{
		Function: Function{
			Name: "CertSubject", Result: TypeText, Parameters: []Parameter{text("certificateRawData")},
			Summary: "Gives the name of the subject, its last component first; another name of CertSubjectNameDN.",
			Null:    "A null source gives null; what is no certificate is an error.",
			Example: Example{`CertSubject([userCertificate])`, source("userCertificate", exampleCertificate), "CN=Ada, O=Contoso", false},
		},
		evaluate: certificateText(subjectName),
	},
	{
		Function: Function{
			Name: "CertSubjectNameDN", Result: TypeText, Parameters: []Parameter{text("certificateRawData")},
			Summary: "Gives the name of the subject, its last component first.",
			Null:    "A null source gives null; what is no certificate is an error.",
			Example: Example{`CertSubjectNameDN([userCertificate])`, source("userCertificate", exampleCertificate), "CN=Ada, O=Contoso", false},
		},
		evaluate: certificateText(subjectName),
	},
	{
		Function: Function{
			Name: "CertSubjectNameOid", Result: TypeText, Parameters: []Parameter{text("certificateRawData")},
			Summary: "Gives null, as in .NET: the name of the subject has no identifier.",
			Null:    "A null source gives null; what is no certificate is an error.",
			Example: Example{`IIF(IsPresent(CertSubjectNameOid([userCertificate])), "identified", CertSubject([userCertificate]))`, source("userCertificate", exampleCertificate), "CN=Ada, O=Contoso", false},
		},
		evaluate: ofCertificate(func(*certificate) directory.Value { return directory.Null }),
	},
	{
		Function: Function{
			Name: "CertThumbprint", Result: TypeText, Parameters: []Parameter{text("certificateRawData")},
			Summary: "Gives the SHA-1 hash of the certificate as hexadecimal digits in upper case.",
			Null:    "A null source gives null; what is no certificate is an error.",
			Example: Example{`CertThumbprint([userCertificate])`, source("userCertificate", exampleCertificate), "BF3A41EB047BF8AD141389C26E54892685828081", false},
		},
		evaluate: certificateText(thumbprint),
	},
	{
		Function: Function{
			Name: "CertVersion", Result: TypeInteger, Parameters: []Parameter{text("certificateRawData")},
			Summary: "Gives the version of the certificate's format, from 1 to 3.",
			Null:    "A null source gives null; what is no certificate is an error.",
			Example: Example{`CertVersion([userCertificate])`, source("userCertificate", exampleCertificate), "3", false},
		},
		evaluate: ofCertificate(func(c *certificate) directory.Value { return directory.Integer(int64(c.Content.Version) + 1) }),
	},
	{
		Function: Function{
			Name: "IsCert", Result: TypeBoolean, Parameters: []Parameter{anything("value")},
			Summary: "Tells whether the value is base64 of a certificate in DER.",
			Null:    "Null, empty and several values give False.",
			Example: Example{`IIF(IsCert([userCertificate]), CertSubject([userCertificate]), "none")`, source("userCertificate", exampleCertificate), "CN=Ada, O=Contoso", false},
		},
		evaluate: tells(func(v directory.Value) bool {
			one, _ := single(v)
			text, _ := one.AsText()
			_, problem := readCertificate(text)
			return problem == ""
		}),
	},
}

// certificate gives the argument as a certificate, nil when it is null.
func (in invocation) certificate(i int) (*certificate, error) {
	source, null, err := in.text(i)
	if err != nil || null {
		return nil, err
	}
	c, problem := readCertificate(source)
	if problem != "" {
		return nil, in.faultOf(i, directory.Text(source), problem)
	}
	return c, nil
}

// ofCertificate evaluates a function of one certificate, for which null stays
// null.
func ofCertificate(tell func(*certificate) directory.Value) func(invocation) (directory.Value, error) {
	return func(in invocation) (directory.Value, error) {
		c, err := in.certificate(0)
		if err != nil || c == nil {
			return directory.Null, err
		}
		return tell(c), nil
	}
}

func certificateText(tell func(*certificate) string) func(invocation) (directory.Value, error) {
	return ofCertificate(func(c *certificate) directory.Value { return directory.Text(tell(c)) })
}

func certificateDate(tell func(*certificate) time.Time) func(invocation) (directory.Value, error) {
	return ofCertificate(func(c *certificate) directory.Value { return directory.Time(tell(c)) })
}

func issuerName(c *certificate) string   { return distinguishedName(c.Content.Issuer) }
func subjectName(c *certificate) string  { return distinguishedName(c.Content.Subject) }
func keyAlgorithm(c *certificate) string { return c.Content.PublicKey.Algorithm.Algorithm.String() }

func thumbprint(c *certificate) string {
	hash := sha1.Sum(c.Raw)
	return upperHex(hash[:])
}

func upperHex(data []byte) string { return strings.ToUpper(hex.EncodeToString(data)) }

func certNameInfo(in invocation) (directory.Value, error) {
	nameType, err := in.choice(1)
	if err != nil {
		return directory.Null, err
	}
	issuer, err := in.boolean(2)
	if err != nil {
		return directory.Null, err
	}
	c, err := in.certificate(0)
	if err != nil || c == nil {
		return directory.Null, err
	}
	name, problem := c.nameOf(nameType, issuer)
	if problem != "" {
		return directory.Null, in.fault(0, problem)
	}
	return directory.Text(name), nil
}
