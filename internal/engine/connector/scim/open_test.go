package scim

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

func TestOpenRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		connection, dialect, credential, want string
	}{
		"nothing":               {``, ``, "", "base_url is missing"},
		"no address":            {`{}`, ``, "", "base_url is missing"},
		"unknown key":           {`{"base_url":"https://a","bse_url":"x"}`, ``, "", "bse_url"},
		"relative":              {`{"base_url":"/scim"}`, ``, "", "https://"},
		"other scheme":          {`{"base_url":"ftp://a/scim"}`, ``, "", "https://"},
		"clear text":            {`{"base_url":"http://app.example.com/scim"}`, ``, "", "https://"},
		"no URL":                {`{"base_url":"https://a b"}`, ``, "", "no URL"},
		"password in it":        {`{"base_url":"https://u:hunter2@a/scim"}`, ``, "", "provisioning_credential"},
		"fragment":              {`{"base_url":"https://a/scim#x"}`, ``, "", "#x"},
		"no certificate":        {`{"base_url":"https://a","ca_certificate":"x"}`, ``, "", "PEM"},
		"dialect, unknown key":  {`{"base_url":"https://a"}`, `{"pacth":"rfc"}`, "", "pacth"},
		"dialect, patch":        {`{"base_url":"https://a"}`, `{"patch":"json"}`, "", "entra_compat"},
		"dialect, removal":      {`{"base_url":"https://a"}`, `{"member_removal":"x"}`, "", "member_removal"},
		"dialect, path":         {`{"base_url":"https://a"}`, `{"filterable":{"User":["a["]}}`, "", "no attribute path"},
		"dialect, duration":     {`{"base_url":"https://a"}`, `{"search_lag":"-1s"}`, "", "negative"},
		"dialect, page size":    {`{"base_url":"https://a"}`, `{"page_size":-1}`, "", "page_size"},
		"dialect, two values":   {`{"base_url":"https://a"}`, `{}{}`, "", "follows"},
		"credential":            {`{"base_url":"https://a"}`, ``, "mutual_tls", "bearer, basic or"},
		"connection is no JSON": {`{"base_url":`, ``, "", "EOF"},
	} {
		_, err := Open(connector.Options{
			Connection: json.RawMessage(test.connection), Dialect: json.RawMessage(test.dialect),
			Credential: connector.Credential{Kind: test.credential},
		})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error holds the password", name)
		}
	}
}

func TestDialectRoundTrip(t *testing.T) {
	text := `{"patch":"entra","member_removal":"value","members_per_request":50,"filterable":{"User":["userName","emails[type eq \"work\"].value"]},"search_lag":"1m0s","requests_per_second":5,"headers":{"X-Tenant":"1"},"throttled":[{"status":500,"contains":"limit"}]}`
	d, err := parseDialect(json.RawMessage(text))
	if err != nil {
		t.Fatal(err)
	}
	back, err := marshal(d)
	if err != nil || string(back) != text {
		t.Errorf("%s, %v", back, err)
	}
}

