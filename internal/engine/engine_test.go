package engine_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

const token = "a-token-that-must-not-be-seen"

// quickstart is the quickstart's configuration, declared through the API.
type quickstart struct {
	t      testing.TB
	engine *engine.Engine
	app    *sampleapp.App
	server *httptest.Server
	dir    string // of the source's files
	data   string
	url    string // of the app, and the token that it takes
	secret string

	source               *config.Source
	chat                 *config.App
	users, groups        *config.Mapping
	staff                *config.Filter
	engineering, founder *config.Assignment
	job                  *config.Job
}

func ptr[T any](v T) *T { return &v }

func newQuickstart(t testing.TB) *quickstart {
	t.Helper()
	app := sampleapp.New(sampleapp.Options{Token: token})
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	q := newQuickstartWith(t, server.URL+"/scim", token)
	q.app, q.server = app, server
	return q
}

// newQuickstartWith is a quickstart whose app is that at the address.
func newQuickstartWith(t testing.TB, url, secret string) *quickstart {
	t.Helper()
	q := &quickstart{t: t, dir: t.TempDir(), data: t.TempDir(), url: url, secret: secret}
	for _, name := range []string{"people.csv", "groups.json"} {
		data, err := os.ReadFile(filepath.Join("testdata/quickstart", name))
		if err != nil {
			t.Fatal(err)
		}
		q.write(name, string(data))
	}
	q.open()
	t.Cleanup(func() { q.close() })
	return q
}

func (q *quickstart) write(name, content string) {
	q.t.Helper()
	if err := os.WriteFile(filepath.Join(q.dir, name), []byte(content), 0o600); err != nil {
		q.t.Fatal(err)
	}
}

func (q *quickstart) open() {
	q.t.Helper()
	e, err := engine.Open(engine.Options{DataDir: q.data, Version: "test", Logger: slog.New(slog.NewTextHandler(q.t.Output(), nil))})
	if err != nil {
		q.t.Fatal(err)
	}
	q.engine = e
}

func (q *quickstart) close() {
	if q.engine == nil {
		return
	}
	if err := q.engine.Close(context.Background()); err != nil {
		q.t.Error(err)
	}
	q.engine = nil
}

func create[T config.Thing](q *quickstart, thing T, secrets config.Secrets) T {
	q.t.Helper()
	made, err := q.engine.Create(q.t.Context(), thing, secrets)
	if err != nil {
		q.t.Fatal(err)
	}
	return made.(T)
}

func (q *quickstart) declare() {
	q.t.Helper()
	q.source = create(q, &config.Source{Name: "people", File: &config.FileSource{
		Users:  &config.FileSet{Path: filepath.Join(q.dir, "people.csv"), IDColumn: "employee_id", References: map[string]string{"manager": "manager_id"}},
		Groups: &config.FileSet{Path: filepath.Join(q.dir, "groups.json"), IDColumn: "id", Members: "members"},
	}, Attributes: map[string]string{
		"userPrincipalName": "email", "mail": "email", "givenName": "first_name", "surname": "last_name", "jobTitle": "title",
	}}, nil)
	credential := create(q, &config.Credential{Name: "chat", Method: "bearer", Fields: map[string]config.Field{"token": {Version: ptr(int64(1))}}},
		config.Secrets{"token": q.secret})
	q.chat = create(q, &config.App{Name: "chat", SourceID: q.source.ID, Template: "scim", Scope: config.ScopeAssigned,
		SCIM: &config.SCIMConnection{BaseURL: q.url}, CredentialID: credential.ID}, nil)
	q.engineering = create(q, &config.Assignment{AppID: q.chat.ID, Group: "Engineering"}, nil)
	q.founder = create(q, &config.Assignment{AppID: q.chat.ID, User: "grace@example.com"}, nil)
	const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:"
	source := func(name string) mapping.Attribute { return mapping.Attribute{Source: &name} }
	q.users = create(q, &config.Mapping{AppID: q.chat.ID, ObjectType: "User", Attributes: map[string]mapping.Attribute{
		"userName":                     {Source: ptr("userPrincipalName"), MatchingPrecedence: ptr(int64(1))},
		"externalId":                   {Source: ptr("employee_id"), MatchingPrecedence: ptr(int64(2))},
		"active":                       {Expression: ptr(`Switch([IsSoftDeleted], , "False", "True", "True", "False")`)},
		"displayName":                  {Expression: ptr(`Join(" ", [givenName], [surname])`)},
		"name.givenName":               source("givenName"),
		"name.familyName":              source("surname"),
		"title":                        {Source: ptr("jobTitle"), Default: ptr("Employee")},
		"preferredLanguage":            {Constant: ptr("en"), Apply: mapping.ApplyOnCreate},
		`emails[type eq "work"].value`: source("mail"),
		enterprise + "department":      source("department"),
		enterprise + "manager":         source("manager"),
	}}, nil)
	q.groups = create(q, &config.Mapping{AppID: q.chat.ID, ObjectType: "Group", Attributes: map[string]mapping.Attribute{
		"displayName": {Source: ptr("displayName"), MatchingPrecedence: ptr(int64(1))},
		"externalId":  source("id"),
		"members":     source("members"),
	}}, nil)
	q.staff = create(q, &config.Filter{AppID: q.chat.ID, ObjectType: "User", Name: "staff", Clauses: []scoping.Clause{
		{Attribute: "employee_type", Operator: "not_equals", Value: ptr("contractor")},
		{Attribute: "mail", Operator: "is_not_null"},
	}}, nil)
	q.job = create(q, &config.Job{AppID: q.chat.ID, Interval: "1h", AccidentalDeletions: map[string]float64{"threshold": 50}, Revisions: q.revisions()}, nil)
}

func (q *quickstart) revisions() []string {
	var revisions []string
	for _, thing := range []config.Thing{q.source, q.chat, q.users, q.groups, q.staff, q.engineering, q.founder} {
		revisions = append(revisions, thing.Revision())
	}
	return revisions
}

func (q *quickstart) wait(what string) api.WaitResult {
	q.t.Helper()
	ctx, stop := context.WithTimeout(q.t.Context(), 30*time.Second)
	defer stop()
	result, err := q.engine.Wait(ctx, q.chat.ID, api.WaitRequest{For: what}, nil)
	if err != nil {
		q.t.Fatal(err)
	}
	if !result.Succeeded {
		q.t.Fatalf("the wait failed: %s %s", result.Reason, result.Advice)
	}
	return result
}

func TestQuickstart(t *testing.T) {
	q := newQuickstart(t)
	q.declare()
	q.wait("initial_cycle")
	s, err := q.engine.Status(t.Context(), q.chat.ID)
	if err != nil {
		t.Fatal(err)
	}
	first := s.FirstCycle
	if s.Code != "active" || first.Kind != "initial" || first.Created != 4 || first.Skipped != 2 || first.Failed != 0 ||
		s.Managed["User"] != 3 || s.Managed["Group"] != 1 {
		t.Errorf("status: %+v, first cycle %+v", s, first)
	}
	entries, err := q.engine.Audit(t.Context(), audit.Query{AppID: q.chat.ID})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Logf("%s %s %s -> %s: %s %s", e.Action, e.Status, e.Source.DisplayName, e.Target.ID, e.ErrorCode, e.Reason)
	}
	for _, u := range q.app.Users() {
		t.Logf("%+v", u)
	}
	for _, g := range q.app.Groups() {
		t.Logf("%+v", g)
	}
}
