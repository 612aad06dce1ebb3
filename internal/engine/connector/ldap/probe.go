package ldap

import (
	"context"
	"fmt"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
)

// Test connects, looks at the first page of what is read, and says how changes
// will be.
func (s *source) Test(ctx context.Context) ([]connector.Finding, error) {
	c, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer c.close()
	r := &reading{session: c}
	synchronize, err := r.synchronizes()
	if err != nil {
		return nil, err
	}
	var findings []connector.Finding
	timed := true
	for _, d := range s.searches {
		entries, anchors := 0, 0
		var problem string
		referral, err := c.sample(ctx, d, nil, func(entry *goldap.Entry) {
			entries++
			if _, wrong := anchorOf(entry); wrong == "" {
				anchors++
			} else {
				problem = shorten(entry.DN) + ": " + wrong
			}
			timed = timed && !timestamp(entry, modifiedAttribute).IsZero()
		})
		if err != nil {
			return nil, err
		}
		if referral {
			findings = append(findings, connector.Finding{Severity: connector.SeverityWarning,
				Summary: fmt.Sprintf("Other servers hold a part of what is below %s", d.base),
				Detail:  "Referrals are not followed. As long as that is so, nobody counts as gone for not being read. Name a base that this server holds as a whole."})
		}
		switch {
		case entries == 0:
			findings = append(findings, connector.Finding{Severity: connector.SeverityWarning,
				Summary: fmt.Sprintf("No %s are found below %s", d.block, d.base),
				Detail:  "The filter is " + d.filter + ". See that base_dn and filter are right, and that the account may see the entries."})
			continue
		case anchors == 0:
			return nil, &connector.Error{Class: connector.Fatal, Code: codeSource, Detail: s.address + ": " + problem,
				Advice: "let the account read entryUUID; a directory without it cannot be a source"}
		case anchors < entries:
			findings = append(findings, connector.Finding{Severity: connector.SeverityWarning,
				Summary: fmt.Sprintf("%s: entries without an anchor: %d of %d", d.block, entries-anchors, entries),
				Detail:  problem + ". As long as that is so, nobody counts as gone for not being read."})
		}
		count := fmt.Sprint(entries)
		if entries >= int(s.page) {
			count += " or more"
		}
		findings = append(findings, connector.Finding{Severity: connector.SeverityInfo,
			Summary: fmt.Sprintf("%s: %s of type %s below %s", d.block, count, d.typ, d.base)})
	}
	return append(findings, s.describeChanges(synchronize, timed)), nil
}

// describeChanges says how changes are read.
func (s *source) describeChanges(synchronize, timed bool) connector.Finding {
	switch {
	case s.incremental == incrementalFull:
		return connector.Finding{Severity: connector.SeverityInfo, Summary: "Each cycle reads everything"}
	case synchronize:
		return connector.Finding{Severity: connector.SeverityInfo, Summary: "Changes are read by content synchronization (RFC 4533)",
			Detail: "Where the server refuses it to this account, for its size limit, they are read by modifyTimestamp."}
	case !timed:
		return connector.Finding{Severity: connector.SeverityWarning, Summary: "Each cycle reads everything",
			Detail: "The account may not read modifyTimestamp, and the server offers it no content synchronization (RFC 4533)."}
	}
	return connector.Finding{Severity: connector.SeverityInfo, Summary: "Changes are read by modifyTimestamp"}
}
