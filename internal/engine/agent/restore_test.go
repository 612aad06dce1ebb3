package agent

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// makeStore makes a store that says what it is.
func makeStore(t *testing.T, path, name string) {
	t.Helper()
	s, err := store.Open(path, store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Commit(context.Background(), store.Put("about", []byte("name"), []byte(name))); err != nil {
		t.Fatal(err)
	}
}

func storeName(t *testing.T, path string) string {
	t.Helper()
	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	name, err := s.Get("about", []byte("name"))
	if err != nil {
		t.Fatal(err)
	}
	return string(name)
}

func TestRestore(t *testing.T) {
	dir := privateDir(t)
	backup := filepath.Join(privateDir(t), "backup.db")
	makeStore(t, backup, "backup")
	place := filepath.Join(dir, store.FileName)
	if err := Restore(dir, backup); err != nil { // where there is none yet
		t.Fatal(err)
	}
	if got := storeName(t, place); got != "backup" {
		t.Errorf("got the %s", got)
	}
	os.Remove(place)
	makeStore(t, place, "old")
	for range 2 {
		if err := Restore(dir, backup); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"": "backup", ".before-restore-1": "old", ".before-restore-2": "backup"} {
		if got := storeName(t, place+name); got != want {
			t.Errorf("%s%s is the %s", store.FileName, name, got)
		}
	}
	if got := storeName(t, backup); got != "backup" {
		t.Errorf("the backup is the %s", got)
	}
	if info, err := os.Stat(place); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v", info, err)
	}
}

func TestRestore_refused(t *testing.T) {
	dir := privateDir(t)
	place := filepath.Join(dir, store.FileName)
	makeStore(t, place, "old")
	backup := filepath.Join(dir, "backup.db")
	makeStore(t, backup, "backup")
	data, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	before, _ := os.ReadDir(dir)
	for name, path := range map[string]string{
		"missing": filepath.Join(dir, "none"), "empty": write("empty", nil), "other": write("other", []byte("hello")),
		"cut": write("cut", data[:len(data)/2]), "directory": dir,
	} {
		var told *api.Error
		if err := Restore(dir, path); !errors.As(err, &told) || told.Detail == "" {
			t.Errorf("%s: got %v", name, err)
		}
	}
	r := start(t, dir, &fakeEngine{})
	var told *api.Error
	if err := Restore(dir, backup); !errors.As(err, &told) || told.Code != api.CodeConflict {
		t.Errorf("while an agent runs: %v", err)
	}
	r.end()
	r.ended(t)
	if got := storeName(t, place); got != "old" {
		t.Errorf("got the %s", got)
	}
	after, _ := os.ReadDir(dir)
	if extra := len(after) - len(before) - 3; extra != 3 { // the three bad backups; agent.lock, start.lock, agent.log
		t.Errorf("left over: %v", after)
	}
	if err := Restore(dir, backup); err != nil { // and the way is free
		t.Error(err)
	}
}
