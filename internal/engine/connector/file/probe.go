package file

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
)

// Test reads every document and says how many rows it has and which are broken.
func (s *source) Test(ctx context.Context) ([]connector.Finding, error) {
	var findings []connector.Finding
	for _, d := range s.documents {
		survey, err := d.survey(ctx)
		if err != nil {
			return nil, err
		}
		name := filepath.Base(d.path)
		findings = append(findings, connector.Finding{
			Severity: connector.SeverityInfo,
			Summary:  fmt.Sprintf("%s: %d rows of type %s", name, survey.rows, d.typ),
		})
		if survey.rows == 0 {
			findings = append(findings, connector.Finding{
				Severity: connector.SeverityWarning,
				Summary:  name + " holds no rows",
			})
		}
		if survey.broken > 0 {
			findings = append(findings, connector.Finding{
				Severity: connector.SeverityWarning,
				Summary:  fmt.Sprintf("%s: rows that cannot be used: %d", name, survey.broken),
				Detail:   d.describeRows(survey.first),
			})
		}
		if len(survey.duplicates) > 0 {
			twice, err := d.firstDuplicate(ctx, survey)
			if err != nil {
				return nil, err
			}
			findings = append(findings, connector.Finding{
				Severity: connector.SeverityWarning,
				Summary:  fmt.Sprintf("%s: ids on several lines: %d", name, len(survey.duplicates)),
				Detail:   twice,
			})
		}
		if survey.doubtful {
			findings = append(findings, connector.Finding{
				Severity: connector.SeverityWarning,
				Summary:  name + " cannot tell who is gone",
				Detail:   "A row's id cannot be told, or the file may be cut off: as long as that is so, nobody counts as gone for not being in the file.",
			})
		}
	}
	return findings, nil
}

func (d *document) describeRows(broken []row) string {
	lines := make([]string, len(broken))
	for i, r := range broken {
		lines[i] = fmt.Sprintf("%s: %s", d.place(r.line), r.problem)
	}
	return strings.Join(lines, "\n")
}

// firstDuplicate describes the first id that stands on several lines.
func (d *document) firstDuplicate(ctx context.Context, survey *survey) (string, error) {
	found := errors.New("found")
	var problem string
	_, err := d.each(ctx, false, func(r row) error {
		if survey.linesOf(r.anchor) == nil {
			return nil
		}
		problem, _ = d.problemOf(r, survey)
		return found
	})
	if err != nil && !errors.Is(err, found) {
		return "", err
	}
	return problem, nil
}
