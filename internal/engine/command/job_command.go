package command

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

func (s *session) jobCommand() *cobra.Command {
	return s.group(&cobra.Command{
		Use: "job", Short: "Start, pause or restart a job, approve held removals",
		Long: `Start, pause or restart the job of an app, or approve removals that are held.

What is done here is written to the provisioning log with your name. A pause is
no drift: plans warn of it, and no apply lifts it unless "enabled" changes.
These commands start an agent where none runs.`,
	}, s.jobStartCommand(), s.jobPauseCommand(), s.jobRestartCommand(), s.jobApproveCommand())
}

func (s *session) jobStartCommand() *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use: "start APP", Short: "Run a cycle at once; lifts a pause and a quarantine",
		Example: "  " + Name + " job start chat --wait",
		Args:    arguments, ValidArgsFunction: s.completeApp,
		RunE: s.runs(func(ctx context.Context, args []string) error {
			return s.withApp(ctx, args[0], func(service api.Service, app *config.App) error {
				return s.begin(ctx, service, app, wait, "started", func() error { return service.StartJob(ctx, app.ID, operator()) })
			})
		}),
	}
	waitFlag(cmd, &wait)
	return cmd
}

func (s *session) jobPauseCommand() *cobra.Command {
	return &cobra.Command{
		Use: "pause APP", Short: "Stop after the objects in hand, until it is started again",
		Example: "  " + Name + " job pause chat",
		Args:    arguments, ValidArgsFunction: s.completeApp,
		RunE: s.runs(func(ctx context.Context, args []string) error {
			return s.withApp(ctx, args[0], func(service api.Service, app *config.App) error {
				if err := service.PauseJob(ctx, app.ID, operator()); err != nil {
					return err
				}
				return s.done(app, "paused", "To go on: "+Name+" job start "+app.Name)
			})
		}),
	}
}

func (s *session) jobRestartCommand() *cobra.Command {
	var wait bool
	var scope []string
	cmd := &cobra.Command{
		Use: "restart APP", Short: "Forget what the job knows and begin with an initial cycle",
		Long: `Forget what the job knows and begin with an initial cycle. Links, which tell whose
account is whose, are kept unless --scope names them; without them each account
is found again by matching.`,
		Example: "  " + Name + " job restart chat\n  " + Name + " job restart chat --scope watermark,escrows",
		Args:    arguments, ValidArgsFunction: s.completeApp,
		RunE: s.runs(func(ctx context.Context, args []string) error {
			for _, part := range scope {
				if _, err := oneOf("scope", part, config.RestartScopes); err != nil {
					return &usageError{err}
				}
			}
			return s.withApp(ctx, args[0], func(service api.Service, app *config.App) error {
				return s.begin(ctx, service, app, wait, "restarted", func() error { return service.RestartJob(ctx, app.ID, operator(), scope) })
			})
		}),
	}
	cmd.Flags().StringSliceVar(&scope, "scope", nil,
		"what to forget, of "+list(config.RestartScopes)+" (default "+list(config.DefaultRestartScope)+")")
	completeWith(cmd, "scope", config.RestartScopes)
	waitFlag(cmd, &wait)
	return cmd
}

func (s *session) jobApproveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "approve APP [DIGEST]", Short: "Let held removals go",
		Long: `Let go the removals that are held because they are too many at once. Look at them
first, with "status" and "audit APP --action staged_delete".

DIGEST names the set as "status" shows it: an approval covers just that set, not
what came to it since. Without DIGEST there must be one set alone.`,
		Example: "  " + Name + " audit chat --action staged_delete\n  " + Name + " job approve chat 3f2a9c51d07e",
		Args:    arguments, ValidArgsFunction: s.completeApp,
		RunE: s.runs(func(ctx context.Context, args []string) error {
			return s.withApp(ctx, args[0], func(service api.Service, app *config.App) error {
				digest := ""
				if len(args) == 2 {
					digest = args[1]
				} else {
					job, err := service.Status(ctx, app.ID)
					if err != nil {
						return err
					}
					switch held := job.HeldRemovals; len(held) {
					case 0:
						return s.done(app, "nothing is held", "")
					case 1:
						digest = held[0].Digest
					default:
						if !s.json {
							s.showAttention(job)
						}
						return api.Errorf(api.CodeAmbiguous, fmt.Sprintf("%d sets of removals of %q are held", len(held), app.Name),
							"Name the one to approve by its digest.")
					}
				}
				if err := service.ApproveRemovals(ctx, app.ID, operator(), digest); err != nil {
					return err
				}
				return s.done(app, "approved "+digest, "A cycle carries them out now. Watch it: "+Name+" status "+app.Name+" --watch")
			})
		}),
	}
}

