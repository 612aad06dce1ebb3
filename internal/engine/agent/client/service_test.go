package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api/apitest"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// serve gives a client of a service that is served on a socket by this process.
func serve(t *testing.T, service api.Service, o api.Options) *Client {
	t.Helper()
	dir := dataDir(t)
	listener, err := net.Listen("unix", filepath.Join(dir, "agent.sock"))
	if err != nil {
		t.Fatal(err)
	}
	handshake := func() api.Handshake { return api.Handshake{API: api.Version, Version: "1.0.0", StoreID: "store-1"} }
	server := &http.Server{Handler: api.Handler(service, handshake, o)}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	c, err := Connect(t.Context(), Options{DataDir: dir, Version: "1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// copied is what the service gives for a store.
var copied = strings.Repeat("store\x00", 1<<15)

func pointer[T any](v T) *T { return &v }

var (
	moment = time.Date(2026, 11, 21, 2, 30, 0, 123456789, time.UTC)
	entry  = audit.Entry{
		ID: "01", Time: moment, AppID: "app", Category: audit.Provisioning, Action: audit.Create, Status: audit.Failure,
		Source: audit.Identity{Type: "User", ID: "7", DisplayName: "Grace <Hopper> & co"},
		Steps: []audit.Step{{Name: "EntryExportAdd", Type: audit.StepExport, Status: audit.Failure,
			Details: audit.Details{{Name: "a", Value: "b"}}}},
		ModifiedProperties: []audit.Property{{Name: "userName", New: pointer("grace")}},
	}
	cycle  = status.Cycle{ID: "c1", Kind: status.Initial, State: status.Succeeded, StartedAt: moment, Counts: status.Counts{Created: 3}}
	things = []config.Thing{
		&config.Credential{ID: "1", Name: "c", Method: "bearer", Fields: map[string]config.Field{"token": {Version: pointer(int64(2))}}},
		&config.Source{ID: "2", Name: "s", File: &config.FileSource{Users: &config.FileSet{Path: "/p.csv", IDColumn: "id"}},
			Attributes: map[string]string{"x": "y"}},
		&config.App{ID: "3", Name: "chat", SourceID: "2", Template: "scim", SCIM: &config.SCIMConnection{BaseURL: "https://x/v2"}},
		&config.Mapping{ID: "4", AppID: "3", ObjectType: "User", Attributes: map[string]mapping.Attribute{
			`emails[type eq "work"].value`: {Source: pointer("mail"), MatchingPrecedence: pointer(int64(1))}}},
		&config.Mapping{ID: "4", AppID: "3", ObjectType: "Group", Enabled: pointer(false), Actions: []mapping.Action{},
			Attributes: map[string]mapping.Attribute{}},
		&config.Filter{ID: "5", AppID: "3", ObjectType: "User", Name: "staff", Clauses: []scoping.Clause{}},
		&config.Assignment{ID: "6", AppID: "3", User: "grace", Object: directory.Key{Type: "User", Anchor: "7"}, CreatedAt: moment},
		&config.Job{ID: "7", AppID: "3"},
		&config.Job{ID: "7", AppID: "3", Enabled: pointer(true), AccidentalDeletions: map[string]float64{}, Revisions: []string{},
			Deprovisioning: map[string]map[string]string{"User": {"deleted": "ignore"}}},
	}
)

// conformanceCase is one call: what the service must see, and what it gives.
type conformanceCase struct {
	name   string
	method string
	args   []any // functions apart
	gives  any
	call   func(context.Context, *Client) (any, error)
}

func nothing(err error) (any, error) { return nil, err }

func conformanceCases() []conformanceCase {
	identity := config.Identity{Kind: config.KindFilter, Parent: "3", Name: "User/staff & more"}
	query := audit.Query{
		AppID: "app", Category: audit.Provisioning, Action: audit.StagedDelete, Status: audit.Skipped, Object: "Grace Höpper/x",
		CycleID: "c1", Since: moment, Until: moment.Add(time.Hour), Limit: 5,
	}
	preview := status.Preview{AppID: "app", Counts: status.Counts{Disabled: 2}, Changes: []status.Change{{Action: "create",
		Details: []status.Property{{Name: "a", Old: pointer("")}}}}}
	job := status.Job{AppID: "app", Code: status.Quarantine, Quarantine: &status.QuarantineRecord{Reason: "x", Since: moment},
		LastCycle: &cycle, Managed: map[string]int64{"User": 3}}
	results := []api.ProvisionResult{{Entry: entry}}
	provision := api.ProvisionRequest{Users: []string{"grace"}, Groups: []string{"g"}, DryRun: true, By: "me"}
	wait := api.WaitRequest{For: "initial_cycle", Revisions: []string{"User mapping 1"}}
	waited := api.WaitResult{Succeeded: true, Cycle: cycle, Warnings: []api.Warning{{Summary: "s"}}}
	pending := api.PreviewRequest{Pending: true, Fresh: true, Limit: 3}
	findings := []connector.Finding{{Severity: connector.SeverityWarning, Summary: "s", Detail: "d"}}

	check := api.CheckRequest{Source: things[1].(*config.Source), App: things[2].(*config.App), Mapping: things[3].(*config.Mapping)}

	schema := directory.Schema{Types: []directory.ObjectType{{Name: "User", Attributes: []directory.Definition{{
		Name: "mail", Type: directory.TypeString, AliasOf: "email", References: []string{"User"}, Sub: []directory.Definition{{Name: "value"}},
	}}}}}

	cases := []conformanceCase{
		{"", "Check", []any{check}, []api.Warning{{Summary: "s", Detail: "d"}},
			func(ctx context.Context, c *Client) (any, error) { return c.Check(ctx, check) }},
		{"", "Generation", []any{identity}, api.Generation{Next: 2, ID: "a", ExistingID: "b"},
			func(ctx context.Context, c *Client) (any, error) { return c.Generation(ctx, identity) }},
		{"", "Delete", []any{config.KindFilter, "a/b c?d"}, nil,
			func(ctx context.Context, c *Client) (any, error) {
				return nothing(c.Delete(ctx, config.KindFilter, "a/b c?d"))
			}},
		{"", "SourceSchema", []any{"s/1"}, schema,
			func(ctx context.Context, c *Client) (any, error) { return c.SourceSchema(ctx, "s/1") }},
		{"", "TargetSchema", []any{"app"}, schema,
			func(ctx context.Context, c *Client) (any, error) { return c.TargetSchema(ctx, "app") }},
		{"", "Status", []any{"app"}, job,
			func(ctx context.Context, c *Client) (any, error) { return c.Status(ctx, "app") }},
		{"", "Warnings", []any{"app"}, []api.Warning{{Summary: "s", Detail: "d"}},
			func(ctx context.Context, c *Client) (any, error) { return c.Warnings(ctx, "app") }},
		{"none", "Warnings", []any{"app"}, []api.Warning{},
			func(ctx context.Context, c *Client) (any, error) { return c.Warnings(ctx, "app") }},
		{"", "Audit", []any{query}, []audit.Entry{entry},
			func(ctx context.Context, c *Client) (any, error) { return c.Audit(ctx, query) }},
		{"all", "Audit", []any{audit.Query{}}, []audit.Entry{},
			func(ctx context.Context, c *Client) (any, error) { return c.Audit(ctx, audit.Query{}) }},
		{"", "Preview", []any{"app", pending}, preview,
			func(ctx context.Context, c *Client) (any, error) { return c.Preview(ctx, "app", pending, nil) }},
		{"", "Wait", []any{"app", wait}, waited,
			func(ctx context.Context, c *Client) (any, error) { return c.Wait(ctx, "app", wait, nil) }},
		{"", "StartJob", []any{"app", "me"}, nil,
			func(ctx context.Context, c *Client) (any, error) { return nothing(c.StartJob(ctx, "app", "me")) }},
		{"", "PauseJob", []any{"app", "me"}, nil,
			func(ctx context.Context, c *Client) (any, error) { return nothing(c.PauseJob(ctx, "app", "me")) }},
		{"", "RestartJob", []any{"app", "me", []string{"links"}}, nil,
			func(ctx context.Context, c *Client) (any, error) {
				return nothing(c.RestartJob(ctx, "app", "me", []string{"links"}))
			}},
		{"default scope", "RestartJob", []any{"app", "me", []string(nil)}, nil,
			func(ctx context.Context, c *Client) (any, error) { return nothing(c.RestartJob(ctx, "app", "me", nil)) }},
		{"empty scope", "RestartJob", []any{"app", "me", []string{}}, nil,
			func(ctx context.Context, c *Client) (any, error) {
				return nothing(c.RestartJob(ctx, "app", "me", []string{}))
			}},
		{"", "ApproveRemovals", []any{"app", "me", "digest"}, nil,
			func(ctx context.Context, c *Client) (any, error) {
				return nothing(c.ApproveRemovals(ctx, "app", "me", "digest"))
			}},
		{"", "Provision", []any{"app", provision}, results,
			func(ctx context.Context, c *Client) (any, error) { return c.Provision(ctx, "app", provision) }},
		{"app", "TestConnection", []any{config.KindApp, "3"}, findings,
			func(ctx context.Context, c *Client) (any, error) { return c.TestConnection(ctx, config.KindApp, "3") }},
		{"source", "TestConnection", []any{config.KindSource, "2"}, findings,
			func(ctx context.Context, c *Client) (any, error) {
				return c.TestConnection(ctx, config.KindSource, "2")
			}},
		{"", "Backup", nil, copied,
			func(ctx context.Context, c *Client) (any, error) {
				var got strings.Builder
				err := c.Backup(ctx, &got)
				return got.String(), err
			}},
		{"", "Identity", nil, api.Identity{StoreID: "s", DataDir: "/d"},
			func(ctx context.Context, c *Client) (any, error) { return c.Identity(ctx) }},
		{"", "FollowAudit", []any{query}, nil,
			func(ctx context.Context, c *Client) (any, error) {
				return nothing(c.FollowAudit(ctx, query, func(audit.Entry) error { return errEnough }))
			}},
	}
	cases = append(cases, accountCases()...)
	secrets := config.Secrets{"token": "s3cret"}
	for _, thing := range things {
		kind := thing.Identity().Kind
		list := api.ListQuery{Name: "n & m", AppID: "3"}
		cases = append(cases,
			conformanceCase{string(kind), "Create", []any{thing, secrets}, thing,
				func(ctx context.Context, c *Client) (any, error) { return c.Create(ctx, thing, secrets) }},
			conformanceCase{string(kind), "Update", []any{thing, config.Secrets(nil)}, thing,
				func(ctx context.Context, c *Client) (any, error) { return c.Update(ctx, thing, nil) }},
			conformanceCase{string(kind) + " empty secrets", "Update", []any{thing, config.Secrets{}}, thing,
				func(ctx context.Context, c *Client) (any, error) { return c.Update(ctx, thing, config.Secrets{}) }},
			conformanceCase{string(kind), "Get", []any{kind, thing.GetID()}, thing,
				func(ctx context.Context, c *Client) (any, error) { return c.Get(ctx, kind, thing.GetID()) }},
			conformanceCase{string(kind), "List", []any{kind, list}, []config.Thing{thing},
				func(ctx context.Context, c *Client) (any, error) { return c.List(ctx, kind, list) }},
		)
	}
	return cases
}

var errEnough = errors.New("enough")

// yields are the methods that hand over one by one.
var yields = map[string]bool{"FollowAudit": true, "Accounts": true}

// TestService carries every method there and back: what the service sees is
// what was asked, and what the caller gets is what it gave.
func TestService(t *testing.T) {
	noLeaks(t)
	var mu sync.Mutex
	var method string
	var args []any
	var gives any
	var fails error
	c := serve(t, apitest.Service(func(_ context.Context, called string, given ...any) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		method, args = called, nil
		for _, arg := range given {
			switch f := arg.(type) {
			case func(status.Progress):
				f(status.Progress{Phase: "users"})
			case func(audit.Entry) error:
				f(entry)
			case func(status.Account) error:
				f(status.Account{})
			case io.Writer:
				if fails == nil {
					_, _ = io.WriteString(f, copied)
				}
			default:
				args = append(args, arg)
			}
		}
		if fails != nil {
			return nil, fails
		}
		return gives, nil
	}), api.Options{})
	covered := map[string]bool{}
	for _, tt := range conformanceCases() {
		covered[tt.method] = true
		t.Run(strings.TrimSuffix(tt.method+" "+tt.name, " "), func(t *testing.T) {
			mu.Lock()
			gives, fails = tt.gives, nil
			mu.Unlock()
			got, err := tt.call(t.Context(), c)
			if yields[tt.method] {
				if err != errEnough {
					t.Errorf("got error %v", err)
				}
			} else if err != nil {
				t.Fatal(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if method != tt.method || !reflect.DeepEqual(args, tt.args) {
				t.Errorf("the service saw %s %s, want %s %s", method, shown(args), tt.method, shown(tt.args))
			}
			if !reflect.DeepEqual(got, tt.gives) {
				t.Errorf("the caller got %s, want %s", shown(got), shown(tt.gives))
			}
		})
		t.Run(tt.method+" "+tt.name+" failing", func(t *testing.T) {
			if yields[tt.method] {
				t.Skip("its receiver ends it first")
			}
			told := &api.Error{
				Code: api.CodeInUse, Summary: "s", Detail: "d <&>", Advice: "a", Path: []string{"attributes", "x"}, ID: "7",
				Problems: config.Problems{{Path: []string{"p"}, Summary: "s", Detail: "d"}},
			}
			mu.Lock()
			fails = told
			mu.Unlock()
			_, err := tt.call(t.Context(), c)
			if !reflect.DeepEqual(err, error(told)) {
				t.Errorf("got %#v", err)
			}
		})
	}
	service := reflect.TypeFor[api.Service]()
	for i := range service.NumMethod() {
		if name := service.Method(i).Name; !covered[name] {
			t.Errorf("%s is not covered", name)
		}
	}
}

func shown(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func TestPreview_progress(t *testing.T) {
	want := []status.Progress{{Phase: "users", Done: 1}, {Phase: "groups", Done: 2, Total: 9}}
	c := serve(t, apitest.Service(func(_ context.Context, _ string, args ...any) (any, error) {
		for _, p := range want {
			args[2].(func(status.Progress))(p)
		}
		return status.Preview{AppName: "chat"}, nil
	}), api.Options{})
	var got []status.Progress
	preview, err := c.Preview(t.Context(), "app", api.PreviewRequest{}, func(p status.Progress) { got = append(got, p) })
	if err != nil || preview.AppName != "chat" {
		t.Errorf("got %+v, %v", preview, err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("progress was %+v", got)
	}
}

// TestStream_cancelled: when the caller gives up, the service's context ends.
func TestStream_cancelled(t *testing.T) {
	noLeaks(t)
	calls := map[string]func(context.Context, *Client) error{
		"Wait": func(ctx context.Context, c *Client) error {
			_, err := c.Wait(ctx, "app", api.WaitRequest{For: "next_cycle"}, nil)
			return err
		},
		"Preview": func(ctx context.Context, c *Client) error {
			_, err := c.Preview(ctx, "app", api.PreviewRequest{}, nil)
			return err
		},
		"FollowAudit": func(ctx context.Context, c *Client) error {
			return c.FollowAudit(ctx, audit.Query{}, func(audit.Entry) error { return nil })
		},
		"Provision": func(ctx context.Context, c *Client) error {
			_, err := c.Provision(ctx, "app", api.ProvisionRequest{})
			return err
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			entered, left := make(chan struct{}), make(chan struct{})
			c := serve(t, apitest.Service(func(ctx context.Context, _ string, _ ...any) (any, error) {
				close(entered)
				<-ctx.Done()
				close(left)
				return nil, ctx.Err()
			}), api.Options{})
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				<-entered
				cancel()
			}()
			if err := call(ctx, c); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			<-left
		})
	}
}

// TestStream_ending: an agent that ends does not leave its callers waiting.
func TestStream_ending(t *testing.T) {
	ending := make(chan struct{})
	c := serve(t, apitest.Service(func(ctx context.Context, method string, _ ...any) (any, error) {
		close(ending)
		<-ctx.Done()
		return nil, nil
	}), api.Options{Ending: ending})
	err := c.FollowAudit(t.Context(), audit.Query{}, func(audit.Entry) error { return nil })
	wantCode(t, err, api.CodeUnavailable)
}

// noLeaks fails when goroutines are left once everything of the test is closed.
func noLeaks(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
}

func TestMetrics(t *testing.T) {
	c := serve(t, apitest.Service(func(_ context.Context, method string, _ ...any) (any, error) {
		if method == "List" {
			return []config.Thing{&config.App{ID: "3", Name: "chat"}}, nil
		}
		return status.Job{AppName: "chat", Escrowed: 2}, nil
	}), api.Options{})
	figures, err := c.Metrics(t.Context())
	if err != nil || !strings.Contains(figures, `provisioning_failed_objects{app="chat"} 2`+"\n") {
		t.Errorf("%v\n%s", err, figures)
	}
}

// TestBackup_fails: half a store is an error, and so is one that the caller could
// not keep.
func TestBackup_fails(t *testing.T) {
	c := serve(t, apitest.Service(func(_ context.Context, _ string, args ...any) (any, error) {
		_, err := io.WriteString(args[0].(io.Writer), copied)
		return nil, errors.Join(err, errors.New("the disk is gone"))
	}), api.Options{})
	wantCode(t, c.Backup(t.Context(), io.Discard), api.CodeUnavailable)

	full := errors.New("no space left")
	from, to := io.Pipe()
	from.CloseWithError(full)
	if err := c.Backup(t.Context(), to); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}
