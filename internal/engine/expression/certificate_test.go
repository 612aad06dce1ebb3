package expression

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// certified gives base64 of a certificate with an Ed25519 key.
func certified(t *testing.T, subject, issuer []byte, serial *big.Int, extensions ...pkix.Extension) string {
	t.Helper()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	template := &x509.Certificate{
		SerialNumber: serial, RawSubject: subject, ExtraExtensions: extensions,
		NotBefore: time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC), NotAfter: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, &x509.Certificate{RawSubject: issuer}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

func encoded(t *testing.T, value any) []byte {
	t.Helper()
	der, err := asn1.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// named gives the DER of a name: each component of pairs of type and value.
func named(t *testing.T, components ...[]string) []byte {
	t.Helper()
	var name pkix.RDNSequence
	for _, component := range components {
		var set pkix.RelativeDistinguishedNameSET
		for i := 0; i < len(component); i += 2 {
			var id asn1.ObjectIdentifier
			for arc := range strings.SplitSeq(component[i], ".") {
				n, err := strconv.Atoi(arc)
				if err != nil {
					t.Fatal(err)
				}
				id = append(id, n)
			}
			set = append(set, pkix.AttributeTypeAndValue{Type: id, Value: component[i+1]})
		}
		name = append(name, set)
	}
	return encoded(t, name)
}

func alternative(tag int, text string) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, Bytes: []byte(text)}
}

// The name's structure, with the value that the given DER spells.
func otherName(t *testing.T, id asn1.ObjectIdentifier, value []byte) asn1.RawValue {
	t.Helper()
	explicit := asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: value}
	content := append(encoded(t, id), encoded(t, explicit)...)
	return asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: content}
}

