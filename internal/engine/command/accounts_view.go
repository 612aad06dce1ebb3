package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// accountsPage is how many accounts are aligned with each other: the rest
// follows as it comes.
const accountsPage = 1000

// accountsJSON prints one list, an account a line, as it comes.
func (s *session) accountsJSON(ctx context.Context, service api.Service, query status.AccountQuery) error {
	between := "["
	err := service.Accounts(ctx, query, func(account status.Account) error {
		s.out.raw(between)
		between = ","
		if err := s.out.json(account, true); err != nil {
			return err
		}
		return s.out.err
	})
	if err != nil {
		return err
	}
	if between == "[" {
		s.out.raw("[")
	}
	s.out.raw("]\n")
	return nil
}

func (s *session) accountsTable(ctx context.Context, service api.Service, query status.AccountQuery) error {
	header := []text{{dim, "APP"}, {dim, "TYPE"}, {dim, "NAME"}, {dim, "ACCOUNT"}, {dim, "STATE"}, {dim, "LINKED"}, {dim, "ASSIGNED BY"}, {dim, "LAST CHANGE"}}
	if query.AppID != "" {
		header = header[1:]
	}
	rows, found := [][]text{header}, 0
	err := service.Accounts(ctx, query, func(account status.Account) error {
		row := s.accountRow(account)
		rows, found = append(rows, row[len(row)-len(header):]), found+1
		if len(rows) >= accountsPage {
			s.out.table("", rows)
			rows = nil
		}
		return s.out.err
	})
	if err != nil {
		return err
	}
	switch {
	case found > 0:
		s.out.table("", rows)
	case query.Person != "":
		s.out.linef("No account that meets this belongs to %q.", query.Person)
	default:
		s.out.linef("No accounts.")
	}
	if query.Limit > 0 && found == query.Limit {
		s.errs.line(styled(dim, "There may be more accounts: --limit shows more than %d.", query.Limit))
	}
	return nil
}

func (s *session) accountRow(a status.Account) []text {
	linked := s.clock(a.LinkedAt)
	if a.LinkedBy == status.LinkedByMatch {
		linked += " (matched)"
	}
	change := "none"
	if c := a.LastChange; c != nil {
		change = s.when(c.At)
		if c.Action != "" && c.Action != "none" {
			change = c.Action + " " + change
		}
	}
	return []text{
		{bold, a.AppName}, {plain, a.ObjectType}, {plain, a.Source.DisplayName}, {plain, a.Target.DisplayName}, accountState(a),
		{plain, linked}, {plain, assignedBy(a.Assignments)}, {dim, change},
	}
}

func accountState(a status.Account) text {
	what := spaced(a.State)
	if a.Reason != "" && a.State != status.AccountHeld && a.State != status.AccountUnproven {
		what += ": " + strings.ReplaceAll(a.Reason, "_", " ")
	}
	if a.Protected {
		what += ", protected"
	}
	switch a.State {
	case status.AccountActive:
		return text{good, what}
	case status.AccountEscrowed:
		return text{bad, what}
	case status.AccountDisabled:
		return text{dim, what}
	}
	return text{warn, what}
}

func assignedBy(assignments []status.AccountAssignment) string {
	var parts []string
	for _, a := range assignments {
		switch {
		case a.By == "all":
			parts = append(parts, "all in scope")
		case a.By == "":
			parts = append(parts, "one that is gone")
		case a.Role != "":
			parts = append(parts, fmt.Sprintf("%s %s as %s", a.By, a.Name, a.Role))
		default:
			parts = append(parts, a.By+" "+a.Name)
		}
	}
	if parts == nil {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// unmatched shows what an app and its source have that does not fit together.
func (s *session) unmatched(ctx context.Context, service api.Service, app *config.App) error {
	line := &progressLine{printer: s.errs, now: s.Now}
	report, err := service.Unmatched(ctx, app.ID, line.show)
	line.end()
	if err != nil {
		return err
	}
	if s.json {
		return s.out.json(report, false)
	}
	s.showUnmatched(report)
	return nil
}

func (s *session) showUnmatched(u status.Unmatched) {
	none := int64(len(u.Accounts)) + u.More
	s.out.line(text{bold, u.AppName}, styled(plain, ": %s; %d linked, %d matched by somebody in scope, %d by nobody",
		plural(u.Listed, "account", "accounts"), u.Linked, u.Matched, none))
	if !u.Complete {
		s.out.line(text{warn, "! "}, text{plain, "The app's listing is not reliable: it may have more accounts."})
	}
	for _, account := range u.Accounts {
		pieces := []text{styled(plain, "  %s ", account.ObjectType), {bold, account.DisplayName}}
		for _, other := range []string{account.Matching, account.ID} {
			if other != "" && other != account.DisplayName {
				pieces = append(pieces, text{dim, "  " + other})
			}
		}
		if account.Enabled != nil && !*account.Enabled {
			pieces = append(pieces, text{dim, "  disabled"})
		}
		if account.Protected {
			pieces = append(pieces, text{warn, "  protected"})
		}
		s.out.line(pieces...)
		s.showNear(account.Near)
	}
	if u.More > 0 {
		s.out.line(styled(dim, "  and %d more", u.More))
	}
	s.out.line(styled(plain, "%s in scope without an account would get one.", plural(u.New, "object", "objects")))
	if len(u.Doubtful) == 0 {
		return
	}
	s.out.line(text{warn, "! "}, styled(plain, "%d of them may have one already. Correct the account or the source so that they match, else there will be two:",
		int64(len(u.Doubtful))+u.MoreDoubtful))
	for _, object := range u.Doubtful {
		s.out.line(styled(plain, "  %s ", object.ObjectType), text{bold, object.DisplayName}, text{dim, "  " + object.ID})
		s.showNear(object.Near)
	}
	if u.MoreDoubtful > 0 {
		s.out.line(styled(dim, "  and %d more", u.MoreDoubtful))
	}
}

func (s *session) showNear(candidates []status.Near) {
	var rows [][]text
	for _, near := range candidates {
		because := near.Because
		if near.Reason != "" {
			because += "; gets no account: " + near.Reason
		}
		rows = append(rows, []text{styled(dim, "%3d %%", near.Score), {plain, near.DisplayName}, {dim, near.ID}, {dim, because}})
	}
	s.out.table("      ", rows)
}
