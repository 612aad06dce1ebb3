package snapshot

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store/storetest"
)

func TestImport(t *testing.T) {
	s, c := openMemory(t)
	report := mustImport(t, s, complete("w1",
		whole(user("2"), "Ada"), added(edgeTo(user("2"), "manager", directory.ByAnchor, "1")),
		whole(user("1"), "Grace"), whole(group("g"), "Eng"), added(member("g", "1")), added(member("g", "2")), whole(user("3"), "Alan")))
	if got := report.Types["User"]; got != (Counts{Read: 3, Changed: 3, Edges: 1}) {
		t.Errorf("users %+v", got)
	}
	if got := report.Types["Group"]; got != (Counts{Read: 1, Changed: 1, Edges: 2}) {
		t.Errorf("groups %+v", got)
	}
	expect(t, s,
		`User/1 present {"name":"Grace"}`,
		`User/2 present {"name":"Ada"}`, `User/2 -manager-> anchor 1`,
		`User/3 present {"name":"Alan"}`,
		`Group/g present {"name":"Eng"}`, `Group/g -members-> anchor 1`, `Group/g -members-> anchor 2`)

	// One name changed, one member left, one person is gone.
	before := report.Sequence
	c.Time = noon.Add(time.Hour)
	second := complete("w2",
		whole(user("1"), "Grace"), whole(user("2"), "Ada L"), added(edgeTo(user("2"), "manager", directory.ByAnchor, "1")),
		whole(group("g"), "Eng"), added(member("g", "2")))
	report = mustImport(t, s, second)
	if string(second.since) != "w1" {
		t.Errorf("read since %q", second.since)
	}
	if got := report.Types["User"]; got != (Counts{Read: 2, Changed: 1, Unchanged: 1, Absent: 1}) {
		t.Errorf("users %+v", got)
	}
	if got := report.Types["Group"]; got != (Counts{Read: 1, Unchanged: 1, Edges: 1}) {
		t.Errorf("groups %+v", got)
	}
	if got := changedSince(t, s, before); got != "Group/g User/1 User/2 User/3" {
		t.Errorf("changed: %s", got)
	}
	expect(t, s,
		`User/1 present {"name":"Grace"}`,
		`User/2 present {"name":"Ada L"}`, `User/2 -manager-> anchor 1`,
		`User/3 absent {"name":"Alan"}`,
		`Group/g present {"name":"Eng"}`, `Group/g -members-> anchor 2`)
	r, found, err := s.Object(user("3"))
	if err != nil || !found || !r.Since.Equal(noon.Add(time.Hour)) {
		t.Errorf("absent since %v (%t, %v)", r.Since, found, err)
	}
	if n, err := s.Count("User"); n != 2 || err != nil {
		t.Errorf("%d users, %v", n, err)
	}

	// Back again.
	before = report.Sequence
	c.Time = noon.Add(2 * time.Hour)
	second.changes = append(second.changes, whole(user("3"), "Alan"))
	mustImport(t, s, second)
	if got := changedSince(t, s, before); got != "User/3" {
		t.Errorf("changed: %s", got)
	}
	if r, _, err = s.Object(user("3")); err != nil || r.State != Present || !r.Since.Equal(noon.Add(2*time.Hour)) {
		t.Errorf("%v since %v, %v", r.State, r.Since, err)
	}
}

