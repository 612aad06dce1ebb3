package command

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/expression"
)

// defaultEntries is how many entries a person is shown unless told otherwise.
const defaultEntries = 100

var (
	auditCategories = []audit.Category{audit.Provisioning, audit.Job, audit.Configuration}
	auditActions    = []audit.Action{audit.Create, audit.Update, audit.Delete, audit.Disable, audit.StagedDelete, audit.Other}
	auditStatuses   = []audit.Status{audit.Success, audit.Warning, audit.Failure, audit.Skipped}
)

// auditFlags are the flags of audit.
type auditFlags struct {
	category, action, status, object, cycle, since, until string
	limit                                                 int
	follow, verbose                                       bool
}

func (s *session) auditCommand() *cobra.Command {
	var f auditFlags
	cmd := &cobra.Command{
		Use: "audit [APP]", Short: "Show the provisioning log: what was done, skipped or failed, and why",
		Long: `Show the provisioning log: what was done, skipped or failed for each object, why,
and what to do about it. The newest entries come last; with --json they come
first.

With --verbose each entry shows its steps and what changed from what to what.
With --follow it goes on with new entries until Ctrl-C, and exits with 0;
--since then brings earlier ones first.`,
		Example: `  ` + Name + ` audit chat --status failure --since 24h
  ` + Name + ` audit chat --object "Ada Lovelace" --verbose
  ` + Name + ` audit --follow --json | jq 'select(.status == "failure")'`,
		Args: arguments, ValidArgsFunction: s.completeApp,
		RunE: s.runs(func(ctx context.Context, args []string) error {
			query, err := f.query(s.Now())
			if err != nil {
				return &usageError{err}
			}
			service, err := s.look(ctx)
			if err != nil {
				return err
			}
			defer service.Close()
			view := entryView{session: s, verbose: f.verbose, app: map[string]string{}}
			list, err := apps(ctx, service)
			if err != nil {
				return err
			}
			for _, app := range list {
				view.app[app.ID] = app.Name
			}
			if len(args) == 1 {
				app, err := find(ctx, service, args[0])
				if err != nil {
					return err
				}
				query.AppID, view.app = app.ID, nil
			}
			if f.follow {
				err := service.FollowAudit(ctx, query, func(entry audit.Entry) error {
					if s.json {
						return s.out.json(entry, true)
					}
					view.print(entry)
					return s.out.err
				})
				if ctx.Err() != nil {
					return nil
				}
				return err
			}
			entries, err := service.Audit(ctx, query)
			if err != nil {
				return err
			}
			if s.json {
				if entries == nil {
					entries = []audit.Entry{}
				}
				return s.out.json(entries, false)
			}
			for _, entry := range slices.Backward(entries) {
				view.print(entry)
			}
			switch {
			case len(entries) == 0:
				s.out.linef("No entries.")
			case len(entries) == query.Limit:
				s.errs.line(styled(dim, "There may be older entries: --limit shows more than %d.", query.Limit))
			}
			return nil
		}),
	}
	flags := cmd.Flags()
	flags.BoolVarP(&f.follow, "follow", "f", false, "go on with new entries")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "show steps and changed properties")
	flags.StringVar(&f.status, "status", "", "only this status: "+list(auditStatuses))
	flags.StringVar(&f.action, "action", "", "only this action: "+list(auditActions))
	flags.StringVar(&f.category, "category", "", "only this category: "+list(auditCategories))
	flags.StringVar(&f.object, "object", "", "only this object or account: its id or display name")
	flags.StringVar(&f.cycle, "cycle", "", "only this cycle, by its id")
	flags.StringVar(&f.since, "since", "", `from this moment on: how long ago ("24h", "7d") or RFC 3339`)
	flags.StringVar(&f.until, "until", "", "before this moment, written likewise")
	flags.IntVar(&f.limit, "limit", defaultEntries, "at most so many, the newest")
	completeWith(cmd, "status", auditStatuses)
	completeWith(cmd, "action", auditActions)
	completeWith(cmd, "category", auditCategories)
	return cmd
}

// query reads the flags.
func (f auditFlags) query(now time.Time) (q audit.Query, err error) {
	q = audit.Query{Object: f.object, CycleID: f.cycle, Limit: f.limit}
	if f.limit < 1 {
		return q, fmt.Errorf("--limit is %d; give 1 or more", f.limit)
	}
	if q.Status, err = oneOf("status", f.status, auditStatuses); err != nil {
		return q, err
	}
	if q.Action, err = oneOf("action", f.action, auditActions); err != nil {
		return q, err
	}
	if q.Category, err = oneOf("category", f.category, auditCategories); err != nil {
		return q, err
	}
	if q.Since, err = moment("since", f.since, now); err != nil {
		return q, err
	}
	q.Until, err = moment("until", f.until, now)
	return q, err
}

// oneOf gives the value of a flag that takes one of a few.
func oneOf[T ~string](flag, given string, known []T) (T, error) {
	if given == "" || slices.Contains(known, T(given)) {
		return T(given), nil
	}
	hint := "there are " + list(known)
	names := make([]string, len(known))
	for i, name := range known {
		names[i] = string(name)
	}
	if near, ok := expression.Nearest(given, names); ok {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return "", fmt.Errorf("--%s %q is not known; %s", flag, given, hint)
}

// moment reads how long ago, or a time. Empty is the zero time.
func moment(flag, given string, now time.Time) (time.Time, error) {
	if given == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, given); err == nil {
		return t, nil
	}
	d, err := config.ParseDuration(given)
	if err != nil {
		return time.Time{}, fmt.Errorf(`--%s %q is no moment; write how long ago ("24h", "7d") or a time like %q`, flag, given, now.UTC().Format(time.RFC3339))
	}
	return now.Add(-d), nil
}

func list[T ~string](names []T) string {
	words := make([]string, len(names))
	for i, name := range names {
		words[i] = string(name)
	}
	return strings.Join(words, ", ")
}

func completeWith[T ~string](cmd *cobra.Command, flag string, values []T) {
	completions := make([]cobra.Completion, len(values))
	for i, value := range values {
		completions[i] = string(value)
	}
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(completions, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag is there
	}
}
