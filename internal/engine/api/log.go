package api

import (
	"context"
	"net/http"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
)

// auditInput is an audit.Query in the address.
type auditInput struct {
	AppID    string         `query:"app_id"`
	Category audit.Category `query:"category" enum:"provisioning,job,configuration"`
	Action   audit.Action   `query:"action" enum:"create,update,delete,disable,staged_delete,other"`
	Status   audit.Status   `query:"status" enum:"success,warning,failure,skipped"`
	Object   string         `query:"object" doc:"Id or display name of the source's object or the target's account."`
	CycleID  string         `query:"cycle_id"`
	Since    time.Time      `query:"since" doc:"The first moment."`
	Until    time.Time      `query:"until" doc:"The first moment after."`
	Limit    int            `query:"limit" minimum:"0"`
}

func (in *auditInput) query() audit.Query {
	return audit.Query{
		AppID: in.AppID, Category: in.Category, Action: in.Action, Status: in.Status, Object: in.Object,
		CycleID: in.CycleID, Since: in.Since, Until: in.Until, Limit: in.Limit,
	}
}

// log registers the operations on the provisioning log.
func (r routes) log() {
	const tag = "log"

	answer(r, operation(http.MethodGet, "/v1/audit", tag, "audit", "Query the provisioning log, newest first"),
		func(ctx context.Context, in *auditInput) ([]audit.Entry, error) {
			return listed(r.service.Audit(ctx, in.query()))
		})

	stream(r, operation(http.MethodGet, "/v1/audit/follow", tag, "follow-audit", "Give entries of the provisioning log as they are written"),
		func(ctx context.Context, in *auditInput, send func(Message[none])) (none, error) {
			err := r.service.FollowAudit(ctx, in.query(), func(entry audit.Entry) error {
				send(Message[none]{Entry: &entry})
				return ctx.Err()
			})
			if err == nil {
				err = ctx.Err() // to follow has no other end
			}
			return none{}, err
		})
}
