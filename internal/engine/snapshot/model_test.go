package snapshot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store/storetest"
)

// model is a snapshot kept in plain maps: what the specification says, without
// pages, hashes and indexes.
type model struct {
	objects   map[directory.Key]modelObject
	edges     map[directory.Edge]bool
	watermark string
	epoch     string
}

type modelObject struct {
	state    State
	known    bool
	orphaned bool
	problem  string
	values   directory.Attributes
	aliases  []directory.Ref
}

func newModel() *model {
	return &model{objects: make(map[directory.Key]modelObject), edges: make(map[directory.Edge]bool)}
}

// read applies one read of a script.
func (m *model) read(s *script, approved bool) {
	whole, named, namedEdges := make(map[directory.Key]bool), make(map[directory.Key]bool), make(map[directory.Edge]bool)
	well := make(map[directory.Key]bool)
	counted := make(map[string]int)
	for _, change := range s.changes {
		key := change.Object.Key
		switch change.Kind {
		case connector.EdgeAdded:
			m.edges[change.Edge], namedEdges[change.Edge] = true, true
			continue
		case connector.EdgeRemoved:
			delete(m.edges, change.Edge)
			continue
		}
		counted[key.Type]++
		object, there := m.objects[key]
		switch {
		case change.Kind == connector.Whole, change.Kind == connector.Partial && object.known:
			if change.Kind == connector.Whole {
				object.values, object.aliases, whole[key] = change.Object.Attributes, change.Aliases, true
			} else {
				object.values = merge(object.values, change.Object.Attributes)
			}
			well[key] = well[key] || object.problem != ""
			object.state, object.known, object.orphaned = Present, true, false
			named[key] = true
		case change.Kind == connector.Partial:
			object = modelObject{state: Present, problem: "the source told a change"}
			if old := m.objects[key]; old.state == SoftDeleted {
				object.state = SoftDeleted
			}
			named[key] = true
		case change.Kind == connector.Seen:
			if object.state != SoftDeleted {
				object.state = Present
			}
			object.orphaned = false
			named[key] = true
		case !there:
			continue
		case change.Kind == connector.SoftDeleted:
			object.state, object.orphaned = SoftDeleted, false
			named[key] = true
		case change.Kind == connector.Deleted || object.state == Deleted:
			object.state, object.orphaned, object.problem = Deleted, false, ""
		default:
			object.state, object.orphaned, object.problem = Absent, false, ""
		}
		m.objects[key] = object
	}
	if s.failure != nil {
		return
	}
	for _, problem := range s.result.Problems {
		if problem.Key.Anchor == "" {
			continue
		}
		object := m.objects[problem.Key]
		if object.state != SoftDeleted {
			object.state = Present
		}
		object.orphaned, object.problem = false, problem.Detail
		m.objects[problem.Key] = object
		named[problem.Key], well[problem.Key] = true, false
		counted[problem.Key.Type]++
	}
	for key := range well {
		if well[key] {
			object := m.objects[key]
			object.problem = ""
			m.objects[key] = object
		}
	}
	complete, held := make(map[string]bool), false
	for _, typ := range types {
		complete[typ] = s.result.Coverage[typ] == connector.Complete
		known := 0
		for key, object := range m.objects {
			if key.Type == typ && object.state.live() {
				known++
			}
		}
		for _, problem := range s.result.Problems {
			if problem.Key.Anchor == "" && problem.Key.Type == typ {
				complete[typ] = false
			}
		}
		if complete[typ] && counted[typ] == 0 && known > 0 && !approved {
			complete[typ], held = false, true
		}
	}
	changedEpoch := m.watermark != "" && m.epoch != s.result.Epoch
	for edge := range m.edges {
		if complete[edge.Holder.Type] && whole[edge.Holder] && !namedEdges[edge] {
			delete(m.edges, edge)
		}
	}
	for key, object := range m.objects {
		switch {
		case named[key], !object.state.live(), object.orphaned:
		case changedEpoch && !held:
			object.orphaned = true
		case !changedEpoch && complete[key.Type]:
			object.state, object.problem = Absent, ""
		}
		m.objects[key] = object
	}
	for edge := range m.edges {
		if object, there := m.objects[edge.Holder]; there && !object.state.live() {
			delete(m.edges, edge)
		}
	}
	if !held {
		m.watermark, m.epoch = string(s.result.Next), s.result.Epoch
	}
}

