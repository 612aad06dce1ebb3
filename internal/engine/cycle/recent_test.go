package cycle

import (
	"fmt"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

func TestRecent(t *testing.T) {
	var r recent[directory.Key]
	account := func(i int) directory.Key {
		return directory.Key{Type: directory.User, Anchor: fmt.Sprint("account ", i)}
	}
	object := func(i int) directory.Key {
		return directory.Key{Type: directory.User, Anchor: fmt.Sprint("object ", i)}
	}
	for i := range 5 * generation {
		if first := r.take(account(i), object(i)); first != object(i) {
			t.Fatalf("account %d was free, and is taken for %v", i, first)
		}
		// Those of the last generation are remembered, whatever has come since.
		if back := max(i-generation+1, 0); i%97 == 0 {
			if first := r.take(account(back), object(i+1)); first != object(back) {
				t.Fatalf("after %d, account %d is taken for %v", i, back, first)
			}
			if first := r.take(account(back), object(back)); first != object(back) {
				t.Fatalf("account %d is not its own object's any more", back)
			}
		}
		if held := len(r.young) + len(r.old); held > 2*generation {
			t.Fatalf("%d are held", held)
		}
	}
}
