package cycle

import (
	"slices"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/snapshot"
)

// membersAttribute is the edge of a group by which its assignment reaches
// users.
const membersAttribute = "members"

// Assignment is one assignment in force.
type Assignment struct {
	ID        string
	Object    directory.Key
	Role      string
	CreatedAt time.Time
}

// Entitlements say who may be in scope.
type Entitlements struct {
	All         bool
	Assignments []Assignment
}

// Whole reports whether all objects of a type may be in scope without being
// assigned. Assignments are of users and groups; which objects of another type
// are in scope, the scoping filters say alone.
func (e Entitlements) Whole(objectType string) bool {
	return e.All || objectType != directory.User && objectType != directory.Group
}

// Of gives the assignments that bring an object in: its own, and those of
// groups of which it is a direct member. Groups come in by their own alone
// (decisions 29). A group that is gone brings nobody.
func (e Entitlements) Of(s *snapshot.Snapshot, key directory.Key) ([]Assignment, error) {
	var found []Assignment
	groups := make(map[string][]Assignment)
	for _, a := range e.Assignments {
		if a.Object == key {
			found = append(found, a)
		} else if a.Object.Type == directory.Group && key.Type != directory.Group {
			groups[a.Object.Anchor] = append(groups[a.Object.Anchor], a)
		}
	}
	if len(groups) > 0 {
		err := eachHolder(s, key, membersAttribute, func(edges []directory.Edge) error {
			for _, edge := range edges {
				if edge.Holder.Type != directory.Group {
					continue
				}
				for _, a := range groups[edge.Holder.Anchor] {
					if !slices.Contains(found, a) {
						found = append(found, a)
					}
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(found, func(a, b Assignment) int {
		if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
			return c
		}
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return found, nil
}

// Keys names every object that an assignment reaches.
func (e Entitlements) Keys(s *snapshot.Snapshot) (map[directory.Key]bool, error) {
	keys := make(map[directory.Key]bool)
	for _, a := range e.Assignments {
		if err := Reached(s, a.Object, keys); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// Reached adds to keys an assigned object and, for a group, its direct
// members.
func Reached(s *snapshot.Snapshot, object directory.Key, keys map[directory.Key]bool) error {
	keys[object] = true
	if object.Type != directory.Group {
		return nil
	}
	return eachEdge(s, object, membersAttribute, func(edge directory.Edge) error {
		member, ok, err := s.Resolve(edge.To)
		if err == nil && ok && member.Type != directory.Group {
			keys[member] = true
		}
		return err
	})
}

// roles gives the value of appRoleAssignments: the union of the assignments'
// roles, in their order.
func roles(assignments []Assignment) directory.Value {
	var values []directory.Value
	seen := make(map[string]bool)
	for _, a := range assignments {
		if a.Role == "" || seen[a.Role] {
			continue
		}
		seen[a.Role] = true
		values = append(values, directory.Complex(
			directory.Member{Name: "id", Value: directory.Text(a.Role)},
			directory.Member{Name: "value", Value: directory.Text(a.Role)},
			directory.Member{Name: "displayName", Value: directory.Text(a.Role)},
		))
	}
	if values == nil {
		return directory.Null
	}
	return directory.List(values...)
}

// pageOf is how many edges are read at a time.
const pageOf = 1000

func eachEdge(s *snapshot.Snapshot, holder directory.Key, attribute string, f func(directory.Edge) error) error {
	return eachEdges(s, holder, attribute, func(edges []directory.Edge) error {
		for _, edge := range edges {
			if err := f(edge); err != nil {
				return err
			}
		}
		return nil
	})
}

// eachEdges calls f with all edges of an object's attribute, a page at a time.
func eachEdges(s *snapshot.Snapshot, holder directory.Key, attribute string, f func([]directory.Edge) error) error {
	var after directory.Ref
	for {
		edges, err := s.Edges(holder, attribute, after, pageOf)
		if err != nil {
			return err
		}
		if err := f(edges); err != nil {
			return err
		}
		if len(edges) < pageOf {
			return nil
		}
		after = edges[len(edges)-1].To
	}
}

// eachHolder calls f with all edges that lead to an object, a page at a time.
func eachHolder(s *snapshot.Snapshot, key directory.Key, attribute string, f func([]directory.Edge) error) error {
	var after directory.Edge
	for {
		edges, err := s.Holders(key, attribute, after, pageOf)
		if err != nil {
			return err
		}
		if err := f(edges); err != nil {
			return err
		}
		if len(edges) < pageOf {
			return nil
		}
		after = edges[len(edges)-1]
	}
}
