package job

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/ledger"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// NotLinkedError says that a text names no linked account of an app.
type NotLinkedError struct{ App, Text string }

func (e *NotLinkedError) Error() string {
	return fmt.Sprintf("no account in app %q is linked to an object with the id, user name, mail or display name %q", e.App, e.Text)
}

// ManyLinkedError says that a text names several linked accounts.
type ManyLinkedError struct {
	Text     string
	Accounts []string // type and id of the objects
}

func (e *ManyLinkedError) Error() string {
	return fmt.Sprintf("%q names several linked objects: %s", e.Text, strings.Join(e.Accounts, ", "))
}

// ErrUnresolved says that the outcome of a write to an account is not known.
var ErrUnresolved = errors.New("a request for the account was sent and its outcome is not known yet")

// Drop names a link to drop: by a text as in a status.AccountQuery, and the
// object type where that is needed to tell.
type Drop struct {
	Object, ObjectType string
	By                 string
}

// DropLink forgets the link of one account, and gives the account as it was.
// Nothing is sent: the account stays as it is, and the next cycle decides about
// the object as about one that never had an account, so that it is matched
// again. What was known about the link goes with it: an escrow, also that of a
// removal, an approval, and that a removal of it was held. An open intent is no
// part of the link: ErrUnresolved until a cycle has looked what became of it.
func (m *Manager) DropLink(ctx context.Context, appID string, drop Drop) (status.Account, error) {
	r, err := m.runner(appID)
	if err != nil {
		return status.Account{}, err
	}
	thing, err := m.catalog.Get(config.KindApp, appID)
	if err != nil {
		return status.Account{}, err
	}
	r.halt(errInterrupted)
	r.busy.Lock()
	defer r.busy.Unlock()
	defer r.rouse()
	a, err := m.accountsOf(thing.(*config.App))
	if err != nil {
		return status.Account{}, err
	}
	key, account, err := a.one(ctx, drop)
	if err != nil {
		return status.Account{}, err
	}
	mutations, escrowed, err := a.drop(key, account, drop.By)
	if err != nil {
		return status.Account{}, err
	}
	return account, r.update(ctx, func(s *State) {
		s.Touched, s.Releases = append(slices.Clone(s.Touched), key), s.Releases+1
		s.Managed = maps.Clone(s.Managed)
		if s.Managed[key.Type] > 0 {
			s.Managed[key.Type]--
		}
		if escrowed {
			s.Escrowed--
		}
	}, mutations...)
}

// one finds the one account that is meant. An id is never mistaken for
// somebody's name.
func (a *accounts) one(ctx context.Context, drop Drop) (directory.Key, status.Account, error) {
	type found struct {
		key     directory.Key
		account status.Account
	}
	var byID, all []found
	err := a.each(ctx, status.AccountQuery{Person: drop.Object, ObjectType: drop.ObjectType}, func(key directory.Key, account status.Account) error {
		if len(all) < mostNamed {
			all = append(all, found{key, account})
		}
		if drop.Object == key.Anchor || drop.Object == account.Target.ID {
			byID = append(byID, found{key, account})
		}
		return nil
	})
	if err != nil {
		return directory.Key{}, status.Account{}, err
	}
	if len(byID) > 0 {
		all = byID
	}
	switch len(all) {
	case 0:
		return directory.Key{}, status.Account{}, &NotLinkedError{a.app.Name, drop.Object}
	case 1:
		return all[0].key, all[0].account, nil
	}
	several := &ManyLinkedError{Text: drop.Object}
	for _, f := range all {
		several.Accounts = append(several.Accounts, f.key.String())
	}
	return directory.Key{}, status.Account{}, several
}

// mostNamed bounds how many accounts an error names.
const mostNamed = 20

// drop gives the mutations that forget a link and say so in the log, and
// reports whether an escrow goes with it.
func (a *accounts) drop(key directory.Key, account status.Account, by string) ([]store.Mutation, bool, error) {
	connection := ""
	if a.state.Features != nil {
		connection = a.state.Features.Connection
	}
	l := ledger.Open(a.m.Store, a.app.ID, connection)
	if intent, err := l.Intent(key); err != nil || intent != nil {
		if err == nil {
			err = ErrUnresolved
		}
		return nil, false, err
	}
	link, err := l.Link(key)
	if err != nil {
		return nil, false, err
	}
	mutations, err := l.Put(key, link, nil)
	if err != nil {
		return nil, false, err
	}
	members, err := l.DropMembers(key)
	if err != nil {
		return nil, false, err
	}
	escrow, err := l.Escrow(key)
	if err != nil {
		return nil, false, err
	}
	const what = "Drop link"
	noted, err := a.m.Log.Mutations(audit.Entry{
		AppID: a.app.ID, Category: audit.Job, Action: audit.Other, Status: audit.Success, Reason: what, InitiatedBy: by,
		Source: audit.Identity{Type: key.Type, ID: key.Anchor, DisplayName: account.Source.DisplayName},
		Target: audit.Identity{Type: key.Type, ID: account.Target.ID, DisplayName: account.Target.DisplayName},
		Steps: []audit.Step{{Name: what, Type: audit.StepProcessing, Status: audit.Success,
			Description: "nothing is sent; the next cycle looks for the object's account by matching"}},
	})
	if err != nil {
		return nil, false, err
	}
	mutations = append(mutations, members...)
	mutations = append(mutations, l.SettleEscrow(escrow, nil)...)
	mutations = append(mutations, l.EndApproval([]directory.Key{key}, nil)...)
	mutations = append(mutations, l.DropStale(key))
	return append(mutations, noted...), escrow != nil, nil
}
