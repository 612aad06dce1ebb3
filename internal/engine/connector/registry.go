package connector

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/clock"
)

// Credential is what a connector authenticates with. Each field is resolved
// when it is used, since a reference may have changed meanwhile; a connector
// keeps nothing of it longer than the request.
type Credential struct {
	Kind   string // "bearer", "basic", …; empty for none
	Fields map[string]Secret
	// Renew, where it is not nil, is told of a "token" that the system refused,
	// so that the field may give another from then on.
	Renew func(refused string)
}

// Secret gives one secret, or an error that names its reference and not its
// value.
type Secret func(ctx context.Context) (string, error)

// Field resolves one field. A missing one is an error.
func (c Credential) Field(ctx context.Context, name string) (string, error) {
	secret, ok := c.Fields[name]
	if !ok {
		return "", fmt.Errorf("a %s credential has no %s", c.Kind, name)
	}
	return secret(ctx)
}

// Options are what every connector is opened with.
type Options struct {
	Connection json.RawMessage // the typed block as declared, in JSON
	Dialect    json.RawMessage // of the template; nil for none
	Credential Credential
	UserAgent  string
	// Now and Sleep are the clock. Transport is nil for the connector's own.
	Now       func() time.Time
	Sleep     func(ctx context.Context, d time.Duration) error
	Transport http.RoundTripper
}

// Decode takes the block apart. A field that it does not know is an error.
func (o Options) Decode(block any) error {
	decoder := json.NewDecoder(bytes.NewReader(o.Connection))
	decoder.DisallowUnknownFields()
	return decoder.Decode(block)
}

// Clock gives Now and Sleep as one, the machine's where they are nil.
func (o Options) Clock() Clock {
	c := optionClock{o.Now, o.Sleep}
	if c.now == nil {
		c.now = time.Now
	}
	if c.sleep == nil {
		c.sleep = clock.Sleep
	}
	return c
}

type optionClock struct {
	now   func() time.Time
	sleep func(context.Context, time.Duration) error
}

func (c optionClock) Now() time.Time                                   { return c.now() }
func (c optionClock) Sleep(ctx context.Context, d time.Duration) error { return c.sleep(ctx, d) }

// Registry knows the connectors by the name of their block in HCL.
type Registry struct {
	Sources map[string]func(Options) (Source, error)
	Targets map[string]func(Options) (Target, error)
}

// OpenSource makes the source of that kind. No connection is made.
func (r Registry) OpenSource(kind string, options Options) (Source, error) {
	open, ok := r.Sources[kind]
	if !ok {
		return nil, fmt.Errorf("no source connector %q; there are: %s", kind, names(r.Sources))
	}
	return open(options)
}

// OpenTarget makes the target of that kind. No connection is made.
func (r Registry) OpenTarget(kind string, options Options) (Target, error) {
	open, ok := r.Targets[kind]
	if !ok {
		return nil, fmt.Errorf("no target connector %q; there are: %s", kind, names(r.Targets))
	}
	return open(options)
}

func names[V any](m map[string]V) string {
	return strings.Join(slices.Sorted(maps.Keys(m)), ", ")
}
