package cycle

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/ledger"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// references writes what could not be written before all accounts existed:
// managers, and the members that groups are to gain. Members that groups are to
// lose are only counted: they go with the removals.
func (r *run) references(ctx context.Context) error {
	r.begin("references")
	if err := r.lookAtHolders(ctx); err != nil {
		return err
	}
	return r.eachGroup(ctx, addMembers)
}

// memberPass is one look over the members of groups.
type memberPass uint8

const (
	addMembers    memberPass = iota // send those that are missing
	countMembers                    // note those that are too many, and nobody approved
	removeMembers                   // send those that are too many and not held
)

// eachGroup makes a pass over every group whose members are to be compared,
// several groups at a time. The requests of one group go one after the other.
func (r *run) eachGroup(ctx context.Context, pass memberPass) error {
	keys, err := r.groupsToCompare()
	if err != nil {
		return err
	}
	var passes errgroup.Group
	passes.SetLimit(r.inFlight())
	for _, key := range keys {
		p := r.programs[key.Type]
		if p == nil || !p.Mapping.Enabled {
			continue
		}
		if ctx.Err() != nil || r.broken() != nil {
			break
		}
		passes.Go(func() error {
			defer r.advance(1)
			err := r.members(ctx, p, key, r.ruleOf(key), pass)
			if err != nil && ctx.Err() == nil {
				return r.breakOff(err)
			}
			return err
		})
	}
	if err := passes.Wait(); err != nil {
		return err
	}
	if err := r.halted(ctx); err != nil {
		return err
	}
	return r.settled()
}

// groupsToCompare gives the groups whose members are to be compared. When they are
// more than are in hand at a time, the one that should hold most comes first: its
// requests take longest, and nothing else would be left to be done beside them.
func (r *run) groupsToCompare() ([]directory.Key, error) {
	r.mu.Lock()
	keys := slices.SortedFunc(maps.Keys(r.groups), directory.Key.Compare)
	r.mu.Unlock()
	if len(keys) <= r.inFlight() {
		return keys, nil
	}
	sizes := make(map[directory.Key]int, len(keys))
	for _, p := range r.Programs {
		for _, reference := range p.Mapping.References() {
			if !reference.Multi {
				continue
			}
			counts, err := r.Snapshot.CountEdges(keys, reference.Attribute)
			if err != nil {
				return nil, err
			}
			for i, key := range keys {
				if key.Type == p.ObjectType {
					sizes[key] += counts[i]
				}
			}
		}
	}
	slices.SortStableFunc(keys, func(a, b directory.Key) int { return cmp.Compare(sizes[b], sizes[a]) })
	return keys, nil
}

func (r *run) ruleOf(group directory.Key) provision.MemberRule {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.groups[group]
}

// noteGroup has a group's members compared later. Those that a group has already
// when it is adopted, or confirmed, are read once: they are not added again, and
// are not ours to remove unless our record says so.
func (r *run) noteGroup(ctx context.Context, p *provision.Program, it *item) error {
	r.mu.Lock()
	r.groups[it.key] = it.decision.Members
	r.mu.Unlock()
	s := it.situation
	if s.Current == nil || s.Recovered || s.Link != nil && !s.Link.Unproven {
		return nil
	}
	for _, reference := range p.Mapping.References() {
		if !reference.Multi {
			continue
		}
		own, mutations, err := r.forgetMembers(it.key, reference)
		if err != nil {
			return err
		}
		account, err := r.Target.Get(ctx, p.ObjectType, s.Current.ID, []directory.Path{reference.Path})
		if _, open := connector.OpenCause(err); open {
			return err
		}
		// When what is there is not known, our own record begins empty.
		for _, value := range account.Values[reference.Path.String()].Values() {
			owner, err := r.Ledger.Owner(directory.User, value.String())
			if err != nil {
				return err
			}
			if owner == nil || owner.AppID != r.AppID {
				continue
			}
			m := ledger.Member{Key: owner.Key, ID: value.String(), Own: own[owner.Key]}
			mutations = append(mutations, r.Ledger.PutMember(it.key, reference.Path.String(), m))
		}
		r.mu.Lock()
		r.enqueue(mutations...)
		r.mu.Unlock()
	}
	return nil
}

