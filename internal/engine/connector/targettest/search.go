package targettest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

func (s *suite) found(path directory.Path, value string) ([]string, error) {
	accounts, err := s.target.Find(s.Context(), directory.User, path, directory.Text(value), []directory.Path{path})
	var ids []string
	for _, account := range accounts {
		ids = append(ids, account.ID)
		have := account.Values[path.String()].String()
		if directory.Fold(have) != directory.Fold(value) {
			s.Errorf("searched for %q, got one with %q", value, have)
		}
	}
	return ids, err
}

func (s *suite) find() {
	ada, bob := s.create(directory.User, "ada"), s.create(directory.User, "bob")
	for value, want := range map[string]string{"ada": ada, "bob": bob, "ADA": ada, "nobody": ""} {
		ids, err := s.found(s.caps.UserName, value)
		switch {
		case errors.Is(err, connector.ErrCannotFilter):
			if s.caps.Searches {
				s.Errorf("cannot search for %q", value)
			}
		case err != nil:
			s.Error(err)
		case want == "" || value == "ADA" && !s.caps.CaseFolds:
			if len(ids) > 0 && want == "" {
				s.Errorf("%q found %v", value, ids)
			}
		case !slices.Equal(ids, []string{want}):
			s.Errorf("%q found %v, want %s", value, ids, want)
		}
	}
}

// findHostile searches for values that mean something in query languages. The
// one that has the value comes, or nobody does; never another.
func (s *suite) findHostile() {
	s.create(directory.User, "ada")
	for i, value := range []string{
		`" or userName pr or userName eq "`, `*`, `a*`, `)(objectClass=*`, `\`, `\"`, `'; drop table users; --`, `%`, `a"d"a`, "ada\x00", "ada ", `{"$ne":1}`,
	} {
		if ids, err := s.found(s.caps.UserName, value); err == nil && len(ids) > 0 && strings.TrimSpace(value) != "ada" {
			s.Errorf("%q found %v", value, ids)
		}
		o := s.creation(directory.User, fmt.Sprintf("%s %d", value, i))
		receipt, err := s.target.Send(s.Context(), o)
		if err != nil {
			continue // a target may refuse such names
		}
		ids, err := s.found(s.caps.UserName, fmt.Sprintf("%s %d", value, i))
		if err == nil && !slices.Equal(ids, []string{receipt.ID}) {
			s.Errorf("%q was made as %s, found are %v", value, receipt.ID, ids)
		}
	}
}

func (s *suite) listed(typ string) (ids []string, complete bool) {
	s.Helper()
	if !s.features.CanList {
		return nil, false
	}
	complete, err := s.target.List(s.Context(), typ, []directory.Path{s.naming(typ)}, func(account connector.Account) error {
		if account.Type != typ || account.ID == "" || account.Values[s.naming(typ).String()].IsEmpty() {
			s.Errorf("listed: %+v", account)
		}
		ids = append(ids, account.ID)
		return nil
	})
	if err != nil {
		s.Fatal(err)
	}
	slices.Sort(ids)
	return ids, complete
}

func (s *suite) list() {
	if !s.features.CanList {
		s.Skip("the target cannot list")
	}
	var want []string
	for _, n := range []int{0, 1, 2, 7, 230} {
		for len(want) < n {
			want = append(want, s.create(directory.User, fmt.Sprint("user", len(want))))
		}
		ids, complete := s.listed(directory.User)
		expected := slices.Sorted(slices.Values(want))
		switch {
		case complete && !slices.Equal(ids, expected):
			s.Errorf("a list said to be complete has %d of %d accounts", len(ids), n)
		case !complete && s.caps.ListsCompletely:
			s.Errorf("the list of %d accounts is not complete", n)
		}
		if len(slices.Compact(ids)) != len(ids) {
			s.Error("somebody came twice")
		}
	}
}

func (s *suite) listStops() {
	if !s.features.CanList {
		s.Skip("the target cannot list")
	}
	s.create(directory.User, "ada")
	s.create(directory.User, "bob")
	stop, n := errors.New("enough"), 0
	complete, err := s.target.List(s.Context(), directory.User, nil, func(connector.Account) error {
		n++
		return stop
	})
	if !errors.Is(err, stop) || n != 1 || complete {
		s.Errorf("called %d times, complete %t, %v", n, complete, err)
	}
}
