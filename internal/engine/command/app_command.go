package command

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

func (s *session) appCommand() *cobra.Command {
	return s.group(&cobra.Command{Use: "app", Short: "Show what apps there are"}, &cobra.Command{
		Use: "list", Short: "List the apps", Args: arguments,
		Example: "  " + Name + " app list",
		RunE: s.runs(func(ctx context.Context, _ []string) error {
			service, err := s.look(ctx)
			if err != nil {
				return err
			}
			defer service.Close()
			list, err := apps(ctx, service)
			if err != nil {
				return err
			}
			if s.json {
				return s.out.json(list, false)
			}
			sources, err := names(ctx, service, config.KindSource)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				s.out.linef("No app is declared yet. Declare one in Terraform and apply it.")
				return nil
			}
			rows := [][]text{{{dim, "APP"}, {dim, "TEMPLATE"}, {dim, "SOURCE"}, {dim, "SCOPE"}, {dim, "MODE"}, {dim, "JOB"}, {dim, "ACCOUNTS"}, {dim, "ID"}}}
			for _, app := range list {
				job, err := service.Status(ctx, app.ID)
				if err != nil {
					return err
				}
				rows = append(rows, []text{
					{bold, app.Name}, {plain, app.Template}, {plain, sources[app.SourceID]},
					{plain, string(or(app.Scope, config.ScopeAssigned))}, {plain, string(or(app.Mode, config.Automatic))},
					{plain, spaced(job.Code)}, {plain, managed(job.Managed)}, {dim, app.ID},
				})
			}
			s.out.table("", rows)
			return nil
		}),
	})
}

// names gives the names of the things of a kind by id.
func names(ctx context.Context, service api.Service, kind config.Kind) (map[string]string, error) {
	things, err := service.List(ctx, kind, api.ListQuery{})
	if err != nil {
		return nil, err
	}
	byID := make(map[string]string, len(things))
	for _, thing := range things {
		byID[thing.GetID()] = thing.Identity().Name
	}
	return byID, nil
}

func or[T ~string](value, otherwise T) T {
	if value == "" {
		return otherwise
	}
	return value
}
