package provider

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

const people = `
resource "provisioning_source" "people" {
  name = "people"
  file = {
    users  = { path = "testdata/people.csv", id = "employee_id", references = { manager = "manager_id" } }
    groups = { path = "testdata/groups.json", id = "id", members = "members" }
  }
  attributes = {
    userPrincipalName = "email"
    givenName         = "first_name"
  }
}
`

func source(path string) string {
	return `resource "provisioning_source" "people" {
  name = "people"
  file = { users = { path = "` + path + `", id = "employee_id" } }
}
`
}

func TestAccSource_lifecycle(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	at := func(names ...any) tfjsonpath.Path {
		p := tfjsonpath.New("file")
		for _, name := range names {
			p = p.AtMapKey(name.(string))
		}
		return p
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	var first string
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{
				Config: header + people,
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectKnownValue("provisioning_source.people", tfjsonpath.New("id"), knownvalue.StringExact(config.ID(config.Identity{Kind: config.KindSource, Name: "people"}, 1))),
					plancheck.ExpectKnownValue("provisioning_source.people", tfjsonpath.New("revision"), knownvalue.NotNull()),
				}},
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue("provisioning_source.people", at("users", "path"), knownvalue.StringExact("testdata/people.csv")),
					statecheck.ExpectKnownValue("provisioning_source.people", at("users", "format"), knownvalue.Null()),
				},
				Check: func(*terraform.State) error {
					stored := only[*config.Source](t, service, config.KindSource)
					first = stored.GetID()
					if want := filepath.Join(here, "testdata/people.csv"); stored.File.Users.Path != want {
						t.Errorf("the agent was told %q, want %q", stored.File.Users.Path, want)
					}
					return nil
				},
			},
			{ // the same file, written otherwise: no change
				Config:           header + people[:len(people)-2] + "\n}\n",
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
			},
			{
				Config:           header + source("./testdata/../testdata/people.csv"),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction("provisioning_source.people", plancheck.ResourceActionUpdate)}},
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue("provisioning_source.people", at("groups"), knownvalue.Null()),
					statecheck.ExpectKnownValue("provisioning_source.people", at("users", "path"), knownvalue.StringExact("testdata/people.csv")),
				},
				Check: func(*terraform.State) error {
					if id := only[*config.Source](t, service, config.KindSource).GetID(); id != first {
						t.Errorf("the id changed from %s to %s", first, id)
					}
					return nil
				},
			},
			{ResourceName: "provisioning_source.people", ImportState: true, ImportStateId: "people", ImportStateKind: resource.ImportBlockWithID},
			{ResourceName: "provisioning_source.people", ImportState: true, ImportStateKind: resource.ImportBlockWithID},
			{ResourceName: "provisioning_source.people", ImportState: true, ImportStateId: "persons", ExpectError: says(`No source has that id or name. There are: "people".`)},
		},
	})
}

// Objects of other types have files by the type's name.
func TestAccSource_objects(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	devices := func(more string) string {
		return header + `
resource "provisioning_source" "people" {
  name = "people"
  file = {
    users   = { path = "testdata/people.csv", id = "employee_id" }
    objects = { Device = { path = "testdata/people.csv", id = "employee_id"` + more + ` } }
  }
}
`
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{Config: devices(`, references = { owner = "manager_id" }`)},
			{ResourceName: "provisioning_source.people", ImportState: true, ImportStateKind: resource.ImportBlockWithID},
			{
				Config: devices(""),
				Check: func(*terraform.State) error {
					set := only[*config.Source](t, service, config.KindSource).File.Objects["Device"]
					if set == nil || !filepath.IsAbs(set.Path) || len(set.References) != 0 {
						t.Errorf("the agent was told %+v", set)
					}
					return nil
				},
			},
		},
	})
}

func TestAccSource_disappears(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{Config: header + people},
			{
				PreConfig: forget(t, service, config.KindSource), Config: header + people,
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction("provisioning_source.people", plancheck.ResourceActionCreate),
					plancheck.ExpectKnownValue("provisioning_source.people", tfjsonpath.New("id"), knownvalue.StringExact(config.ID(config.Identity{Kind: config.KindSource, Name: "people"}, 2))),
				}},
			},
		},
	})
}

