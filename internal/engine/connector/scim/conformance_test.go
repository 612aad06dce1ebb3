package scim

import (
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/targettest"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

// caps are those of a server that abides by the standard.
var caps = targettest.Caps{
	UserName: directory.MustPath("userName"), GroupName: directory.MustPath("displayName"),
	Text: directory.MustPath("title"), Element: directory.MustPath(`emails[type eq "work"].value`),
	Manager: directory.MustPath(enterprise + "manager"), Members: membersPath,
	Searches: true, CaseFolds: true, ListsCompletely: true, Versions: true,
}

func TestConformance(t *testing.T) {
	for name, test := range map[string]struct {
		quirks  sampleapp.Quirks
		dialect string
		change  func(*targettest.Caps)
	}{
		"standard":            {},
		"entra":               {dialect: `{"patch":"entra"}`},
		"entra_compat":        {dialect: `{"patch":"entra_compat"}`},
		"put":                 {dialect: `{"put":true}`},
		"no patch":            {quirks: sampleapp.Quirks{NoPatch: true}},
		"no discovery":        {quirks: sampleapp.Quirks{NoDiscovery: true}},
		"as Casdoor":          {quirks: sampleapp.Quirks{IgnoreFilter: true, TotalIsPageSize: true, RemoveByValueEmpties: true, RemoveByFilterIgnored: true, IgnoreActivePatch: true, NoPathlessPatch: true, SlashInIDs: true}, change: func(c *targettest.Caps) { c.Searches = false }},
		"as saml-jackson":     {quirks: sampleapp.Quirks{FilterMailOnly: true, NoDiscovery: true, StoreTextBooleans: true, SplitExtensionPaths: true, Errors: sampleapp.ErrorsText}, dialect: `{"extension_object":true}`, change: func(c *targettest.Caps) { c.Searches = false }},
		"as scimmy":           {quirks: sampleapp.Quirks{CaseExactFilter: true, NoNestedFilter: true, NoQuoteInFilter: true, KeepDuplicateMembers: true, RefuseTextBooleans: true, AddNeedsElement: true, PastEndRestarts: true}, change: func(c *targettest.Caps) { c.CaseFolds = false }},
		"as scimgateway":      {quirks: sampleapp.Quirks{IDIsName: true, RemoveAllIgnored: true}},
		"as SCIMServer":       {quirks: sampleapp.Quirks{NoNestedFilter: true, RemoveAllRefused: true, AnnounceAll: true, Errors: sampleapp.ErrorsNumericStatus}},
		"as go-scim, reading": {quirks: sampleapp.Quirks{MaxCount: 50, TimesWithoutZone: true, DeleteGoneFails: true, DeleteWithBody: true, CreateAsText: true, NoopIsNoContent: true}},
	} {
		t.Run(name, func(t *testing.T) {
			targettest.Run(t, func(t *testing.T) (connector.Target, targettest.Caps) {
				_, target := play(t, test.quirks, test.dialect)
				changed := caps
				if test.change != nil {
					test.change(&changed)
				}
				return target, changed
			})
		})
	}
}
