package snapshot

import (
	"context"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

func TestMerge(t *testing.T) {
	s, _ := openMemory(t)
	s.page = 2
	manager := func(u, m string) directory.Edge { return edgeTo(user(u), "manager", directory.ByAnchor, m) }
	source := complete("w", whole(user("1"), "a"), added(manager("1", "2")), whole(user("2"), "b"), whole(user("3"), "c"), added(manager("3", "2")), word(connector.Seen, user("4")))
	source.result.Problems = []connector.Problem{{Key: user("4"), Detail: "broken"}}
	at := mustImport(t, s, source).Sequence

	if err := s.Merge(t.Context(), []connector.Change{whole(user("1"), "A"), added(manager("1", "3")), whole(user("4"), "d"), whole(user("5"), "e"), word(connector.Deleted, user("9"))}); err != nil {
		t.Fatal(err)
	}
	expect(t, s,
		`User/1 present {"name":"A"}`, `User/1 -manager-> anchor 3`, `User/2 present {"name":"b"}`,
		`User/3 present {"name":"c"}`, `User/3 -manager-> anchor 2`, `User/4 present {"name":"d"}`, `User/5 present {"name":"e"}`)
	if got := changedSince(t, s, at); got != "User/1 User/2 User/3 User/4 User/5" {
		t.Errorf("changed: %s", got)
	}

	// The same again changes nothing, and the next read is since the last one.
	at, err := s.Sequence()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Merge(t.Context(), []connector.Change{whole(user("1"), "A"), added(manager("1", "3"))}); err != nil {
		t.Fatal(err)
	}
	if got := changedSince(t, s, at); got != "" {
		t.Errorf("changed: %s", got)
	}
	next := delta()
	if mustImport(t, s, next); string(next.since) != "w" {
		t.Errorf("read since %q", next.since)
	}
	if err := s.Merge(t.Context(), []connector.Change{whole(user("\x00"), "A")}); err == nil {
		t.Error("an anchor that is none is taken")
	}
}

// reader is a source whose reads are a function.
type reader struct {
	connector.Source
	read func(yield func(connector.Change) error) (connector.ReadResult, error)
}

func (r reader) Read(_ context.Context, _ connector.ReadRequest, yield func(connector.Change) error) (connector.ReadResult, error) {
	return r.read(yield)
}

// What is found afresh while an import runs is not taken for absent at its end.
func TestMergeWhileImporting(t *testing.T) {
	s, _ := openMemory(t)
	s.page = 2
	mustImport(t, s, complete("w", whole(user("1"), "a"), whole(user("2"), "b")))
	manager := edgeTo(user("1"), "manager", directory.ByAnchor, "3")
	mustImport(t, s, reader{read: func(yield func(connector.Change) error) (connector.ReadResult, error) {
		if err := yield(whole(user("1"), "a")); err != nil {
			return connector.ReadResult{}, err
		}
		if err := s.Merge(t.Context(), []connector.Change{whole(user("3"), "new"), whole(user("1"), "a"), added(manager)}); err != nil {
			return connector.ReadResult{}, err
		}
		return complete("w2").result, nil
	}})
	expect(t, s, `User/1 present {"name":"a"}`, `User/1 -manager-> anchor 3`, `User/2 absent {"name":"b"}`, `User/3 present {"name":"new"}`)
}

// A find is no reading: what it brought does not make an empty read less empty.
func TestMergeDoesNotHideEmptiness(t *testing.T) {
	s, _ := openMemory(t)
	mustImport(t, s, complete("w", whole(user("1"), "a"), whole(user("2"), "b")))
	report := mustImport(t, s, reader{read: func(func(connector.Change) error) (connector.ReadResult, error) {
		return complete("w2").result, s.Merge(t.Context(), []connector.Change{whole(user("2"), "b")})
	}})
	if len(report.Emptied) != 1 {
		t.Errorf("%+v", report)
	}
	expect(t, s, `User/1 present {"name":"a"}`, `User/2 present {"name":"b"}`)
}
