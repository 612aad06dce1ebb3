package client

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
)

// start starts an agent and waits until it serves. The caller has the lock for
// it. An agent whose starter gives up waiting goes on starting.
func (c *Client) start(ctx context.Context) error {
	err := c.launch(ctx)
	var told *api.Error
	if err == nil || errors.As(err, &told) || ctx.Err() != nil {
		return err
	}
	return &api.Error{
		Code: api.CodeUnavailable, Summary: fmt.Sprintf("Cannot start an agent on data directory %q", c.dir),
		Detail: err.Error(), Advice: "Look into " + agent.LogPath(c.dir) + ".",
	}
}

func (c *Client) launch(ctx context.Context) error {
	program, err := install(c.options.Executable, c.dir)
	if err != nil {
		return err
	}
	log, err := agent.OpenLog(agent.LogPath(c.dir))
	if err != nil {
		return err
	}
	defer log.Close()
	word, pipe, err := os.Pipe()
	if err != nil {
		return err
	}
	defer word.Close()
	defer pipe.Close()

	args := c.options.Args
	if args == nil {
		args = []string{"agent", "run", "--data-dir", c.dir}
	}
	// Without a context: the agent outlives every call.
	newCommand := func() *exec.Cmd {
		cmd := exec.Command(program, args...)
		cmd.Dir = c.dir
		cmd.Env = environment(os.Environ())
		cmd.Stdout, cmd.Stderr = log, log
		detach(cmd, pipe)
		return cmd
	}
	cmd, err := startCommand(ctx, newCommand)
	if err != nil {
		return fmt.Errorf("start %s: %w", program, err)
	}
	pipe.Close() // the agent has the only other end
	said := make(chan error, 1)
	go func() { said <- agent.ReadReady(word) }()
	patience := time.NewTimer(startTimeout)
	defer patience.Stop()
	select {
	case <-ctx.Done():
		cmd.Process.Release()
		return ctx.Err()
	case <-patience.C:
		cmd.Process.Release()
		return fmt.Errorf("it did not say within %v whether it serves", startTimeout)
	case err = <-said:
	}
	if err != nil {
		state := cmd.Wait()
		if errors.Is(err, agent.ErrNoWord) {
			return fmt.Errorf("%w (%w)", err, state)
		}
		return err
	}
	cmd.Process.Release()
	removeOthers(program)
	return nil
}

// startCommand starts a command. A program that was just written may still be
// open for writing in a process that another thread is about to start: that
// lasts for a moment.
func startCommand(ctx context.Context, command func() *exec.Cmd) (*exec.Cmd, error) {
	for attempt := 0; ; attempt++ {
		cmd := command()
		err := cmd.Start()
		if !errors.Is(err, syscall.ETXTBSY) || attempt == 100 {
			return cmd, err
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// environment is what an agent gets of the caller's: everything, so that
// references to variables resolve, but for what Terraform tells its plugins. By
// the magic cookie among it, the program would take itself for a plugin.
func environment(caller []string) []string {
	var own []string
	for _, entry := range caller {
		name, _, _ := strings.Cut(entry, "=")
		if runtime.GOOS == "windows" { // where names have no case
			name = strings.ToUpper(name)
		}
		if strings.HasPrefix(name, "TF_") || strings.HasPrefix(name, "PLUGIN_") || name == agent.ReadyVariable {
			continue
		}
		own = append(own, entry)
	}
	return own
}