// forgetMembers gives the mutations that forget what was known of a group's
// members, and which of them were ours.
func (r *run) forgetMembers(key directory.Key, reference mapping.Reference) (own map[directory.Key]bool, mutations []store.Mutation, err error) {
	own = make(map[directory.Key]bool)
	err = r.eachMember(key, reference, func(m ledger.Member) {
		own[m.Key] = m.Own
		mutations = append(mutations, r.Ledger.DropMember(key, reference.Path.String(), m.Key))
	})
	return own, mutations, err
}

// members compares what a group should hold with what it holds, by a merge of
// two ascending lists, and does what the pass is for.
func (r *run) members(ctx context.Context, p *provision.Program, key directory.Key, rule provision.MemberRule, pass memberPass) error {
	link, err := r.Ledger.Link(key)
	if err != nil || link == nil || link.Unproven {
		return err
	}
	if !p.Mapping.CanUpdate() {
		return nil
	}
	settled := true
	for _, reference := range p.Mapping.References() {
		if !reference.Multi {
			continue
		}
		if p.Policy.AuthoritativeMembers && pass == addMembers && rule == provision.MembersKept {
			if err := r.claimMembers(ctx, p, key, link, reference); err != nil {
				return err
			}
		}
		var wanted []ledger.Member
		if rule == provision.MembersKept {
			if wanted, err = r.wantedMembers(key, reference); err != nil {
				return err
			}
		}
		add, remove, had, err := r.compareMembers(key, reference, wanted)
		if err != nil {
			return err
		}
		if reference.Apply == mapping.ApplyAddValues {
			remove = nil
		}
		switch pass {
		case addMembers:
			if _, err = r.sendMembers(ctx, p, key, link, reference, connector.Remove, replaced(remove, add), pass); err != nil {
				return err
			}
			if add, err = r.withoutAdded(ctx, p, key, link, reference, add); err != nil {
				return err
			}
			var all bool
			all, err = r.sendMembers(ctx, p, key, link, reference, connector.Add, add, pass)
			settled = settled && all && len(remove) == 0
		case countMembers:
			r.countLost(key, remove, had)
		case removeMembers:
			if r.lost.held[key] {
				remove = slices.DeleteFunc(remove, func(m ledger.Member) bool { return !r.approved[ledger.Membership{Holder: key, Member: m.Key}] })
			}
			_, err = r.sendMembers(ctx, p, key, link, reference, connector.Remove, remove, pass)
		}
		if err != nil {
			return err
		}
	}
	if pass == addMembers && settled {
		r.settleGroup(key)
	}
	return nil
}

// settleGroup has a group that holds whom it should passed over, until one of
// them comes or goes: it is noted again then.
func (r *run) settleGroup(key directory.Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.groups, key)
}

// replaced gives those to be removed who are added under another id: an app may
// give accounts ids that change with their names.
func replaced(remove, add []ledger.Member) []ledger.Member {
	if len(remove) == 0 {
		return nil
	}
	added := make(map[directory.Key]bool, len(add))
	for _, m := range add {
		added[m.Key] = true
	}
	return slices.DeleteFunc(slices.Clone(remove), func(m ledger.Member) bool { return !added[m.Key] })
}

