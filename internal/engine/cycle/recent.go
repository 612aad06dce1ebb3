package cycle

import "github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"

// recent remembers what was lately done for objects or accounts, as long as the
// ledger may not tell it yet: until what was recorded of it is durable. It holds
// two generations, so that memory does not follow the number of objects.
type recent[V any] struct{ young, old map[directory.Key]V }

// generation is how many are remembered before the oldest are forgotten. It is
// far more than can be under way or on its way to the disk: the chunk that is
// decided about, the one before, those in flight, and two chunks of results.
const generation = 32 * chunkSize

func (r *recent[V]) get(key directory.Key) (value V, ok bool) {
	if value, ok = r.young[key]; !ok {
		value, ok = r.old[key]
	}
	return value, ok
}

func (r *recent[V]) put(key directory.Key, value V) {
	if len(r.young) >= generation {
		r.young, r.old = r.old, r.young
		clear(r.young)
	}
	if r.young == nil {
		r.young = make(map[directory.Key]V)
	}
	r.young[key] = value
}

// take gives the value that came first for a key: this one, unless there is
// another.
func (r *recent[V]) take(key directory.Key, value V) (first V) {
	if first, ok := r.get(key); ok {
		return first
	}
	r.put(key, value)
	return value
}
