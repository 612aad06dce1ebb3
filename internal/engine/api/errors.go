package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

var (
	errEnding = &Error{
		Code: CodeUnavailable, Summary: "The agent is ending",
		Detail: "it stopped before the request was done", Advice: "Try again.",
	}
	errRemote = &Error{
		Code: CodeConflict, Summary: "The agent does not do this over the network",
		Detail: "it concerns the machine that the agent runs on", Advice: "Run the command there, with --data-dir.",
	}
	// The log has what an unforeseen error said: it may hold what a caller should
	// not see.
	errFault = &Error{
		Code: CodeInternal, Summary: "A fault in the engine",
		Detail: "the request could not be carried out", Advice: "Look for it in the agent's log, and report it.",
	}
)

// GetStatus gives the HTTP status that carries the error.
func (e *Error) GetStatus() int {
	switch e.Code {
	case CodeInvalid, CodeConnectionFailed:
		return http.StatusUnprocessableEntity
	case CodeUnauthorized:
		return http.StatusUnauthorized
	case CodeNotFound:
		return http.StatusNotFound
	case CodeExists, CodeInUse, CodeAmbiguous, CodeConflict, CodeIncompatible:
		return http.StatusConflict
	case CodeUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// requestError is an Error about the request itself, with a status of its own.
type requestError struct {
	fault
	status int
}

type fault = Error // a field named Error would hide the method

func (e *requestError) GetStatus() int { return e.status }

func init() { huma.NewError = newRequestError } // huma offers no other way

// newRequestError tells what huma found wrong with a request: where, and why,
// never the value, which may be a secret.
func newRequestError(status int, message string, faults ...error) huma.StatusError {
	if status == 0 {
		return &Error{} // huma asks what errors look like, for the document
	}
	code := CodeInvalid
	if status >= http.StatusInternalServerError {
		code = CodeInternal
	}
	details := make([]string, 0, len(faults))
	for _, fault := range faults {
		var detailer huma.ErrorDetailer
		if !errors.As(fault, &detailer) {
			details = append(details, fault.Error())
			continue
		}
		detail := detailer.ErrorDetail()
		text := detail.Message
		if detail.Location != "" {
			text = detail.Location + ": " + text
		}
		details = append(details, text)
	}
	return &requestError{
		fault: Error{
			Code: code, Summary: "The request cannot be used: " + message, Detail: strings.Join(details, "; "),
		},
		status: status,
	}
}

func writeError(w http.ResponseWriter, e *Error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.GetStatus())
	_ = json.NewEncoder(w).Encode(e) // a peer that is gone hears nothing
}
