package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent/client"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

// program is the real binary of version 0.1.0, built once for all tests of this
// package, newer that of version 0.2.0, and terraform the real CLI, empty where
// there is none.
var program, newer, terraform string

const (
	version010 = "0.1.0"
	version020 = "0.2.0"
)

func TestMain(m *testing.M) {
	terraform = os.Getenv("TF_ACC_TERRAFORM_PATH")
	if terraform == "" {
		terraform, _ = exec.LookPath("terraform")
	}
	if terraform == "" {
		fmt.Fprintln(os.Stderr, "SKIPPED: all tests with Terraform: there is none on PATH")
		if os.Getenv("CI") == "true" {
			os.Exit(1)
		}
	}
	dir, err := os.MkdirTemp("", "provisioning")
	if err == nil {
		program, err = build(filepath.Join(dir, version010), version010)
	}
	if err == nil {
		newer, err = build(filepath.Join(dir, version020), version020)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// build builds the binary of a version into a folder, as Terraform expects it.
func build(dir, version string) (string, error) {
	path := filepath.Join(dir, "terraform-provider-provisioning")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	out, err := exec.Command("go", "build", "-ldflags", "-X main.version="+version, "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return path, nil
}

const appToken = "a-token-that-nobody-may-see"

// company is a directory in a file, an app, and the real agent between them.
type company struct {
	t      *testing.T
	app    *sampleapp.App
	writes *meter
	server *httptest.Server
	dir    string
	agent  *client.Client
	appID  string
	rate   *float64 // requests a second that the job allows; nil: as many as the app takes
}

func newCompany(t *testing.T) *company {
	t.Helper()
	c := &company{t: t, dir: t.TempDir(), app: sampleapp.New(sampleapp.Options{Token: appToken, Latency: 2 * time.Millisecond})}
	c.writes = &meter{Handler: c.app, moved: make(chan struct{})}
	c.server = httptest.NewServer(c.writes)
	t.Cleanup(c.server.Close)
	c.connect()
	t.Cleanup(func() { c.stop() })
	return c
}

// meter counts the writes that an app was asked for.
type meter struct {
	http.Handler
	mu    sync.Mutex
	n     int
	moved chan struct{} // closed by the next write
}

func (m *meter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.Handler.ServeHTTP(w, r)
	if r.Method == http.MethodPost || r.Method == http.MethodPatch {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.n++
		close(m.moved)
		m.moved = make(chan struct{})
	}
}

func (m *meter) count() (n int, moved <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.n, m.moved
}

// await returns once so many writes more have come.
func (m *meter) await(ctx context.Context, more int) error {
	begun, moved := m.count()
	for n := begun; n < begun+more; n, moved = m.count() {
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("only %d of %d writes came", n-begun, more)
		}
	}
	return nil
}

func (c *company) connect() {
	c.t.Helper()
	if err := c.connectWith(version010, program); err != nil {
		c.t.Fatal(err)
	}
}

// connectWith reaches the agent as the program of a version does, which starts
// it, or replaces an older one.
func (c *company) connectWith(version, program string) error {
	agent, err := client.Connect(c.t.Context(), client.Options{
		DataDir: filepath.Join(c.dir, "data"), Version: version, Executable: program, Autostart: true,
	})
	if err == nil {
		c.agent = agent
	}
	return err
}

func (c *company) stop() {
	if err := c.agent.Stop(context.Background()); err != nil {
		c.t.Error(err)
	}
}

// kill ends the agent as a power cut does, and waits until it is gone.
func (c *company) kill() {
	c.t.Helper()
	h := c.agent.Handshake()
	if err := syscall.Kill(h.PID, syscall.SIGKILL); err != nil {
		c.t.Fatal(err)
	}
	for syscall.Kill(h.PID, 0) == nil && !isZombie(h.PID) {
		runtime.Gosched()
	}
}

func isZombie(pid int) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(data), ") Z ")
}

