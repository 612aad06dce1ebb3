package sampleapp

import (
	"reflect"
	"strings"
)

// Schema URNs.
const (
	schemaUser       = "urn:ietf:params:scim:schemas:core:2.0:User"
	schemaGroup      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	schemaEnterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
)

// lookup finds a name without regard to case and gives it as it is written in
// the map.
func lookup(m map[string]any, name string) (key string, value any, ok bool) {
	if value, ok := m[name]; ok {
		return name, value, true
	}
	for key, value := range m {
		if strings.EqualFold(key, name) {
			return key, value, true
		}
	}
	return name, nil, false
}

// container gives the map that holds an attribute of that schema: the
// resource itself for the core schemas, nil when there is no such extension.
func container(resource map[string]any, urn string) map[string]any {
	if isCore(urn) {
		return resource
	}
	_, value, _ := lookup(resource, urn)
	m, _ := value.(map[string]any)
	return m
}

func isCore(urn string) bool {
	return urn == "" || strings.EqualFold(urn, schemaUser) || strings.EqualFold(urn, schemaGroup)
}

// elements gives an attribute's values: those of a list one by one, nothing
// for what is absent.
func elements(m map[string]any, name string) []any {
	_, value, ok := lookup(m, name)
	if !ok || value == nil {
		return nil
	}
	if list, ok := value.([]any); ok {
		return list
	}
	return []any{value}
}

// multiValued tells whether an attribute holds a list.
func multiValued(path attributePath) bool {
	if !isCore(path.urn) {
		return false
	}
	switch strings.ToLower(path.name) {
	case "emails", "phonenumbers", "ims", "photos", "addresses", "groups", "entitlements", "roles", "x509certificates", "members", "schemas":
		return true
	}
	return false
}

// tidy brings what a client sent into the form that is kept: no nulls, no
// empty lists and objects (RFC 7643 section 2.5), booleans as such, a manager
// as an object, names of the core schemas as they are defined.
func (a *App) tidy(resource map[string]any) *problem {
	for key, value := range resource {
		if canonical, ok := canonicalNames[strings.ToLower(key)]; ok && canonical != key {
			delete(resource, key)
			resource[canonical] = value
		}
	}
	if p := a.tidyBoolean(resource, "active"); p != nil {
		return p
	}
	for key, value := range resource {
		extension, ok := value.(map[string]any)
		if !ok || !strings.EqualFold(key, schemaEnterprise) {
			continue
		}
		if name, manager, ok := lookup(extension, "manager"); ok {
			if list, ok := manager.([]any); ok && len(list) == 1 {
				manager = list[0]
			}
			switch m := manager.(type) {
			case string:
				manager = map[string]any{"value": m}
			case map[string]any:
				delete(m, "$ref")
			}
			extension[name] = manager
		}
	}
	for key, value := range resource {
		if multiValued(splitPath(key)) {
			list, ok := value.([]any)
			if !ok && value != nil {
				list = []any{value}
				resource[key] = list
			}
			for _, element := range list {
				if m, ok := element.(map[string]any); ok {
					if p := a.tidyBoolean(m, "primary"); p != nil {
						return p
					}
				}
			}
			onePrimary(list)
		}
	}
	prune(resource)
	return nil
}

func (a *App) tidyBoolean(m map[string]any, name string) *problem {
	key, value, _ := lookup(m, name)
	text, ok := value.(string)
	if !ok || a.options.Quirks.StoreTextBooleans {
		return nil
	}
	if !a.options.Quirks.RefuseTextBooleans {
		switch strings.ToLower(text) {
		case "true":
			m[key] = true
			return nil
		case "false":
			m[key] = false
			return nil
		}
	}
	return invalid("invalidValue", name+" has to be a boolean")
}

// onePrimary leaves the last of several primary elements.
func onePrimary(list []any) {
	seen := false
	for i := len(list) - 1; i >= 0; i-- {
		m, ok := list[i].(map[string]any)
		if !ok || m["primary"] != true {
			continue
		}
		if seen {
			m["primary"] = false
		}
		seen = true
	}
}

// prune removes nulls, empty lists and empty objects, and reports whether
// nothing is left.
func prune(m map[string]any) bool {
	for key, value := range m {
		switch v := value.(type) {
		case nil:
			delete(m, key)
		case map[string]any:
			if prune(v) {
				delete(m, key)
			}
		case []any:
			kept := v[:0:0]
			for _, element := range v {
				if sub, ok := element.(map[string]any); element == nil || ok && prune(sub) {
					continue
				}
				kept = append(kept, element)
			}
			if len(kept) == 0 {
				delete(m, key)
			} else {
				m[key] = kept
			}
		}
	}
	return len(m) == 0
}

func sameValue(a, b any) bool { return reflect.DeepEqual(a, b) }

// mentions gives the first of the names that stands in the resource, by the
// text of its path: "title", "name.givenName", "urn:…:User:department".
func mentions(resource map[string]any, names []string) (string, bool) {
	for _, name := range names {
		path := splitPath(name)
		for _, element := range elements(container(resource, path.urn), path.name) {
			if path.sub == "" {
				return name, true
			}
			if m, ok := element.(map[string]any); ok && len(elements(m, path.sub)) > 0 {
				return name, true
			}
		}
	}
	return "", false
}

// canonicalNames are the core attributes by their name in lower case.
var canonicalNames = func() map[string]string {
	names := map[string]string{
		strings.ToLower(schemaEnterprise): schemaEnterprise,
		"id":                              "id", "externalid": "externalId", "schemas": "schemas", "meta": "meta",
	}
	for _, s := range schemas {
		if s.ID != schemaEnterprise {
			for _, d := range s.Attributes {
				names[strings.ToLower(d.Name)] = d.Name
			}
		}
	}
	return names
}()
