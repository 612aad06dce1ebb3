// Package agent is the process that keeps an engine running for one data
// directory: its locks, its socket, its log, and how it begins and ends. Package
// client, below it, starts agents and talks to them.
package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent/remote"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
)

// Engine is what an agent keeps running.
type Engine interface {
	api.Service
	// Close stops after the objects in hand, or, once ctx ends, without waiting
	// for them. It is called once.
	Close(ctx context.Context) error
	StoreSchema() int
	StoreID() string
	// UnattendedSince is set when jobs that were on had no agent for a while
	// before this engine was opened.
	UnattendedSince() time.Time
}

// DefaultDrainTimeout bounds how long an agent that ends waits for the objects
// in hand.
const DefaultDrainTimeout = 30 * time.Second

// Options of Run. DataDir and Open are required.
type Options struct {
	DataDir string
	Version string // of the program
	Build   string // digest of the binary: BuildDigest
	// Open opens the engine, once the data directory belongs to this process.
	Open func(dataDir string, logger *slog.Logger) (Engine, error)

	// Remote has the agent serve the network as well, beside its socket; nil: it
	// does not.
	Remote *remote.Options

	LogLevel slog.Level
	// Log takes a copy of the log; nil for none.
	Log io.Writer
	// Ready is told when the agent serves, or why it does not: ReadyPipe, or nil.
	Ready io.WriteCloser
	// Metrics is what /metrics gives beside the figures of jobs; nil: nothing.
	Metrics prometheus.Gatherer

	DrainTimeout time.Duration    // 0: DefaultDrainTimeout
	Now          func() time.Time // nil: time.Now

	watchInterval time.Duration // how often the locks are looked after; 0: watchInterval
}

// watchInterval is how often an agent looks whether its files are still its
// own.
const watchInterval = 2 * time.Second

// requestTimeout bounds how long an agent that ends waits for short requests.
const requestTimeout = 5 * time.Second

// abandonTimeout bounds how long an engine that was told to stop at once may
// take for it.
const abandonTimeout = 2 * time.Second

// Run is an agent, from its start to its end. It takes the data directory's
// locks, opens the engine, serves it on the socket, and returns when ctx ends,
// on SIGTERM, SIGINT or SIGHUP, when it was asked to stop, or when the data
// directory's files are no longer its own.
//
// It ends by waiting for the objects in hand, up to DrainTimeout; a second
// signal cuts that short. An orderly end is no error. When another agent has the
// data directory, the error is an *api.Error of CodeConflict. An error before
// the agent serves also goes to Ready.
func Run(ctx context.Context, options Options) error {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.DrainTimeout == 0 {
		options.DrainTimeout = DefaultDrainTimeout
	}
	if options.watchInterval == 0 {
		options.watchInterval = watchInterval
	}
	ready := &readiness{to: options.Ready}
	err := run(ctx, options, ready)
	if err != nil {
		ready.fail(startError(options.DataDir, err))
	}
	return err
}

func run(ctx context.Context, options Options, ready *readiness) (err error) {
	collectSeldom()
	workInBatches()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, endSignals...)
	defer signal.Stop(signals)

	dir, err := PrepareDir(options.DataDir)
	if err != nil {
		return err
	}
	file, err := openLog(filepath.Join(dir, logName), maxLogBytes, keptLogs)
	if err != nil {
		return err
	}
	defer file.Close()
	var log io.Writer = file
	if options.Log != nil {
		log = io.MultiWriter(file, options.Log)
	}
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: options.LogLevel}))

	defer func() {
		if err != nil {
			logger.Error("agent failed", "error", err)
		} else {
			logger.Info("agent ended")
		}
	}()
	lock, err := takeOver(ctx, dir, options.DrainTimeout+requestTimeout+abandonTimeout)
	if err != nil {
		return err
	}
	defer lock.release()
	var network net.Listener
	var address string
	if options.Remote != nil { // before the engine begins to work: what is wrong here is quickly told
		if network, err = remote.Listen(ctx, dir, *options.Remote, logger, options.Now); err != nil {
			return err
		}
		defer network.Close()
		address = network.Addr().String()
	}
	engine, err := options.Open(dir, logger)
	if err != nil {
		return err
	}
	socket, err := listen(dir)
	if err != nil {
		return errors.Join(err, closeEngine(engine, options.DrainTimeout, nil))
	}
	a := &agent{
		lock: lock, socket: socket, logger: logger,
		stop: make(chan struct{}, 1), lost: make(chan struct{}, 1), ending: make(chan struct{}),
	}
	started := options.Now()
	handshake := func() api.Handshake {
		return api.Handshake{
			API: api.Version, Version: options.Version, Build: options.Build,
			StoreSchema: engine.StoreSchema(), StoreID: engine.StoreID(),
			DataDir: dir, PID: os.Getpid(), StartedAt: started, JobsUnattendedSince: engine.UnattendedSince(),
			Listen: address,
		}
	}
	servers := []*server{a.serve(a, a.local(engine, options, handshake))}
	if network != nil {
		servers = append(servers, a.serve(network, a.remote(engine, options, dir, handshake)))
	}
	logger.Info("agent serves", "version", options.Version, "build", options.Build, "pid", os.Getpid(), "data_dir", dir, "listen", address)
	ready.succeed()

	reason, lost := a.untilEnd(ctx, signals, options.watchInterval)
	logger.Info("agent is ending", "reason", reason)
	socket.remove() // first: who is told that the agent is ending must not find it again
	close(a.ending)
	shutdown(servers)
	cut := signals
	if lost {
		cut = closedSignals
	}
	err = closeEngine(engine, options.DrainTimeout, cut)
	if lost {
		err = errors.Join(api.Errorf(api.CodeConflict, fmt.Sprintf("The agent of %q ended", dir), "%s", reason), err)
	}
	return err
}

