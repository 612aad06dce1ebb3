package config

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

func ref[T any](v T) *T { return &v }

// Each thing as it should be; a test spoils one part of it.

func oauth2(edit func(map[string]Field)) *Credential {
	fields := map[string]Field{
		"token_url": {Value: "https://login.example.com/oauth2/token"}, "client_id": {Value: "c"}, "client_secret": {Version: ref(int64(1))},
		"scopes": {Values: []string{"users.read", "users.write"}}, "endpoint_params": {Parameters: map[string]string{"audience": "https://a"}},
		"auth_style": {Value: "body"},
	}
	edit(fields)
	return &Credential{Name: "o", Method: OAuth2ClientCredentials, Fields: fields}
}

func goodCredential() *Credential {
	return &Credential{Name: "token", Method: "bearer", Fields: map[string]Field{"token": {Reference: "env:TOKEN"}}}
}

func goodSource() *Source {
	return &Source{Name: "hr", File: &FileSource{
		Users:  &FileSet{Path: "/people.csv", IDColumn: "id", References: map[string]string{"manager": "manager_id"}},
		Groups: &FileSet{Path: "/groups.txt", Format: "json", IDColumn: "id", Members: "members"},
	}, Attributes: map[string]string{"mail": "email"}}
}

func goodApp() *App {
	return &App{Name: "chat", SourceID: "s1", Template: "scim", SCIM: &SCIMConnection{BaseURL: "https://chat.example.com/scim/v2?x=1"}}
}

func goodMapping() *Mapping {
	return &Mapping{AppID: "a1", ObjectType: "User", Attributes: map[string]mapping.Attribute{
		"userName": {Source: ref("userPrincipalName"), MatchingPrecedence: ref(int64(1))},
	}}
}

func goodFilter() *Filter {
	return &Filter{AppID: "a1", ObjectType: "User", Name: "engineers", Clauses: []scoping.Clause{{Attribute: "department", Operator: scoping.Equals, Value: ref("R&D")}}}
}

func goodJob() *Job {
	return &Job{AppID: "a1", Interval: "10m", LogRetention: "30d", AccidentalDeletions: map[string]float64{"threshold": 10, "percent": 12.5},
		Deprovisioning: map[string]map[string]string{
			"User":  {"out_of_scope": "disable", "deleted": "delete", "grace_period": "30d"},
			"Group": {"out_of_scope": "ignore", "deleted": "delete", "members": "authoritative"},
			"Desk":  {"deleted": "ignore"},
		}, RestartScope: []string{"links"}, WaitFor: "initial_cycle"}
}