func TestCertificates(t *testing.T) {
	const null, fault = "(null)", "(fault)"
	subjectNames, issuerNames := asn1.ObjectIdentifier{2, 5, 29, 17}, asn1.ObjectIdentifier{2, 5, 29, 18}
	upn := asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 20, 2, 3}
	plain := named(t, []string{oidCommonName, "Plain"})

	rich := certified(t,
		named(t, []string{"2.5.4.6", "GB"}, []string{"2.5.4.8", " London"}, []string{oidOrganization, `Doe, "J" & Co`},
			[]string{oidOrganizationalUnit, "a", "2.5.4.4", ""}, []string{oidCommonName, "first"}, []string{"1.2.3.4", "Zoë"}, []string{oidCommonName, "Ada"}),
		named(t, []string{"0.9.2342.19200300.100.1.25", "com"}, []string{oidEmail, "ca@contoso.com"}, []string{oidOrganizationalUnit, "Trust"}),
		big.NewInt(0x80),
		pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 15}, Critical: true, Value: []byte{3, 2, 7, 128}},
		pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}, Value: []byte{5, 0}},
		pkix.Extension{Id: subjectNames, Critical: true, Value: encoded(t, []asn1.RawValue{
			otherName(t, asn1.ObjectIdentifier{1, 2, 3}, []byte{5, 0}), otherName(t, upn, encoded(t, "ada@upn")),
			alternative(tagURI, "https://ada"), alternative(tagDNS, "one.example"), alternative(tagDNS, "two.example"), alternative(tagEmail, "ada@mail"),
		})},
		pkix.Extension{Id: issuerNames, Value: encoded(t, []asn1.RawValue{alternative(tagDNS, "ca.example")})},
	)
	malformed := certified(t, plain, plain, big.NewInt(1), pkix.Extension{Id: subjectNames, Value: []byte{48, 5, 1}})
	badUPN := certified(t, plain, plain, big.NewInt(1), pkix.Extension{Id: subjectNames, Value: encoded(t, []asn1.RawValue{otherName(t, upn, []byte{5, 0})})})
	mailOnly := certified(t, named(t), plain, big.NewInt(1), pkix.Extension{Id: subjectNames, Value: encoded(t, []asn1.RawValue{alternative(tagEmail, "a@b")})})
	// Parts that are an integer, and bytes of Latin-1 in a T61String.
	odd := certified(t, append([]byte{48, 14, 49, 12, 48, 10, 6, 3, 85, 4, 3, asn1.TagT61String, 3}, 'Z', 'o', 0xEB), plain, big.NewInt(1))
	number := certified(t, []byte{48, 12, 49, 10, 48, 8, 6, 3, 85, 4, 3, asn1.TagInteger, 1, 7}, plain, big.NewInt(1))
	der, _ := base64.StdEncoding.DecodeString(exampleCertificate)
	inPEM := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	// The key on a curve that crypto/x509 does not know, which is read none the less.
	brainpool := bytes.Replace(der, []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7}, []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 99}, 1)
	if _, err := x509.ParseCertificate(brainpool); err == nil {
		t.Error("crypto/x509 knows the curve")
	}

	attributes := map[string]directory.Value{
		"c": directory.Text(rich), "example": directory.Text(exampleCertificate), "one": directory.Texts(exampleCertificate), "userCertificate;binary": directory.Texts(exampleCertificate), "two": directory.Texts(rich, exampleCertificate),
		"malformed": directory.Text(malformed), "badUPN": directory.Text(badUPN), "mailOnly": directory.Text(mailOnly), "odd": directory.Text(odd), "number": directory.Text(number),
		"curve": directory.Text(base64.StdEncoding.EncodeToString(brainpool)), "pem": directory.Text(inPEM), "pem64": directory.Text(base64.StdEncoding.EncodeToString([]byte(inPEM))),
		"short": directory.Text(base64.StdEncoding.EncodeToString(der[:len(der)-1])), "long": directory.Text(base64.StdEncoding.EncodeToString(append(der[:len(der):len(der)], 0))),
		"wrapped": directory.Text(exampleCertificate[:64] + "\r\n" + exampleCertificate[64:]), "n": directory.Integer(7), "e": directory.Text(""), "none": directory.List(), "garbage": directory.Text("MIIB"), "base": directory.Text("no base64"),
	}
	for _, test := range []struct{ expression, want string }{
		{`CertSubject([c])`, `CN=Ada, OID.1.2.3.4=Zoë, CN=first, SN="" + OU=a, O="Doe, ""J"" & Co", S=" London", C=GB`},
		{`CertSubjectNameDN([c])`, `CN=Ada, OID.1.2.3.4=Zoë, CN=first, SN="" + OU=a, O="Doe, ""J"" & Co", S=" London", C=GB`},
		{`CertIssuer([c])`, "OU=Trust, E=ca@contoso.com, DC=com"}, {`CertIssuerDN([c])`, "OU=Trust, E=ca@contoso.com, DC=com"},
		{`CertSubject([mailOnly])`, ""}, {`CertSubject([odd])`, "CN=Zoë"}, {`CertSubject([number])`, `CN=""`},
		{`CertExtensionOids([c])`, `["2.5.29.15","2.5.29.17"]`}, {`CertExtensionOids([mailOnly])`, `[]`}, {`Count(CertExtensionOids([c]))`, "2"},
		{`CertSerialNumber([c])`, "0080"}, {`CertVersion([c])`, "3"}, {`CertFormat([c])`, "X509"}, {`CertFriendlyName([c])`, ""},
		{`CertKeyAlgorithm([c])`, "1.3.101.112"}, {`CertPublicKeyOid([c])`, "1.3.101.112"}, {`CertPublicKeyParametersOid([c])`, "1.3.101.112"},
		{`CertKeyAlgorithmParams([c])`, ""}, {`CertSignatureAlgorithmOid([c])`, "1.3.101.112"}, {`CertKeyAlgorithmParams([curve])`, "06082A8648CE3D030163"},
		{`CertNotBefore([c])`, "12/31/1999 11:59:59 PM"}, {`CertNotAfter([c])`, "12/31/9999 11:59:59 PM"}, {`DateDiff("yyyy", CertNotBefore([example]), CertNotAfter([example]))`, "1"},
		{`IIF(CertThumbprint([c]) = CertHashString([c]), Len(CertThumbprint([c])), 0)`, "40"},
		{`CertNameInfo([c], "SimpleName", False)`, "Ada"}, {`CertNameInfo([c], "EmailName", False)`, "ada@mail"}, {`CertNameInfo([c], "UpnName", False)`, "ada@upn"},
		{`CertNameInfo([c], "DnsName", False)`, "one.example"}, {`CertNameInfo([c], "DnsFromAlternativeName", False)`, "one.example"}, {`CertNameInfo([c], "UrlName", False)`, "https://ada"},
		{`CertNameInfo([c], "SimpleName", True)`, "Trust"}, {`CertNameInfo([c], "EmailName", True)`, "ca@contoso.com"}, {`CertNameInfo([c], "UpnName", True)`, ""},
		{`CertNameInfo([c], "DnsName", True)`, "ca.example"}, {`CertNameInfo([example], "DnsName", False)`, "Ada"}, {`CertNameInfo([example], "DnsFromAlternativeName", False)`, ""},
		{`CertNameInfo([example], "UrlName", False)`, ""}, {`CertNameInfo([mailOnly], "SimpleName", False)`, "a@b"}, {`CertNameInfo([missing], "UpnName", False)`, null},
		{`CertNameInfo([malformed], "UpnName", False)`, fault}, {`CertNameInfo([malformed], "SimpleName", False)`, "Plain"}, {`CertNameInfo([badUPN], "UpnName", False)`, fault},
		{`CertNameInfo([c], [e], False)`, fault}, {`CertNameInfo([c], "UpnName", "perhaps")`, "(refused)"}, {`CertNameInfo([c], "upnname", False)`, "(refused)"}, {`CertNameInfo([c], "UpnName")`, "(refused)"},
		{`CertSubject([missing])`, null}, {`CertSubject([none])`, null}, {`CertSubject([one])`, "CN=Ada, O=Contoso"}, {`CertSubject([two])`, fault}, {`CertSubject(Item([two], 2))`, "CN=Ada, O=Contoso"},
		{`Select($i, [two], CertNameInfo($i, "UpnName", False))`, `["ada@upn","ada@contoso.com"]`},
		{`CertSubject([e])`, fault}, {`CertSubject([n])`, fault}, {`CertSubject([garbage])`, fault}, {`CertSubject([base])`, fault}, {`CertSubject([pem])`, fault}, {`CertSubject([pem64])`, fault},
		{`CertSubject([short])`, fault}, {`CertSubject([long])`, fault}, {`CertSubject([wrapped])`, "CN=Ada, O=Contoso"}, {`CertSubject([c], [c])`, "(refused)"}, {`CertIssuerOid([c])`, null}, {`CertSubjectNameOid([c])`, null}, {`CertSubjectNameOid([garbage])`, fault},
		{`IsCert([c])`, "True"}, {`IsCert([userCertificate;binary])`, "True"}, {`IsCert([one])`, "True"}, {`IsCert([curve])`, "True"}, {`IsCert([two])`, "False"}, {`IsCert([missing])`, "False"}, {`IsCert([e])`, "False"}, {`IsCert([n])`, "False"},
		{`IsCert([garbage])`, "False"}, {`IsCert([pem])`, "False"}, {`IsCert([short])`, "False"}, {`IsCert([long])`, "False"},
	} {
		e, err := Parse(test.expression)
		if err != nil {
			if test.want != "(refused)" {
				t.Errorf("%s: %v", test.expression, err)
			}
			continue
		}
		result, err := e.Evaluate(&Environment{Attribute: directory.NewAttributes(attributes).Get})
		got := result.Value.String()
		var failed *EvaluationError
		switch {
		case errors.As(err, &failed):
			got = fault
		case err != nil:
			t.Errorf("%s: %v", test.expression, err)
			continue
		case result.Value.IsNull():
			got = null
		}
		if got != test.want {
			t.Errorf("%s gives %q (%v), want %q", test.expression, got, err, test.want)
		}
	}
}

