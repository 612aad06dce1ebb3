package snapshot

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

var types = []string{directory.User, directory.Group}

// script is a source that says what is written for one read.
type script struct {
	connector.Source // not called
	changes          []connector.Change
	result           connector.ReadResult
	failure          error // after all changes
	since            connector.Watermark
}

func (s *script) Read(_ context.Context, request connector.ReadRequest, yield func(connector.Change) error) (connector.ReadResult, error) {
	s.since = request.Since
	for _, change := range s.changes {
		if err := yield(change); err != nil {
			return connector.ReadResult{}, err
		}
	}
	if s.failure != nil {
		return connector.ReadResult{}, s.failure
	}
	return s.result, nil
}

// complete is a script of a complete read of both types.
func complete(watermark string, changes ...connector.Change) *script {
	return &script{changes: changes, result: connector.ReadResult{
		Next: connector.Watermark(watermark), Epoch: "e1",
		Coverage: map[string]connector.Coverage{directory.User: connector.Complete, directory.Group: connector.Complete},
	}}
}

// delta is a script of a read of changes alone.
func delta(changes ...connector.Change) *script {
	return &script{changes: changes, result: connector.ReadResult{
		Next: connector.Watermark("delta"), Epoch: "e1",
		Coverage: map[string]connector.Coverage{directory.User: connector.ChangesOnly, directory.Group: connector.ChangesOnly},
	}}
}

func user(anchor string) directory.Key  { return directory.Key{Type: directory.User, Anchor: anchor} }
func group(anchor string) directory.Key { return directory.Key{Type: directory.Group, Anchor: anchor} }

func whole(key directory.Key, name string, aliases ...string) connector.Change {
	change := connector.Change{Kind: connector.Whole, Object: directory.Object{Key: key, Attributes: directory.NewAttributes(map[string]directory.Value{"name": directory.Text(name)})}}
	for _, alias := range aliases {
		change.Aliases = append(change.Aliases, directory.Ref{By: "dn", Value: alias})
	}
	return change
}

func partial(key directory.Key, name string, value directory.Value) connector.Change {
	return connector.Change{Kind: connector.Partial, Object: directory.Object{Key: key, Attributes: directory.NewAttributes(map[string]directory.Value{name: value})}}
}

func word(kind connector.ChangeKind, key directory.Key) connector.Change {
	return connector.Change{Kind: kind, Object: directory.Object{Key: key}}
}

func edgeTo(holder directory.Key, attribute, by, value string) directory.Edge {
	return directory.Edge{Holder: holder, Attribute: attribute, To: directory.Ref{By: by, Value: value}}
}

func member(g, u string) directory.Edge {
	return edgeTo(group(g), "members", directory.ByAnchor, u)
}

func added(edge directory.Edge) connector.Change {
	return connector.Change{Kind: connector.EdgeAdded, Edge: edge}
}

func removed(edge directory.Edge) connector.Change {
	return connector.Change{Kind: connector.EdgeRemoved, Edge: edge}
}

// clock is a clock that a test sets.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func openMemory(t testing.TB) (*Snapshot, *clock) {
	t.Helper()
	c := &clock{noon}
	return Open(store.Memory(), "s1", Options{Now: c.now}), c
}

func mustImport(t testing.TB, s *Snapshot, source connector.Source) Report {
	t.Helper()
	report, err := s.Import(context.Background(), source, types, nil)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// describe gives all that a snapshot tells, but for sequences, one line a fact.
func describe(t testing.TB, s *Snapshot) string {
	t.Helper()
	var out []string
	for _, typ := range types {
		after := ""
		for {
			records, err := s.Objects(typ, after, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range records {
				after = r.Anchor
				out = append(out, describeRecord(t, s, r)...)
			}
			if len(records) < 2 {
				break
			}
		}
	}
	return strings.Join(out, "\n")
}

func describeRecord(t testing.TB, s *Snapshot, r Record) []string {
	t.Helper()
	attributes, err := json.Marshal(r.Attributes)
	if err != nil {
		t.Fatal(err)
	}
	line := fmt.Sprintf("%v %v", r.Key, r.State)
	if r.Known {
		line += " " + string(attributes)
	}
	if r.Orphaned {
		line += " orphaned"
	}
	if r.Problem != nil {
		line += " problem " + r.Problem.Detail
	}
	for _, alias := range r.Aliases {
		line += " " + alias.Value
	}
	out := []string{line}
	for _, attribute := range []string{"manager", "members"} {
		var behind directory.Ref
		for {
			edges, err := s.Edges(r.Key, attribute, behind, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, edge := range edges {
				out = append(out, fmt.Sprintf("%v -%s-> %s %s", r.Key, attribute, edge.To.By, edge.To.Value))
				behind = edge.To
			}
			if len(edges) < 2 {
				break
			}
		}
	}
	return out
}

func expect(t *testing.T, s *Snapshot, want ...string) {
	t.Helper()
	if got := describe(t, s); got != strings.Join(want, "\n") {
		t.Errorf("there is\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

// changedSince gives the keys that changed after a number, in order of key.
func changedSince(t testing.TB, s *Snapshot, after uint64) string {
	t.Helper()
	var keys []string
	for {
		changes, err := s.Changes(after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range changes {
			if change.Sequence <= after {
				t.Errorf("change %+v after %d", change, after)
			}
			after = change.Sequence
			keys = append(keys, change.Key.String())
		}
		if len(changes) < 2 {
			break
		}
	}
	slices.Sort(keys)
	return strings.Join(keys, " ")
}
