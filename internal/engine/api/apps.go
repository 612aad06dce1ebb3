package api

import (
	"context"
	"net/http"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// JobRequest asks something of an app's job.
type JobRequest struct {
	By string `json:"by,omitempty"` // who asks, for the log
}

// RestartRequest restarts a job.
type RestartRequest struct {
	By    string   `json:"by,omitempty"`
	Scope []string `json:"scope,omitzero"` // absent: config.DefaultRestartScope
}

// ApproveRequest lets a held set of removals go.
type ApproveRequest struct {
	By     string `json:"by,omitempty"`
	Digest string `json:"digest"`
}

// apps registers the operations on an app and its job.
func (r routes) apps() {
	const tag, app = "jobs", "/v1/apps/{id}/"

	answer(r, operation(http.MethodGet, app+"status", tag, "status", "Tell of an app's job"),
		func(ctx context.Context, in *byID) (status.Job, error) { return r.service.Status(ctx, in.ID) })

	answer(r, operation(http.MethodGet, app+"warnings", tag, "warnings", "What a plan should say about an app"),
		func(ctx context.Context, in *byID) ([]Warning, error) { return listed(r.service.Warnings(ctx, in.ID)) })

	stream(r, operation(http.MethodPost, app+"preview", tag, "preview", "Tell what a cycle would do now"),
		func(ctx context.Context, in *struct {
			ID   string `path:"id"`
			Body PreviewRequest
		}, send func(Message[status.Preview])) (status.Preview, error) {
			return r.service.Preview(ctx, in.ID, in.Body, progress(send))
		})

	stream(r, operation(http.MethodPost, app+"wait", tag, "wait", "Wait until a cycle has ended"),
		func(ctx context.Context, in *struct {
			ID   string `path:"id"`
			Body WaitRequest
		}, send func(Message[WaitResult])) (WaitResult, error) {
			return r.service.Wait(ctx, in.ID, in.Body, progress(send))
		})

	type jobInput struct {
		ID   string `path:"id"`
		Body JobRequest
	}
	act(r, operation(http.MethodPost, app+"start", tag, "start-job", "Lift a pause or quarantine and run a cycle at once"),
		func(ctx context.Context, in *jobInput) error { return r.service.StartJob(ctx, in.ID, in.Body.By) })

	act(r, operation(http.MethodPost, app+"pause", tag, "pause-job", "Stop the job after the objects in hand"),
		func(ctx context.Context, in *jobInput) error { return r.service.PauseJob(ctx, in.ID, in.Body.By) })

	act(r, operation(http.MethodPost, app+"restart", tag, "restart-job", "Forget what the job knows and begin an initial cycle"),
		func(ctx context.Context, in *struct {
			ID   string `path:"id"`
			Body RestartRequest
		}) error {
			return r.service.RestartJob(ctx, in.ID, in.Body.By, in.Body.Scope)
		})

	act(r, operation(http.MethodPost, app+"approve", tag, "approve-removals", "Let a held set of removals go"),
		func(ctx context.Context, in *struct {
			ID   string `path:"id"`
			Body ApproveRequest
		}) error {
			return r.service.ApproveRemovals(ctx, in.ID, in.Body.By, in.Body.Digest)
		})

	answer(r, operation(http.MethodPost, app+"provision", tag, "provision", "Provision single objects now"),
		func(ctx context.Context, in *struct {
			ID   string `path:"id"`
			Body ProvisionRequest
		}) ([]ProvisionResult, error) {
			return listed(r.service.Provision(ctx, in.ID, in.Body))
		})

	for _, kind := range []config.Kind{config.KindApp, config.KindSource} {
		tag := Collection(kind)
		answer(r, operation(http.MethodPost, "/v1/"+tag+"/{id}/test", tag, "test-"+string(kind), "Try the connection as it is stored"),
			func(ctx context.Context, in *byID) ([]connector.Finding, error) {
				return listed(r.service.TestConnection(ctx, kind, in.ID))
			})
	}
}

// listed makes no items an empty list rather than null.
func listed[T any](items []T, err error) ([]T, error) {
	if items == nil {
		items = []T{}
	}
	return items, err
}
