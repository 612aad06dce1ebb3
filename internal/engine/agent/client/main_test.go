package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api/apitest"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// What the test binary is when it was started as something else than a test.
const (
	asAgent   = "as-agent"   // directory, version, build, behaviour
	asStarter = "as-starter" // directory
)

// Behaviours of an agent.
const (
	plain     = "plain"
	refusing  = "refusing"  // opening the engine fails with an api.Error
	corrupt   = "corrupt"   // the store is damaged
	panicking = "panicking" // opening the engine panics
	lingering = "lingering" // closing the engine waits for the file "go"
)

// root holds all data directories, so that what still uses one is found.
var root string

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case asAgent:
			os.Exit(runAgent(os.Args[2], os.Args[3], os.Args[4], os.Args[5]))
		case asStarter:
			os.Exit(runStarter(os.Args[2]))
		}
	}
	var err error
	if root, err = os.MkdirTemp("", "agents"); err != nil {
		panic(err)
	}
	code := m.Run()
	for wait := 0; len(processes(root)) > 0; wait++ { // what has ended may take a moment to go
		if wait == 1000 {
			fmt.Println("agents were left running:", processes(root))
			code = 1
			break
		}
		time.Sleep(2 * time.Millisecond)
	}
	os.RemoveAll(root)
	os.Exit(code)
}

// processes gives the processes that name a directory, where the system tells.
func processes(dir string) []string {
	var found []string
	names, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, name := range names {
		if line, err := os.ReadFile(name); err == nil && bytes.Contains(line, []byte(dir)) {
			found = append(found, string(bytes.ReplaceAll(line, []byte{0}, []byte(" "))))
		}
	}
	return found
}

func runAgent(dir, version, build, behaviour string) int {
	err := agent.Run(context.Background(), agent.Options{
		DataDir: dir, Version: version, Build: build, Ready: agent.ReadyPipe(),
		Open: func(dir string, _ *slog.Logger) (agent.Engine, error) {
			switch behaviour {
			case refusing:
				return nil, &api.Error{
					Code: api.CodeConflict, Summary: "Cannot open the log", Detail: "it is not writable",
					Advice: "Make room.", Path: []string{"data_dir"},
				}
			case corrupt:
				return nil, fmt.Errorf("open %s: %w: bad checksum", dir, store.ErrCorrupt)
			case panicking:
				panic("the engine cannot be opened")
			}
			return newEngine(dir, behaviour), nil
		},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func runStarter(dir string) int {
	c, err := Connect(context.Background(), options(dir, "1.0.0", "a"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(c.Handshake().PID)
	return 0
}

// engine is one whose Wait never returns for the first caller of a directory,
// and whose Warnings are the agent's environment.
type engine struct {
	apitest.Service
	dir, behaviour string
}

func newEngine(dir, behaviour string) *engine {
	e := &engine{dir: dir, behaviour: behaviour}
	e.Service = func(ctx context.Context, method string, args ...any) (any, error) {
		switch method {
		case "Wait":
			if os.Mkdir(filepath.Join(dir, "waited"), 0o700) == nil {
				args[2].(func(status.Progress))(status.Progress{Phase: "users"})
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return api.WaitResult{Succeeded: true}, nil
		case "Warnings":
			var warnings []api.Warning
			for _, entry := range os.Environ() {
				warnings = append(warnings, api.Warning{Summary: entry})
			}
			return warnings, nil
		case "Get":
			return &config.App{ID: args[1].(string), Name: "chat"}, nil
		}
		return nil, nil
	}
	return e
}

func (e *engine) Close(ctx context.Context) error {
	if e.behaviour == lingering {
		os.WriteFile(filepath.Join(e.dir, "closing"), nil, 0o600)
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(e.dir, "go")); err == nil {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
	return ctx.Err()
}

func (e *engine) StoreSchema() int           { return 1 }
func (e *engine) UnattendedSince() time.Time { return time.Time{} }

// StoreID is what the file "store" says, so that a test can replace the store.
func (e *engine) StoreID() string {
	id, err := os.ReadFile(filepath.Join(e.dir, "store"))
	if errors.Is(err, fs.ErrNotExist) {
		return "store-1"
	}
	return string(id)
}

// dataDir gives a data directory whose agent is ended with the test.
func dataDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(root, "d")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		os.WriteFile(filepath.Join(dir, "go"), nil, 0o600)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		c, err := Connect(ctx, Options{DataDir: dir, AnyVersion: true})
		if err == nil {
			err = c.Stop(ctx)
		} else {
			err = agent.WaitEnded(ctx, dir)
		}
		if err != nil {
			t.Errorf("the agent of %s did not end: %v", dir, err)
		}
		if t.Failed() {
			log, _ := os.ReadFile(agent.LogPath(dir))
			t.Logf("its log:\n%s", log)
		}
	})
	return dir
}

func options(dir, version, build string) Options { return behaving(dir, version, build, plain) }

func behaving(dir, version, build, behaviour string) Options {
	return Options{
		DataDir: dir, Version: version, Build: build, Autostart: true,
		Args: []string{asAgent, dir, version, build, behaviour},
	}
}

func connect(t *testing.T, options Options) *Client {
	t.Helper()
	c, err := Connect(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// wantCode fails unless the error is an api.Error of that code.
func wantCode(t *testing.T, err error, code api.Code) *api.Error {
	t.Helper()
	var told *api.Error
	if !errors.As(err, &told) || told.Code != code {
		t.Fatalf("got %v, want code %s", err, code)
	}
	return told
}

// until waits for a condition.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("in vain waited until %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
