package scim

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

func manager(id string) connector.Modification {
	return connector.Modification{Path: directory.MustPath(enterprise + "manager"), Verb: connector.Set, Value: directory.Text(id), Reference: true}
}

// The forms of a PATCH, as each dialect writes them.
func TestPatchOnTheWire(t *testing.T) {
	const urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	for name, test := range map[string]struct {
		dialect string
		typ     string
		o       connector.Operation
		want    string
	}{
		"rfc": {``, directory.User, updating("", "", set("nickName", directory.Text("Babs")), set("active", directory.Text("False")), cleared("title"), manager("m")),
			`[{"op":"replace","path":"nickName","value":"Babs"},{"op":"replace","path":"active","value":false},{"op":"remove","path":"title"},
			{"op":"replace","path":"` + urn + `:manager","value":{"value":"m"}}]`},
		"rfc, elements": {``, directory.User, updating("", "", set(`roles[primary eq "True"].value`, directory.Text("admin")), cleared(`emails[type eq "work"].value`),
			cleared(`addresses[type eq "work"].locality`)),
			`[{"op":"replace","path":"roles[primary eq true].value","value":"admin"},{"op":"remove","path":"emails[type eq \"work\"]"},
			{"op":"remove","path":"addresses[type eq \"work\"].locality"}]`},
		"rfc, members": {``, directory.Group, updating("", "", members(connector.Add, "a", "b"), members(connector.Remove, `c"d`)),
			`[{"op":"add","path":"members","value":[{"value":"a"},{"value":"b"}]},{"op":"remove","path":"members[value eq \"c\\\"d\"]"}]`},
		"entra": {`{"patch":"entra"}`, directory.User, updating("", "", set("nickName", directory.Text("Babs")), set("active", directory.Boolean(false)), manager("m")),
			`[{"op":"Replace","path":"nickName","value":"Babs"},{"op":"Replace","path":"active","value":"False"},
			{"op":"Add","path":"manager","value":[{"$ref":null,"value":"m"}]}]`},
		"entra, members": {`{"patch":"entra"}`, directory.Group, updating("", "", members(connector.Add, "a"), members(connector.Remove, "b")),
			`[{"op":"Add","path":"members","value":[{"$ref":null,"value":"a"}]},{"op":"Remove","path":"members","value":[{"$ref":null,"value":"b"}]}]`},
		"entra_compat": {`{"patch":"entra_compat"}`, directory.User, updating("", "", set("displayName", directory.Text("B")), set("name.givenName", directory.Text("b")),
			set(enterprise+"employeeNumber", directory.Text("7")), set("active", directory.Boolean(false)), set(`emails[type eq "work"].value`, directory.Text("m")), manager("m")),
			`[{"op":"replace","path":"emails[type eq \"work\"].value","value":"m"},{"op":"replace","path":"` + urn + `:manager","value":"m"},
			{"op":"replace","value":{"displayName":"B","name.givenName":"b","` + urn + `:employeeNumber":"7","active":false}}]`},
		"extension object": {`{"extension_object":true}`, directory.User, updating("", "", set(enterprise+"department", directory.Text("d")), cleared(enterprise+"division"), manager("m")),
			`[{"op":"replace","value":{"` + urn + `":{"department":"d","division":null,"manager":{"value":"m"}}}}]`},
	} {
		t.Run(name, func(t *testing.T) {
			target := open(t, "https://app.example.com", test.dialect)
			test.o.Type = test.typ
			w, err := target.prepare(test.o)
			if err != nil {
				t.Fatal(err)
			}
			body, err := marshal(target.patch(w, target.removalForm(), nil))
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				Schemas    []string
				Operations any
			}
			var want any
			if err := json.Unmarshal(body, &got); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(test.want), &want); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got.Operations, want) || got.Schemas[0] != schemaPatch {
				t.Errorf("got  %s\nwant %s", body, test.want)
			}
		})
	}
}

func TestCreateOnTheWire(t *testing.T) {
	app, target := play(t, sampleapp.Quirks{}, `{"patch":"entra_compat"}`)
	send(t, target, creating(directory.Group, set("displayName", directory.Text(`<a&b>`))))
	body := app.Requests()[0].Body
	for _, part := range []string{schemaEntraGroup, schemaGroup, `"meta":{"resourceType":"Group"}`, `"<a&b>"`} {
		if !strings.Contains(body, part) {
			t.Errorf("%s is not in %s", part, body)
		}
	}
}

