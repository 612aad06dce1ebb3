package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

func TestCommits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	if _, err := store.Commits(path); err == nil {
		t.Error("there are commits without a file")
	}
	s, err := store.Open(path, store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	before, err := store.Commits(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if err := s.Commit(t.Context(), store.Put("t", []byte("key"), []byte("value"))); err != nil {
			t.Fatal(err)
		}
	}
	if after, err := store.Commits(path); err != nil || after != before+5 {
		t.Errorf("%d commits, then %d, %v; want 5 more", before, after, err)
	}
	other := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(other, make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := store.Commits(other); err == nil {
		t.Errorf("a file of zeros has %d commits", n)
	}
}
