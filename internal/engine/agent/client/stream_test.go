package client

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api/apitest"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// pipes is a listener whose connections stay within the process, so that a
// test's clock rules them.
type pipes struct {
	calls chan net.Conn
	ended chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.calls:
		return conn, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.ended); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	caller, called := net.Pipe()
	p.calls <- called
	return caller, nil
}

// serveInProcess gives a client of a service under a test's clock, and what
// ends the server.
func serveInProcess(service api.Service, o api.Options) (*Client, func()) {
	p := &pipes{make(chan net.Conn), make(chan struct{})}
	server := &http.Server{Handler: api.Handler(service, func() api.Handshake { return api.Handshake{} }, o)}
	go server.Serve(p)
	return &Client{
		base:    socketURL,
		http:    &http.Client{Transport: &http.Transport{DialContext: p.dial, DisableKeepAlives: true}},
		silence: 3 * api.DefaultHeartbeat,
	}, func() { server.Close() }
}

// TestStream_quiet: a stream with nothing to tell for hours goes on.
func TestStream_quiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, end := serveInProcess(apitest.Service(func(context.Context, string, ...any) (any, error) {
			time.Sleep(3 * time.Hour)
			return status.Preview{AppName: "chat"}, nil
		}), api.Options{})
		defer end()
		preview, err := c.Preview(t.Context(), "app", api.PreviewRequest{}, nil)
		if err != nil || preview.AppName != "chat" {
			t.Errorf("got %+v, %v", preview, err)
		}
	})
}

// TestStream_silent: one without heartbeats is given up.
func TestStream_silent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, end := serveInProcess(apitest.Service(func(ctx context.Context, _ string, _ ...any) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}), api.Options{Heartbeat: time.Hour})
		defer end()
		start := time.Now()
		_, err := c.Preview(t.Context(), "app", api.PreviewRequest{}, nil)
		told := wantCode(t, err, api.CodeUnavailable)
		if !strings.Contains(told.Detail, "silent") {
			t.Errorf("it says %q", told.Detail)
		}
		if waited := time.Since(start); waited != 3*api.DefaultHeartbeat {
			t.Errorf("given up after %v", waited)
		}
	})
}

// TestStream_slowReceiver: the time that the receiver takes is not the agent's.
func TestStream_slowReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, end := serveInProcess(apitest.Service(func(_ context.Context, _ string, args ...any) (any, error) {
			args[2].(func(status.Progress))(status.Progress{Done: 1})
			return status.Preview{AppName: "chat"}, nil
		}), api.Options{})
		defer end()
		preview, err := c.Preview(t.Context(), "app", api.PreviewRequest{}, func(status.Progress) { time.Sleep(20 * time.Second) })
		if err != nil || preview.AppName != "chat" {
			t.Errorf("got %+v, %v", preview, err)
		}
	})
}

// TestStream_stuckReceiver: one that reads no more is noticed, and its call
// ended.
func TestStream_stuckReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := make(chan struct{})
		c, end := serveInProcess(apitest.Service(func(ctx context.Context, _ string, args ...any) (any, error) {
			defer close(left)
			for ctx.Err() == nil {
				args[2].(func(status.Progress))(status.Progress{Phase: strings.Repeat("x", 1<<16)})
			}
			return nil, ctx.Err()
		}), api.Options{Heartbeat: 24 * time.Hour}) // none waits for the line that is stuck
		defer end()
		go c.Preview(t.Context(), "app", api.PreviewRequest{}, func(status.Progress) { time.Sleep(time.Hour) })
		start := time.Now()
		<-left
		if waited := time.Since(start); waited > time.Minute {
			t.Errorf("noticed after %v", waited)
		}
		time.Sleep(2 * time.Hour) // until the receiver is through
	})
}

func TestStream_yieldFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := make(chan struct{})
		c, end := serveInProcess(apitest.Service(func(ctx context.Context, _ string, args ...any) (any, error) {
			defer close(left)
			args[2].(func(status.Progress))(status.Progress{})
			<-ctx.Done()
			return nil, ctx.Err()
		}), api.Options{})
		defer end()
		wanted := errors.New("enough")
		_, err := stream(t.Context(), c, http.MethodPost, "/v1/apps/a/preview", api.PreviewRequest{}, func(m api.Message[status.Preview]) error {
			if m.Progress != nil {
				return wanted
			}
			return nil
		})
		if err != wanted {
			t.Errorf("got %v", err)
		}
		<-left
	})
}
