package command

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent/client"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent/remote"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

func (s *session) tokenCommand() *cobra.Command {
	return s.group(&cobra.Command{
		Use: "token", Short: "Make, list, revoke the tokens that let callers in over the network",
		Long: `A token lets a caller in over the network, when the agent runs with --listen. Who
has one may do all that the agent does for Terraform and these commands, but end
it or write a backup. Tokens are made and revoked on the agent's machine, whether
it runs or not, and count at once. Only a hash of each is kept.`,
	}, s.tokenCreateCommand(), s.tokenListCommand(), s.tokenRevokeCommand())
}

func (s *session) tokenCreateCommand() *cobra.Command {
	var expires string
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Make a token and print it, once", Args: arguments,
		Long: `Make a token and print it: alone on standard output, so that it can be piped to
where it is kept. It cannot be shown again. The name says who uses it, and stands
beside what is done with it in the agent's log.`,
		Example: "  " + Name + " token create ci --expires 90d\n  " + Name + " token create ci --expires 90d | gh secret set " + client.TokenVariable,
		RunE: s.runs(func(ctx context.Context, args []string) error {
			var until time.Time
			if expires != "" {
				life, err := config.ParseDuration(expires)
				if err != nil {
					return &usageError{fmt.Errorf("--expires: %w", err)}
				}
				if life <= 0 {
					return &usageError{fmt.Errorf("--expires is %s; give more than nothing, such as 90d", expires)}
				}
				until = s.Now().Add(life)
			}
			dir, err := s.directory()
			if err != nil {
				return err
			}
			if dir, err = agent.PrepareDir(dir); err != nil { // the first token comes before the agent
				return err
			}
			secret, err := remote.TokensOf(dir).Create(ctx, args[0], s.Now(), until)
			if err != nil {
				return err
			}
			if s.json {
				return s.out.json(struct {
					remote.Token
					Secret string `json:"token"`
				}{remote.Token{Name: args[0], CreatedAt: s.Now().UTC(), ExpiresAt: until.UTC()}, secret}, false)
			}
			s.out.linef("%s", secret)
			s.errs.linef("This is token %q. It cannot be shown again.", args[0])
			return nil
		}),
	}
	cmd.Flags().StringVar(&expires, "expires", "", "how long it counts, such as 90d (default: until it is revoked)")
	return cmd
}

func (s *session) tokenListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the tokens, without the tokens themselves", Args: arguments,
		Example: "  " + Name + " token list",
		RunE: s.runs(func(context.Context, []string) error {
			tokens, err := s.tokens()
			if err != nil {
				return err
			}
			list, err := tokens.List()
			if err != nil {
				return err
			}
			if s.json {
				return s.out.json(list, false)
			}
			if len(list) == 0 {
				s.out.linef("There is no token. Make one with \"token create\".")
				return nil
			}
			rows := [][]text{{{dim, "TOKEN"}, {dim, "STATE"}, {dim, "CREATED"}, {dim, "EXPIRES"}}}
			for _, token := range list {
				state := token.State(s.Now())
				style := plain
				if state != remote.Active {
					style = dim
				}
				rows = append(rows, []text{{bold, token.Name}, {style, string(state)}, {plain, s.clock(token.CreatedAt)}, {plain, s.clock(token.ExpiresAt)}})
			}
			s.out.table("", rows)
			return nil
		}),
	}
}

func (s *session) tokenRevokeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "revoke NAME", Short: "Make a token worthless, at once", Args: arguments,
		Long: `Make a token worthless, at once: requests that run with it end within seconds.
Its name stays in the list, and is free for another token.`,
		Example:           "  " + Name + " token revoke ci",
		ValidArgsFunction: s.completeToken,
		RunE: s.runs(func(ctx context.Context, args []string) error {
			tokens, err := s.tokens()
			if err != nil {
				return err
			}
			if err := tokens.Revoke(ctx, args[0], s.Now()); err != nil {
				return err
			}
			return s.wrote("revoked", args[0], fmt.Sprintf("Token %q lets nobody in any more.", args[0]))
		}),
	}
}

// completeToken completes the name of a token that is not revoked.
func (s *session) completeToken(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	s.invoked = true
	var names []string
	if tokens, err := s.tokens(); err == nil && len(args) == 0 {
		list, _ := tokens.List()
		for _, token := range list {
			if token.State(s.Now()) == remote.Active {
				names = append(names, token.Name)
			}
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// tokens gives those of the data directory that is there.
func (s *session) tokens() (remote.Tokens, error) {
	dir, err := s.directory()
	if err != nil {
		return remote.Tokens{}, err
	}
	if _, err := os.Stat(dir); err != nil {
		return remote.Tokens{}, &api.Error{
			Code: api.CodeNotFound, Summary: fmt.Sprintf("There is no data directory %q", dir), Detail: err.Error(),
			Advice: "Give that of the agent with --data-dir.",
		}
	}
	return remote.TokensOf(dir), nil
}