func TestRequestsOnTheWire(t *testing.T) {
	var seen []*http.Request
	target := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r)
		w.WriteHeader(http.StatusNoContent)
	}), `{"headers":{"X-Tenant":"7"}}`)
	target.base.RawQuery = "aadOptscim062020"
	o := updating(directory.User, `a/b?c#d%`, set("title", directory.Text("x")))
	o.Version = `W/"1"`
	send(t, target, o)
	_, _ = find(t, target, directory.User, "userName", `a b&c="\`)
	r := seen[0]
	if r.RequestURI != `/scim/v2/Users/a%2Fb%3Fc%23d%25?aadOptscim062020` {
		t.Errorf("address %s", r.RequestURI)
	}
	for name, want := range map[string]string{
		"User-Agent": "provisioning/test", "Content-Type": "application/scim+json", "Accept": "application/scim+json, application/json",
		"Accept-Encoding": "gzip", "If-Match": `W/"1"`, "X-Tenant": "7", "Authorization": "Bearer " + token,
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := seen[1].URL.Query().Get("filter"); got != `userName eq "a b&c=\"\\"` {
		t.Errorf("filter %s", got)
	}
	if !strings.HasPrefix(seen[1].URL.RawQuery, "aadOptscim062020&filter=userName+eq+") {
		t.Errorf("query %s", seen[1].URL.RawQuery)
	}
}

func TestValuesThatDoNotFit(t *testing.T) {
	target := open(t, "https://app.example.com", "")
	for name, test := range map[string]struct {
		m    connector.Modification
		code string
	}{
		"two values into one":    {set("title", directory.Texts("a", "b")), "SchemaPropertyCanOnlyAcceptValue"},
		"no boolean":             {set("active", directory.Text("maybe")), codeInvalidValue},
		"reference to nobody":    {manager(""), codeInvalidValue},
		"element of two values":  {set(`emails[type eq "work"].value`, directory.Texts("a", "b")), "SchemaPropertyCanOnlyAcceptValue"},
		"nothing that can be be": {connector.Modification{Path: activePath, Verb: 9}, codeInternal},
	} {
		_, err := target.Send(t.Context(), updating(directory.User, "1", test.m))
		t.Run(name, func(t *testing.T) { refused(t, err, connector.Rejected, test.code) })
	}
	_, err := target.Send(t.Context(), updating(directory.User, "..", set("title", directory.Text("x"))))
	refused(t, err, connector.Rejected, codeInvalidAnchor)
	target = open(t, "https://app.example.com", `{"no_discovery":true}`)
	_, err = target.Send(t.Context(), updating("Printer", "1"))
	refused(t, err, connector.Rejected, codeNotOffered)
}

func TestReading(t *testing.T) {
	target := open(t, "https://app.example.com", `{"unreadable":{"User":["title"]}}`)
	for name, test := range map[string]struct {
		json, path string
		want       directory.Value // null: none
	}{
		"name in other case":        {`{"USERNAME":"a"}`, "userName", directory.Text("a")},
		"null":                      {`{"userName":null}`, "userName", directory.Null},
		"empty list":                {`{"emails":[]}`, "emails", directory.Null},
		"boolean as text":           {`{"active":"False"}`, "active", directory.Boolean(false)},
		"boolean in an element":     {`{"emails":[{"type":"Work","primary":"TRUE"}]}`, `emails[type eq "work"].primary`, directory.Boolean(true)},
		"no such element":           {`{"emails":[{"type":"home","value":"h"}]}`, `emails[type eq "work"].value`, directory.Null},
		"element by boolean":        {`{"roles":[{"primary":true,"value":"r"}]}`, `roles[primary eq "True"].value`, directory.Text("r")},
		"values of all elements":    {`{"emails":[{"value":"a"},{"value":"b"}]}`, "emails.value", directory.Texts("a", "b")},
		"list of plain values":      {`{"emails":["a"]}`, "emails.value", directory.Texts("a")},
		"extension":                 {`{"urn:ietf:params:scim:schemas:extension:ENTERPRISE:2.0:User":{"Department":"d"}}`, enterprise + "department", directory.Text("d")},
		"extension, flat":           {`{"` + enterprise + `department":"d"}`, enterprise + "department", directory.Text("d")},
		"core with its URN":         {`{"userName":"a"}`, schemaUser + ":userName", directory.Text("a")},
		"manager, object":           {`{"` + schemaEnterprise + `":{"manager":{"value":"m","displayName":"M"}}}`, enterprise + "manager", directory.Text("m")},
		"manager, text":             {`{"` + schemaEnterprise + `":{"manager":"m"}}`, enterprise + "manager", directory.Text("m")},
		"manager, list":             {`{"` + schemaEnterprise + `":{"manager":[{"value":"m"}]}}`, enterprise + "manager", directory.Text("m")},
		"manager, address":          {`{"` + schemaEnterprise + `":{"manager":{"$ref":"https://a/Users/m%2F1?x"}}}`, enterprise + "manager", directory.Text("m/1")},
		"manager, empty":            {`{"` + schemaEnterprise + `":{"manager":{}}}`, enterprise + "manager", directory.Null},
		"members":                   {`{"members":[{"value":"a"},{"value":"b","type":"Group"}]}`, "members", directory.Texts("a", "b")},
		"number":                    {`{"x":12345678901234567890}`, "x", directory.Text("12345678901234567890")},
		"integer":                   {`{"x":42}`, "x", directory.Integer(42)},
		"unreadable":                {`{"title":"t"}`, "title", directory.Null},
		"sub of what is plain":      {`{"name":"n"}`, "name.givenName", directory.Null},
		"time stays text":           {`{"x":"2026-01-01T00:00:00"}`, "x", directory.Text("2026-01-01T00:00:00")},
		"complex value as a whole":  {`{"name":{"givenName":"g"}}`, "name", directory.Complex(directory.Member{Name: "givenName", Value: directory.Text("g")})},
		"names that differ in case": {`{"userName":"a","username":"b"}`, "userName", directory.Text("a")},
	} {
		r, err := decodeResource(test.json)
		if err != nil {
			t.Fatal(name, err)
		}
		path := directory.MustPath(test.path)
		typ := directory.User
		if test.path == "members" {
			typ = directory.Group
		}
		account := target.account(typ, r, "", target.attributes(typ, []directory.Path{path}))
		if got := account.Values[path.String()]; !got.Equal(test.want) {
			t.Errorf("%s: %v %v, want %v", name, got.Kind(), got, test.want)
		}
	}
}

// packing packs what a server answers.
type packing struct {
	http.ResponseWriter
	packed io.Writer
}

func (p packing) Write(text []byte) (int, error) { return p.packed.Write(text) }

// Answers may come packed; what is damaged then is no answer.
func TestPackedAnswers(t *testing.T) {
	app := sampleapp.New(sampleapp.Options{Token: token})
	requests := 0
	target := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		w.Header().Set("Content-Encoding", "GZIP")
		packed := gzip.NewWriter(w)
		defer packed.Close()
		app.ServeHTTP(packing{w, packed}, r)
	}), "")
	for i := range 4 {
		create := creating(directory.User, set("userName", directory.Text(fmt.Sprint(i))), set("title", directory.Text(strings.Repeat("x", i*maxScratch))))
		if receipt := send(t, target, create); receipt.ID == "" || receipt.Account != nil {
			t.Errorf("%v", receipt)
		}
	}
	if ids, complete := list(t, target, directory.User); len(ids) != 4 || !complete || requests == 0 {
		t.Errorf("%q %t after %d requests", ids, complete, requests)
	}
	for answer, class := range map[string]connector.Class{"": "", "{}": connector.Unknown, "\x1f\x8b": connector.Unknown} {
		target := connect(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Header().Set("Location", "https://app.example.com/Users/1")
			_, _ = io.WriteString(w, answer)
		}), "")
		if _, err := target.Send(t.Context(), creating(directory.User, set("userName", directory.Text("a")))); connector.ClassOf(err) != class {
			t.Errorf("%q: %v", answer, err)
		}
	}
}
