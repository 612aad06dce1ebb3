package client

import (
	"context"
	"fmt"
	"reflect"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api/apitest"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// accountCases are the calls about linked accounts.
func accountCases() []conformanceCase {
	accounts := status.AccountQuery{AppID: "app", Person: "Grace & co/ü", ObjectType: "User", State: status.AccountHeld, Limit: 7}
	account := status.Account{
		AppID: "app", ObjectType: "User", Source: status.AccountEnd{ID: "7", DisplayName: "Grace"}, Enabled: true, LinkedAt: moment,
		Assignments: []status.AccountAssignment{{By: "all"}}, LastChange: &status.AccountChange{At: moment, Action: "create"},
	}
	drop := api.DropLinkRequest{Object: "grace", ObjectType: "User", By: "me"}
	unmatched := status.Unmatched{
		AppID: "app", Listed: 3, Doubtful: []status.UnmatchedObject{},
		Accounts: []status.UnmatchedAccount{{ObjectType: "User", AccountEnd: status.AccountEnd{ID: "a1"}, Enabled: pointer(false),
			Near: []status.Near{{AccountEnd: status.AccountEnd{ID: "7"}, Score: 60, Because: "one letter is different"}}}},
	}
	return []conformanceCase{
		{"", "Accounts", []any{accounts}, nil,
			func(ctx context.Context, c *Client) (any, error) {
				return nothing(c.Accounts(ctx, accounts, func(status.Account) error { return errEnough }))
			}},
		{"all", "Accounts", []any{status.AccountQuery{}}, nil,
			func(ctx context.Context, c *Client) (any, error) {
				return nothing(c.Accounts(ctx, status.AccountQuery{}, func(status.Account) error { return errEnough }))
			}},
		{"", "Unmatched", []any{"app"}, unmatched,
			func(ctx context.Context, c *Client) (any, error) { return c.Unmatched(ctx, "app", nil) }},
		{"", "DropLink", []any{"app", drop}, account,
			func(ctx context.Context, c *Client) (any, error) { return c.DropLink(ctx, "app", drop) }},
	}
}

// TestAccounts: each account arrives, in its order, and then the end or the
// error of whoever gave them.
func TestAccounts(t *testing.T) {
	noLeaks(t)
	var want []status.Account
	for i := range 300 {
		want = append(want, status.Account{AppName: "chat", Source: status.AccountEnd{ID: fmt.Sprint(i)}, Assignments: []status.AccountAssignment{}})
	}
	var fails error
	c := serve(t, apitest.Service(func(_ context.Context, _ string, args ...any) (any, error) {
		for _, account := range want {
			if err := args[1].(func(status.Account) error)(account); err != nil {
				return nil, err
			}
		}
		return nil, fails
	}), api.Options{})
	read := func() (got []status.Account, err error) {
		err = c.Accounts(t.Context(), status.AccountQuery{}, func(a status.Account) error {
			got = append(got, a)
			return nil
		})
		return got, err
	}
	if got, err := read(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %d accounts, %v", len(got), err)
	}
	fails = &api.Error{Code: api.CodeInternal, Summary: "The store is damaged"}
	got, err := read()
	wantCode(t, err, api.CodeInternal)
	if len(got) != len(want) {
		t.Errorf("got %d accounts before the error", len(got))
	}
}