// withApp calls f with the agent, started if need be, and an app.
func (s *session) withApp(ctx context.Context, name string, f func(api.Service, *config.App) error) error {
	service, err := s.act(ctx)
	if err != nil {
		return err
	}
	defer service.Close()
	app, err := find(ctx, service, name)
	if err != nil {
		return err
	}
	return f(service, app)
}

// done says what was done, and what may be done next.
func (s *session) done(app *config.App, what, next string) error {
	if s.json {
		return s.out.json(struct {
			AppID   string `json:"app_id"`
			AppName string `json:"app_name"`
			Done    string `json:"done"`
		}{app.ID, app.Name, what}, false)
	}
	s.out.line(text{bold, app.Name}, text{plain, ": " + what + "."})
	if next != "" {
		s.out.line(text{dim, next})
	}
	return nil
}

func waitFlag(cmd *cobra.Command, wait *bool) {
	cmd.Flags().BoolVar(wait, "wait", false, "wait until the cycle has ended, and fail when it fails")
}

// begin does what makes a cycle run, and waits for the cycle if wanted.
func (s *session) begin(ctx context.Context, service api.Service, app *config.App, wait bool, what string, do func() error) error {
	asked := s.Now()
	if err := do(); err != nil {
		return err
	}
	if !wait {
		return s.done(app, what, "Watch it: "+Name+" status "+app.Name+" --watch")
	}
	job, err := s.await(ctx, service, app, asked)
	if err != nil {
		return err
	}
	if s.json {
		return s.out.json(job, false)
	}
	if c := job.LastCycle; c == nil || c.EndedAt.Before(asked) {
		s.out.line(text{bold, app.Name}, text{plain, ": nothing had changed."})
	} else {
		s.out.line(text{bold, app.Name}, text{plain, ": " + s.cycle(c)})
	}
	s.showAttention(job)
	return nil
}

// awaitInterval passes between two looks at a cycle that is waited for.
const awaitInterval = 100 * time.Millisecond

// await waits until the job has looked at its source since a moment and has no
// cycle in hand. The error says why none succeeded.
func (s *session) await(ctx context.Context, service api.Service, app *config.App, since time.Time) (status.Job, error) {
	line := &progressLine{printer: s.errs, now: s.Now}
	defer line.end()
	for {
		job, err := service.Status(ctx, app.ID)
		if err != nil {
			return job, err
		}
		if job.Progress != nil {
			line.show(*job.Progress)
		}
		if err := hopeless(job, since); err != nil {
			return job, err
		}
		if job.Progress == nil && job.CheckedAt.After(since) {
			return job, nil
		}
		if err := s.Sleep(ctx, awaitInterval); err != nil {
			return job, err
		}
	}
}

// hopeless says why a cycle that is waited for does not succeed, nil as long as
// it may.
func hopeless(job status.Job, since time.Time) error {
	refuse := func(why, advice string) error {
		return &api.Error{Code: api.CodeConflict, Summary: fmt.Sprintf("The cycle of %q did not succeed", job.AppName), Detail: why, Advice: advice}
	}
	switch {
	case job.Code == status.Paused && job.PausedBy != "":
		return refuse("the job was paused by "+job.PausedBy, "Start it again: "+Name+" job start "+job.AppName)
	case job.Code == status.Paused:
		return refuse("the job is off", "Set enabled = true on its provisioning_job.")
	case job.Quarantine != nil && job.CheckedAt.After(since):
		return refuse(job.Quarantine.Message, job.Quarantine.Advice)
	case job.LastCycle != nil && job.LastCycle.State == status.Failed && job.LastCycle.EndedAt.After(since):
		return refuse(job.LastCycle.Reason, "See: "+Name+" audit "+job.AppName+" --status failure")
	}
	return nil
}
