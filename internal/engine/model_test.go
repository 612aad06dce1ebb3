package engine_test

import (
	"encoding/json"
	"maps"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

// row is what a person has, but for the id.
type row map[string]any

// model maps rows of JSON, whose values have types, to the sample app.
type model struct {
	*quickstart
	rows map[string]row // by id
}

// newModel declares everything but the job, for users alone: userName matches.
func newModel(t *testing.T, scope config.Scope, rows map[string]row, attributes map[string]mapping.Attribute) *model {
	t.Helper()
	q := &quickstart{t: t, dir: t.TempDir(), data: t.TempDir()}
	m := &model{q, rows}
	m.save()
	q.app = sampleapp.New(sampleapp.Options{})
	q.server = httptest.NewServer(q.app)
	t.Cleanup(q.server.Close)
	q.open()
	t.Cleanup(func() { q.close() })
	q.source = create(q, &config.Source{Name: "people", File: &config.FileSource{
		Users:  &config.FileSet{Path: filepath.Join(q.dir, "people.json"), IDColumn: "id", References: map[string]string{"manager": "boss"}},
		Groups: &config.FileSet{Path: filepath.Join(q.dir, "groups.json"), IDColumn: "id", Members: "members"},
	}, Attributes: map[string]string{"aliasOfName": "name"}}, nil)
	q.chat = create(q, &config.App{Name: "chat", SourceID: q.source.ID, Template: "scim", Scope: scope,
		SCIM: &config.SCIMConnection{BaseURL: q.server.URL + "/scim"}}, nil)
	if attributes["userName"] == (mapping.Attribute{}) {
		attributes["userName"] = mapping.Attribute{Source: ptr("name"), MatchingPrecedence: ptr(int64(1))}
	}
	q.users = create(q, &config.Mapping{AppID: q.chat.ID, ObjectType: "User", Attributes: attributes}, nil)
	return m
}

// save writes the rows.
func (m *model) save(groups ...map[string]any) {
	m.t.Helper()
	rows := []map[string]any{}
	for _, id := range slices.Sorted(maps.Keys(m.rows)) {
		person := maps.Clone(m.rows[id])
		person["id"] = id
		rows = append(rows, person)
	}
	for name, list := range map[string][]map[string]any{"people.json": rows, "groups.json": append([]map[string]any{}, groups...)} {
		data, err := json.Marshal(list)
		if err != nil {
			m.t.Fatal(err)
		}
		m.write(name, string(data))
	}
}

// start creates the job and waits for its first cycle.
func (m *model) start(more ...config.Thing) {
	m.t.Helper()
	job := &config.Job{AppID: m.chat.ID, Interval: "1h"}
	for _, thing := range append([]config.Thing{m.source, m.chat, m.users}, more...) {
		job.Revisions = append(job.Revisions, thing.Revision())
	}
	m.job = create(m.quickstart, job, nil)
	m.wait("initial_cycle")
}

// next runs a cycle and gives the requests of changes that it sent.
func (m *model) next() []sampleapp.Request {
	m.t.Helper()
	m.app.ForgetRequests()
	m.wait("next_cycle")
	return m.changes()
}

func (m *model) changes() []sampleapp.Request {
	return slices.DeleteFunc(m.app.Requests(), func(r sampleapp.Request) bool { return r.Method == "GET" })
}

// attributes gives those of a user of the app as JSON, by name.
func (m *model) attributes(userName string) map[string]string {
	m.t.Helper()
	user, ok := m.app.User(userName)
	if !ok {
		m.t.Fatalf("there is no user %q", userName)
	}
	out := map[string]string{}
	for name, value := range user.Attributes {
		data, err := json.Marshal(value)
		if err != nil {
			m.t.Fatal(err)
		}
		out[name] = string(data)
	}
	return out
}

// last gives the newest entry about a source object.
func (m *model) last(id string) audit.Entry {
	m.t.Helper()
	entries, err := m.engine.Audit(m.t.Context(), audit.Query{AppID: m.chat.ID, Object: id, Limit: 1})
	if err != nil || len(entries) == 0 {
		m.t.Fatalf("no entry about %s, error %v", id, err)
	}
	return entries[0]
}

func value(name string) mapping.Attribute      { return mapping.Attribute{Source: &name} }
func formula(text string) mapping.Attribute    { return mapping.Attribute{Expression: &text} }
func constantly(text string) mapping.Attribute { return mapping.Attribute{Constant: &text} }

func holds(t testing.TB, got map[string]string, want map[string]string) {
	t.Helper()
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s is %s, want %s", name, got[name], text)
		}
	}
}

