package snapshot

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

func mustResolve(t *testing.T, s *Snapshot, by, value string, types ...string) string {
	t.Helper()
	key, found, err := s.Resolve(directory.Ref{By: by, Value: value}, types...)
	if err != nil {
		t.Fatal(err)
	}
	if !found {
		return ""
	}
	return key.String()
}

// holders gives the edges that lead to an object, read limit at a time.
func holders(t *testing.T, s *Snapshot, key directory.Key, attribute string, limit int) string {
	t.Helper()
	var out []string
	var behind directory.Edge
	for {
		edges, err := s.Holders(key, attribute, behind, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, edge := range edges {
			out = append(out, fmt.Sprintf("%v.%s", edge.Holder, edge.Attribute))
			behind = edge
		}
		if len(edges) < limit {
			return strings.Join(out, " ")
		}
	}
}

func TestResolve(t *testing.T) {
	s, _ := openMemory(t)
	mustImport(t, s, complete("w", whole(user("1"), "a", "CN=Ädä,dc=x"), whole(user("x"), "b"), whole(group("x"), "c"), whole(group("g"), "d", "cn=g")))
	for _, test := range []struct {
		by, value string
		types     []string
		want      string
	}{
		{directory.ByAnchor, "1", nil, "User/1"},
		{directory.ByAnchor, "x", nil, "User/x"},
		{directory.ByAnchor, "x", []string{"Group", "User"}, "Group/x"},
		{directory.ByAnchor, "X", nil, ""},
		{directory.ByAnchor, "g", nil, "Group/g"},
		{directory.ByAnchor, "g", []string{"User"}, ""},
		{directory.ByAnchor, "", nil, ""},
		{directory.ByAnchor, "1\x00", nil, ""},
		{"dn", "cn=äDÄ,DC=X", nil, "User/1"},
		{"dn", "cn=g", nil, "Group/g"},
		{"mail", "cn=g", nil, ""},
	} {
		if got := mustResolve(t, s, test.by, test.value, test.types...); got != test.want {
			t.Errorf("%s %q among %q is %q, want %q", test.by, test.value, test.types, got, test.want)
		}
	}
}

// A name follows its owner, and belongs to whoever claimed it last.
func TestAliasesMove(t *testing.T) {
	for _, page := range []int{1, 100} {
		s, _ := openMemory(t)
		s.page = page
		mustImport(t, s, complete("w", whole(user("1"), "a", "cn=a"), whole(user("2"), "b", "cn=b")))
		mustImport(t, s, complete("w", whole(user("1"), "a", "cn=b"), whole(user("2"), "b", "cn=a")))
		if a, b := mustResolve(t, s, "dn", "cn=a"), mustResolve(t, s, "dn", "cn=b"); a != "User/2" || b != "User/1" {
			t.Errorf("swapped: a is %q, b is %q", a, b)
		}
		mustImport(t, s, complete("w", whole(user("1"), "a"), whole(user("2"), "b", "cn=a"), whole(user("3"), "c", "CN=B")))
		if a, b := mustResolve(t, s, "dn", "cn=a"), mustResolve(t, s, "dn", "cn=b"); a != "User/2" || b != "User/3" {
			t.Errorf("handed on: a is %q, b is %q", a, b)
		}
		mustImport(t, s, delta(partial(user("3"), "x", directory.Text("y")), partial(user("2"), "x", directory.Text("y"))))
		if b := mustResolve(t, s, "dn", "cn=b"); b != "User/3" {
			t.Errorf("after a partial change b is %q", b)
		}
	}
}

func TestCountEdges(t *testing.T) {
	s, _ := openMemory(t)
	mustImport(t, s, complete("w", whole(user("1"), "a"), whole(group("g"), "b"), whole(group("g1"), "c"), whole(group("g2"), "d"),
		added(member("g1", "1")), added(member("g1", "2")), added(member("g1", "3")), added(member("g", "1")),
		added(edgeTo(group("g"), "owner", directory.ByAnchor, "1")), added(edgeTo(user("g"), "members", directory.ByAnchor, "1"))))
	counts, err := s.CountEdges([]directory.Key{group("g1"), group("g"), group("none"), group("g2")}, "members")
	if want := []int{3, 1, 0, 0}; err != nil || !slices.Equal(counts, want) {
		t.Errorf("%v, %v; want %v", counts, err, want)
	}
}

func TestHolders(t *testing.T) {
	s, _ := openMemory(t)
	changes := []connector.Change{whole(user("1"), "a", "cn=1", "cn=one"), whole(user("x"), "b"), whole(group("x"), "c")}
	for _, g := range []string{"g1", "g2", "g3"} {
		changes = append(changes, whole(group(g), g), added(member(g, "1")), added(member(g, "x")), added(edgeTo(group(g), "owner", "dn", "CN=One")))
	}
	mustImport(t, s, complete("w", append(changes, added(edgeTo(user("x"), "manager", "dn", "CN=1")), added(edgeTo(user("x"), "manager", "dn", "cn=1")))...))
	for limit := 1; limit < 12; limit++ {
		if got, want := holders(t, s, user("1"), "", limit), "Group/g1.members Group/g2.members Group/g3.members User/x.manager User/x.manager Group/g1.owner Group/g2.owner Group/g3.owner"; got != want {
			t.Errorf("%d at a time: %s; want %s", limit, got, want)
		}
		if got, want := holders(t, s, user("1"), "owner", limit), "Group/g1.owner Group/g2.owner Group/g3.owner"; got != want {
			t.Errorf("%d at a time: %s; want %s", limit, got, want)
		}
		// Both have the anchor x, which leads to the user.
		if got, want := holders(t, s, user("x"), "", limit), "Group/g1.members Group/g2.members Group/g3.members"; got != want {
			t.Errorf("%d at a time: %s; want %s", limit, got, want)
		}
		if got := holders(t, s, group("x"), "", limit); got != "" {
			t.Errorf("%d at a time: %s", limit, got)
		}
	}
}

func TestReadNothing(t *testing.T) {
	s, _ := openMemory(t)
	mustImport(t, s, complete("w", whole(user("1"), "a")))
	// Another source in the same store, whose id begins like the first's.
	other := Open(s.store, "s", Options{})
	for name, s := range map[string]*Snapshot{"empty": other} {
		sequence, err := s.Sequence()
		if err != nil || sequence != 0 {
			t.Errorf("%s: sequence %d, %v", name, sequence, err)
		}
		if _, found, err := s.Object(user("1")); found || err != nil {
			t.Errorf("%s: found %t, %v", name, found, err)
		}
		if changes, err := s.Changes(0, 10); len(changes) > 0 || err != nil {
			t.Errorf("%s: %v, %v", name, changes, err)
		}
		if changes, err := s.Changes(^uint64(0), 10); len(changes) > 0 || err != nil {
			t.Errorf("%s: %v, %v", name, changes, err)
		}
		if holders, err := s.Holders(user("1"), "", directory.Edge{}, 10); len(holders) > 0 || err != nil {
			t.Errorf("%s: %v, %v", name, holders, err)
		}
		if count, err := s.Count("User"); count != 0 || err != nil {
			t.Errorf("%s: %d, %v", name, count, err)
		}
		if _, found, err := s.Object(user("a\x00b")); found || err != nil {
			t.Errorf("%s: found %t, %v", name, found, err)
		}
		expect(t, s, "")
	}
}

func TestDamage(t *testing.T) {
	for name, damage := range map[string]store.Mutation{
		"record":   store.Put(tableObjects, store.Key("s1", "User", "1"), []byte{1, 2, 3}),
		"version":  store.Put(tableObjects, store.Key("s1", "User", "1"), make([]byte, 100)),
		"body":     store.Put(tableObjects, store.Key("s1", "User", "1"), append((&record{state: Present}).encode(), 0xff, 0xff, 0xff, 0xff, 0x0f)),
		"sequence": store.Put(tableSequences, store.Key("s1", "User", "1"), []byte{1}),
		"head":     store.Put(tableMeta, store.Key("s1"), []byte("{")),
	} {
		s, _ := openMemory(t)
		mustImport(t, s, complete("w", whole(user("1"), "a")))
		if err := s.store.Commit(t.Context(), damage); err != nil {
			t.Fatal(err)
		}
		_, _, err := s.Object(user("1"))
		if name == "head" {
			_, err = s.Sequence()
		}
		if !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := s.Import(t.Context(), complete("w", whole(user("1"), "b")), types, nil); !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("%s: import: %v", name, err)
		}
	}
	s, _ := openMemory(t)
	if err := s.store.Commit(t.Context(), store.Put(tableMeta, store.Key("s1"), []byte(`{"version":3}`))); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sequence(); !errors.Is(err, store.ErrNewer) {
		t.Error(err)
	}
}

