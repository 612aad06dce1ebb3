package ldap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"
	"go.uber.org/goleak"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/ldap/slapdtest"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

const suffix = slapdtest.Suffix

var both = []string{directory.User, directory.Group}

// slapd is the OpenLDAP server that all tests share.
var slapd struct {
	once             sync.Once
	server           *slapdtest.Server
	wrong            error
	ldap, ldaps, log string // addresses, and the file of all operations
	ca               string // PEM
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "slapd")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	slapdDir = dir
	code := m.Run()
	if slapd.server != nil {
		if err := slapd.server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.RemoveAll(dir)
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// slapdDir is where the server keeps everything.
var slapdDir string

// needServer starts the server.
func needServer(t testing.TB) {
	t.Helper()
	slapd.once.Do(func() {
		server, err := slapdtest.Start(slapdDir)
		if slapd.wrong = err; err == nil {
			slapd.server, slapd.ldap, slapd.ldaps, slapd.log, slapd.ca = server, server.LDAP, server.LDAPS, server.Log, server.CA
		}
	})
	slapdtest.Need(t, slapd.wrong)
}

// between starts a proxy before the server; nil for no fault.
func between(t testing.TB, fault func(total int, chunk []byte) (pass []byte, end bool)) *slapdtest.Proxy {
	t.Helper()
	needServer(t)
	return slapdtest.Before(t, slapd.ldap, fault)
}

// tree is a part of the directory that one test has for itself.
type tree struct {
	t              testing.TB
	base           string
	people, groups string
	writer         *goldap.Conn
}

var notName = regexp.MustCompile(`[^A-Za-z0-9]+`)

func plant(t testing.TB) *tree {
	t.Helper()
	needServer(t)
	writer := slapd.server.Connect(t)
	base := "ou=" + notName.ReplaceAllString(t.Name(), "-") + "," + suffix
	tr := &tree{t: t, base: base, people: "ou=people," + base, groups: "ou=groups," + base, writer: writer}
	for _, dn := range []string{tr.base, tr.people, tr.groups} {
		tr.add(dn, "objectClass", "organizationalUnit")
	}
	t.Cleanup(tr.fell)
	return tr
}

// fell removes the tree.
func (tr *tree) fell() {
	request := goldap.NewSearchRequest(tr.base, goldap.ScopeWholeSubtree, goldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"1.1"},
		[]goldap.Control{goldap.NewControlManageDsaIT(true)})
	found, err := tr.writer.Search(request)
	if err != nil {
		tr.t.Error(err)
		return
	}
	slices.Reverse(found.Entries)
	for _, entry := range found.Entries {
		if err := tr.writer.Del(&goldap.DelRequest{DN: entry.DN, Controls: request.Controls}); err != nil {
			tr.t.Error(err)
		}
	}
}

// add adds an entry of names and values in turn.
func (tr *tree) add(dn string, namesAndValues ...string) {
	tr.t.Helper()
	request := goldap.NewAddRequest(dn, nil)
	values := make(map[string][]string)
	for i := 0; i < len(namesAndValues); i += 2 {
		values[namesAndValues[i]] = append(values[namesAndValues[i]], namesAndValues[i+1])
	}
	for name, list := range values {
		request.Attribute(name, list)
	}
	if err := tr.writer.Add(request); err != nil {
		tr.t.Fatalf("add %s: %v", dn, err)
	}
}

// person adds a person, and gives its DN and anchor.
func (tr *tree) person(uid string, more ...string) (dn, anchor string) {
	tr.t.Helper()
	dn = "uid=" + uid + "," + tr.people
	tr.add(dn, append([]string{"objectClass", "inetOrgPerson", "uid", uid, "cn", uid, "sn", "of " + uid}, more...)...)
	return dn, tr.anchor(dn)
}

// group adds a group.
func (tr *tree) group(cn string, members ...string) (dn, anchor string) {
	tr.t.Helper()
	dn = "cn=" + cn + "," + tr.groups
	more := []string{"objectClass", "groupOfNames", "cn", cn}
	for _, member := range members {
		more = append(more, "member", member)
	}
	tr.add(dn, more...)
	return dn, tr.anchor(dn)
}

func (tr *tree) anchor(dn string) string {
	tr.t.Helper()
	found, err := tr.writer.Search(goldap.NewSearchRequest(dn, goldap.ScopeBaseObject, goldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"entryUUID"}, nil))
	if err != nil {
		tr.t.Fatal(err)
	}
	return found.Entries[0].GetAttributeValue("entryUUID")
}

func (tr *tree) replace(dn, name string, values ...string) {
	tr.t.Helper()
	request := goldap.NewModifyRequest(dn, nil)
	request.Replace(name, values)
	if err := tr.writer.Modify(request); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr *tree) remove(dn string) {
	tr.t.Helper()
	if err := tr.writer.Del(goldap.NewDelRequest(dn, nil)); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr *tree) rename(dn, rdn, above string) {
	tr.t.Helper()
	if err := tr.writer.ModifyDN(goldap.NewModifyDNRequest(dn, rdn, true, above)); err != nil {
		tr.t.Fatal(err)
	}
}