// Every form of path has its place in the account: sub-attributes, elements that
// conditions select, several of one element, extensions (mappings.md section 5).
func TestPathsOfAllForms(t *testing.T) {
	const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	const own = "urn:ietf:params:scim:schemas:extension:Acme:2.0:User"
	m := newModel(t, config.ScopeAll, map[string]row{
		"1": {"name": "ada", "given": "Ada", "mail": "ada@work", "private": "ada@home", "city": "London", "country": "GB",
			"role": "Admin", "department": "Mathematics", "badge": 7, "phone": "+44 (20) 7946-0958", "licences": "a, b", "boss": "2"},
		"2": {"name": "grace", "mail": "grace@work"},
	}, map[string]mapping.Attribute{
		"name.givenName":                     value("given"),
		`emails[type eq "work"].value`:       value("mail"),
		`emails[type eq "work"].primary`:     constantly("True"),
		`emails[type eq "home"].value`:       value("private"),
		`addresses[type eq "work"].locality`: value("city"),
		`addresses[type eq "work"].country`:  value("country"),
		`roles[primary eq "True"].value`:     value("role"),
		enterprise + ":department":           value("department"),
		own + ":badge":                       value("badge"),
		`phoneNumbers[type eq "work"].value`: formula(`Replace([phone], , "[()\\s-]+", , "", , )`),
		"entitlements":                       formula(`Split([licences], ",")`),
		enterprise + ":manager":              value("manager"),
	})
	m.start()
	grace, _ := m.app.User("grace")
	holds(t, m.attributes("ada"), map[string]string{
		"name":         `{"givenName":"Ada"}`,
		"emails":       `[{"type":"home","value":"ada@home"},{"primary":true,"type":"work","value":"ada@work"}]`,
		"addresses":    `[{"country":"GB","locality":"London","type":"work"}]`,
		"roles":        `[{"primary":true,"value":"Admin"}]`,
		"phoneNumbers": `[{"type":"work","value":"+442079460958"}]`,
		"entitlements": `["a","b"]`,
		own:            `{"badge":7}`,
		enterprise:     `{"department":"Mathematics","manager":{"value":"` + grace.ID + `"}}`,
		"schemas":      `["urn:ietf:params:scim:schemas:core:2.0:User","` + own + `","` + enterprise + `"]`,
	})

	// A change of one sub-attribute sends that alone, a cleared one is removed.
	m.rows["1"]["city"], m.rows["1"]["private"], m.rows["1"]["boss"] = "Paris", nil, nil
	m.save()
	changes := m.next()
	if len(changes) != 1 {
		t.Fatalf("%d changes: %+v", len(changes), changes)
	}
	for _, part := range []string{`addresses[type eq \"work\"].locality`, `"Paris"`, `{"op":"remove","path":"emails[type eq \"home\"]"}`, `:manager"`} {
		if !strings.Contains(changes[0].Body, part) {
			t.Errorf("the change lacks %s: %s", part, changes[0].Body)
		}
	}
	if strings.Contains(changes[0].Body, "GB") {
		t.Errorf("what did not change is sent: %s", changes[0].Body)
	}
	holds(t, m.attributes("ada"), map[string]string{
		"addresses": `[{"country":"GB","locality":"Paris","type":"work"}]`,
		"emails":    `[{"primary":true,"type":"work","value":"ada@work"}]`,
		enterprise:  `{"department":"Mathematics"}`,
	})
	if changes := m.next(); len(changes) != 0 {
		t.Errorf("nothing changed, and is sent: %+v", changes)
	}
}

