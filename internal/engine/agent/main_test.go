package agent

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api/apitest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeEngine is one whose Close does what the test says.
type fakeEngine struct {
	apitest.Service
	close func(context.Context) error
}

func (e *fakeEngine) Close(ctx context.Context) error {
	if e.close == nil {
		return nil
	}
	return e.close(ctx)
}

func (e *fakeEngine) StoreSchema() int           { return 3 }
func (e *fakeEngine) StoreID() string            { return "store-1" }
func (e *fakeEngine) UnattendedSince() time.Time { return unattended }

var (
	started    = time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC)
	unattended = started.Add(-time.Hour)
)

// privateDir gives a directory for this user alone, with a short path.
func privateDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// word is the other end of a Ready: what was said, once it is closed.
type word struct {
	text []byte
	said chan string
}

func newWord() *word { return &word{said: make(chan string, 1)} }

func (w *word) Write(text []byte) (int, error) {
	w.text = append(w.text, text...)
	return len(text), nil
}

func (w *word) Close() error {
	w.said <- string(w.text)
	return nil
}

// running is an agent in this process.
type running struct {
	dir  string
	end  context.CancelFunc
	done chan error
}

// start runs an agent and waits until it serves.
func start(t *testing.T, dir string, engine Engine, change ...func(*Options)) *running {
	t.Helper()
	ready := newWord()
	options := Options{
		DataDir: dir, Version: "1.2.3", Build: "b", Ready: ready,
		Open: func(string, *slog.Logger) (Engine, error) { return engine, nil },
		Now:  func() time.Time { return started }, watchInterval: 5 * time.Millisecond,
	}
	for _, f := range change {
		f(&options)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{dir: dir, end: cancel, done: make(chan error, 1)}
	go func() { r.done <- Run(ctx, options) }()
	t.Cleanup(cancel)
	if said := <-ready.said; said != "ready\n" {
		t.Fatalf("the agent said %s; %v", said, <-r.done)
	}
	return r
}

// ended waits for the end of the agent and gives its error.
func (r *running) ended(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.done:
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("the agent goes on")
		return nil
	}
}

var _ api.Service = (*fakeEngine)(nil)
