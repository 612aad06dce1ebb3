package cycle

import (
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/ledger"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/snapshot"
)

// Keys names the objects that a cycle looks at. A key is only a name: the
// decision reads the present state.
type Keys interface {
	// Page gives up to limit anchors of a type after that anchor, ascending,
	// each once. Fewer than limit means there are no more.
	Page(typ, after string, limit int) ([]string, error)
}

// Listed are keys that are known one by one.
type Listed struct{ anchors map[string][]string }

// List gives Keys of a set.
func List(keys map[directory.Key]bool) Listed {
	l := Listed{make(map[string][]string)}
	for key := range keys {
		l.anchors[key.Type] = append(l.anchors[key.Type], key.Anchor)
	}
	for _, anchors := range l.anchors {
		slices.Sort(anchors)
	}
	return l
}

// Page implements Keys.
func (l Listed) Page(typ, after string, limit int) ([]string, error) {
	anchors := l.anchors[typ]
	at, found := slices.BinarySearch(anchors, after)
	if found {
		at++
	}
	return anchors[at:min(at+limit, len(anchors))], nil
}

// everything names all linked objects and all that may be in scope.
type everything struct {
	snapshot *snapshot.Snapshot
	ledger   *ledger.Ledger
	entitled Listed            // those that are assigned
	whole    func(string) bool // whether all objects of a type may be in scope
}

// Everything gives the keys of an initial cycle: all that are linked, and all
// objects of the source or, where only assigned ones may be in scope, those.
func Everything(s *snapshot.Snapshot, l *ledger.Ledger, e Entitlements) (Keys, error) {
	keys := everything{snapshot: s, ledger: l, whole: e.Whole}
	if !e.All {
		entitled, err := e.Keys(s)
		if err != nil {
			return nil, err
		}
		keys.entitled = List(entitled)
	}
	return keys, nil
}

// Page merges two ascending lists.
func (e everything) Page(typ, after string, limit int) ([]string, error) {
	linked, err := e.ledger.Anchors(typ, after, limit)
	if err != nil {
		return nil, err
	}
	var others []string
	if e.whole(typ) {
		if others, err = e.snapshot.Anchors(typ, after, limit); err != nil {
			return nil, err
		}
	} else if others, err = e.entitled.Page(typ, after, limit); err != nil {
		return nil, err
	}
	merged := append(slices.Clone(linked), others...)
	slices.Sort(merged)
	merged = slices.Compact(merged)
	return merged[:min(limit, len(merged))], nil
}