// Absent, null and empty are three things to an expression, and one to the
// account (expressions.md sections 1 and 2, mappings.md section 6).
func TestAbsentNullAndEmpty(t *testing.T) {
	m := newModel(t, config.ScopeAll, map[string]row{
		"1": {"name": "absent"},
		"2": {"name": "null", "x": nil},
		"3": {"name": "empty", "x": ""},
		"4": {"name": "list", "x": []any{}},
		"5": {"name": "value", "x": "y"},
	}, map[string]mapping.Attribute{
		"displayName": formula(`IIF(IsNull([x]), "null", IIF(IsNullOrEmpty([x]), "empty", "present"))`),
		"nickName":    formula(`Coalesce([x], "fallback")`),
		"title":       {Source: ptr("x"), Default: ptr("none")},
		"locale":      formula(`IgnoreFlowIfNullOrEmpty([x])`),
		"timezone":    {Source: ptr("x"), WhenNull: mapping.Ignore},
	})
	m.start()
	holds(t, m.attributes("absent"), map[string]string{"displayName": `"null"`, "nickName": `"fallback"`, "title": `"none"`, "locale": "", "timezone": ""})
	holds(t, m.attributes("null"), map[string]string{"displayName": `"null"`, "nickName": `"fallback"`, "title": `"none"`, "locale": ""})
	holds(t, m.attributes("empty"), map[string]string{"displayName": `"empty"`, "nickName": "", "title": `"none"`, "locale": ""})
	holds(t, m.attributes("list"), map[string]string{"displayName": `"empty"`, "nickName": "", "title": `"none"`, "locale": ""})
	holds(t, m.attributes("value"), map[string]string{"displayName": `"present"`, "nickName": `"y"`, "title": `"y"`, "locale": `"y"`, "timezone": `"y"`})

	// What we wrote is taken back, by each attribute's rule; a default is for
	// new accounts only.
	m.rows["5"]["x"] = nil
	m.save()
	m.next()
	holds(t, m.attributes("value"), map[string]string{"displayName": `"null"`, "nickName": `"fallback"`, "title": "", "locale": `"y"`, "timezone": `"y"`})
}

// Matching attributes are tried one after another; the first hit counts, a null
// value is passed over, and none at all skips the object (mappings.md section 4).
func TestSeveralMatchingAttributes(t *testing.T) {
	m := newModel(t, config.ScopeAll, map[string]row{
		"1": {"name": "ADA", "number": "1815", "mail": "ada@work"},
		"2": {"name": "Grace", "number": nil, "mail": "grace@work"},
		"3": {"name": "robert", "number": "3", "mail": "robert@work"},
		"4": {"number": ""},
	}, map[string]mapping.Attribute{
		"externalId":                   {Source: ptr("number"), MatchingPrecedence: ptr(int64(1))},
		"userName":                     {Expression: ptr(`ToLower([name])`), MatchingPrecedence: ptr(int64(2))},
		`emails[type eq "work"].value`: {Source: ptr("mail"), MatchingPrecedence: ptr(int64(3))},
		"displayName":                  value("number"),
	})
	for _, account := range []map[string]any{
		{"userName": "old-ada", "externalId": "1815"}, {"userName": "grace"},
		{"userName": "bob", "emails": []any{map[string]any{"type": "work", "value": "robert@work"}}},
	} {
		if _, err := m.app.Add("User", account); err != nil {
			t.Fatal(err)
		}
	}
	m.start()
	if n := m.app.Len("User"); n != 3 {
		t.Fatalf("there are %d users, 3 wanted", n)
	}
	for name, number := range map[string]string{"ada": `"1815"`, "grace": "", "robert": `"3"`} {
		holds(t, m.attributes(name), map[string]string{"externalId": number, "displayName": number})
	}
	if e := m.last("4"); e.Reason != audit.EntryJoiningPropertyValueIsMissing || e.Status != audit.Skipped {
		t.Errorf("without a matching value: %s %s", e.Status, e.Reason)
	}
}

