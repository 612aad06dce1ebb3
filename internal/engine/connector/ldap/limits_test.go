package ldap

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// The reader gets at most 100 entries of a search, or of a page.
func TestLimits(t *testing.T) {
	tr := plant(t)
	var members []string
	for i := range 130 {
		dn, _ := tr.person(fmt.Sprintf("p%03d", i))
		members = append(members, dn)
	}
	tr.group("everybody", members...)
	as := func(account string, settings map[string]any) connector.Source {
		options := tr.options(settings)
		options.Credential = credentialOf(account)
		return open(t, options)
	}

	for name, source := range map[string]connector.Source{
		"a page of the limit":    as("reader", map[string]any{"page_size": 100}),
		"a small page":           as("reader", map[string]any{"page_size": 1}),
		"synchronized":           as("replica", map[string]any{"incremental": incrementalSyncrepl}),
		"one page for all":       as("replica", map[string]any{"incremental": incrementalTimestamp}),
		"a page of all, exactly": as("replica", map[string]any{"incremental": incrementalTimestamp, "page_size": 130}),
	} {
		g := mustRead(t, source, nil)
		if len(g.whole) != 131 || len(g.edges) != 130 || g.result.Coverage[directory.User] != connector.Complete {
			t.Errorf("%s: %d objects, %d references, %v", name, len(g.whole), len(g.edges), g.result.Coverage)
		}
	}

	for name, test := range map[string]struct {
		settings     map[string]any
		code, advice string
	}{
		"a page beyond the limit": {nil, codeIncomplete, "page_size"},
		"no synchronization":      {map[string]any{"incremental": incrementalSyncrepl}, codeSource, "incremental"},
	} {
		g, err := readAll(t, as("reader", test.settings), nil)
		failed := failure(t, err)
		if failed.Code != test.code || !strings.Contains(failed.Advice, test.advice) {
			t.Errorf("%s: %v, %s", name, failed, failed.Advice)
		}
		if g.result.Next != nil || len(g.result.Coverage) > 0 {
			t.Errorf("%s: a failed read claims %+v", name, g.result)
		}
	}

	if found, err := as("reader", map[string]any{"page_size": 50}).Find(t.Context(), directory.User, "objectClass", "inetOrgPerson"); err != nil || len(found) != 130 {
		t.Errorf("find: %d objects, %v", len(found), err)
	}
}

func TestScopes(t *testing.T) {
	tr := plant(t)
	tr.add("ou=deep,"+tr.people, "objectClass", "organizationalUnit")
	_, top := tr.person("top")
	tr.add("uid=deep,ou=deep,"+tr.people, "objectClass", "inetOrgPerson", "cn", "x", "sn", "x")
	for scope, want := range map[string]int{"one": 1, "sub": 2} {
		g := mustRead(t, tr.source(map[string]any{"users": map[string]any{"base_dn": tr.people, "scope": scope}}), nil)
		if len(g.whole) != want || g.whole[top] == nil {
			t.Errorf("%s: %d objects", scope, len(g.whole))
		}
	}
}

func TestOtherAttributesOfReferences(t *testing.T) {
	tr := plant(t)
	ada, adaAnchor := tr.person("ada", "seeAlso", "cn=home,"+suffix)
	tr.add("cn=g,"+tr.groups, "objectClass", "groupOfUniqueNames", "cn", "g", "uniqueMember", ada)
	g := mustRead(t, tr.source(map[string]any{
		"groups": map[string]any{"filter": "(objectClass=groupOfUniqueNames)", "members": "uniquemember"},
		"users":  map[string]any{"references": map[string]string{"home": "seeAlso"}},
	}), nil)
	want := []string{
		fmt.Sprintf("%s -home-> cn=home,%s", adaAnchor, suffix),
		fmt.Sprintf("%s -members-> %s", tr.anchor("cn=g,"+tr.groups), normal(t, ada)),
	}
	slices.Sort(want)
	if !slices.Equal(g.edges, want) {
		t.Errorf("the references are %q, want %q", g.edges, want)
	}
}