// What a wrong connection looks like, each with an error of its own.
func TestConnectionTest(t *testing.T) {
	matching := map[string]directory.Path{directory.User: directory.MustPath("userName"), directory.Group: directory.MustPath("displayName")}
	for name, test := range map[string]struct {
		handler http.Handler
		path    string
		class   connector.Class // empty: accepted
		want    string
	}{
		"standard":             {handler: sampleapp.New(sampleapp.Options{Token: token})},
		"no discovery":         {handler: sampleapp.New(sampleapp.Options{Token: token, Quirks: sampleapp.Quirks{NoDiscovery: true}})},
		"wrong token":          {handler: sampleapp.New(sampleapp.Options{Token: "other"}), class: connector.Denied, want: "credential"},
		"wrong token, as text": {handler: sampleapp.New(sampleapp.Options{Token: "other", Quirks: sampleapp.Quirks{Errors: sampleapp.ErrorsText}}), class: connector.Denied, want: "credential"},
		"wrong token, 200":     {handler: sampleapp.New(sampleapp.Options{Token: "other", Quirks: sampleapp.Quirks{AuthFailureIsOK: true}}), class: connector.Fatal, want: "please sign in"},
		"wrong address":        {handler: http.NotFoundHandler(), class: connector.Fatal, want: "base_url"},
		"a web page":           {handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html><h1>Welcome</h1></html>")) }), class: connector.Fatal, want: "Welcome"},
		"another API":          {handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"hello":"world"}`)) }), class: connector.Fatal, want: "not SCIM"},
		"nothing":              {handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), class: connector.Fatal, want: "empty body"},
		"forbidden":            {handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }), class: connector.Fatal, want: "right"},
		"out of order":         {handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }), class: connector.Fatal, want: "500"},
		"busy":                 {handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }), class: connector.Throttled, want: "429"},
	} {
		t.Run(name, func(t *testing.T) {
			findings, err := connect(t, test.handler, "").Test(t.Context(), matching)
			if test.class == "" {
				if err != nil || len(findings) > 0 {
					t.Fatal(findings, err)
				}
				return
			}
			e := connector.AsError(err)
			if err == nil || e.Class != test.class || !strings.Contains(e.Detail+" "+e.Advice, test.want) {
				t.Errorf("%s %v (advice %q); want %s with %q", connector.ClassOf(err), err, e.Advice, test.class, test.want)
			}
			if e.Code == "" {
				t.Error("no code")
			}
		})
	}
}

func TestConnectionTestFindsFiltersThatDoNotWork(t *testing.T) {
	for name, quirks := range map[string]sampleapp.Quirks{
		"ignored":   {IgnoreFilter: true},
		"mail only": {FilterMailOnly: true},
	} {
		app, target := play(t, quirks, "")
		add(t, app, sampleapp.User, "a", "externalId", "e")
		findings, err := target.Test(t.Context(), map[string]directory.Path{directory.User: directory.MustPath("externalId")})
		if err != nil || len(findings) != 1 || findings[0].Severity != connector.SeverityWarning {
			t.Errorf("%s: %v, %v", name, findings, err)
		}
		if n := app.Len(sampleapp.User); n != 1 {
			t.Errorf("%s: the test wrote something", name)
		}
	}
}

func TestDescribe(t *testing.T) {
	app, target := play(t, sampleapp.Quirks{}, `{"search_lag":"5s","requests_per_second":3,"concurrency":4,"no_delete":["Group"]}`)
	for range 2 {
		features, schema, err := target.Describe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Join(features.Types, " ") != "User Group" || !features.CanList || !features.CanDisable["User"] || features.CanDelete["Group"] ||
			!features.CanDelete["User"] || features.MembersPerRequest != 100 || features.SearchLag.String() != "5s" || features.RequestsPerSecond != 3 ||
			features.Concurrency != 4 || features.EnabledPath["User"] != activePath {
			t.Errorf("features %+v", features)
		}
		user, _ := schema.Type("User")
		for name, check := range map[string]func(directory.Definition) bool{
			"userName":   func(d directory.Definition) bool { return d.Required && d.Unique && !d.CaseExact },
			"externalId": func(d directory.Definition) bool { return d.CaseExact },
			"emails": func(d directory.Definition) bool {
				return d.MultiValued && d.Type == directory.TypeComplex && len(d.Sub) == 4
			},
			"profileUrl": func(d directory.Definition) bool { return d.Type == directory.TypeString },
			"active":     func(d directory.Definition) bool { return d.Type == directory.TypeBoolean },
			enterprise + "manager": func(d directory.Definition) bool {
				return d.Type == directory.TypeReference && d.References[0] == "User"
			},
		} {
			if d, ok := user.Attribute(name); !ok || !check(d) {
				t.Errorf("%s: %+v", name, d)
			}
		}
		group, _ := schema.Type("Group")
		if d, _ := group.Attribute("members"); d.Type != directory.TypeReference || !d.MultiValued || len(d.References) != 2 {
			t.Errorf("members: %+v", d)
		}
	}
	if n := len(app.Requests()); n != 3 {
		t.Errorf("%d requests for what is known already", n)
	}
}

// A hostile description of the app gives no more than wrong names.
func TestDiscoveryOfNonsense(t *testing.T) {
	for name, body := range map[string]string{
		"no JSON":            `<html>`,
		"null":               `null`,
		"numbers":            `{"Resources":[1,2,{"name":7}]}`,
		"deep":               strings.Repeat("[", 1000),
		"foreign endpoint":   `{"Resources":[{"name":"User","endpoint":"https://evil.example.com/Users","schema":"x"},{"name":"Group","endpoint":"/../admin"}]}`,
		"bare array":         `[{"name":"User","endpoint":"/Users","schema":"` + schemaUser + `"}]`,
		"nested sub":         `{"Resources":[{"id":"` + schemaUser + `","attributes":[{"name":"a","subAttributes":[{"name":"b","subAttributes":[{"name":"c"}]}]}]}]}`,
		"one type, twice":    `{"Resources":[{"name":"User","endpoint":"/Users"},{"name":"user","endpoint":"/People"}]}`,
		"patch, not boolean": `{"patch":{"supported":"no"}}`,
	} {
		target := connect(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }), "")
		features, _, err := target.Describe(t.Context())
		if err != nil || len(features.Types) == 0 {
			t.Errorf("%s: %v %v", name, features.Types, err)
		}
		if kind, err := target.known().typeOf(directory.User); err != nil || kind.endpoint != "Users" {
			t.Errorf("%s: users stand under %q, %v", name, kind.endpoint, err)
		}
	}
}

// TestDescribe_externalID: the common attribute, which servers leave out of
// /Schemas, belongs to each type that they describe.
func TestDescribe_externalID(t *testing.T) {
	const schemas = `{"Resources":[{"id":"` + schemaUser + `","attributes":[{"name":"userName","required":true}]}]}`
	target := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/Schemas") {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(schemas))
	}), "")
	_, schema, err := target.Describe(t.Context())
	user, _ := schema.Type(directory.User)
	if d, ok := user.Attribute("externalId"); err != nil || !ok || !d.CaseExact || len(user.Attributes) != 2 {
		t.Errorf("got %+v, %v", user, err)
	}
}
