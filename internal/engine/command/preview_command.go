package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// previewedChanges is how many changes a person is shown unless told otherwise.
const previewedChanges = 50

func (s *session) previewCommand() *cobra.Command {
	request := api.PreviewRequest{}
	var verbose bool
	cmd := &cobra.Command{
		Use: "preview APP", Short: "Show what the next cycle would do; nothing is written anywhere",
		Long: `Show what the next cycle would do: how many accounts it would create, change or
remove, and whose. Nothing is written anywhere, and the app is only asked.

The source counts as it was last read; --fresh reads it first, as the next cycle
does. The configuration counts as the job's last apply released it; --pending
takes it as it is declared now.`,
		Example: `  ` + Name + ` preview chat
  ` + Name + ` preview chat --pending --verbose`,
		Args: arguments, ValidArgsFunction: s.completeApp,
		RunE: s.runs(func(ctx context.Context, args []string) error {
			if request.Limit < 1 {
				return &usageError{fmt.Errorf("--limit is %d; give 1 or more", request.Limit)}
			}
			service, err := s.look(ctx)
			if err != nil {
				return err
			}
			defer service.Close()
			app, err := find(ctx, service, args[0])
			if err != nil {
				return err
			}
			line := &progressLine{printer: s.errs, now: s.Now}
			preview, err := service.Preview(ctx, app.ID, request, line.show)
			line.end()
			if err != nil {
				return err
			}
			if s.json {
				return s.out.json(preview, false)
			}
			s.showPreview(preview, verbose)
			return nil
		}),
	}
	flags := cmd.Flags()
	flags.BoolVar(&request.Pending, "pending", false, "with the configuration as declared, also what waits for its job's apply")
	flags.BoolVar(&request.Fresh, "fresh", false, "read the source first")
	flags.IntVar(&request.Limit, "limit", previewedChanges, "list at most so many changes")
	flags.BoolVarP(&verbose, "verbose", "v", false, "show which attributes would change")
	return cmd
}

func (s *session) showPreview(p status.Preview, verbose bool) {
	s.out.line(text{bold, p.AppName}, text{plain, ": " + counted(p.Counts, p.Held)})
	var rows [][]text
	flush := func() {
		s.out.table("  ", rows)
		rows = nil
	}
	for _, change := range p.Changes {
		style, note := actionStyle(change), change.Reason
		switch {
		case change.Failed:
			note = "fails: " + note
		case change.Held:
			note = "held: " + note
		}
		who := change.Source
		if who == "" {
			who = change.Anchor
		}
		rows = append(rows, []text{{style, spaced(change.Action)}, {plain, change.Type}, {plain, who}, {dim, note}})
		if verbose && len(change.Details) > 0 {
			flush()
			var details [][]text
			for _, property := range change.Details {
				details = append(details, changed(property.Name, property.Old, property.New))
			}
			s.out.table("      ", details)
		}
	}
	flush()
	if p.More > 0 {
		s.out.line(styled(dim, "  and %d more: --limit shows more than %d", p.More, len(p.Changes)))
	}
	for _, door := range p.OpenDoors {
		s.out.line(text{warn, "! "}, text{plain, door})
	}
}

func actionStyle(change status.Change) style {
	switch {
	case change.Failed:
		return bad
	case change.Held:
		return warn
	case change.Action == "create":
		return good
	case change.Action == "disable" || change.Action == "delete":
		return bad
	}
	return plain
}
