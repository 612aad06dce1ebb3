package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent/client"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent/remote"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
)

func (s *session) agentCommand() *cobra.Command {
	return s.group(&cobra.Command{
		Use: "agent", Short: "Run, stop, back up the agent of a data directory",
		Long: `The agent is the process that keeps accounts as declared: one a data directory.
Terraform starts it in the background when it is needed; it is not started at
boot. A service manager keeps one with "agent run": "agent install" tells it to.`,
	}, s.agentRunCommand(), s.agentInstallCommand(), s.agentStatusCommand(), s.agentStopCommand(), s.agentLogsCommand(), s.agentBackupCommand(), s.agentRestoreCommand())
}

func (s *session) agentRunCommand() *cobra.Command {
	var listening remote.Options
	cmd := &cobra.Command{
		Use: "run", Short: "Run an agent in the foreground",
		Long: `Run an agent in the foreground until SIGTERM or Ctrl-C. It then finishes the
objects in hand; a second signal ends it at once. References to secrets, such as
"env:CHAT_TOKEN", are resolved in its environment.

With --listen it serves other machines as well, over TLS, and lets in who has a
token, see "token". The files of the certificate are read again when they are
renewed. With --tls-self-signed the agent makes an authority of its own, once, and
its certificates itself: those who call it are given tls-ca.pem of the data
directory to trust.`,
		Example: "  " + Name + " agent run --data-dir /var/lib/provisioning\n" +
			"  " + Name + " agent run --listen 0.0.0.0:8443 --tls-cert agent.pem --tls-key agent.key",
		Args: arguments,
		RunE: func(cmd *cobra.Command, _ []string) error { // the agent has its own way with signals
			s.invoked = true
			dir, err := s.directory()
			if err != nil {
				return err
			}
			build, err := agent.BuildDigest()
			if err != nil {
				return err
			}
			options := agent.Options{DataDir: dir, Version: s.Version, Build: build, Open: s.Open, Metrics: s.Metrics}
			if options.Remote, err = given(cmd, listening); err != nil {
				return err
			}
			if ready := agent.ReadyPipe(); ready != nil {
				options.Ready = ready
			} else {
				options.Log = s.Stderr // nobody else tells the person who started it
				if manager := agent.ServiceManager(); manager != nil {
					options.Ready = manager
				}
			}
			return agent.Run(cmd.Context(), options)
		},
	}
	listenFlags(cmd, &listening)
	return cmd
}

// listenFlags are those that say how an agent serves the network.
func listenFlags(cmd *cobra.Command, o *remote.Options) {
	flags := cmd.Flags()
	flags.StringVar(&o.Address, "listen", "", "serve other machines on HOST:PORT")
	flags.StringVar(&o.CertFile, "tls-cert", "", "PEM file of the certificate for --listen, with those that lead to its authority")
	flags.StringVar(&o.KeyFile, "tls-key", "", "PEM file of the certificate's key")
	flags.BoolVar(&o.SelfSigned, "tls-self-signed", false, "use a certificate of an authority of the agent's own for --listen")
}

// given gives the options when they were given, nil when none was.
func given(cmd *cobra.Command, o remote.Options) (*remote.Options, error) {
	if o == (remote.Options{}) {
		return nil, nil
	}
	if !cmd.Flags().Changed("listen") {
		return nil, &usageError{errors.New("a certificate is for --listen; give it as well")}
	}
	return &o, o.Check()
}

func (s *session) agentStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show whether an agent runs, and which", Args: arguments,
		Example: "  " + Name + " agent status",
		RunE: s.runs(func(ctx context.Context, _ []string) error {
			service, err := s.look(ctx)
			if err != nil {
				return err
			}
			defer service.Close()
			h := service.Handshake()
			if s.json {
				return s.out.json(h, false)
			}
			s.out.line(text{good, "running"}, text{plain, " on " + h.DataDir})
			rows := [][]text{
				{{dim, "version"}, styled(plain, "%s (build %.12s)", h.Version, h.Build)},
				{{dim, "process"}, styled(plain, "%d, since %s", h.PID, s.moment(h.StartedAt))},
				{{dim, "store"}, styled(plain, "%s (schema %d)", h.StoreID, h.StoreSchema)},
				{{dim, "log"}, {plain, agent.LogPath(h.DataDir)}},
			}
			s.out.table("  ", rows)
			if h.Listen != "" {
				s.out.line(text{plain, "  serves other machines on " + h.Listen})
			}
			if since := h.JobsUnattendedSince; !since.IsZero() {
				s.out.line(text{warn, "! "}, text{plain, "nobody kept the jobs from " + s.clock(since) + " until this agent started"})
			}
			return nil
		}),
	}
}

