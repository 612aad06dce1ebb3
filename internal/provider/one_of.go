package provider

import (
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/expression"
)

// oneOf refuses a known text that is none of the words.
func oneOf[W ~string](diags *diag.Diagnostics, name string, text types.String, words ...W) {
	if !isWritten(text) {
		return
	}
	known := make([]string, len(words))
	for i, word := range words {
		if known[i] = string(word); known[i] == text.ValueString() {
			return
		}
	}
	detail := fmt.Sprintf("%q is not known; there are %s.", text.ValueString(), strings.Join(known, ", "))
	if nearest, ok := expression.Nearest(text.ValueString(), known); ok {
		detail += fmt.Sprintf(" Did you mean %q?", nearest)
	}
	diags.AddAttributeError(path.Root(name), "Unknown "+name, detail)
}
