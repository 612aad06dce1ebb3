// Package sourcetest is the conformance suite of connector.Source: what the
// engine relies on, whatever the system behind.
package sourcetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Fixture says what a source under test holds.
type Fixture struct {
	Types []string // object types that it has
	// Objects are all that it holds. Attributes that are named here are equal;
	// the source may have more.
	Objects []directory.Object
	Edges   []directory.Edge // all that it holds
	// Finds are look-ups and what they must find: one at least with a hit.
	Finds []Find
	// Change makes one of the objects another, and gives it as it is then.
	Change func(t *testing.T) directory.Object
	// Break makes the source unusable.
	Break func(t *testing.T)
}

// Find is one look-up and the anchors that it finds, ascending.
type Find struct {
	Type, Attribute, Value string
	Anchors                []string
}

// Run runs the suite. open gives a new source each time, and what it holds.
func Run(t *testing.T, open func(t *testing.T) (connector.Source, Fixture)) {
	for name, test := range map[string]func(*testing.T, connector.Source, Fixture){
		"Schema":         testSchema,
		"ReadAll":        testReadAll,
		"ReadSome":       testReadSome,
		"ReadAgain":      testReadAgain,
		"ReadChange":     testReadChange,
		"ReadNonsense":   testReadNonsense,
		"YieldFails":     testYieldFails,
		"ContextEnds":    testContextEnds,
		"Find":           testFind,
		"Test":           testTest,
		"BrokenIsNoRead": testBroken,
	} {
		t.Run(name, func(t *testing.T) {
			source, fixture := open(t)
			test(t, source, fixture)
		})
	}
}

// reading is what one Read gave.
type reading struct {
	result  connector.ReadResult
	changes int
	objects map[directory.Key]directory.Object
	edges   map[directory.Edge]bool
}

