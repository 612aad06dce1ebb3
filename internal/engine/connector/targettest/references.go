package targettest

import (
	"fmt"
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

func reference(path directory.Path, verb connector.Verb, ids ...string) connector.Modification {
	value := directory.Texts(ids...)
	if verb == connector.Set && len(ids) == 1 {
		value = directory.Text(ids[0])
	}
	return connector.Modification{Path: path, Verb: verb, Value: value, Reference: true}
}

func (s *suite) manager() {
	s.needs(s.caps.Manager)
	boss, other := s.create(directory.User, "boss"), s.create(directory.User, "other")
	id := s.create(directory.User, "ada", reference(s.caps.Manager, connector.Set, boss))
	s.holds(directory.User, id, s.caps.Manager, directory.Text(boss))
	s.update(directory.User, id, reference(s.caps.Manager, connector.Set, other))
	s.holds(directory.User, id, s.caps.Manager, directory.Text(other))
	s.update(directory.User, id, connector.Modification{Path: s.caps.Manager, Verb: connector.Clear, Reference: true})
	s.holds(directory.User, id, s.caps.Manager, directory.Null)
}

func (s *suite) members() {
	s.needs(s.caps.GroupName, s.caps.Members)
	var users []string
	for i := range 5 {
		users = append(users, s.create(directory.User, fmt.Sprint("user", i)))
	}
	group := s.create(directory.Group, "group")
	s.memberIDs(group)
	s.update(directory.Group, group, reference(s.caps.Members, connector.Add, users[0]))
	s.memberIDs(group, users[0])
	s.update(directory.Group, group, reference(s.caps.Members, connector.Add, users[1:]...))
	s.memberIDs(group, users...)
	s.update(directory.Group, group, reference(s.caps.Members, connector.Remove, users[1], users[3]))
	s.memberIDs(group, users[0], users[2], users[4])
	s.update(directory.Group, group, reference(s.caps.Members, connector.Remove, users[0]), reference(s.caps.Members, connector.Add, users[3]))
	s.memberIDs(group, users[2], users[3], users[4])
	group = s.update(directory.Group, group, set(s.caps.GroupName, directory.Text("renamed"))).ID
	s.memberIDs(group, users[2], users[3], users[4])
	s.update(directory.Group, group, connector.Modification{Path: s.caps.Members, Verb: connector.Clear, Reference: true})
	s.memberIDs(group)
}

func (s *suite) memberIDs(group string, want ...string) {
	s.Helper()
	account := s.get(directory.Group, group, s.caps.Members)
	if account.Unreadable[s.caps.Members.String()] {
		return
	}
	var got []string
	for _, id := range account.Values[s.caps.Members.String()].Values() {
		got = append(got, id.String())
	}
	slices.Sort(got)
	if expected := slices.Sorted(slices.Values(want)); !slices.Equal(got, expected) {
		s.Errorf("members %v, want %v", got, expected)
	}
}
