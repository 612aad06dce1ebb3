package api

import (
	"context"
	"net/http"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// DropLinkRequest names the link to drop: by an id in the source or the app, a
// user name, mail or display name of its object.
type DropLinkRequest struct {
	Object     string `json:"object"`
	ObjectType string `json:"object_type,omitempty"` // where it is needed to tell
	By         string `json:"by,omitempty"`          // who asks, for the log
}

// accountsInput is a status.AccountQuery in the address.
type accountsInput struct {
	AppID      string              `query:"app_id"`
	Person     string              `query:"person" doc:"Id in the source or the app, user name, mail or display name, in any case."`
	ObjectType string              `query:"object_type"`
	State      status.AccountState `query:"state" enum:"active,disabled,unproven,escrowed,held"`
	Limit      int                 `query:"limit" minimum:"0"`
}

// accounts registers the operations on linked accounts.
func (r routes) accounts() {
	const tag = "accounts"

	stream(r, operation(http.MethodGet, "/v1/accounts", tag, "accounts", "Give the linked accounts, of all apps or one"),
		func(ctx context.Context, in *accountsInput, send func(Message[none])) (none, error) {
			query := status.AccountQuery{AppID: in.AppID, Person: in.Person, ObjectType: in.ObjectType, State: in.State, Limit: in.Limit}
			return none{}, r.service.Accounts(ctx, query, func(account status.Account) error {
				send(Message[none]{Account: &account})
				return ctx.Err()
			})
		})

	stream(r, operation(http.MethodPost, "/v1/apps/{id}/unmatched", tag, "unmatched", "Tell which accounts match nobody in scope"),
		func(ctx context.Context, in *byID, send func(Message[status.Unmatched])) (status.Unmatched, error) {
			return r.service.Unmatched(ctx, in.ID, progress(send))
		})

	answer(r, operation(http.MethodPost, "/v1/apps/{id}/drop-link", tag, "drop-link", "Forget the link of one account"),
		func(ctx context.Context, in *struct {
			ID   string `path:"id"`
			Body DropLinkRequest
		}) (status.Account, error) {
			return r.service.DropLink(ctx, in.ID, in.Body)
		})
}
