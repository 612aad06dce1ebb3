package sampleapp

import (
	"strings"
	"testing"
)

const ada = `{
	"id": "Ab1", "userName": "Ada", "title": "Countess", "active": true, "level": 7,
	"name": {"givenName": "Ada", "familyName": "Lovelace"},
	"emails": [{"type": "work", "value": "ada@example.com", "primary": true}, {"type": "home", "value": "a@home.example"}],
	"meta": {"created": "2026-01-02T00:00:00Z"},
	"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "R&D", "manager": {"value": "M1"}}
}`

func TestFilters(t *testing.T) {
	resource, err := decode([]byte(ada))
	if err != nil {
		t.Fatal(err)
	}
	for filter, want := range map[string]bool{
		`userName eq "ada"`:                      true,
		`USERNAME Eq "ADA"`:                      true,
		`userName eq "ad"`:                       false,
		`userName ne "bob"`:                      true,
		`userName ne "ada"`:                      false,
		`userName sw "A"`:                        true,
		`userName ew "DA"`:                       true,
		`userName co "d"`:                        true,
		`id eq "Ab1"`:                            true,
		`id eq "ab1"`:                            false,
		`nickName pr`:                            false,
		`title pr`:                               true,
		`name pr`:                                true,
		`nickName eq null`:                       true,
		`title ne null`:                          true,
		`active eq true`:                         true,
		`active eq "true"`:                       false,
		`level gt 6`:                             true,
		`level le 6.5`:                           false,
		`level ge 7`:                             true,
		`level lt 8`:                             true,
		`title gt "Baron"`:                       true,
		`meta.created ge "2026-01-01T00:00:00Z"`: true,
		`name.familyName eq "lovelace"`:          true,
		`emails eq "ada@example.com"`:            true,
		`emails.value sw "a@"`:                   true,
		`emails[type eq "work" and value ew "example.com"]`:         true,
		`emails[type eq "home" and primary eq true]`:                false,
		`userName eq "x" or title sw "C" and active eq true`:        true,
		`(userName eq "x" or title sw "C") and active eq false`:     false,
		`not (userName eq "x")`:                                     true,
		`not(userName eq "ada") or level eq 7`:                      true,
		schemaEnterprise + `:department eq "r&d"`:                   true,
		schemaEnterprise + `:manager.value eq "M1"`:                 true,
		schemaEnterprise + `:manager eq "m1"`:                       false,
		`urn:ietf:params:scim:schemas:core:2.0:User:title sw "Cou"`: true,
		`urn:unknown:x eq "y"`:                                      false,
		`title eq "a \"quote\" \\ \u0041"`:                          false,
	} {
		parsed, err := ParseFilter(filter)
		if err != nil {
			t.Errorf("%s: %v", filter, err)
			continue
		}
		if got := parsed.Matches(resource); got != want {
			t.Errorf("%s: %t", filter, got)
		}
	}
}

func TestFiltersThatAreNone(t *testing.T) {
	for _, filter := range []string{
		"", " ", "userName", "userName eq", `userName eq "a`, `userName is "a"`, `eq "a"`, `userName eq "a" and`, `userName eq "a") `,
		`(userName eq "a"`, `emails[type eq "a"`, `not userName eq "a"`, `userName eq a`, `userName eq "a" userName eq "b"`, `userName eq "\q"`,
		strings.Repeat("(", 100) + `a pr` + strings.Repeat(")", 100),
	} {
		if _, err := ParseFilter(filter); err == nil {
			t.Errorf("%q is taken for a filter", filter)
		}
	}
}

func FuzzParseFilter(f *testing.F) {
	f.Add(`userName eq "a" and not (emails[type eq "work"] pr or urn:x:y gt 1)`)
	f.Add(`a eq "\u00"`)
	resource, err := decode([]byte(ada))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		if parsed, err := ParseFilter(text); err == nil {
			parsed.Matches(resource)
			parsed.equality()
		}
	})
}
