package sampleapp

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// Quirks make the app behave like servers that people deploy. Each is one
// departure from the standard; they can be combined.
type Quirks struct {
	// Filters.
	IgnoreFilter        bool // everybody comes back
	FilterMailOnly      bool // eq compares mail addresses whatever is asked; anything else is an HTML page with 500
	CaseExactFilter     bool // eq on userName and displayName is case-exact; uniqueness is not
	CaseExactUniqueness bool // names that differ only in case can both exist
	NoNestedFilter      bool // silently nothing for urn:… and sub-attributes, 400 for a filter in brackets
	NoQuoteInFilter     bool // 400 when the value holds \"

	// Lists.
	TotalIsPageSize bool // totalResults counts the page alone
	PastEndRestarts bool // a startIndex past the end gives the first page again
	SamePage        bool // every page is the first one
	MaxCount        int  // a count above it is answered with 500

	// Groups.
	HideMembers             bool // members are never shown
	RemoveByValueEmpties    bool // remove with path members and a value empties the group
	RemoveByFilterIgnored   bool // remove of members[value eq "…"] does nothing
	RemoveAllIgnored        bool // remove of members does nothing
	RemoveAllRefused        bool // remove of members is 400
	KeepDuplicateMembers    bool
	RefuseUnknownMembers    bool // a member that does not exist is 400
	MembersPerRequest       int  // more members in one request are 413
	DisplayNameNotUnique    bool // groups may share a displayName
	RefuseMemberReplacement bool // replace of members is 400

	// Writes.
	IgnoreActivePatch   bool // a patch of active is answered with 200 and not applied
	RefuseActivePatch   bool // a patch of active is 400
	StoreTextBooleans   bool // "False" is stored as text
	RefuseTextBooleans  bool // "False" is 400
	NoPathlessPatch     bool // a patch operation without path is 500
	AddNeedsElement     bool // add to a missing emails[type eq "work"] is 400 noTarget as well
	SplitExtensionPaths bool // an extension's path is split at its first dot, and an extension given as an object replaces it
	PatchFails          bool // a patch that changes something is applied and answered with 500
	PatchIgnored        bool // a patch is answered with 200 and not applied
	NoPatch             bool // PATCH is 501, and announced so
	NoopIsNoContent     bool // 204 for a patch that changes nothing, 200 with the resource for others
	CreateAsText        bool // 201 has the content type text/plain
	CreateWithoutID     bool // 201 without an id
	DeleteWithBody      bool // DELETE is answered with 200 and the resource
	DeleteGoneFails     bool // a second DELETE is 500
	DropAttributes      []string
	RefuseAttributes    []string // 400 when one of these stands in a request
	RequireAttributes   []string // 400 when one of these is missing in a create
	IDIsName            bool     // the id is the userName or displayName, and follows a rename
	SlashInIDs          bool
	WriteWithoutBody    bool // POST is 201 with the Location alone
	TimesWithoutZone    bool

	// Everything else.
	NoDiscovery     bool // 404 for ServiceProviderConfig, ResourceTypes and Schemas
	AnnounceAll     bool // bulk and sort are announced and refused
	AuthFailureIsOK bool // 200 with something that is not SCIM
	Errors          ErrorStyle
}

// ParseQuirks reads quirks from a JSON object whose keys are the names of the
// fields; of an empty text, none.
func ParseQuirks(text string) (Quirks, error) {
	var q Quirks
	if text == "" {
		return q, nil
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&q); err != nil {
		var names []string
		for _, field := range reflect.VisibleFields(reflect.TypeFor[Quirks]()) {
			names = append(names, field.Name)
		}
		return Quirks{}, fmt.Errorf("quirks: %w; they are a JSON object with keys of %s", err, strings.Join(names, ", "))
	}
	return q, nil
}

// ErrorStyle is the form of error answers.
type ErrorStyle uint8

// The styles of errors.
const (
	ErrorsStandard ErrorStyle = iota
	ErrorsHTML
	ErrorsText
	ErrorsNumericStatus
	ErrorsDetailList
	ErrorsWithoutStatus
)
