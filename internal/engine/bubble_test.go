package engine_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/memory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// bubble runs a test in a world whose time is its own.
func bubble(t *testing.T, f func(*testing.T, *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		f(t, w)
		w.close()
	})
}

func same(t testing.TB, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("there are %q, %q wanted", got, want)
	}
}

func (w *world) preview(pending bool) status.Preview {
	w.t.Helper()
	p, err := w.engine.Preview(context.Background(), w.app.ID, api.PreviewRequest{Pending: pending, Fresh: true}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// difference gives the lines that one of two texts has and the other has not.
func difference(got, want string) string {
	var out strings.Builder
	has, had := strings.Split(got, "\n"), strings.Split(want, "\n")
	for _, line := range had {
		if !slices.Contains(has, line) {
			out.WriteString("- " + line + "\n")
		}
	}
	for _, line := range has {
		if !slices.Contains(had, line) {
			out.WriteString("+ " + line + "\n")
		}
	}
	return out.String()
}

// gated holds every write back until the gate opens.
type gated struct {
	connector.Target
	gate <-chan struct{}
}

func (g *gated) Send(ctx context.Context, operation connector.Operation) (connector.Receipt, error) {
	<-g.gate
	return g.Target.Send(ctx, operation)
}

// gatedMembers holds every change of a group back until the gate opens, and tells how
// many members the largest was to get.
type gatedMembers struct {
	connector.Target
	gate <-chan struct{}
	most *atomic.Int64
}

func (g *gatedMembers) Send(ctx context.Context, operation connector.Operation) (connector.Receipt, error) {
	if operation.Type == directory.Group && operation.Kind == connector.Update {
		for n := int64(len(operation.Modifications[0].Value.Values())); ; {
			if most := g.most.Load(); n <= most || g.most.CompareAndSwap(most, n) {
				break
			}
		}
		<-g.gate
	}
	return g.Target.Send(ctx, operation)
}

// copyTarget gives another system with the same accounts under other ids.
func copyTarget(from *memory.Target, name string) *memory.Target {
	to := memory.New(memory.Options{Features: func(f *connector.Features) { f.Connection = name }})
	ids := make(map[string]string)
	for _, typ := range []string{directory.User, directory.Group} {
		for _, account := range from.Accounts(typ) {
			values := maps.Clone(account.Values)
			delete(values, managerPath)
			if members, ok := values["members"]; ok {
				var renamed []string
				for _, id := range members.Values() {
					renamed = append(renamed, ids[id.String()])
				}
				values["members"] = directory.Texts(renamed...)
			}
			to.Drop(typ, to.Seed(typ, values)) // so that the next one's id is another
			ids[account.ID] = to.Seed(typ, values)
		}
	}
	for _, account := range from.Accounts(directory.User) {
		if manager, ok := account.Values[managerPath]; ok {
			to.Edit(directory.User, ids[account.ID], map[string]directory.Value{managerPath: directory.Text(ids[manager.String()])})
		}
	}
	return to
}

// gatedFor holds back the writes to some accounts until the gate opens.
type gatedFor struct {
	connector.Target
	gate <-chan struct{}
	ids  map[string]bool
}

func (g *gatedFor) Send(ctx context.Context, operation connector.Operation) (connector.Receipt, error) {
	if g.ids[operation.ID] {
		<-g.gate
	}
	return g.Target.Send(ctx, operation)
}

// breaking goes down for good after some writes.
type breaking struct {
	connector.Target
	after int64
	sent  atomic.Int64
}

var errDown = &connector.Error{Class: connector.Transient, Code: "ServiceUnavailable", Detail: "down for maintenance"}

func (b *breaking) down() bool { return b.sent.Load() > b.after }

func (b *breaking) Test(ctx context.Context, matching map[string]directory.Path) ([]connector.Finding, error) {
	if b.down() {
		return nil, errDown
	}
	return b.Target.Test(ctx, matching)
}

func (b *breaking) Find(ctx context.Context, typ string, path directory.Path, value directory.Value, want []directory.Path) ([]connector.Account, error) {
	if b.down() {
		return nil, errDown
	}
	return b.Target.Find(ctx, typ, path, value, want)
}

func (b *breaking) Send(ctx context.Context, operation connector.Operation) (connector.Receipt, error) {
	if b.sent.Add(1) > b.after {
		return connector.Receipt{}, errDown
	}
	return b.Target.Send(ctx, operation)
}
