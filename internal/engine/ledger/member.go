package ledger

import (
	"fmt"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// Member is one account that is in a group of the target.
type Member struct {
	Key directory.Key // of the member's source object
	ID  string        // of its account
	// Own tells that the engine put it there; only such members are removed.
	Own bool
}

// Members gives up to limit members that a holder is known to have under an
// attribute of the target, ascending by the members' keys, after that key.
func (l *Ledger) Members(holder directory.Key, attribute string, after directory.Key, limit int) ([]Member, error) {
	prefix := store.Prefix(l.app, holder.Type, holder.Anchor, attribute)
	from := prefix
	if !after.IsZero() {
		from = append(append(append([]byte{}, prefix...), store.Key(after.Type, after.Anchor)...), 0)
	}
	var members []Member
	err := l.r.Walk(tableMembers, from, store.Successor(prefix), limit, func(row store.Row) error {
		typ, anchor, ok := cut(row.Key[len(prefix):])
		id, own, err := decodeMember(row.Value)
		if err != nil || !ok {
			return fmt.Errorf("a member of %s: the row is damaged: %w", holder, err)
		}
		members = append(members, Member{directory.Key{Type: typ, Anchor: anchor}, id, own})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return members, nil
}

// PutMember gives the mutation that records a member.
func (l *Ledger) PutMember(holder directory.Key, attribute string, m Member) store.Mutation {
	return store.Put(tableMembers, l.memberKey(holder, attribute, m.Key), encodeMember(m))
}

// DropMember gives the mutation that forgets a member.
func (l *Ledger) DropMember(holder directory.Key, attribute string, member directory.Key) store.Mutation {
	return store.Delete(tableMembers, l.memberKey(holder, attribute, member))
}

// DropMembers gives the mutations that forget all members of a holder.
func (l *Ledger) DropMembers(holder directory.Key) ([]store.Mutation, error) {
	var mutations []store.Mutation
	err := store.Each(l.r, tableMembers, store.Prefix(l.app, holder.Type, holder.Anchor), func(row store.Row) error {
		mutations = append(mutations, store.Delete(tableMembers, row.Key))
		return nil
	})
	return mutations, err
}

func (l *Ledger) memberKey(holder directory.Key, attribute string, member directory.Key) []byte {
	return store.Key(l.app, holder.Type, holder.Anchor, attribute, member.Type, member.Anchor)
}

// Forget calls commit with the mutations, a page at a time, that remove every
// row of the app.
func Forget(r store.Reader, appID string, commit func(...store.Mutation) error) error {
	prefix := store.Prefix(appID)
	for _, table := range []store.Table{tableLinks, tableClaims, tableWaiting, tableDue, tableMembers, tableIntents, tableEscrows, tableApproved, tableApprovedMembers, tableStale} {
		if err := forget(r, table, prefix, commit, func(store.Row) bool { return true }); err != nil {
			return err
		}
	}
	if err := commit(store.Delete(tableHeld, store.Key(appID))); err != nil {
		return err
	}
	return forget(r, tableOwners, nil, commit, func(row store.Row) bool {
		owner, err := decodeOwner(row.Value)
		return err == nil && owner.AppID == appID
	})
}

func forget(r store.Reader, table store.Table, prefix []byte, commit func(...store.Mutation) error, wanted func(store.Row) bool) error {
	var page []store.Mutation
	flush := func() error {
		if len(page) == 0 {
			return nil
		}
		mutations := page
		page = nil
		return commit(mutations...)
	}
	err := store.Each(r, table, prefix, func(row store.Row) error {
		if !wanted(row) {
			return nil
		}
		if page = append(page, store.Delete(table, row.Key)); len(page) < 1000 {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}
