package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/memory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

func (w *world) accounts(query status.AccountQuery) []status.Account {
	w.t.Helper()
	var found []status.Account
	err := w.engine.Accounts(context.Background(), query, func(a status.Account) error {
		found = append(found, a)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

// brief gives accounts as "type anchor state".
func brief(accounts []status.Account) []string {
	lines := []string{}
	for _, a := range accounts {
		lines = append(lines, a.ObjectType+" "+a.Source.ID+" "+string(a.State))
	}
	return lines
}

func expect[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// TestAccounts tells who has access, since when, by what, and how it stands.
func TestAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.staff(4)
		w.team(team{"g1", "Builders", []string{"1", "2"}})
		w.save()
		w.open()
		w.declareApp(config.ScopeAssigned)
		w.target().Seed(directory.User, map[string]directory.Value{"userName": directory.Text("user3@example.com")})
		builders, third := w.assign("", "Builders"), w.assign("3", "")
		began := time.Now()
		w.apply()
		first := w.wait("initial_cycle")
		all := w.accounts(status.AccountQuery{})
		expect(t, "all", brief(all), []string{"User 1 active", "User 2 active", "User 3 active", "Group g1 active"})
		one := all[0]
		if one.AppName != "chat" || one.AppID != w.app.ID || !one.Enabled || one.LinkedBy != status.LinkedByCreate || one.LinkedAt.Before(began) ||
			one.Source.DisplayName != "user1@example.com" || one.Target.DisplayName != "user1@example.com" || one.Target.ID == "" ||
			one.LastChange == nil || one.LastChange.CycleID != first.ID || one.LastChange.Action != "create" || !one.Since.IsZero() {
			t.Errorf("the first account is %+v, %+v", one, one.LastChange)
		}
		expect(t, "by group", one.Assignments, []status.AccountAssignment{{ID: builders.ID, By: "group", Name: "Builders"}})
		expect(t, "directly", all[2].Assignments, []status.AccountAssignment{{ID: third.ID, By: "user", Name: "3"}})
		if all[2].LinkedBy != status.LinkedByMatch {
			t.Errorf("the account that was there is linked by %s", all[2].LinkedBy)
		}

		time.Sleep(time.Hour)
		w.unassign("3")
		p := w.people["2"]
		p.off = true
		w.person(p)
		w.save()
		w.apply()
		w.cycle()
		expect(t, "later", brief(w.accounts(status.AccountQuery{ObjectType: "User"})), []string{"User 1 active", "User 2 disabled", "User 3 disabled"})
		expect(t, "disabled", brief(w.accounts(status.AccountQuery{State: status.AccountDisabled})), []string{"User 2 disabled", "User 3 disabled"})
		second, left := w.accounts(status.AccountQuery{Person: "2"})[0], w.accounts(status.AccountQuery{Person: "3"})[0]
		if second.Enabled || second.Reason != "disabled_in_source" || second.Since.Sub(began) < time.Hour || second.LastChange.Action != "disable" {
			t.Errorf("who is disabled in the source: %+v", second)
		}
		if left.Reason != "out_of_scope" || left.Detail != "The object is no longer in scope." {
			t.Errorf("who left: %+v", left)
		}
		expect(t, "of an assignment that is gone", left.Assignments, []status.AccountAssignment{{ID: third.ID}})
	})
}

// TestAccounts_query finds people by whatever they are called.
func TestAccounts_query(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.staff(1200)
		w.team(team{"g1", "Builders", []string{"7"}})
		w.save()
		w.open()
		w.declareApp(config.ScopeAll)
		w.apply()
		w.wait("initial_cycle")
		account, _ := w.account("user7@example.com")
		for text, want := range map[string][]string{
			"7":                 {"User 7 active"},
			"USER7@example.com": {"User 7 active"},
			account.ID:          {"User 7 active"},
			"builders":          {"Group g1 active"},
			"user7":             nil,
		} {
			expect(t, text, brief(w.accounts(status.AccountQuery{Person: text})), want)
		}
		if n := len(w.accounts(status.AccountQuery{})); n != 1201 {
			t.Errorf("there are %d accounts", n)
		}
		if n := len(w.accounts(status.AccountQuery{Limit: 600})); n != 600 {
			t.Errorf("the limit gives %d accounts", n)
		}
		expect(t, "by all", w.accounts(status.AccountQuery{Limit: 1})[0].Assignments, []status.AccountAssignment{{By: "all"}})
		enough := errors.New("enough")
		if err := w.engine.Accounts(context.Background(), status.AccountQuery{}, func(status.Account) error { return enough }); err != enough {
			t.Errorf("an error of the receiver comes back as %v", err)
		}
		err := w.engine.Accounts(context.Background(), status.AccountQuery{AppID: "nobody's"}, nil)
		wantError(t, err, api.CodeNotFound)
	})
}

