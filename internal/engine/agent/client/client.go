// Package client reaches an engine through its agent: that of a data directory,
// which it starts when there is none and replaces when it is an older one, or one
// on another machine, which it takes as it is.
package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
)

// Options of Connect. Either DataDir or Endpoint is required.
type Options struct {
	DataDir  string
	Endpoint Endpoint // an agent on another machine; what follows but for Version is of no account then
	Version  string   // of this program: semantic, or "dev"
	Build    string   // agent.BuildDigest of this program; empty: that of Executable

	// Autostart starts an agent when there is none, and replaces an older one.
	Autostart bool
	// Executable is the program to start; empty: this one.
	Executable string
	// Args make the program an agent; nil: agent run --data-dir DataDir.
	Args []string
	// AnyVersion connects to whatever agent there is and replaces none: for
	// stopping one.
	AnyVersion bool
}

// completed gives the options with what they leave to the program itself.
func (o Options) completed() (Options, error) {
	var err error
	if o.Executable == "" {
		if o.Executable, err = os.Executable(); err != nil {
			return o, api.Errorf(api.CodeInternal, "Cannot find this program's binary", "%v", err)
		}
	}
	if o.Build == "" {
		if o.Build, err = agent.FileDigest(o.Executable); err != nil {
			return o, api.Errorf(api.CodeInternal, "Cannot read this program's binary", "%v", err)
		}
	}
	return o, nil
}

// How long an agent may take for a handshake, to start, and to end after it was
// asked to. A start may wait for an agent that drains.
const (
	handshakeTimeout = 10 * time.Second
	startTimeout     = 2 * time.Minute
	stopTimeout      = agent.DefaultDrainTimeout + 15*time.Second
)

// greetInterval is how soon an agent that broke off is asked again.
const greetInterval = 10 * time.Millisecond

// Client is an api.Service that an agent carries out. It is safe for concurrent
// use. Its errors are *api.Error, or the context's when that has ended.
//
// An agent that is gone when a call begins is started again with Autostart.
// Nothing is sent twice, except that a Wait goes on with the next agent, and
// over the network when the connection breaks.
type Client struct {
	options Options
	dir     string // "" with an endpoint
	place   string // names in messages what is reached
	base    string // URL before every path
	http    *http.Client
	// silence is how long a stream may be quiet.
	silence time.Duration

	mu        sync.Mutex // held while connecting
	handshake api.Handshake
	started   bool
}

var _ api.Service = (*Client)(nil)