func TestValidate(t *testing.T) {
	credential := func(edit func(*Credential)) Thing { c := goodCredential(); edit(c); return c }
	source := func(edit func(*Source)) Thing { s := goodSource(); edit(s); return s }
	app := func(edit func(*App)) Thing { a := goodApp(); edit(a); return a }
	url := func(text string) Thing { return app(func(a *App) { a.SCIM.BaseURL = text }) }
	mapped := func(edit func(*Mapping)) Thing { m := goodMapping(); edit(m); return m }
	filter := func(edit func(*Filter)) Thing { f := goodFilter(); edit(f); return f }
	job := func(edit func(*Job)) Thing { j := goodJob(); edit(j); return j }
	policy := func(objectType, key, value string) Thing {
		return job(func(j *Job) { j.Deprovisioning = map[string]map[string]string{objectType: {key: value}} })
	}
	limit := func(key string, value float64) Thing {
		return job(func(j *Job) { j.AccidentalDeletions = map[string]float64{key: value} })
	}
	tests := []struct {
		name  string
		thing Thing
		path  string // "" for none; "-" for a valid thing
		says  string
	}{
		{"credential", goodCredential(), "-", ""},
		{"basic", &Credential{Name: "b", Method: "basic", Fields: map[string]Field{"username": {Value: "u"}, "password": {Version: ref(int64(1))}}}, "-", ""},
		{"no name", credential(func(c *Credential) { c.Name = "" }), "name", "Missing name"},
		{"long name", credential(func(c *Credential) { c.Name = strings.Repeat("n", 129) }), "name", "Too long"},
		{"control character", credential(func(c *Credential) { c.Name = "a\nb" }), "name", "Control character"},
		{"blank at the end", credential(func(c *Credential) { c.Name = "a " }), "name", "Blank at an end"},
		{"no method", credential(func(c *Credential) { c.Method = "" }), "", "basic, bearer, oauth2_client_credentials"},
		{"no secret", credential(func(c *Credential) { c.Fields = nil }), "bearer.token", "token_wo_version"},
		{"two secrets", credential(func(c *Credential) { c.Fields["token"] = Field{Reference: "env:A", Version: ref(int64(1))} }), "bearer.token", "Two secrets"},
		{"secret in the open", credential(func(c *Credential) { c.Fields["token"] = Field{Value: "hunter2"} }), "bearer.token", "Secret in the open"},
		{"bad reference", credential(func(c *Credential) { c.Fields["token"] = Field{Reference: "hunter2"} }), "bearer.token_ref", "env:NAME"},
		{"unknown field", credential(func(c *Credential) { c.Fields["user"] = Field{} }), "bearer.user", "Unknown field"},
		{"oauth2", oauth2(func(map[string]Field) {}), "-", ""},
		{"oauth2, least", oauth2(func(f map[string]Field) { delete(f, "scopes"); delete(f, "endpoint_params"); delete(f, "auth_style") }), "-", ""},
		{"no token_url", oauth2(func(f map[string]Field) { delete(f, "token_url") }), "oauth2_client_credentials.token_url", "needs a token_url"},
		{"no client_id", oauth2(func(f map[string]Field) { delete(f, "client_id") }), "oauth2_client_credentials.client_id", "needs a client_id"},
		{"no client secret", oauth2(func(f map[string]Field) { delete(f, "client_secret") }), "oauth2_client_credentials.client_secret", "client_secret_wo_version"},
		{"token_url in the clear", oauth2(func(f map[string]Field) { f["token_url"] = Field{Value: "http://login.example.com/t"} }), "oauth2_client_credentials.token_url", "use https"},
		{"token_url with a password", oauth2(func(f map[string]Field) { f["token_url"] = Field{Value: "https://u:hunter2@login.example.com/t"} }), "oauth2_client_credentials.token_url", "client_id"},
		{"token_url that is none", oauth2(func(f map[string]Field) { f["token_url"] = Field{Value: "hunter2"} }), "oauth2_client_credentials.token_url", "https address"},
		{"two scopes in one", oauth2(func(f map[string]Field) { f["scopes"] = Field{Values: []string{"a b"}} }), "oauth2_client_credentials.scopes", "without blanks"},
		{"reserved parameter", oauth2(func(f map[string]Field) {
			f["endpoint_params"] = Field{Parameters: map[string]string{"client_secret": "hunter2"}}
		}), "oauth2_client_credentials.endpoint_params.client_secret", "attributes of their own"},
		{"unknown style", oauth2(func(f map[string]Field) { f["auth_style"] = Field{Value: "params"} }), "oauth2_client_credentials.auth_style", "header or body"},
		{"no certificate for the token_url", oauth2(func(f map[string]Field) { f["ca_certificate"] = Field{Value: "x"} }), "oauth2_client_credentials.ca_certificate", "PEM"},
		{"no user name", &Credential{Name: "b", Method: "basic", Fields: map[string]Field{"password": {Version: ref(int64(1))}}}, "basic.username", "Missing username"},

		{"source", goodSource(), "-", ""},
		{"no connector", &Source{Name: "s"}, "", "file"},
		{"nothing to read", source(func(s *Source) { s.File = &FileSource{} }), "file", "Nothing to read"},
		{"no path", source(func(s *Source) { s.File.Users.Path = "" }), "file.users.path", "Missing path"},
		{"no id", source(func(s *Source) { s.File.Groups.IDColumn = "" }), "file.groups.id", "Missing id"},
		{"ending", source(func(s *Source) { s.File.Users.Path = "/people.xlsx" }), "file.users.format", "csv, json or jsonl"},
		{"upper-case ending", source(func(s *Source) { s.File.Users.Path = "/PEOPLE.CSV" }), "-", ""},
		{"format", source(func(s *Source) { s.File.Users.Format = "xml" }), "file.users.format", "csv, json or jsonl"},
		{"devices", source(func(s *Source) {
			s.File.Objects = map[string]*FileSet{"Device": {Path: "/d.csv", IDColumn: "serial", References: map[string]string{"owner": "holder"}}}
		}), "-", ""},
		{"devices alone", source(func(s *Source) {
			s.File = &FileSource{Objects: map[string]*FileSet{"Device": {Path: "/d.csv", IDColumn: "serial"}}}
		}), "-", ""},
		{"devices without id", source(func(s *Source) { s.File.Objects = map[string]*FileSet{"Device": {Path: "/d.csv"}} }), "file.objects.Device.id", "Missing id"},
		{"no devices", source(func(s *Source) { s.File.Objects = map[string]*FileSet{"Device": nil} }), "file.objects.Device", "Say which file"},
		{"users by another name", source(func(s *Source) { s.File.Objects = map[string]*FileSet{"User": {Path: "/u.csv", IDColumn: "id"}} }), "file.objects.User", "under users"},
		{"no name of a type", source(func(s *Source) { s.File.Objects = map[string]*FileSet{"a b": {Path: "/u.csv", IDColumn: "id"}} }), "file.objects.a b", "like Device"},
		{"members of devices", source(func(s *Source) {
			s.File.Objects = map[string]*FileSet{"Device": {Path: "/u.csv", IDColumn: "id", Members: "m"}}
		}), "file.objects.Device.members", "Only groups"},
		{"members of users", source(func(s *Source) { s.File.Users.Members = "m" }), "file.users.members", "under groups"},
		{"reference without column", source(func(s *Source) { s.File.Users.References["manager"] = "" }), "file.users.references.manager", "Missing column"},
		{"alias in brackets", source(func(s *Source) { s.Attributes = map[string]string{"[a]": "b"} }), "attributes.[a]", "without brackets"},
		{"alias of a computed attribute", source(func(s *Source) { s.Attributes = map[string]string{"objectId": "b"} }), "attributes.objectId", "Reserved name"},
		{"default domain", source(func(s *Source) { s.DefaultDomain = "mail.contoso-eu.com" }), "-", ""},
		{"address for a default domain", source(func(s *Source) { s.DefaultDomain = "@contoso.com" }), "default_domain", "Not a domain"},
		{"end of a sentence for a default domain", source(func(s *Source) { s.DefaultDomain = "contoso.com." }), "default_domain", "Not a domain"},
		{"alias of nothing", source(func(s *Source) { s.Attributes = map[string]string{"a": ""} }), "attributes.a", "Missing attribute"},

		{"app", goodApp(), "-", ""},
		{"no source", app(func(a *App) { a.SourceID = "" }), "source_id", "Missing source"},
		{"mode", app(func(a *App) { a.Mode = "auto" }), "mode", "automatic or manual"},
		{"scope", app(func(a *App) { a.Scope = "everybody" }), "scope", "assigned or all"},
		{"no connection", app(func(a *App) { a.SCIM = nil }), "", "scim"},
		{"empty protected", app(func(a *App) { a.Protected = []string{"a", " "} }), "protected", "Empty value"},
		{"no certificate", app(func(a *App) { a.SCIM.CACertificate = "trust me" }), "scim.ca_certificate", "PEM"},
		{"no address", url(""), "scim.base_url", "Missing base_url"},
		{"relative", url("/scim"), "scim.base_url", "Not an address"},
		{"without scheme", url("chat.example.com/scim"), "scim.base_url", "Not an address"},
		{"without host", url("https:///scim"), "scim.base_url", "Not an address"},
		{"port alone", url("https://:8443/scim"), "scim.base_url", "Not an address"},
		{"other scheme", url("ftp://u:hunter2@chat.example.com"), "scim.base_url", "Not an address"},
		{"no URL at all", url("https://u:hunter2%zz@chat.example.com"), "scim.base_url", "Not an address"},
		{"password", url("https://u:hunter2@chat.example.com"), "scim.base_url", "credential_id"},
		{"in the clear", url("http://chat.example.com"), "scim.base_url", "use https"},
		{"in the clear, like a loopback", url("http://127.0.0.1.example.com"), "scim.base_url", "use https"},
		{"fragment", url("https://chat.example.com/#x"), "scim.base_url", "#"},
		{"loopback", url("http://127.0.0.2:80/scim"), "-", ""},
		{"loopback 6", url("http://[::1]:80/scim"), "-", ""},
		{"localhost", url("HTTP://LocalHost:80/scim"), "-", ""},

		{"mapping", goodMapping(), "-", ""},
		{"no app", mapped(func(m *Mapping) { m.AppID = "" }), "app_id", "provisioning_app"},
		{"no object type", mapped(func(m *Mapping) { m.ObjectType = "" }), "object_type", "Missing object_type"},
		{"users off", mapped(func(m *Mapping) { m.Enabled = ref(false) }), "enabled", "pause the job"},
		{"groups off", mapped(func(m *Mapping) { m.ObjectType, m.Enabled = "Group", ref(false) }), "-", ""},
		{"bad expression", mapped(func(m *Mapping) { m.Attributes["title"] = mapping.Attribute{Expression: ref("Jion()")} }), "attributes.title.expression", "Join"},
		{"nothing matches", mapped(func(m *Mapping) { m.Attributes["userName"] = mapping.Attribute{Source: ref("a")} }), "attributes", "matching_precedence = 1"},
		{"action", mapped(func(m *Mapping) { m.Actions = []mapping.Action{"purge"} }), "attributes", "create, update or delete"},

		{"filter", goodFilter(), "-", ""},
		{"no clauses", filter(func(f *Filter) { f.Clauses = []scoping.Clause{} }), "clauses", "no clauses"},
		{"value missing", filter(func(f *Filter) { f.Clauses[0].Value = nil }), "clauses.0.value", "needs a value"},
		{"value not wanted", filter(func(f *Filter) { f.Clauses[0].Operator = scoping.IsTrue }), "clauses.0.value", "takes no value"},
		{"operator", filter(func(f *Filter) { f.Clauses[0].Operator = "EQUALS" }), "clauses.0.operator", "equals"},
		{"filter without name", filter(func(f *Filter) { f.Name = "" }), "name", "Missing name"},
		{"filter without app", filter(func(f *Filter) { f.AppID = "" }), "app_id", "provisioning_app"},

		{"assignment", &Assignment{AppID: "a1", User: "anna"}, "-", ""},
		{"nobody", &Assignment{AppID: "a1"}, "", "exactly one"},
		{"both", &Assignment{AppID: "a1", User: "anna", Group: "staff"}, "", "exactly one"},
		{"control character in a group", &Assignment{AppID: "a1", Group: "a\x00b"}, "group", "Control character"},
		{"assignment without app", &Assignment{User: "anna"}, "app_id", "provisioning_app"},

		{"job", goodJob(), "-", ""},
		{"bare job", &Job{AppID: "a1"}, "-", ""},
		{"job without app", &Job{}, "app_id", "provisioning_app"},
		{"interval", job(func(j *Job) { j.Interval = "often" }), "interval", `"10m"`},
		{"short interval", job(func(j *Job) { j.Interval = "999ms" }), "interval", "1s"},
		{"retention", job(func(j *Job) { j.LogRetention = "12h" }), "log_retention", "1d or more"},
		{"bad retention", job(func(j *Job) { j.LogRetention = "1w" }), "log_retention", "no duration"},
		{"detail", job(func(j *Job) { j.LogDetail = "some" }), "log_detail", "changes or all"},
		{"rate", job(func(j *Job) { j.RateLimit = &RateLimit{RequestsPerSecond: ref(0.0)} }), "rate_limit.requests_per_second", "more than 0"},
		{"concurrency", job(func(j *Job) { j.RateLimit = &RateLimit{Concurrency: ref(int64(257))} }), "rate_limit.concurrency", "1 to 256"},
		{"restart scope", job(func(j *Job) { j.RestartScope = []string{"everything"} }), "restart_scope", "watermark"},
		{"wait", job(func(j *Job) { j.WaitFor = "ever" }), "wait_for", "next_cycle"},
		{"limit's name", limit("treshold", 1), "accidental_deletions.treshold", "threshold and percent"},
		{"negative limit", limit("threshold", -1), "accidental_deletions.threshold", "0 or more"},
		{"half a removal", limit("threshold", 1.5), "accidental_deletions.threshold", "whole number"},
		{"endless limit", limit("threshold", math.Inf(1)), "accidental_deletions.threshold", "whole number"},
		{"more than all", limit("percent", 101), "accidental_deletions.percent", "100 or less"},
		{"no number", limit("percent", math.NaN()), "accidental_deletions.percent", "0 or more"},
		{"zero", limit("percent", 0), "-", ""},
		{"removal", policy("User", "deleted", "purge"), "deprovisioning.User.deleted", "disable, delete or ignore"},
		{"rule", policy("User", "out_of_scop", "disable"), "deprovisioning.User.out_of_scop", "out_of_scope"},
		{"object type", policy("users", "deleted", "ignore"), "deprovisioning.users", `"User"`},
		{"object type's case", policy("group", "deleted", "ignore"), "deprovisioning.group", `"Group"`},
		{"disabled groups", policy("Group", "out_of_scope", "disable"), "deprovisioning.Group.out_of_scope", `"delete" or "ignore"`},
		{"grace", policy("User", "grace_period", "-1h"), "deprovisioning.User.grace_period", "negative"},
		{"members of users", policy("User", "members", "own"), "deprovisioning.User.members", "Group"},
		{"members", policy("Group", "members", "all"), "deprovisioning.Group.members", "authoritative"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			problems := tt.thing.Validate()
			if tt.path == "-" {
				if problems.Err() != nil {
					t.Fatal(problems)
				}
				return
			}
			if len(problems) == 0 {
				t.Fatal("passes")
			}
			at := slices.IndexFunc(problems, func(p Problem) bool { return strings.Join(p.Path, ".") == tt.path })
			if at < 0 {
				t.Fatalf("found elsewhere: %v", problems)
			}
			if text := problems[at].Summary + ": " + problems[at].Detail; !strings.Contains(text, tt.says) || !strings.ContainsAny(text[len(text)-1:], ".?") {
				t.Errorf("says %q", text)
			}
			if strings.Contains(problems.Error(), "hunter2") {
				t.Errorf("tells a secret: %v", problems)
			}
		})
	}
}

