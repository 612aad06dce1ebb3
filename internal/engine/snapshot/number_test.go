package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// numbers gives the number of each object, by each way of reading.
func numbers(t *testing.T, s *Snapshot) string {
	t.Helper()
	var out []string
	for _, typ := range types {
		anchors, err := s.Anchors(typ, "", 100)
		if err != nil {
			t.Fatal(err)
		}
		keys := make([]directory.Key, len(anchors))
		for i, anchor := range anchors {
			keys[i] = directory.Key{Type: typ, Anchor: anchor}
		}
		some, err := s.ObjectsOf(keys)
		if err != nil {
			t.Fatal(err)
		}
		all, err := s.Objects(typ, "", 100)
		if err != nil || len(all) != len(keys) {
			t.Fatalf("%d objects, %d anchors, %v", len(all), len(keys), err)
		}
		for i, key := range keys {
			one, _, err := s.Object(key)
			if err != nil || one.Sequence != some[i].Sequence || one.Sequence != all[i].Sequence {
				t.Errorf("%v has number %d, %d, %d, %v", key, one.Sequence, some[i].Sequence, all[i].Sequence, err)
			}
			out = append(out, fmt.Sprintf("%v=%d", key, one.Sequence))
		}
	}
	return strings.Join(out, " ")
}

func expectNumbers(t *testing.T, s *Snapshot, sequence uint64, want string) {
	t.Helper()
	if got := numbers(t, s); got != want {
		t.Errorf("numbers %s, want %s", got, want)
	}
	if got, err := s.Sequence(); err != nil || got != sequence {
		t.Errorf("the last is %d, want %d (%v)", got, sequence, err)
	}
}

