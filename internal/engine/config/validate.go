package config

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

// maxName bounds names, which stand in paths, ids and messages.
const maxName = 128

func (p *Problems) name(field, name string) {
	switch {
	case name == "":
		p.add([]string{field}, "Missing "+field, "Give a %s.", field)
	case len(name) > maxName:
		p.add([]string{field}, "Too long", "The %s has %d bytes; %d are allowed.", field, len(name), maxName)
	case strings.ContainsFunc(name, unicode.IsControl):
		p.add([]string{field}, "Control character", "The %s %q holds a control character.", field, name)
	case strings.TrimSpace(name) != name:
		p.add([]string{field}, "Blank at an end", "The %s %q begins or ends in a blank.", field, name)
	}
}

// Validate checks the app by itself; package gallery knows its template.
func (a *App) Validate() Problems {
	var problems Problems
	problems.name("name", a.Name)
	if a.SourceID == "" {
		problems.add([]string{"source_id"}, "Missing source", "Give the id of a provisioning_source.")
	}
	switch a.Mode {
	case "", Automatic, Manual:
	default:
		problems.add([]string{"mode"}, "Unknown mode", "%q is not known; use automatic or manual.", a.Mode)
	}
	switch a.Scope {
	case "", ScopeAssigned, ScopeAll:
	default:
		problems.add([]string{"scope"}, "Unknown scope", "%q is not known; use assigned or all.", a.Scope)
	}
	for _, value := range a.Protected {
		if strings.TrimSpace(value) == "" {
			problems.add([]string{"protected"}, "Empty value", "Give matching values or ids of accounts; an empty one protects nobody.")
		}
	}
	if a.SCIM == nil {
		problems.add(nil, "No connection", "Give exactly one connection block: scim.")
		return problems
	}
	if a.SCIM.BaseURL == "" {
		problems.add([]string{"scim", "base_url"}, "Missing base_url", "Give the address below which /Users stands.")
	} else {
		problems.address([]string{"scim", "base_url"}, a.SCIM.BaseURL, "https://app.example.com/scim/v2",
			"Leave user and password out of base_url and use credential_id.")
	}
	problems.certificate([]string{"scim", "ca_certificate"}, a.SCIM.CACertificate)
	return problems
}

// Validate checks the mapping as far as it can be without its source and
// target.
func (m *Mapping) Validate() Problems { return m.ValidateWith(mapping.Source{}, nil) }

// ValidateWith checks the mapping against what it maps from and to.
func (m *Mapping) ValidateWith(source mapping.Source, target *directory.ObjectType) Problems {
	var problems Problems
	problems.name("object_type", m.ObjectType)
	if m.AppID == "" {
		problems.add([]string{"app_id"}, "Missing app", "Give the id of a provisioning_app.")
	}
	if m.Enabled != nil && !*m.Enabled && m.ObjectType == directory.User {
		problems.add([]string{"enabled"}, "Users cannot be turned off", "Groups can; to stop writing users, pause the job or take away actions.")
	}
	_, err := mapping.Compile(m.Definition(), source, target)
	for _, fault := range split(err) {
		var p *mapping.Problem
		if !errors.As(fault, &p) {
			problems.add([]string{"attributes"}, "Invalid mapping", "%v.", fault)
			continue
		}
		path := []string{"attributes"}
		if p.Attribute != "" {
			path = append(path, p.Attribute)
		}
		if p.Field != "" {
			path = append(path, p.Field)
		}
		problems.add(path, "Invalid attribute mapping", "%s", Sentence(p.Text))
	}
	return problems
}

