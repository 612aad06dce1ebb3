package gallery

import (
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
)

func TestRequiredAttributes(t *testing.T) {
	const organization = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization"
	template := Template{Name: "peculiar", Required: map[string][]string{"User": {"userName", "emails", organization}}}
	source := "x"
	of := func(paths ...string) *config.Mapping {
		m := &config.Mapping{ObjectType: "User", Attributes: map[string]mapping.Attribute{}}
		for _, path := range paths {
			m.Attributes[path] = mapping.Attribute{Source: &source}
		}
		return m
	}
	updates := of("title")
	updates.Actions = []mapping.Action{mapping.ActionUpdate}
	groups := of("displayName")
	groups.ObjectType = "Group"
	for name, tt := range map[string]struct {
		mapping *config.Mapping
		missing []string
	}{
		"all":                      {of("userName", "emails", organization), nil},
		"names are without case":   {of("USERNAME", "Emails", strings.ToUpper(organization)), nil},
		"a part of an attribute":   {of("userName", `emails[type eq "work"].value`, organization), nil},
		"one is missing":           {of("userName", "emails.value"), []string{organization}},
		"all are missing":          {of("title"), []string{"userName", "emails", organization}},
		"nothing is to be created": {updates, nil},
		"another object type":      {groups, nil},
	} {
		t.Run(name, func(t *testing.T) {
			problems := template.CheckMapping(tt.mapping)
			if len(problems) != len(tt.missing) {
				t.Fatalf("%v", problems)
			}
			for i, p := range problems {
				if p.Path[0] != "attributes" || !strings.Contains(p.Detail, tt.missing[i]) {
					t.Errorf("%+v, want one of %s", p, tt.missing[i])
				}
			}
		})
	}

	told := directory.ObjectType{Name: "User", Attributes: []directory.Definition{{Name: "username"}, {Name: "title"}}}
	if marked := template.Require(told); !marked.Attributes[0].Required || marked.Attributes[1].Required || told.Attributes[0].Required {
		t.Errorf("%+v of %+v", marked, told)
	}
}
