package cycle

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/ledger"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// leastForPercent is how many removals there must be before a share of the
// accounts is looked at (decisions 12).
const leastForPercent = 10

// lost are the members that groups are to lose and that nobody approved.
type lost struct {
	members map[directory.Key][]directory.Key // by group
	total   int64
	emptied map[directory.Key]bool // groups that would lose everybody
	held    map[directory.Key]bool // groups whose losses wait
}

func (l *lost) note(group directory.Key, members []directory.Key, had, left int) {
	if len(members) == 0 {
		return
	}
	if l.members == nil {
		l.members, l.emptied, l.held = make(map[directory.Key][]directory.Key), make(map[directory.Key]bool), make(map[directory.Key]bool)
	}
	l.members[group] = append(l.members[group], members...)
	l.total += int64(len(members))
	if had >= leastForPercent && left == 0 {
		l.emptied[group] = true
	}
}

// holding is what one cycle holds back.
type holding struct {
	keys    []directory.Key
	members []ledger.Membership
	reasons []string
}

func (h *holding) digest() string {
	hash := sha256.New()
	for _, key := range h.keys {
		fmt.Fprintf(hash, "%q\n", key.String())
	}
	for _, m := range h.members {
		fmt.Fprintf(hash, "%q %q\n", m.Holder.String(), m.Member.String())
	}
	return hex.EncodeToString(hash.Sum(nil)[:6])
}

// removals judges what was collected, and sends it or holds it. What a person
// named, on demand, is not judged, and leaves what is held as it is.
func (r *run) removals(ctx context.Context) error {
	r.begin("removals")
	slices.SortFunc(r.removal, directory.Key.Compare)
	r.removal = slices.Compact(r.removal)
	before, err := r.Ledger.Held()
	if err != nil {
		return err
	}
	r.approved = before.ApprovedMembers
	var held holding
	sending, err := r.judge(before.Approved, &held)
	if err != nil {
		return err
	}
	if err := r.sendRemovals(ctx, sending, before.Approved); err != nil {
		return err
	}
	// Who left scope leaves his groups as well, now that he is disabled.
	if err := r.lookAtHolders(ctx); err != nil {
		return err
	}
	for _, pass := range []memberPass{addMembers, countMembers} {
		if err := r.eachGroup(ctx, pass); err != nil {
			return err
		}
	}
	if err := r.judgeMembers(&held); err != nil {
		return err
	}
	if err := r.hold(ctx, &held, before.Digest); err != nil {
		return err
	}
	if r.lost.total > 0 || len(r.approved) > 0 {
		if err := r.eachGroup(ctx, removeMembers); err != nil {
			return err
		}
	}
	return r.settleHeld(ctx, &held, before)
}

func (r *run) onDemand() bool { return r.Cycle.Kind == status.OnDemand }

// judge gives the removals that may be sent, and has the others held.
func (r *run) judge(approved map[directory.Key]bool, held *holding) ([]directory.Key, error) {
	if r.onDemand() {
		return r.removal, nil
	}
	counts := make(map[string]int64)
	var sending, waiting []directory.Key
	for _, key := range r.removal {
		if approved[key] {
			sending = append(sending, key)
			continue
		}
		counts[key.Type]++
		waiting = append(waiting, key)
	}
	why, err := r.overThreshold(counts)
	if err != nil || why == "" {
		return r.removal, err
	}
	held.keys, held.reasons = waiting, append(held.reasons, why)
	return sending, nil
}

// overThreshold says why removals are too many at once, "" when they are not.
func (r *run) overThreshold(counts map[string]int64) (string, error) {
	if len(counts) == 0 {
		return "", nil
	}
	var total int64
	for _, p := range r.Programs {
		total += counts[p.ObjectType] + r.recent(p.ObjectType)
	}
	if r.Threshold.Count >= 0 && total > r.Threshold.Count {
		return fmt.Sprintf("%d removals, with at most %d allowed at once (accidental_deletions.threshold)", total, r.Threshold.Count), nil
	}
	if r.Threshold.Percent < 0 {
		return "", nil
	}
	for _, typ := range slices.Sorted(maps.Keys(counts)) {
		n := counts[typ] + r.recent(typ)
		if n < leastForPercent {
			continue
		}
		active, err := r.Ledger.CountActive(typ)
		if err != nil {
			return "", err
		}
		if share := 100 * float64(n) / float64(active+r.recent(typ)); share > r.Threshold.Percent {
			return fmt.Sprintf("%d of %d linked accounts of type %s are %.0f %%, with at most %.0f %% allowed at once (accidental_deletions.percent)",
				n, active+r.recent(typ), typ, share, r.Threshold.Percent), nil
		}
	}
	return "", nil
}

// recent counts removals of the hour before, and those that this cycle has
// carried out already, before it was interrupted.
func (r *run) recent(typ string) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Recent[typ] + r.summary.Removed[typ]
}