// agent is a running one.
type agent struct {
	lock   *fileLock
	socket *socket
	logger *slog.Logger
	stop   chan struct{} // asked to stop
	lost   chan struct{} // a caller came in by a socket that is not ours
	ending chan struct{}
}

// untilEnd waits for a reason to end. lost says that the data directory is no
// longer this agent's: nothing in it may be touched.
func (a *agent) untilEnd(ctx context.Context, signals <-chan os.Signal, interval time.Duration) (reason string, lost bool) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return "it was cancelled", false
		case s := <-signals:
			return "signal: " + s.String(), false
		case <-a.stop:
			return "it was asked to stop", false
		case <-a.lost:
		case <-ticker.C:
		}
		if reason := a.lostFiles(); reason != "" {
			return reason, true
		}
	}
}

// lostFiles tells which of the agent's files is no longer its own, "" while all
// are.
func (a *agent) lostFiles() string {
	switch {
	case !a.lock.owned():
		return fmt.Sprintf("its lock %s was removed or replaced", a.lock.path)
	case !a.socket.owned():
		return fmt.Sprintf("its socket %s was removed or replaced", a.socket.path)
	}
	return ""
}

// Accept is the listener's, for as long as the files are the agent's own.
func (a *agent) Accept() (net.Conn, error) {
	conn, err := a.socket.Accept()
	if err == nil && a.lostFiles() != "" {
		conn.Close()
		notify(a.lost)
		return nil, net.ErrClosed
	}
	return conn, err
}

// Addr and Close complete a net.Listener.
func (a *agent) Addr() net.Addr { return a.socket.Addr() }
func (a *agent) Close() error   { return a.socket.Close() }

// notify sends without waiting; what was sent and not taken yet is enough.
func notify(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// local answers callers who come by the socket, which are its owner's.
func (a *agent) local(engine Engine, options Options, handshake func() api.Handshake) http.Handler {
	return api.Handler(engine, handshake, api.Options{
		Logger: a.logger, Metrics: options.Metrics, Ending: a.ending,
		Stop: func() { notify(a.stop) },
	})
}

// remote answers callers who come over the network, with a token.
func (a *agent) remote(engine Engine, options Options, dir string, handshake func() api.Handshake) http.Handler {
	handler := api.Handler(engine, handshake, api.Options{
		Logger: a.logger, Metrics: options.Metrics, Ending: a.ending, Remote: true,
	})
	return remote.Guard(handler, remote.TokensOf(dir), a.logger, options.Now)
}

// server is an HTTP server of the agent.
type server struct {
	http.Server
	done chan struct{}
}

// Bounds of what a peer may take. There is none for a whole answer: a stream goes
// on for as long as it is read.
const (
	headerTimeout  = 10 * time.Second // of a handshake as well
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 64 << 10
)

func (a *agent) serve(listener net.Listener, handler http.Handler) *server {
	s := &server{done: make(chan struct{})}
	s.Handler = handler
	s.ReadHeaderTimeout, s.IdleTimeout, s.MaxHeaderBytes = headerTimeout, idleTimeout, maxHeaderBytes
	s.ErrorLog = slog.NewLogLogger(a.logger.Handler(), slog.LevelWarn)
	go func() {
		defer close(s.done)
		err := s.Serve(listener)
		if !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			a.logger.Error("the agent can take no more calls", "address", listener.Addr(), "error", err)
			notify(a.stop)
		}
	}()
	return s
}

// shutdown takes no more callers and lets the requests that are there end.
func shutdown(servers []*server) {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	var ended sync.WaitGroup
	for _, s := range servers {
		ended.Go(func() {
			if s.Shutdown(ctx) != nil {
				s.Close()
			}
			<-s.done
		})
	}
	ended.Wait()
}

// closedSignals gives a signal at once and always.
var closedSignals = func() chan os.Signal {
	c := make(chan os.Signal)
	close(c)
	return c
}()

// closeEngine closes the engine in bounded time; a signal cuts the time short.
// An engine that does not stop then is left to the end of the process.
func closeEngine(engine Engine, timeout time.Duration, signals <-chan os.Signal) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- engine.Close(ctx) }()
	select {
	case err := <-done:
		return err
	case <-signals:
		cancel()
	case <-ctx.Done():
	}
	abandon := time.NewTimer(abandonTimeout)
	defer abandon.Stop()
	select {
	case err := <-done:
		return err
	case <-abandon.C:
		return errors.New("the engine did not stop in time; what was in hand is resolved at the next start")
	}
}

// startError makes of any error what the user sees.
func startError(dir string, err error) *api.Error {
	var known *api.Error
	if errors.As(err, &known) {
		return known
	}
	return &api.Error{
		Code: startCode(err), Summary: fmt.Sprintf("Cannot start an agent on data directory %q", dir),
		Detail: err.Error(), Advice: "Once that is resolved, try again.",
	}
}
