package memory_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/memory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

func TestSearchLag(t *testing.T) {
	target := memory.New(memory.Options{SearchLag: 2})
	id := send(t, target, create("ann")).ID
	if got := find(t, target, userName, "ann"); got != nil {
		t.Errorf("the first search sees %v", got)
	}
	if got := list(t, target); got != nil {
		t.Errorf("the second search sees %v", got)
	}
	if got := find(t, target, userName, "ann"); !slices.Equal(got, []string{id}) {
		t.Errorf("the third search sees %v", got)
	}

	target = memory.New(memory.Options{SearchLag: -1})
	id = send(t, target, create("ann")).ID
	for range 5 {
		if got := find(t, target, userName, "ann"); got != nil {
			t.Fatalf("a search before the release sees %v", got)
		}
	}
	if _, err := target.Get(t.Context(), directory.User, id, nil); err != nil {
		t.Errorf("Get lags like a search: %v", err)
	}
	if _, err := target.Send(t.Context(), create("ann")); connector.ClassOf(err) != connector.Conflict {
		t.Errorf("an account that no search sees takes its name all the same, and a second gives %v", err)
	}
	target.ReleaseSearch()
	if got := find(t, target, userName, "ann"); !slices.Equal(got, []string{id}) {
		t.Errorf("a search after the release sees %v", got)
	}
}

func TestListMayCallTheTarget(t *testing.T) {
	target := memory.New(memory.Options{})
	send(t, target, create("ann"))
	send(t, target, create("bob"))
	seen := 0
	_, err := target.List(t.Context(), directory.User, nil, func(a connector.Account) error {
		seen++
		target.Drop(directory.User, target.Accounts(directory.User)[len(target.Accounts(directory.User))-1].ID)
		return nil
	})
	if err != nil || seen != 1 {
		t.Errorf("saw %d, error %v", seen, err)
	}
}

func TestReadsRefuse(t *testing.T) {
	target := memory.New(memory.Options{})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range map[string]func(context.Context, string) error{
		"list": func(ctx context.Context, typ string) error { _, err := target.List(ctx, typ, nil, nil); return err },
		"find": func(ctx context.Context, typ string) error {
			_, err := target.Find(ctx, typ, userName, directory.Text("ann"), nil)
			return err
		},
		"get": func(ctx context.Context, typ string) error { _, err := target.Get(ctx, typ, "1", nil); return err },
	} {
		if err := call(t.Context(), "Robot"); connector.ClassOf(err) != connector.Rejected {
			t.Errorf("%s of an unknown type gives %v", name, err)
		}
		if err := call(ended, directory.User); !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a context that has ended gives %v", name, err)
		}
	}
}

// TestSearchAgreesWithTheAccounts holds the index against a look at every
// account, over random writes.
func TestSearchAgreesWithTheAccounts(t *testing.T) {
	names := []string{"ann", "Ann", "bob", "cid", ""}
	rapid.Check(t, func(r *rapid.T) {
		target := memory.New(memory.Options{})
		for range rapid.IntRange(1, 30).Draw(r, "writes") {
			name := rapid.SampledFrom(names).Draw(r, "name")
			operation := create(name, set("title", directory.Text(rapid.SampledFrom(names).Draw(r, "title"))))
			if accounts := target.Accounts(directory.User); len(accounts) > 0 && rapid.Bool().Draw(r, "existing") {
				operation.ID = rapid.SampledFrom(ids(accounts)).Draw(r, "id")
				operation.Kind = rapid.SampledFrom([]connector.OperationKind{connector.Update, connector.Delete}).Draw(r, "kind")
			}
			_, _ = target.Send(context.Background(), operation)
		}
		for _, path := range []string{"userName", "title"} {
			for _, name := range names {
				var want []string
				for _, a := range target.Accounts(directory.User) {
					if v, ok := a.Values[path]; ok && directory.Fold(v.String()) == directory.Fold(name) {
						want = append(want, a.ID)
					}
				}
				slices.Sort(want)
				found, err := target.Find(context.Background(), directory.User, directory.MustPath(path), directory.Text(name), nil)
				if err != nil || !slices.Equal(ids(found), want) {
					r.Fatalf("%s %q: found %v, want %v, error %v", path, name, ids(found), want, err)
				}
				if path == "userName" && len(want) > 1 {
					r.Fatalf("%q is held by %v", name, want)
				}
			}
		}
	})
}
