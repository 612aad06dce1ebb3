package sampleapp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

type patchRequest struct {
	Operations []patchOperation
}

type patchOperation struct {
	Op    string
	Path  string
	Value any
}

func parsePatch(body []byte) (patchRequest, *problem) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var request patchRequest
	if err := decoder.Decode(&request); err != nil {
		return request, invalid("invalidSyntax", "the body is no PatchOp: "+err.Error())
	}
	if len(request.Operations) == 0 {
		return request, invalid("invalidSyntax", "there are no Operations")
	}
	return request, nil
}

// patch answers PATCH (RFC 7644 section 3.5.2). All operations are carried
// out, or none.
func (a *App) patch(c *call) (answer, *problem) {
	q := a.options.Quirks
	if q.NoPatch {
		return answer{}, &problem{status: http.StatusNotImplemented, detail: "PATCH is not offered"}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.collection(c.typ).byID[c.id]
	if r == nil {
		return answer{}, notFound(c)
	}
	if p := precondition(c, r); p != nil {
		return answer{}, p
	}
	if touchesActive(c.patch.Operations) {
		if q.RefuseActivePatch {
			return answer{}, invalid("mutability", "active cannot be changed")
		}
		if q.IgnoreActivePatch {
			return a.changed(c, r), nil
		}
	}
	if q.PatchIgnored {
		return a.changed(c, r), nil
	}
	different, p := a.applyPatch(c, r)
	switch {
	case p != nil:
		return answer{}, p
	case different && q.PatchFails:
		return answer{}, &problem{status: http.StatusInternalServerError, detail: "runtime error: invalid memory address or nil pointer dereference"}
	case q.NoopIsNoContent && !different:
		return answer{status: http.StatusNoContent}, nil
	case q.NoopIsNoContent:
		return answer{status: http.StatusOK, body: a.represent(c, r)}, nil
	}
	return a.changed(c, r), nil
}

// patching is one PATCH under way: the attributes are a copy, the members are
// changed in place and taken back when a later operation fails.
type patching struct {
	app        *App
	resource   *resource
	attributes map[string]any
	undo       []func()
}

// applyPatch reports whether the resource is different afterwards.
func (a *App) applyPatch(c *call, r *resource) (different bool, p *problem) {
	w := &patching{app: a, resource: r, attributes: r.attributes()}
	defer func() {
		if p != nil {
			for i := len(w.undo) - 1; i >= 0; i-- {
				w.undo[i]()
			}
		}
	}()
	members := 0
	for _, o := range c.patch.Operations {
		if strings.EqualFold(splitPath(o.Path).name, "members") {
			if list, ok := o.Value.([]any); ok {
				members += len(list)
			}
		}
		if p = w.apply(strings.ToLower(o.Op), o.Path, o.Value); p != nil {
			return false, p
		}
	}
	if p = a.checkMemberCount(members); p != nil {
		return false, p
	}
	if p = a.tidy(w.attributes); p != nil {
		return false, p
	}
	for _, name := range a.options.Quirks.DropAttributes {
		removePath(w.attributes, splitPath(name))
	}
	if p = a.checkAttributes(w.attributes, false); p != nil {
		return false, p
	}
	after := *r
	if p = after.setAttributes(w.attributes); p != nil {
		return false, p
	}
	if len(w.undo) == 0 && bytes.Equal(after.body, r.body) {
		return false, nil
	}
	if p = a.change(r, w.attributes, nil); p != nil {
		return false, p
	}
	return true, nil
}

// target is a parsed path of an operation.
type target struct {
	attributePath
	filter *Filter
}

func parseTarget(path string) (target, *problem) {
	bracket := strings.IndexByte(path, '[')
	if bracket < 0 {
		t := target{attributePath: splitPath(path)}
		if t.name == "" || strings.ContainsAny(path, ` "]()`) {
			return t, invalid("invalidPath", fmt.Sprintf("%q is no path", path))
		}
		return t, nil
	}
	end := strings.LastIndexByte(path, ']')
	if end < bracket {
		return target{}, invalid("invalidPath", fmt.Sprintf("the bracket in %q is not closed", path))
	}
	t := target{attributePath: splitPath(path[:bracket])}
	filter, err := ParseFilter(path[bracket+1 : end])
	if err != nil || t.name == "" || t.sub != "" {
		return t, invalid("invalidPath", fmt.Sprintf("%q is no path", path))
	}
	t.filter = &filter
	switch rest := path[end+1:]; {
	case strings.HasPrefix(rest, ".") && len(rest) > 1:
		t.sub = rest[1:]
	case rest != "":
		return t, invalid("invalidPath", fmt.Sprintf("%q is no path", path))
	}
	return t, nil
}

func (w *patching) apply(op, path string, value any) *problem {
	if op != "add" && op != "replace" && op != "remove" {
		return invalid("invalidSyntax", fmt.Sprintf("%q is no operation", op))
	}
	q := w.app.options.Quirks
	if path == "" {
		if q.NoPathlessPatch {
			return &problem{status: http.StatusInternalServerError, detail: "path is undefined"}
		}
		return w.applyWithoutPath(op, value)
	}
	if q.SplitExtensionPaths && strings.HasPrefix(strings.ToLower(path), "urn:") {
		w.split(path, value)
		return nil
	}
	return w.applyPath(op, path, value)
}

// split keeps a value where a path leads that is split at its first dot.
func (w *patching) split(path string, value any) {
	name, sub, _ := strings.Cut(path, ".")
	w.attributes[name] = map[string]any{sub: value}
}

func (w *patching) applyPath(op, path string, value any) *problem {
	t, p := parseTarget(path)
	if p != nil {
		return p
	}
	if name, ok := canonicalNames[strings.ToLower(t.name)]; ok && isCore(t.urn) {
		t.name = name
	}
	if isCore(t.urn) && w.resource.typ == User && strings.EqualFold(t.name, "manager") {
		t.urn = schemaEnterprise // as Entra writes it
	}
	if whole := t.urn + ":" + t.name; t.urn != "" && t.filter == nil && (strings.EqualFold(whole, schemaEnterprise) || w.attributes[whole] != nil) {
		t.attributePath = attributePath{name: whole} // the extension as a whole
	}
	switch {
	case isCore(t.urn) && (t.name == "id" || t.name == "meta" || t.name == "groups"):
		return invalid("mutability", t.name+" is read-only")
	case t.name == "schemas":
		return nil // follows from the attributes
	case t.name == "members" && w.resource.typ == Group && isCore(t.urn):
		return w.applyMembers(op, t, value)
	}
	m := w.attributes
	if !isCore(t.urn) {
		key, existing, _ := lookup(w.attributes, t.urn)
		extension, ok := existing.(map[string]any)
		if !ok {
			extension = map[string]any{}
			w.attributes[key] = extension
		}
		m = extension
	}
	if t.filter != nil {
		return w.applyElements(op, m, t, value)
	}
	return applyAttribute(op, m, t, value)
}

func (w *patching) applyWithoutPath(op string, value any) *problem {
	attributes, ok := value.(map[string]any)
	if op == "remove" || !ok {
		return invalid("noTarget", "an operation without path has to add or replace an object")
	}
	for name, v := range attributes {
		if extension, ok := v.(map[string]any); ok && strings.HasPrefix(strings.ToLower(name), "urn:") && !isCore(name) && !strings.EqualFold(splitPath(name).name, "manager") {
			if w.app.options.Quirks.SplitExtensionPaths {
				if _, there := w.attributes[name]; there {
					w.attributes[name] = extension // not merged with what is there
				} else {
					w.split(name, extension)
				}
				continue
			}
			for sub, v := range extension {
				if p := w.applyPath(op, name+":"+sub, v); p != nil {
					return p
				}
			}
			continue
		}
		if p := w.apply(op, name, v); p != nil {
			return p
		}
	}
	return nil
}

// applyAttribute changes an attribute, or one sub-attribute of it.
func applyAttribute(op string, m map[string]any, t target, value any) *problem {
	key, existing, _ := lookup(m, t.name)
	if t.sub != "" {
		return applySub(op, m, key, existing, t, value)
	}
	if op == "remove" {
		list, isList := existing.([]any)
		if value == nil || !isList {
			delete(m, key)
			return nil
		}
		m[key] = without(list, value)
		return nil
	}
	list, isList := existing.([]any)
	switch {
	case op == "add" && (isList || multiValued(t.attributePath)):
		added, ok := value.([]any)
		if !ok {
			added = []any{value}
		}
		m[key] = union(list, added)
	default:
		object, isObject := existing.(map[string]any)
		changes, changesObject := value.(map[string]any)
		if !isObject || !changesObject {
			m[key] = value
			return nil
		}
		for name, v := range changes {
			sub, _, _ := lookup(object, name)
			object[sub] = v
		}
	}
	return nil
}

func applySub(op string, m map[string]any, key string, existing any, t target, value any) *problem {
	if existing == nil {
		if op == "remove" {
			return nil
		}
		existing = map[string]any{}
		m[key] = existing
		if multiValued(t.attributePath) {
			m[key] = []any{existing}
		}
	}
	found := false
	for _, element := range elements(m, key) {
		if object, ok := element.(map[string]any); ok {
			setSub(op, object, t.sub, value)
			found = true
		}
	}
	if !found {
		return invalid("invalidPath", fmt.Sprintf("%s has no sub-attributes", t.name))
	}
	return nil
}

func setSub(op string, object map[string]any, sub string, value any) {
	name, _, _ := lookup(object, sub)
	if op == "remove" {
		delete(object, name)
		return
	}
	object[name] = value
}
