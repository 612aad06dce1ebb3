package ldap

import (
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
)

func TestNormalizeDN(t *testing.T) {
	for _, same := range [][]string{
		{"uid=ada,ou=people,dc=example,dc=org", "UID=Ada, OU=People , DC=Example,DC=ORG", "uid=ada;ou=people;dc=example;dc=org", `uid=\61da,ou=people,dc=example,dc=org`},
		{`cn=O'Brien\2C Pat \22PB\22 \2B co,dc=x`, `CN=o'brien\, pat   \"pb\" \+ CO,dc=x`},
		{"cn=a+uid=b,dc=x", "uid=b+cn=a,dc=x", "uid=B + cn=A,dc=x"},
		{"cn=Zoé,dc=x", "cn=zoe\u0301,dc=x", `cn=Zo\c3\a9,dc=x`, "cn=ZOÉ,dc=x"},
		{"cn=ﬁn,dc=x", "cn=fin,dc=x"},
		{`cn=\#a,dc=x`, `cn=\23A,dc=x`},
		{`cn=a\00b,dc=x`},
		{"cn=#04024869,dc=x", "cn=hi,dc=x"},
		{`cn=\ff,dc=x`},
		{`cn=\fe,dc=x`},
		{`cn=,dc=x`},
		{`cn=a\,dc\=x`},
		{`cn=a,dc=x`},
	} {
		want := normal(t, same[0])
		for _, dn := range same[1:] {
			if got := normal(t, dn); got != want {
				t.Errorf("%q is %q, %q is %q", dn, got, same[0], want)
			}
		}
	}
	seen := make(map[string]string)
	for _, dn := range []string{"cn=a,dc=x", `cn=a\,dc=x`, "cn=a b,dc=x", "cn=ab,dc=x", "cn=a+cn=b,dc=x", `cn=a\+cn=b,dc=x`, `cn=\ff,dc=x`, `cn=\fe,dc=x`, "cn=a", "cn=a,dc=x,dc=x"} {
		got := normal(t, dn)
		if other, twice := seen[got]; twice {
			t.Errorf("%q and %q are both %q", dn, other, got)
		}
		seen[got] = dn
	}
	for _, dn := range []string{"", " ", "ada", "cn", "=x,dc=", "cn=a,", "cn=a\\", `cn=\zz`, "cn=a,,dc=x", `cn="a"`, "cn=" + strings.Repeat("x", maxDN)} {
		if got, err := NormalizeDN(dn); err == nil {
			t.Errorf("%.40q is %.40q", dn, got)
		}
	}
}

// A normalised name is a name, holds no NUL, and stays as it is.
func FuzzNormalizeDN(f *testing.F) {
	for _, dn := range []string{"uid=ada,dc=x", `cn=a\,b\2c+sn=#0402,dc=x`, `cn= \ `, "cn=é", "cn=\u0301a", `cn=a\00`, "1.2.3=x", "cn=ŉ ǰ ß"} {
		f.Add(dn)
	}
	f.Fuzz(func(t *testing.T, dn string) {
		once, err := NormalizeDN(dn)
		if err != nil {
			return
		}
		if once == "" || strings.ContainsRune(once, 0) || len(once) > maxDN {
			t.Fatalf("%q is %q", dn, once)
		}
		parsed, err := goldap.ParseDN(once)
		if err != nil {
			t.Fatalf("%q is %q: %v", dn, once, err)
		}
		before, err := goldap.ParseDN(dn)
		if err != nil || len(before.RDNs) != len(parsed.RDNs) {
			t.Fatalf("%q has another number of parts than %q", dn, once)
		}
	})
}
