package slapdtest

import (
	"fmt"
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
)

// Where Seed puts people and groups.
const (
	PeopleDN = "ou=people," + Suffix
	GroupsDN = "ou=groups," + Suffix
)

// Groups is how many groups Seed adds.
const Groups = 20

// PersonDN is the DN of person number i, from 1 on.
func PersonDN(i int) string { return fmt.Sprintf("uid=p%05d,%s", i, PeopleDN) }

// GroupDN is the DN of group number g, from 1 on.
func GroupDN(g int) string { return fmt.Sprintf("cn=group%02d,%s", g, GroupsDN) }

// Seed adds people, groups and a few awkward entries.
//
// Person i has the mail p0000i@example.org and a manager among the first tenth;
// each tenth is an intern. Group 1 has everybody, groups 2 to 16 a fifteenth
// each, 17 and 18 each other, 19 the groups 2 and 3, and 20 the group 19.
func (s *Server) Seed(t testing.TB, people int) {
	t.Helper()
	conn := s.Connect(t)
	add := func(dn string, values map[string][]string) {
		t.Helper()
		request := goldap.NewAddRequest(dn, nil)
		for name, list := range values {
			request.Attribute(name, list)
		}
		if err := conn.Add(request); err != nil {
			t.Fatalf("add %s: %v", dn, err)
		}
	}
	for _, dn := range []string{PeopleDN, GroupsDN} {
		add(dn, map[string][]string{"objectClass": {"organizationalUnit"}})
	}
	for i := 1; i <= people; i++ {
		add(PersonDN(i), person(i, people))
	}
	for dn, values := range awkward() {
		values["objectClass"] = []string{"inetOrgPerson"}
		if dn != Untyped {
			values["employeeType"] = []string{"employee"}
		}
		add(dn, values)
	}
	for g := 1; g <= Groups; g++ {
		add(GroupDN(g), map[string][]string{
			"objectClass": {"groupOfNames"}, "cn": {fmt.Sprintf("group%02d", g)}, "member": members(g, people),
		})
	}
}

var (
	givenNames  = []string{"Ada", "Ben", "Chloe", "Dan", "Eva", "Finn", "Gina", "Hugo"}
	familyNames = []string{"Abel", "Berg", "Cole", "Dahl", "Ek", "Fox", "Gray"}
	departments = []string{"Engineering", "Sales", "Finance", "Legal", "Support"}
)

func person(i, people int) map[string][]string {
	uid := fmt.Sprintf("p%05d", i)
	given, family := givenNames[i%len(givenNames)], familyNames[i%len(familyNames)]
	values := map[string][]string{
		"objectClass": {"inetOrgPerson"}, "uid": {uid}, "cn": {fmt.Sprintf("%s %s %d", given, family, i)},
		"givenName": {given}, "sn": {family}, "displayName": {given + " " + family}, "mail": {uid + "@example.org"},
		"employeeNumber": {fmt.Sprint(i)}, "employeeType": {"employee"}, "departmentNumber": {departments[i%len(departments)]},
		"title": {fmt.Sprintf("Title %d", i%9)}, "l": {fmt.Sprintf("City %d", i%5)},
	}
	if i%10 == 0 {
		values["employeeType"] = []string{"intern"}
	}
	if boss := i%(people/10+1) + 1; boss < i {
		values["manager"] = []string{PersonDN(boss)}
	}
	return values
}

func members(g, people int) []string {
	var of []string
	switch {
	case g == 1:
		for i := range people {
			of = append(of, PersonDN(i+1))
		}
	case g < 17:
		for i := g; i <= people; i += 15 {
			of = append(of, PersonDN(i))
		}
	case g == 17:
		of = []string{GroupDN(18), PersonDN(1)}
	case g == 18:
		of = []string{GroupDN(17)}
	case g == 19:
		of = []string{GroupDN(2), GroupDN(3)}
	default:
		of = []string{GroupDN(19)}
	}
	if len(of) == 0 {
		of = []string{PersonDN(1)}
	}
	return of
}

// Odd is the DN of the awkward entry whose name has every character that is to
// be escaped.
const Odd = `cn=O'Brien\2C Pat \22PB\22 \2B co,` + PeopleDN

// Untyped is the DN of the awkward entry that has no employeeType.
const Untyped = "uid=untyped," + PeopleDN

// awkward are entries that a careless reader trips over: accents, a comma and
// quotes in a DN, a leading space, several mail addresses, none, a binary
// value, a value longer than a page.
func awkward() map[string]map[string][]string {
	return map[string]map[string][]string{
		"uid=zoe," + PeopleDN: {"uid": {"zoe"}, "cn": {"Zoë Müller-Øster"}, "givenName": {"Zoë"}, "sn": {"Müller-Øster"}, "mail": {"zoe@example.org"}, "manager": {Odd}},
		Odd: {"uid": {"pat"}, "cn": {`O'Brien, Pat "PB" + co`}, "sn": {"O'Brien"},
			"mail": {"pat@example.org", "pat.obrien@example.org", "PAT@EXAMPLE.ORG.invalid"}},
		Untyped:                  {"uid": {"untyped"}, "cn": {"No Type"}, "sn": {"Type"}, "mail": {"untyped@example.org"}},
		"uid=nomail," + PeopleDN: {"uid": {"nomail"}, "cn": {"No Mail"}, "sn": {" Leading"}},
		"uid=binary," + PeopleDN: {"uid": {"binary"}, "cn": {"Binary Value"}, "sn": {"Value"}, "mail": {"binary@example.org"}, "jpegPhoto": {"\xff\xd8\xff\xe0\x00\x10JFIF"}},
		"uid=long," + PeopleDN:   {"uid": {"long"}, "cn": {"Long Value"}, "sn": {"Value"}, "mail": {"long@example.org"}, "description": {strings.Repeat("x", 20_000)}},
	}
}
