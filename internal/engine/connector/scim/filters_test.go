package scim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

// Filters that servers ignore, misread or refuse lead to listing, never to an
// empty answer that is believed, nor to another's account.
func TestFiltersThatCannotBeTrusted(t *testing.T) {
	employee := enterprise + "employeeNumber"
	for name, test := range map[string]struct {
		quirks sampleapp.Quirks
		path   string
		value  string
		cannot bool
		found  int
	}{
		"standard":                        {sampleapp.Quirks{}, "userName", "ADA", false, 1},
		"standard, nobody":                {sampleapp.Quirks{}, "userName", "nobody", false, 0},
		"standard, external id":           {sampleapp.Quirks{}, "externalId", "e1", false, 1},
		"standard, external id is exact":  {sampleapp.Quirks{}, "externalId", "E1", false, 0},
		"standard, extension":             {sampleapp.Quirks{}, employee, "7", false, 1},
		"standard, element":               {sampleapp.Quirks{}, `emails[type eq "work"].value`, "ADA@example.com", false, 1},
		"standard, quotes":                {sampleapp.Quirks{}, "userName", `q"u\o`, false, 1},
		"standard, quotes, nobody":        {sampleapp.Quirks{}, "userName", `a"b\c`, true, 0},
		"ignored":                         {sampleapp.Quirks{IgnoreFilter: true}, "userName", "ada", true, 0},
		"ignored, nobody":                 {sampleapp.Quirks{IgnoreFilter: true}, "userName", "nobody", true, 0},
		"mail only, by external id":       {sampleapp.Quirks{FilterMailOnly: true}, "externalId", "e2", true, 0},
		"mail only, element":              {sampleapp.Quirks{FilterMailOnly: true}, `emails[type eq "work"].value`, "ada@example.com", true, 0},
		"no extensions":                   {sampleapp.Quirks{NoNestedFilter: true}, employee, "7", true, 0},
		"no sub-attributes":               {sampleapp.Quirks{NoNestedFilter: true}, "emails.value", "ada@example.com", true, 0},
		"no brackets":                     {sampleapp.Quirks{NoNestedFilter: true}, `emails[type eq "work"].value`, "ada@example.com", true, 0},
		"no quotes":                       {sampleapp.Quirks{NoQuoteInFilter: true}, "userName", `a"b`, true, 0},
		"no quotes, other value":          {sampleapp.Quirks{NoQuoteInFilter: true}, "userName", "ada", false, 1},
		"two that differ in case":         {sampleapp.Quirks{CaseExactUniqueness: true}, "userName", "Twin", false, 2},
		"attribute that nobody has":       {sampleapp.Quirks{}, "nickName", "x", true, 0},
		"errors in HTML":                  {sampleapp.Quirks{Errors: sampleapp.ErrorsHTML, NoQuoteInFilter: true}, "userName", `a"b`, true, 0},
		"value that no filter carries":    {sampleapp.Quirks{}, "userName", "a\x00b", true, 0},
		"value that is no text":           {sampleapp.Quirks{}, "userName", "a\xffb", true, 0},
		"value longer than any address":   {sampleapp.Quirks{}, "userName", strings.Repeat("x", 1<<20), true, 0},
		"case-exact filter, as it stands": {sampleapp.Quirks{CaseExactFilter: true}, "userName", "Ada", false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			app, target := play(t, test.quirks, "")
			add(t, app, sampleapp.User, "Ada", "externalId", "e1", "emails", mail("ada@example.com"),
				"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", map[string]any{"employeeNumber": "7"})
			add(t, app, sampleapp.User, "Bob", "externalId", "e2", "emails", mail("bob@example.com"))
			add(t, app, sampleapp.User, `q"u\o`)
			if test.quirks.CaseExactUniqueness {
				add(t, app, sampleapp.User, "Twin")
				add(t, app, sampleapp.User, "tWIN")
			}
			for range 2 { // what was learnt gives the same answer
				found, err := find(t, target, directory.User, test.path, test.value)
				if errors.Is(err, connector.ErrCannotFilter) != test.cannot || err != nil && !test.cannot {
					t.Fatalf("error %v, cannot filter wanted: %t", err, test.cannot)
				}
				if len(found) != test.found {
					t.Errorf("found %v, want %d", found, test.found)
				}
			}
		})
	}
}

func TestSearchInAnEmptyAppCostsOneRequestEach(t *testing.T) {
	app, target := play(t, sampleapp.Quirks{}, "")
	for i := range 10 {
		if found, err := find(t, target, directory.User, "userName", fmt.Sprint(i)); err != nil || len(found) != 0 {
			t.Fatal(found, err)
		}
	}
	if n := app.Counts()["search User"].Requests + app.Counts()["list User"].Requests; n != 11 {
		t.Errorf("%d requests, want 10 searches and one list", n)
	}
}

// A server that fails on every filter, and answers without one, is listed.
func TestFilterThatFails(t *testing.T) {
	app, target := play(t, sampleapp.Quirks{}, "")
	add(t, app, sampleapp.User, "ada")
	app.Schedule(sampleapp.Rule{Operation: sampleapp.Search, Fault: sampleapp.Fault{Status: 500, Body: "<html>Internal Server Error</html>", ContentType: "text/html"}})
	for range 2 {
		if _, err := find(t, target, directory.User, "userName", "ada"); !errors.Is(err, connector.ErrCannotFilter) {
			t.Error(err)
		}
	}
	if n := app.Counts()["search User"].Requests; n != 1 {
		t.Errorf("%d searches", n)
	}
	app.Schedule(sampleapp.Rule{Operation: sampleapp.List, Fault: sampleapp.Fault{Status: 500}})
	_, err := find(t, open(t, target.base.String(), ""), directory.User, "userName", "ada")
	refused(t, err, connector.Transient, codeServer) // nothing says that it is the filter
}

func TestDeclaredFilters(t *testing.T) {
	app, target := play(t, sampleapp.Quirks{}, `{"filterable":{"User":["userName"]}}`)
	add(t, app, sampleapp.User, "ada", "externalId", "e")
	if found, err := find(t, target, directory.User, "userName", "nobody"); err != nil || len(found) != 0 {
		t.Error(found, err)
	}
	if _, err := find(t, target, directory.User, "externalId", "e"); !errors.Is(err, connector.ErrCannotFilter) {
		t.Error(err)
	}
	if n := app.Counts()["list User"].Requests; n != 0 {
		t.Errorf("%d lists although the dialect says what can be searched", n)
	}
}

func TestGroupsOfOneName(t *testing.T) {
	app, target := play(t, sampleapp.Quirks{DisplayNameNotUnique: true}, "")
	first, second := add(t, app, sampleapp.Group, "g"), add(t, app, sampleapp.Group, "G")
	if ids, err := find(t, target, directory.Group, "displayName", "g"); err != nil || !slices.Equal(ids, []string{first, second}) {
		t.Error(ids, err)
	}
}