func TestNew(t *testing.T) {
	for _, kind := range Kinds {
		thing := New(kind)
		if thing == nil || thing.Identity().Kind != kind {
			t.Errorf("New(%s) is %v", kind, thing)
			continue
		}
		thing.SetID("x")
		if thing.GetID() != "x" || thing.Validate().Err() == nil {
			t.Errorf("an empty %s is valid, or has the id %q", kind, thing.GetID())
		}
	}
	if New("printer") != nil {
		t.Error("there are printers")
	}
}

// What a source does not have cannot be mapped or filtered by: the type with the
// nearest name, references, records of roles.
func TestFilter_ValidateWith(t *testing.T) {
	source := goodSource()
	source.File.Objects = map[string]*FileSet{"Device": {Path: "/d.csv", IDColumn: "serial", References: map[string]string{"owner": "holder"}}}
	for _, tt := range []struct{ objectType, attribute, path, says string }{
		{"User", "department", "-", ""}, {"Device", "serial", "-", ""}, {"Device", "manager", "-", ""},
		{"Users", "department", "object_type", `Did you mean "User"?`}, {"device", "serial", "object_type", `Did you mean "Device"?`}, {"Worker", "x", "object_type", "it has User, Group, Device"},
		{"User", "manager", "clauses.0.attribute", "refers to other objects"}, {"Device", "owner", "clauses.0.attribute", "refers to other objects"},
		{"User", "appRoleAssignments", "clauses.0.attribute", "roles of assignments"},
	} {
		f := goodFilter()
		f.ObjectType, f.Clauses = tt.objectType, []scoping.Clause{{Attribute: tt.attribute, Operator: scoping.IsNotNull}}
		problems := f.ValidateWith(source)
		if tt.path == "-" {
			if problems.Err() != nil {
				t.Errorf("%s %s: %v", tt.objectType, tt.attribute, problems)
			}
			continue
		}
		if len(problems) != 1 || strings.Join(problems[0].Path, ".") != tt.path || !strings.Contains(problems[0].Detail, tt.says) {
			t.Errorf("%s %s: %v", tt.objectType, tt.attribute, problems)
		}
	}
}
