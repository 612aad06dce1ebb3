package gallery

import (
	"slices"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
)

// Every template is whole: its mappings compile against any source, and it says
// how to connect.
func TestTemplates(t *testing.T) {
	if !slices.Contains(Names(), "scim") {
		t.Fatalf("there are %v", Names())
	}
	for _, name := range Names() {
		for _, template := range templates[name] {
			if template.Revision == "" || template.Title == "" || template.Connector == "" || len(template.Fields) == 0 {
				t.Errorf("%s %s is not whole", name, template.Revision)
			}
			if got, err := Get(name, template.Revision); err != nil || got.Title != template.Title {
				t.Errorf("%s %s: %+v, %v", name, template.Revision, got, err)
			}
			for objectType := range template.Mappings {
				m, ok := template.Mapping("app", objectType)
				if !ok {
					t.Fatalf("%s has no mapping of %s", name, objectType)
				}
				if problems := m.ValidateWith(mapping.Source{References: []string{"manager", "members"}}, nil); problems.Err() != nil {
					t.Errorf("%s %s: %v", name, objectType, problems)
				}
			}
		}
		latest, err := Latest(name)
		if err != nil || latest.Revision != templates[name][len(templates[name])-1].Revision {
			t.Errorf("the latest of %s is %s, %v", name, latest.Revision, err)
		}
	}
}

// The generic template has the mappings of specification section 9.
func TestTemplates_scim(t *testing.T) {
	scim, err := Latest("scim")
	if err != nil {
		t.Fatal(err)
	}
	users, groups := scim.Mappings[directory.User].Attributes, scim.Mappings[directory.Group].Attributes
	if len(users) != 22 || len(groups) != 3 {
		t.Errorf("%d attributes of users, %d of groups", len(users), len(groups))
	}
	if a := users["userName"]; *a.Source != "userPrincipalName" || *a.MatchingPrecedence != 1 {
		t.Errorf("users match by %+v", a)
	}
	if a := groups["displayName"]; *a.Source != "displayName" || *a.MatchingPrecedence != 1 {
		t.Errorf("groups match by %+v", a)
	}
	if _, ok := scim.Mapping("app", "Desk"); ok {
		t.Error("there are desks")
	}
}

func TestGet_unknown(t *testing.T) {
	if _, err := Get("slak", "1"); err == nil || !strings.Contains(err.Error(), "scim") {
		t.Errorf("an unknown template: %v", err)
	}
	if _, err := Get("scim", "0"); err == nil || !strings.Contains(err.Error(), "install") {
		t.Errorf("an unknown revision: %v", err)
	}
	if _, err := Latest(""); err == nil {
		t.Error("no template: no error")
	}
}

func TestCheck(t *testing.T) {
	app := &config.App{Template: "scim", SCIM: &config.SCIMConnection{}}
	if problems := Check(app); problems.Err() != nil {
		t.Error(problems)
	}
	app.Template = "slak"
	if problems := Check(app); len(problems) != 1 || problems[0].Path[0] != "template" || !strings.Contains(problems[0].Detail, "scim") {
		t.Errorf("an unknown template: %v", problems)
	}
}

// An attribute that the app requires is mapped wherever accounts may be created;
// the templates' own mappings do.
func TestCheckMapping(t *testing.T) {
	for _, name := range Names() {
		latest, err := Latest(name)
		if err != nil {
			t.Fatal(err)
		}
		for objectType := range latest.Mappings {
			m, _ := latest.Mapping("app", objectType)
			if problems := latest.CheckMapping(m); problems.Err() != nil {
				t.Errorf("%s %s: %v", name, objectType, problems)
			}
		}
	}
	scim, err := Latest("scim")
	if err != nil {
		t.Fatal(err)
	}
	attribute := func(path string) map[string]mapping.Attribute { return map[string]mapping.Attribute{path: {}} }
	for _, tt := range []struct {
		m    config.Mapping
		says string
	}{
		{config.Mapping{ObjectType: "User", Attributes: attribute("externalId")}, "userName"},
		{config.Mapping{ObjectType: "User", Attributes: attribute("USERNAME")}, ""},
		{config.Mapping{ObjectType: "Group", Attributes: attribute("externalId")}, "displayName"},
		{config.Mapping{ObjectType: "Device", Attributes: attribute("serial")}, ""},
		{config.Mapping{ObjectType: "User", Actions: []mapping.Action{mapping.ActionUpdate}, Attributes: attribute("externalId")}, ""},
		{config.Mapping{ObjectType: "User", Actions: []mapping.Action{mapping.ActionCreate}, Attributes: attribute("externalId")}, "userName"},
	} {
		problems := scim.CheckMapping(&tt.m)
		if (len(problems) == 0) != (tt.says == "") || tt.says != "" && !strings.Contains(problems[0].Detail, tt.says) {
			t.Errorf("%s %v: %v", tt.m.ObjectType, tt.m.Attributes, problems)
		}
	}
}
