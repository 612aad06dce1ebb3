package command

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
)

func (s *session) testConnectionCommand() *cobra.Command {
	var source string
	cmd := &cobra.Command{
		Use: "test-connection {APP | --source NAME}", Short: "Try the connection of an app or a source",
		Long: `Try the connection of an app, or of a source, with its credential as they are
stored. Nothing is written there.`,
		Example: "  " + Name + " test-connection chat\n  " + Name + " test-connection --source people",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 || (len(args) == 1) == (source != "") {
				return errors.New("name either one app or one --source")
			}
			return nil
		},
		ValidArgsFunction: s.completeApp,
		RunE: s.runs(func(ctx context.Context, args []string) error {
			service, err := s.look(ctx)
			if err != nil {
				return err
			}
			defer service.Close()
			kind, name, id := config.KindSource, source, ""
			if len(args) == 1 {
				app, err := find(ctx, service, args[0])
				if err != nil {
					return err
				}
				kind, name, id = config.KindApp, app.Name, app.ID
			} else if id, err = findSource(ctx, service, source); err != nil {
				return err
			}
			findings, err := service.TestConnection(ctx, kind, id)
			if err != nil {
				return err
			}
			if s.json {
				if findings == nil {
					findings = []connector.Finding{}
				}
				return s.out.json(findings, false)
			}
			s.out.line(text{bold, name}, text{plain, ": "}, text{good, "the connection works."})
			for _, finding := range findings {
				mark := text{dim, "- "}
				if finding.Severity == connector.SeverityWarning {
					mark = text{warn, "! "}
				}
				s.out.line(text{plain, "  "}, mark, text{plain, finding.Summary})
				if finding.Detail != "" {
					s.out.block("    ", dim, finding.Detail)
				}
			}
			return nil
		}),
	}
	cmd.Flags().StringVar(&source, "source", "", "the source to try, by its name or id")
	if err := cmd.RegisterFlagCompletionFunc("source", s.completeSource); err != nil {
		panic(err) // the flag is there
	}
	return cmd
}

// findSource gives the id of the source of a name, else of that id.
func findSource(ctx context.Context, service api.Service, name string) (string, error) {
	byID, err := names(ctx, service, config.KindSource)
	if err != nil {
		return "", err
	}
	for id, known := range byID {
		if known == name {
			return id, nil
		}
	}
	if _, ok := byID[name]; ok {
		return name, nil
	}
	return "", unknown("source", name, slices.Sorted(maps.Values(byID)))
}