func (m *model) describe() string {
	var out []string
	keys := slices.SortedFunc(maps.Keys(m.objects), directory.Key.Compare)
	for _, typ := range types {
		for _, key := range keys {
			if key.Type == typ {
				out = append(out, m.describeObject(key)...)
			}
		}
	}
	return strings.Join(out, "\n")
}

func (m *model) describeObject(key directory.Key) []string {
	object := m.objects[key]
	line := fmt.Sprintf("%v %v", key, object.state)
	if object.known {
		attributes, err := json.Marshal(object.values)
		if err != nil {
			panic(err)
		}
		line += " " + string(attributes)
	}
	if object.orphaned {
		line += " orphaned"
	}
	if object.problem != "" {
		line += " problem " + object.problem
	}
	for _, alias := range object.aliases {
		line += " " + alias.Value
	}
	var edges []string
	for edge := range m.edges {
		if edge.Holder == key {
			edges = append(edges, fmt.Sprintf("%v -%s-> %s %s", key, edge.Attribute, edge.To.By, edge.To.Value))
		}
	}
	slices.Sort(edges)
	return append([]string{line}, edges...)
}

// fingerprint is all that makes an object worth another look: itself, its
// edges, and the edges that lead to it.
func (m *model) fingerprint(key directory.Key) string {
	out := m.describeObject(key)
	var leading []string
	for edge := range m.edges {
		if edge.To.Value == key.Anchor || slices.ContainsFunc(m.objects[key].aliases, func(ref directory.Ref) bool {
			return strings.EqualFold(ref.Value, edge.To.Value)
		}) {
			leading = append(leading, fmt.Sprint(edge))
		}
	}
	slices.Sort(leading)
	return strings.Join(append(out, leading...), "\n")
}

// The generators. Anchors are few, so that reads meet; users and groups share
// none, and no two objects share an alias.
var (
	anyUser  = rapid.Map(rapid.SampledFrom([]string{"a", "b", "c", "d"}), user)
	anyGroup = rapid.Map(rapid.SampledFrom([]string{"g", "h"}), group)
	anyKey   = rapid.OneOf(anyUser, anyGroup)
	anyName  = rapid.SampledFrom([]string{"x", "y"})
	anyEdge  = rapid.Custom(func(t *rapid.T) directory.Edge {
		holder := anyKey.Draw(t, "holder")
		attribute := "manager"
		if holder.Type == directory.Group {
			attribute = "members"
		}
		to := anyKey.Draw(t, "to").Anchor
		if rapid.Bool().Draw(t, "by dn") {
			return edgeTo(holder, attribute, "dn", "CN="+strings.ToUpper(to)+anyName.Draw(t, "name"))
		}
		return edgeTo(holder, attribute, directory.ByAnchor, to)
	})
	anyChange = rapid.Custom(func(t *rapid.T) connector.Change {
		kind := rapid.SampledFrom([]connector.ChangeKind{
			connector.Whole, connector.Whole, connector.Whole, connector.EdgeAdded, connector.EdgeAdded, connector.EdgeRemoved,
			connector.Partial, connector.Seen, connector.SoftDeleted, connector.Deleted, connector.Left,
		}).Draw(t, "kind")
		switch kind {
		case connector.Whole:
			key := anyKey.Draw(t, "key")
			return whole(key, anyName.Draw(t, "name"), "cn="+key.Anchor+anyName.Draw(t, "alias"))
		case connector.Partial:
			return partial(anyKey.Draw(t, "key"), anyName.Draw(t, "attribute"), rapid.SampledFrom([]directory.Value{directory.Null, directory.Text("p")}).Draw(t, "value"))
		case connector.EdgeAdded:
			return added(anyEdge.Draw(t, "edge"))
		case connector.EdgeRemoved:
			return removed(anyEdge.Draw(t, "edge"))
		}
		return word(kind, anyKey.Draw(t, "key"))
	})
	anyScript = rapid.Custom(func(t *rapid.T) *script {
		s := complete("w"+anyName.Draw(t, "watermark"), rapid.SliceOfN(anyChange, 0, 12).Draw(t, "changes")...)
		for _, typ := range types {
			s.result.Coverage[typ] = rapid.SampledFrom([]connector.Coverage{connector.Complete, connector.Complete, connector.ChangesOnly, connector.Nothing}).Draw(t, typ)
		}
		s.result.Epoch = rapid.SampledFrom([]string{"e1", "e1", "e1", "e2"}).Draw(t, "epoch")
		if rapid.IntRange(0, 4).Draw(t, "fails") == 0 {
			s.failure = errors.New("the source failed")
		}
		for range rapid.IntRange(0, 2).Draw(t, "problems") {
			key := anyKey.Draw(t, "problem")
			if rapid.IntRange(0, 3).Draw(t, "lost") == 0 {
				key.Anchor = ""
			}
			if !slices.ContainsFunc(s.result.Problems, func(p connector.Problem) bool { return p.Key == key }) {
				s.result.Problems = append(s.result.Problems, connector.Problem{Key: key, Code: "c", Where: "w", Detail: anyName.Draw(t, "detail")})
			}
		}
		return s
	})
)

