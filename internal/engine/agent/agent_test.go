//go:build unix

package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// over gives an HTTP client that reaches the agent of a directory.
func over(dir string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return Dial(ctx, dir) },
	}}
}

func TestRun(t *testing.T) {
	dir := privateDir(t)
	r := start(t, dir, &fakeEngine{})
	response, err := over(dir).Get("http://agent/v1/handshake")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var got api.Handshake
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := api.Handshake{
		API: api.Version, Version: "1.2.3", Build: "b", StoreSchema: 3, StoreID: "store-1",
		DataDir: dir, PID: os.Getpid(), StartedAt: started, JobsUnattendedSince: unattended,
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for _, name := range []string{socketName, agentLockName, logName} {
		if info, err := os.Lstat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	r.end()
	if err := r.ended(t); err != nil {
		t.Errorf("its end: %v", err)
	}
	if _, err := os.Lstat(filepath.Join(dir, socketName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is there still: %v", err)
	}
	log, err := os.ReadFile(LogPath(dir))
	if err != nil || !strings.Contains(string(log), "agent serves") || !strings.Contains(string(log), "agent ended") {
		t.Errorf("its log is %s, %v", log, err)
	}
	again := start(t, dir, &fakeEngine{})
	again.end()
	again.ended(t)
}

func TestRun_stop(t *testing.T) {
	dir := privateDir(t)
	r := start(t, dir, &fakeEngine{})
	response, err := over(dir).Post("http://agent/v1/stop", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if err := r.ended(t); err != nil || response.StatusCode != http.StatusAccepted {
		t.Errorf("got %s, %v", response.Status, err)
	}
}

func TestRun_second(t *testing.T) {
	dir := privateDir(t)
	r := start(t, dir, &fakeEngine{})
	ready := newWord()
	err := Run(t.Context(), Options{DataDir: dir, Ready: ready, Open: func(string, *slog.Logger) (Engine, error) {
		t.Error("the engine was opened twice")
		return &fakeEngine{}, nil
	}})
	var told *api.Error
	if !errors.As(err, &told) || told.Code != api.CodeConflict {
		t.Errorf("got %v", err)
	}
	if err := ReadReady(strings.NewReader(<-ready.said)); err == nil || err.Error() != told.Error() {
		t.Errorf("its starter was told %v", err)
	}
	r.end()
	if err := r.ended(t); err != nil {
		t.Errorf("the first ended in %v", err)
	}
}

// TestRun_successor: an agent waits for one that is ending.
func TestRun_successor(t *testing.T) {
	dir := privateDir(t)
	closing, release := make(chan struct{}), make(chan struct{})
	first := start(t, dir, &fakeEngine{close: func(context.Context) error {
		close(closing)
		<-release
		return nil
	}})
	first.end()
	<-closing
	opened := make(chan struct{})
	ready := newWord()
	ctx, cancel := context.WithCancel(t.Context())
	second := make(chan error, 1)
	go func() {
		second <- Run(ctx, Options{DataDir: dir, Ready: ready, Open: func(string, *slog.Logger) (Engine, error) {
			close(opened)
			return &fakeEngine{}, nil
		}})
	}()
	select {
	case <-opened:
		t.Error("the engine was opened while another had it")
	case <-time.After(5 * lockInterval):
	}
	close(release)
	if err := first.ended(t); err != nil {
		t.Error(err)
	}
	if said := <-ready.said; said != "ready\n" {
		t.Errorf("the second said %s", said)
	}
	cancel()
	if err := <-second; err != nil {
		t.Error(err)
	}
}

func TestRun_openFails(t *testing.T) {
	tests := []struct {
		err  error
		code api.Code
	}{
		{&api.Error{Code: api.CodeInvalid, Summary: "s"}, api.CodeInvalid},
		{fmt.Errorf("open x: %w", store.ErrNewer), api.CodeIncompatible},
		{fmt.Errorf("open x: %w", store.ErrCorrupt), api.CodeConflict},
		{fmt.Errorf("open x: %w", store.ErrInUse), api.CodeConflict},
		{errors.New("disk full"), api.CodeUnavailable},
	}
	for _, tt := range tests {
		dir, ready := privateDir(t), newWord()
		err := Run(t.Context(), Options{DataDir: dir, Ready: ready, Open: func(string, *slog.Logger) (Engine, error) {
			return nil, tt.err
		}})
		if !errors.Is(err, tt.err) {
			t.Errorf("%v became %v", tt.err, err)
		}
		var told *api.Error
		if err := ReadReady(strings.NewReader(<-ready.said)); !errors.As(err, &told) || told.Code != tt.code {
			t.Errorf("of %v, the starter was told %v", tt.err, err)
		}
		if !strings.Contains(told.Error(), tt.err.Error()) {
			t.Errorf("%q does not tell %q", told, tt.err)
		}
		if lock, err := tryLock(filepath.Join(dir, agentLockName)); lock == nil {
			t.Errorf("the lock is held: %v", err)
		} else {
			lock.release()
		}
	}
}

// TestRun_drain: the engine gets its time, and no more.
func TestRun_drain(t *testing.T) {
	t.Run("in time", func(t *testing.T) {
		r := start(t, privateDir(t), &fakeEngine{close: func(ctx context.Context) error { return ctx.Err() }})
		r.end()
		if err := r.ended(t); err != nil {
			t.Error(err)
		}
	})
	t.Run("out of time", func(t *testing.T) {
		r := start(t, privateDir(t), &fakeEngine{close: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}}, func(o *Options) { o.DrainTimeout = 10 * time.Millisecond })
		r.end()
		if err := r.ended(t); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("never", func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		r := start(t, privateDir(t), &fakeEngine{close: func(context.Context) error {
			<-release
			return nil
		}}, func(o *Options) { o.DrainTimeout = 10 * time.Millisecond })
		r.end()
		if err := r.ended(t); err == nil || !strings.Contains(err.Error(), "did not stop in time") {
			t.Errorf("got %v", err)
		}
	})
}

// TestRun_lost: an agent whose files were taken from it stops at once and
// leaves what stands there alone.
func TestRun_lost(t *testing.T) {
	tests := map[string]func(t *testing.T, dir string){
		"lock removed":   func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, agentLockName)) },
		"socket removed": func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, socketName)) },
		"lock replaced": func(t *testing.T, dir string) {
			os.WriteFile(filepath.Join(dir, "new"), nil, 0o600)
			os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, agentLockName))
		},
		"directory moved": func(t *testing.T, dir string) {
			os.Rename(dir, dir+".old")
			t.Cleanup(func() { os.RemoveAll(dir + ".old") })
		},
	}
	for name, take := range tests {
		t.Run(name, func(t *testing.T) {
			dir := privateDir(t)
			var atOnce bool
			r := start(t, dir, &fakeEngine{close: func(ctx context.Context) error {
				select {
				case <-ctx.Done():
					atOnce = true
				case <-time.After(10 * time.Second):
				}
				return nil
			}})
			take(t, dir)
			var told *api.Error
			if err := r.ended(t); !errors.As(err, &told) || told.Code != api.CodeConflict {
				t.Errorf("got %v", err)
			}
			if !atOnce {
				t.Error("it waited for the objects in hand")
			}
		})
	}
}

