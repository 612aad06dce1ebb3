package cycle

import "github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"

// reserved remembers which object an account was lately taken for, as long as
// the ledger may not tell it yet: until what was recorded of it is durable. It
// holds two generations, so that memory does not follow the number of objects.
type reserved struct {
	young, old map[directory.Key]directory.Key // by type and id of the account
}

// generation is how many accounts are taken before the oldest are forgotten. It
// is far more than can be under way or on its way to the disk: the chunk that is
// decided about, the one before, those in flight, and two chunks of results.
const generation = 32 * chunkSize

// take gives the object that an account was taken for first: this one, unless
// there is another.
func (r *reserved) take(account, by directory.Key) (first directory.Key) {
	for _, taken := range []map[directory.Key]directory.Key{r.young, r.old} {
		if first, ok := taken[account]; ok {
			return first
		}
	}
	if r.young == nil || len(r.young) >= generation {
		r.young, r.old = make(map[directory.Key]directory.Key), r.young
	}
	r.young[account] = by
	return by
}