// hire writes the directory: n people, in one group of all and one of the first
// few, each with a title.
func (c *company) hire(n int, title string) {
	c.t.Helper()
	var people strings.Builder
	people.WriteString("id,email,name,title,manager_id\n")
	members := make([]string, 0, n)
	for i := 1; i <= n; i++ {
		manager := ""
		if i > 1 {
			manager = fmt.Sprint(i / 2)
		}
		fmt.Fprintf(&people, "%d,p%d@example.com,Person %d,%s,%s\n", i, i, i, title, manager)
		members = append(members, fmt.Sprint(i))
	}
	groups, err := json.Marshal([]map[string]any{
		{"id": "all", "displayName": "All", "members": members},
		{"id": "few", "displayName": "Few", "members": members[:n/10]},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	for name, content := range map[string]string{"people.csv": people.String(), "groups.json": string(groups)} {
		whole := filepath.Join(c.dir, name)
		if err := os.WriteFile(whole+".new", []byte(content), 0o600); err != nil {
			c.t.Fatal(err)
		}
		if err := os.Rename(whole+".new", whole); err != nil {
			c.t.Fatal(err)
		}
	}
}

// declare declares source, app and job, everyone in scope, and gives no time to
// the first cycle.
func (c *company) declare() {
	c.t.Helper()
	create := func(thing config.Thing, secrets config.Secrets) config.Thing {
		made, err := c.agent.Create(c.t.Context(), thing, secrets)
		if err != nil {
			c.t.Fatal(err)
		}
		return made
	}
	one := int64(1)
	credential := create(&config.Credential{Name: "app", Method: "bearer", Fields: map[string]config.Field{"token": {Version: &one}}},
		config.Secrets{"token": appToken})
	source := create(&config.Source{Name: "people", File: &config.FileSource{
		Users:  &config.FileSet{Path: filepath.Join(c.dir, "people.csv"), IDColumn: "id", References: map[string]string{"manager": "manager_id"}},
		Groups: &config.FileSet{Path: filepath.Join(c.dir, "groups.json"), IDColumn: "id", Members: "members"},
	}, Attributes: map[string]string{"userPrincipalName": "email", "mail": "email", "displayName": "name", "jobTitle": "title", "mailNickname": "id"}}, nil)
	app := create(&config.App{Name: "app", SourceID: source.GetID(), Template: "scim", Scope: config.ScopeAll,
		SCIM: &config.SCIMConnection{BaseURL: c.server.URL}, CredentialID: credential.GetID()}, nil)
	c.appID = app.GetID()
	job := &config.Job{AppID: c.appID, Interval: "1s", Revisions: []string{source.Revision(), app.Revision()}}
	if c.rate != nil {
		job.RateLimit = &config.RateLimit{RequestsPerSecond: c.rate}
	}
	create(job, nil)
}

// settle waits until a cycle that began after the call has ended well.
func (c *company) settle() {
	c.t.Helper()
	ctx, stop := context.WithTimeout(c.t.Context(), time.Minute)
	defer stop()
	for {
		result, err := c.agent.Wait(ctx, c.appID, api.WaitRequest{For: "next_cycle"}, nil)
		if err != nil {
			c.t.Fatal(err)
		}
		if !result.Succeeded {
			c.t.Fatalf("the cycle did not succeed: %s %s", result.Reason, result.Advice)
		}
		s, err := c.agent.Status(ctx, c.appID)
		if err != nil {
			c.t.Fatal(err)
		}
		if s.Escrowed == 0 && s.Progress == nil {
			return
		}
	}
}

// TestKill kills the agent with SIGKILL at ten moments of an initial and of an
// incremental cycle. Nobody gets a second account, nobody is lost, nothing is
// told twice, and the end is that of a run that nobody disturbed.
func TestKill(t *testing.T) {
	t.Parallel()
	const people = 800
	c := newCompany(t)
	c.hire(people, "Engineer")
	c.declare()
	// A moment is a number of writes that the app has seen: it comes while more
	// are on their way.
	killAt := func(moments ...int) {
		for _, moment := range moments {
			ctx, stop := context.WithTimeout(t.Context(), patience)
			err := c.writes.await(ctx, moment)
			stop()
			if err != nil {
				t.Fatal(err)
			}
			c.kill()
			c.connect()
		}
	}
	killAt(1, 30, 64, 100, 120)
	c.settle()
	c.check(people, "Engineer")

	c.hire(people, "Principal")
	killAt(1, 40, 80, 100, 64)
	c.settle()
	c.check(people, "Principal")
	c.checkLog(people)
}

// TestUpgrade_midCycle replaces the agent by a newer one while a cycle runs,
// kills that one as well, and lets the older program ask for its agent back.
func TestUpgrade_midCycle(t *testing.T) {
	t.Parallel()
	const people = 600
	c := newCompany(t)
	c.rate = new(float64) // so that the cycle takes longer than any upgrade
	*c.rate = 100
	c.hire(people, "Engineer")
	c.declare()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	if err := c.writes.await(ctx, 60); err != nil {
		t.Fatal(err)
	}
	older := c.agent.Handshake()
	if err := c.connectWith(version020, newer); err != nil {
		t.Fatal(err)
	}
	if h := c.agent.Handshake(); h.Version != version020 || h.PID == older.PID || h.StoreID != older.StoreID {
		t.Fatalf("the agent is %+v, was %+v", h, older)
	}
	if err := c.writes.await(ctx, 30); err != nil {
		t.Fatal(err)
	}
	c.kill()
	if err := c.connectWith(version020, newer); err != nil {
		t.Fatal(err)
	}
	if err := c.connectWith(version010, program); err == nil {
		t.Error("the older program got hold of a newer agent")
	}
	c.settle()
	c.check(people, "Engineer")
	c.checkLog(people)
}

func (c *company) check(people int, title string) {
	c.t.Helper()
	seen := make(map[string]bool)
	for _, user := range c.app.Users() {
		if seen[user.Name] {
			c.t.Errorf("%s has two accounts", user.Name)
		}
		seen[user.Name] = true
		if got := user.Attributes["title"]; got != title {
			c.t.Errorf("%s has the title %v, not %s", user.Name, got, title)
		}
		if user.Attributes["active"] != true {
			c.t.Errorf("%s is disabled", user.Name)
		}
	}
	if len(seen) != people {
		c.t.Errorf("%d accounts, not %d", len(seen), people)
	}
	for name, want := range map[string]int{"All": people, "Few": people / 10} {
		group, ok := c.app.Group(name)
		if !ok || len(group.Members) != want {
			c.t.Errorf("group %s: found %t, %d members, not %d", name, ok, len(group.Members), want)
		}
	}
}

// checkLog looks for one create entry a person, no removal, and no trace of the
// token anywhere below the directory.
func (c *company) checkLog(people int) {
	c.t.Helper()
	entries, err := c.agent.Audit(c.t.Context(), audit.Query{AppID: c.appID, Limit: 100_000})
	if err != nil {
		c.t.Fatal(err)
	}
	created := make(map[string]int)
	for _, e := range entries {
		switch {
		case e.Category == audit.Job:
		case e.Action == audit.Create && e.Status == audit.Success && e.Source.Type == "User":
			created[e.Source.ID]++
		case e.Action == audit.Disable, e.Action == audit.Delete:
			c.t.Errorf("%s of %s", e.Action, e.Source.DisplayName)
		}
	}
	for id, n := range created {
		if n > 1 {
			c.t.Errorf("the log tells %d times of the account of %s", n, id)
		}
	}
	if len(created) > people {
		c.t.Errorf("the log tells of %d accounts", len(created))
	}
	err = filepath.WalkDir(c.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if strings.Contains(string(data), appToken) {
			c.t.Errorf("%s holds the token", path)
		}
		return err
	})
	if err != nil {
		c.t.Error(err)
	}
}