// withoutAdded leaves out members who are in the group already, where the answer
// to an earlier request was lost: there are apps that keep a member twice who is
// added twice.
func (r *run) withoutAdded(ctx context.Context, p *provision.Program, key directory.Key, link *provision.Link, reference mapping.Reference, add []ledger.Member) ([]ledger.Member, error) {
	if len(add) == 0 || !r.isDoubted(key) {
		return add, nil
	}
	account, err := r.Target.Get(ctx, p.ObjectType, link.TargetID, []directory.Path{reference.Path})
	if _, open := connector.OpenCause(err); open {
		return nil, err
	}
	if err != nil {
		return add, nil // what the group holds cannot be told: nobody is left out of it
	}
	there := make(map[string]bool)
	for _, value := range account.Values[reference.Path.String()].Values() {
		there[value.String()] = true
	}
	var left []ledger.Member
	var mutations []store.Mutation
	for _, m := range add {
		if !there[m.ID] {
			left = append(left, m)
			continue
		}
		mutations = append(mutations, r.Ledger.PutMember(key, reference.Path.String(), m))
	}
	if len(mutations) == 0 {
		return left, nil
	}
	return left, r.Store.Commit(ctx, mutations...)
}

// countLost notes the members that a group is to lose, those apart that an
// operator let go.
func (r *run) countLost(key directory.Key, remove []ledger.Member, had int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var members []directory.Key
	for _, m := range remove {
		membership := ledger.Membership{Holder: key, Member: m.Key}
		if r.approved[membership] {
			r.due[membership] = true
			continue
		}
		members = append(members, m.Key)
	}
	r.lost.note(key, members, had, had-len(remove))
}

// wantedMembers resolves a group's edges to accounts. A member without one is
// absent, not an error.
func (r *run) wantedMembers(key directory.Key, reference mapping.Reference) ([]ledger.Member, error) {
	var wanted []ledger.Member
	err := eachEdges(r.Snapshot, key, reference.Attribute, func(edges []directory.Edge) error {
		refs := make([]directory.Ref, len(edges))
		for i, edge := range edges {
			refs[i] = edge.To
		}
		members, accounts, err := r.accountsOf(refs)
		for i, member := range members {
			if member != key && usable(accounts[i]) && accounts[i].TargetID != "" {
				wanted = append(wanted, ledger.Member{Key: member, ID: accounts[i].TargetID, Own: true})
			}
		}
		return err
	})
	slices.SortFunc(wanted, func(a, b ledger.Member) int { return a.Key.Compare(b.Key) })
	return slices.CompactFunc(wanted, func(a, b ledger.Member) bool { return a.Key == b.Key }), err
}

// compareMembers merges wanted members with those that the group is known to
// have: what is to be added, what of ours is to be removed, and how many it
// has. An account that is wanted for another object now is not removed.
func (r *run) compareMembers(key directory.Key, reference mapping.Reference, wanted []ledger.Member) (add, remove []ledger.Member, had int, err error) {
	next := 0
	err = r.eachMember(key, reference, func(have ledger.Member) {
		had++
		for next < len(wanted) && wanted[next].Key.Compare(have.Key) < 0 {
			add = append(add, wanted[next])
			next++
		}
		same := next < len(wanted) && wanted[next].Key == have.Key
		if same && wanted[next].ID == have.ID {
			next++
			return
		}
		if have.Own {
			remove = append(remove, have)
		}
	})
	if err != nil {
		return nil, nil, 0, err
	}
	if add == nil {
		add = wanted[next:] // of a large new group: all, not copied
	} else {
		add = append(add, wanted[next:]...)
	}
	if len(remove) == 0 {
		return add, nil, had, nil
	}
	going := make(map[string]bool, len(remove))
	for _, m := range remove {
		going[m.ID] = true
	}
	for _, m := range wanted {
		delete(going, m.ID)
	}
	return add, slices.DeleteFunc(remove, func(m ledger.Member) bool { return !going[m.ID] }), had, nil
}

// eachMember gives the members that a group is known to have, ascending.
func (r *run) eachMember(key directory.Key, reference mapping.Reference, f func(ledger.Member)) error {
	var after directory.Key
	for {
		page, err := r.Ledger.Members(key, reference.Path.String(), after, pageOf)
		if err != nil {
			return err
		}
		for _, m := range page {
			f(m)
		}
		if len(page) < pageOf {
			return nil
		}
		after = page[len(page)-1].Key
	}
}
