package snapshot

import (
	"hash/maphash"
	"slices"
)

// keySet is a set of row keys, of which 8 bytes each are kept: a hash whose seed
// nobody can know. It is filled, then asked. Two keys of one hash pass for each
// other, which is as good as never: with ten million keys once in 300,000 reads.
type keySet struct {
	hashes []uint64
	sorted bool
}

var keySeed = maphash.MakeSeed()

func hashKey(key []byte) uint64 { return maphash.Bytes(keySeed, key) }

func (k *keySet) add(key []byte) {
	k.hashes = append(k.hashes, hashKey(key))
	k.sorted = false
}

func (k *keySet) sort() {
	if !k.sorted {
		slices.Sort(k.hashes)
		k.hashes = slices.Compact(k.hashes)
		k.sorted = true
	}
}

func (k *keySet) has(key []byte) bool {
	k.sort()
	_, found := slices.BinarySearch(k.hashes, hashKey(key))
	return found
}

// size counts the keys, each once.
func (k *keySet) size() int {
	k.sort()
	return len(k.hashes)
}

// unionSize counts the keys that are in either set.
func unionSize(a, b *keySet) int {
	size, i := a.size()+b.size(), 0
	for _, hash := range b.hashes {
		for i < len(a.hashes) && a.hashes[i] < hash {
			i++
		}
		if i < len(a.hashes) && a.hashes[i] == hash {
			size--
		}
	}
	return size
}
