package sampleapp

import (
	"net/http"
	"strconv"
	"strings"
)

const schemaList = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

// list answers searches and lists (RFC 7644 section 3.4.2).
func (a *App) list(c *call) (answer, *problem) {
	q := a.options.Quirks
	if q.MaxCount > 0 {
		if count, err := strconv.Atoi(c.query.Get("count")); err == nil && count > q.MaxCount {
			return answer{}, &problem{status: http.StatusInternalServerError, detail: "count is too large"}
		}
	}
	if out, p := a.refuseFilter(c); p != nil || out.status != 0 {
		return out, p
	}
	a.mu.Lock()
	if a.collection(c.typ).deleted > 0 {
		a.collection(c.typ).compact()
	}
	a.mu.Unlock()

	a.mu.RLock()
	defer a.mu.RUnlock()
	found := a.visible(a.candidates(c))
	start, count := a.window(c, len(found))
	page := found[min(start-1, len(found)):]
	page = page[:min(count, len(page))]

	total := len(found)
	if q.TotalIsPageSize {
		total = len(page)
	}
	out := make([]byte, 0, 256+1024*len(page))
	out = append(out, `{"schemas":["`+schemaList+`"],"totalResults":`...)
	out = strconv.AppendInt(out, int64(total), 10)
	out = append(out, `,"startIndex":`...)
	out = strconv.AppendInt(out, int64(start), 10)
	out = append(out, `,"itemsPerPage":`...)
	out = strconv.AppendInt(out, int64(len(page)), 10)
	out = append(out, `,"Resources":[`...)
	for i, r := range page {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, a.represent(c, r)...)
	}
	out = append(out, "]}"...)
	return answer{status: http.StatusOK, body: out}, nil
}

// window gives the first index, from 1, and the length of the page asked for.
func (a *App) window(c *call, total int) (start, count int) {
	start, count = 1, a.options.PageSize
	if n, err := strconv.Atoi(c.query.Get("startIndex")); err == nil && n > 1 {
		start = n
	}
	if n, err := strconv.Atoi(c.query.Get("count")); err == nil && n < count {
		count = max(n, 0)
	}
	q := a.options.Quirks
	if q.SamePage || q.PastEndRestarts && start > total {
		start = 1
	}
	return start, count
}

// refuseFilter plays the quirks that refuse a filter.
func (a *App) refuseFilter(c *call) (answer, *problem) {
	q := a.options.Quirks
	if c.operation != Search {
		return answer{}, nil
	}
	if q.NoQuoteInFilter && strings.Contains(c.query.Get("filter"), `\"`) {
		return answer{}, invalid("invalidFilter", "unexpected token in the filter")
	}
	plainEquality, bracket := true, false
	c.filter.root.walk(func(n *filterNode) {
		plainEquality = plainEquality && n.kind == "compare" && n.operator == "eq"
		bracket = bracket || n.kind == "["
	})
	if q.FilterMailOnly && !plainEquality {
		return answer{
			status: http.StatusInternalServerError, contentType: "text/html; charset=utf-8",
			body: []byte("<!DOCTYPE html><html><body>Internal Server Error</body></html>"),
		}, nil
	}
	if q.NoNestedFilter && bracket {
		return answer{}, invalid("invalidFilter", "brackets are not understood")
	}
	return answer{}, nil
}

// candidates gives the resources that meet the filter, in order of creation.
func (a *App) candidates(c *call) []*resource {
	q, all := a.options.Quirks, a.collection(c.typ)
	if c.operation == List || q.IgnoreFilter {
		return all.order
	}
	filter := c.filter
	nested := false
	filter.root.walk(func(n *filterNode) { nested = nested || n.path.urn != "" || n.path.sub != "" })
	if q.NoNestedFilter && nested {
		return nil
	}
	value, attribute := filter.equality()
	if q.FilterMailOnly {
		filter = Filter{&filterNode{kind: "compare", operator: "eq", path: attributePath{name: "emails"}, value: value}}
		attribute = ""
	}
	from := all.order
	nameAttribute := "username"
	if c.typ == Group {
		nameAttribute = "displayname"
	}
	switch attribute {
	case "id":
		from = nil
		if r := all.byID[value]; r != nil {
			from = []*resource{r}
		}
	case "externalid":
		from = all.byExternal[value]
	case nameAttribute:
		from = all.byName[fold(value)]
		if !q.CaseExactFilter {
			return from
		}
		var exact []*resource
		for _, r := range from {
			if r.name == value {
				exact = append(exact, r)
			}
		}
		return exact
	}
	asksMembers := false
	filter.root.walk(func(n *filterNode) { asksMembers = asksMembers || strings.EqualFold(n.path.name, "members") })
	var found []*resource
	for _, r := range from {
		if filter.Matches(a.view(r, c.base, asksMembers)) {
			found = append(found, r)
		}
	}
	return found
}

// view gives the resource as filters see it.
func (a *App) view(r *resource, base string, members bool) map[string]any {
	m := r.attributes()
	m["id"] = r.id
	about := a.meta(r, base)
	m["meta"] = map[string]any{
		"resourceType": about.ResourceType, "created": about.Created, "lastModified": about.LastModified,
		"location": about.Location, "version": about.Version,
	}
	if members {
		m["members"] = r.members.json()
	}
	return m
}

// visible leaves out what the search does not know yet.
func (a *App) visible(found []*resource) []*resource {
	if a.options.SearchLag <= 0 {
		return found
	}
	horizon := a.options.Now().Add(-a.options.SearchLag)
	var seen []*resource
	for _, r := range found {
		if !r.created.After(horizon) {
			seen = append(seen, r)
		}
	}
	return seen
}
