package expression

import (
	"strings"
	"unicode/utf8"
)

// Nearest gives the name that word is most likely a misspelling of: equal but
// for case, or within an edit for each three characters. Among equals the first
// wins.
func Nearest(word string, among []string) (string, bool) {
	length := utf8.RuneCountInString(word)
	if length == 0 || length > maxSuggest {
		return "", false
	}
	folded := []rune(strings.ToLower(word))
	best, least := "", length/3+1
	for _, name := range among {
		if n := utf8.RuneCountInString(name); n > length+least || n < length-least {
			continue
		}
		if d := distance(folded, []rune(strings.ToLower(name))); d < least {
			best, least = name, d
		}
	}
	return best, best != ""
}

// distance counts the insertions, deletions, substitutions and swaps of
// neighbours that turn a into b.
func distance(a, b []rune) int {
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := range a {
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(above[j]+cost, above[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}
