package sampleapp

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

func notFound(c *call) *problem {
	return &problem{status: http.StatusNotFound, detail: fmt.Sprintf("resource %s not found", c.id)}
}

func (a *App) create(c *call) (answer, *problem) {
	q := a.options.Quirks
	if p := a.checkResource(c.request, true); p != nil {
		return answer{}, p
	}
	if p := a.checkMemberCount(c.request.members.len()); p != nil {
		return answer{}, p
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	r := c.request
	if p := a.insert(&r); p != nil {
		return answer{}, p
	}
	out := answer{status: http.StatusCreated, header: http.Header{}}
	out.header.Set("Location", r.location(c.base))
	out.header.Set("ETag", r.etag())
	if q.CreateAsText {
		out.contentType = "text/plain; charset=utf-8"
	}
	switch {
	case q.WriteWithoutBody:
	case q.CreateWithoutID:
		out.body = r.body
	default:
		out.body = a.represent(c, &r)
	}
	return out, nil
}

// insert adds the resource. The caller holds the lock.
func (a *App) insert(r *resource) *problem {
	if p := a.checkUnique(r, nil); p != nil {
		return p
	}
	if p := a.checkMembersExist(r.members); p != nil {
		return p
	}
	r.id = a.newID(r.typ, r.name)
	r.created = a.options.Now()
	r.modified, r.version = r.created, 1
	a.collection(r.typ).add(r)
	return nil
}

// checkUnique refuses a name that another resource has.
func (a *App) checkUnique(r, except *resource) *problem {
	q := a.options.Quirks
	if r.typ == Group && q.DisplayNameNotUnique {
		return nil
	}
	for _, other := range a.collection(r.typ).byName[fold(r.name)] {
		if other == except || q.CaseExactUniqueness && other.name != r.name {
			continue
		}
		return &problem{status: http.StatusConflict, scimType: "uniqueness", detail: fmt.Sprintf("%s %q exists already", r.typ, r.name)}
	}
	return nil
}

func (a *App) checkMembersExist(members *memberSet) *problem {
	if !a.options.Quirks.RefuseUnknownMembers {
		return nil
	}
	for m := range members.all() {
		if a.users.byID[m.value] == nil && a.groups.byID[m.value] == nil {
			return invalid("invalidValue", fmt.Sprintf("member %s does not exist", m.value))
		}
	}
	return nil
}

func (a *App) checkMemberCount(n int) *problem {
	if most := a.options.Quirks.MembersPerRequest; most > 0 && n > most {
		return &problem{status: http.StatusRequestEntityTooLarge, detail: fmt.Sprintf("at most %d members in one request", most)}
	}
	return nil
}

// checkResource plays the quirks that refuse attributes, or the lack of them.
func (a *App) checkResource(r resource, creating bool) *problem {
	if q := a.options.Quirks; len(q.RefuseAttributes) == 0 && len(q.RequireAttributes) == 0 {
		return nil
	}
	return a.checkAttributes(r.attributes(), creating)
}

func (a *App) checkAttributes(attributes map[string]any, creating bool) *problem {
	q := a.options.Quirks
	if name, found := mentions(attributes, q.RefuseAttributes); found {
		return invalid("invalidPath", fmt.Sprintf("attribute %s is not supported", name))
	}
	if creating {
		for _, name := range q.RequireAttributes {
			if _, found := mentions(attributes, []string{name}); !found {
				return invalid("invalidValue", fmt.Sprintf("attribute %s is required", name))
			}
		}
	}
	return nil
}

func (a *App) replace(c *call) (answer, *problem) {
	if p := a.checkResource(c.request, false); p != nil {
		return answer{}, p
	}
	if p := a.checkMemberCount(c.request.members.len()); p != nil {
		return answer{}, p
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
	if p := a.checkMembersExist(c.request.members); p != nil {
		return answer{}, p
	}
	if p := a.change(r, c.request.attributes(), func() { r.members = c.request.members }); p != nil {
		return answer{}, p
	}
	return a.changed(c, r), nil
}

// change gives the resource other attributes, and then calls also. Nothing is
// changed when there is a problem. The caller holds the lock.
func (a *App) change(r *resource, attributes map[string]any, also func()) *problem {
	after := *r
	if p := after.setAttributes(attributes); p != nil {
		return p
	}
	if p := a.checkUnique(&after, r); p != nil {
		return p
	}
	c := a.collection(r.typ)
	c.unindex(r)
	r.name, r.externalID, r.body = after.name, after.externalID, after.body
	c.index(r)
	if also != nil {
		also()
	}
	r.version++
	r.modified = a.options.Now()
	if a.options.Quirks.IDIsName && r.id != r.name {
		delete(c.byID, r.id)
		r.id = r.name
		c.byID[r.id] = r
	}
	return nil
}

// changed is the answer to a write that was carried out.
func (a *App) changed(c *call, r *resource) answer {
	out := answer{status: http.StatusOK, header: http.Header{}}
	out.header.Set("ETag", r.etag())
	if c.operation == Patch && r.typ == Group && c.query.Get("attributes") == "" {
		out.status = http.StatusNoContent
		return out
	}
	out.body = a.represent(c, r)
	return out
}

func (a *App) delete(c *call) (answer, *problem) {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.collection(c.typ).byID[c.id]
	if r == nil {
		if a.options.Quirks.DeleteGoneFails {
			return answer{}, &problem{status: http.StatusInternalServerError, detail: "nil pointer"}
		}
		return answer{}, notFound(c)
	}
	if p := precondition(c, r); p != nil {
		return answer{}, p
	}
	a.drop(r)
	if a.options.Quirks.DeleteWithBody {
		return answer{status: http.StatusOK, body: a.represent(c, r)}, nil
	}
	return answer{status: http.StatusNoContent}, nil
}

// drop removes a resource, and takes it out of the groups that it is in.
func (a *App) drop(r *resource) {
	a.collection(r.typ).remove(r)
	for _, group := range a.groups.byID {
		if group.members.has(r.id) {
			group.members.remove(r.id)
			group.version++
			group.modified = a.options.Now()
		}
	}
}

func (a *App) get(c *call) (answer, *problem) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	r := a.collection(c.typ).byID[c.id]
	if r == nil {
		return answer{}, notFound(c)
	}
	out := answer{status: http.StatusOK, header: http.Header{}}
	out.header.Set("ETag", r.etag())
	if c.header.Get("If-None-Match") == r.etag() {
		out.status = http.StatusNotModified
		return out, nil
	}
	out.body = a.represent(c, r)
	return out, nil
}

// Add puts a resource into the app as a create does, without a request. The
// attributes are what a client would send.
func (a *App) Add(typ string, attributes map[string]any) (id string, err error) {
	body, err := json.Marshal(attributes)
	if err != nil {
		return "", err
	}
	r, p := a.parseResource(typ, body)
	if p == nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		p = a.insert(&r)
	}
	if p != nil {
		return "", fmt.Errorf("%s: %s", typ, p.detail)
	}
	return r.id, nil
}

