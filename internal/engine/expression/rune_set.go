package expression

import "unicode/utf8"

// runeSet tells quickly whether a character is in it.
type runeSet struct {
	ascii  [2]uint64
	others map[rune]struct{}
}

func newRuneSet(characters string) runeSet {
	var s runeSet
	for _, r := range characters {
		if r < utf8.RuneSelf {
			s.ascii[r/64] |= 1 << (r % 64)
			continue
		}
		if s.others == nil {
			s.others = make(map[rune]struct{})
		}
		s.others[r] = struct{}{}
	}
	return s
}

func (s *runeSet) has(r rune) bool {
	if r < utf8.RuneSelf {
		return s.ascii[r/64]&(1<<(r%64)) != 0
	}
	_, found := s.others[r]
	return found
}
