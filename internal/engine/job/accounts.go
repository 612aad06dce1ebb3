package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/catalog"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/ledger"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// Accounts gives the linked accounts that meet the query: by the apps' names,
// users first and groups last, ascending by the objects' anchors. Memory follows
// a page of links. What cycles do meanwhile may show or not.
func (m *Manager) Accounts(ctx context.Context, query status.AccountQuery, yield func(status.Account) error) error {
	var apps []*config.App
	err := m.catalog.Each(config.KindApp, func(thing config.Thing) error {
		if app := thing.(*config.App); query.AppID == "" || query.AppID == app.ID {
			apps = append(apps, app)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if query.AppID != "" && len(apps) == 0 {
		return fmt.Errorf("app %q: %w", query.AppID, ErrNoApp)
	}
	slices.SortFunc(apps, func(a, b *config.App) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	given := 0
	for _, app := range apps {
		a, err := m.accountsOf(app)
		if errors.Is(err, ErrNoApp) && query.AppID == "" {
			continue // destroyed meanwhile
		}
		if err != nil {
			return err
		}
		err = a.each(ctx, query, func(_ directory.Key, account status.Account) error {
			if given++; query.Limit > 0 && given > query.Limit {
				return errEnough
			}
			return yield(account)
		})
		switch {
		case errors.Is(err, errEnough):
			return nil
		case err != nil:
			return err
		}
	}
	return nil
}

var errEnough = errors.New("the limit is reached")

// accountsPage is how many links are read at a time.
const accountsPage = 500

// accounts tells of the accounts of one app.
type accounts struct {
	m           *Manager
	app         *config.App // as it is in force
	released    *catalog.Released
	state       State
	ledger      *ledger.Ledger
	held        map[directory.Key]bool
	assignments map[string]status.AccountAssignment
	protected   map[string]bool
}

func (m *Manager) accountsOf(app *config.App) (*accounts, error) {
	r, err := m.runner(app.ID)
	if err != nil {
		return nil, err
	}
	a := &accounts{
		m: m, app: app, ledger: ledger.Open(m.Store, app.ID, ""), held: make(map[directory.Key]bool),
		assignments: make(map[string]status.AccountAssignment),
	}
	r.mu.Lock()
	a.state = *r.state
	r.mu.Unlock()
	if a.released, err = m.catalog.Released(app.ID); err != nil {
		return nil, err
	}
	if a.released.App != nil {
		a.app = a.released.App
	}
	a.protected = protectedBy(a.app)
	declared, err := m.catalog.Declared(app.ID)
	if err != nil {
		return nil, err
	}
	for _, configuration := range []*catalog.Released{declared, a.released} {
		for id, assigned := range configuration.Assignments {
			told := status.AccountAssignment{ID: id, By: "group", Name: assigned.Group, Role: assigned.Role}
			if assigned.User != "" {
				told.By, told.Name = "user", assigned.User
			}
			a.assignments[id] = told
		}
	}
	held, err := a.ledger.Held()
	for _, key := range held.Keys {
		a.held[key] = true
	}
	return a, err
}

// each gives the accounts that meet the query, but for its app and limit.
func (a *accounts) each(ctx context.Context, query status.AccountQuery, f func(directory.Key, status.Account) error) error {
	types, err := a.ledger.LinkedTypes()
	if err != nil {
		return err
	}
	for _, typ := range usersFirst(types) {
		if query.ObjectType != "" && query.ObjectType != typ {
			continue
		}
		after := ""
		for {
			links, err := a.ledger.Links(typ, after, accountsPage)
			if err != nil {
				return err
			}
			for _, linked := range links {
				if query.Person != "" {
					if is, err := a.is(directory.Fold(query.Person), linked); err != nil || !is {
						if err != nil {
							return err
						}
						continue
					}
				}
				account, err := a.tell(linked)
				if err != nil {
					return err
				}
				if query.State != "" && query.State != account.State {
					continue
				}
				if err := f(linked.Key, account); err != nil {
					return err
				}
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if len(links) < accountsPage {
				break
			}
			after = links[len(links)-1].Key.Anchor
		}
	}
	return nil
}

// tell says what a link amounts to.
func (a *accounts) tell(linked ledger.Linked) (status.Account, error) {
	key, link := linked.Key, &linked.Link
	account := status.Account{
		AppID: a.app.ID, AppName: a.app.Name, ObjectType: key.Type,
		Source:   status.AccountEnd{ID: key.Anchor, DisplayName: cmp.Or(link.Display, key.Anchor)},
		Target:   status.AccountEnd{ID: link.TargetID, DisplayName: accountName(link)},
		State:    status.AccountActive,
		Enabled:  link.Disabled == nil && !a.disabledByMapping(key.Type, link),
		LinkedAt: link.LinkedAt, LinkedBy: status.LinkedByMatch, Assignments: []status.AccountAssignment{},
		Protected: link.ProtectedBy(a.protected),
	}
	if link.CreatedByUs {
		account.LinkedBy = status.LinkedByCreate
	}
	for _, id := range link.Assignment {
		assigned, ok := a.assignments[id]
		if !ok {
			assigned = status.AccountAssignment{ID: id}
		}
		account.Assignments = append(account.Assignments, assigned)
	}
	if len(link.Assignment) == 0 && a.app.Scope == config.ScopeAll {
		account.Assignments = append(account.Assignments, status.AccountAssignment{By: "all"})
	}
	if !link.ChangedAt.IsZero() {
		account.LastChange = &status.AccountChange{At: link.ChangedAt, CycleID: link.Cycle, Action: string(link.Action)}
	}
	escrow, err := a.ledger.Escrow(key)
	if err != nil {
		return account, err
	}
	switch {
	case a.held[key]:
		account.State, account.Reason = status.AccountHeld, "accidental_deletions"
		if held := a.state.Held; held != nil {
			account.Detail, account.Since = config.Sentence(held.Reason), held.Since
		}
	case escrow != nil:
		account.State, account.Reason, account.Detail, account.Since = status.AccountEscrowed, escrow.Code, config.Sentence(escrow.Detail), escrow.First
		account.NextAttempt = escrow.Next
	case link.Unproven:
		account.State, account.Reason = status.AccountUnproven, audit.LinkUnproven
		account.Detail = "The app's connection or source has changed since it was linked. It is confirmed before anything is sent to it."
	case link.Disabled != nil:
		account.State, account.Reason, account.Since = status.AccountDisabled, string(link.Disabled.Loss), link.Disabled.At
		account.Detail = lossText[link.Disabled.Loss]
	case !account.Enabled:
		account.State, account.Reason, account.Since = status.AccountDisabled, "mapping", link.ChangedAt
		account.Detail = "The mapping's own value disables the account."
	}
	return account, nil
}

var lossText = map[provision.Loss]string{
	provision.LossOutOfScope: "The object is no longer in scope.",
	provision.LossDisabled:   "The object is disabled in the source.",
	provision.LossAbsent:     "The source does not name the object any more.",
	provision.LossDeleted:    "The object was deleted in the source.",
}

// accountName gives the value by which people know the account: that of its
// first matching attribute.
func accountName(link *provision.Link) string {
	for _, claim := range link.Claims {
		sent, _ := link.Sent.Get(claim.Path)
		return cmp.Or(sent.Value.String(), claim.Value)
	}
	return link.TargetID
}

// disabledByMapping reports whether a rule of the mapping keeps the account
// disabled.
func (a *accounts) disabledByMapping(typ string, link *provision.Link) bool {
	if a.state.Features == nil {
		return false
	}
	path, ok := a.state.Features.EnabledPath[typ]
	if !ok {
		return false
	}
	sent, ok := link.Sent.Get(path.String())
	return ok && strings.EqualFold(sent.Value.String(), "false")
}

// naming are the attributes of the source that a person is asked for by.
var naming = []string{"userPrincipalName", "mail", "displayName"}

// is reports whether a folded text names a linked object or its account.
func (a *accounts) is(person string, linked ledger.Linked) (bool, error) {
	key, link := linked.Key, &linked.Link
	names := []string{key.Anchor, link.TargetID, link.Display}
	for _, claim := range link.Claims {
		sent, _ := link.Sent.Get(claim.Path)
		names = append(names, claim.Value, sent.Value.String())
	}
	same := func(name string) bool { return name != "" && directory.Fold(name) == person }
	if slices.ContainsFunc(names, same) || a.released.Source == nil {
		return slices.ContainsFunc(names, same), nil
	}
	record, known, err := a.m.Snapshot(a.released.Source.ID).Object(key)
	if err != nil || !known {
		return false, err
	}
	view := mapping.View{Object: record.Object, Aliases: a.released.Source.MappingSource(key.Type).Aliases}
	return slices.ContainsFunc(naming, func(name string) bool {
		value, _ := view.Attribute(name)
		return same(value.String())
	}), nil
}