func wantError(t *testing.T, err error, code api.Code) *api.Error {
	t.Helper()
	var told *api.Error
	if !errors.As(err, &told) || told.Code != code {
		t.Fatalf("got %v, want %s", err, code)
	}
	return told
}

// TestAccounts_states shows what waits: a removal that is held, one who failed,
// links that were not confirmed yet.
func TestAccounts_states(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.staff(12)
		w.save()
		w.open()
		w.declareApp(config.ScopeAssigned)
		for i := 1; i <= 12; i++ {
			w.assign(fmt.Sprint(i), "")
		}
		w.job = &config.Job{AppID: w.app.ID, Interval: interval, AccidentalDeletions: map[string]float64{"threshold": 1}}
		w.apply()
		w.wait("initial_cycle")

		w.unassign("1")
		w.unassign("2")
		w.apply()
		w.cycle()
		held := w.accounts(status.AccountQuery{State: status.AccountHeld})
		expect(t, "held", brief(held), []string{"User 1 held", "User 2 held"})
		if !held[0].Enabled || held[0].Reason != "accidental_deletions" || held[0].Detail == "" || held[0].Since.IsZero() {
			t.Errorf("held: %+v", held[0])
		}

		p := w.people["5"]
		p.department = "Board"
		w.person(p)
		w.save()
		refusing := &connector.Error{Class: connector.Rejected, Code: "InvalidDomain", Detail: "no such department"}
		w.route(func(target connector.Target) connector.Target { return refuse{target, refusing} })
		w.cycle()
		escrowed := w.accounts(status.AccountQuery{State: status.AccountEscrowed})
		expect(t, "escrowed", brief(escrowed), []string{"User 5 escrowed"})
		if escrowed[0].Reason != "InvalidDomain" || !strings.Contains(escrowed[0].Detail, "o such department") || escrowed[0].NextAttempt.IsZero() {
			t.Errorf("escrowed: %+v", escrowed[0])
		}
		if _, err := w.engine.DropLink(context.Background(), w.app.ID, api.DropLinkRequest{Object: "5"}); err != nil {
			t.Fatal(err)
		}
		if n := w.status().Escrowed; n != 0 || len(w.accounts(status.AccountQuery{State: status.AccountEscrowed})) != 0 {
			t.Errorf("after the drop %d are escrowed", n)
		}
		w.route(nil)
		w.cycle()
		expect(t, "after the next cycle", brief(w.accounts(status.AccountQuery{Person: "5"})), []string{"User 5 active"})
	})
}

