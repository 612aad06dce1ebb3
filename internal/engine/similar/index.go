package similar

import (
	"cmp"
	"hash/maphash"
	"slices"
)

// What two profiles have in common, the strongest first.
const (
	SameHandle   = "the same user name or mail"
	OtherDomain  = "the same user name at another domain"
	SameName     = "the same display name"
	OtherSigns   = "the same name with other signs in between"
	OtherOrder   = "the same names in another order"
	Abbreviated  = "a short form of the name"
	OneLetterOff = "one letter is different"
)

var scores = map[string]int{
	SameHandle: 100, OtherDomain: 90, SameName: 85, OtherSigns: 80, OtherOrder: 75, Abbreviated: 65, OneLetterOff: 60,
}

// maxSharers bounds how many items are kept under one key: what very many have
// in common tells nothing.
const maxSharers = 16

// Index finds profiles that are near to a given one, by what they have in
// common: the time for one does not grow with their number.
type Index struct {
	seed  maphash.Seed
	items map[uint64][]int32
	bases [][]string // by item
}

// New gives an empty index.
func New() *Index {
	return &Index{seed: maphash.MakeSeed(), items: make(map[uint64][]int32)}
}

// Add puts a profile into the index. The first is item 0, the next item 1.
func (x *Index) Add(p Profile) {
	item := int32(len(x.bases))
	t := traitsOf(p)
	x.bases = append(x.bases, t.bases)
	for _, k := range t.keys {
		hash := x.hash(k)
		if len(x.items[hash]) < maxSharers {
			x.items[hash] = append(x.items[hash], item)
		}
	}
}

func (x *Index) hash(k key) uint64 { return maphash.String(x.seed, string(byte(k.kind))+k.text) }

// Likeness is an item that is near, how near (1 to 100), and why.
type Likeness struct {
	Item    int
	Score   int
	Because string
}

// Near gives the items that may be the same as a profile, the nearest first.
func (x *Index) Near(p Profile) []Likeness {
	best := make(map[int32]string)
	note := func(k key, because string, holds func(item int32) bool) {
		for _, item := range x.items[x.hash(k)] {
			if scores[because] > scores[best[item]] && (holds == nil || holds(item)) {
				best[item] = because
			}
		}
	}
	t := traitsOf(p)
	for _, k := range t.keys {
		switch k.kind {
		case wholeHandle:
			note(k, SameHandle, nil)
		case localPart:
			note(k, OtherDomain, nil)
		case compactPart:
			note(k, OtherSigns, nil)
			note(key{shortened, k.text}, Abbreviated, nil)
		case wholeName:
			note(k, SameName, nil)
		case sortedParts:
			note(k, OtherOrder, nil)
		case shortened:
			note(key{compactPart, k.text}, Abbreviated, nil)
		case misspelt:
			note(k, OneLetterOff, func(item int32) bool { return x.misspells(item, t.bases) })
		}
	}
	found := make([]Likeness, 0, len(best))
	for item, because := range best {
		found = append(found, Likeness{int(item), scores[because], because})
	}
	slices.SortFunc(found, func(a, b Likeness) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Item, b.Item))
	})
	return found
}

// misspells reports whether an item has a text that is one letter apart from
// one of these.
func (x *Index) misspells(item int32, texts []string) bool {
	for _, own := range x.bases[item] {
		for _, text := range texts {
			if oneLetterApart(own, text) {
				return true
			}
		}
	}
	return false
}