// Remove takes a resource out of the app, without a request, and reports
// whether it was there.
func (a *App) Remove(typ, id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.collection(typ).byID[id]
	if r == nil {
		return false
	}
	a.drop(r)
	return true
}

// Change applies attributes to a resource as a PATCH without path does,
// without a request: drift.
func (a *App) Change(typ, id string, attributes map[string]any) error {
	body, err := json.Marshal(map[string]any{"Operations": []any{map[string]any{"op": "replace", "value": attributes}}})
	if err != nil {
		return err
	}
	c := &call{operation: Patch, typ: typ, id: id}
	p := (*problem)(nil)
	if c.patch, p = parsePatch(body); p == nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		r := a.collection(typ).byID[id]
		if r == nil {
			return fmt.Errorf("%s %s does not exist", typ, id)
		}
		_, p = a.applyPatch(c, r)
	}
	if p != nil {
		return fmt.Errorf("%s %s: %s", typ, id, p.detail)
	}
	return nil
}

// touchesActive reports whether a patch concerns active.
func touchesActive(operations []patchOperation) bool {
	return slices.ContainsFunc(operations, func(o patchOperation) bool {
		if o.Path != "" {
			return strings.EqualFold(splitPath(o.Path).name, "active")
		}
		value, _ := o.Value.(map[string]any)
		_, _, ok := lookup(value, "active")
		return ok
	})
}
