package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/memory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store/storetest"
)

// person and team are rows of the source's files.
type person struct {
	id, name, department, kind, manager string
	off                                 bool
}

type team struct {
	id, name string
	members  []string
}

const (
	managerPath = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"
	firstServer = "https://chat.example.com/scim"
	// interval is no divisor of the times that tests let pass: no cycle is under way
	// when a test goes on.
	interval = "59m30s"
)

// world is a source of files, a target in memory and an engine between them. It
// lives in a synctest bubble, whose time is the engine's.
type world struct {
	t       testing.TB
	dir     string // of the source's files
	data    string // of the engine
	servers map[string]*memory.Target

	engine *engine.Engine
	store  store.Store
	faulty *storetest.FaultyStore

	mu       sync.Mutex
	through  func(connector.Target) connector.Target // is put around the target
	counters []*connector.Counter                    // of each connection to the target

	people map[string]person
	teams  map[string]team
	saved  saved
	began  time.Time // when the world did
	moved  time.Time // since when the app is another server, which may give ids again

	source        *config.Source
	app           *config.App
	users, groups *config.Mapping
	filters       map[string]*config.Filter
	assignments   map[string]*config.Assignment
	job           *config.Job
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{
		t: t, dir: tempDir(t), data: tempDir(t), servers: map[string]*memory.Target{firstServer: memory.New(memory.Options{})},
		people: map[string]person{}, teams: map[string]team{}, began: time.Now(),
		filters: map[string]*config.Filter{}, assignments: map[string]*config.Assignment{},
	}
	t.Cleanup(func() { w.close() })
	return w
}

// tempDir gives a directory in memory where the machine has such: here processes
// die, machines do not, and nothing has to wait for a disk.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "engine")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// target is the app that is provisioned to now.
func (w *world) target() *memory.Target { return w.servers[w.app.SCIM.BaseURL] }

func (w *world) person(p person) { w.people[p.id] = p }
func (w *world) team(g team)     { w.teams[g.id] = g }

// staff adds people 1 to n, all of the department "Engineering".
func (w *world) staff(n int) {
	for i := 1; i <= n; i++ {
		w.person(person{id: fmt.Sprint(i), name: fmt.Sprintf("user%d@example.com", i), department: "Engineering", kind: "employee"})
	}
}

// save writes the source's files, each whole at once.
func (w *world) save() {
	w.t.Helper()
	var out strings.Builder
	w.saved.note(w.people, w.teams)
	out.WriteString("id,userPrincipalName,department,kind,manager,accountEnabled\n")
	for _, id := range slices.Sorted(maps.Keys(w.people)) {
		p := w.people[id]
		fmt.Fprintf(&out, "%s,%s,%s,%s,%s,%t\n", p.id, p.name, p.department, p.kind, p.manager, !p.off)
	}
	w.write("people.csv", out.String())
	rows := []map[string]any{}
	for _, id := range slices.Sorted(maps.Keys(w.teams)) {
		g := w.teams[id]
		rows = append(rows, map[string]any{"id": g.id, "displayName": g.name, "members": append([]string{}, g.members...)})
	}
	data, err := json.Marshal(rows)
	if err != nil {
		w.t.Fatal(err)
	}
	w.write("groups.json", string(data))
}

func (w *world) write(name, content string) {
	w.t.Helper()
	w.saved.write(name, content)
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path+".new", []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		w.t.Fatal(err)
	}
}

// cut lets nothing more become durable, as when the process dies here.
func (w *world) cut() { w.faulty.CutAfter(0) }

func (w *world) tryOpen() error {
	options := engine.Options{
		DataDir: w.data, Version: "test", Logger: slog.New(slog.NewTextHandler(w.t.Output(), nil)),
		Wrap: func(s store.Store) store.Store {
			w.faulty = storetest.Faulty(s)
			w.store = w.faulty
			return w.store
		},
		Connectors: &connector.Registry{
			Sources: engine.Builtin().Sources,
			Targets: map[string]func(connector.Options) (connector.Target, error){"scim": w.connect},
		},
	}
	e, err := engine.Open(options)
	if err == nil {
		w.engine = e
	}
	return err
}

