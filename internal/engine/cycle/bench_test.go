package cycle_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/cycle"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/ledger"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/snapshot"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

const population = 4096

// people is a source of users with fifteen attributes and a manager.
type people struct{ connector.Source }

func (people) Read(_ context.Context, _ connector.ReadRequest, yield func(connector.Change) error) (connector.ReadResult, error) {
	for i := range population {
		key := directory.Key{Type: directory.User, Anchor: fmt.Sprintf("%08d", i)}
		values := map[string]directory.Value{"type": directory.Text("employee"), "mail": directory.Text(fmt.Sprintf("user%d@example.com", i))}
		for _, name := range names {
			values[name] = directory.Text(fmt.Sprint(name, " ", i%97))
		}
		if err := yield(connector.Change{Kind: connector.Whole, Object: directory.Object{Key: key, Attributes: directory.NewAttributes(values)}}); err != nil {
			return connector.ReadResult{}, err
		}
		manager := directory.Ref{By: directory.ByAnchor, Value: fmt.Sprintf("%08d", i/10)}
		if err := yield(connector.Change{Kind: connector.EdgeAdded, Edge: directory.Edge{Holder: key, Attribute: "manager", To: manager}}); err != nil {
			return connector.ReadResult{}, err
		}
	}
	return connector.ReadResult{Next: connector.Watermark("1"), Coverage: map[string]connector.Coverage{directory.User: connector.Complete}}, nil
}

// names are the attributes that are mapped as they are.
var names = []string{"title", "phone", "mobile", "street", "city", "language", "department", "number", "first_name", "last_name", "office", "company"}

// app is a target that takes everything at once.
type app struct {
	connector.Target
	made atomic.Int64
}

func (a *app) List(context.Context, string, []directory.Path, func(connector.Account) error) (bool, error) {
	return true, nil
}

func (a *app) Send(_ context.Context, o connector.Operation) (connector.Receipt, error) {
	account := &connector.Account{Type: o.Type, ID: o.ID, Values: make(map[string]directory.Value, len(o.Modifications))}
	if o.Kind == connector.Create {
		account.ID = strconv.FormatInt(a.made.Add(1), 10)
	}
	for _, m := range o.Modifications {
		account.Values[m.Path.String()] = m.Value
	}
	return connector.Receipt{ID: account.ID, Account: account}, nil
}

func program(b *testing.B) *provision.Program {
	one, employee := int64(1), "employee"
	attributes := map[string]mapping.Attribute{}
	from := func(path, name string) { attributes[path] = mapping.Attribute{Source: &name} }
	by := func(path, expression string) { attributes[path] = mapping.Attribute{Expression: &expression} }
	for i, name := range names {
		from(fmt.Sprintf(`addresses[type eq "work"].extra%d`, i), name)
	}
	mail := "mail"
	attributes["userName"] = mapping.Attribute{Source: &mail, MatchingPrecedence: &one}
	by("active", "Not([IsSoftDeleted])")
	by(`emails[type eq "work"].value`, "ToLower([mail])")
	from("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "manager")
	compiled, err := mapping.Compile(mapping.Definition{ObjectType: directory.User, Enabled: true, Attributes: attributes},
		mapping.Source{References: []string{"manager"}}, nil)
	if err != nil {
		b.Fatal(err)
	}
	scope, err := scoping.Compile([]scoping.Filter{{Name: "employees", Clauses: []scoping.Clause{{Attribute: "type", Operator: "equals", Value: &employee}}}})
	if err != nil {
		b.Fatal(err)
	}
	return &provision.Program{ObjectType: directory.User, Mapping: compiled, Scope: scope, All: true, CanDisable: true, CanDelete: true}
}

// BenchmarkRun carries out cycles over users of fifteen mapped attributes, with a
// target that costs nothing: one that creates all accounts, and one that finds
// them as they should be.
func BenchmarkRun(b *testing.B) {
	p := program(b)
	perUser := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/population, "ns/user")
	}
	open := func(b *testing.B) (cycle.Job, cycle.Keys, cycle.Environment) {
		dir := b.TempDir()
		s, err := store.Open(filepath.Join(dir, "store"), store.Options{Create: true})
		if err != nil {
			b.Fatal(err)
		}
		log, err := audit.Open(filepath.Join(dir, "audit"), s, audit.Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _, _ = log.Close(), s.Close() })
		objects := snapshot.Open(s, "people", snapshot.Options{})
		if _, err := objects.Import(b.Context(), people{}, []string{directory.User}, func(string, int) bool { return true }); err != nil {
			b.Fatal(err)
		}
		l := ledger.Open(s, "app", "target")
		job := cycle.Job{AppID: "app", AppName: "app", InitiatedBy: "system", Programs: []*provision.Program{p}, Entitled: cycle.Entitlements{All: true},
			Features: connector.Features{CanList: true}, Cycle: status.Cycle{ID: "01ARZ3NDEKTSV4RRFFQ69G5FAV", Kind: status.Initial, StartedAt: time.Now()}}
		keys, err := cycle.Everything(objects, l, job.Entitled)
		if err != nil {
			b.Fatal(err)
		}
		return job, keys, cycle.Environment{Store: s, Snapshot: objects, Ledger: l, Target: &app{}, Log: log, Clock: connector.SystemClock()}
	}
	run := func(b *testing.B, job cycle.Job, keys cycle.Keys, e cycle.Environment) cycle.Summary {
		summary, err := cycle.Run(b.Context(), job, keys, e)
		if err != nil {
			b.Fatal(err)
		}
		return summary
	}
	b.Run("create", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			job, keys, e := open(b)
			b.StartTimer()
			if summary := run(b, job, keys, e); summary.Created != population {
				b.Fatalf("%+v", summary)
			}
		}
		perUser(b)
	})
	b.Run("unchanged", func(b *testing.B) {
		job, keys, e := open(b)
		run(b, job, keys, e)
		job.Cycle.ID = "01ARZ3NDEKTSV4RRFFQ69G5FAW"
		b.ReportAllocs()
		for b.Loop() {
			if summary := run(b, job, keys, e); summary.Unchanged != population {
				b.Fatalf("%+v", summary)
			}
		}
		perUser(b)
	})
}
