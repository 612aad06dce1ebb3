package provider

import (
	"context"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

// realEngine is the engine itself, on a data directory of its own, with a SCIM
// app for it to provision to.
type realEngine struct {
	*engine.Engine
	target
	dataDir  string
	accounts *sampleapp.App
	server   *httptest.Server
}

func newEngine(t *testing.T) *realEngine {
	t.Helper()
	e := &realEngine{dataDir: filepath.Join(t.TempDir(), "data"), accounts: sampleapp.New(sampleapp.Options{})}
	e.server = httptest.NewServer(e.accounts)
	t.Cleanup(e.server.Close)
	e.target = target(e.server.URL + "/scim/v2")
	opened, err := engine.Open(engine.Options{DataDir: e.dataDir, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	e.Engine = opened
	t.Cleanup(func() {
		if err := opened.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

// target is the address of the app that a configuration connects to.
type target string

// nowhere is the target of configurations whose engine connects to nothing.
const nowhere target = "http://127.0.0.1:9/scim/v2"

// app is the source and an app with more attributes.
func (u target) app(more string) string {
	return people + `
resource "provisioning_app" "chat" {
  name      = "chat"
  source_id = provisioning_source.people.id
  template  = "scim"
  scim      = { base_url = "` + string(u) + `" }
  ` + more + `
}
`
}

// users is an app with a mapping of users.
func (u target) users(more, attributes string) string {
	return u.app("") + `
resource "provisioning_attribute_mapping" "users" {
  app_id      = provisioning_app.chat.id
  object_type = "User"
  ` + more + `
  attributes = ` + attributes + `
}
`
}

// job is everything up to a job with more attributes.
func (u target) job(attributes, more string) string {
	return header + u.users("", attributes) + `
resource "provisioning_job" "chat" {
  app_id    = provisioning_app.chat.id
  revisions = [
    provisioning_source.people.revision, provisioning_app.chat.revision, provisioning_attribute_mapping.users.revision,
  ]
  ` + more + `
}
`
}

// staff is an app with a scoping filter.
func (u target) staff(name, clauses string) string {
	return header + u.app("") + `
resource "provisioning_scoping_filter" "staff" {
  app_id      = provisioning_app.chat.id
  object_type = "User"
  name        = "` + name + `"
  clauses     = ` + clauses + `
}
`
}

// grace is an app with an assignment.
func (u target) grace(whom string) string {
	return header + u.app("") + `
resource "provisioning_assignment" "grace" {
  app_id = provisioning_app.chat.id
  ` + whom + `
}
`
}

// only gives the one thing of a kind.
func only[T config.Thing](t *testing.T, service api.Service, kind config.Kind) T {
	t.Helper()
	things, err := service.List(context.Background(), kind, api.ListQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if len(things) != 1 {
		t.Fatalf("there are %d of %s, want 1", len(things), kind)
	}
	return things[0].(T)
}

// forget destroys the things of a kind behind the provider's back.
func forget(t *testing.T, service api.Service, kind config.Kind) func() {
	return func() {
		things, err := service.List(context.Background(), kind, api.ListQuery{})
		if err != nil {
			t.Fatal(err)
		}
		for _, thing := range things {
			if err := service.Delete(context.Background(), kind, thing.GetID()); err != nil {
				t.Fatal(err)
			}
		}
	}
}
