package engine_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

// newRoles assigns ada the roles of two assignments, and grace one without.
func newRoles(t *testing.T, attributes map[string]mapping.Attribute) (*model, []config.Thing) {
	t.Helper()
	m := newModel(t, config.ScopeAssigned, map[string]row{"1": {"name": "ada"}, "2": {"name": "grace"}}, attributes)
	m.save(map[string]any{"id": "g1", "displayName": "Staff", "members": []any{"1", "2"}}, map[string]any{"id": "g2", "displayName": "Heads", "members": []any{"1"}})
	return m, []config.Thing{
		create(m.quickstart, &config.Assignment{AppID: m.chat.ID, User: "1", Role: "Reader"}, nil),
		create(m.quickstart, &config.Assignment{AppID: m.chat.ID, Group: "g1"}, nil),
		create(m.quickstart, &config.Assignment{AppID: m.chat.ID, Group: "g2", Role: "Owner"}, nil),
	}
}

// patches gives the operations of the one PATCH among requests.
func patches(t *testing.T, requests []sampleapp.Request) []map[string]any {
	t.Helper()
	var found []map[string]any
	for _, r := range requests {
		if r.Method != "PATCH" {
			continue
		}
		var body struct{ Operations []map[string]any }
		if err := json.Unmarshal([]byte(r.Body), &body); err != nil || found != nil {
			t.Fatalf("not one PATCH: %v %+v", err, requests)
		}
		found = body.Operations
	}
	return found
}

// withRole assigns the role to ada as well and applies.
func (m *model) withRole(role string, assigned []config.Thing) []config.Thing {
	m.t.Helper()
	more := append(slices.Clone(assigned), create(m.quickstart, &config.Assignment{AppID: m.chat.ID, User: "1", Role: role}, nil))
	m.release(more)
	return more
}

func (m *model) release(listed []config.Thing) {
	m.t.Helper()
	m.job.Revisions = nil
	for _, thing := range append([]config.Thing{m.source, m.chat, m.users}, listed...) {
		m.job.Revisions = append(m.job.Revisions, thing.Revision())
	}
	made, err := m.engine.Update(m.t.Context(), m.job, nil)
	if err != nil {
		m.t.Fatal(err)
	}
	m.job = made.(*config.Job)
}

// SingleAppRoleAssignment gives the role of the first assignment that has one
// (mappings.md section 7); the elements' sub-attributes build one element.
func TestSingleAppRoleAssignment(t *testing.T) {
	m, assigned := newRoles(t, map[string]mapping.Attribute{
		`roles[primary eq "True"].value`:   formula("SingleAppRoleAssignment([appRoleAssignments])"),
		`roles[primary eq "True"].display`: formula("SingleAppRoleAssignment([appRoleAssignments])"),
		`roles[primary eq "True"].type`:    constantly("WindowsAzureActiveDirectoryRole"),
		"title":                            {Expression: ptr("SingleAppRoleAssignment([appRoleAssignments])"), Default: ptr("User")},
	})
	m.start(assigned...)
	holds(t, m.attributes("ada"), map[string]string{
		"roles": `[{"display":"Reader","primary":true,"type":"WindowsAzureActiveDirectoryRole","value":"Reader"}]`, "title": `"Reader"`,
	})
	holds(t, m.attributes("grace"), map[string]string{"title": `"User"`})

	// Without the first, the second's: the update has the form of the creation.
	if err := m.engine.Delete(t.Context(), config.KindAssignment, assigned[0].GetID()); err != nil {
		t.Fatal(err)
	}
	m.app.ForgetRequests()
	m.release(assigned[1:])
	m.wait("next_cycle")
	holds(t, m.attributes("ada"), map[string]string{
		"roles": `[{"display":"Owner","primary":true,"type":"WindowsAzureActiveDirectoryRole","value":"Owner"}]`, "title": `"Owner"`,
	})
	for _, operation := range patches(t, m.changes()) {
		if path := operation["path"].(string); path != "title" && !strings.HasPrefix(path, "roles[primary eq true].") {
			t.Errorf("an operation of another form: %v", operation)
		}
	}
}

// The union of the roles of all assignments, as complex values: one function
// adds and never removes, the other replaces, foreign roles included.
func TestComplexRoles(t *testing.T) {
	const reader = `{"display":"Reader","primary":false,"type":"WindowsAzureActiveDirectoryRole","value":"Reader"}`
	const owner = `{"display":"Owner","primary":false,"type":"WindowsAzureActiveDirectoryRole","value":"Owner"}`
	const auditor = `{"display":"Auditor","primary":false,"type":"WindowsAzureActiveDirectoryRole","value":"Auditor"}`
	const foreign = `{"value":"Foreign"}`
	for function, want := range map[string]struct{ op, after, ended string }{
		"AppRoleAssignmentsComplex":          {"add", reader + "," + owner + "," + foreign + "," + auditor, reader + "," + owner + "," + foreign + "," + auditor},
		"AssertiveAppRoleAssignmentsComplex": {"replace", reader + "," + owner + "," + auditor, owner + "," + auditor},
	} {
		t.Run(function, func(t *testing.T) {
			m, assigned := newRoles(t, map[string]mapping.Attribute{"roles": formula(function + "([appRoleAssignments])")})
			m.start(assigned...)
			holds(t, m.attributes("ada"), map[string]string{"roles": "[" + reader + "," + owner + "]"})
			holds(t, m.attributes("grace"), map[string]string{"roles": ""})

			ada, _ := m.app.User("ada")
			var roles []any
			if err := json.Unmarshal([]byte("["+reader+","+owner+","+foreign+"]"), &roles); err != nil {
				t.Fatal(err)
			}
			if err := m.app.Change("User", ada.ID, map[string]any{"userName": "ada", "roles": roles}); err != nil {
				t.Fatal(err)
			}
			m.app.ForgetRequests()
			more := m.withRole("Auditor", assigned)
			m.wait("next_cycle")
			operations := patches(t, m.changes())
			if len(operations) != 1 || !strings.EqualFold(operations[0]["op"].(string), want.op) || operations[0]["path"] != "roles" {
				t.Errorf("sent %v", operations)
			}
			holds(t, m.attributes("ada"), map[string]string{"roles": "[" + want.after + "]"})

			if err := m.engine.Delete(t.Context(), config.KindAssignment, assigned[0].GetID()); err != nil {
				t.Fatal(err)
			}
			m.release(more[1:])
			m.wait("next_cycle")
			holds(t, m.attributes("ada"), map[string]string{"roles": "[" + want.ended + "]"})
			if changes := m.next(); len(changes) != 0 {
				t.Errorf("sent again: %v", changes)
			}
		})
	}
}

// The records of assignments are no value, and a mapping of them is refused.
func TestRolesAreTakenByFunctions(t *testing.T) {
	m := newModel(t, config.ScopeAll, map[string]row{"1": {"name": "ada"}}, map[string]mapping.Attribute{})
	for _, a := range []mapping.Attribute{value("appRoleAssignments"), formula("[appRoleAssignments]")} {
		changed := *m.users
		changed.Attributes = map[string]mapping.Attribute{"userName": m.users.Attributes["userName"], "roles": a}
		_, err := m.engine.Update(t.Context(), &changed, nil)
		if refused, ok := err.(*api.Error); !ok || !strings.Contains(refused.Detail, "SingleAppRoleAssignment") {
			t.Errorf("%+v: %v", a, err)
		}
	}
}
