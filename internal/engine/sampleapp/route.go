package sampleapp

import (
	"net/http"
	"net/url"
	"strings"
)

// OperationKind is what a request asks for.
type OperationKind string

// The kinds of operations.
const (
	Create   OperationKind = "create"   // POST
	Get      OperationKind = "get"      // GET by id
	Search   OperationKind = "search"   // GET with a filter
	List     OperationKind = "list"     // GET without
	Replace  OperationKind = "replace"  // PUT
	Patch    OperationKind = "patch"    // PATCH
	Delete   OperationKind = "delete"   // DELETE
	Discover OperationKind = "discover" // ServiceProviderConfig, ResourceTypes, Schemas
	Token    OperationKind = "token"    // POST for an access token
	Other    OperationKind = "other"    // anything else
)

// endpoint splits a request's path into what stands before the endpoint, the
// endpoint's name, and the id after it.
func endpoint(escapedPath string) (base, name, id string) {
	if base, ok := strings.CutSuffix(escapedPath, "/"+tokenEndpoint); ok {
		return base, tokenEndpoint, ""
	}
	segments := strings.Split(escapedPath, "/")
	for i, segment := range segments {
		switch strings.ToLower(segment) {
		case "users", "groups", "serviceproviderconfig", "resourcetypes", "schemas", "bulk":
			id, err := url.PathUnescape(strings.Join(segments[i+1:], "/"))
			if err != nil {
				return "", "", ""
			}
			return strings.Join(segments[:i], "/"), strings.ToLower(segment), id
		}
	}
	return "", "", ""
}

func (a *App) understand(r *http.Request, body []byte) *call {
	base, name, id := endpoint(r.URL.EscapedPath())
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	c := &call{
		operation: Other, typ: name, id: id, query: r.URL.Query(), header: r.Header,
		method: r.Method, base: scheme + "://" + r.Host + base, body: body,
	}
	switch name {
	case "users":
		c.typ = User
	case "groups":
		c.typ = Group
	case tokenEndpoint:
		if r.Method == http.MethodPost && a.options.ClientID != "" {
			c.operation = Token
		}
		return c
	case "bulk":
		c.problem = &problem{status: http.StatusForbidden, detail: "bulk is not offered"}
		return c
	case "":
		return c
	default:
		if r.Method == http.MethodGet {
			c.operation = Discover
		}
		return c
	}
	a.understandResource(c)
	return c
}

func (a *App) understandResource(c *call) {
	var err error
	switch {
	case c.method == http.MethodPost && c.id == "":
		c.operation = Create
		c.request, c.problem = a.parseResource(c.typ, c.body)
		c.name = c.request.name
	case c.method == http.MethodGet && c.id == "" && c.query.Get("filter") != "":
		c.operation = Search
		if c.filter, err = ParseFilter(c.query.Get("filter")); err != nil {
			c.problem = &problem{status: http.StatusBadRequest, scimType: "invalidFilter", detail: err.Error()}
			return
		}
		c.name, _ = c.filter.equality()
	case c.method == http.MethodGet && c.id == "":
		c.operation = List
		if c.name = c.query.Get("startIndex"); c.name == "" {
			c.name = "1"
		}
	case c.id == "":
	case c.method == http.MethodGet:
		c.operation = Get
	case c.method == http.MethodPut:
		c.operation = Replace
		c.request, c.problem = a.parseResource(c.typ, c.body)
	case c.method == http.MethodPatch:
		c.operation = Patch
		c.patch, c.problem = parsePatch(c.body)
	case c.method == http.MethodDelete:
		c.operation = Delete
	}
	if c.id != "" {
		a.mu.RLock()
		if r := a.collection(c.typ).byID[c.id]; r != nil {
			c.name = r.name
		}
		a.mu.RUnlock()
	}
	if c.operation == Other {
		c.problem = &problem{status: http.StatusMethodNotAllowed, detail: c.method + " is not offered here"}
	}
}
