package ldap

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/sourcetest"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

func TestConformance(t *testing.T) {
	for _, way := range []string{incrementalSyncrepl, incrementalTimestamp, incrementalFull, incrementalAuto} {
		t.Run(way, func(t *testing.T) {
			sourcetest.Run(t, func(t *testing.T) (connector.Source, sourcetest.Fixture) {
				tr := plant(t)
				boss, bossAnchor := tr.person("boss", "mail", "boss@example.org", "mail", "chief@example.org")
				zoe, zoeAnchor := tr.person("zoé", "mail", "zoe@example.org", "title", "Engineer", "manager", boss)
				inner, innerAnchor := tr.group("inner", zoe)
				_, outerAnchor := tr.group("outer", inner, boss)
				object := func(typ, anchor string, values map[string]directory.Value) directory.Object {
					return directory.Object{Key: directory.Key{Type: typ, Anchor: anchor}, Attributes: directory.NewAttributes(values)}
				}
				edge := func(typ, holder, attribute, to string) directory.Edge {
					return directory.Edge{Holder: directory.Key{Type: typ, Anchor: holder}, Attribute: attribute, To: directory.Ref{By: "dn", Value: normal(t, to)}}
				}
				front := between(t, nil)
				source := tr.source(map[string]any{"url": "ldap://" + front.Address, "incremental": way})
				return source, sourcetest.Fixture{
					Types: both,
					Objects: []directory.Object{
						object(directory.User, bossAnchor, map[string]directory.Value{
							"uid": directory.Text("boss"), "mail": directory.Texts("boss@example.org", "chief@example.org"), "entryUUID": directory.Text(bossAnchor),
						}),
						object(directory.User, zoeAnchor, map[string]directory.Value{"mail": directory.Text("zoe@example.org"), "title": directory.Text("Engineer")}),
						object(directory.Group, innerAnchor, map[string]directory.Value{"cn": directory.Text("inner")}),
						object(directory.Group, outerAnchor, map[string]directory.Value{"cn": directory.Text("outer"), "objectClass": directory.Text("groupOfNames")}),
					},
					Edges: []directory.Edge{
						edge(directory.User, zoeAnchor, "manager", boss),
						edge(directory.Group, innerAnchor, "members", zoe),
						edge(directory.Group, outerAnchor, "members", inner),
						edge(directory.Group, outerAnchor, "members", boss),
					},
					Finds: []sourcetest.Find{
						{Type: directory.User, Attribute: "uid", Value: "zoé", Anchors: []string{zoeAnchor}},
						{Type: directory.User, Attribute: "mail", Value: "Chief@example.org", Anchors: []string{bossAnchor}},
						{Type: directory.Group, Attribute: "cn", Value: "outer", Anchors: []string{outerAnchor}},
						{Type: directory.User, Attribute: "userPrincipalName", Value: "zoé"},
						{Type: directory.User, Attribute: "mail", Value: "zoé@example.org"},
					},
					Change: func(t *testing.T) directory.Object {
						tr.replace(zoe, "title", "Lead")
						return object(directory.User, zoeAnchor, map[string]directory.Value{"title": directory.Text("Lead")})
					},
					Break: func(*testing.T) { front.Close() },
				}
			})
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	const users = `"page_size":500,"incremental":"auto","users":{"base_dn":"dc=example,dc=org","filter":"(a=b)","scope":"sub"}`
	for name, test := range map[string]struct{ block, want string }{
		"no json":          {`{`, "EOF"},
		"unknown":          {`{"url":"ldaps://h","uesrs":{}}`, "uesrs"},
		"no url":           {`{` + users + `}`, "url is missing"},
		"http":             {`{"url":"http://h",` + users + `}`, "ldaps:// or ldap://"},
		"no host":          {`{"url":"ldaps://",` + users + `}`, "host name"},
		"password in url":  {`{"url":"ldaps://u:hunter2@h",` + users + `}`, "provisioning_credential"},
		"base in url":      {`{"url":"ldaps://h/dc=x",` + users + `}`, "more than host and port"},
		"both kinds":       {`{"url":"ldaps://h","start_tls":true,` + users + `}`, "start_tls is for ldap://"},
		"clear text":       {`{"url":"ldap://ldap.example.com",` + users + `}`, "set start_tls = true"},
		"ca of no use":     {`{"url":"ldap://localhost","ca_certificate":"x",` + users + `}`, "of no use"},
		"no certificate":   {`{"url":"ldaps://h","ca_certificate":"x",` + users + `}`, "holds no certificate"},
		"nothing to read":  {`{"url":"ldaps://h"}`, "neither users nor groups"},
		"no base":          {`{"url":"ldaps://h","users":{}}`, "users.base_dn is missing"},
		"base":             {`{"url":"ldaps://h","groups":{"base_dn":"people"}}`, "groups.base_dn"},
		"filter":           {`{"url":"ldaps://h","users":{"base_dn":"dc=x","filter":"(a=b"}}`, "RFC 4515"},
		"scope":            {`{"url":"ldaps://h","users":{"base_dn":"dc=x","filter":"(a=b)","scope":"base"}}`, "sub or one"},
		"page":             {`{"url":"ldaps://h",` + users + `,"page_size":20000}`, "page_size"},
		"no page":          {`{"url":"ldaps://h",` + users + `,"page_size":0}`, "page_size"},
		"way":              {`{"url":"ldaps://h",` + users + `,"incremental":"dirsync"}`, "incremental"},
		"members":          {`{"url":"ldaps://h","groups":{"base_dn":"dc=x","filter":"(a=b)","scope":"sub","members":"a b"}}`, "a b"},
		"members of users": {`{"url":"ldaps://h","users":{"base_dn":"dc=x","filter":"(a=b)","scope":"sub","members":"member"}}`, "only groups"},
		"reference":        {`{"url":"ldaps://h","users":{"base_dn":"dc=x","filter":"(a=b)","scope":"one","references":{"manager":""}}}`, "manager"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(connector.Options{Connection: []byte(test.block), Credential: basic("cn=x", "y")})
			if failed := failure(t, err); !strings.Contains(failed.Detail, test.want) || strings.Contains(failed.Detail, "hunter2") {
				t.Errorf("the error is %q, want %q in it", failed.Detail, test.want)
			}
		})
	}
	_, err := Open(connector.Options{Connection: []byte(`{"url":"ldaps://h",` + users + `}`), Credential: connector.Credential{Kind: "bearer"}})
	if failed := failure(t, err); !strings.Contains(failed.Detail, "basic") {
		t.Errorf("a bearer credential: %q", failed.Detail)
	}
	for _, url := range []string{"ldap://127.0.0.1", "ldap://[::1]:3389", "ldap://localhost", "ldaps://ldap.example.com", "ldaps://ldap.example.com/"} {
		if _, err := Open(connector.Options{Connection: []byte(`{"url":"` + url + `",` + users + `}`), Credential: basic("cn=x", "y")}); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	if _, err := Open(connector.Options{Connection: []byte(`{"url":"ldap://ldap.example.com",` + users + `}`)}); err != nil {
		t.Errorf("anonymous: %v", err)
	}
}

func TestAwkwardEntries(t *testing.T) {
	tr := plant(t)
	photo := "\xff\xd8\xff\xe0\x00\x10JFIF"
	long := strings.Repeat("x", 20_000)
	odd := `cn=O'Brien\2C Pat \22PB\22 \2B co,` + tr.people
	tr.add(odd, "objectClass", "inetOrgPerson", "uid", "pat", "cn", `O'Brien, Pat "PB" + co`, "sn", " leading",
		"mail", "pat@example.org", "mail", "pat.obrien@example.org", "userPassword", "hunter2", "description;lang-de", "hallo")
	_, binary := tr.person("binary", "jpegPhoto", photo, "description", long)
	_, multi := tr.person("multi", "manager", odd, "manager", "uid=nobody,"+suffix)
	tr.add(`cn=a\,b,`+tr.groups, "objectClass", "groupOfNames", "cn", "a,b", "member", "CN=o'brien\\, pat   \\\"pb\\\" \\+ CO , "+tr.people)
	pat, group := tr.anchor(odd), tr.anchor(`cn=a\,b,`+tr.groups)

	for _, way := range []string{incrementalSyncrepl, incrementalTimestamp} {
		t.Run(way, func(t *testing.T) {
			var g given
			lines := searches(t, tr.base, func() {
				g = mustRead(t, tr.source(map[string]any{"incremental": way}), nil)
			})
			text := func(anchor, name string) string {
				value, found := g.whole[anchor].Get(name)
				if !found {
					return "absent"
				}
				return value.String()
			}
			for _, test := range []struct{ anchor, name, want string }{
				{pat, "cn", `O'Brien, Pat "PB" + co`},
				{pat, "sn", " leading"},
				{pat, "mail", `["pat@example.org","pat.obrien@example.org"]`},
				{pat, "description;lang-de", "hallo"},
				{pat, "userPassword", "absent"},
				{pat, "entryUUID", pat},
				{pat, "modifyTimestamp", "absent"},
				{binary, "jpegPhoto", base64.StdEncoding.EncodeToString([]byte(photo))},
				{binary, "description", long},
				{multi, "manager", "absent"},
				{group, "cn", "a,b"},
				{group, "member", "absent"},
			} {
				if got := text(test.anchor, test.name); got != test.want {
					t.Errorf("%s is %.80q, want %.80q", test.name, got, test.want)
				}
			}
			edges := []string{
				fmt.Sprintf("%s -manager-> %s", multi, g.names[pat]),
				fmt.Sprintf("%s -manager-> uid=nobody,%s", multi, suffix),
				fmt.Sprintf("%s -members-> %s", group, g.names[pat]),
			}
			slices.Sort(edges)
			if !slices.Equal(g.edges, edges) {
				t.Errorf("the edges are %q, want %q", g.edges, edges)
			}
			if len(g.result.Problems) > 0 {
				t.Errorf("problems: %v", g.result.Problems)
			}
			if asked := strings.Join(lines, "\n"); strings.Contains(strings.ToLower(asked), "password") || !strings.Contains(asked, "jpegPhoto") {
				t.Errorf("it was asked for: %s", asked)
			}
		})
	}
}

func TestObjectsThatFailAlone(t *testing.T) {
	tr := plant(t)
	_, long := tr.person("long", "description", strings.Repeat("x", maxText+1))
	_, well := tr.person("well")
	for _, way := range []string{incrementalSyncrepl, incrementalTimestamp} {
		g := mustRead(t, tr.source(map[string]any{"incremental": way}), nil)
		if _, whole := g.whole[well]; !whole || !g.seen[long] || len(g.whole) != 1 {
			t.Errorf("%s: whole %v, seen %v", way, g.whole, g.seen)
		}
		if len(g.result.Problems) != 1 || g.result.Problems[0].Key.Anchor != long || !strings.Contains(g.result.Problems[0].Detail, "description") {
			t.Errorf("%s: problems %v", way, g.result.Problems)
		}
		if g.result.Coverage[directory.User] != connector.Complete {
			t.Errorf("%s: the coverage is %v", way, g.result.Coverage)
		}
	}
}
