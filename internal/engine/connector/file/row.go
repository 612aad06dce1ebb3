package file

import (
	"fmt"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// anchorOf gives a row's anchor, or what is wrong with it.
func anchorOf(column, value string) (anchor, problem string) {
	switch {
	case value == "":
		return "", fmt.Sprintf("the id %q is empty; give the row an id that it keeps", column)
	case len(value) > maxAnchor:
		return "", fmt.Sprintf("the id %q has %d bytes; at most %d are taken", column, len(value), maxAnchor)
	case strings.IndexByte(value, 0) >= 0:
		return "", fmt.Sprintf("the id %q holds a NUL character", column)
	}
	return value, ""
}

// textProblem says what is wrong with one text of a row; empty for nothing.
func textProblem(value string) string {
	if len(value) > maxField {
		return fmt.Sprintf("has %d bytes; at most %d are taken", len(value), maxField)
	}
	if strings.IndexByte(value, 0) >= 0 {
		return "holds a NUL character"
	}
	return ""
}

// refer adds the edge to one anchor; an empty anchor refers to nothing.
func (r *row) refer(d *document, reference reference, anchor string) (problem string) {
	if anchor == "" {
		return ""
	}
	if len(anchor) > maxAnchor || strings.IndexByte(anchor, 0) >= 0 {
		return fmt.Sprintf("%q holds a reference that can be no id: it is longer than %d bytes or holds a NUL character", reference.column, maxAnchor)
	}
	r.edges = append(r.edges, directory.Edge{
		Holder:    directory.Key{Type: d.typ, Anchor: r.anchor},
		Attribute: reference.attribute,
		To:        directory.Ref{By: directory.ByAnchor, Value: anchor},
	})
	return ""
}

// again gives the memory of what is no longer needed, for what comes next. What
// a large row took is let go.
func again[T any](used []T) []T {
	const large = 1000
	if cap(used) > large {
		return nil
	}
	return cut(used, 0)
}

// cut forgets what stands behind the first n.
func cut[T any](used []T, n int) []T {
	clear(used[n:])
	return used[:n]
}
