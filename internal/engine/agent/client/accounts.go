package client

import (
	"context"
	"net/http"
	"strconv"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// Accounts gives the linked accounts that meet the query.
func (c *Client) Accounts(ctx context.Context, query status.AccountQuery, yield func(status.Account) error) error {
	given := parameters{"app_id": query.AppID, "person": query.Person, "object_type": query.ObjectType, "state": string(query.State)}
	if query.Limit > 0 {
		given["limit"] = strconv.Itoa(query.Limit)
	}
	_, err := reach(ctx, c, http.MethodGet, given.under("/v1/accounts"), nil, func(m api.Message[struct{}]) error {
		if m.Account == nil {
			return nil
		}
		return yield(*m.Account)
	})
	return c.unbroken(ctx, err)
}

// Unmatched tells which accounts match nobody in scope.
func (c *Client) Unmatched(ctx context.Context, appID string, progress func(status.Progress)) (status.Unmatched, error) {
	report, err := reach(ctx, c, http.MethodPost, appPath(appID, "unmatched"), nil, receive[status.Unmatched](progress))
	return report, c.unbroken(ctx, err)
}

// DropLink forgets the link of one account.
func (c *Client) DropLink(ctx context.Context, appID string, request api.DropLinkRequest) (status.Account, error) {
	var account status.Account
	err := c.call(ctx, http.MethodPost, appPath(appID, "drop-link"), request, &account)
	return account, err
}
