package cycle

import (
	"context"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/ledger"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// foreign is the type under which the ledger keeps members of a group that
// belong to no object of the source.
const foreign = "(account)"

// claimMembers takes all that the app says is in a group as ours to remove: the
// policy members = "authoritative". A target that does not show members leaves
// it at our own.
func (r *run) claimMembers(ctx context.Context, p *provision.Program, key directory.Key, link *provision.Link, reference mapping.Reference) error {
	attribute := reference.Path.String()
	account, err := r.Target.Get(ctx, p.ObjectType, link.TargetID, []directory.Path{reference.Path})
	if _, open := connector.OpenCause(err); open {
		return err
	}
	if err != nil {
		return nil // what the group holds cannot be told now: our own record stands
	}
	known := make(map[string]ledger.Member)
	var after directory.Key
	for {
		page, err := r.Ledger.Members(key, attribute, after, pageOf)
		if err != nil {
			return err
		}
		for _, m := range page {
			known[m.ID] = m
		}
		if len(page) < pageOf {
			break
		}
		after = page[len(page)-1].Key
	}
	var mutations []store.Mutation
	for _, value := range account.Values[attribute].Values() {
		m, ok := known[value.String()]
		if ok && m.Own {
			continue
		}
		if !ok {
			m = ledger.Member{Key: directory.Key{Type: foreign, Anchor: value.String()}, ID: value.String()}
			owner, err := r.Ledger.Owner(directory.User, m.ID)
			if err != nil {
				return err
			}
			if owner != nil && owner.AppID == r.AppID {
				m.Key = owner.Key
			}
		}
		m.Own = true
		mutations = append(mutations, r.Ledger.PutMember(key, attribute, m))
	}
	return r.Store.Commit(ctx, mutations...)
}