func (w *world) connect(options connector.Options) (connector.Target, error) {
	var connection config.SCIMConnection
	if err := json.Unmarshal(options.Connection, &connection); err != nil {
		return nil, err
	}
	server := w.servers[connection.BaseURL]
	if server == nil {
		return nil, &connector.Error{Class: connector.Fatal, Code: "SystemForCrossDomainIdentityManagementServiceIncompatible", Detail: "there is no such server"}
	}
	var target connector.Target = server
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.through != nil {
		target = w.through(target)
	}
	counter := connector.Count(target)
	w.counters = append(w.counters, counter)
	if learner, ok := target.(connector.Learner); ok {
		return &countedLearner{counter, learner}, nil
	}
	return counter, nil
}

type countedLearner struct {
	*connector.Counter
	connector.Learner
}

// route puts something around the target of all connections from now on; nil for
// nothing.
func (w *world) route(through func(connector.Target) connector.Target) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.through = through
}

// requests counts what has reached the target so far.
func (w *world) requests() (n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, counter := range w.counters {
		n += counter.Total()
	}
	return n
}

func (w *world) open() {
	w.t.Helper()
	if err := w.tryOpen(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) close() {
	if w.engine == nil {
		return
	}
	if err := w.engine.Close(context.Background()); err != nil {
		w.t.Log("close: ", err)
	}
	w.engine = nil
}

func (w *world) reopen() {
	w.t.Helper()
	w.close()
	w.open()
}

func declare[T config.Thing](w *world, thing T) T {
	w.t.Helper()
	made, err := w.engine.Create(context.Background(), thing, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return made.(T)
}

func change[T config.Thing](w *world, thing T) T {
	w.t.Helper()
	changed, err := w.engine.Update(context.Background(), thing, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return changed.(T)
}

func (w *world) destroy(thing config.Thing) {
	w.t.Helper()
	if err := w.engine.Delete(context.Background(), thing.Identity().Kind, thing.GetID()); err != nil {
		w.t.Fatal(err)
	}
}

// declareApp declares everything but a job: an app to which all are in scope who
// are assigned, or all.
func (w *world) declareApp(scope config.Scope) {
	w.t.Helper()
	w.source = declare(w, &config.Source{Name: "people", File: w.files("id")})
	w.app = declare(w, &config.App{Name: "chat", SourceID: w.source.ID, Template: "scim", Scope: scope, SCIM: &config.SCIMConnection{BaseURL: firstServer}})
	w.users = declare(w, &config.Mapping{AppID: w.app.ID, ObjectType: "User", Attributes: userAttributes()})
	w.groups = declare(w, &config.Mapping{AppID: w.app.ID, ObjectType: "Group", Attributes: map[string]mapping.Attribute{
		"displayName": {Source: ptr("displayName"), MatchingPrecedence: ptr(int64(1))},
		"externalId":  {Source: ptr("id")},
		"members":     {Source: ptr("members")},
	}})
}

func (w *world) files(id string) *config.FileSource {
	return &config.FileSource{
		Users:  &config.FileSet{Path: filepath.Join(w.dir, "people.csv"), IDColumn: id, References: map[string]string{"manager": "manager"}},
		Groups: &config.FileSet{Path: filepath.Join(w.dir, "groups.json"), IDColumn: "id", Members: "members"},
	}
}

func userAttributes() map[string]mapping.Attribute {
	return map[string]mapping.Attribute{
		"userName":    {Source: ptr("userPrincipalName"), MatchingPrecedence: ptr(int64(1))},
		"externalId":  {Source: ptr("id"), MatchingPrecedence: ptr(int64(2))},
		"active":      {Expression: ptr(`Switch([IsSoftDeleted], , "False", "True", "True", "False")`)},
		"displayName": {Expression: ptr(`Join(" ", "The", [department])`)},
		"title":       {Source: ptr("department"), Default: ptr("none")},
		managerPath:   {Source: ptr("manager")},
	}
}

func (w *world) assign(user, group string) *config.Assignment {
	w.t.Helper()
	a := declare(w, &config.Assignment{AppID: w.app.ID, User: user, Group: group})
	w.assignments[user+group] = a
	return a
}

func (w *world) unassign(name string) {
	w.t.Helper()
	w.destroy(w.assignments[name])
	delete(w.assignments, name)
}

func (w *world) filter(name string, clauses ...scoping.Clause) {
	w.t.Helper()
	w.filters[name] = declare(w, &config.Filter{AppID: w.app.ID, ObjectType: "User", Name: name, Clauses: clauses})
}

// apply creates or updates the job with all that is declared.
func (w *world) apply() {
	w.t.Helper()
	if w.job == nil {
		w.job = &config.Job{AppID: w.app.ID, Interval: interval}
	}
	w.job.Revisions = w.revisions()
	if w.job.ID == "" {
		w.job = declare(w, w.job)
	} else {
		w.job = change(w, w.job)
	}
}

func (w *world) revisions() []string {
	revisions := []string{w.source.Revision(), w.app.Revision()}
	for _, m := range []*config.Mapping{w.users, w.groups} {
		if m != nil {
			revisions = append(revisions, m.Revision())
		}
	}
	for _, f := range w.filters {
		revisions = append(revisions, f.Revision())
	}
	for _, a := range w.assignments {
		revisions = append(revisions, a.Revision())
	}
	slices.Sort(revisions)
	return revisions
}

// tryWait waits at most for a day.
func (w *world) tryWait(what string) (api.WaitResult, error) {
	ctx, stop := context.WithTimeout(context.Background(), 24*time.Hour)
	defer stop()
	return w.engine.Wait(ctx, w.app.ID, api.WaitRequest{For: what, Revisions: w.revisions()}, nil)
}

func (w *world) wait(what string) status.Cycle {
	w.t.Helper()
	result, err := w.tryWait(what)
	if err != nil {
		w.t.Fatal(err)
	}
	if !result.Succeeded {
		w.t.Fatalf("the wait failed: %s %s", result.Reason, result.Advice)
	}
	return result.Cycle
}

// cycle runs one now.
func (w *world) cycle() status.Cycle {
	w.t.Helper()
	return w.wait("next_cycle")
}

func (w *world) status() status.Job {
	w.t.Helper()
	s, err := w.engine.Status(context.Background(), w.app.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) entries(query audit.Query) []audit.Entry {
	w.t.Helper()
	query.AppID, query.Limit = w.app.ID, 100_000
	entries, err := w.engine.Audit(context.Background(), query)
	if err != nil {
		w.t.Fatal(err)
	}
	return entries
}

// account gives the one account of a user name.
func (w *world) account(name string) (connector.Account, bool) {
	for _, account := range w.target().Accounts(directory.User) {
		if account.Values["userName"].String() == name {
			return account, true
		}
	}
	return connector.Account{}, false
}

// active reports whether the user name has an account that is enabled.
func (w *world) active(name string) bool {
	account, ok := w.account(name)
	return ok && account.Enabled != nil && *account.Enabled
}

// actives counts the enabled users.
func (w *world) actives() (n int) {
	for _, account := range w.target().Accounts(directory.User) {
		if account.Enabled != nil && *account.Enabled {
			n++
		}
	}
	return n
}

// members gives the user names of a group's members.
func (w *world) members(group string) []string {
	names := []string{}
	for _, g := range w.target().Accounts(directory.Group) {
		if g.Values["displayName"].String() != group {
			continue
		}
		for _, id := range g.Values["members"].Values() {
			account, _ := w.target().Account(directory.User, id.String())
			names = append(names, account.Values["userName"].String())
		}
	}
	slices.Sort(names)
	return names
}
