// Package config is what a team declares: sources, credentials, apps, mappings,
// scoping filters, assignments and jobs. It checks them, names them by ids that
// are known before anything exists, and digests each into a revision. It is
// pure: the provider uses it at plan time without an agent.
package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

// Kind is the kind of a declared thing, as it stands in ids and in the API.
type Kind string

// The kinds.
const (
	KindSource     Kind = "source"
	KindCredential Kind = "credential"
	KindApp        Kind = "app"
	KindMapping    Kind = "attribute_mapping"
	KindFilter     Kind = "scoping_filter"
	KindAssignment Kind = "assignment"
	KindJob        Kind = "job"
)

// Kinds lists all kinds, those that others refer to first.
var Kinds = []Kind{KindCredential, KindSource, KindApp, KindMapping, KindFilter, KindAssignment, KindJob}

// Identity names a thing readably: no two things share one. Parent is the id
// of the app for what belongs to an app.
type Identity struct {
	Kind   Kind   `json:"kind"`
	Parent string `json:"parent,omitempty"`
	Name   string `json:"name"`
}

// ID gives the id of a thing: a digest of what names it and of a generation,
// which the agent raises each time the name is used again. So it is known at
// plan time, and a thing that replaces another has another id.
func ID(identity Identity, generation int64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %d", identity.Kind, identity.Parent, identity.Name, generation))
	return hex.EncodeToString(sum[:10])
}

// Thing is anything declared.
type Thing interface {
	Identity() Identity
	GetID() string
	SetID(id string)
	// Revision is a readable digest of what is declared: ids left out, sets
	// sorted, what is not given equal to its default. Empty for kinds that have
	// none.
	Revision() string
	// Validate gives what is wrong with the thing by itself.
	Validate() Problems
}

// New gives an empty thing of a kind, nil for an unknown one.
func New(kind Kind) Thing {
	switch kind {
	case KindSource:
		return &Source{}
	case KindCredential:
		return &Credential{}
	case KindApp:
		return &App{}
	case KindMapping:
		return &Mapping{}
	case KindFilter:
		return &Filter{}
	case KindAssignment:
		return &Assignment{}
	case KindJob:
		return &Job{}
	}
	return nil
}

// Problem is one fault of a declaration. Path leads to the attribute as it is
// written in HCL: "attributes", "userName", "expression".
type Problem struct {
	Path    []string `json:"path,omitempty"`
	Summary string   `json:"summary"`
	Detail  string   `json:"detail"`
}

// Problems are all faults of a declaration. Empty ones are no error.
type Problems []Problem

// Error joins the faults, one a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Summary + ": " + problem.Detail
		if len(problem.Path) > 0 {
			lines[i] = strings.Join(problem.Path, ".") + ": " + lines[i]
		}
	}
	return strings.Join(lines, "\n")
}

// Err gives the problems as an error, nil when there are none.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

func (p *Problems) add(path []string, summary, format string, args ...any) {
	*p = append(*p, Problem{path, summary, fmt.Sprintf(format, args...)})
}

// revision digests content, whose JSON must be the same for equal
// declarations, and puts a label before it.
func revision(label string, content any) string {
	data, err := json.Marshal(content)
	if err != nil {
		panic(fmt.Sprintf("config: a %T cannot be digested: %v", content, err)) // plain data always can
	}
	sum := sha256.Sum256(append([]byte(label+"\n"), data...))
	return label + " " + hex.EncodeToString(sum[:6])
}

// Credential is what the engine authenticates with. It holds no secret:
// secrets travel beside it in Secrets and are sealed apart.
type Credential struct {
	ID     string           `json:"id"`
	Name   string           `json:"name"`
	Method string           `json:"method"` // "bearer", "basic", …: the block in HCL
	Fields map[string]Field `json:"fields"`
}

// Field is one part of a credential: a plain value, a reference to a secret,
// or a secret that is given write-only, of which only the version stands here.
type Field struct {
	Value     string `json:"value,omitempty"`
	Reference string `json:"reference,omitempty"`
	Version   *int64 `json:"version,omitempty"`
}

// Secrets are write-only values by field. They are in requests alone.
type Secrets map[string]string

// Methods of credentials, and the fields of each: true for secret ones.
var credentialFields = map[string]map[string]bool{
	"bearer": {"token": true},
	"basic":  {"username": false, "password": true},
}

// Identity of the credential.
func (c *Credential) Identity() Identity { return Identity{Kind: KindCredential, Name: c.Name} }

// GetID gives the id.
func (c *Credential) GetID() string { return c.ID }

// SetID sets the id.
func (c *Credential) SetID(id string) { c.ID = id }

// Revision of a credential is empty: a new secret is no new configuration.
func (c *Credential) Revision() string { return "" }

// Source is where identities are read from.
type Source struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	CredentialID string `json:"credential_id,omitempty"`
	// Exactly one of these.
	File *FileSource `json:"file,omitempty"`
	// Attributes are names that mappings and filters may use beside the
	// source's own: name to own name.
	Attributes map[string]string `json:"attributes,omitempty"`
}

