package audit

import (
	"fmt"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

func TestRetain(t *testing.T) {
	b := newBench(t, store.Memory())
	for day := range 5 {
		b.add(entry("app", fmt.Sprint(day)), entry("other", fmt.Sprint(day)))
		b.clock.advance(24 * time.Hour)
	}
	b.flush()
	// It is noon of the 26th; the file of the 23rd ended on the 24th, 60 hours ago.
	if err := b.Retain(t.Context(), "app", 60*time.Hour+time.Second); err != nil {
		t.Fatal(err)
	}
	b.expect(Query{AppID: "app"}, "4", "3", "2")
	if err := b.Retain(t.Context(), "app", 60*time.Hour); err != nil {
		t.Fatal(err)
	}
	b.expect(Query{AppID: "app"}, "4", "3")
	b.expect(Query{AppID: "other"}, "4", "3", "2", "1", "0")
	rows, _ := b.store.Page(positions, nil, nil, 100)
	if len(rows) != 7 {
		t.Errorf("%d positions of 7 files", len(rows))
	}
	if err := b.Retain(t.Context(), "unknown", 0); err != nil {
		t.Error(err)
	}
	b.clock.advance(-365 * 24 * time.Hour)
	if err := b.Retain(t.Context(), "app", time.Hour); err != nil {
		t.Error(err)
	}
	b.expect(Query{AppID: "app"}, "4", "3")
}

func TestDrop(t *testing.T) {
	b := newBench(t, store.Memory())
	b.add(entry("app", "1"), entry("other", "2"))
	b.flush()
	b.add(entry("app", "3"), entry("other", "4"))
	for range 2 {
		if err := b.Drop(t.Context(), "app"); err != nil {
			t.Fatal(err)
		}
		b.expect(Query{}, "4", "2")
	}
	b.add(entry("app", "a new app of that id"))
	b.flush()
	b.expect(Query{AppID: "app"}, "a new app of that id")
}