// TestAccounts_more tells of accounts that a rule of the mapping disables, that
// are protected, and that were not confirmed since the app is another server.
func TestAccounts_more(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.staff(2)
		w.save()
		w.open()
		w.declareApp(config.ScopeAll)
		w.app.Protected = []string{"USER1@example.com"}
		w.app = change(w, w.app)
		w.users.Attributes["active"] = mapping.Attribute{Expression: ptr(`Switch([id], "True", "2", "False")`)}
		w.users = change(w, w.users)
		w.apply()
		w.wait("initial_cycle")
		found := w.accounts(status.AccountQuery{})
		expect(t, "disabled by the mapping", brief(found), []string{"User 1 active", "User 2 disabled"})
		if !found[0].Protected || found[1].Protected || found[1].Enabled || found[1].Reason != "mapping" || found[1].Detail == "" {
			t.Errorf("found %+v", found)
		}

		const other = "https://other.example.com/scim"
		w.servers[other] = memory.New(memory.Options{Features: func(f *connector.Features) { f.Connection = "other" }})
		w.app.SCIM = &config.SCIMConnection{BaseURL: other}
		w.app = change(w, w.app)
		w.route(func(target connector.Target) connector.Target { return stuck{target} })
		w.apply()
		synctest.Wait()
		if err := w.engine.PauseJob(context.Background(), w.app.ID, "grace"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		found = w.accounts(status.AccountQuery{State: status.AccountUnproven})
		expect(t, "unproven", brief(found), []string{"User 1 unproven", "User 2 unproven"})
		if found[0].Reason != audit.LinkUnproven || found[0].Detail == "" {
			t.Errorf("unproven: %+v", found[0])
		}
	})
}

// refuse is a target that takes no write.
type refuse struct {
	connector.Target
	err error
}

func (r refuse) Send(context.Context, connector.Operation) (connector.Receipt, error) {
	return connector.Receipt{}, r.err
}

// stuck is a target that never says what an account holds.
type stuck struct{ connector.Target }

func (stuck) Get(ctx context.Context, _, _ string, _ []directory.Path) (connector.Account, error) {
	<-ctx.Done()
	return connector.Account{}, ctx.Err()
}

// TestDropLink drops one link: nothing is sent, the log says who did it, and the
// next cycle finds the same account by matching.
func TestDropLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.staff(3)
		w.team(team{"g1", "Builders", []string{"1", "2"}})
		w.save()
		w.open()
		w.declareApp(config.ScopeAll)
		w.apply()
		w.wait("initial_cycle")
		before, _ := w.account("user1@example.com")
		writes, members := w.target().Writes().Total, w.members("Builders")

		dropped, err := w.engine.DropLink(context.Background(), w.app.ID, api.DropLinkRequest{Object: "user1@example.com", By: "grace"})
		if err != nil || dropped.Source.ID != "1" || dropped.Target.ID != before.ID {
			t.Fatalf("dropped %+v, %v", dropped, err)
		}
		expect(t, "after the drop", brief(w.accounts(status.AccountQuery{ObjectType: "User"})), []string{"User 2 active", "User 3 active"})
		if n := w.status().Managed["User"]; n != 2 {
			t.Errorf("%d users are managed", n)
		}
		logged := w.entries(audit.Query{Category: audit.Job, Object: "1"})
		if len(logged) != 1 || logged[0].InitiatedBy != "grace" || logged[0].Target.ID != before.ID || logged[0].Reason != "Drop link" {
			t.Errorf("the log has %+v", logged)
		}
		_, err = w.engine.DropLink(context.Background(), w.app.ID, api.DropLinkRequest{Object: "1"})
		if told := wantError(t, err, api.CodeNotFound); !strings.Contains(told.Error(), `"1"`) {
			t.Errorf("the error is %v", told)
		}

		w.cycle()
		after, ok := w.account("user1@example.com")
		again := w.accounts(status.AccountQuery{Person: "1", ObjectType: "User"})
		if !ok || after.ID != before.ID || len(again) != 1 || again[0].Target.ID != before.ID || again[0].LinkedBy != status.LinkedByMatch {
			t.Errorf("the account is %+v, linked %+v", after, again)
		}
		if n := w.target().Writes().Total; n != writes {
			t.Errorf("%d writes were sent", n-writes)
		}
		expect(t, "members", w.members("Builders"), members)
	})
}