func (s *session) agentStopCommand() *cobra.Command {
	return &cobra.Command{
		Use: "stop", Short: "Stop the agent after the objects in hand", Args: arguments,
		Long: `Stop the agent after the objects in hand. Accounts stay as they are. The next
"terraform plan" starts an agent again, and its jobs go on where they stopped.`,
		Example: "  " + Name + " agent stop",
		RunE: s.runs(func(ctx context.Context, _ []string) error {
			stopped, err := s.stopAgent(ctx)
			if err != nil {
				return err
			}
			if s.json {
				return s.out.json(struct {
					Stopped bool `json:"stopped"`
				}{stopped}, false)
			}
			if stopped {
				s.out.linef("The agent has stopped.")
			} else {
				s.out.linef("No agent runs.")
			}
			return nil
		}),
	}
}

// stopAgent stops the agent, whatever its version, and reports whether there
// was one.
func (s *session) stopAgent(ctx context.Context) (bool, error) {
	dir, err := s.directory()
	if err != nil {
		return false, err
	}
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	service, err := s.Dial(ctx, client.Options{DataDir: dir, Version: s.Version, AnyVersion: true})
	var told *api.Error
	if errors.As(err, &told) && told.Code == api.CodeUnavailable {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer service.Close()
	return true, service.Stop(ctx)
}

func (s *session) agentLogsCommand() *cobra.Command {
	var options agent.LogOptions
	cmd := &cobra.Command{
		Use: "logs", Short: "Show the agent's own log", Args: arguments,
		Long: `Show the agent's own log: its starts and ends, and its faults. What was done to
accounts is in the provisioning log, see "audit". It needs no running agent.`,
		Example: "  " + Name + " agent logs --lines 50 --follow",
		RunE: s.runs(func(ctx context.Context, _ []string) error {
			if options.Lines < 0 {
				return &usageError{fmt.Errorf("--lines is %d; give 0 for all, or more", options.Lines)}
			}
			dir, err := s.directory()
			if err != nil {
				return err
			}
			lines := &logLines{session: s}
			if err := agent.ReadLog(ctx, dir, lines, options); err != nil {
				return err
			}
			return lines.flush()
		}),
	}
	cmd.Flags().IntVarP(&options.Lines, "lines", "n", 0, "only the last lines; 0: all")
	cmd.Flags().BoolVarP(&options.Follow, "follow", "f", false, "go on with what is written, until Ctrl-C")
	return cmd
}

func (s *session) agentBackupCommand() *cobra.Command {
	return &cobra.Command{
		Use: "backup FILE", Short: "Write a copy of the store to a new file", Args: arguments,
		Long: `Write a consistent copy of the store to a new file of yours, while the agent
runs on. Keep it as safe as the store itself, and secrets.key of the data
directory with it: secrets in the store are sealed with that key.`,
		Example: "  " + Name + " agent backup /backup/provisioning.db",
		RunE: s.runs(func(ctx context.Context, args []string) error {
			service, err := s.look(ctx)
			if err != nil {
				return err
			}
			defer service.Close()
			path, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			if err := agent.SaveBackup(path, func(to io.Writer) error { return service.Backup(ctx, to) }); err != nil {
				return err
			}
			return s.wrote("backup", path, "The store is written to "+path+".")
		}),
	}
}

func (s *session) agentRestoreCommand() *cobra.Command {
	return &cobra.Command{
		Use: "restore FILE", Short: "Put a backup in the place of the store", Args: arguments,
		Long: `Put a backup in the place of the store. The agent must have been stopped. The old
store stays beside the new one.`,
		Example: "  " + Name + " agent stop\n  " + Name + " agent restore /backup/provisioning.db",
		RunE: s.runs(func(_ context.Context, args []string) error {
			dir, err := s.directory()
			if err != nil {
				return err
			}
			if err := agent.Restore(dir, args[0]); err != nil {
				return err
			}
			return s.wrote("restored", args[0], "The backup is in place. The next agent begins with it.")
		}),
	}
}

func (s *session) wrote(what, path, said string) error {
	if s.json {
		return s.out.json(map[string]string{what: path}, false)
	}
	s.out.linef("%s", said)
	return nil
}
