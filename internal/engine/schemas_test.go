package engine_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
)

func TestSchemas(t *testing.T) {
	q := newQuickstart(t)
	q.declare()
	source, err := q.engine.SourceSchema(t.Context(), q.chat.SourceID)
	if err != nil {
		t.Fatal(err)
	}
	users, _ := source.Type("User")
	own, hasOwn := users.Attribute("email")
	alias, hasAlias := users.Attribute("mail")
	if !hasOwn || !hasAlias || own.AliasOf != "" || alias.AliasOf != "email" {
		t.Errorf("email is %+v, mail %+v", own, alias)
	}
	target, err := q.engine.TargetSchema(t.Context(), q.chat.ID)
	if err != nil {
		t.Fatal(err)
	}
	accounts, _ := target.Type("User")
	if d, ok := accounts.Attribute("userName"); !ok || !d.Unique {
		t.Errorf("userName is %+v", d)
	}
	for name, ask := range map[string]func() error{
		"source": func() error { _, err := q.engine.SourceSchema(t.Context(), "nothing"); return err },
		"app":    func() error { _, err := q.engine.TargetSchema(t.Context(), "nothing"); return err },
	} {
		var told *api.Error
		if err := ask(); !errors.As(err, &told) || told.Code != api.CodeNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	q.server.Close()
	var told *api.Error
	if _, err := q.engine.TargetSchema(t.Context(), q.chat.ID); !errors.As(err, &told) || told.Code != api.CodeConnectionFailed {
		t.Errorf("of an app that is gone: %v", err)
	}
}

func TestCheck_target(t *testing.T) {
	q := newQuickstart(t)
	q.declare()
	source, err := q.engine.Get(t.Context(), config.KindSource, q.chat.SourceID)
	if err != nil {
		t.Fatal(err)
	}
	request := func(path string) api.CheckRequest {
		app := *q.chat
		return api.CheckRequest{Source: source.(*config.Source), App: &app, Mapping: &config.Mapping{
			AppID: app.ID, ObjectType: "User", Attributes: map[string]mapping.Attribute{
				"userName": {Source: ptr("userPrincipalName"), MatchingPrecedence: ptr(int64(1))}, path: {Source: ptr("department")},
			},
		}}
	}
	warnings, err := q.engine.Check(t.Context(), request("titel"))
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0].Detail, `Did you mean "title"?`) {
		t.Errorf("misspelt: %v, %v", warnings, err)
	}
	if warnings, err := q.engine.Check(t.Context(), request("title")); err != nil || len(warnings) > 0 {
		t.Errorf("known: %v, %v", warnings, err)
	}
	var refused *api.Error
	if _, err := q.engine.Check(t.Context(), request("groups")); !errors.As(err, &refused) || refused.Problems[0].Path[1] != "groups" {
		t.Errorf("read-only: %v", err)
	}
	other := request("title")
	other.Mapping.ObjectType = "Desk"
	file := *other.Source.File
	file.Objects = map[string]*config.FileSet{"Desk": file.Users}
	desks := *other.Source
	desks.File, other.Source = &file, &desks
	if warnings, err := q.engine.Check(t.Context(), other); err != nil || len(warnings) != 1 || !strings.Contains(warnings[0].Detail, "User, Group") {
		t.Errorf("object type: %v, %v", warnings, err)
	}

	// A connection that is only planned gets no credential.
	var asked atomic.Int32
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer stranger.Close()
	planned := request("titel")
	planned.App.SCIM = &config.SCIMConnection{BaseURL: stranger.URL}
	if warnings, err := q.engine.Check(t.Context(), planned); err != nil || len(warnings) > 0 || asked.Load() > 0 {
		t.Errorf("planned: %v, %v, %d requests", warnings, err, asked.Load())
	}
}