// What is wrong with a certificate tells PEM from other things that are none.
func TestCertificateErrors(t *testing.T) {
	for source, want := range map[string]string{"-----BEGIN CERTIFICATE-----\nMIIB": "PEM", "é": "not base64", "MAA=": "no certificate in DER"} {
		if _, problem := readCertificate(source); !strings.Contains(problem, want) {
			t.Errorf("%q: %q, want %q", source, problem, want)
		}
	}
}

// Every function of certificates keeps null and refuses what is none.
func TestCertificateNull(t *testing.T) {
	for _, f := range certificateFunctions {
		if f.Name == "IsCert" {
			continue
		}
		call := strings.Replace(f.Example.Expression, "[userCertificate]", "[c]", 1)
		e, err := Parse(call)
		if err != nil {
			t.Fatal(err)
		}
		if result, err := e.Evaluate(&Environment{Attribute: source().Get}); err != nil || !result.Value.IsNull() {
			t.Errorf("%s of null gives %v, %v", call, result.Value, err)
		}
		var failed *EvaluationError
		if _, err := e.Evaluate(&Environment{Attribute: source("c", "MAA=").Get}); !errors.As(err, &failed) || failed.Function != f.Name || failed.Argument != "certificateRawData" {
			t.Errorf("%s of no certificate gives %v", call, err)
		}
	}
}