// Connect reaches the agent of a data directory. With Autostart, one is started
// where there is none, and one of an older version, or of another build of the
// same version (a developer's), is asked to finish the objects in hand and then
// replaced. An agent of a newer version is refused with CodeIncompatible; a
// version that is not semantic, such as "dev", is newer than all that are.
// Without Autostart, an older agent is used as it is, and none is
// CodeUnavailable. An agent that serves the network is never replaced.
//
// The agent of an endpoint must have the version of this program but for the
// patch, else it is refused with CodeIncompatible; CodeUnauthorized is a token
// that it does not accept.
func Connect(ctx context.Context, options Options) (*Client, error) {
	if options.Endpoint.URL != "" {
		return connectRemote(ctx, options)
	}
	if _, err := os.Stat(options.DataDir); errors.Is(err, fs.ErrNotExist) && !options.Autostart {
		return nil, noAgent(options.DataDir, err)
	}
	dir, err := agent.PrepareDir(options.DataDir)
	if err != nil {
		return nil, &api.Error{
			Code: api.CodeInvalid, Summary: "Cannot use the data directory", Detail: err.Error(), Path: []string{"data_dir"},
			Advice: "Set data_dir to a directory that this user may make and write to, and nobody else.",
		}
	}
	if options.Autostart {
		if options, err = options.completed(); err != nil {
			return nil, err
		}
	}
	c := newClient(options, fmt.Sprintf("data directory %q", dir), socketURL, &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return agent.Dial(ctx, dir) },
	})
	c.dir = dir
	if err := c.connect(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// connectRemote reaches the agent of an endpoint.
func connectRemote(ctx context.Context, options Options) (*Client, error) {
	if err := options.Endpoint.Check(); err != nil {
		return nil, err
	}
	c := newClient(options, options.Endpoint.String(), strings.TrimRight(options.Endpoint.URL, "/"), options.Endpoint.transport())
	if err := c.connect(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

func newClient(options Options, place, base string, transport *http.Transport) *Client {
	transport.DisableKeepAlives = true // so that a call begins with a connection: without one, nothing was sent
	return &Client{
		options: options, place: place, base: base, silence: 3 * api.DefaultHeartbeat,
		http: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// remote reports whether the agent is that of an endpoint.
func (c *Client) remote() bool { return c.options.Endpoint.URL != "" }

// Handshake gives what the agent told of itself when it was reached.
func (c *Client) Handshake() api.Handshake {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.handshake
}

// Started reports whether this client started the agent where none ran.
func (c *Client) Started() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.started
}

// Stop asks the agent to end after the objects in hand, and returns when it
// has ended. No agent is no error. The agent of an endpoint refuses it.
func (c *Client) Stop(ctx context.Context) error {
	if c.remote() {
		return c.send(ctx, http.MethodPost, "/v1/stop", nil, nil)
	}
	release, err := c.lockStart(ctx)
	if err != nil {
		return err
	}
	defer release()
	return c.stop(ctx)
}

// Metrics gives the figures of the agent and its jobs, as Prometheus reads them.
// No agent is started for it.
func (c *Client) Metrics(ctx context.Context) (string, error) {
	response, err := c.open(ctx, http.MethodGet, "/metrics", nil)
	if err != nil {
		return "", c.unanswered(ctx, err)
	}
	defer response.Body.Close()
	figures, err := io.ReadAll(response.Body)
	if err != nil {
		return "", c.cutOff(ctx, err)
	}
	return string(figures), nil
}

// Close lets go of the agent, which goes on.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// connect reaches the agent that the options allow.
func (c *Client) connect(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, err := c.agree(ctx)
	if err != nil {
		return err
	}
	if known := c.handshake.StoreID; known != "" && known != found.StoreID {
		return &api.Error{
			Code: api.CodeConflict, Summary: fmt.Sprintf("The store of %s was replaced meanwhile", c.place),
			Detail: fmt.Sprintf("this began with store %s, and store %s answers now", known, found.StoreID),
			Advice: "Plan again.",
		}
	}
	c.handshake = found
	return nil
}

// agree gives an agent that fits, after putting one in place where that is
// allowed.
func (c *Client) agree(ctx context.Context) (api.Handshake, error) {
	if c.remote() {
		found, err := c.greetRemote(ctx)
		if err == nil {
			err = c.judgeRemote(found)
		}
		return found, err
	}
	found, err := c.greet(ctx)
	fits, err := c.judge(found, err)
	if err != nil || fits {
		return found, err
	}
	return c.replace(ctx)
}

// replace puts an agent of this program in the place of an older one, or of
// none, unless another process was faster.
func (c *Client) replace(ctx context.Context) (api.Handshake, error) {
	release, err := c.lockStart(ctx)
	if err != nil {
		return api.Handshake{}, err
	}
	defer release()
	found, err := c.greet(ctx)
	there := err == nil
	fits, err := c.judge(found, err)
	if err != nil || fits {
		return found, err
	}
	if there {
		if err := c.stop(ctx); err != nil {
			return api.Handshake{}, err
		}
	}
	startErr := c.start(ctx)
	c.started = startErr == nil && !there
	found, err = c.greet(ctx)
	switch {
	case err != nil && startErr != nil:
		return api.Handshake{}, startErr
	case err != nil:
		return api.Handshake{}, c.unanswered(ctx, err)
	}
	// Somebody may have started one by hand meanwhile: it is used unless refused.
	_, err = c.judge(found, nil)
	return found, err
}

// judge says whether an agent, or none, is what the options ask for. False
// means that it is to be started or replaced.
func (c *Client) judge(found api.Handshake, err error) (fits bool, _ error) {
	if isDial(err) {
		if c.options.Autostart {
			return false, nil
		}
		return false, noAgent(c.dir, err)
	}
	if err != nil || c.options.AnyVersion {
		return true, err
	}
	order := compareVersions(found.Version, c.options.Version)
	switch {
	case order > 0 || found.API > api.Version:
		return false, &api.Error{
			Code:    api.CodeIncompatible,
			Summary: fmt.Sprintf("The agent of %s is newer than this program", c.place),
			Detail:  fmt.Sprintf("the agent has version %s, this program %s", found.Version, c.options.Version),
			Advice:  fmt.Sprintf("Install version %s or a newer one, or use another data directory.", found.Version),
		}
	case order < 0 && c.options.Autostart && found.Listen != "":
		return false, &api.Error{
			Code:    api.CodeIncompatible,
			Summary: fmt.Sprintf("The agent of %s is older than this program", c.place),
			Detail:  fmt.Sprintf("the agent has version %s, this program %s; it serves others on %s, so that it is not replaced from here", found.Version, c.options.Version, found.Listen),
			Advice:  fmt.Sprintf("Put version %s in its place and restart it.", c.options.Version),
		}
	case found.Listen != "" && found.API == api.Version:
		return true, nil
	case order < 0 && c.options.Autostart, found.Build != c.options.Build && order == 0 && c.options.Autostart:
		return false, nil
	case found.API != api.Version:
		return false, &api.Error{
			Code:    api.CodeIncompatible,
			Summary: fmt.Sprintf("The agent of %s is older than this program", c.place),
			Detail:  fmt.Sprintf("the agent has version %s, this program %s", found.Version, c.options.Version),
			Advice:  "Run `terraform plan`, which replaces it.",
		}
	}
	return true, nil
}

func noAgent(dir string, err error) error {
	return &api.Error{
		Code: api.CodeUnavailable, Summary: fmt.Sprintf("No agent runs on data directory %q", dir),
		Detail: err.Error(), Advice: "Start one with `agent run`, or run `terraform plan`, which does.",
	}
}

// greet asks the agent what it is. One that takes the call and breaks it off is
// ending: it is asked again until it answers or is gone.
func (c *Client) greet(ctx context.Context) (found api.Handshake, err error) {
	patient, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	for {
		err = c.send(patient, http.MethodGet, "/v1/handshake", nil, &found)
		if !isUnavailable(err) {
			break
		}
		select {
		case <-patient.Done():
		case <-time.After(greetInterval):
		}
	}
	if err != nil && patient.Err() != nil && ctx.Err() == nil {
		err = &api.Error{
			Code: api.CodeUnavailable, Summary: fmt.Sprintf("The agent of %s does not answer", c.place),
			Detail: fmt.Sprintf("nothing came for %v", handshakeTimeout),
			Advice: "Look into " + agent.LogPath(c.dir) + ", and end its process if it hangs.",
		}
	}
	return found, err
}

func isUnavailable(err error) bool {
	var told *api.Error
	return errors.As(err, &told) && told.Code == api.CodeUnavailable
}

// stop ends the agent and waits. The caller has the lock for it.
func (c *Client) stop(ctx context.Context) error {
	err := c.send(ctx, http.MethodPost, "/v1/stop", nil, nil)
	if err != nil && !isDial(err) && !isUnavailable(err) { // gone, or going without a word
		return err
	}
	patient, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	err = agent.WaitEnded(patient, c.dir)
	if err == nil || ctx.Err() != nil {
		return err
	}
	return &api.Error{
		Code: api.CodeUnavailable, Summary: fmt.Sprintf("The agent of %s does not end", c.place),
		Detail: fmt.Sprintf("it was asked to %v ago: %v", stopTimeout, err),
		Advice: "Look into " + agent.LogPath(c.dir) + ", and end its process if it hangs.",
	}
}

// lockStart keeps others from starting, replacing or stopping the agent.
func (c *Client) lockStart(ctx context.Context) (release func(), err error) {
	patient, cancel := context.WithTimeout(ctx, stopTimeout+startTimeout)
	defer cancel()
	release, err = agent.LockStart(patient, c.dir)
	if err != nil && ctx.Err() == nil {
		err = &api.Error{
			Code: api.CodeUnavailable, Summary: fmt.Sprintf("Cannot start or stop the agent of %s", c.place),
			Detail: fmt.Sprintf("another process does so already: %v", err), Advice: "Try again once it is through.",
		}
	}
	return release, err
}

// dialError says that nobody took the call.
type dialError struct{ err error }

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }

func isDial(err error) bool {
	var dial *dialError
	return errors.As(err, &dial)
}
