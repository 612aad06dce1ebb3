// Package apitest has an api.Service for the tests of those who carry or use
// one.
package apitest

import (
	"context"
	"fmt"
	"io"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// Service hands every call to one function: the name of the method, and its
// arguments after the context. What it returns must be of the method's type;
// nil is that type's zero value.
type Service func(ctx context.Context, method string, args ...any) (any, error)

var _ api.Service = Service(nil)

func result[T any](value any, err error) (T, error) {
	var zero T
	if value == nil {
		return zero, err
	}
	typed, ok := value.(T)
	if !ok {
		panic(fmt.Sprintf("apitest: a %T was returned where a %T is due", value, zero))
	}
	return typed, err
}

func (s Service) alone(ctx context.Context, method string, args ...any) error {
	_, err := s(ctx, method, args...)
	return err
}

// The methods of api.Service.

func (s Service) Generation(ctx context.Context, identity config.Identity) (api.Generation, error) {
	return result[api.Generation](s(ctx, "Generation", identity))
}

func (s Service) Check(ctx context.Context, request api.CheckRequest) ([]api.Warning, error) {
	return result[[]api.Warning](s(ctx, "Check", request))
}

func (s Service) Create(ctx context.Context, thing config.Thing, secrets config.Secrets) (config.Thing, error) {
	return result[config.Thing](s(ctx, "Create", thing, secrets))
}

func (s Service) Update(ctx context.Context, thing config.Thing, secrets config.Secrets) (config.Thing, error) {
	return result[config.Thing](s(ctx, "Update", thing, secrets))
}

func (s Service) Delete(ctx context.Context, kind config.Kind, id string) error {
	return s.alone(ctx, "Delete", kind, id)
}

func (s Service) Get(ctx context.Context, kind config.Kind, id string) (config.Thing, error) {
	return result[config.Thing](s(ctx, "Get", kind, id))
}

func (s Service) List(ctx context.Context, kind config.Kind, query api.ListQuery) ([]config.Thing, error) {
	return result[[]config.Thing](s(ctx, "List", kind, query))
}

func (s Service) SourceSchema(ctx context.Context, sourceID string) (directory.Schema, error) {
	return result[directory.Schema](s(ctx, "SourceSchema", sourceID))
}

func (s Service) TargetSchema(ctx context.Context, appID string) (directory.Schema, error) {
	return result[directory.Schema](s(ctx, "TargetSchema", appID))
}

func (s Service) Status(ctx context.Context, appID string) (status.Job, error) {
	return result[status.Job](s(ctx, "Status", appID))
}

func (s Service) Warnings(ctx context.Context, appID string) ([]api.Warning, error) {
	return result[[]api.Warning](s(ctx, "Warnings", appID))
}

func (s Service) Audit(ctx context.Context, query audit.Query) ([]audit.Entry, error) {
	return result[[]audit.Entry](s(ctx, "Audit", query))
}

func (s Service) FollowAudit(ctx context.Context, query audit.Query, yield func(audit.Entry) error) error {
	return s.alone(ctx, "FollowAudit", query, yield)
}

func (s Service) Preview(ctx context.Context, appID string, request api.PreviewRequest, progress func(status.Progress)) (status.Preview, error) {
	return result[status.Preview](s(ctx, "Preview", appID, request, progress))
}

func (s Service) Accounts(ctx context.Context, query status.AccountQuery, yield func(status.Account) error) error {
	return s.alone(ctx, "Accounts", query, yield)
}

func (s Service) Unmatched(ctx context.Context, appID string, progress func(status.Progress)) (status.Unmatched, error) {
	return result[status.Unmatched](s(ctx, "Unmatched", appID, progress))
}

func (s Service) DropLink(ctx context.Context, appID string, request api.DropLinkRequest) (status.Account, error) {
	return result[status.Account](s(ctx, "DropLink", appID, request))
}

func (s Service) Wait(ctx context.Context, appID string, request api.WaitRequest, progress func(status.Progress)) (api.WaitResult, error) {
	return result[api.WaitResult](s(ctx, "Wait", appID, request, progress))
}

func (s Service) StartJob(ctx context.Context, appID, by string) error {
	return s.alone(ctx, "StartJob", appID, by)
}

func (s Service) PauseJob(ctx context.Context, appID, by string) error {
	return s.alone(ctx, "PauseJob", appID, by)
}

func (s Service) RestartJob(ctx context.Context, appID, by string, scope []string) error {
	return s.alone(ctx, "RestartJob", appID, by, scope)
}

func (s Service) ApproveRemovals(ctx context.Context, appID, by, digest string) error {
	return s.alone(ctx, "ApproveRemovals", appID, by, digest)
}

func (s Service) Provision(ctx context.Context, appID string, request api.ProvisionRequest) ([]api.ProvisionResult, error) {
	return result[[]api.ProvisionResult](s(ctx, "Provision", appID, request))
}

func (s Service) TestConnection(ctx context.Context, kind config.Kind, id string) ([]connector.Finding, error) {
	return result[[]connector.Finding](s(ctx, "TestConnection", kind, id))
}

func (s Service) Backup(ctx context.Context, to io.Writer) error {
	return s.alone(ctx, "Backup", to)
}

func (s Service) Identity(ctx context.Context) (api.Identity, error) {
	return result[api.Identity](s(ctx, "Identity"))
}
