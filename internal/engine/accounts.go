package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/cycle"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/job"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// Accounts implements api.Service.
func (e *Engine) Accounts(ctx context.Context, query status.AccountQuery, yield func(status.Account) error) error {
	var refused error
	err := e.jobs.Accounts(ctx, query, func(account status.Account) error {
		refused = yield(account)
		return refused
	})
	if refused != nil || ctx.Err() != nil {
		return err
	}
	return told(err)
}

// Unmatched implements api.Service.
func (e *Engine) Unmatched(ctx context.Context, appID string, progress func(status.Progress)) (status.Unmatched, error) {
	const summary = "Cannot compare the accounts"
	report, err := e.jobs.Unmatched(ctx, appID, progress)
	switch {
	case errors.Is(err, cycle.ErrCannotList):
		return report, &api.Error{Code: api.CodeInvalid, Summary: summary, Detail: config.Sentence(err.Error()),
			Advice: "Look at a preview instead: it looks each person up."}
	case err != nil:
		return report, e.unusable(summary, err)
	}
	return report, nil
}

// DropLink implements api.Service.
func (e *Engine) DropLink(ctx context.Context, appID string, request api.DropLinkRequest) (status.Account, error) {
	account, err := e.jobs.DropLink(ctx, appID, job.Drop{Object: request.Object, ObjectType: request.ObjectType, By: request.By})
	var missing *job.NotLinkedError
	var several *job.ManyLinkedError
	refuse := func(code api.Code, advice string) error {
		return &api.Error{Code: code, Summary: fmt.Sprintf("Cannot drop the link of %q", request.Object), Detail: config.Sentence(err.Error()), Advice: advice}
	}
	switch {
	case errors.As(err, &missing):
		return account, refuse(api.CodeNotFound, "List what is linked with the command accounts.")
	case errors.As(err, &several):
		return account, refuse(api.CodeAmbiguous, "Name it by its id in the source or in the app, and by its object type where both have that.")
	case errors.Is(err, job.ErrUnresolved):
		return account, refuse(api.CodeConflict, "Let a cycle run, which looks what became of it, and try again.")
	}
	return account, told(err)
}
