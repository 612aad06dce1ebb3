// Package memory is a target that keeps its accounts in memory: a small, well
// behaved directory for tests of the engine, with the traits of real ones that
// matter to it (unique values, case folding, a search that lags, accounts that
// others change) and a look at what was written.
//
// An attribute is kept by the text of its path. What is written at a path is
// read at that path: paths into one attribute, like emails and
// emails[type eq "work"].value, are not joined.
package memory

import (
	"context"
	"fmt"
	"sync"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Options shape a Target. The zero value is a directory of users and groups
// that can list, filter, disable and delete.
type Options struct {
	// Schema describes the object types; zero for DefaultSchema.
	Schema directory.Schema
	// Unique and CaseExact set these properties of attributes in the schema;
	// Unreadable attributes are taken and never given back; Unfilterable ones
	// give ErrCannotFilter.
	Unique, CaseExact, Unreadable, Unfilterable Paths
	// Features changes what Describe tells, and what the target does with it.
	Features func(*connector.Features)
	// SearchLag is how many calls of Find and List do not see a new account yet;
	// negative: none does until ReleaseSearch.
	SearchLag int
}

// Paths are attribute paths by object type. Unique and CaseExact are properties
// of the attribute or sub-attribute: they hold whatever the path's condition.
type Paths map[string][]string

// Target is a connector.Target in memory.
type Target struct {
	options  Options
	features connector.Features
	schema   directory.Schema
	index    map[attributeKey]directory.Definition

	mu       sync.Mutex
	types    map[string]*collection
	searches int // calls of Find and List so far
	writes   Writes
	seeded   map[string]connector.Account
}

var _ connector.Target = (*Target)(nil)

// attributeKey names an attribute or sub-attribute of an object type.
type attributeKey struct {
	typ  string
	path directory.Path // without a condition
}

// New makes an empty target. It panics on Options that are wrong: they are
// written in the program.
func New(options Options) *Target {
	t := &Target{options: options, schema: options.Schema, types: map[string]*collection{}, seeded: map[string]connector.Account{}}
	if len(t.schema.Types) == 0 {
		t.schema = DefaultSchema()
	}
	t.mark("Unique", options.Unique, func(d *directory.Definition) { d.Unique = true })
	t.mark("CaseExact", options.CaseExact, func(d *directory.Definition) { d.CaseExact = true })
	t.index = indexSchema(t.schema)
	t.features = connector.Features{
		Connection: "memory", CanList: true,
		CanDisable: map[string]bool{}, CanDelete: map[string]bool{}, EnabledPath: map[string]directory.Path{},
	}
	for _, typ := range t.schema.Types {
		t.types[typ.Name] = newCollection(typ)
		t.features.Types = append(t.features.Types, typ.Name)
		t.features.CanDelete[typ.Name] = true
		if _, ok := typ.Attribute("active"); ok {
			t.features.CanDisable[typ.Name] = true
			t.features.EnabledPath[typ.Name] = directory.MustPath("active")
		}
	}
	if options.Features != nil {
		options.Features(&t.features)
	}
	return t
}

// Describe tells the features and the schema.
func (t *Target) Describe(ctx context.Context) (connector.Features, directory.Schema, error) {
	return t.features, t.schema, interrupted(ctx)
}

// Test finds nothing to remark on.
func (t *Target) Test(ctx context.Context, _ map[string]directory.Path) ([]connector.Finding, error) {
	return nil, interrupted(ctx)
}

// interrupted is the error of a call whose context has ended. Nothing was done.
func interrupted(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return &connector.Error{Class: connector.Transient, Code: "Timeout", Detail: "the call was cancelled", Err: err}
	}
	return nil
}

func rejected(code, format string, args ...any) *connector.Error {
	return &connector.Error{Class: connector.Rejected, Code: code, Detail: fmt.Sprintf(format, args...)}
}

func gone(typ, id string) *connector.Error {
	return &connector.Error{Class: connector.Gone, Code: "InvalidAnchor", Detail: fmt.Sprintf("there is no %s %q", typ, id)}
}

// collection gives the accounts of a type.
func (t *Target) collection(typ string) (*collection, error) {
	c, ok := t.types[typ]
	if !ok {
		return nil, rejected("NotImplemented", "there is no object type %s", typ)
	}
	return c, nil
}
