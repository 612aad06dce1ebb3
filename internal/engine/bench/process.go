package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent/client"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// token is what the sample app lets in.
const (
	token         = "bench"
	tokenVariable = "PROVISIONING_BENCH_TOKEN"
)

// app is a sample app in a process of its own.
type app struct {
	cmd    *exec.Cmd
	url    string
	record string // file of the requests that came
}

func (b *bench) startApp(ctx context.Context, record string) (*app, error) {
	a := &app{record: record}
	args := []string{
		"sample-app", "--json", "--token-env", tokenVariable, "--latency", b.Latency.String(),
		"--budget", strconv.Itoa(b.Budget), "--page-size", strconv.Itoa(b.PageSize), "--quirks", b.Quirks, "--record", record,
	}
	a.cmd = exec.CommandContext(ctx, b.Program, args...)
	a.cmd.Env = append(os.Environ(), tokenVariable+"="+token)
	a.cmd.Stderr = os.Stderr
	out, err := a.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := a.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the sample app: %w", err)
	}
	var told struct {
		URL string `json:"base_url"`
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &told)
	}
	if err != nil {
		a.stop()
		return nil, fmt.Errorf("start the sample app: %w", err)
	}
	a.url = told.URL
	return a, nil
}

// stop ends the process and waits for it. What it held in memory is gone.
func (a *app) stop() {
	_ = a.cmd.Process.Kill() // it may have ended
	_ = a.cmd.Wait()         // that it was killed is no news
}

// agent is the program's own agent in a data directory.
type agent struct {
	*client.Client
	dir     string
	options client.Options
}

func (b *bench) startAgent(ctx context.Context, dir string) (*agent, error) {
	a := &agent{dir: dir, options: client.Options{DataDir: dir, Version: b.Version, Executable: b.Program, Autostart: true}}
	return a, a.connect(ctx)
}

func (a *agent) connect(ctx context.Context) (err error) {
	a.Client, err = client.Connect(ctx, a.options)
	return err
}

func (a *agent) pid() int { return a.Handshake().PID }

// end stops the agent, also when ctx has ended.
func (a *agent) end(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	return a.Stop(ctx)
}

// kill ends the agent as a power cut does.
func (a *agent) kill() error {
	process, err := os.FindProcess(a.pid())
	if err != nil {
		return err
	}
	return process.Kill()
}

func (a *agent) commits() (uint64, error) {
	n, err := store.Commits(filepath.Join(a.dir, store.FileName))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	return n, err
}

// storeBytes gives the sizes of the store and of the provisioning log.
func (a *agent) storeBytes() (inStore, inLog int64, err error) {
	info, err := os.Stat(filepath.Join(a.dir, store.FileName))
	if err != nil {
		return 0, 0, err
	}
	err = filepath.WalkDir(filepath.Join(a.dir, "audit"), func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		file, err := d.Info()
		if err == nil {
			inLog += file.Size()
		}
		return err
	})
	return info.Size(), inLog, err
}

// liveHeap gives the bytes of objects that the agent's latest garbage collection
// found in use, 0 before the first.
func (a *agent) liveHeap(ctx context.Context) (int64, error) {
	const name = "go_gc_heap_live_bytes"
	figures, err := a.Metrics(ctx)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(figures) {
		if value, found := strings.CutPrefix(line, name+" "); found {
			bytes, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			return int64(bytes), err
		}
	}
	return 0, fmt.Errorf("the agent does not tell %s", name)
}

// How often a watch looks at the memory of a process, for which the system adds up
// its pages, and at the live heap, which costs the agent some milliseconds of what
// is measured.
const (
	memoryInterval = 100 * time.Millisecond
	heapInterval   = time.Second
)

// watch is the look at an agent's process while a cycle runs.
type watch struct {
	agent *agent
	pid   int
	cpu   time.Duration
	peak  int64
	heap  int64
	told  bool // the system tells of processes
	stop  func()
}

// watching begins to look at an agent.
func watching(ctx context.Context, a *agent) *watch {
	pid := a.pid()
	w := &watch{agent: a, pid: pid}
	w.cpu, w.told = cpuTime(pid)
	quit, done := make(chan struct{}), make(chan struct{})
	w.stop = sync.OnceFunc(func() {
		close(quit)
		<-done
	})
	go func() {
		defer close(done)
		memory, heap := time.NewTicker(memoryInterval), time.NewTicker(heapInterval)
		defer memory.Stop()
		defer heap.Stop()
		for {
			if bytes, ok := rssAnon(pid); ok {
				w.peak = max(w.peak, bytes)
			}
			select {
			case <-memory.C:
			case <-heap.C:
				if bytes, err := a.liveHeap(ctx); err == nil { // else the last look fails as well
					w.heap = max(w.heap, bytes)
				}
			case <-quit:
				return
			}
		}
	}()
	return w
}

// ended adds to a result what the process used since: the CPU time to that of
// processes before, and memory where it was more.
func (w *watch) ended(ctx context.Context, r *Result) error {
	now, ok := cpuTime(w.pid)
	w.stop()
	if ok && w.told {
		used, peak := seconds(now-w.cpu), w.peak
		if r.CPUSeconds != nil {
			used, peak = used+*r.CPUSeconds, max(peak, *r.RSSAnon)
		}
		r.CPUSeconds, r.RSSAnon = &used, &peak
	}
	heap, err := w.agent.liveHeap(ctx)
	r.LiveHeap = max(r.LiveHeap, w.heap, heap)
	return err
}