// checkNumbers holds the numbers of all objects against those of the changes.
func checkNumbers(rt *rapid.T, s *Snapshot, m *model) {
	changes, err := s.Changes(0, 1000)
	if err != nil {
		rt.Fatal(err)
	}
	changed := make(map[directory.Key]uint64)
	for _, change := range changes {
		if changed[change.Key] != 0 {
			rt.Fatalf("%v stands twice among the changes", change.Key)
		}
		changed[change.Key] = change.Sequence
	}
	for key := range m.objects {
		if got := numberOf(rt, s, key); got != max(changed[key], firstSequence) {
			rt.Fatalf("%v has number %d, among the changes %d", key, got, changed[key])
		}
		delete(changed, key)
	}
	if len(changed) > 0 {
		rt.Fatalf("%v changed, who are not there", changed)
	}
}

func numberOf(rt *rapid.T, s *Snapshot, key directory.Key) uint64 {
	r, there, err := s.Object(key)
	if err != nil || !there {
		rt.Fatalf("%v: %t, %v", key, there, err)
	}
	return r.Sequence
}

// Whatever is read, the snapshot is what the model is, and what changed since a
// read has ended well has a new number.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, _ := openMemory(t)
		s.page = rapid.SampledFrom([]int{1, 2, 5, 100}).Draw(rt, "page")
		m := newModel()
		for range rapid.IntRange(1, 6).Draw(rt, "reads") {
			source := anyScript.Draw(rt, "read")
			approved := rapid.Bool().Draw(rt, "approved")
			fingerprints := make(map[directory.Key]string)
			for key := range m.objects {
				fingerprints[key] = m.fingerprint(key)
			}
			before, err := s.Sequence()
			if err != nil {
				rt.Fatal(err)
			}
			since := m.watermark
			m.read(source, approved)
			report, err := s.Import(context.Background(), source, types, func(string, int) bool { return approved })
			if !errors.Is(err, source.failure) {
				rt.Fatal(err)
			}
			if string(source.since) != since {
				rt.Fatalf("read since %q, want %q", source.since, since)
			}
			if got, want := cutDetail(describe(t, s)), m.describe(); got != want {
				rt.Fatalf("there is\n%s\nwant\n%s", got, want)
			}
			checkNumbers(rt, s, m)
			if (report.Sequence == 0) != (before == 0 && source.failure != nil) {
				rt.Fatalf("number %d after %d, %v", report.Sequence, before, source.failure)
			}
			for key := range m.objects {
				number := numberOf(rt, s, key)
				if number > max(report.Sequence, firstSequence) {
					rt.Fatalf("%v has number %d, the last is %d", key, number, report.Sequence)
				}
				if fingerprints[key] != m.fingerprint(key) && number <= before {
					rt.Fatalf("%v has number %d after %d, but became\n%s\nfrom\n%s", key, number, before, m.fingerprint(key), fingerprints[key])
				}
			}
			checkSome(rt, s, m)
			checkCounts(rt, t, s, m)
		}
	})
}

// checkSome reads all objects with one attribute alone.
func checkSome(rt *rapid.T, s *Snapshot, m *model) {
	keys := slices.SortedFunc(maps.Keys(m.objects), directory.Key.Compare)
	all, err := s.ObjectsOf(keys)
	if err != nil {
		rt.Fatal(err)
	}
	some, err := s.SomeOf(keys, []string{"name"})
	if err != nil {
		rt.Fatal(err)
	}
	for i, record := range all {
		if name, there := record.Attributes.Get("name"); there {
			record.Attributes = directory.Attributes{{Name: "name", Value: name}}
		} else {
			record.Attributes = nil
		}
		record.Sequence = 0
		if !some[i].Attributes.Equal(record.Attributes) {
			rt.Fatalf("%v comes with %v", record.Key, some[i].Attributes)
		}
		some[i].Attributes, record.Attributes = nil, nil
		if !reflect.DeepEqual(some[i], record) {
			rt.Fatalf("it comes as %+v, not %+v", some[i], record)
		}
	}
}

