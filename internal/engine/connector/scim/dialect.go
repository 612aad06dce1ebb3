package scim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Dialect tells in what a server departs from RFC 7643 and RFC 7644. The zero
// value is the standard. A template holds it as JSON.
type Dialect struct {
	// Patch is the form of PATCH requests.
	Patch PatchStyle `json:"patch,omitempty"`
	// Put sends the whole account, as read and then changed, in place of every PATCH.
	Put bool `json:"put,omitempty"`
	// MemberRemoval is how members are taken out of a group. Empty: the form of
	// the patch style first, and what works when that does not.
	MemberRemoval MemberRemoval `json:"member_removal,omitempty"`
	// MembersPerRequest is the most members added or removed in one request;
	// 0: 100, negative: no bound.
	MembersPerRequest int `json:"members_per_request,omitempty"`
	// ReadMembersFirst: the server keeps a member twice that is added twice.
	ReadMembersFirst bool `json:"read_members_first,omitempty"`
	// BooleansAsText sends "True" and "False" in patches.
	BooleansAsText bool `json:"booleans_as_text,omitempty"`
	// ExtensionObject patches extension attributes by an object under the
	// schema's URN, without path: for servers that split a path at each dot.
	ExtensionObject bool `json:"extension_object,omitempty"`

	// Filterable names, by object type, the attributes that the server filters
	// by as it should. Others are not searched for. Absent: each attribute is
	// tried with a value that exists before an empty answer is believed.
	Filterable map[string][]directory.Path `json:"filterable,omitempty"`
	// PageSize is the count asked for in lists; 0: 100.
	PageSize int `json:"page_size,omitempty"`
	// NoList: accounts cannot be listed.
	NoList bool `json:"no_list,omitempty"`
	// NoDiscovery: the discovery endpoints are not asked.
	NoDiscovery bool `json:"no_discovery,omitempty"`
	// Unreadable names attributes that are never returned, by object type.
	Unreadable map[string][]directory.Path `json:"unreadable,omitempty"`
	// NoDisable and NoDelete name object types that cannot be disabled or deleted.
	NoDisable []string `json:"no_disable,omitempty"`
	NoDelete  []string `json:"no_delete,omitempty"`

	SearchLag         Duration          `json:"search_lag,omitzero"`
	RequestsPerSecond float64           `json:"requests_per_second,omitempty"`
	Concurrency       int               `json:"concurrency,omitempty"`
	Headers           map[string]string `json:"headers,omitempty"` // sent with each request
	// Throttled tells answers that mean "too many requests" and do not say so by
	// their status.
	Throttled []Symptom `json:"throttled,omitempty"`
}

// PatchStyle is a form of PATCH requests.
type PatchStyle string

// The patch styles. The two of Entra are for servers written against it.
const (
	PatchRFC         PatchStyle = ""             // RFC 7644: lower case, real types, one operation a path
	PatchEntra       PatchStyle = "entra"        // Entra's default
	PatchEntraCompat PatchStyle = "entra_compat" // Entra with aadOptscim062020
)

// MemberRemoval is a form of taking members out of a group.
type MemberRemoval string

// The forms of member removal.
const (
	RemoveByFilter MemberRemoval = "filter"  // path members[value eq "…"]
	RemoveByValue  MemberRemoval = "value"   // path members, with a list of values
	RemoveReplace  MemberRemoval = "replace" // the remaining members, as a whole
)

// Symptom is an answer by its status and a part of its body.
type Symptom struct {
	Status   int    `json:"status"`
	Contains string `json:"contains"` // folded case; empty: any body
}

// Duration is a time.Duration whose JSON is text like "60s".
type Duration time.Duration

// UnmarshalText reads what time.ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err == nil && parsed < 0 {
		err = fmt.Errorf("duration %q is negative", text)
	}
	*d = Duration(parsed)
	return err
}

// MarshalText writes what UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// parseDialect reads a dialect. An unknown key is an error.
func parseDialect(data json.RawMessage) (Dialect, error) {
	var d Dialect
	if err := strictJSON(data, &d); err != nil {
		return d, fmt.Errorf("dialect of the template: %w", err)
	}
	switch d.Patch {
	case "rfc":
		d.Patch = PatchRFC
	case PatchRFC, PatchEntra, PatchEntraCompat:
	default:
		return d, fmt.Errorf("dialect of the template: patch is %q; it may be rfc, entra or entra_compat", d.Patch)
	}
	switch d.MemberRemoval {
	case "", RemoveByFilter, RemoveByValue, RemoveReplace:
	default:
		return d, fmt.Errorf("dialect of the template: member_removal is %q; it may be filter, value or replace", d.MemberRemoval)
	}
	if d.PageSize < 0 || d.RequestsPerSecond < 0 || d.Concurrency < 0 {
		return d, fmt.Errorf("dialect of the template: page_size, requests_per_second and concurrency cannot be negative")
	}
	return d, nil
}

// strictJSON decodes one JSON value and refuses unknown keys. Nothing and null
// leave into as it is.
func strictJSON(data json.RawMessage, into any) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return fmt.Errorf("something follows the JSON value")
	}
	return nil
}

func (d Dialect) pageSize() int {
	if d.PageSize > 0 {
		return d.PageSize
	}
	return 100
}

func (d Dialect) membersPerRequest() int {
	switch {
	case d.MembersPerRequest > 0:
		return d.MembersPerRequest
	case d.MembersPerRequest < 0:
		return 0
	}
	return 100
}

// removalForms gives the forms of member removal in the order of trying.
func (d Dialect) removalForms() []MemberRemoval {
	switch {
	case d.MemberRemoval != "":
		return []MemberRemoval{d.MemberRemoval}
	case d.Patch == PatchEntra:
		return []MemberRemoval{RemoveByValue, RemoveByFilter, RemoveReplace}
	}
	return []MemberRemoval{RemoveByFilter, RemoveByValue, RemoveReplace}
}

// textBooleans reports whether patches write booleans as text.
func (d Dialect) textBooleans() bool { return d.BooleansAsText || d.Patch == PatchEntra }

func (d Dialect) unreadable(typ string, path directory.Path) bool {
	return slices.ContainsFunc(d.Unreadable[typ], func(p directory.Path) bool { return samePath(p, path) })
}

// samePath compares paths as SCIM does, without case.
func samePath(one, other directory.Path) bool {
	a, b := one.Parts(), other.Parts()
	return strings.EqualFold(a.Name, b.Name) && strings.EqualFold(a.Sub, b.Sub) && strings.EqualFold(a.URN, b.URN) &&
		strings.EqualFold(a.Where.Attribute, b.Where.Attribute) && strings.EqualFold(a.Where.Value, b.Where.Value) && a.Where.Quoted == b.Where.Quoted
}
