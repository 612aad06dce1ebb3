package memory

import (
	"context"
	"maps"
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// List gives every account that searches see, in the order of creation.
// Accounts that are made or deleted meanwhile may or may not be given.
func (t *Target) List(ctx context.Context, typ string, want []directory.Path, yield func(connector.Account) error) (bool, error) {
	ids, err := t.startList(ctx, typ)
	if err != nil {
		return false, err
	}
	for _, id := range ids {
		if err := interrupted(ctx); err != nil {
			return false, err
		}
		account, ok := t.get(typ, id, want)
		if !ok {
			continue
		}
		if err := yield(account); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (t *Target) startList(ctx context.Context, typ string) ([]string, error) {
	if err := interrupted(ctx); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	c, err := t.collection(typ)
	if err != nil {
		return nil, err
	}
	if !t.features.CanList {
		return nil, rejected("NotImplemented", "accounts of type %s cannot be listed", typ)
	}
	t.searches++
	var ids []string
	for _, id := range c.order {
		if a, ok := c.accounts[id]; ok && t.sees(a) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// sees reports whether the search under way sees an account.
func (t *Target) sees(a *account) bool { return a.visible >= 0 && a.visible <= t.searches }

// Find gives the accounts that hold the value, by id ascending. References of
// multi-valued attributes cannot be searched for.
func (t *Target) Find(ctx context.Context, typ string, path directory.Path, value directory.Value, want []directory.Path) ([]connector.Account, error) {
	if err := interrupted(ctx); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	c, err := t.collection(typ)
	if err != nil {
		return nil, err
	}
	if isMembers(t.definition(typ, path)) || slices.Contains(t.options.Unfilterable[typ], path.String()) {
		return nil, connector.ErrCannotFilter
	}
	t.searches++
	var found []connector.Account
	for _, id := range slices.Sorted(maps.Keys(c.holders[t.claim(typ, path, value)])) {
		if a := c.accounts[id]; t.sees(a) {
			found = append(found, t.tell(c, a, want))
		}
	}
	return found, nil
}

// Get gives one account, however new.
func (t *Target) Get(ctx context.Context, typ, id string, want []directory.Path) (connector.Account, error) {
	if err := interrupted(ctx); err != nil {
		return connector.Account{}, err
	}
	t.mu.Lock()
	_, err := t.collection(typ)
	t.mu.Unlock()
	if err != nil {
		return connector.Account{}, err
	}
	account, ok := t.get(typ, id, want)
	if !ok {
		return connector.Account{}, gone(typ, id)
	}
	return account, nil
}

func (t *Target) get(typ, id string, want []directory.Path) (connector.Account, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.types[typ]
	a, ok := c.accounts[id]
	if !ok {
		return connector.Account{}, false
	}
	return t.tell(c, a, want), true
}
