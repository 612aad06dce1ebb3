package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent/remote"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent/service"
)

func (s *session) agentInstallCommand() *cobra.Command {
	var system, user, show bool
	var listening remote.Options
	cmd := &cobra.Command{
		Use: "install", Short: "Have systemd or launchd keep the agent", Args: arguments,
		Long: `Write the file by which the machine's service manager keeps the agent, also after
a restart of the machine: a systemd unit on Linux, a launchd property list on
macOS. It starts nothing: the commands that do are printed.

For root it is a service of the system, which on Linux runs as the user
"` + service.User + `" and keeps its data in ` + service.SystemDataDir("linux") + `; for others one of
their own.
The service runs this very program, so run it from a place that stays.`,
		Example: "  sudo " + Name + " agent install --listen 0.0.0.0:8443 --tls-cert /etc/provisioning/agent.pem --tls-key /etc/provisioning/agent.key\n" +
			"  " + Name + " agent install --user --print",
	}
	cmd.RunE = s.runs(func(context.Context, []string) error {
		if system && user {
			return &usageError{errors.New("a service is either of the --system or of the --user")}
		}
		listen, err := given(cmd, listening)
		if err != nil {
			return err
		}
		options, err := s.serviceOptions(system || !user && os.Geteuid() == 0)
		if err != nil {
			return err
		}
		if listen != nil {
			if options.Args, err = listenArgs(*listen); err != nil {
				return err
			}
		}
		file, err := service.Make(options)
		if err != nil {
			return err
		}
		if show {
			s.out.raw(string(file.Content))
			return nil
		}
		if err := file.Write(); err != nil {
			return err
		}
		if s.json {
			return s.out.json(struct {
				Installed string   `json:"installed"`
				Next      []string `json:"next"`
			}{file.Path, file.Next}, false)
		}
		s.out.linef("The service is written to %s. Now run:", file.Path)
		for _, line := range file.Next {
			s.out.block("  ", plain, line)
		}
		if listen != nil {
			s.out.linef("Before the last one, make a token for those who call it:")
			s.out.linef("  %s token create NAME --data-dir %s", Name, options.DataDir)
		}
		return nil
	})
	flags := cmd.Flags()
	flags.BoolVar(&system, "system", false, "a service of the system (default for root)")
	flags.BoolVar(&user, "user", false, "a service of this user (default for others)")
	flags.BoolVar(&show, "print", false, "print the file, and write nothing")
	listenFlags(cmd, &listening)
	return cmd
}

// serviceOptions gives what a service of this program is made of.
func (s *session) serviceOptions(system bool) (service.Options, error) {
	program, err := os.Executable()
	if err == nil {
		program, err = filepath.EvalSymlinks(program)
	}
	if err != nil {
		return service.Options{}, fmt.Errorf("find this program's binary: %w", err)
	}
	home, err := os.UserHomeDir()
	if err != nil && !system {
		return service.Options{}, err
	}
	options := service.Options{Program: program, System: system, GOOS: runtime.GOOS, Home: home, Config: filepath.Join(home, ".config")}
	if config := s.Getenv("XDG_CONFIG_HOME"); filepath.IsAbs(config) {
		options.Config = config
	}
	dir := service.SystemDataDir(runtime.GOOS)
	if !system || s.dataDir != "" || s.endpoint != "" {
		if dir, err = s.directory(); err != nil {
			return service.Options{}, err
		}
	}
	options.DataDir, err = filepath.Abs(dir)
	return options, err
}

// listenArgs gives the flags of `agent run` that say how it listens, with
// absolute paths: a service has no working directory.
func listenArgs(o remote.Options) ([]string, error) {
	args := []string{"--listen", o.Address}
	if o.SelfSigned {
		return append(args, "--tls-self-signed"), nil
	}
	cert, err := filepath.Abs(o.CertFile)
	if err != nil {
		return nil, err
	}
	key, err := filepath.Abs(o.KeyFile)
	return append(args, "--tls-cert", cert, "--tls-key", key), err
}
