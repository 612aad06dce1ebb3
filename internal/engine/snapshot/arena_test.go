package snapshot

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// Whatever is kept stays what it is until the arena is reset, of any size and
// whether or not it found enough room.
func TestArena(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var in *arena
		if rapid.Bool().Draw(rt, "arena") {
			in = new(arena)
		}
		size := rapid.OneOf(rapid.IntRange(0, 100), rapid.IntRange(0, largeBlock+100))
		for range 3 {
			var kept, want [][]byte
			for n := range rapid.IntRange(0, 20).Draw(rt, "entries") {
				content := bytes.Repeat([]byte{byte(n)}, size.Draw(rt, "size"))
				room := in.room(size.Draw(rt, "guess"))
				if len(room) > 0 {
					rt.Fatal("the room is not empty")
				}
				kept, want = append(kept, in.keep(append(room, content...))), append(want, content)
			}
			for i := range kept {
				if !bytes.Equal(kept[i], want[i]) || cap(kept[i]) != len(kept[i]) {
					rt.Fatalf("entry %d of %d bytes is %d of %d", i, len(want[i]), len(kept[i]), cap(kept[i]))
				}
			}
			if in != nil {
				in.reset()
			}
		}
	})
}