func read(t *testing.T, source connector.Source, since connector.Watermark, types []string) reading {
	t.Helper()
	r := reading{objects: make(map[directory.Key]directory.Object), edges: make(map[directory.Edge]bool)}
	var err error
	r.result, err = source.Read(t.Context(), connector.ReadRequest{Since: since, Types: types}, func(change connector.Change) error {
		r.changes++
		switch change.Kind {
		case connector.Whole:
			change.Object.Attributes = slices.Clone(change.Object.Attributes)
			r.objects[change.Object.Key] = change.Object
		case connector.EdgeAdded:
			r.edges[change.Edge] = true
		}
		key := change.Object.Key
		if change.Kind == connector.EdgeAdded || change.Kind == connector.EdgeRemoved {
			key = change.Edge.Holder
		}
		if !slices.Contains(types, key.Type) || key.Anchor == "" || strings.ContainsRune(key.Anchor, 0) {
			t.Errorf("a change of %q was given; the types wanted were %q", key, types)
		}
		if !slices.IsSortedFunc(change.Object.Attributes, func(a, b directory.Attribute) int { return strings.Compare(a.Name, b.Name) }) {
			t.Errorf("the attributes of %v do not ascend", key)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return r
}

// compare holds what was read of some types against the fixture.
func (r reading) compare(t *testing.T, fixture Fixture, types []string) {
	t.Helper()
	objects, edges := 0, 0
	for _, want := range fixture.Objects {
		if !slices.Contains(types, want.Type) {
			continue
		}
		objects++
		got, found := r.objects[want.Key]
		if !found {
			t.Errorf("%v was not read", want.Key)
			continue
		}
		for _, attribute := range want.Attributes {
			if value, found := got.Attributes.Get(attribute.Name); !found || !value.Equal(attribute.Value) {
				t.Errorf("%v: %s is %v %q (there: %t), want %v %q", want.Key, attribute.Name, value.Kind(), value, found, attribute.Value.Kind(), attribute.Value)
			}
		}
	}
	for _, want := range fixture.Edges {
		if !slices.Contains(types, want.Holder.Type) {
			continue
		}
		edges++
		if !r.edges[want] {
			t.Errorf("the edge %v was not read", want)
		}
	}
	if len(r.objects) != objects || len(r.edges) != edges {
		t.Errorf("%d objects and %d edges were read, want %d and %d", len(r.objects), len(r.edges), objects, edges)
	}
}

func testSchema(t *testing.T, source connector.Source, fixture Fixture) {
	schema, err := source.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range fixture.Objects {
		typ, found := schema.Type(object.Type)
		if !found {
			t.Fatalf("the schema has no type %q", object.Type)
		}
		for _, attribute := range object.Attributes {
			if _, found := typ.Attribute(attribute.Name); !found {
				t.Errorf("the schema of %s has no attribute %q", object.Type, attribute.Name)
			}
		}
	}
	for _, edge := range fixture.Edges {
		typ, _ := schema.Type(edge.Holder.Type)
		if attribute, found := typ.Attribute(edge.Attribute); !found || attribute.Type != directory.TypeReference {
			t.Errorf("the schema of %s does not have %q as a reference", edge.Holder.Type, edge.Attribute)
		}
	}
}

func testReadAll(t *testing.T, source connector.Source, fixture Fixture) {
	r := read(t, source, nil, fixture.Types)
	r.compare(t, fixture, fixture.Types)
	if r.result.Unchanged {
		t.Error("a read of everything says that nothing changed")
	}
	if r.result.Epoch == "" {
		t.Error("the read has no epoch")
	}
	for _, typ := range fixture.Types {
		if r.result.Coverage[typ] != connector.Complete {
			t.Errorf("the coverage of %s is %v", typ, r.result.Coverage[typ])
		}
	}
}

func testReadSome(t *testing.T, source connector.Source, fixture Fixture) {
	for _, typ := range fixture.Types {
		r := read(t, source, nil, []string{typ})
		r.compare(t, fixture, []string{typ})
		for other, coverage := range r.result.Coverage {
			if other != typ && coverage != connector.Nothing {
				t.Errorf("of %s alone, %s is covered: %v", typ, other, coverage)
			}
		}
	}
	r := read(t, source, nil, []string{"NoSuchType"})
	if r.changes > 0 || r.result.Coverage["NoSuchType"] != connector.Nothing {
		t.Error("a type that there is not was read")
	}
}

// A second read tells nothing new: Unchanged, or the same facts.
func testReadAgain(t *testing.T, source connector.Source, fixture Fixture) {
	first := read(t, source, nil, fixture.Types)
	if first.result.Next == nil {
		t.Skip("the source has no watermark")
	}
	second := read(t, source, first.result.Next, fixture.Types)
	if second.result.Unchanged && second.changes > 0 {
		t.Error("a read that says that nothing changed gave something")
	}
	if !second.result.Unchanged && second.result.Epoch != first.result.Epoch {
		t.Errorf("the epoch went from %q to %q", first.result.Epoch, second.result.Epoch)
	}
	for key, object := range second.objects {
		if !object.Attributes.Equal(first.objects[key].Attributes) {
			t.Errorf("%v changed between two reads", key)
		}
	}
	for edge := range second.edges {
		if !first.edges[edge] {
			t.Errorf("the edge %v came between two reads", edge)
		}
	}
}

func testReadChange(t *testing.T, source connector.Source, fixture Fixture) {
	if fixture.Change == nil {
		t.Skip("nothing can be changed")
	}
	first := read(t, source, nil, fixture.Types)
	want := fixture.Change(t)
	second := read(t, source, first.result.Next, fixture.Types)
	got, found := second.objects[want.Key]
	if second.result.Unchanged || !found {
		t.Fatalf("the change of %v was not read", want.Key)
	}
	for _, attribute := range want.Attributes {
		if value, _ := got.Attributes.Get(attribute.Name); !value.Equal(attribute.Value) {
			t.Errorf("%v: %s is %q, want %q", want.Key, attribute.Name, value, attribute.Value)
		}
	}
}

// A watermark that is not understood is one that is no longer good.
func testReadNonsense(t *testing.T, source connector.Source, fixture Fixture) {
	for _, since := range []string{"", "nonsense", "{}", `{"version":1}`, "\x00\xff"} {
		r := read(t, source, connector.Watermark(since), fixture.Types)
		r.compare(t, fixture, fixture.Types)
	}
}

func testYieldFails(t *testing.T, source connector.Source, fixture Fixture) {
	stop := errors.New("stop")
	calls := 0
	_, err := source.Read(t.Context(), connector.ReadRequest{Types: fixture.Types}, func(connector.Change) error {
		calls++
		return stop
	})
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("after %d calls of yield the error is %v", calls, err)
	}
}

func testContextEnds(t *testing.T, source connector.Source, fixture Fixture) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := source.Read(ctx, connector.ReadRequest{Types: fixture.Types}, func(connector.Change) error {
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error of a read that was cancelled is %v", err)
	}
}

func testFind(t *testing.T, source connector.Source, fixture Fixture) {
	find := func(typ, attribute, value string) ([]string, []connector.Change) {
		changes, err := source.Find(t.Context(), typ, attribute, value)
		if err != nil {
			t.Fatalf("find %s with %s %q: %v", typ, attribute, value, err)
		}
		var anchors []string
		for _, change := range changes {
			if change.Kind == connector.Whole {
				anchors = append(anchors, change.Object.Anchor)
			}
		}
		slices.Sort(anchors)
		return anchors, changes
	}
	for _, want := range fixture.Finds {
		for _, value := range []string{want.Value, strings.ToUpper(want.Value), strings.ToLower(want.Value)} {
			if got, _ := find(want.Type, want.Attribute, value); !slices.Equal(got, want.Anchors) {
				t.Errorf("%s with %s %q: %q, want %q", want.Type, want.Attribute, value, got, want.Anchors)
			}
		}
	}
	for _, object := range fixture.Objects {
		anchors, changes := find(object.Type, directory.ByAnchor, object.Anchor)
		if !slices.Equal(anchors, []string{object.Anchor}) {
			t.Errorf("by anchor, %v is found as %q", object.Key, anchors)
		}
		edges := 0
		for _, change := range changes {
			if change.Kind == connector.EdgeAdded {
				edges++
			}
		}
		for _, edge := range fixture.Edges {
			if edge.Holder == object.Key {
				edges--
			}
		}
		if edges != 0 {
			t.Errorf("%v was found with %+d edges too many", object.Key, edges)
		}
	}
	for _, none := range []Find{
		{Type: fixture.Types[0], Attribute: directory.ByAnchor, Value: "no-such-anchor"},
		{Type: fixture.Types[0], Attribute: directory.ByAnchor, Value: ""},
		{Type: fixture.Types[0], Attribute: "noSuchAttribute", Value: "x"},
		{Type: "NoSuchType", Attribute: directory.ByAnchor, Value: "x"},
	} {
		if got, _ := find(none.Type, none.Attribute, none.Value); len(got) > 0 {
			t.Errorf("%+v was found: %q", none, got)
		}
	}
}

func testTest(t *testing.T, source connector.Source, fixture Fixture) {
	findings, err := source.Test(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range findings {
		if finding.Severity == connector.SeverityWarning || finding.Summary == "" {
			t.Errorf("a finding of a sound source: %+v", finding)
		}
	}
}

func testBroken(t *testing.T, source connector.Source, fixture Fixture) {
	if fixture.Break == nil {
		t.Skip("the source cannot be broken")
	}
	good := read(t, source, nil, fixture.Types).result
	fixture.Break(t)
	for _, since := range []connector.Watermark{nil, good.Next} {
		result, err := source.Read(t.Context(), connector.ReadRequest{Since: since, Types: fixture.Types}, func(connector.Change) error { return nil })
		checkError(t, "read", err)
		if result.Next != nil || len(result.Coverage) > 0 || result.Unchanged {
			t.Errorf("a read that failed claims %+v", result)
		}
	}
	_, err := source.Test(t.Context())
	checkError(t, "test", err)
	_, err = source.Find(t.Context(), fixture.Types[0], directory.ByAnchor, "x")
	checkError(t, "find", err)
	_, err = source.Schema(t.Context())
	checkError(t, "schema", err)
}

// checkError demands an error that says what it is of and what it means.
func checkError(t *testing.T, call string, err error) {
	t.Helper()
	var failed *connector.Error
	if !errors.As(err, &failed) {
		t.Errorf("%s of a broken source: %v, want a *connector.Error", call, err)
	} else if failed.Class == "" || failed.Code == "" || failed.Detail == "" {
		t.Errorf("%s of a broken source tells too little: %#v", call, failed)
	}
}