// FileSource reads users and groups from files.
type FileSource struct {
	Users  *FileSet `json:"users,omitempty"`
	Groups *FileSet `json:"groups,omitempty"`
}

// FileSet is one file of objects of one type.
type FileSet struct {
	Path       string            `json:"path"`
	Format     string            `json:"format,omitempty"` // csv, json, jsonl; empty: by the ending
	IDColumn   string            `json:"id"`
	Members    string            `json:"members,omitempty"`    // column of the members' ids
	References map[string]string `json:"references,omitempty"` // attribute to column of ids
}

// Identity of the source.
func (s *Source) Identity() Identity { return Identity{Kind: KindSource, Name: s.Name} }

// GetID gives the id.
func (s *Source) GetID() string { return s.ID }

// SetID sets the id.
func (s *Source) SetID(id string) { s.ID = id }

// Revision of the source.
func (s *Source) Revision() string {
	content := *s
	content.ID, content.CredentialID = "", ""
	if len(content.Attributes) == 0 {
		content.Attributes = nil
	}
	return revision("source "+s.Name, content)
}

// Connector gives the name of the connector and its block.
func (s *Source) Connector() (kind string, connection any) {
	if s.File != nil {
		return "file", s.File
	}
	return "", nil
}

// References gives the attributes of an object type that refer to other
// objects.
func (s *Source) References(objectType string) []string {
	if s.File == nil {
		return nil
	}
	set := s.File.Users
	if objectType == directory.Group {
		set = s.File.Groups
	}
	if set == nil {
		return nil
	}
	var names []string
	for name := range set.References {
		names = append(names, name)
	}
	if set.Members != "" {
		names = append(names, "members")
	}
	slices.Sort(names)
	return names
}

// MappingSource gives what mappings and filters of an object type may refer
// to.
func (s *Source) MappingSource(objectType string) mapping.Source {
	return mapping.Source{Aliases: s.Attributes, References: s.References(objectType)}
}

// App is a target application.
type App struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	SourceID string `json:"source_id"`
	Template string `json:"template"`
	// TemplateRevision is the one that the app was created with; the agent sets
	// it.
	TemplateRevision string `json:"template_revision,omitempty"`
	Mode             Mode   `json:"mode,omitempty"`  // empty: automatic
	Scope            Scope  `json:"scope,omitempty"` // empty: assigned
	// Exactly one of these.
	SCIM *SCIMConnection `json:"scim,omitempty"`

	CredentialID       string            `json:"credential_id,omitempty"`
	SkipTestConnection bool              `json:"skip_test_connection,omitempty"`
	Protected          []string          `json:"protected,omitempty"`
	Labels             map[string]string `json:"labels,omitempty"`
}

// SCIMConnection is where a SCIM 2.0 app is.
type SCIMConnection struct {
	BaseURL       string `json:"base_url"`
	CACertificate string `json:"ca_certificate,omitempty"`
}

// Mode says whether an app may have a job.
type Mode string

// The modes.
const (
	Automatic Mode = "automatic"
	Manual    Mode = "manual"
)

// Scope says who may be in scope of an app.
type Scope string

// The scopes.
const (
	ScopeAssigned Scope = "assigned"
	ScopeAll      Scope = "all"
)

// Identity of the app.
func (a *App) Identity() Identity { return Identity{Kind: KindApp, Name: a.Name} }

// GetID gives the id.
func (a *App) GetID() string { return a.ID }

// SetID sets the id.
func (a *App) SetID(id string) { a.ID = id }

// Revision of the app. Labels do not count: they change nothing that is done.
func (a *App) Revision() string {
	content := *a
	content.ID, content.SourceID, content.CredentialID, content.TemplateRevision = "", "", "", ""
	content.SkipTestConnection, content.Labels = false, nil
	if content.Mode == "" {
		content.Mode = Automatic
	}
	if content.Scope == "" {
		content.Scope = ScopeAssigned
	}
	content.Protected = sorted(a.Protected)
	return revision("app "+a.Name, content)
}

// Connector gives the name of the connector and its block.
func (a *App) Connector() (kind string, connection any) {
	if a.SCIM != nil {
		return "scim", a.SCIM
	}
	return "", nil
}

// Mapping is the attribute mapping of one object type of one app.
type Mapping struct {
	ID         string                       `json:"id"`
	AppID      string                       `json:"app_id"`
	ObjectType string                       `json:"object_type"`
	Enabled    *bool                        `json:"enabled,omitempty"` // nil: true
	Actions    []mapping.Action             `json:"actions"`           // nil: all
	Attributes map[string]mapping.Attribute `json:"attributes"`
}

// Identity of the mapping: one an object type.
func (m *Mapping) Identity() Identity { return Identity{KindMapping, m.AppID, m.ObjectType} }

// GetID gives the id.
func (m *Mapping) GetID() string { return m.ID }

// SetID sets the id.
func (m *Mapping) SetID(id string) { m.ID = id }

// Definition gives what package mapping compiles.
func (m *Mapping) Definition() mapping.Definition {
	return mapping.Definition{
		ObjectType: m.ObjectType, Enabled: m.Enabled == nil || *m.Enabled, Actions: m.Actions, Attributes: m.Attributes,
	}
}

