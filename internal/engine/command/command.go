// Package command is the command line: what an operator types beside Terraform
// to see what the engine does, and to step in. Each command asks the agent of a
// data directory, or of an endpoint on another machine; package agent and its
// client do the work.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent/client"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/clock"
)

// Name is the program's name, as it is typed.
const Name = "terraform-provider-provisioning"

// Exit codes. A script may rely on them.
const (
	ExitOK          = 0
	ExitFailure     = 1 // what was asked could not be done, or failed
	ExitUsage       = 2 // the command line itself is wrong
	ExitAttention   = 3 // status: something waits for a person
	ExitUnreachable = 4 // there is no agent, none that this program fits, or none that lets it in
)

// Program is the command line of one binary. Version, Open, Stdout and Stderr
// are required.
type Program struct {
	Version string
	// Open opens the engine of an agent.
	Open func(dataDir string, logger *slog.Logger) (agent.Engine, error)
	// Metrics is what an agent's /metrics gives beside the figures of jobs; nil: nothing.
	Metrics prometheus.Gatherer
	// Quickstart is the configuration that the demo applies.
	Quickstart fs.FS

	Stdout, Stderr io.Writer
	Stdin          io.Reader // nil: os.Stdin

	Getenv func(string) string                                  // nil: os.Getenv
	Now    func() time.Time                                     // nil: time.Now
	Sleep  func(ctx context.Context, d time.Duration) error     // nil: the machine's
	Dial   func(context.Context, client.Options) (Agent, error) // nil: client.Connect
}

// Agent is an engine reached through its agent: a *client.Client.
type Agent interface {
	api.Service
	Handshake() api.Handshake
	Stop(ctx context.Context) error
	Close() error
}

// Run carries out one command line and gives the exit code. Errors are printed.
// Ctrl-C and SIGTERM end it as they end ctx.
func (p Program) Run(ctx context.Context, args []string) int {
	p.complete()
	s := &session{Program: p, out: newPrinter(p.Stdout, p.Getenv), errs: newPrinter(p.Stderr, p.Getenv)}
	root := s.rootCommand()
	root.SetArgs(args)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	err := root.ExecuteContext(ctx)
	if err != nil && !s.invoked {
		err = &usageError{err}
	}
	if err == nil {
		err = s.out.err
	}
	var code printed
	if errors.As(err, &code) {
		return int(code)
	}
	if err != nil {
		s.printError(err)
	}
	return exitCode(err)
}

func (p *Program) complete() {
	if p.Stdin == nil {
		p.Stdin = os.Stdin
	}
	if p.Getenv == nil {
		p.Getenv = os.Getenv
	}
	if p.Now == nil {
		p.Now = time.Now
	}
	if p.Sleep == nil {
		p.Sleep = clock.Sleep
	}
	if p.Dial == nil {
		p.Dial = func(ctx context.Context, options client.Options) (Agent, error) {
			c, err := client.Connect(ctx, options)
			if err != nil {
				return nil, err
			}
			return c, nil
		}
	}
}

// session is one command line being carried out.
type session struct {
	Program
	out, errs *printer

	dataDir   string // the flags
	endpoint  string
	caFile    string
	tokenFile string
	json      bool
	invoked   bool // the command line was understood
}

// runs makes f what a command does. Its context ends with Ctrl-C and SIGTERM.
func (s *session) runs(f func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		s.invoked = true
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		return f(ctx, args)
	}
}

// printed is the exit code of a command whose output said why already.
type printed int

func (p printed) Error() string { return fmt.Sprintf("exit code %d", int(p)) }

type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func exitCode(err error) int {
	var usage *usageError
	var told *api.Error
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &usage):
		return ExitUsage
	case errors.As(err, &told) && slices.Contains([]api.Code{api.CodeUnavailable, api.CodeIncompatible, api.CodeUnauthorized}, told.Code):
		return ExitUnreachable
	}
	return ExitFailure
}
