package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// accountsFlags are the flags of accounts.
type accountsFlags struct {
	app, person, objectType, state string
	limit                          int
	unmatched                      bool
}

func (s *session) accountsCommand() *cobra.Command {
	var f accountsFlags
	cmd := s.group(&cobra.Command{
		Use: "accounts", Short: "Show who has access to what, and which accounts belong to nobody",
		Long: `Show who has access to what: each account that is linked to a person or group of
the source, since when, by which assignment, its last change, and whether it is

  active     as the source says
  disabled   kept disabled: out of scope, disabled or gone in the source
  held       a removal is due, and waits for an approval ("job approve")
  escrowed   the latest attempt failed, and is tried again
  unproven   linked before the app's connection or source changed, and not
             confirmed since: nothing is sent to it before

With --unmatched it shows the accounts of one app that match nobody in scope,
and who may be meant by each: a report to read before a job is turned on for the
first time, since whoever is not matched gets a second account. It reads the
source and lists the app's accounts, and writes nothing.`,
		Example: `  ` + Name + ` accounts --person ada@example.com
  ` + Name + ` accounts --app chat --state disabled
  ` + Name + ` accounts --app chat --unmatched`,
	}, s.accountsDropCommand())
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		err := s.noSuchCommand(cmd, args)
		if err != nil {
			return fmt.Errorf("%w; an app is named with --app, a person with --person", err)
		}
		return nil
	}
	cmd.RunE = s.runs(func(ctx context.Context, _ []string) error {
		query, err := f.query()
		if err != nil {
			return &usageError{err}
		}
		service, err := s.look(ctx)
		if err != nil {
			return err
		}
		defer service.Close()
		app := &config.App{}
		if f.app != "" {
			if app, err = find(ctx, service, f.app); err != nil {
				return err
			}
			query.AppID = app.ID
		}
		switch {
		case f.unmatched:
			return s.unmatched(ctx, service, app)
		case s.json:
			return s.accountsJSON(ctx, service, query)
		}
		return s.accountsTable(ctx, service, query)
	})
	flags := cmd.Flags()
	flags.StringVar(&f.app, "app", "", "only this app")
	flags.StringVar(&f.person, "person", "", "only this person or group: an id in the source or the app, user name, mail or display name")
	flags.StringVar(&f.objectType, "type", "", `only this object type, such as "User"`)
	flags.StringVar(&f.state, "state", "", "only this state: "+list(status.AccountStates))
	flags.IntVar(&f.limit, "limit", 0, "at most so many (default: all)")
	flags.BoolVar(&f.unmatched, "unmatched", false, "the accounts of --app that match nobody, and who may be meant")
	completeWith(cmd, "state", status.AccountStates)
	if err := cmd.RegisterFlagCompletionFunc("app", s.completeAppFlag); err != nil {
		panic(err) // the flag is there
	}
	return cmd
}

// completeAppFlag completes the name of an app in a flag.
func (s *session) completeAppFlag(cmd *cobra.Command, _ []string, text string) ([]string, cobra.ShellCompDirective) {
	return s.completeApp(cmd, nil, text)
}

// query reads the flags, but for the app.
func (f accountsFlags) query() (q status.AccountQuery, err error) {
	q = status.AccountQuery{Person: f.person, ObjectType: f.objectType, Limit: f.limit}
	if f.limit < 0 {
		return q, fmt.Errorf("--limit is %d; give 0 for all, or more", f.limit)
	}
	if q.State, err = oneOf("state", f.state, status.AccountStates); err != nil {
		return q, err
	}
	switch {
	case f.unmatched && f.app == "":
		err = errors.New("--unmatched is about one app: name it with --app")
	case f.unmatched && q != status.AccountQuery{}:
		err = errors.New("--unmatched goes with --app alone")
	}
	return q, err
}

func (s *session) accountsDropCommand() *cobra.Command {
	var objectType string
	cmd := &cobra.Command{
		Use: "drop APP OBJECT", Short: "Drop the link of one account; the account stays as it is",
		Long: `Drop the link between one object of the source and its account, for instance one
that was matched with somebody else's. Nothing is sent: the account stays as it
is. What waited for it (a failed attempt, a held removal) is dropped with it.

The next cycle looks for the object's account by matching, as if it never had
one. So correct first what made them match, in the app or the source; pause the
job meanwhile. It is written to the provisioning log with your name.

OBJECT is an id in the source or the app, a user name, mail or display name.`,
		Example: `  ` + Name + ` job pause chat
  ` + Name + ` accounts drop chat ada@example.com
  ` + Name + ` job start chat --wait`,
		Args: arguments, ValidArgsFunction: s.completeApp,
		RunE: s.runs(func(ctx context.Context, args []string) error {
			return s.withApp(ctx, args[0], func(service api.Service, app *config.App) error {
				account, err := service.DropLink(ctx, app.ID, api.DropLinkRequest{Object: args[1], ObjectType: objectType, By: operator()})
				if err != nil {
					return err
				}
				if s.json {
					return s.out.json(account, false)
				}
				s.out.line(text{bold, app.Name}, styled(plain, ": dropped the link of %s %q (%s) to the account %q (%s).",
					account.ObjectType, account.Source.DisplayName, account.Source.ID, account.Target.DisplayName, account.Target.ID))
				s.out.line(styled(dim, "Nothing was sent. The next cycle looks for the account by matching: %s job start %s", Name, app.Name))
				return nil
			})
		}),
	}
	cmd.Flags().StringVar(&objectType, "type", "", "object type, where several objects have the name")
	return cmd
}
