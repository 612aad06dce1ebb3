package snapshot

// arena gives memory to what is needed no longer than a page of an import, and
// gives it again to a later page. A nil arena gives memory as it comes.
type arena struct {
	blocks [][]byte
	at     int // the block that is filled
}

// largeBlock bounds the size of the blocks that are kept.
const largeBlock = 256 << 10

// room gives empty memory for so many bytes at least. What is put there stays
// when it is kept, before the next is asked for.
func (a *arena) room(size int) []byte {
	if a == nil {
		return make([]byte, 0, size)
	}
	for a.at < len(a.blocks) {
		if block := a.blocks[a.at]; cap(block)-len(block) >= size {
			return block[len(block):]
		}
		a.at++
	}
	a.blocks = append(a.blocks, make([]byte, 0, max(size, min(largeBlock, 4<<10<<min(len(a.blocks), 6)))))
	return a.blocks[a.at]
}

// keep gives what was put into the room that was given last, which may have been
// moved for want of space.
func (a *arena) keep(filled []byte) []byte {
	if a != nil {
		if block := a.blocks[a.at]; cap(block)-len(block) == cap(filled) {
			a.blocks[a.at] = block[:len(block)+len(filled)]
		}
	}
	return filled[:len(filled):len(filled)]
}

// key joins parts as store.Key does.
func (a *arena) key(parts ...string) []byte {
	size := len(parts) - 1
	for _, part := range parts {
		size += len(part)
	}
	key := a.room(size)
	for i, part := range parts {
		if i > 0 {
			key = append(key, 0)
		}
		key = append(key, part...)
	}
	return a.keep(key)
}

// reset takes all memory back.
func (a *arena) reset() {
	kept := a.blocks[:0]
	for _, block := range a.blocks {
		if cap(block) <= largeBlock {
			kept = append(kept, block[:0])
		}
	}
	clear(a.blocks[len(kept):])
	a.blocks, a.at = kept, 0
}