func TestAccSource_otherStore(t *testing.T) {
	t.Parallel()
	first, second := newEngine(t), newEngine(t)
	reached := first
	identity := func(e *realEngine) api.Identity {
		i, err := e.Identity(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	one, two := identity(first), identity(second)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factoriesOf(func(context.Context, Options) (api.Service, error) { return reached, nil }),
		Steps: []resource.TestStep{
			{Config: header + people},
			{
				PreConfig:   func() { reached = second },
				Config:      header + people,
				ExpectError: says("is another one", one.StoreID, one.DataDir, two.StoreID, two.DataDir),
			},
			{PreConfig: func() { reached = first }, Config: header + people},
		},
	})
}

// The same path in another folder is another file: a difference, not silence.
func TestAccSource_otherFolder(t *testing.T) {
	service := newEngine(t)
	first, second := t.TempDir(), t.TempDir()
	for _, dir := range []string{first, second} {
		if err := os.WriteFile(filepath.Join(dir, "people.csv"), []byte("employee_id\n1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	reads := func(dir string) resource.TestCheckFunc {
		return func(*terraform.State) error {
			if path := only[*config.Source](t, service, config.KindSource).File.Users.Path; path != filepath.Join(dir, "people.csv") {
				t.Errorf("the agent reads %s, want the one in %s", path, dir)
			}
			return nil
		}
	}
	t.Chdir(first)
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{
			{Config: header + source("people.csv"), Check: reads(first)},
			{
				PreConfig: func() { t.Chdir(second) }, Config: header + source("people.csv"),
				ConfigPlanChecks: plans(plancheck.ExpectResourceAction("provisioning_source.people", plancheck.ResourceActionUpdate)),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue("provisioning_source.people", tfjsonpath.New("file").AtMapKey("users").AtMapKey("path"), knownvalue.StringExact("people.csv")),
				},
				Check: reads(second),
			},
		},
	})
}

func TestAccSource_exists(t *testing.T) {
	t.Parallel()
	service := newEngine(t)
	file := filepath.Join(t.TempDir(), "other.csv")
	if err := os.WriteFile(file, []byte("id\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	other := &config.Source{Name: "people", File: &config.FileSource{Users: &config.FileSet{Path: file, IDColumn: "id"}}}
	if _, err := service.Create(t.Context(), other, nil); err != nil {
		t.Fatal(err)
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(service),
		Steps: []resource.TestStep{{
			Config:      header + people,
			ExpectError: says(`There is a source "people" already`, "terraform import 'provisioning_source.<label>' 'people'", `import {`, "moved {"),
		}},
	})
	if stored := only[*config.Source](t, service, config.KindSource); stored.File.Users.Path != file {
		t.Errorf("the source that was there now reads %s", stored.File.Users.Path)
	}
}

func TestAccSource_twins(t *testing.T) {
	t.Parallel()
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(newEngine(t)),
		Steps: []resource.TestStep{{
			Config: header + people + `
resource "provisioning_source" "twin" {
  name = "people"
  file = { users = { path = "testdata/people.csv", id = "employee_id" } }
}`,
			PlanOnly: true, ExpectError: says(`Two resources declare source "people"`),
		}},
	})
}

func TestAccSource_invalid(t *testing.T) {
	for name, test := range map[string]struct{ config, want string }{
		"no connector":  {`resource "provisioning_source" "people" { name = "people" }`, "Give exactly one of file and ldap."},
		"missing file":  {source("testdata/nobody.csv"), "There is no file"},
		"directory":     {source("testdata"), "The ending of"},
		"folder as csv": {source("testdata/folder.csv"), "is a directory"},
		"unknown format": {`resource "provisioning_source" "people" {
  name = "people"
  file = { users = { path = "testdata/people.csv", id = "employee_id", format = "xlsx" } }
}`, `"xlsx" is not known; use csv, json or jsonl.`},
		"users by another name": {`resource "provisioning_source" "people" {
  name = "people"
  file = { objects = { User = { path = "testdata/people.csv", id = "employee_id" } } }
}`, "under users"},
		"no device file": {`resource "provisioning_source" "people" {
  name = "people"
  file = { objects = { Device = { path = "testdata/devices.csv", id = "serial" } } }
}`, "There is no file"},
		"blank name": {`resource "provisioning_source" "people" {
  name = " people"
  file = { users = { path = "testdata/people.csv", id = "employee_id" } }
}`, "begins or ends in a blank"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resource.Test(t, resource.TestCase{
				ProtoV6ProviderFactories: factories(newEngine(t)),
				Steps:                    []resource.TestStep{{Config: header + test.config, PlanOnly: true, ExpectError: says(test.want)}},
			})
		})
	}
}
