package exchange

import (
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

func TestMarkdown(t *testing.T) {
	minimal := func() Declared {
		return Declared{App: &config.App{Name: "wiki", Template: "scim", TemplateRevision: "1"}}
	}
	for name, test := range map[string]struct {
		edit func(*Declared)
		says string
	}{
		"no job":     {func(*Declared) {}, "| Runs | not yet: no job is declared |"},
		"manual":     {func(d *Declared) { d.App.Mode = config.Manual }, "never by itself"},
		"job is off": {func(d *Declared) { d.Job = &config.Job{Enabled: ref(false)} }, "| Runs | not now: the job is turned off |"},
		"interval":   {func(d *Declared) { d.Job = &config.Job{Interval: "90s"} }, "| Runs | every 90 seconds |"},
		"all":        {func(d *Declared) { d.App.Scope = config.ScopeAll }, "Everyone in the source whom"},
		"nobody":     {func(*Declared) {}, "Nobody is assigned yet."},
		"template":   {func(*Declared) {}, "The template's own mapping applies."},
		"defaults":   {func(*Declared) {}, "| people | disabled | disabled | deleted; where the source only ceases to list someone, disabled at once and deleted after 30 days |"},
		"limits":     {func(*Declared) {}, "more than 500 within an hour, or more than 25 % of the accounts"},
		"no limits":  {func(d *Declared) { d.Job = &config.Job{AccidentalDeletions: map[string]float64{}} }, "There is no limit"},
		"update is off": {func(d *Declared) {
			d.Mappings = []*config.Mapping{{ObjectType: "User", Actions: []mapping.Action{mapping.ActionCreate}}}
		}, "| people | left alone | left alone | left alone |"},
		"groups off": {func(d *Declared) {
			d.Mappings = []*config.Mapping{{ObjectType: "Group", Enabled: ref(false)}}
		}, "Nothing is written of groups."},
		"hostile": {func(d *Declared) { d.App.Name = "a|b\n# c <script>`x`" }, "# a|b \\# c &lt;script&gt;\\`x\\`\n"},
		"hostile cell": {func(d *Declared) {
			d.Assignments = []*config.Assignment{{User: "a|b\nc"}}
		}, `| person | a\|b c |`},
		"hostile code": {func(d *Declared) {
			d.Filters = []*config.Filter{{ObjectType: "User", Name: "f", Clauses: []scoping.Clause{{Attribute: "a`b", Operator: scoping.IsNull}}}}
		}, "- **f**: ``a`b`` is empty."},
	} {
		t.Run(name, func(t *testing.T) {
			d := minimal()
			test.edit(&d)
			if got := string(Markdown(d)); !strings.Contains(got, test.says) {
				t.Errorf("%q is not in\n%s", test.says, got)
			}
		})
	}
}

// TestClauseInWords: each operator has words, with its value where it takes one.
func TestClauseInWords(t *testing.T) {
	for _, operator := range scoping.Operators() {
		c := scoping.Clause{Attribute: "a", Operator: operator}
		if operator.TakesValue() {
			c.Value = ref("xyz")
		}
		words := clauseInWords(c)
		if !strings.HasPrefix(words, "`a` ") || len(words) < 8 || strings.Contains(words, "%") || strings.Contains(words, "xyz") != operator.TakesValue() {
			t.Errorf("%s: %s", operator, words)
		}
	}
}