// What is read as it was costs no write at all.
func TestUnchangedCostsNothing(t *testing.T) {
	below := storetest.Faulty(store.Memory())
	s := Open(below, "s1", Options{})
	source := complete("w", whole(user("1"), "a", "cn=1"), whole(user("2"), "b"), added(edgeTo(user("1"), "manager", "dn", "cn=x")),
		word(connector.Seen, user("3")), word(connector.SoftDeleted, user("4")), word(connector.Deleted, user("5")))
	source.result.Problems = []connector.Problem{
		{Key: user("3"), Code: "c", Where: "w", Detail: "d"}, {Key: user("3"), Code: "c", Where: "w", Detail: "again"}, {Key: directory.Key{Type: "User"}, Where: "line 3"},
	}
	first := mustImport(t, s, source)
	commits := below.Commits()
	again := mustImport(t, s, source)
	if below.Commits() != commits || again.Sequence != first.Sequence {
		t.Errorf("%d commits more, sequence from %d to %d", below.Commits()-commits, first.Sequence, again.Sequence)
	}
	source.result = connector.ReadResult{Unchanged: true, Next: connector.Watermark("w")}
	source.changes = nil
	if again = mustImport(t, s, source); !again.Unchanged || below.Commits() != commits {
		t.Errorf("%+v after %d commits more", again, below.Commits()-commits)
	}
	source.result.Next = connector.Watermark("w2")
	mustImport(t, s, source)
	mustImport(t, s, source)
	if string(source.since) != "w2" || below.Commits() != commits+1 {
		t.Errorf("since %q, %d commits more", source.since, below.Commits()-commits)
	}
}

// A source cannot say that nothing changed when it was asked for everything.
func TestUnchangedOutOfPlace(t *testing.T) {
	s, _ := openMemory(t)
	if _, err := s.Import(t.Context(), &script{result: connector.ReadResult{Unchanged: true}}, types, nil); err == nil {
		t.Error("taken")
	}
}

func TestAnotherTypeReadsEverything(t *testing.T) {
	s, _ := openMemory(t)
	source := complete("w")
	for _, test := range []struct {
		types []string
		since string
	}{{types[:1], ""}, {types[:1], "w"}, {types, ""}, {types, "w"}, {types[1:], "w"}, {types, ""}} {
		if _, err := s.Import(t.Context(), source, test.types, nil); err != nil {
			t.Fatal(err)
		}
		if string(source.since) != test.since {
			t.Errorf("%q read since %q, want %q", test.types, source.since, test.since)
		}
	}
}