// nextSecond waits until the server's clock, which is this machine's, shows
// another second: timestamps tell no less apart.
func nextSecond() {
	for begin := time.Now().Unix(); time.Now().Unix() == begin; {
		time.Sleep(5 * time.Millisecond)
	}
}

// options are those of a source that reads the tree as the replica, over plain
// LDAP. settings take the place of those of the block.
func (tr *tree) options(settings map[string]any) connector.Options {
	tr.t.Helper()
	block := map[string]any{
		"url": "ldap://" + slapd.ldap, "page_size": 500, "incremental": incrementalAuto,
		"users": map[string]any{
			"base_dn": tr.people, "filter": "(objectClass=inetOrgPerson)", "scope": "sub", "references": map[string]string{"manager": "manager"},
		},
		"groups": map[string]any{"base_dn": tr.groups, "filter": "(objectClass=groupOfNames)", "scope": "sub", "members": "member"},
	}
	for name, value := range settings {
		if of, nested := value.(map[string]any); nested {
			maps.Copy(block[name].(map[string]any), of)
		} else {
			block[name] = value
		}
	}
	encoded, err := json.Marshal(block)
	if err != nil {
		tr.t.Fatal(err)
	}
	return connector.Options{Connection: encoded, Credential: credentialOf("replica")}
}

func credentialOf(name string) connector.Credential {
	return basic("cn="+name+","+suffix, "secret")
}

func basic(dn, password string) connector.Credential {
	text := func(text string) connector.Secret {
		return func(context.Context) (string, error) { return text, nil }
	}
	return connector.Credential{Kind: "basic", Fields: map[string]connector.Secret{"username": text(dn), "password": text(password)}}
}

func (tr *tree) source(settings map[string]any) connector.Source {
	tr.t.Helper()
	return open(tr.t, tr.options(settings))
}

func open(t testing.TB, options connector.Options) connector.Source {
	t.Helper()
	source, err := Open(options)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// searches gives the lines of the searches and of what they asked for that the
// server has logged since f began, for the base.
func searches(t testing.TB, base string, f func()) []string {
	t.Helper()
	before, err := os.ReadFile(slapd.log)
	if err != nil {
		t.Fatal(err)
	}
	f()
	after, err := os.ReadFile(slapd.log)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	wanted := false
	for _, line := range strings.Split(string(after[len(before):]), "\n") {
		if strings.Contains(line, " SRCH base=") {
			wanted = strings.Contains(line, base)
		}
		if wanted && strings.Contains(line, " SRCH ") {
			lines = append(lines, line)
		}
	}
	return lines
}

// given is what one Read gave, in short form.
type given struct {
	result connector.ReadResult
	whole  map[string]directory.Attributes // by anchor
	seen   map[string]bool
	edges  []string // holder -attribute-> name
	names  map[string]string
}

func readAll(t testing.TB, source connector.Source, since connector.Watermark, types ...string) (given, error) {
	t.Helper()
	if types == nil {
		types = both
	}
	g := given{whole: make(map[string]directory.Attributes), seen: make(map[string]bool), names: make(map[string]string)}
	var err error
	g.result, err = source.Read(t.Context(), connector.ReadRequest{Since: since, Types: types}, func(change connector.Change) error {
		switch change.Kind {
		case connector.Whole:
			g.whole[change.Object.Anchor] = change.Object.Attributes
			g.names[change.Object.Anchor] = change.Aliases[0].Value
		case connector.Seen:
			g.seen[change.Object.Anchor] = true
		case connector.EdgeAdded:
			edge := fmt.Sprintf("%s -%s-> %s", change.Edge.Holder.Anchor, change.Edge.Attribute, change.Edge.To.Value)
			if !slices.Contains(g.edges, edge) {
				g.edges = append(g.edges, edge)
			}
		default:
			t.Errorf("a change of kind %d", change.Kind)
		}
		return nil
	})
	slices.Sort(g.edges)
	return g, err
}

func mustRead(t testing.TB, source connector.Source, since connector.Watermark, types ...string) given {
	t.Helper()
	g, err := readAll(t, source, since, types...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func failure(t testing.TB, err error) *connector.Error {
	t.Helper()
	var failed *connector.Error
	if !errors.As(err, &failed) {
		t.Fatalf("the error is %v, want a *connector.Error", err)
	}
	if failed.Class == "" || failed.Code == "" || failed.Detail == "" {
		t.Errorf("the error tells too little: %#v", failed)
	}
	return failed
}

func normal(t testing.TB, dn string) string {
	t.Helper()
	name, err := NormalizeDN(dn)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// listen gives a listener on the loopback interface.
func listen(t testing.TB) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}
