package engine_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/memory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

func (w *world) unmatched() status.Unmatched {
	w.t.Helper()
	report, err := w.engine.Unmatched(context.Background(), w.app.ID, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return report
}

// near gives lines "name: candidate score reason, …".
func near(name string, candidates []status.Near) string {
	var parts []string
	for _, c := range candidates {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%s %d %s", c.ID, c.Score, c.Reason)))
	}
	return name + ": " + strings.Join(parts, ", ")
}

// TestUnmatched reports, before any job exists, whose accounts are in an app.
func TestUnmatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.person(person{id: "1", name: "ada@example.com", kind: "employee"})
		w.person(person{id: "2", name: "john_smith@example.com", kind: "employee"})
		w.person(person{id: "3", name: "grace@example.com", kind: "contractor"})
		w.person(person{id: "4", name: "edsger@example.com", kind: "employee", off: true})
		w.person(person{id: "5", name: "barbara@example.com", kind: "employee"})
		w.team(team{"g1", "Builders", []string{"1"}})
		w.team(team{"g2", "Singers", nil})
		w.save()
		w.open()
		w.declareApp(config.ScopeAll)
		w.filter("staff", scoping.Clause{Attribute: "kind", Operator: "equals", Value: ptr("employee")})
		seed := func(name string, more map[string]directory.Value) string {
			values := map[string]directory.Value{"userName": directory.Text(name)}
			for path, value := range more {
				values[path] = value
			}
			return w.target().Seed(directory.User, values)
		}
		seed("ADA@example.com", nil)
		names := map[string]string{
			seed("jsmith@example.com", nil):  "john",
			seed("grace@example.com", nil):   "grace",
			seed("edsger@example.com", nil):  "edsger",
			seed("root@chat.example", nil):   "root",
			seed("barbra@example.com", nil):  "barbara",
			seed("barbara@example.org", nil): "barbara elsewhere",
		}
		w.target().Seed(directory.Group, map[string]directory.Value{"displayName": directory.Text("Builders")})
		names[w.target().Seed(directory.Group, map[string]directory.Value{"displayName": directory.Text("Singer")})] = "singer"
		w.target().ResetWrites()

		report := w.unmatched()
		if report.AppName != "chat" || !report.Complete || report.Listed != 9 || report.Linked != 0 || report.Matched != 2 || report.More != 0 || report.New != 3 {
			t.Errorf("the report is %+v", report)
		}
		var got []string
		for _, account := range report.Accounts {
			got = append(got, near(names[account.ID], account.Near))
		}
		slices.Sort(got)
		expect(t, "accounts", got, []string{
			"barbara elsewhere: 5 90", "barbara: 5 60", "edsger: 4 100 DisabledInSource", "grace: 3 100 NotInScope", "john: 2 65", "root: ", "singer: g2 60",
		})
		got = nil
		for _, object := range report.Doubtful {
			named := slices.Clone(object.Near)
			for i := range named {
				named[i].ID = names[named[i].ID]
			}
			got = append(got, near(object.ObjectType+" "+object.ID, named))
		}
		expect(t, "doubtful", got, []string{"User 2: john 65", "User 5: barbara elsewhere 90, barbara 60", "Group g2: singer 60"})
		if w.target().Writes().Total != 0 || len(w.accounts(status.AccountQuery{})) != 0 || w.status().Progress != nil {
			t.Errorf("%d writes, accounts %v, progress %v", w.target().Writes().Total, w.accounts(status.AccountQuery{}), w.status().Progress)
		}
		if again := w.unmatched(); !reflect.DeepEqual(again.Accounts, report.Accounts) {
			t.Errorf("asked again: %+v, before: %+v", again.Accounts, report.Accounts)
		}

		// Once a job runs, what it links and makes is no longer told.
		w.apply()
		first := w.wait("initial_cycle")
		if first.Created != report.New {
			t.Errorf("the first cycle created %d, the report said %d", first.Created, report.New)
		}
		after := w.unmatched()
		if after.Linked != 5 || after.New != 0 || len(after.Doubtful) != 0 || len(after.Accounts) != len(report.Accounts) {
			t.Errorf("after the first cycle: %+v", after)
		}
		for _, account := range after.Accounts {
			if names[account.ID] == "john" && len(account.Near) != 0 {
				t.Errorf("who has an account is near to another: %+v", account)
			}
		}
	})
}

// TestUnmatched_unproven counts accounts of links that wait to be confirmed as
// somebody's.
func TestUnmatched_unproven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.staff(3)
		w.save()
		w.open()
		w.declareApp(config.ScopeAll)
		w.apply()
		w.wait("initial_cycle")
		// Another server, which has two of them, under their names.
		const other = "https://other.example.com/scim"
		w.servers[other] = memory.New(memory.Options{Features: func(f *connector.Features) { f.Connection = "other" }})
		for _, name := range []string{"user1@example.com", "user2@example.com", "stranger@example.com"} {
			w.servers[other].Seed(directory.User, map[string]directory.Value{"userName": directory.Text(name)})
		}
		w.app.SCIM = &config.SCIMConnection{BaseURL: other}
		w.app = change(w, w.app)
		if err := w.engine.PauseJob(context.Background(), w.app.ID, "grace"); err != nil {
			t.Fatal(err)
		}
		w.apply()
		report := w.unmatched()
		if report.Linked != 0 || report.Matched != 2 || len(report.Accounts) != 1 || report.Accounts[0].Matching != "stranger@example.com" || report.New != 1 {
			t.Errorf("the report is %+v", report)
		}
	})
}

// TestUnmatched_listing tells when an app cannot list, or not reliably.
func TestUnmatched_listing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.servers[firstServer] = memory.New(memory.Options{Features: func(f *connector.Features) { f.CanList = false }})
		w.staff(1)
		w.save()
		w.open()
		w.declareApp(config.ScopeAll)
		_, err := w.engine.Unmatched(context.Background(), w.app.ID, nil)
		if told := wantError(t, err, api.CodeInvalid); !strings.Contains(told.Detail, "cannot list") {
			t.Errorf("the error is %v", told)
		}
		w.servers[firstServer] = memory.New(memory.Options{})
		w.route(func(target connector.Target) connector.Target { return partial{target} })
		if report := w.unmatched(); report.Complete {
			t.Errorf("the report is %+v", report)
		}
		_, err = w.engine.Unmatched(context.Background(), "nobody's", nil)
		wantError(t, err, api.CodeNotFound)
	})
}

// partial is a target whose listing is not to be trusted.
type partial struct{ connector.Target }

func (p partial) List(ctx context.Context, typ string, want []directory.Path, yield func(connector.Account) error) (bool, error) {
	_, err := p.Target.List(ctx, typ, want, yield)
	return false, err
}
