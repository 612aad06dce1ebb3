package snapshot

import (
	"bytes"
	"crypto/sha256"
	"slices"
)

// keySet is a set of row keys, of which 16 bytes each are kept. It is filled,
// then asked.
type keySet struct {
	hashes [][16]byte
	sorted bool
}

func hashKey(key []byte) [16]byte {
	digest := sha256.Sum256(key)
	return [16]byte(digest[:16])
}

func (k *keySet) add(key []byte) {
	k.hashes = append(k.hashes, hashKey(key))
	k.sorted = false
}

func (k *keySet) sort() {
	if !k.sorted {
		slices.SortFunc(k.hashes, compareHashes)
		k.hashes = slices.Compact(k.hashes)
		k.sorted = true
	}
}

func (k *keySet) has(key []byte) bool {
	k.sort()
	_, found := slices.BinarySearchFunc(k.hashes, hashKey(key), compareHashes)
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
		for i < len(a.hashes) && compareHashes(a.hashes[i], hash) < 0 {
			i++
		}
		if i < len(a.hashes) && a.hashes[i] == hash {
			size--
		}
	}
	return size
}

func compareHashes(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) }
