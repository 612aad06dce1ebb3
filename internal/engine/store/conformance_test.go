package store_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store/storetest"
)

func TestConformance(t *testing.T) {
	defer goleak.VerifyNone(t)
	t.Run("bolt", func(t *testing.T) {
		files := 0
		dir := t.TempDir()
		storetest.Run(t, func(t testing.TB) store.Store {
			files++
			s, err := store.Open(filepath.Join(dir, fmt.Sprint(files)), store.Options{Create: true})
			if err != nil {
				t.Fatal(err)
			}
			return s
		})
	})
	t.Run("scratch", func(t *testing.T) {
		dir := t.TempDir()
		storetest.Run(t, func(t testing.TB) store.Store { return scratch(t, dir) })
	})
	t.Run("memory", func(t *testing.T) {
		storetest.Run(t, func(testing.TB) store.Store { return store.Memory() })
	})
	t.Run("overlay", func(t *testing.T) {
		storetest.Run(t, func(testing.TB) store.Store { return store.Overlay(store.Memory()) })
	})
	t.Run("overlay that spills at once", func(t *testing.T) {
		storetest.Run(t, func(testing.TB) store.Store { return store.OverlayOver(store.Memory(), 64) })
	})
	t.Run("faulty without a fault", func(t *testing.T) {
		storetest.Run(t, func(testing.TB) store.Store { return storetest.Faulty(store.Memory()) })
	})
}

func scratch(t testing.TB, dir string) store.Store {
	s, err := store.Scratch(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
