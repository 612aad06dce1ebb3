// Package similar finds, among many people or groups, those that may be one and
// the same under another name: john_smith@ beside jsmith@, "Smith, John" beside
// "John Smith", one letter mistyped. It knows names alone, is pure, and gives the
// same answer for the same input.
package similar

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Profile is what one goes by.
type Profile struct {
	Handles []string // user names and mail addresses
	Names   []string // display names; given and family name together
}

// Bounds of what is looked at, whatever a system sends.
const (
	maxTexts  = 8  // handles, and names, of one profile
	maxRunes  = 64 // of a text
	maxParts  = 6  // of a name
	leastTypo = 4  // letters of a text in which one may be mistyped
	// leastShort is how many letters a short form has at least.
	leastShort = 3
)

// keyKind tells apart what a key stands for.
type keyKind byte

const (
	wholeHandle keyKind = iota // a user name or mail address
	localPart                  // of a handle, as it is written
	compactPart                // of a handle, without signs
	sortedParts                // of a handle or name, in alphabetical order
	wholeName                  // the parts of a name, in its order
	shortened                  // ways of shortening a name of several parts
	misspelt                   // a handle or name with one letter left out, or whole
)

// key is one trait by which profiles are found.
type key struct {
	kind keyKind
	text string
}

// traits are the keys of a profile, each once.
type traits struct {
	keys  []key
	seen  map[key]bool
	bases []string // texts that may have a letter mistyped
}

func (t *traits) add(kind keyKind, text string) {
	k := key{kind, text}
	if text != "" && !t.seen[k] {
		t.seen[k] = true
		t.keys = append(t.keys, k)
	}
}

func traitsOf(p Profile) traits {
	t := traits{seen: make(map[key]bool)}
	for _, handle := range p.Handles[:min(len(p.Handles), maxTexts)] {
		handle = plain(handle)
		if !strings.ContainsFunc(handle, unicode.IsLetter) {
			continue // a number is near to every other
		}
		local, _, _ := strings.Cut(handle, "@")
		parts := partsOf(local)
		t.add(wholeHandle, handle)
		t.add(localPart, local)
		t.add(compactPart, strings.Join(parts, ""))
		t.addParts(parts)
		t.addBase(strings.Join(parts, ""))
	}
	for _, name := range p.Names[:min(len(p.Names), maxTexts)] {
		parts := partsOf(plain(name))
		t.add(wholeName, strings.Join(parts, " "))
		t.add(compactPart, strings.Join(parts, ""))
		t.addParts(parts)
		t.addBase(strings.Join(parts, ""))
	}
	return t
}

// addParts adds what follows from a name of several parts.
func (t *traits) addParts(parts []string) {
	if len(parts) < 2 {
		return
	}
	t.add(sortedParts, strings.Join(slices.Sorted(slices.Values(parts)), " "))
	first, last := parts[0], parts[len(parts)-1]
	t.add(compactPart, first+last)
	for _, short := range []string{initial(first) + last, first + initial(last), initial(last) + first, last + initial(first), last + first} {
		if utf8.RuneCountInString(short) >= leastShort {
			t.add(shortened, short)
		}
	}
}

func initial(part string) string {
	_, size := utf8.DecodeRuneInString(part)
	return part[:size]
}

// addBase adds a text under itself and under each text that it becomes with one
// letter left out: two texts that are one letter apart have one of these in
// common.
func (t *traits) addBase(text string) {
	if utf8.RuneCountInString(text) < leastTypo || slices.Contains(t.bases, text) {
		return
	}
	t.bases = append(t.bases, text)
	t.add(misspelt, text)
	for at, r := range text {
		t.add(misspelt, text[:at]+text[at+utf8.RuneLen(r):])
	}
}

// plain folds case, takes accents off, and bounds the length.
func plain(text string) string {
	count := 0
	for at := range text {
		if count++; count > maxRunes {
			text = text[:at]
			break
		}
	}
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, norm.NFKD.String(directory.Fold(strings.TrimSpace(text))))
}

// partsOf gives the runs of letters and digits.
func partsOf(text string) []string {
	parts := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return parts[:min(len(parts), maxParts)]
}

// oneLetterApart reports whether one letter inserted, left out, replaced or
// swapped with its neighbour turns a into b. Digits are no letters: user1 is
// not user2 mistyped.
func oneLetterApart(a, b string) bool {
	x, y := []rune(a), []rune(b)
	for len(x) > 0 && len(y) > 0 && x[0] == y[0] {
		x, y = x[1:], y[1:]
	}
	for len(x) > 0 && len(y) > 0 && x[len(x)-1] == y[len(y)-1] {
		x, y = x[:len(x)-1], y[:len(y)-1]
	}
	for _, r := range slices.Concat(x, y) {
		if !unicode.IsLetter(r) {
			return false
		}
	}
	switch {
	case len(x)+len(y) == 1, len(x) == 1 && len(y) == 1:
		return true
	case len(x) == 2 && len(y) == 2:
		return x[0] == y[1] && x[1] == y[0]
	}
	return false
}
