package command

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

func (s *session) provisionCommand() *cobra.Command {
	var request api.ProvisionRequest
	cmd := &cobra.Command{
		Use: "provision APP", Short: "Provision single users and groups now, and show each step",
		Long: `Provision single users and groups now, whether or not the job runs, and show each
step: what was read, why it is in scope or not, what it matched, what was sent.

A user is named by id, user name, mail or display name, a group by id, display
name or mail, as the source has them. They and the groups that are assigned are
read afresh. With --dry-run nothing is sent. Fails when any object fails.`,
		Example: `  ` + Name + ` provision chat --user ada@example.com --dry-run
  ` + Name + ` provision chat --group Engineering`,
		Args: arguments, ValidArgsFunction: s.completeApp,
		RunE: s.runs(func(ctx context.Context, args []string) error {
			if len(request.Users)+len(request.Groups) == 0 {
				return &usageError{errors.New("nobody is named: name somebody with --user or --group")}
			}
			return s.withApp(ctx, args[0], func(service api.Service, app *config.App) error {
				request.By = operator()
				results, err := service.Provision(ctx, app.ID, request)
				if err != nil {
					return err
				}
				return s.showResults(results)
			})
		}),
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&request.Users, "user", nil, "a user; may be given again")
	flags.StringArrayVar(&request.Groups, "group", nil, "a group; may be given again")
	flags.BoolVar(&request.DryRun, "dry-run", false, "show what would be done, and send nothing")
	return cmd
}

func (s *session) showResults(results []api.ProvisionResult) error {
	if s.json {
		if results == nil {
			results = []api.ProvisionResult{}
		}
		if err := s.out.json(results, false); err != nil {
			return err
		}
	}
	view := entryView{session: s, verbose: true}
	var err error
	for _, result := range results {
		if !s.json {
			view.print(result.Entry)
		}
		if result.Entry.Status == audit.Failure {
			err = printed(ExitFailure)
		}
	}
	return err
}
