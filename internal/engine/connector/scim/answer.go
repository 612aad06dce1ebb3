package scim

import (
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/lazyjson"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/web"
)

// Codes of the provisioning log.
const (
	codeConflict      = "Conflict"
	codeEntryConflict = "EntryConflict"
	codeThrottled     = "TooManyRequests"
	codeServer        = "InternalServerError"
	codeRights        = "InsufficientRights"
	codeMethod        = "MethodNotAllowed"
	codeNotPermitted  = "NotPermitted"
	codeUnauthorized  = "Unauthorized"
	codeUnprocessable = "UnprocessableEntity"
	codeProtocol      = "WebExceptionProtocolError"
	codeInvalidAnchor = "InvalidAnchor"
	codeNotOffered    = "NotImplemented"
	codeMandatory     = "MandatoryFieldsMissing"
	codeNoAttribute   = "SchemaAttributeNotFound"
	codeInvalidValue  = "AttributeValidationFailed"
	codeInternal      = "InternalError"
	codeTimeout       = "Timeout"
	codeMultiple      = "SystemForCrossDomainIdentityManagementMultipleEntriesInResponse"
	codeIncompatible  = "SystemForCrossDomainIdentityManagementServiceIncompatible"
)

func rejected(code, detail string, err error) *connector.Error {
	return &connector.Error{Class: connector.Rejected, Code: code, Detail: detail, Err: err}
}

// incompatible is an answer that is not SCIM. After a write nobody knows what
// it means.
func incompatible(r request, detail, advice string) *connector.Error {
	class := connector.Rejected
	if r.writes() {
		class = connector.Unknown
	}
	return &connector.Error{Class: class, Code: codeIncompatible, Detail: detail, Advice: advice}
}

// scimError is what is understood of an error body (RFC 7644 section 3.12),
// read leniently: servers leave out status, or give a list as detail.
type scimError struct {
	scimType string
	detail   string
}

// problem classifies an answer that is no success.
func (t *target) problem(r response) *connector.Error {
	told := readError(r)
	out := &connector.Error{Class: connector.Rejected, Detail: r.describe(told)}
	writes := r.request.writes()
	switch {
	case r.status >= 300 && r.status < 400:
		out.Class, out.Code = connector.Fatal, codeProtocol
		out.Detail = fmt.Sprintf("%s redirects to %s, which is not followed", t.base.Host, shorten(r.redacted(r.header.Get("Location"))))
		out.Advice = "give base_url the address that requests are to go to in the end"
	case r.status == http.StatusUnauthorized:
		out.Class, out.Code = connector.Denied, codeUnauthorized
		out.Advice = "check the credential: it may be wrong, expired or revoked"
	case r.status == http.StatusForbidden:
		out.Code = codeRights
	case r.status == http.StatusNotFound || r.status == http.StatusGone:
		out.Class, out.Code = connector.Gone, codeInvalidAnchor
		if r.request.id == "" {
			out.Class, out.Code = connector.Rejected, codeNotOffered
		}
	case r.status == http.StatusMethodNotAllowed:
		out.Code = codeMethod
	case r.status == http.StatusConflict, told.scimType == "uniqueness":
		out.Class, out.Code = connector.Conflict, codeConflict
		if r.request.method == http.MethodPost {
			out.Code = codeEntryConflict
		}
	case r.status == http.StatusPreconditionFailed:
		out.Class, out.Code = connector.Transient, codeConflict
		out.Advice = "the account was changed meanwhile; it is read again"
	case r.status == http.StatusNotImplemented:
		out.Code = codeNotOffered
	case r.status >= 500 && writes:
		// A gateway may give up while the app goes on. An app that says when to come
		// again says that it did nothing.
		out.Class, out.Code = connector.Unknown, codeServer
		if r.status == http.StatusServiceUnavailable {
			out.Overloaded, out.RetryAt = true, web.RetryAt(r.header.Get("Retry-After"), t.now())
			if r.header.Get("Retry-After") != "" {
				out.Class = connector.Throttled
			}
		}
	case r.status == http.StatusServiceUnavailable:
		out.Class, out.Code, out.Overloaded = connector.Throttled, codeServer, true
		out.RetryAt = web.RetryAt(r.header.Get("Retry-After"), t.now())
	case r.status >= 500:
		out.Class, out.Code = connector.Transient, codeServer
	default:
		out.Code = refusalCode(told)
	}
	return out
}