// Values take the types of the target's attributes; one that cannot costs its
// object alone, and the entry says which attribute, expression, argument and
// value (expressions.md section 1, mappings.md section 3).
func TestValuesTakeTheTypesOfTheTarget(t *testing.T) {
	m := newModel(t, config.ScopeAll, map[string]row{
		"1": {"name": "fine", "on": "TRUE", "day": "2026-03-01", "mails": []any{"one@work"}, "place": 2},
		"2": {"name": "notBoolean", "on": "maybe", "day": "2026-03-01", "place": 1},
		"3": {"name": "severalMails", "on": "True", "day": "2026-03-01", "mails": []any{"a@work", "b@work"}, "place": 1},
		"4": {"name": "noDate", "on": "True", "day": "soon", "place": 1},
		"5": {"name": "noPlace", "on": "True", "day": "2026-03-01", "place": "second"},
		"6": {"name": "secretDate", "on": "True", "day": "2026-03-01", "place": 1, "secret": "hunter2"},
	}, map[string]mapping.Attribute{
		"active":                       value("on"),
		`emails[type eq "work"].value`: value("mails"),
		"nickName":                     formula(`DateAdd("d", 1, CDate([day]))`),
		"title":                        formula(`Mid("abc", [place], 1)`),
		"userType":                     formula(`IIF(IsPresent([secret]), CStr(DateFromNum(Redact([secret]))), "none")`),
	})
	m.start()
	holds(t, m.attributes("fine"), map[string]string{
		"active": "true", "emails": `[{"primary":true,"type":"work","value":"one@work"}]`, "nickName": `"3/2/2026 12:00:00 AM"`, "title": `"b"`,
	})
	if n := m.app.Len("User"); n != 1 {
		t.Errorf("%d accounts were made, 1 wanted", n)
	}
	for id, want := range map[string]struct {
		code    string
		details map[string]string
	}{
		"2": {audit.AttributeValidationFailed, map[string]string{"attribute": "active"}},
		"3": {audit.SchemaPropertyCanOnlyAcceptValue, map[string]string{"attribute": `emails[type eq "work"].value`}},
		"4": {audit.AttributeValidationFailed, map[string]string{"attribute": "nickName", "expression": `DateAdd("d", 1, CDate([day]))`, "function": "CDate", "argument": "value", "value": "soon"}},
		"5": {audit.AttributeValidationFailed, map[string]string{"attribute": "title", "expression": `Mid("abc", [place], 1)`, "function": "Mid", "argument": "start", "value": "second"}},
		"6": {audit.AttributeValidationFailed, map[string]string{"attribute": "userType", "function": "DateFromNum", "argument": "value"}},
	} {
		e := m.last(id)
		if e.Status != audit.Failure || e.ErrorCode != want.code || e.RecommendedAction == "" {
			t.Errorf("%s: %s %s, %q", id, e.Status, e.ErrorCode, e.RecommendedAction)
		}
		details := map[string]string{}
		for _, step := range e.Steps {
			if step.Name == "EntrySynchronizationError" {
				for _, detail := range step.Details {
					details[detail.Name] = detail.Value
				}
			}
		}
		holds(t, details, want.details)
		if text, _ := json.Marshal(e); strings.Contains(string(text), "hunter2") {
			t.Errorf("%s: the entry shows a redacted value: %s", id, text)
		}
	}

	// The object alone is mended, without a change of the configuration.
	m.rows["4"]["day"] = "2026-04-30"
	m.save()
	m.next()
	holds(t, m.attributes("noDate"), map[string]string{"nickName": `"5/1/2026 12:00:00 AM"`})
}

// References go as ids of accounts, once these exist; one who loses his account
// is no manager any more, and several where one is wanted fail the object.
func TestReferencesBecomeAccounts(t *testing.T) {
	const manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	m := newModel(t, config.ScopeAll, map[string]row{
		"1": {"name": "ada", "boss": "3"}, "2": {"name": "bob", "boss": []any{"1", "3"}}, "3": {"name": "charles", "boss": "nobody"},
	}, map[string]mapping.Attribute{manager + ":manager": value("manager")})
	m.start()
	charles, _ := m.app.User("charles")
	holds(t, m.attributes("ada"), map[string]string{manager: `{"manager":{"value":"` + charles.ID + `"}}`})
	holds(t, m.attributes("charles"), map[string]string{manager: ""})
	if e := m.last("2"); e.ErrorCode != audit.SchemaPropertyCanOnlyAcceptValue {
		t.Errorf("two managers: %s %s", e.Status, e.ErrorCode)
	}
	m.rows["2"]["boss"], m.rows["3"]["boss"] = "1", "2"
	m.save()
	m.next()
	ada, _ := m.app.User("ada")
	bob, _ := m.app.User("bob")
	holds(t, m.attributes("bob"), map[string]string{manager: `{"manager":{"value":"` + ada.ID + `"}}`})
	holds(t, m.attributes("charles"), map[string]string{manager: `{"manager":{"value":"` + bob.ID + `"}}`})
}
