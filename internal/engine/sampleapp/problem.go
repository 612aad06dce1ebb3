package sampleapp

import (
	"encoding/json"
	"html"
	"net/http"
	"strconv"
)

const schemaError = "urn:ietf:params:scim:api:messages:2.0:Error"

// problem is a refusal (RFC 7644 section 3.12).
type problem struct {
	status   int
	scimType string
	detail   string
}

func invalid(scimType, detail string) *problem {
	return &problem{status: http.StatusBadRequest, scimType: scimType, detail: detail}
}

func (a *App) fail(p *problem) answer {
	out := answer{status: p.status, header: http.Header{}}
	body := map[string]any{"schemas": []string{schemaError}, "detail": p.detail}
	if p.scimType != "" {
		body["scimType"] = p.scimType
	}
	switch a.options.Quirks.Errors {
	case ErrorsHTML:
		out.contentType = "text/html; charset=utf-8"
		out.body = []byte("<!DOCTYPE html><html><head><title>Error</title></head><body><pre>" + html.EscapeString(p.detail) + "</pre></body></html>")
		return out
	case ErrorsText:
		out.contentType = "text/plain; charset=utf-8"
		out.body = []byte(p.detail)
		return out
	case ErrorsNumericStatus:
		body["status"] = p.status
	case ErrorsDetailList:
		body["detail"] = []string{p.detail, "see the manual"}
	case ErrorsWithoutStatus:
	default:
		body["status"] = strconv.Itoa(p.status)
	}
	out.body, _ = json.Marshal(body) // texts and numbers alone
	return out
}