// rows counts the rows that numbers take.
func rows(t *testing.T, s *Snapshot) int {
	t.Helper()
	count := 0
	for _, table := range []store.Table{tableSequences, tableChanges} {
		err := store.Each(s.store, table, store.Prefix(s.source), func(store.Row) error {
			count++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return count
}

var people3 = []connector.Change{whole(user("1"), "a"), whole(user("2"), "b"), whole(group("g"), "g"), added(member("g", "1"))}

// The first import numbers nothing one by one; whoever remembers its number is
// told what comes after it.
func TestFirstImportHasOneNumber(t *testing.T) {
	s, _ := openMemory(t)
	s.page = 2
	if report := mustImport(t, s, complete("w", people3...)); report.Sequence != 1 {
		t.Errorf("number %d", report.Sequence)
	}
	expectNumbers(t, s, 1, "User/1=1 User/2=1 Group/g=1")
	if n := rows(t, s); n != 0 {
		t.Errorf("%d rows", n)
	}
	mustImport(t, s, complete("w", append(people3, whole(user("3"), "c"), added(member("g", "2")))...))
	expectNumbers(t, s, 4, "User/1=1 User/2=3 User/3=4 Group/g=2")
	if got := changedSince(t, s, 1); got != "Group/g User/2 User/3" || rows(t, s) != 6 {
		t.Errorf("changed: %s; %d rows", got, rows(t, s))
	}
	mustImport(t, s, delta(whole(user("2"), "B")))
	expectNumbers(t, s, 5, "User/1=1 User/2=5 User/3=4 Group/g=2")
	if got := changedSince(t, s, 4); got != "User/2" || rows(t, s) != 6 {
		t.Errorf("changed: %s; %d rows", got, rows(t, s))
	}
}

// What a first import says that fails stays, and is still the first's when the
// next ends well.
func TestFirstImportAfterFailures(t *testing.T) {
	s, _ := openMemory(t)
	for range 2 {
		report, err := s.Import(t.Context(), &script{changes: people3[:2], failure: errors.New("cut")}, types, nil)
		if err == nil || report.Sequence != 0 {
			t.Errorf("number %d, %v", report.Sequence, err)
		}
		expectNumbers(t, s, 0, "User/1=1 User/2=1")
	}
	mustImport(t, s, complete("w", whole(user("1"), "A"), people3[2]))
	expect(t, s, `User/1 present {"name":"A"}`, `User/2 absent {"name":"b"}`, `Group/g present {"name":"g"}`)
	expectNumbers(t, s, 1, "User/1=1 User/2=1 Group/g=1")
	if n := rows(t, s); n != 0 {
		t.Errorf("%d rows", n)
	}
}

// A first read that names nobody of those whom a failed one has named ends
// without a watermark, and with a number.
func TestFirstImportEmptied(t *testing.T) {
	s, _ := openMemory(t)
	if _, err := s.Import(t.Context(), &script{changes: people3, failure: errors.New("cut")}, types, nil); err == nil {
		t.Fatal("no error")
	}
	report := mustImport(t, s, complete("w"))
	if !slices.Equal(report.Emptied, types) || report.Sequence != 1 {
		t.Errorf("%+v", report)
	}
	report, err := s.Import(t.Context(), complete("w"), types, func(string, int) bool { return true })
	if err != nil || len(report.Emptied) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
	if got := changedSince(t, s, 1); got != "Group/g User/1 User/2" {
		t.Errorf("changed: %s", got)
	}
}

// An empty source has been read, too.
func TestFirstImportOfNothing(t *testing.T) {
	s, _ := openMemory(t)
	if report := mustImport(t, s, complete("w")); report.Sequence != 1 {
		t.Errorf("number %d", report.Sequence)
	}
	mustImport(t, s, complete("w", people3...))
	if got := changedSince(t, s, 1); got != "Group/g User/1 User/2" {
		t.Errorf("changed: %s", got)
	}
}

func TestTypeAfterFirstImport(t *testing.T) {
	s, _ := openMemory(t)
	if _, err := s.Import(t.Context(), complete("w", people3...), types[:1], nil); err != nil {
		t.Fatal(err)
	}
	expectNumbers(t, s, 1, "User/1=1 User/2=1")
	mustImport(t, s, complete("w", people3...))
	expectNumbers(t, s, 3, "User/1=3 User/2=1 Group/g=2")
}

// What is asked for on demand before the first import, or while it runs, has
// numbers of its own.
func TestMergeAroundFirstImport(t *testing.T) {
	s, _ := openMemory(t)
	if err := s.Merge(t.Context(), people3[:1]); err != nil {
		t.Fatal(err)
	}
	expectNumbers(t, s, 2, "User/1=2")
	mustImport(t, s, complete("w", people3...))
	expectNumbers(t, s, 5, "User/1=4 User/2=5 Group/g=3")

	s, _ = openMemory(t)
	mustImport(t, s, reader{read: func(yield func(connector.Change) error) (connector.ReadResult, error) {
		for _, change := range people3 {
			if err := yield(change); err != nil {
				return connector.ReadResult{}, err
			}
		}
		return complete("w").result, s.Merge(t.Context(), []connector.Change{whole(user("3"), "c")})
	}})
	expectNumbers(t, s, 1, "User/1=1 User/2=1 User/3=1 Group/g=1")
}

// earlier writes what a program of version 1 kept of numbers: a row for each of
// the first objects, of all unless it was cut.
func earlier(t *testing.T, s *Snapshot, head string, numbered ...directory.Key) {
	t.Helper()
	mutations := []store.Mutation{store.Put(tableMeta, store.Key(s.source), []byte(head))}
	for i, key := range numbered {
		number := uint64(i + 1)
		mutations = append(mutations,
			store.Put(tableSequences, s.objectKey(key), binary.BigEndian.AppendUint64(nil, number)),
			store.Put(tableChanges, s.changeKey(number), keyText(key)))
	}
	if err := s.store.Commit(t.Context(), mutations...); err != nil {
		t.Fatal(err)
	}
}

func TestNumbersOfEarlierVersion(t *testing.T) {
	const counts = `"counts":{"Group":{"present":1,"edges":1},"User":{"present":2}}`
	const ended = `"watermark":"dw==","types":["Group","User"],"epoch":"e1","imported":true`
	next := complete("w", append(people3[:3:3], added(member("g", "2")), whole(user("3"), "c"))...)
	for name, test := range map[string]struct {
		head     string
		numbered []directory.Key
		before   string
		sequence uint64
		after    string
	}{
		"all": {
			`{"version":1,"sequence":3,` + counts + `,` + ended + `}`, []directory.Key{group("g"), user("1"), user("2")},
			"User/1=2 User/2=3 Group/g=1", 3, "User/1=8 User/2=5 User/3=6 Group/g=7",
		},
		"cut as it read": {
			`{"version":1,"sequence":0,` + counts + `,"unnumbered":true}`, nil,
			"User/1=1 User/2=1 Group/g=1", 0, "User/1=1 User/2=1 User/3=1 Group/g=1",
		},
		"cut as it numbered": {
			`{"version":1,"sequence":2,` + counts + `,"unnumbered":true}`, []directory.Key{group("g"), user("1")},
			"User/1=2 User/2=1 Group/g=1", 2, "User/1=7 User/2=4 User/3=5 Group/g=6",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := openMemory(t)
			mustImport(t, s, complete("w", people3...))
			earlier(t, s, test.head, test.numbered...)
			expectNumbers(t, s, test.sequence, test.before)
			report := mustImport(t, s, next)
			expectNumbers(t, s, report.Sequence, test.after)
			if got := changedSince(t, s, test.sequence); test.sequence > 0 && got != "Group/g User/1 User/2 User/3" {
				t.Errorf("changed: %s", got)
			}
			expect(t, s, `User/1 present {"name":"a"}`, `User/2 present {"name":"b"}`, `User/3 present {"name":"c"}`,
				`Group/g present {"name":"g"}`, `Group/g -members-> anchor 2`)
		})
	}
}

// Nobody was there when an earlier version read the source, and nothing was
// numbered.
func TestNothingOfEarlierVersion(t *testing.T) {
	s, _ := openMemory(t)
	earlier(t, s, `{"version":1,"sequence":0,"watermark":"dw==","types":["Group","User"],"epoch":"e1","imported":true}`)
	source := complete("w")
	source.result = connector.ReadResult{Unchanged: true, Next: connector.Watermark("w")}
	if report := mustImport(t, s, source); report.Sequence != 1 {
		t.Errorf("number %d", report.Sequence)
	}
	mustImport(t, s, complete("w", people3...))
	if got := changedSince(t, s, 1); got != "Group/g User/1 User/2" {
		t.Errorf("changed: %s", got)
	}
}