// Absence is evidence in a complete read alone.
func TestAbsence(t *testing.T) {
	base := complete("w1", whole(user("1"), "a"), whole(user("2"), "b"), whole(group("g"), "c"), added(member("g", "1")))
	for name, test := range map[string]struct {
		edit     func(*script)
		approve  bool
		absent   string
		emptied  string
		coverage connector.Coverage // of users
		since    string             // of the next read
	}{
		"complete":     {func(*script) {}, false, "User/2", "", connector.Complete, "w2"},
		"changes only": {func(s *script) { s.result.Coverage["User"] = connector.ChangesOnly }, false, "", "", connector.ChangesOnly, "w2"},
		"nothing":      {func(s *script) { delete(s.result.Coverage, "User") }, false, "", "", connector.Nothing, "w2"},
		"failed":       {func(s *script) { s.failure = errors.New("page 2") }, false, "", "", connector.Nothing, "w1"},
		"lost row": {func(s *script) {
			s.result.Problems = []connector.Problem{{Key: directory.Key{Type: "User"}, Where: "line 2"}}
		}, false, "", "", connector.ChangesOnly, "w2"},
		"lost anything": {func(s *script) { s.result.Problems = []connector.Problem{{Where: "line 2"}} }, false, "", "", connector.ChangesOnly, "w2"},
		"lost group": {func(s *script) {
			s.result.Problems = []connector.Problem{{Key: directory.Key{Type: "Group"}, Where: "line 2"}}
		}, false, "User/2", "", connector.Complete, "w2"},
		"bad anchor":  {func(s *script) { s.changes = append(s.changes, whole(user("x\x00"), "x")) }, false, "", "", connector.ChangesOnly, "w2"},
		"no type":     {func(s *script) { s.changes = append(s.changes, whole(directory.Key{Anchor: "1"}, "x")) }, false, "", "", connector.ChangesOnly, "w2"},
		"seen":        {func(s *script) { s.changes = append(s.changes, word(connector.Seen, user("2"))) }, false, "", "", connector.Complete, "w2"},
		"problem":     {func(s *script) { s.result.Problems = []connector.Problem{{Key: user("2"), Detail: "broken"}} }, false, "", "", connector.Complete, "w2"},
		"emptied":     {func(s *script) { s.changes = s.changes[1:] }, false, "", "User", connector.ChangesOnly, "w1"},
		"approved":    {func(s *script) { s.changes = s.changes[1:] }, true, "User/1 User/2", "", connector.Complete, "w2"},
		"all emptied": {func(s *script) { s.changes = nil }, false, "", "User Group", connector.ChangesOnly, "w1"},
		"all broken": {func(s *script) {
			s.changes = s.changes[1:]
			s.result.Problems = []connector.Problem{{Key: user("1"), Detail: "broken"}}
		}, false, "User/2", "", connector.Complete, "w2"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := openMemory(t)
			s.page = 2
			mustImport(t, s, base)
			source := complete("w2", whole(user("1"), "a"), whole(group("g"), "c"), added(member("g", "1")))
			test.edit(source)
			report, err := s.Import(t.Context(), source, types, func(typ string, known int) bool {
				if typ == "User" && known != 2 {
					t.Errorf("approval of %d %s is asked", known, typ)
				}
				return test.approve
			})
			if !errors.Is(err, source.failure) {
				t.Fatal(err)
			}
			if got := strings.Join(report.Emptied, " "); got != test.emptied || report.Coverage["User"] != test.coverage {
				t.Errorf("emptied %q, coverage %v", got, report.Coverage["User"])
			}
			var absent []string
			for _, key := range []directory.Key{user("1"), user("2"), group("g")} {
				r, _, err := s.Object(key)
				if err != nil {
					t.Fatal(err)
				}
				if r.State == Absent {
					absent = append(absent, key.String())
				}
			}
			if got := strings.Join(absent, " "); got != test.absent {
				t.Errorf("absent %q, want %q", got, test.absent)
			}
			next := complete("w3")
			if _, err := s.Import(t.Context(), next, types, nil); err != nil || string(next.since) != test.since {
				t.Errorf("the next read is since %q, want %q (%v)", next.since, test.since, err)
			}
		})
	}
}

