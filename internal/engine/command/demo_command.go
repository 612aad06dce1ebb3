package command

import "github.com/spf13/cobra"

func (s *session) demoCommand() *cobra.Command { return &cobra.Command{Use: "demo"} }
