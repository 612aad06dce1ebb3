package engine_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	neturl "net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/scim/peer"
)

// product is a SCIM server that is not ours, seen through its own API.
type product struct {
	t        testing.TB
	url      string // as the engine reaches it
	secret   string
	requests atomic.Int64 // of the engine and of the test
	members  func(groupID string) []string
	ignores  string // what it does not keep, of which the log tells
}

// behind puts a proxy before a server, which counts requests.
func behind(t testing.TB, url, secret string) *product {
	t.Helper()
	address, err := neturl.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	p := &product{t: t, secret: secret}
	proxy := httputil.NewSingleHostReverseProxy(&neturl.URL{Scheme: address.Scheme, Host: address.Host})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.requests.Add(1)
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	p.url = server.URL + address.Path
	return p
}

// call sends one request and decodes the answer.
func (p *product) call(method, address string, body, into any) {
	p.t.Helper()
	var sent bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&sent).Encode(body); err != nil {
			p.t.Fatal(err)
		}
	}
	request, err := http.NewRequestWithContext(p.t.Context(), method, address, &sent)
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+p.secret)
	request.Header.Set("Content-Type", "application/scim+json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil || answer.StatusCode >= 300 {
		p.t.Fatalf("%s %s: %d %v", method, address, answer.StatusCode, err)
	}
}

type resource struct {
	ID          string `json:"id"`
	UserName    string `json:"userName"`
	DisplayName string `json:"displayName"`
	Title       string `json:"title"`
	Active      *bool  `json:"active"`
	Emails      []struct{ Type, Value string }
	Enterprise  struct {
		Department string
		Manager    struct{ Value string }
	} `json:"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`
	Members []struct{ Value string }
}

func (p *product) list(endpoint string) []resource {
	p.t.Helper()
	var page struct{ Resources []resource }
	p.call(http.MethodGet, p.url+"/"+endpoint, nil, &page)
	return page.Resources
}

// account is what the product holds of a user, the manager by user name.
type account struct {
	active                           bool
	title, mail, department, manager string
}

func (p *product) accounts() map[string]account {
	p.t.Helper()
	list := p.list("Users")
	names := map[string]string{}
	for _, u := range list {
		names[u.ID] = strings.ToLower(u.UserName)
	}
	accounts := map[string]account{}
	for _, u := range list {
		a := account{
			active: u.Active == nil || *u.Active, title: u.Title, department: u.Enterprise.Department, manager: names[u.Enterprise.Manager.Value],
		}
		for _, m := range u.Emails {
			a.mail += m.Value
		}
		if _, twice := accounts[names[u.ID]]; twice {
			p.t.Errorf("%s has two accounts", u.UserName)
		}
		accounts[names[u.ID]] = a
	}
	return accounts
}

// in gives the user names of a group's members.
func (p *product) in(group string) []string {
	p.t.Helper()
	users := map[string]string{}
	for _, u := range p.list("Users") {
		users[u.ID] = strings.ToLower(u.UserName)
	}
	names := []string{}
	for _, g := range p.list("Groups") {
		if g.DisplayName == group {
			for _, id := range p.members(g.ID) {
				names = append(names, users[id])
			}
		}
	}
	slices.Sort(names)
	return names
}

// TestQuickstartWithProductsThatAreNotOurs provisions to servers made by
// others, from the first cycle to a second store.
func TestQuickstartWithProductsThatAreNotOurs(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) *product{
		"scimmy-routers": func(t *testing.T) *product {
			p := behind(t, peer.Scimmy(t, "express", token)+"/1/scim", token)
			p.members = func(groupID string) (ids []string) {
				var group resource
				p.call(http.MethodGet, p.url+"/Groups/"+groupID, nil, &group)
				for _, m := range group.Members {
					ids = append(ids, m.Value)
				}
				return ids
			}
			return p
		},
		"SAML Jackson": func(t *testing.T) *product {
			url, secret := peer.Jackson(t)
			p := behind(t, url, secret)
			p.ignores = "externalId"                          // of groups
			p.members = func(groupID string) (ids []string) { // never shown over SCIM
				address, _, _ := strings.Cut(p.url, "/api/")
				p.call(http.MethodGet, address+"/members/"+groupID, nil, &ids)
				return ids
			}
			return p
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			provisionTo(t, open(t))
		})
	}
}