// TestRun_lostAtAccept: who calls an agent that has lost its lock is not
// served.
func TestRun_lostAtAccept(t *testing.T) {
	dir := privateDir(t)
	r := start(t, dir, &fakeEngine{}, func(o *Options) { o.watchInterval = time.Hour })
	if err := os.Remove(filepath.Join(dir, agentLockName)); err != nil {
		t.Fatal(err)
	}
	if response, err := over(dir).Get("http://agent/healthz"); err == nil {
		response.Body.Close()
		t.Errorf("it was served: %s", response.Status)
	}
	if err := r.ended(t); err == nil {
		t.Error("it ended in order")
	}
}

// TestRun_remnants: what a killed agent left is in nobody's way.
func TestRun_remnants(t *testing.T) {
	dir := privateDir(t)
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, socketName)})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	listener.Close()
	if err := os.WriteFile(filepath.Join(dir, agentLockName), []byte("123"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, dir, &fakeEngine{})
	r.end()
	if err := r.ended(t); err != nil {
		t.Error(err)
	}
}

func TestPrepareDir(t *testing.T) {
	dir := privateDir(t)
	if got, err := PrepareDir(filepath.Join(dir, "a", "b")); err != nil || got != filepath.Join(dir, "a", "b") {
		t.Errorf("got %s, %v", got, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "a", "b")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("made %v, %v", info, err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", file, filepath.Join(file, "x"), "a\x00b"} {
		if got, err := PrepareDir(bad); err == nil {
			t.Errorf("%q became %q", bad, got)
		}
	}
	open := filepath.Join(dir, "open")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	for mode, fine := range map[fs.FileMode]bool{0o700: true, 0o755: true, 0o775: false, 0o757: false, 0o777: false} {
		if err := os.Chmod(open, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := PrepareDir(open); (err == nil) != fine {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
}