// TestDropLink_ambiguous refuses a name of several, and takes an id of one.
func TestDropLink_ambiguous(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.person(person{id: "7", name: "seven@example.com"})
		w.person(person{id: "8", name: "7"})
		w.team(team{"7", "Builders", nil})
		w.save()
		w.open()
		w.declareApp(config.ScopeAll)
		w.apply()
		w.wait("initial_cycle")
		drop := func(object, typ string) error {
			_, err := w.engine.DropLink(context.Background(), w.app.ID, api.DropLinkRequest{Object: object, ObjectType: typ})
			return err
		}
		if told := wantError(t, drop("7", ""), api.CodeAmbiguous); !strings.Contains(told.Detail, "User") || !strings.Contains(told.Detail, "Group") {
			t.Errorf("the error is %v", told)
		}
		if err := drop("7", "User"); err != nil {
			t.Error(err)
		}
		if err := drop("7", "User"); err != nil { // by the user name now
			t.Error(err)
		}
		expect(t, "left", brief(w.accounts(status.AccountQuery{})), []string{"Group 7 active"})
	})
}

// TestDropLink_held forgets with the link what waited for it: a removal that was
// held, and one that failed.
func TestDropLink_held(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.staff(4)
		w.save()
		w.open()
		w.declareApp(config.ScopeAssigned)
		for i := 1; i <= 4; i++ {
			w.assign(fmt.Sprint(i), "")
		}
		w.job = &config.Job{AppID: w.app.ID, Interval: interval, AccidentalDeletions: map[string]float64{"threshold": 1}}
		w.apply()
		w.wait("initial_cycle")
		w.unassign("1")
		w.unassign("2")
		w.apply()
		w.cycle()
		if held := w.status().HeldRemovals; len(held) != 1 || held[0].Count != 2 {
			t.Fatalf("held: %+v", held)
		}
		if _, err := w.engine.DropLink(context.Background(), w.app.ID, api.DropLinkRequest{Object: "1"}); err != nil {
			t.Fatal(err)
		}
		w.cycle()
		// The other removal alone is under the threshold, and is carried out.
		if len(w.status().HeldRemovals) != 0 || !w.active("user1@example.com") || w.active("user2@example.com") {
			t.Errorf("held %+v, active %t and %t", w.status().HeldRemovals, w.active("user1@example.com"), w.active("user2@example.com"))
		}
		expect(t, "left", brief(w.accounts(status.AccountQuery{})), []string{"User 2 disabled", "User 3 active", "User 4 active"})
	})
}

// TestDropLink_unresolved leaves a link alone while nobody knows what a request
// for its account has done, however the look-up after it fails.
func TestDropLink_unresolved(t *testing.T) {
	for _, class := range []connector.Class{connector.Unknown, connector.Transient, connector.Rejected} {
		t.Run(string(class), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { dropUnresolved(t, class) }) })
	}
}

func dropUnresolved(t *testing.T, class connector.Class) {
	w := newWorld(t)
	w.staff(1)
	w.save()
	w.open()
	w.declareApp(config.ScopeAll)
	w.apply()
	w.wait("initial_cycle")
	p := w.people["1"]
	p.department = "Board"
	w.person(p)
	w.save()
	lost := &connector.Error{Class: connector.Unknown, Code: "Timeout", Detail: "no answer"}
	blind := &connector.Error{Class: class, Code: "InternalServerError", Detail: "no answer either"}
	w.route(func(target connector.Target) connector.Target { return silent{refuse{target, lost}, blind} })
	if _, err := w.tryWait("next_cycle"); err != nil {
		t.Fatal(err)
	}
	_, err := w.engine.DropLink(context.Background(), w.app.ID, api.DropLinkRequest{Object: "1"})
	wantError(t, err, api.CodeConflict)
	w.route(nil)
	time.Sleep(2 * time.Hour)
	w.cycle()
	if _, err := w.engine.DropLink(context.Background(), w.app.ID, api.DropLinkRequest{Object: "1"}); err != nil {
		t.Errorf("once it is known: %v", err)
	}
}

// silent answers neither writes nor look-ups of single accounts.
type silent struct {
	refuse
	blind error
}

func (s silent) Get(context.Context, string, string, []directory.Path) (connector.Account, error) {
	return connector.Account{}, s.blind
}
