package engine_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

// depot is a SCIM app that has devices beside users and groups, a resource type
// of its own (RFC 7643 section 6).
type depot struct {
	*sampleapp.App
	mu      sync.Mutex
	devices map[string]map[string]any
	last    int
}

const deviceSchema = "urn:example:params:scim:schemas:core:2.0:Device"

var serialFilter = regexp.MustCompile(`^serialNumber eq "(.*)"$`)

func (d *depot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/scim")
	list := func(resources []map[string]any) {
		answer(w, http.StatusOK, map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:ListResponse"}, "totalResults": len(resources), "Resources": resources})
	}
	switch {
	case path == "/ResourceTypes":
		list([]map[string]any{
			{"name": "User", "endpoint": "/Users", "schema": "urn:ietf:params:scim:schemas:core:2.0:User"},
			{"name": "Group", "endpoint": "/Groups", "schema": "urn:ietf:params:scim:schemas:core:2.0:Group"},
			{"name": "Device", "endpoint": "/Devices", "schema": deviceSchema},
		})
	case path == "/Schemas":
		list([]map[string]any{{"id": deviceSchema, "attributes": []map[string]any{
			{"name": "serialNumber", "type": "string", "required": true, "caseExact": true, "uniqueness": "server"},
			{"name": "memory", "type": "integer"}, {"name": "displayName", "type": "string"},
			{"name": "owner", "type": "reference", "referenceTypes": []string{"User"}},
		}}})
	case strings.HasPrefix(path, "/Devices"):
		d.mu.Lock()
		defer d.mu.Unlock()
		d.serveDevice(w, r, strings.Trim(strings.TrimPrefix(path, "/Devices"), "/"), list)
	default:
		d.App.ServeHTTP(w, r)
	}
}

func answer(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/scim+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func (d *depot) serveDevice(w http.ResponseWriter, r *http.Request, id string, list func([]map[string]any)) {
	var body map[string]any
	if r.Method != http.MethodGet {
		_ = json.NewDecoder(r.Body).Decode(&body)
	}
	device, exists := d.devices[id]
	switch {
	case r.Method == http.MethodPost:
		d.last++
		body["id"] = fmt.Sprint("d", d.last)
		d.devices[body["id"].(string)] = body
		answer(w, http.StatusCreated, body)
	case id == "":
		match := serialFilter.FindStringSubmatch(r.URL.Query().Get("filter"))
		var found []map[string]any
		for _, key := range slices.Sorted(maps.Keys(d.devices)) {
			if match == nil || d.devices[key]["serialNumber"] == match[1] {
				found = append(found, d.devices[key])
			}
		}
		list(found)
	case !exists:
		answer(w, http.StatusNotFound, map[string]any{"status": "404"})
	case r.Method == http.MethodPatch:
		for _, operation := range body["Operations"].([]any) {
			o := operation.(map[string]any)
			device[o["path"].(string)] = o["value"]
		}
		answer(w, http.StatusOK, device)
	case r.Method == http.MethodDelete:
		delete(d.devices, id)
		w.WriteHeader(http.StatusNoContent)
	default:
		answer(w, http.StatusOK, device)
	}
}

// held gives the devices by serial number, as JSON without what the app adds.
func (d *depot) held() map[string]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := map[string]string{}
	for _, device := range d.devices {
		shown := maps.Clone(device)
		delete(shown, "id")
		delete(shown, "schemas")
		data, _ := json.Marshal(shown)
		out[device["serialNumber"].(string)] = string(data)
	}
	return out
}

// Objects of a type beyond users and groups go from a file of their own to the
// resource type of the app that a mapping names: created, referring to users,
// filtered, changed and deleted, though only users are assigned.
func TestAnotherObjectType(t *testing.T) {
	q := &quickstart{t: t, dir: t.TempDir(), data: t.TempDir()}
	q.write("people.json", `[{"id": "1", "name": "ada"}, {"id": "2", "name": "grace"}]`)
	q.write("devices.csv", "serial,model,mb,holder,state\nA1,Laptop,512,1,used\nB2,Phone,x,2,used\nC3,Printer,1,,lost\n")
	app := &depot{App: sampleapp.New(sampleapp.Options{}), devices: map[string]map[string]any{}}
	q.app, q.server = app.App, httptest.NewServer(app)
	t.Cleanup(q.server.Close)
	q.open()
	t.Cleanup(func() { q.close() })
	q.source = create(q, &config.Source{Name: "people", File: &config.FileSource{
		Users:   &config.FileSet{Path: filepath.Join(q.dir, "people.json"), IDColumn: "id"},
		Objects: map[string]*config.FileSet{"Device": {Path: filepath.Join(q.dir, "devices.csv"), IDColumn: "serial", References: map[string]string{"owner": "holder"}}},
	}}, nil)
	q.chat = create(q, &config.App{Name: "depot", SourceID: q.source.ID, Template: "scim", SCIM: &config.SCIMConnection{BaseURL: q.server.URL + "/scim"}}, nil)
	users := create(q, &config.Mapping{AppID: q.chat.ID, ObjectType: "User", Attributes: map[string]mapping.Attribute{
		"userName": {Source: ptr("name"), MatchingPrecedence: ptr(int64(1))}}}, nil)
	devices := create(q, &config.Mapping{AppID: q.chat.ID, ObjectType: "Device", Attributes: map[string]mapping.Attribute{
		"serialNumber": {Source: ptr("serial"), MatchingPrecedence: ptr(int64(1))},
		"displayName":  formula(`Join(" ", [model], [serial])`), "memory": value("mb"), "owner": value("owner")}}, nil)
	filter := create(q, &config.Filter{AppID: q.chat.ID, ObjectType: "Device", Name: "used", Clauses: []scoping.Clause{{Attribute: "state", Operator: "equals", Value: ptr("used")}}}, nil)
	assignment := create(q, &config.Assignment{AppID: q.chat.ID, User: "1"}, nil)
	job := &config.Job{AppID: q.chat.ID, Interval: "1h", Deprovisioning: map[string]map[string]string{"Device": {"out_of_scope": "delete", "grace_period": "0s"}}}
	for _, thing := range []config.Thing{q.source, q.chat, users, devices, filter, assignment} {
		job.Revisions = append(job.Revisions, thing.Revision())
	}
	q.job = create(q, job, nil)
	q.wait("initial_cycle")
	ada, _ := q.app.User("ada")
	holds(t, app.held(), map[string]string{
		"A1": `{"displayName":"Laptop A1","memory":512,"owner":{"value":"` + ada.ID + `"},"serialNumber":"A1"}`, "B2": "", "C3": "",
	})
	entries, err := q.engine.Audit(t.Context(), audit.Query{AppID: q.chat.ID, Object: "B2"})
	if err != nil || len(entries) == 0 || entries[0].ErrorCode != audit.AttributeValidationFailed || entries[0].Source.Type != "Device" {
		t.Errorf("B2: %+v, error %v", entries, err)
	}
	s, err := q.engine.Status(t.Context(), q.chat.ID)
	if err != nil || s.Managed["Device"] != 1 || s.Managed["User"] != 1 {
		t.Errorf("managed: %v, error %v", s.Managed, err)
	}

	q.write("devices.csv", "serial,model,mb,holder,state\nA1,Laptop,1024,1,used\nB2,Phone,64,2,used\nC3,Printer,1,,used\n")
	q.wait("next_cycle")
	holds(t, app.held(), map[string]string{
		"A1": `{"displayName":"Laptop A1","memory":1024,"owner":{"value":"` + ada.ID + `"},"serialNumber":"A1"}`,
		"B2": `{"displayName":"Phone B2","memory":64,"serialNumber":"B2"}`, "C3": `{"displayName":"Printer C3","memory":1,"serialNumber":"C3"}`,
	})
	q.write("devices.csv", "serial,model,mb,holder,state\nA1,Laptop,1024,1,used\nB2,Phone,64,2,lost\n")
	q.wait("next_cycle")
	if got := app.held(); len(got) != 1 {
		t.Errorf("devices that are lost or gone stay: %v", got)
	}
}

// A type that the source does not have would be mapped in vain.
func TestUnknownObjectType(t *testing.T) {
	m := newModel(t, config.ScopeAll, map[string]row{"1": {"name": "ada"}}, map[string]mapping.Attribute{})
	for _, thing := range []config.Thing{
		&config.Mapping{AppID: m.chat.ID, ObjectType: "Users", Attributes: m.users.Attributes},
		&config.Filter{AppID: m.chat.ID, ObjectType: "Usr", Name: "f", Clauses: []scoping.Clause{{Attribute: "name", Operator: "is_not_null"}}},
	} {
		_, err := m.engine.Create(t.Context(), thing, nil)
		if refused, ok := err.(*api.Error); !ok || !strings.Contains(refused.Detail, `Did you mean "User"?`) {
			t.Errorf("%T: %v", thing, err)
		}
	}
}
