package command

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent/client"
)

const rootHelp = `Automatic user provisioning as code.

Terraform declares who gets an account where; an agent keeps it so. These
commands show what the agent does and did, and let an operator step in.

Commands that only look never start an agent: status, accounts, audit, app list,
preview, test-connection, export, agent status. Where none runs, they say so and
exit with 4. "terraform plan" starts one, and so do the commands that ask for
work: job, provision and accounts drop. "agent run" runs one in the foreground,
for a service manager.

An agent on another machine is reached with --endpoint and a token, which
"token create" makes there. It is never started from here.

Exit codes:
  0  done
  1  it failed, or could not be done
  2  the command line is wrong
  3  status: something waits for a person: quarantine, held removals,
     failed objects
  4  no agent can be reached, or none that lets this program in`

const rootExample = `  See it work, with a sample app and nothing to set up
    ` + Name + ` demo

  How are the jobs, and what went wrong?
    ` + Name + ` status
    ` + Name + ` audit --status failure --since 24h

  Who has access to what?
    ` + Name + ` accounts --person ada@example.com

  What would the next cycle of "chat" do? Do it now.
    ` + Name + ` preview chat
    ` + Name + ` job start chat --wait`

// The groups of commands in the help.
const (
	groupLook  = "look"
	groupAct   = "act"
	groupAgent = "agent"
)

func (s *session) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use: Name, Short: "Automatic user provisioning as code", Long: rootHelp, Example: rootExample,
		SilenceErrors: true, SilenceUsage: true,
		Args: s.noSuchCommand, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	flags := root.PersistentFlags()
	flags.StringVar(&s.dataDir, "data-dir", "", "directory of the agent (default: "+dataDirVariable+", else the user's state directory)")
	flags.StringVar(&s.endpoint, "endpoint", "", "URL of an agent on another machine, in place of --data-dir (default: "+client.EndpointVariable+")")
	flags.StringVar(&s.tokenFile, "token-file", "", "file with the token for --endpoint (default: the token in "+client.TokenVariable+")")
	flags.StringVar(&s.caFile, "ca-file", "", "PEM file of the authority to trust for --endpoint (default: the PEM in "+client.CACertificateVariable+", else the system's)")
	flags.BoolVar(&s.json, "json", false, "print JSON; a stream is a value a line")
	if err := root.MarkPersistentFlagDirname("data-dir"); err != nil {
		panic(err) // the flag is there
	}
	root.AddGroup(
		&cobra.Group{ID: groupLook, Title: "To look:"},
		&cobra.Group{ID: groupAct, Title: "To act:"},
		&cobra.Group{ID: groupAgent, Title: "The program:"},
	)
	for group, commands := range map[string][]*cobra.Command{
		groupLook:  {s.statusCommand(), s.accountsCommand(), s.auditCommand(), s.appCommand(), s.previewCommand(), s.testConnectionCommand(), s.exportCommand()},
		groupAct:   {s.jobCommand(), s.provisionCommand()},
		groupAgent: {s.agentCommand(), s.tokenCommand(), s.versionCommand(), s.demoCommand(), s.sampleAppCommand(), s.importCommand(), s.benchCommand()},
	} {
		for _, command := range commands {
			command.GroupID = group
			root.AddCommand(command)
		}
	}
	root.SetHelpCommandGroupID(groupAgent)
	root.SetCompletionCommandGroupID(groupAgent)
	return root
}

// group makes a command that has commands of its own.
func (s *session) group(parent *cobra.Command, commands ...*cobra.Command) *cobra.Command {
	parent.Args = s.noSuchCommand
	parent.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	parent.AddCommand(commands...)
	return parent
}

// arguments refuses a command line that lacks one of the arguments that the
// command's Use names, or has more than those. One in brackets may be missing.
func arguments(cmd *cobra.Command, args []string) error {
	names := strings.Fields(cmd.Use)[1:]
	for i, name := range names {
		if i >= len(args) && !strings.HasPrefix(name, "[") {
			return fmt.Errorf("%s is missing: %s %s", name, cmd.CommandPath(), strings.Join(names, " "))
		}
	}
	if len(args) > len(names) {
		return fmt.Errorf("%q is one too many: %s", args[len(names)], strings.Join(append([]string{cmd.CommandPath()}, names...), " "))
	}
	return nil
}

// noSuchCommand refuses what is no command, and names those that are meant.
func (s *session) noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	text := fmt.Sprintf("%q is no command of %q", args[0], cmd.CommandPath())
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return errors.New(text)
}
