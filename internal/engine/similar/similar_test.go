package similar

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func person(handle string, names ...string) Profile {
	p := Profile{Names: names}
	if handle != "" {
		p.Handles = []string{handle}
	}
	return p
}

func TestNear(t *testing.T) {
	john := person("john_smith@example.com", "John Smith")
	for name, test := range map[string]struct {
		account, person Profile
		because         string // empty: not near
	}{
		"same":                       {person("JOHN_SMITH@example.com"), john, SameHandle},
		"mail and user name":         {Profile{Handles: []string{"js", "john_smith@example.com"}}, john, SameHandle},
		"other domain":               {person("john_smith@example.org"), john, OtherDomain},
		"no domain":                  {person("john_smith"), john, OtherDomain},
		"other signs":                {person("john.smith@example.org"), john, OtherSigns},
		"no signs":                   {person("johnsmith"), john, OtherSigns},
		"name as user name":          {person("johnsmith"), person("", "John Smith"), OtherSigns},
		"middle name":                {person("john.smith@old.example.com"), person("jqs@example.com", "John Quincy Smith"), OtherSigns},
		"display name":               {person("x81@example.com", "john  SMITH"), john, SameName},
		"swapped names":              {person("", "Smith, John"), john, OtherOrder},
		"swapped user name":          {person("smith.john@example.org"), john, OtherOrder},
		"initial":                    {person("jsmith@example.com"), john, Abbreviated},
		"initial of the family name": {person("johns"), john, Abbreviated},
		"family name first":          {person("smithj"), john, Abbreviated},
		"the person is short":        {person("john_smith@example.com"), person("jsmith@example.com"), Abbreviated},
		"letter replaced":            {person("john.smyth@example.com"), john, OneLetterOff},
		"letter left out":            {person("jon.smith@example.com"), john, OneLetterOff},
		"letter inserted":            {person("johnn.smith@example.com"), john, OneLetterOff},
		"letters swapped":            {person("jhon.smith@example.com"), john, OneLetterOff},
		"accents":                    {person("", "José Müller"), person("", "Jose Muller"), SameName},
		"umlaut spelt out":           {person("mueller"), person("müller@example.com"), OneLetterOff},

		"somebody else":    {person("grace@example.com", "Grace Hopper"), john, ""},
		"other number":     {person("user1@example.com"), person("user2@example.com"), ""},
		"numbers alone":    {person("1042"), person("1042"), ""},
		"two letters":      {person("jim.smith@example.com"), person("tom.smith@example.com"), ""},
		"short":            {person("al"), person("ab"), ""},
		"nothing":          {Profile{}, Profile{}, ""},
		"empty":            {person("@", " ", "--"), person("@", " ", "--"), ""},
		"same family name": {person("", "Jane Smith"), john, ""},
	} {
		for direction, pair := range map[string][2]Profile{"": {test.account, test.person}, ", the other way": {test.person, test.account}} {
			x := New()
			x.Add(pair[0])
			found := x.Near(pair[1])
			switch {
			case test.because == "" && len(found) > 0:
				t.Errorf("%s%s: %+v is near", name, direction, found)
			case test.because != "" && (len(found) != 1 || found[0].Because != test.because || found[0].Score != scores[test.because]):
				t.Errorf("%s%s: %+v, want %s", name, direction, found, test.because)
			}
		}
	}
}

// The nearest comes first, and of equals the first.
func TestNear_order(t *testing.T) {
	x := New()
	for _, handle := range []string{"jsmith@example.com", "john_smith@example.org", "js@example.com", "john.smith@example.net", "smithj@example.com"} {
		x.Add(person(handle))
	}
	var got []string
	for _, l := range x.Near(person("john_smith@example.com")) {
		got = append(got, fmt.Sprint(l.Item, " ", l.Score))
	}
	if want := []string{"1 90", "3 80", "0 65", "4 65"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// What very many have in common neither takes time nor tells anything.
func TestNear_crowd(t *testing.T) {
	x := New()
	for i := range 5000 {
		x.Add(person(fmt.Sprintf("%d@example.com", i), "Test User"))
	}
	if found := x.Near(person("", "Test User")); len(found) > maxSharers {
		t.Errorf("%d are near", len(found))
	}
}

// Whatever a system sends: no panic, bounded keys, the same answer twice, and
// who is in the index is the nearest to himself.
func TestNear_anything(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-zß]{1,9}[._ -]?[a-zé]{0,9}(@[a-z]{1,3}\.com)?`))
	profile := rapid.Custom(func(t *rapid.T) Profile {
		return Profile{rapid.SliceOfN(text, 0, 12).Draw(t, "handles"), rapid.SliceOfN(text, 0, 12).Draw(t, "names")}
	})
	rapid.Check(t, func(t *rapid.T) {
		p := profile.Draw(t, "one")
		x := New()
		x.Add(profile.Draw(t, "other"))
		x.Add(p)
		tr := traitsOf(p)
		if len(tr.keys) > 2*maxTexts*(5*maxRunes+20) {
			t.Fatalf("%d keys", len(tr.keys))
		}
		found := x.Near(p)
		if !slices.Equal(found, x.Near(p)) {
			t.Fatal("another answer the second time")
		}
		if len(tr.keys) > 0 && !slices.ContainsFunc(found, func(l Likeness) bool { return l.Item == 1 }) && !onlyShort(tr) {
			t.Fatalf("%q is not near to itself: %+v", p, found)
		}
	})
}

// onlyShort reports whether all keys are of kinds that are compared with others.
func onlyShort(t traits) bool {
	return !slices.ContainsFunc(t.keys, func(k key) bool { return k.kind <= wholeName })
}

func BenchmarkNear(b *testing.B) {
	x := New()
	for i := range 5000 {
		x.Add(person(fmt.Sprintf("%s.%s@example.org", strings.Repeat(string(rune('a'+i%26)), 5), strings.Repeat(string(rune('a'+i/26%26)), 7))))
	}
	p := person("john_smith@example.com", "John Smith")
	for b.Loop() {
		x.Near(p)
	}
}