// refusalCode names why a request was refused with a status of 400 or another
// that has no meaning of its own.
func refusalCode(told scimError) string {
	switch told.scimType {
	case "invalidvalue", "":
		detail := strings.ToLower(told.detail)
		if strings.Contains(detail, "required") || strings.Contains(detail, "missing") {
			return codeMandatory
		}
		if told.scimType == "" {
			return codeUnprocessable
		}
		return codeInvalidValue
	case "invalidpath":
		return codeNoAttribute
	case "mutability", "sensitive":
		return codeNotPermitted
	}
	return codeUnprocessable
}

// throttled reports whether an answer, of whatever status, says that there are
// too many requests.
func (t *target) throttled(r response) bool {
	if r.status == http.StatusTooManyRequests {
		return true
	}
	for _, symptom := range t.dialect.Throttled {
		if symptom.Status == r.status && strings.Contains(strings.ToLower(r.body), strings.ToLower(symptom.Contains)) {
			return true
		}
	}
	return false
}

func (t *target) throttle(r response) *connector.Error {
	return &connector.Error{
		Class: connector.Throttled, Code: codeThrottled, Detail: r.describe(readError(r)), Overloaded: true,
		RetryAt: web.RetryAt(r.header.Get("Retry-After"), t.now()),
	}
}

// describe tells an answer in one line, without secrets.
func (r response) describe(told scimError) string {
	out := fmt.Sprintf("HTTP %d", r.status)
	if told.scimType != "" {
		out += " " + told.scimType
	}
	if told.detail != "" {
		out += ": " + told.detail
	}
	return out
}

func readError(r response) scimError {
	body, err := decodeResource(r.body)
	if err != nil {
		return scimError{detail: shorten(r.redacted(r.body))}
	}
	out := scimError{scimType: strings.ToLower(shorten(body.text("scimType")))}
	for _, name := range []string{"detail", "message", "msg", "error_description", "description", "error", "title"} {
		_, value, _ := body.Lookup(name)
		if out.detail = flatten(value); out.detail != "" {
			break
		}
	}
	if out.detail == "" {
		if _, list, ok := body.Lookup("Errors"); ok { // SCIM 1.1
			out.detail = flatten(list)
		}
	}
	if out.detail == "" {
		out.detail = r.body
	}
	out.detail = shorten(r.redacted(out.detail))
	return out
}

// flatten makes one text of a detail, whatever its form.
func flatten(value lazyjson.Value) string {
	switch value.Kind() {
	case lazyjson.KindText:
		text, _ := value.AsText()
		return text
	case lazyjson.KindArray:
		var parts []string
		for element := range value.Elements() {
			if part := flatten(element); part != "" {
				parts = append(parts, part)
			}
		}
		return strings.Join(parts, "; ")
	case lazyjson.KindObject:
		for _, name := range []string{"description", "message", "detail"} {
			_, member, _ := value.Lookup(name)
			if part := flatten(member); part != "" {
				return part
			}
		}
	}
	return ""
}

// shorten makes one line of at most 300 characters of a foreign text.
func shorten(text string) string {
	const most = 300
	text = withoutTags(text[:min(len(text), 20*most)])
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !unicode.IsGraphic(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// withoutTags leaves the text of an HTML page, without its scripts and styles.
func withoutTags(text string) string {
	var out strings.Builder
	for text != "" {
		before, tag, found := strings.Cut(text, "<")
		out.WriteString(before)
		if !found {
			break
		}
		if tag == "" || !strings.ContainsRune("/!", rune(tag[0])) && !unicode.IsLetter(rune(tag[0])) {
			out.WriteByte('<') // as in "a < b"
			text = tag
			continue
		}
		out.WriteByte(' ')
		name := strings.ToLower(tag[:min(len(tag), len("script"))])
		for _, hidden := range []string{"script", "style"} {
			if strings.HasPrefix(name, hidden) {
				_, tag, _ = strings.Cut(tag, "</")
			}
		}
		_, text, _ = strings.Cut(tag, ">")
	}
	return out.String()
}
