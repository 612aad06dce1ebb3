package catalog

import (
	"context"
	"errors"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

func commit(t *testing.T, s store.Store) func([]store.Mutation, error) {
	return func(mutations []store.Mutation, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(context.Background(), mutations...); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCatalog(t *testing.T) {
	s := store.Memory()
	c, do := Open(s), commit(t, s)
	app := &config.App{Name: "chat", SourceID: "s1"}
	generation, err := c.Generation(app.Identity())
	if err != nil || generation != 1 {
		t.Fatalf("generation %d, %v", generation, err)
	}
	app.ID = config.ID(app.Identity(), generation)
	do(c.Create(app))
	filter := &config.Filter{ID: "f1", AppID: app.ID, ObjectType: "User", Name: "a"}
	other := &config.Filter{ID: "f2", AppID: "another", ObjectType: "User", Name: "a"}
	do(c.Create(filter))
	do(c.Create(other))

	if id, err := c.Find(app.Identity()); err != nil || id != app.ID {
		t.Errorf("found %q, %v", id, err)
	}
	if id, err := c.Find(config.Identity{Kind: config.KindSource, Name: "chat"}); err != nil || id != "" {
		t.Errorf("a source of that name: %q, %v", id, err)
	}
	declared, err := c.Declared(app.ID)
	if err != nil || declared.App.Name != "chat" || declared.Source != nil || len(declared.Filters) != 1 || declared.Filters["f1"] == nil {
		t.Errorf("declared %+v, %v", declared, err)
	}

	renamed := *app
	renamed.Name = "talk"
	put, err := c.Put(&renamed)
	do(append(put, c.Rename(app, &renamed)...), err)
	if id, _ := c.Find(app.Identity()); id != "" {
		t.Error("the old name is taken")
	}
	if id, _ := c.Find(renamed.Identity()); id != app.ID {
		t.Error("the new name is free")
	}
	if got, err := c.Get(config.KindApp, app.ID); err != nil || got.(*config.App).Name != "talk" {
		t.Errorf("got %+v, %v", got, err)
	}

	// A name that is used again gives another id.
	if next, err := c.Generation(app.Identity()); err != nil || next != 2 {
		t.Errorf("generation %d, %v", next, err)
	}
	do(c.Delete(&renamed))
	if _, err := c.Get(config.KindApp, app.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("after a delete: %v", err)
	}
	if _, err := c.Declared(app.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("declared after a delete: %v", err)
	}
}

func TestCatalog_secrets(t *testing.T) {
	s := store.Memory()
	c, do := Open(s), commit(t, s)
	one, ten := &config.Credential{ID: "c1", Name: "one"}, &config.Credential{ID: "c10", Name: "ten"}
	do(c.Create(one))
	do(c.Create(ten))
	do([]store.Mutation{c.PutSecret("c1", "token", []byte("x")), c.PutSecret("c10", "token", []byte("y"))}, nil)
	do(c.Delete(one))
	if got, err := c.Secret("c1", "token"); err != nil || got != nil {
		t.Errorf("a secret outlives its credential: %q, %v", got, err)
	}
	if got, err := c.Secret("c10", "token"); err != nil || string(got) != "y" {
		t.Errorf("another's secret: %q, %v", got, err)
	}
	do([]store.Mutation{c.DropSecret("c10", "token")}, nil)
	if got, err := c.Secret("c10", "token"); err != nil || got != nil {
		t.Errorf("a dropped secret: %q, %v", got, err)
	}
}

func TestCatalog_released(t *testing.T) {
	s := store.Memory()
	c, do := Open(s), commit(t, s)
	if got, err := c.Released("a"); err != nil || got.Digest() != "" {
		t.Errorf("before: %+v, %v", got, err)
	}
	want := all.released()
	want.Listed, want.Left = []string{"x"}, []string{"y"}
	put, err := c.PutReleased("a", want)
	do([]store.Mutation{put}, err)
	got, err := c.Released("a")
	if err != nil || got.Digest() != want.Digest() || stateOf(got).String() != all.String() || got.Listed[0] != "x" || got.Left[0] != "y" {
		t.Errorf("kept: %+v, %v", got, err)
	}
	do([]store.Mutation{c.DropReleased("a")}, nil)
	if got, err := c.Released("a"); err != nil || got.Digest() != "" {
		t.Errorf("after: %+v, %v", got, err)
	}
}

// What is damaged is said, and never taken for nothing.
func TestCatalog_damaged(t *testing.T) {
	s := store.Memory()
	c, do := Open(s), commit(t, s)
	identity := config.Identity{Kind: config.KindApp, Name: "chat"}
	do([]store.Mutation{
		store.Put(tableThings, store.Key("app", "a"), []byte("{")), store.Put(tableReleased, store.Key("a"), []byte("[]")),
		store.Put(tableGenerations, nameKey(identity), []byte("many")),
	}, nil)
	if _, err := c.Get(config.KindApp, "a"); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("a thing: %v", err)
	}
	if err := c.Each(config.KindApp, func(config.Thing) error { return nil }); err == nil {
		t.Error("each thing: no error")
	}
	if _, err := c.Released("a"); err == nil {
		t.Error("what is released: no error")
	}
	if _, err := c.Generation(identity); err == nil {
		t.Error("a generation: no error")
	}
}
