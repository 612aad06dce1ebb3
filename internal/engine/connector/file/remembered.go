package file

import "sync"

// Bounds of what is remembered: of more documents, or of more ids on several lines
// in one, nothing is.
const (
	maxRemembered   = 64
	maxRememberedOf = 1000
)

// surveys remembers what first passes found, by what their documents were declared
// as. Whoever declares a source has it looked through, and the job that is fed from
// it reads it right after: the same bytes are not parsed again to find the same.
type surveys struct {
	mu    sync.Mutex
	found map[string]*survey
}

// remembered is shared by all sources, each of which is opened for one use.
var remembered = surveys{found: make(map[string]*survey)}

func (s *surveys) of(declared string) *survey {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.found[declared]
}

func (s *surveys) keep(declared string, found *survey) {
	if len(found.duplicates) > maxRememberedOf {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.found) >= maxRemembered {
		clear(s.found)
	}
	s.found[declared] = found
}