func provisionTo(t *testing.T, p *product) {
	var seeded resource
	p.call(http.MethodPost, p.url+"/Users", map[string]any{
		"schemas":  []string{"urn:ietf:params:scim:schemas:core:2.0:User"},
		"userName": "Ada@Example.com", "title": "Guest", "active": true,
		"emails": []map[string]any{{"type": "work", "value": "ada@example.com", "primary": true}},
	}, &seeded)

	q := newQuickstartWith(t, p.url, p.secret)
	q.declare()
	q.wait("initial_cycle")
	expect := func(want map[string]account, members ...string) {
		t.Helper()
		if got := p.accounts(); !maps.Equal(got, want) {
			t.Errorf("the app holds\n%+v\nand should hold\n%+v", got, want)
		}
		same(t, p.in("Engineering"), members...)
	}
	expect(map[string]account{
		"grace@example.com": {true, "Founder", "grace@example.com", "Board", ""},
		"ada@example.com":   {true, "Engineer", "ada@example.com", "Engineering", "grace@example.com"},
		"alan@example.com":  {true, "Employee", "alan@example.com", "Engineering", "ada@example.com"},
	}, "ada@example.com", "alan@example.com")

	q.write("people.csv", `employee_id,email,first_name,last_name,title,department,employee_type,manager_id
1,grace@example.com,Grace,Hopper,Chair,Board,employee,
3,turing@example.com,Alan,Turing,Fellow,Research,employee,1
5,barbara@example.com,Barbara,Liskov,Counsel,Legal,employee,1
7,edith@example.com,Edith,Clarke,Engineer,Engineering,employee,3
`)
	q.write("groups.json", `[{ "id": "g1", "displayName": "Engineering", "members": ["3", "7"] }]`)
	q.wait("next_cycle")
	final := map[string]account{
		"grace@example.com":  {true, "Chair", "grace@example.com", "Board", ""},
		"ada@example.com":    {false, "Engineer", "ada@example.com", "Engineering", "grace@example.com"},
		"turing@example.com": {true, "Fellow", "turing@example.com", "Research", "grace@example.com"},
		"edith@example.com":  {true, "Engineer", "edith@example.com", "Engineering", "turing@example.com"},
	}
	expect(final, "edith@example.com", "turing@example.com")

	before := p.requests.Load()
	for range 3 {
		q.wait("next_cycle")
	}
	if sent := p.requests.Load() - before; sent != 0 {
		t.Errorf("idle cycles send %d requests", sent)
	}
	q.ended(p.ignores)

	second := newQuickstartWith(t, p.url, p.secret)
	second.dir = q.dir
	q.close()
	second.declare()
	if cycle := second.wait("initial_cycle").Cycle; cycle.Created != 0 {
		t.Errorf("a second store creates %d", cycle.Created)
	}
	second.ended(p.ignores)
	expect(final, "edith@example.com", "turing@example.com")
}

// ended expects that no object failed, and that no value was left out but those
// of an attribute that the product does not keep.
func (q *quickstart) ended(ignored string) {
	q.t.Helper()
	entries, err := q.engine.Audit(q.t.Context(), audit.Query{AppID: q.chat.ID, Limit: 1000})
	if err != nil {
		q.t.Fatal(err)
	}
	for _, e := range entries {
		last := e.Steps[len(e.Steps)-1]
		_, expected := last.Details.Get(ignored)
		if e.Status == audit.Failure || e.Status == audit.Warning && (e.Reason != audit.AttributeNotTaken || !expected || len(last.Details) > 1) {
			q.t.Errorf("%s %s: %s %s %+v", e.Action, e.Source.DisplayName, e.ErrorCode, e.Reason, last)
		}
	}
}
