package cycle

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// leastForPercent is how many removals there must be before a share of the
// accounts is looked at (decisions 12).
const leastForPercent = 10

// memberships counts members that groups are to lose.
type memberships struct {
	removed map[directory.Key]int
	total   int
	held    map[directory.Key]bool // groups that would lose everybody
}

func (m *memberships) add(group directory.Key, removed, left, had int) {
	if removed == 0 {
		return
	}
	if m.removed == nil {
		m.removed, m.held = make(map[directory.Key]int), make(map[directory.Key]bool)
	}
	m.total += removed - m.removed[group]
	m.removed[group] = removed
	if had >= leastForPercent && left == 0 {
		m.held[group] = true
	}
}

// removals judges what was collected, and sends it or holds it.
func (r *run) removals(ctx context.Context) error {
	r.begin("removals")
	slices.SortFunc(r.removal, directory.Key.Compare)
	r.removal = slices.Compact(r.removal)
	before, err := r.Ledger.Held()
	if err != nil {
		return err
	}
	approved := before.Approved
	counts := make(map[string]int64)
	var waiting []directory.Key
	for _, key := range r.removal {
		if approved[key] {
			continue
		}
		counts[key.Type]++
		waiting = append(waiting, key)
	}
	why, err := r.overThreshold(counts)
	if err != nil {
		return err
	}
	if why != "" {
		return r.hold(ctx, waiting, why, before.Digest, approved)
	}
	if err := r.sendRemovals(ctx, r.removal, approved); err != nil {
		return err
	}
	// Who left scope leaves his groups as well, now that he is disabled.
	if err := r.eachGroup(ctx, func(p *provision.Program, key directory.Key, rule provision.MemberRule) error {
		return r.members(ctx, p, key, rule, false)
	}); err != nil {
		return err
	}
	return r.removeMembers(ctx, before.Digest, before.ApprovedMembers)
}

// overThreshold says why removals are too many at once, "" when they are not.
func (r *run) overThreshold(counts map[string]int64) (string, error) {
	var total int64
	for _, typ := range slices.Sorted(maps.Keys(counts)) {
		total += counts[typ] + r.Recent[typ]
	}
	if len(counts) == 0 {
		return "", nil
	}
	if r.Threshold.Count >= 0 && total > r.Threshold.Count {
		return fmt.Sprintf("%d removals, %d are allowed at once (accidental_deletions.threshold)", total, r.Threshold.Count), nil
	}
	if r.Threshold.Percent < 0 {
		return "", nil
	}
	for _, typ := range slices.Sorted(maps.Keys(counts)) {
		n := counts[typ] + r.Recent[typ]
		if n < leastForPercent {
			continue
		}
		active, err := r.Ledger.CountActive(typ)
		if err != nil {
			return "", err
		}
		if share := 100 * float64(n) / float64(active+r.Recent[typ]); share > r.Threshold.Percent {
			return fmt.Sprintf("%d of %d linked accounts of type %s are %.0f %%, %.0f %% are allowed at once (accidental_deletions.percent)",
				n, active+r.Recent[typ], typ, share, r.Threshold.Percent), nil
		}
	}
	return "", nil
}

// hold keeps removals back until they are approved or their cause is gone. The
// log tells of each once.
func (r *run) hold(ctx context.Context, keys []directory.Key, why, before string, approved map[directory.Key]bool) error {
	digest := digestKeys(keys)
	held := &status.HeldRemovals{Digest: digest, Count: int64(len(keys)), Reason: why, Since: r.Clock.Now()}
	for start := 0; start < len(keys); start += chunkSize {
		part := keys[start:min(start+chunkSize, len(keys))]
		for _, key := range part {
			it := item{key: key}
			p := r.programs[key.Type]
			if err := r.prepare(p, &it); err != nil {
				return err
			}
			if len(held.Examples) < 5 {
				held.Examples = append(held.Examples, it.situation.View.Display())
			}
			if digest == before && !r.Preview {
				continue
			}
			it.decision = provision.Decide(it.situation, p)
			entry := r.entry(&it, audit.Skipped)
			entry.Action, entry.Reason, entry.RecommendedAction = audit.StagedDelete, audit.Held, audit.Explain(audit.Held).Advice
			entry.Steps = append(entry.Steps, audit.Step{Name: exportName(it.decision.Action), Type: audit.StepExport, Status: audit.Skipped,
				Description: "held: " + why, Details: map[string]string{"digest": digest}})
			logged, err := r.Log.Mutations(entry)
			if err != nil {
				return err
			}
			r.mu.Lock()
			r.enqueue(logged...)
			r.mu.Unlock()
		}
	}
	r.mu.Lock()
	r.summary.Held = held
	r.mu.Unlock()
	if err := r.Store.Commit(ctx, r.Ledger.Hold(digest, keys)...); err != nil {
		return err
	}
	// What was approved goes all the same.
	return r.sendRemovals(ctx, slices.DeleteFunc(slices.Clone(r.removal), func(key directory.Key) bool { return !approved[key] }), approved)
}

