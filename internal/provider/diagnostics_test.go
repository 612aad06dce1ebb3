package provider

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

func TestAttributePath(t *testing.T) {
	var mapping, job, filter resource.SchemaResponse
	newAttributeMappingResource().Schema(t.Context(), resource.SchemaRequest{}, &mapping)
	newJobResource().Schema(t.Context(), resource.SchemaRequest{}, &job)
	newScopingFilterResource().Schema(t.Context(), resource.SchemaRequest{}, &filter)
	for _, test := range []struct {
		schema resource.SchemaResponse
		steps  []string
		want   string
	}{
		{mapping, nil, ""},
		{mapping, []string{"nothing"}, ""},
		{mapping, []string{"attributes", `emails[type eq "work"].value`, "expression"}, `attributes["emails[type eq \"work\"].value"].expression`},
		{mapping, []string{"attributes", "userName", "nothing"}, `attributes["userName"]`},
		{mapping, []string{"actions", "create"}, "actions"},
		{job, []string{"deprovisioning", "User", "deleted"}, `deprovisioning["User"]["deleted"]`},
		{job, []string{"interval", "deeper"}, "interval"},
		{filter, []string{"clauses", "1", "operator"}, "clauses[1].operator"},
		{filter, []string{"clauses", "x"}, "clauses"},
	} {
		if got := attributePath(test.schema.Schema.Type(), test.steps).String(); got != test.want {
			t.Errorf("%q leads to %q, want %q", test.steps, got, test.want)
		}
	}
	if got := attributePath(nil, []string{"a"}).String(); got != "" {
		t.Errorf("without a schema a path leads to %q", got)
	}
}

func TestAddError(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want []string
	}{
		"from the engine": {&api.Error{Summary: "Cannot do it", Detail: "it is broken", Advice: "Mend it."}, []string{"Cannot do it: It is broken.\n\nMend it."}},
		"wrapped":         {fmt.Errorf("while trying: %w", &api.Error{Summary: "Cannot do it"}), []string{"Cannot do it: "}},
		"without summary": {&api.Error{Detail: "it is broken!"}, []string{"Cannot try: It is broken!"}},
		"problems": {&api.Error{Summary: "Invalid", Problems: config.Problems{{Summary: "One", Detail: "first."}, {Summary: "two", Detail: "élève"}}},
			[]string{"One: First.", "Two: Élève."}},
		"interrupted": {fmt.Errorf("call: %w", context.Canceled), []string{"Cannot try: It was interrupted."}},
		"too long":    {context.DeadlineExceeded, []string{"Cannot try: It took too long. Try again, and look at the agent's log if it happens twice."}},
		"another":     {errors.New("no such host"), []string{"Cannot try: No such host."}},
	} {
		t.Run(name, func(t *testing.T) {
			var diags diag.Diagnostics
			addError(&diags, test.err, "Cannot try", nil)
			if len(diags) != len(test.want) {
				t.Fatalf("there are %d diagnostics: %v", len(diags), diags)
			}
			for i, d := range diags {
				if got := d.Summary() + ": " + d.Detail(); got != test.want[i] {
					t.Errorf("got %q, want %q", got, test.want[i])
				}
			}
		})
	}
}