// judgeMembers has the members held that groups would lose, within the same
// limits counted apart (decisions 13).
func (r *run) judgeMembers(held *holding) error {
	if r.lost.total == 0 || r.onDemand() {
		return nil
	}
	why := ""
	switch n := r.lost.total + r.Recent[Memberships]; {
	case r.Threshold.Count >= 0 && n > r.Threshold.Count:
		why = fmt.Sprintf("%d memberships would be taken away, with at most %d allowed at once (accidental_deletions.threshold)", n, r.Threshold.Count)
	case r.Threshold.Percent >= 0 && n >= leastForPercent:
		all, err := r.Ledger.CountMembers()
		if err != nil {
			return err
		}
		all += r.Recent[Memberships]
		if share := 100 * float64(n) / float64(max(all, 1)); share > r.Threshold.Percent {
			why = fmt.Sprintf("%d of %d memberships are %.0f %%, with at most %.0f %% allowed at once (accidental_deletions.percent)", n, all, share, r.Threshold.Percent)
		}
	}
	groups := slices.SortedFunc(maps.Keys(r.lost.members), directory.Key.Compare)
	if why == "" {
		if len(r.lost.emptied) == 0 {
			return nil
		}
		why = fmt.Sprintf("%d groups of %d or more members would lose all of them", len(r.lost.emptied), leastForPercent)
		groups = slices.DeleteFunc(groups, func(key directory.Key) bool { return !r.lost.emptied[key] })
	}
	held.reasons = append(held.reasons, why)
	for _, group := range groups {
		r.lost.held[group] = true
		members := r.lost.members[group]
		slices.SortFunc(members, directory.Key.Compare)
		for _, member := range members {
			held.members = append(held.members, ledger.Membership{Holder: group, Member: member})
		}
	}
	return nil
}

// hold keeps removals back until they are approved or their cause is gone. The
// log tells of each once.
func (r *run) hold(ctx context.Context, held *holding, before string) error {
	if len(held.keys)+len(held.members) == 0 {
		return nil
	}
	told := &status.HeldRemovals{
		Digest: held.digest(), Count: int64(len(held.keys) + len(held.members)), Reason: strings.Join(held.reasons, "; "), Since: r.Clock.Now(),
	}
	groups := slices.SortedFunc(maps.Keys(r.lost.held), directory.Key.Compare)
	for _, key := range slices.Concat(held.keys, groups) {
		it := item{key: key, remove: true}
		p := r.programs[key.Type]
		if err := r.prepare(p, &it); err != nil {
			return err
		}
		if len(told.Examples) < 5 {
			told.Examples = append(told.Examples, it.situation.View.Display())
		}
		if told.Digest == before && !r.Preview || r.logged[key] {
			continue
		}
		action := provision.ActionUpdate // of a group that loses members
		if !r.lost.held[key] {
			it.decision = provision.Decide(it.situation, p)
			action = it.decision.Action
		}
		if err := r.tellHeld(&it, action, told); err != nil {
			return err
		}
	}
	r.mu.Lock()
	r.summary.Held = told
	r.mu.Unlock()
	return r.Store.Commit(ctx, r.Ledger.Hold(told.Digest, held.keys, held.members))
}

func (r *run) tellHeld(it *item, action provision.Action, told *status.HeldRemovals) error {
	entry := r.entry(it, audit.Skipped)
	entry.Action, entry.Reason, entry.RecommendedAction = audit.StagedDelete, audit.Held, audit.Explain(audit.Held).Advice
	entry.Steps = append(entry.Steps, audit.Step{Name: exportName(action), Type: audit.StepExport, Status: audit.Skipped,
		Description: "held: " + told.Reason, Details: audit.Details{{Name: "digest", Value: told.Digest}}})
	logged, err := r.Log.Mutations(entry)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.enqueue(logged...)
	return nil
}

// sendRemovals decides once more about each, in the present state, and sends.
func (r *run) sendRemovals(ctx context.Context, keys []directory.Key, approved map[directory.Key]bool) error {
	for _, p := range r.Programs {
		var items []item
		for _, key := range keys {
			if key.Type == p.ObjectType {
				items = append(items, item{key: key, remove: true, approved: approved[key], final: true})
			}
		}
		for start := 0; start < len(items); start += chunkSize {
			if err := r.chunk(ctx, p, items[start:min(start+chunkSize, len(items))]); err != nil {
				return err
			}
		}
		if err := r.repeat(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// settleHeld forgets, at the end, a held set whose cause is gone, and approvals
// of what is no longer due.
func (r *run) settleHeld(ctx context.Context, held *holding, before ledger.Held) error {
	if r.onDemand() {
		return nil
	}
	var mutations []store.Mutation
	if before.Digest != "" && len(held.keys)+len(held.members) == 0 {
		mutations = append(mutations, r.Ledger.Hold("", nil, nil))
	}
	var keys []directory.Key
	for key := range before.Approved {
		if _, due := slices.BinarySearchFunc(r.removal, key, directory.Key.Compare); !due {
			keys = append(keys, key)
		}
	}
	var members []ledger.Membership
	for m := range before.ApprovedMembers {
		if !r.due[m] {
			members = append(members, m)
		}
	}
	mutations = append(mutations, r.Ledger.EndApproval(keys, members)...)
	if len(mutations) == 0 {
		return nil
	}
	return r.Store.Commit(ctx, mutations...)
}
