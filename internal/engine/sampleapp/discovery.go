package sampleapp

import (
	"encoding/json"
	"net/http"
	"strings"
)

// attributeDefinition describes an attribute (RFC 7643 section 7).
type attributeDefinition struct {
	Name           string                `json:"name"`
	Type           string                `json:"type"`
	MultiValued    bool                  `json:"multiValued"`
	Required       bool                  `json:"required"`
	CaseExact      bool                  `json:"caseExact"`
	Mutability     string                `json:"mutability"`
	Returned       string                `json:"returned"`
	Uniqueness     string                `json:"uniqueness"`
	ReferenceTypes []string              `json:"referenceTypes,omitempty"`
	SubAttributes  []attributeDefinition `json:"subAttributes,omitempty"`
}

type schemaDefinition struct {
	Schemas    []string              `json:"schemas"`
	ID         string                `json:"id"`
	Name       string                `json:"name"`
	Attributes []attributeDefinition `json:"attributes"`
}

func define(name, typ string) attributeDefinition {
	return attributeDefinition{Name: name, Type: typ, Mutability: "readWrite", Returned: "default", Uniqueness: "none"}
}

func texts(names ...string) []attributeDefinition {
	list := make([]attributeDefinition, len(names))
	for i, name := range names {
		list[i] = define(name, "string")
	}
	return list
}

func complexOf(name string, many bool, subs ...attributeDefinition) attributeDefinition {
	d := define(name, "complex")
	d.MultiValued, d.SubAttributes = many, subs
	return d
}

func plural(name string) attributeDefinition {
	return complexOf(name, true, append(texts("value", "display", "type"), define("primary", "boolean"))...)
}

func with(d attributeDefinition, change func(*attributeDefinition)) attributeDefinition {
	change(&d)
	return d
}

func referenceTo(name string, types ...string) attributeDefinition {
	return with(define(name, "reference"), func(d *attributeDefinition) { d.CaseExact, d.ReferenceTypes = true, types })
}

func identifier(name string) attributeDefinition {
	return with(define(name, "string"), func(d *attributeDefinition) { d.CaseExact = true })
}

func unique(name string) attributeDefinition {
	return with(define(name, "string"), func(d *attributeDefinition) { d.Required, d.Uniqueness = true, "server" })
}

var schemas = []schemaDefinition{
	{ID: schemaUser, Name: User, Attributes: append([]attributeDefinition{
		unique("userName"),
		identifier("externalId"),
		complexOf("name", false, texts("formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix")...),
		define("active", "boolean"),
		referenceTo("profileUrl", "external"),
		plural("emails"), plural("phoneNumbers"), plural("ims"), plural("photos"), plural("entitlements"), plural("roles"), plural("x509Certificates"),
		complexOf("addresses", true, append(texts("formatted", "streetAddress", "locality", "region", "postalCode", "country", "type"), define("primary", "boolean"))...),
		with(complexOf("groups", true, texts("value", "display", "type")...), func(d *attributeDefinition) { d.Mutability = "readOnly" }),
		with(define("password", "string"), func(d *attributeDefinition) { d.Mutability, d.Returned = "writeOnly", "never" }),
	}, texts("displayName", "nickName", "title", "userType", "preferredLanguage", "locale", "timezone")...)},
	{ID: schemaGroup, Name: Group, Attributes: []attributeDefinition{
		unique("displayName"),
		identifier("externalId"),
		complexOf("members", true, identifier("value"), referenceTo("$ref", User, Group), define("type", "string"), define("display", "string")),
	}},
	{ID: schemaEnterprise, Name: "EnterpriseUser", Attributes: append(
		texts("employeeNumber", "costCenter", "organization", "division", "department"),
		complexOf("manager", false, identifier("value"), referenceTo("$ref", User),
			with(define("displayName", "string"), func(d *attributeDefinition) { d.Mutability = "readOnly" })),
	)},
}

func init() {
	for i := range schemas {
		schemas[i].Schemas = []string{"urn:ietf:params:scim:schemas:core:2.0:Schema"}
	}
}

type object = map[string]any

// discover answers the discovery endpoints (RFC 7644 section 4).
func (a *App) discover(c *call) (answer, *problem) {
	if a.options.Quirks.NoDiscovery {
		return answer{}, notFound(c)
	}
	if c.query.Get("filter") != "" {
		return answer{}, &problem{status: http.StatusForbidden, detail: "discovery cannot be filtered"}
	}
	var body any
	switch strings.ToLower(c.typ) {
	case "serviceproviderconfig":
		body = a.serviceProviderConfig()
	case "resourcetypes":
		body = listOf(c.id, []object{
			{
				"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ResourceType"}, "id": User, "name": User, "endpoint": "/Users",
				"schema": schemaUser, "schemaExtensions": []object{{"schema": schemaEnterprise, "required": false}},
			},
			{
				"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ResourceType"}, "id": Group, "name": Group, "endpoint": "/Groups",
				"schema": schemaGroup,
			},
		}, func(o object) bool { return o["id"] == c.id })
	case "schemas":
		body = listOf(c.id, schemas, func(s schemaDefinition) bool { return strings.EqualFold(s.ID, c.id) })
	}
	if body == nil {
		return answer{}, notFound(c)
	}
	encoded, _ := json.Marshal(body) // plain data
	return answer{status: http.StatusOK, body: encoded}, nil
}

// listOf gives all as a list, or the one that is asked for, or nil.
func listOf[T any](id string, all []T, is func(T) bool) any {
	if id == "" {
		return object{
			"schemas": []string{schemaList}, "totalResults": len(all), "startIndex": 1, "itemsPerPage": len(all), "Resources": all,
		}
	}
	for _, one := range all {
		if is(one) {
			return one
		}
	}
	return nil
}

func (a *App) serviceProviderConfig() object {
	q := a.options.Quirks
	supported := func(yes bool) object { return object{"supported": yes} }
	scheme := object{"type": "oauthbearertoken", "name": "OAuth Bearer Token", "description": "a token in the Authorization header", "primary": true}
	return object{
		"schemas":               []string{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"},
		"patch":                 supported(!q.NoPatch),
		"bulk":                  object{"supported": q.AnnounceAll, "maxOperations": 1000, "maxPayloadSize": 1 << 20},
		"filter":                object{"supported": true, "maxResults": a.options.PageSize},
		"changePassword":        supported(false),
		"sort":                  supported(q.AnnounceAll),
		"etag":                  supported(true),
		"authenticationSchemes": []object{scheme},
	}
}
