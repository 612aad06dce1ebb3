package provider

import (
	"context"
	"maps"
	"path/filepath"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
)

// What is read from the engine is put into state as it was written, where that
// means the same: an empty text or collection is not turned into null, nor
// back, and a relative path stays relative.

func keepString(written types.String, value string) types.String {
	switch {
	case isWritten(written) && written.ValueString() == value:
		return written
	case value == "":
		return types.StringNull()
	}
	return types.StringValue(value)
}

func keepPath(written types.String, value string) types.String {
	if absolute, ok := absolutePath(written.ValueString()); ok && absolute == value {
		return written
	}
	return keepString(written, value)
}

// absolutePath gives the path as the agent knows it.
func absolutePath(path string) (string, bool) {
	if path == "" {
		return "", false
	}
	absolute, err := filepath.Abs(path)
	return absolute, err == nil
}

func keepSet(ctx context.Context, written types.Set, value []string, diags *diag.Diagnostics) types.Set {
	if isWritten(written) && slices.Equal(stringsOf(ctx, written, diags), slices.Sorted(slices.Values(value))) {
		return written
	}
	if value == nil {
		return types.SetNull(types.StringType)
	}
	set, d := types.SetValueFrom(ctx, types.StringType, value)
	diags.Append(d...)
	return set
}

func keepList(ctx context.Context, written types.List, value []string, diags *diag.Diagnostics) types.List {
	if isWritten(written) && slices.Equal(listedStringsOf(ctx, written, diags), value) {
		return written
	}
	if value == nil {
		return types.ListNull(types.StringType)
	}
	list, d := types.ListValueFrom(ctx, types.StringType, value)
	diags.Append(d...)
	return list
}

func keepMap(ctx context.Context, written types.Map, value map[string]string, diags *diag.Diagnostics) types.Map {
	if isWritten(written) && maps.Equal(stringMapOf(ctx, written, diags), value) {
		return written
	}
	if value == nil {
		return types.MapNull(types.StringType)
	}
	m, d := types.MapValueFrom(ctx, types.StringType, value)
	diags.Append(d...)
	return m
}

// isWritten reports whether a value is neither null nor unknown.
func isWritten(value attr.Value) bool { return !value.IsNull() && !value.IsUnknown() }

// stringsOf gives a set's known elements, ascending; nil for null and unknown.
func stringsOf(ctx context.Context, set types.Set, diags *diag.Diagnostics) []string {
	if set.IsNull() || set.IsUnknown() {
		return nil
	}
	var elements []types.String
	diags.Append(set.ElementsAs(ctx, &elements, false)...)
	out := make([]string, 0, len(elements))
	for _, element := range elements {
		if isWritten(element) {
			out = append(out, element.ValueString())
		}
	}
	slices.Sort(out)
	return out
}

// listedStringsOf gives a list's known elements in their order; nil for null and
// unknown.
func listedStringsOf(ctx context.Context, list types.List, diags *diag.Diagnostics) []string {
	if list.IsNull() || list.IsUnknown() {
		return nil
	}
	var elements []types.String
	diags.Append(list.ElementsAs(ctx, &elements, false)...)
	out := make([]string, 0, len(elements))
	for _, element := range elements {
		if isWritten(element) {
			out = append(out, element.ValueString())
		}
	}
	return out
}

// stringMapOf gives a map's known elements, without null ones; nil for null
// and unknown.
func stringMapOf(ctx context.Context, m types.Map, diags *diag.Diagnostics) map[string]string {
	if m.IsNull() || m.IsUnknown() {
		return nil
	}
	var elements map[string]types.String
	diags.Append(m.ElementsAs(ctx, &elements, false)...)
	out := make(map[string]string, len(elements))
	for key, element := range elements {
		if isWritten(element) {
			out[key] = element.ValueString()
		}
	}
	return out
}

// nestedOf gives what a nested attribute holds; nil for null and unknown.
func nestedOf[T any](ctx context.Context, object types.Object, diags *diag.Diagnostics) *T {
	if object.IsNull() || object.IsUnknown() {
		return nil
	}
	var value T
	diags.Append(object.As(ctx, &value, basetypes.ObjectAsOptions{})...)
	return &value
}

// elementsOf gives the nested attributes of a map, in no order.
func elementsOf[T any](ctx context.Context, m types.Map, diags *diag.Diagnostics) map[string]*T {
	if m.IsNull() || m.IsUnknown() {
		return nil
	}
	var objects map[string]types.Object
	diags.Append(m.ElementsAs(ctx, &objects, false)...)
	out := make(map[string]*T, len(objects))
	for key := range objects {
		if value := nestedOf[T](ctx, objects[key], diags); value != nil {
			out[key] = value
		}
	}
	return out
}

// objectOf makes a nested attribute's value.
func objectOf(ctx context.Context, attributes map[string]attr.Type, value any, diags *diag.Diagnostics) types.Object {
	object, d := types.ObjectValueFrom(ctx, attributes, value)
	diags.Append(d...)
	return object
}

// given points to a text that is written; nil for null and unknown.
func given(text types.String) *string {
	if !isWritten(text) {
		return nil
	}
	return text.ValueStringPointer()
}
