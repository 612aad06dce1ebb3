package command

import (
	"context"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent"
)

func (s *session) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Show the version of this program", Args: arguments,
		RunE: s.runs(func(context.Context, []string) error {
			build, err := agent.BuildDigest()
			if err != nil {
				return err
			}
			if s.json {
				return s.out.json(struct {
					Version  string `json:"version"`
					Build    string `json:"build"`
					Go       string `json:"go"`
					Platform string `json:"platform"`
				}{s.Version, build, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}, false)
			}
			s.out.linef("%s %s (build %.12s, %s, %s/%s)", Name, s.Version, build, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		}),
	}
}