func digestKeys(keys []directory.Key) string {
	hash := sha256.New()
	for _, key := range keys {
		fmt.Fprintf(hash, "%q\n", key.String())
	}
	return hex.EncodeToString(hash.Sum(nil)[:6])
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
	if r.summary.Held == nil {
		return r.Store.Commit(ctx, r.Ledger.Hold("", nil)...)
	}
	return nil
}

// removeMembers sends the members that groups lose, within the same limits
// counted apart (decisions 13).
func (r *run) removeMembers(ctx context.Context, before string, approved bool) error {
	if r.lost.total == 0 {
		return nil
	}
	why := ""
	switch n := int64(r.lost.total) + r.Recent[Memberships]; {
	case approved:
		clear(r.lost.held)
	case r.Threshold.Count >= 0 && n > r.Threshold.Count:
		why = fmt.Sprintf("%d memberships would be taken away, %d are allowed at once (accidental_deletions.threshold)", n, r.Threshold.Count)
	case r.Threshold.Percent >= 0 && n >= leastForPercent:
		all, err := r.Ledger.CountMembers()
		if err != nil {
			return err
		}
		if share := 100 * float64(n) / float64(max(all, 1)); share > r.Threshold.Percent {
			why = fmt.Sprintf("%d of %d memberships are %.0f %%, %.0f %% are allowed at once (accidental_deletions.percent)", n, all, share, r.Threshold.Percent)
		}
	}
	groups := slices.SortedFunc(maps.Keys(r.lost.removed), directory.Key.Compare)
	if why == "" && len(r.lost.held) > 0 {
		why = fmt.Sprintf("%d groups of %d or more members would lose all of them", len(r.lost.held), leastForPercent)
		groups = slices.DeleteFunc(groups, func(key directory.Key) bool { return !r.lost.held[key] })
	} else if why != "" {
		for _, key := range groups {
			r.lost.held[key] = true
		}
	}
	if why != "" {
		if err := r.holdMembers(ctx, groups, why, before); err != nil {
			return err
		}
	}
	return r.eachGroup(ctx, func(p *provision.Program, key directory.Key, rule provision.MemberRule) error {
		return r.members(ctx, p, key, rule, true)
	})
}

func (r *run) holdMembers(ctx context.Context, groups []directory.Key, why, before string) error {
	held := r.summary.Held
	if held == nil {
		held = &status.HeldRemovals{Reason: why, Since: r.Clock.Now(), Digest: digestKeys(groups)}
	} else {
		held.Reason += "; " + why
	}
	for _, key := range groups {
		held.Count += int64(r.lost.removed[key])
		if len(held.Examples) < 5 {
			held.Examples = append(held.Examples, key.String())
		}
	}
	r.summary.Held = held
	mutations := r.Ledger.Hold(held.Digest, groups)
	if held.Digest != before {
		for _, key := range groups {
			it := item{key: key}
			if err := r.prepare(r.programs[key.Type], &it); err != nil {
				return err
			}
			entry := r.entry(&it, audit.Skipped)
			entry.Action, entry.Reason, entry.RecommendedAction = audit.StagedDelete, audit.Held, audit.Explain(audit.Held).Advice
			entry.Steps = []audit.Step{{Name: exportName(provision.ActionUpdate), Type: audit.StepExport, Status: audit.Skipped,
				Description: "held: " + why, Details: map[string]string{"digest": held.Digest}}}
			logged, err := r.Log.Mutations(entry)
			if err != nil {
				return err
			}
			mutations = append(mutations, logged...)
		}
	}
	return r.Store.Commit(ctx, mutations...)
}