// cutDetail shortens the problem that this package itself notes.
func cutDetail(s string) string {
	return strings.ReplaceAll(s, " of an object that it has never given whole; nothing is done until it does", "")
}

func checkCounts(rt *rapid.T, t *testing.T, s *Snapshot, m *model) {
	t.Helper()
	stored, err := s.readMeta(s.store)
	if err != nil {
		rt.Fatal(err)
	}
	for _, typ := range types {
		var want tally
		for key, object := range m.objects {
			if key.Type != typ {
				continue
			}
			r := record{state: object.state}
			if object.orphaned {
				r.flags = flagOrphaned
			}
			want.count(&r, 1)
		}
		for edge := range m.edges {
			if edge.Holder.Type == typ {
				want.Edges++
			}
		}
		if got := stored.Counts[typ]; got != want {
			rt.Fatalf("%s: counted %+v, want %+v", typ, got, want)
		}
	}
}

// Reads that are cut at any commit, and read again, end where uninterrupted
// ones do.
func TestCutAnywhere(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		reads := rapid.SliceOfN(anyScript, 1, 3).Draw(rt, "reads")
		m := newModel()
		reads = slices.DeleteFunc(reads, func(r *script) bool {
			r.failure = nil
			if !m.repeatable(r) {
				return true
			}
			m.read(r, false)
			return false
		})
		page := rapid.SampledFrom([]int{1, 2, 100}).Draw(rt, "page")
		run := func(below store.Store, cut int) (faulty *storetest.FaultyStore) {
			faulty = storetest.Faulty(below)
			if cut > 0 {
				faulty.CutAfter(cut)
			}
			c := &clock{noon}
			s := Open(faulty, "s1", Options{Now: c.now})
			s.page = page
			for _, r := range reads {
				_, err := s.Import(context.Background(), r, types, nil)
				if errors.Is(err, storetest.ErrCut) {
					s = Open(below, "s1", Options{Now: c.now})
					s.page = page
					_, err = s.Import(context.Background(), r, types, nil)
				}
				if err != nil {
					rt.Fatal(err)
				}
			}
			return faulty
		}
		whole := store.Memory()
		commits := run(whole, 0).Commits()
		want := everything(t, whole)
		for cut := 1; cut <= commits; cut++ {
			below := store.Memory()
			run(below, cut)
			if got := everything(t, below); got != want {
				rt.Fatalf("cut after %d of %d there is\n%s\nwant\n%s", cut, commits, got, want)
			}
		}
	})
}

// repeatable reports whether a read that was cut anywhere and made again tells
// the same. One that contradicts itself need not: an object that was not known
// when it was said to be soft-deleted, and is known by the end.
func (m *model) repeatable(r *script) bool {
	once := m.clone()
	once.read(r, false)
	for cut := range len(r.changes) + 1 {
		again := m.clone()
		again.read(&script{changes: r.changes[:cut], failure: errors.New("cut")}, false)
		again.read(r, false)
		if again.describe() != once.describe() {
			return false
		}
	}
	again := once.clone()
	again.watermark, again.epoch = m.watermark, m.epoch
	again.read(r, false)
	return again.describe() == once.describe()
}

func (m *model) clone() *model {
	return &model{maps.Clone(m.objects), maps.Clone(m.edges), m.watermark, m.epoch}
}

// everything gives all that is stored; of the numbers, who has one.
func everything(t testing.TB, s store.Store) string {
	t.Helper()
	snapshot := Open(s, "s1", Options{})
	out := []string{describe(t, snapshot), "numbered: " + changedSince(t, snapshot, 0)}
	for _, table := range []store.Table{tableObjects, tableEdges, tableHolders, tableAliases, tableProblems, tableUnsettled} {
		err := store.Each(s, table, nil, func(row store.Row) error {
			out = append(out, fmt.Sprintf("%s %q %q", table, row.Key, row.Value))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	m, err := snapshot.readMeta(s)
	if err != nil {
		t.Fatal(err)
	}
	m.Sequence = 0
	head, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(append(out, string(head)), "\n")
}