func TestWords(t *testing.T) {
	for name, test := range map[string]struct {
		changes []connector.Change
		want    string
		edges   bool // the object keeps its edge
	}{
		"soft-deleted":              {[]connector.Change{word(connector.SoftDeleted, user("1"))}, `soft-deleted {"name":"a"}`, true},
		"soft-deleted and seen":     {[]connector.Change{word(connector.SoftDeleted, user("1")), word(connector.Seen, user("1"))}, `soft-deleted {"name":"a"}`, true},
		"soft-deleted and restored": {[]connector.Change{word(connector.SoftDeleted, user("1")), whole(user("1"), "b")}, `present {"name":"b"}`, true},
		"left":                      {[]connector.Change{word(connector.Left, user("1"))}, `absent {"name":"a"}`, false},
		"deleted":                   {[]connector.Change{word(connector.Deleted, user("1"))}, `deleted {"name":"a"}`, false},
		"left, then deleted":        {[]connector.Change{word(connector.Left, user("1")), word(connector.Deleted, user("1"))}, `deleted {"name":"a"}`, false},
		"deleted, then left":        {[]connector.Change{word(connector.Deleted, user("1")), word(connector.Left, user("1"))}, `deleted {"name":"a"}`, false},
		"left, then seen":           {[]connector.Change{word(connector.Left, user("1")), word(connector.Seen, user("1"))}, `present {"name":"a"}`, true},
		"partial":                   {[]connector.Change{partial(user("1"), "x", directory.Text("y"))}, `present {"name":"a","x":"y"}`, true},
		"partial, gone":             {[]connector.Change{partial(user("1"), "name", directory.Null)}, `present {}`, true},
		"given twice":               {[]connector.Change{whole(user("1"), "b"), whole(user("1"), "c")}, `present {"name":"c"}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := openMemory(t)
			manager := edgeTo(user("1"), "manager", directory.ByAnchor, "2")
			report := mustImport(t, s, complete("w1", whole(user("1"), "a"), added(manager), whole(user("2"), "m")))
			mustImport(t, s, delta(test.changes...))
			want := []string{"User/1 " + test.want}
			if test.edges {
				want = append(want, "User/1 -manager-> anchor 2")
			}
			expect(t, s, append(want, `User/2 present {"name":"m"}`)...)
			if got := changedSince(t, s, report.Sequence); !strings.HasPrefix(got, "User/1") {
				t.Errorf("changed: %q", got)
			}
		})
	}
}

// Those whom a group gives something are looked at again when the group comes
// or goes, however that shows.
func TestOtherEndsFollow(t *testing.T) {
	s, _ := openMemory(t)
	s.page = 2
	base := []connector.Change{whole(user("1"), "a"), whole(user("2"), "b"), whole(user("3"), "c"), whole(user("4"), "d"), whole(group("g"), "g"), whole(group("h"), "h")}
	members := []connector.Change{added(member("g", "1")), added(member("g", "2")), added(member("g", "3"))}
	at := mustImport(t, s, complete("w", append(base, members...)...)).Sequence
	for _, step := range []struct {
		source *script
		want   string
	}{
		{delta(word(connector.SoftDeleted, group("g"))), "Group/g User/1 User/2 User/3"},
		{delta(whole(group("g"), "g")), "Group/g User/1 User/2 User/3"},
		{delta(whole(group("g"), "G")), "Group/g"},
		{delta(removed(member("g", "2")), added(member("h", "nobody"))), "Group/g Group/h User/2"},
		{delta(whole(user("nobody"), "n")), "User/nobody"},
		{delta(word(connector.Deleted, group("g"))), "Group/g User/1 User/3"},
		{complete("w", append(base[:5:5], whole(user("nobody"), "n"))...), "Group/g Group/h User/nobody"},
	} {
		report := mustImport(t, s, step.source)
		if got := changedSince(t, s, at); got != step.want {
			t.Errorf("changed: %s; want %s", got, step.want)
		}
		at = report.Sequence
	}
}

// A restored state is followed although the import was cut in between.
func TestOtherEndsFollowAfterFailure(t *testing.T) {
	s, _ := openMemory(t)
	at := mustImport(t, s, complete("w", whole(user("1"), "a"), whole(group("g"), "g"), added(member("g", "1")))).Sequence
	if _, err := s.Import(t.Context(), &script{changes: []connector.Change{word(connector.SoftDeleted, group("g"))}, failure: errors.New("cut")}, types, nil); err == nil {
		t.Fatal("no error")
	}
	if got := changedSince(t, s, at); got != "Group/g" {
		t.Errorf("changed: %s", got)
	}
	mustImport(t, s, delta())
	if got := changedSince(t, s, at); got != "Group/g User/1" {
		t.Errorf("changed: %s", got)
	}
}

func TestEpoch(t *testing.T) {
	s, _ := openMemory(t)
	mustImport(t, s, complete("w1", whole(user("1"), "a"), added(edgeTo(user("1"), "manager", directory.ByAnchor, "2")), whole(user("2"), "b"),
		word(connector.Seen, user("3")), whole(group("g"), "g"), added(member("g", "1"))))
	other := complete("w2", whole(user("2"), "x"), whole(user("9"), "y"))
	other.result.Epoch = "e2"
	other.result.Coverage = map[string]connector.Coverage{"User": connector.Complete}
	report, err := s.Import(t.Context(), other, []string{"User"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !report.EpochChanged || report.Types["User"].Absent != 0 || report.Types["User"].Orphaned != 2 || report.Types["Group"].Orphaned != 1 {
		t.Errorf("%+v", report)
	}
	want := []string{
		`User/1 present {"name":"a"} orphaned`, `User/1 -manager-> anchor 2`, `User/2 present {"name":"x"}`, `User/3 present orphaned`, `User/9 present {"name":"y"}`,
		`Group/g present {"name":"g"} orphaned`, `Group/g -members-> anchor 1`,
	}
	expect(t, s, want...)
	// Within the new epoch, the left-over stay what they are, and the others may
	// be gone.
	other.changes = other.changes[:1]
	report = mustImport(t, s, other)
	if report.EpochChanged || report.Types["User"].Absent != 1 {
		t.Errorf("%+v", report)
	}
	want[4] = `User/9 absent {"name":"y"}`
	expect(t, s, want...)
	other.changes = append(other.changes, whole(user("1"), "a"))
	mustImport(t, s, other)
	expect(t, s, `User/1 present {"name":"a"}`, `User/2 present {"name":"x"}`, `User/3 present orphaned`, want[4], want[5], want[6])
}

func TestProblems(t *testing.T) {
	s, c := openMemory(t)
	problem := func(key directory.Key, where, detail string) connector.Problem {
		return connector.Problem{Key: key, Code: "InvalidSourceRecord", Where: where, Detail: detail}
	}
	source := complete("w", whole(user("1"), "a"), word(connector.Seen, user("2")))
	source.result.Problems = []connector.Problem{problem(user("2"), "line 3", "broken"), problem(directory.Key{Type: "User"}, "line 4", "no id")}
	at := mustImport(t, s, source).Sequence
	expect(t, s, `User/1 present {"name":"a"}`, `User/2 present problem broken`)
	problems, err := s.Problems(10)
	if err != nil || len(problems) != 2 || !problems[0].Since.Equal(noon) {
		t.Fatalf("%+v, %v", problems, err)
	}

	// The other one breaks; the broken one is read well; the place moves.
	c.Time = noon.Add(time.Hour)
	source = complete("w", word(connector.Seen, user("1")), whole(user("2"), "b"))
	source.result.Problems = []connector.Problem{problem(user("1"), "line 2", "worse"), problem(directory.Key{Type: "User"}, "line 5", "no id")}
	mustImport(t, s, source)
	expect(t, s, `User/1 present {"name":"a"} problem worse`, `User/2 present {"name":"b"}`)
	if got := changedSince(t, s, at); got != "User/1 User/2" {
		t.Errorf("changed: %s", got)
	}
	if problems, err = s.Problems(10); err != nil || len(problems) != 2 || problems[0].Where != "line 5" || problems[1].Where != "line 2" {
		t.Fatalf("%+v, %v", problems, err)
	}

	// Nothing is cleared by a read that fails.
	failing := complete("w", whole(user("1"), "a"))
	failing.failure = errors.New("cut")
	if _, err := s.Import(t.Context(), failing, types, nil); err == nil {
		t.Fatal("no error")
	}
	expect(t, s, `User/1 present {"name":"a"} problem worse`, `User/2 present {"name":"b"}`)

	// Who is gone has no problem any more.
	mustImport(t, s, complete("w", whole(user("2"), "b")))
	expect(t, s, `User/1 absent {"name":"a"}`, `User/2 present {"name":"b"}`)
	if problems, err = s.Problems(10); err != nil || len(problems) != 0 {
		t.Fatalf("%+v, %v", problems, err)
	}
}

// A change of something that was never read makes no half object.
func TestPartialOfTheUnknown(t *testing.T) {
	s, _ := openMemory(t)
	mustImport(t, s, delta(partial(user("1"), "name", directory.Text("x"))))
	r, found, err := s.Object(user("1"))
	if err != nil || !found || r.Known || r.Problem == nil || len(r.Attributes) > 0 {
		t.Errorf("%+v %t %v", r, found, err)
	}
	mustImport(t, s, complete("w", whole(user("1"), "a")))
	expect(t, s, `User/1 present {"name":"a"}`)
}

func TestHostileSource(t *testing.T) {
	s, _ := openMemory(t)
	long := strings.Repeat("x", 5000)
	bad := complete("w", whole(user("1"), "a"), whole(user(long), "b"), whole(user(""), "b"),
		added(edgeTo(user("1"), "manager", "dn", long)), added(edgeTo(user("1"), "", "dn", "x")), added(edgeTo(user("1"), "manager", "a\x00b", "x")),
		added(edgeTo(user("\x00"), "manager", "dn", "x")), whole(directory.Key{Type: "Unwanted", Anchor: "1"}, "x"), whole(directory.Key{Type: "Unwanted"}, "x"))
	bad.changes[0].Aliases = []directory.Ref{{By: "dn", Value: long}, {By: "", Value: "x"}, {By: "dn", Value: "good"}, {By: "dn", Value: "good"}}
	report := mustImport(t, s, bad)
	if report.Coverage["User"] != connector.ChangesOnly || report.Coverage["Group"] != connector.Complete {
		t.Errorf("%+v", report)
	}
	expect(t, s, `User/1 present {"name":"a"} problem a reference has an empty or overlong part, or holds a NUL character good`)
	if _, err := s.Import(t.Context(), delta(connector.Change{Kind: 99, Object: directory.Object{Key: user("1")}}), types, nil); err == nil {
		t.Error("a change of unknown kind is taken")
	}
}

func TestImportEnds(t *testing.T) {
	s, _ := openMemory(t)
	s.page = 1
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Import(ctx, complete("w", whole(user("1"), "a"), whole(user("2"), "a")), types, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	expect(t, s, "")
}

// A page is bounded by bytes too.
func TestPageBytes(t *testing.T) {
	below := storetest.Faulty(store.Memory())
	s := Open(below, "s1", Options{})
	var changes []connector.Change
	for _, anchor := range []string{"1", "2", "3", "4"} {
		changes = append(changes, whole(user(anchor), strings.Repeat("x", pageBytes/2)))
	}
	mustImport(t, s, complete("w", changes...))
	if below.Commits() != 3 { // two pages and the watermark
		t.Errorf("%d commits", below.Commits())
	}
}

// That as many were named as there are does not mean that they are the same.
func TestEqualNumbersAreNotEqualSets(t *testing.T) {
	first, second := edgeTo(user("1"), "manager", directory.ByAnchor, "3"), edgeTo(user("2"), "manager", directory.ByAnchor, "3")
	base := complete("w", whole(user("1"), "a"), added(first), whole(user("2"), "b"), added(second), whole(user("3"), "c"))

	s, _ := openMemory(t)
	mustImport(t, s, base)
	mustImport(t, s, complete("w", whole(user("1"), "a"), whole(user("3"), "c"), word(connector.Deleted, user("3"))))
	expect(t, s, `User/1 present {"name":"a"}`, `User/2 absent {"name":"b"}`, `User/3 deleted {"name":"c"}`)

	s, _ = openMemory(t)
	mustImport(t, s, base)
	mustImport(t, s, complete("w", whole(user("1"), "a"), added(first), removed(first), whole(user("2"), "b"), whole(user("3"), "c")))
	expect(t, s, `User/1 present {"name":"a"}`, `User/2 present {"name":"b"}`, `User/3 present {"name":"c"}`)

	s, _ = openMemory(t)
	s.page = 1
	mustImport(t, s, base)
	mustImport(t, s, reader{read: func(yield func(connector.Change) error) (connector.ReadResult, error) {
		for _, change := range []connector.Change{whole(user("1"), "a"), added(first), whole(user("2"), "b"), whole(user("3"), "c")} {
			if err := yield(change); err != nil {
				return connector.ReadResult{}, err
			}
		}
		return base.result, s.Merge(t.Context(), []connector.Change{whole(user("1"), "a")})
	}})
	expect(t, s, `User/1 present {"name":"a"}`, `User/2 present {"name":"b"}`, `User/3 present {"name":"c"}`)
}