func split(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// Validate checks the filter.
func (f *Filter) Validate() Problems {
	var problems Problems
	problems.name("name", f.Name)
	problems.name("object_type", f.ObjectType)
	if f.AppID == "" {
		problems.add([]string{"app_id"}, "Missing app", "Give the id of a provisioning_app.")
	}
	_, err := scoping.Compile([]scoping.Filter{{Name: f.Name, Clauses: f.Clauses}})
	for _, fault := range split(err) {
		path := []string{"clauses"}
		var invalid *scoping.InvalidClauseError
		if errors.As(fault, &invalid) && invalid.Index >= 0 {
			path = append(path, strconv.Itoa(invalid.Index), invalid.Field)
		}
		problems.add(path, "Invalid scoping filter", "%s", Sentence(fault.Error()))
	}
	return problems
}

// ValidateWith checks the filter against the source whose objects it judges.
func (f *Filter) ValidateWith(source *Source) Problems {
	problems := append(f.Validate(), source.CheckObjectType(f.ObjectType)...)
	references := source.References(f.ObjectType)
	for i, clause := range f.Clauses {
		path := []string{"clauses", strconv.Itoa(i), "attribute"}
		switch {
		case slices.Contains(references, clause.Attribute):
			problems.add(path, "Not an attribute of one value", "%q refers to other objects and cannot be filtered by.", clause.Attribute)
		case clause.Attribute == mapping.AppRoles:
			problems.add(path, "Not an attribute of one value", "%s holds the roles of assignments and cannot be filtered by.", clause.Attribute)
		}
	}
	return problems
}

// Validate checks the assignment.
func (a *Assignment) Validate() Problems {
	var problems Problems
	if a.AppID == "" {
		problems.add([]string{"app_id"}, "Missing app", "Give the id of a provisioning_app.")
	}
	for field, text := range map[string]string{"user": a.User, "group": a.Group, "role": a.Role} {
		if strings.ContainsFunc(text, unicode.IsControl) {
			problems.add([]string{field}, "Control character", "The %s %q holds a control character.", field, text)
		}
	}
	if (a.User == "") == (a.Group == "") {
		problems.add(nil, "Whom to assign", "Give exactly one of user and group.")
	}
	return problems
}

// Validate checks the job.
func (j *Job) Validate() Problems {
	var problems Problems
	if j.AppID == "" {
		problems.add([]string{"app_id"}, "Missing app", "Give the id of a provisioning_app.")
	}
	if j.Interval != "" {
		switch d, err := ParseDuration(j.Interval); {
		case err != nil:
			problems.add([]string{"interval"}, "Not an interval", "%v.", err)
		case d < time.Second:
			problems.add([]string{"interval"}, "Too short", "%q is under the shortest interval, 1s.", j.Interval)
		}
	}
	if j.LogRetention != "" {
		if d, err := ParseDuration(j.LogRetention); err != nil {
			problems.add([]string{"log_retention"}, "Not a duration", "%v.", err)
		} else if d < 24*time.Hour {
			problems.add([]string{"log_retention"}, "Too short", "The log is kept by the day; give 1d or more.")
		}
	}
	switch j.LogDetail {
	case "", "changes", "all":
	default:
		problems.add([]string{"log_detail"}, "Unknown detail", "%q is not known; use changes or all.", j.LogDetail)
	}
	if r := j.RateLimit; r != nil {
		if r.RequestsPerSecond != nil && *r.RequestsPerSecond <= 0 {
			problems.add([]string{"rate_limit", "requests_per_second"}, "Not a rate", "Give more than 0 requests per second.")
		}
		if r.Concurrency != nil && (*r.Concurrency < 1 || *r.Concurrency > 256) {
			problems.add([]string{"rate_limit", "concurrency"}, "Not a concurrency", "Give 1 to 256 requests at once.")
		}
	}
	for _, scope := range j.RestartScope {
		if !slices.Contains(RestartScopes, scope) {
			problems.add([]string{"restart_scope"}, "Unknown part", "%q is not known; there are %s.", scope, strings.Join(RestartScopes, ", "))
		}
	}
	switch j.WaitFor {
	case "", "none", "initial_cycle", "next_cycle":
	default:
		problems.add([]string{"wait_for"}, "Unknown wait", "%q is not known; use none, initial_cycle or next_cycle.", j.WaitFor)
	}
	j.validatePolicy(&problems)
	return problems
}

// RestartScopes are the parts of a job's state that a restart may forget.
var RestartScopes = []string{"watermark", "escrows", "quarantine", "links"}

// DefaultRestartScope is what a restart forgets unless told otherwise.
var DefaultRestartScope = []string{"watermark", "escrows", "quarantine"}