// Revision of the mapping.
func (m *Mapping) Revision() string {
	definition := m.Definition()
	if definition.Actions == nil {
		definition.Actions = []mapping.Action{mapping.ActionCreate, mapping.ActionUpdate, mapping.ActionDelete}
	}
	definition.Actions = sorted(definition.Actions)
	attributes := make(map[string]mapping.Attribute, len(definition.Attributes))
	for path, a := range definition.Attributes {
		if a.Apply == "" {
			a.Apply = mapping.ApplyAlways
		}
		if a.WhenNull == "" {
			a.WhenNull = mapping.ClearOwn
		}
		attributes[path] = a
	}
	definition.Attributes = attributes
	return revision(m.ObjectType+" mapping", definition)
}

// Filter is one scoping filter of one app and object type.
type Filter struct {
	ID         string           `json:"id"`
	AppID      string           `json:"app_id"`
	ObjectType string           `json:"object_type"`
	Name       string           `json:"name"`
	Clauses    []scoping.Clause `json:"clauses"`
}

// Identity of the filter.
func (f *Filter) Identity() Identity {
	return Identity{KindFilter, f.AppID, f.ObjectType + "/" + f.Name}
}

// GetID gives the id.
func (f *Filter) GetID() string { return f.ID }

// SetID sets the id.
func (f *Filter) SetID(id string) { f.ID = id }

// Revision of the filter.
func (f *Filter) Revision() string {
	content := *f
	content.ID, content.AppID = "", ""
	return revision(f.ObjectType+" filter "+f.Name, content)
}

// Assignment assigns one user or group of the source to an app.
type Assignment struct {
	ID    string `json:"id"`
	AppID string `json:"app_id"`
	// Exactly one of these: id, user name, mail or display name, as written.
	User  string `json:"user,omitempty"`
	Group string `json:"group,omitempty"`
	Role  string `json:"role,omitempty"`
	// Object is whom the text meant when the assignment was created; the agent
	// sets it, and a renamed object stays assigned.
	Object directory.Key `json:"object,omitzero"`
	// CreatedAt orders roles; the agent sets it.
	CreatedAt time.Time `json:"created_at,omitzero"`
}

// Identity of the assignment.
func (a *Assignment) Identity() Identity {
	name := "user/" + a.User
	if a.User == "" {
		name = "group/" + a.Group
	}
	if a.Role != "" {
		name += "/" + a.Role
	}
	return Identity{KindAssignment, a.AppID, name}
}

// GetID gives the id.
func (a *Assignment) GetID() string { return a.ID }

// SetID sets the id.
func (a *Assignment) SetID(id string) { a.ID = id }

// Revision of the assignment.
func (a *Assignment) Revision() string {
	name := a.Identity().Name
	return revision("assignment "+name, name)
}

// Job is an app's job and the state wanted of it.
type Job struct {
	ID                  string                       `json:"id"`
	AppID               string                       `json:"app_id"`
	Enabled             *bool                        `json:"enabled,omitempty"`  // nil: true
	Interval            string                       `json:"interval,omitempty"` // empty: 10m
	AccidentalDeletions map[string]float64           `json:"accidental_deletions"`
	Deprovisioning      map[string]map[string]string `json:"deprovisioning,omitempty"`
	RateLimit           *RateLimit                   `json:"rate_limit,omitempty"`
	LogRetention        string                       `json:"log_retention,omitempty"` // empty: 30d
	LogDetail           string                       `json:"log_detail,omitempty"`    // empty: changes; all: unchanged objects too
	RestartTriggers     map[string]string            `json:"restart_triggers,omitempty"`
	RestartScope        []string                     `json:"restart_scope,omitempty"`
	Revisions           []string                     `json:"revisions"` // nil: not given
	// Kept for the provider's Read, without meaning for the engine.
	WaitFor  string            `json:"wait_for,omitempty"`
	Timeouts map[string]string `json:"timeouts,omitempty"`
	// MetRevisions are the revisions whose wait succeeded, or that needed none;
	// the agent sets them, and the provider's Read gives them.
	MetRevisions []string `json:"met_revisions,omitempty"`
	AwaitedCycle string   `json:"awaited_cycle,omitempty"`
}

// RateLimit bounds the requests to an app.
type RateLimit struct {
	RequestsPerSecond *float64 `json:"requests_per_second,omitempty"`
	Concurrency       *int64   `json:"concurrency,omitempty"`
}

// Identity of the job: one an app.
func (j *Job) Identity() Identity { return Identity{KindJob, j.AppID, "job"} }

// GetID gives the id.
func (j *Job) GetID() string { return j.ID }

// SetID sets the id.
func (j *Job) SetID(id string) { j.ID = id }

// Revision of a job is empty: jobs list revisions and have none.
func (j *Job) Revision() string { return "" }

// IsEnabled reports whether the job is on.
func (j *Job) IsEnabled() bool { return j.Enabled == nil || *j.Enabled }

func sorted[S ~[]E, E ~string](s S) S {
	if len(s) == 0 {
		return nil
	}
	out := slices.Clone(s)
	slices.Sort(out)
	return slices.Compact(out)
}