func TestDrop(t *testing.T) {
	s, _ := openMemory(t)
	s.page = 2
	other := Open(s.store, "s11", Options{})
	source := complete("w", whole(user("1"), "a", "cn=1"), whole(user("2"), "b"), whole(user("3"), "b"), whole(group("g"), "c"), added(member("g", "1")))
	source.result.Problems = []connector.Problem{{Key: user("3"), Detail: "d"}, {Where: "line 7"}}
	mustImport(t, s, source)
	mustImport(t, other, source)
	before := describe(t, other)
	if err := s.Drop(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, table := range append(tables, tableMeta) {
		rows, err := s.store.Page(table, store.Key("s1"), store.Successor(store.Prefix("s1")), 10)
		if err != nil || len(rows) > 0 {
			t.Errorf("%s keeps %d rows, %v", table, len(rows), err)
		}
	}
	if after := describe(t, other); after != before {
		t.Errorf("another source's snapshot became\n%s\nfrom\n%s", after, before)
	}
}

// Over an overlay a snapshot reads through and writes above.
func TestOverlay(t *testing.T) {
	s, _ := openMemory(t)
	at := mustImport(t, s, complete("w", whole(user("1"), "a"), whole(user("2"), "b"), added(edgeTo(user("1"), "manager", directory.ByAnchor, "2")))).Sequence
	before := describe(t, s)
	upper := store.Overlay(s.store)
	defer upper.Close()
	above := Open(upper, "s1", Options{})
	if got := describe(t, above); got != before {
		t.Errorf("through the overlay\n%s\nwant\n%s", got, before)
	}
	mustImport(t, above, complete("w2", whole(user("2"), "c"), whole(user("3"), "d")))
	expect(t, above, `User/1 absent {"name":"a"}`, `User/2 present {"name":"c"}`, `User/3 present {"name":"d"}`)
	if got := changedSince(t, above, at); got != "User/1 User/2 User/3" {
		t.Errorf("changed: %s", got)
	}
	if got := describe(t, s); got != before {
		t.Errorf("below the overlay\n%s\nwant\n%s", got, before)
	}
}
