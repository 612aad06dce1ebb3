package command

import (
	"context"
	"encoding/json"
	"time"

	"github.com/spf13/cobra"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// watchInterval passes between two looks at what is watched.
const watchInterval = 300 * time.Millisecond

func (s *session) statusCommand() *cobra.Command {
	var watch bool
	cmd := &cobra.Command{
		Use: "status [APP]", Short: "Show how jobs are",
		Long: `Show how the job of each app is, or all about that of one, named by its name or id.

Exits with 3 when something waits for a person: a quarantine, held removals,
failed objects, a cycle that failed. With --watch it goes on until Ctrl-C, and
exits with 0.`,
		Example: `  ` + Name + ` status
  ` + Name + ` status chat --watch
  ` + Name + ` status chat --json | jq .last_cycle.created`,
		Args: arguments, ValidArgsFunction: s.completeApp,
		RunE: s.runs(func(ctx context.Context, args []string) error {
			service, err := s.look(ctx)
			if err != nil {
				return err
			}
			defer service.Close()
			look := func() ([]status.Job, error) { return jobs(ctx, service, args) }
			if watch {
				return s.watchStatus(ctx, look, len(args) == 1)
			}
			found, err := look()
			if err != nil {
				return err
			}
			if err := s.showStatus(found, len(args) == 1); err != nil {
				return err
			}
			for _, job := range found {
				if needsAttention(job) {
					return printed(ExitAttention)
				}
			}
			return nil
		}),
	}
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "go on showing it as it changes")
	return cmd
}

// jobs gives the status of the app that args name, or of all.
func jobs(ctx context.Context, service api.Service, args []string) ([]status.Job, error) {
	var of []*config.App
	if len(args) == 1 {
		app, err := find(ctx, service, args[0])
		if err != nil {
			return nil, err
		}
		of = []*config.App{app}
	} else {
		var err error
		if of, err = apps(ctx, service); err != nil {
			return nil, err
		}
	}
	found := make([]status.Job, 0, len(of))
	for _, app := range of {
		job, err := service.Status(ctx, app.ID)
		if err != nil {
			return nil, err
		}
		found = append(found, job)
	}
	return found, nil
}

// needsAttention reports whether a job waits for a person. Objects that failed
// are those in escrow: a failure that was resolved since is none.
func needsAttention(job status.Job) bool {
	return job.Code == status.Quarantine || job.Code == status.Disabled || len(job.HeldRemovals) > 0 || job.Escrowed > 0 ||
		job.LastCycle != nil && job.LastCycle.State == status.Failed
}

func (s *session) showStatus(found []status.Job, one bool) error {
	switch {
	case s.json && one:
		return s.out.json(found[0], false)
	case s.json:
		return s.out.json(found, false)
	case one:
		s.showJob(found[0])
	default:
		s.showJobs(found)
	}
	return nil
}

// watchStatus shows the status whenever it changes, until ctx ends: in place on
// a terminal, else a line or value for each change.
func (s *session) watchStatus(ctx context.Context, look func() ([]status.Job, error), one bool) error {
	screen := &screen{printer: s.out}
	var before string
	for {
		found, err := look()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		now, err := json.Marshal(found)
		if err != nil {
			return err
		}
		if s.out.terminal || string(now) != before {
			before = string(now)
			if err := s.showChange(screen, found, one); err != nil {
				return err
			}
		}
		if s.out.err != nil || s.Sleep(ctx, watchInterval) != nil {
			return nil
		}
	}
}

func (s *session) showChange(screen *screen, found []status.Job, one bool) error {
	switch {
	case s.json && one:
		return s.out.json(found[0], true)
	case s.json:
		return s.out.json(found, true)
	case !s.out.terminal:
		for _, job := range found {
			s.out.line(text{dim, s.clock(s.Now())}, text{plain, "  " + job.AppName + "  "}, codeText(job), text{plain, "  " + activity(job)})
		}
		return nil
	}
	screen.draw(func(p *printer) error {
		onScreen := *s
		onScreen.out = p
		return onScreen.showStatus(found, one)
	})
	return nil
}
