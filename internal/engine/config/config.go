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

func sorted[S ~[]E, E ~string](s S) S {
	if len(s) == 0 {
		return nil
	}
	out := slices.Clone(s)
	slices.Sort(out)
	return slices.Compact(out)
}
