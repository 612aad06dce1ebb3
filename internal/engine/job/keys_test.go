package job

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/cycle"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/ledger"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/snapshot"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// people is a source of users by anchor.
type people struct {
	connector.Source // not called
	names            map[string]string
}

func (p people) Read(_ context.Context, _ connector.ReadRequest, yield func(connector.Change) error) (connector.ReadResult, error) {
	for anchor, name := range p.names {
		object := directory.Object{
			Key:        directory.Key{Type: directory.User, Anchor: anchor},
			Attributes: directory.NewAttributes(map[string]directory.Value{"name": directory.Text(name)}),
		}
		if err := yield(connector.Change{Kind: connector.Whole, Object: object}); err != nil {
			return connector.ReadResult{}, err
		}
	}
	return connector.ReadResult{Next: connector.Watermark("w"), Coverage: map[string]connector.Coverage{directory.User: connector.Complete}}, nil
}

// An incremental cycle looks at what changed since the last one's position, and
// at everything when that is from before anything was read.
func TestKeysOfPosition(t *testing.T) {
	backing := store.Memory()
	s, l := snapshot.Open(backing, "s1", snapshot.Options{}), ledger.Open(backing, "a1", "c1")
	read := func(names map[string]string) uint64 {
		report, err := s.Import(t.Context(), people{names: names}, []string{directory.User}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return report.Sequence
	}
	expect := func(position uint64, want ...string) {
		t.Helper()
		keys, work, err := keysOf(status.Incremental, s, l, &State{Position: position}, cycle.Entitlements{All: true}, nil, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		got, err := keys.Page(directory.User, "", 10)
		if err != nil || !slices.Equal(got, want) || work != (len(want) > 0) {
			t.Errorf("from %d on: %q, %t, %v, want %q", position, got, work, err, want)
		}
	}
	first := read(map[string]string{"1": "a", "2": "b"})
	expect(first)
	expect(0, "1", "2")
	second := read(map[string]string{"1": "a", "2": "B", "3": "c"})
	expect(second)
	expect(first, "2", "3")
	expect(0, "1", "2", "3")
}