// What another server holds is not read, and nobody counts as gone.
func TestReferrals(t *testing.T) {
	tr := plant(t)
	_, ada := tr.person("ada")
	tr.add("ou=elsewhere,"+tr.people, "objectClass", "referral", "objectClass", "extensibleObject", "ou", "elsewhere",
		"ref", "ldap://127.0.0.1:1/ou=people,dc=elsewhere")
	for _, way := range []string{incrementalAuto, incrementalTimestamp, incrementalFull} {
		t.Run(way, func(t *testing.T) {
			source := tr.source(map[string]any{"incremental": way})
			var since connector.Watermark
			for _, when := range []string{"first", "then"} {
				tr.replace("uid=ada,"+tr.people, "title", way+when)
				g := mustRead(t, source, since)
				since = g.result.Next
				if g.whole[ada] == nil || g.result.Coverage[directory.User] != connector.ChangesOnly {
					t.Errorf("%s: %v, %v", when, g.whole, g.result.Coverage)
				}
				problems := g.result.Problems
				if len(problems) != 1 || problems[0].Key != (directory.Key{Type: directory.User}) || problems[0].Code != codeIncomplete {
					t.Errorf("%s: problems %+v", when, problems)
				}
			}
			findings, err := source.Test(t.Context())
			if err != nil || !slices.ContainsFunc(findings, func(f connector.Finding) bool {
				return f.Severity == connector.SeverityWarning && strings.Contains(f.Detail, "Referrals")
			}) {
				t.Errorf("findings %+v, %v", findings, err)
			}
		})
	}
	inside := tr.source(map[string]any{"users": map[string]any{"base_dn": "ou=elsewhere," + tr.people}})
	_, err := readAll(t, inside, nil)
	if failed := failure(t, err); failed.Code != codeIncomplete || !strings.Contains(failed.Advice, "url") {
		t.Errorf("below the referral: %v", failed)
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	tr := plant(t)
	tr.person("ada")
	for name, test := range map[string]struct {
		settings   map[string]any
		credential connector.Credential
		class      connector.Class
		code, want string
	}{
		"no such base": {map[string]any{"users": map[string]any{"base_dn": "ou=nowhere," + tr.base}}, credentialOf("replica"), connector.Fatal, codeSource, "ou=nowhere"},
		"password":     {nil, basic("cn=replica,"+suffix, "hunter2"), connector.Denied, codeDenied, "bind as cn=replica"},
		"no password":  {nil, basic("cn=replica,"+suffix, ""), connector.Denied, codeDenied, "empty"},
		"anonymous":    {nil, connector.Credential{}, connector.Fatal, codeSource, ""},
		"no server":    {map[string]any{"url": "ldap://127.0.0.1:1"}, credentialOf("replica"), connector.Transient, codeUnavailable, "127.0.0.1:1"},
		"link-local":   {map[string]any{"url": "ldaps://169.254.169.254"}, credentialOf("replica"), connector.Fatal, codeSource, "link-local"},
	} {
		t.Run(name, func(t *testing.T) {
			options := tr.options(test.settings)
			options.Credential = test.credential
			source := open(t, options)
			_, err := readAll(t, source, nil)
			failed := failure(t, err)
			if failed.Class != test.class || failed.Code != test.code || !strings.Contains(failed.Detail, test.want) || failed.Advice == "" {
				t.Errorf("%#v", failed)
			}
			if strings.Contains(fmt.Sprintf("%+v %s", failed, failed.Error()), "hunter2") {
				t.Error("the password is in the error")
			}
			if _, err := source.Test(t.Context()); err == nil {
				t.Error("the test of the connection finds nothing wrong")
			}
		})
	}
}

func TestFindings(t *testing.T) {
	tr := plant(t)
	tr.person("ada")
	summaries := func(settings map[string]any) string {
		findings, err := tr.source(settings).Test(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, finding := range findings {
			all = append(all, fmt.Sprintf("%s: %s", finding.Severity, finding.Summary))
		}
		return strings.Join(all, "\n")
	}
	got := summaries(nil)
	for _, want := range []string{"info: users: 1 of type User", "warning: No groups are found", "info: Changes are read by content synchronization"} {
		if !strings.Contains(got, want) {
			t.Errorf("the findings are\n%s\nwant %q in them", got, want)
		}
	}
	if got := summaries(map[string]any{"incremental": incrementalTimestamp}); !strings.Contains(got, "by modifyTimestamp") {
		t.Errorf("by time: %s", got)
	}
	if got := summaries(map[string]any{"incremental": incrementalFull}); !strings.Contains(got, "reads everything") {
		t.Errorf("full: %s", got)
	}
}

func TestFindAsksNobodysSecrets(t *testing.T) {
	tr := plant(t)
	_, ada := tr.person("ada", "userPassword", "hunter2", "description", `a*(b)\c`)
	source := tr.source(nil)
	for _, test := range []struct {
		attribute, value string
		found            bool
	}{
		{"userPassword", "hunter2", false},
		{"description", `a*(b)\c`, true},
		{"description", "a*", false},
		{"uid", "*", false},
		{"uid", "", false},
		{"uid)(objectClass=*", "ada", false},
		{directory.ByAnchor, ada, true},
		{directory.ByAnchor, strings.ToUpper(ada), false},
		{directory.ByAnchor, "*", false},
	} {
		found, err := source.Find(t.Context(), directory.User, test.attribute, test.value)
		if err != nil || (len(found) > 0) != test.found {
			t.Errorf("%s=%q: %d found, %v", test.attribute, test.value, len(found), err)
		}
	}
	schema, err := source.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	user, _ := schema.Type(directory.User)
	for name, want := range map[string]directory.Definition{
		"mail":        {Name: "mail", Type: directory.TypeString, MultiValued: true},
		"displayName": {Name: "displayName", Type: directory.TypeString},
		"jpegPhoto":   {Name: "jpegPhoto", Type: directory.TypeBinary, MultiValued: true},
	} {
		if got, _ := user.Attribute(name); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s is %+v, want %+v", name, got, want)
		}
	}
	if _, has := user.Attribute("userPassword"); has {
		t.Error("the schema offers userPassword")
	}
}
