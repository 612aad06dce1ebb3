package provision

import (
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Sent is one attribute of an account as it was left.
type Sent struct {
	Value directory.Value
	// Own tells that the value came from the object and may be taken back when
	// the source loses it (decisions 27).
	Own bool
}

// SentAt is an attribute of an account with the text of its path.
type SentAt struct {
	Path string
	Sent
}

// SentValues are attributes of one account, ascending by path, each path once:
// a link is read and written for each object of a cycle, and costs no map.
type SentValues []SentAt

// NewSentValues gives the values of a map.
func NewSentValues(values map[string]Sent) SentValues {
	s := make(SentValues, 0, len(values))
	for path, sent := range values {
		s = append(s, SentAt{path, sent})
	}
	slices.SortFunc(s, func(a, b SentAt) int { return strings.Compare(a.Path, b.Path) })
	return s
}

// Get gives what was left at a path, and whether anything is known of it.
func (s SentValues) Get(path string) (Sent, bool) {
	at, found := s.search(path)
	if !found {
		return Sent{}, false
	}
	return s[at].Sent, true
}

// behind gives the first place at or behind one whose path is not below another,
// and what was left there if it is that path's: to go along with paths that
// ascend.
func (s SentValues) behind(at int, path string) (place int, left Sent, known bool) {
	for at < len(s) && s[at].Path < path {
		at++
	}
	if at == len(s) || s[at].Path != path {
		return at, Sent{}, false
	}
	return at, s[at].Sent, true
}

// set remembers what is left at a path.
func (s *SentValues) set(path string, sent Sent) {
	at, _ := s.search(path)
	s.setAt(at, path, sent)
}

// setAt is set where the path's place is known.
func (s *SentValues) setAt(at int, path string, sent Sent) {
	if at < len(*s) && (*s)[at].Path == path {
		(*s)[at].Sent = sent
		return
	}
	*s = slices.Insert(*s, at, SentAt{path, sent})
}

func (s SentValues) search(path string) (at int, found bool) {
	return slices.BinarySearchFunc(s, path, func(left SentAt, path string) int { return strings.Compare(left.Path, path) })
}

// equal reports whether both hold the same values at the same paths, ours or
// not.
func (s SentValues) equal(other SentValues) bool {
	return slices.EqualFunc(s, other, func(a, b SentAt) bool { return a.Path == b.Path && a.Own == b.Own && a.Value.Equal(b.Value) })
}

// SameValues reports whether both hold the same values at the same paths.
func (s SentValues) SameValues(other SentValues) bool {
	return slices.EqualFunc(s, other, func(a, b SentAt) bool { return a.Path == b.Path && a.Value.Equal(b.Value) })
}
