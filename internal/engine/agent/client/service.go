package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// Generation asks for the generation of a name.
func (c *Client) Generation(ctx context.Context, identity config.Identity) (api.Generation, error) {
	return get[api.Generation](ctx, c, "/v1/generations", parameters{
		"kind": string(identity.Kind), "parent": identity.Parent, "name": identity.Name,
	})
}

// Check tells what would be refused of a planned piece.
func (c *Client) Check(ctx context.Context, request api.CheckRequest) ([]api.Warning, error) {
	var warnings []api.Warning
	err := c.call(ctx, http.MethodPost, "/v1/check", request, &warnings)
	return warnings, err
}

// Create stores a new thing.
func (c *Client) Create(ctx context.Context, thing config.Thing, secrets config.Secrets) (config.Thing, error) {
	return c.store(ctx, http.MethodPost, "/v1/"+api.Collection(thing.Identity().Kind), thing, secrets)
}

// Update replaces a thing.
func (c *Client) Update(ctx context.Context, thing config.Thing, secrets config.Secrets) (config.Thing, error) {
	return c.store(ctx, http.MethodPut, thingPath(thing.Identity().Kind, thing.GetID()), thing, secrets)
}

func (c *Client) store(ctx context.Context, method, path string, thing config.Thing, secrets config.Secrets) (config.Thing, error) {
	stored := config.New(thing.Identity().Kind)
	if err := c.call(ctx, method, path, api.ThingRequest[config.Thing]{Thing: thing, Secrets: secrets}, stored); err != nil {
		return nil, err
	}
	return stored, nil
}

// Delete removes a thing.
func (c *Client) Delete(ctx context.Context, kind config.Kind, id string) error {
	return c.call(ctx, http.MethodDelete, thingPath(kind, id), nil, nil)
}

// Get gives a thing.
func (c *Client) Get(ctx context.Context, kind config.Kind, id string) (config.Thing, error) {
	thing := config.New(kind)
	if thing == nil {
		return nil, unknownKind(kind)
	}
	if err := c.call(ctx, http.MethodGet, thingPath(kind, id), nil, thing); err != nil {
		return nil, err
	}
	return thing, nil
}

// List gives the things of a kind.
func (c *Client) List(ctx context.Context, kind config.Kind, query api.ListQuery) ([]config.Thing, error) {
	path, given := "/v1/"+api.Collection(kind), parameters{"name": query.Name, "app_id": query.AppID}
	switch kind {
	case config.KindCredential:
		return list[config.Credential](ctx, c, path, given)
	case config.KindSource:
		return list[config.Source](ctx, c, path, given)
	case config.KindApp:
		return list[config.App](ctx, c, path, given)
	case config.KindMapping:
		return list[config.Mapping](ctx, c, path, given)
	case config.KindFilter:
		return list[config.Filter](ctx, c, path, given)
	case config.KindAssignment:
		return list[config.Assignment](ctx, c, path, given)
	case config.KindJob:
		return list[config.Job](ctx, c, path, given)
	}
	return nil, unknownKind(kind)
}

func unknownKind(kind config.Kind) error {
	return api.Errorf(api.CodeInvalid, "Unknown kind", "there are no things of kind %q", kind)
}

// SourceSchema tells which attributes the objects of a source have now.
func (c *Client) SourceSchema(ctx context.Context, sourceID string) (directory.Schema, error) {
	return get[directory.Schema](ctx, c, thingPath(config.KindSource, sourceID)+"/schema", nil)
}

// TargetSchema tells which attributes the accounts of an app have now.
func (c *Client) TargetSchema(ctx context.Context, appID string) (directory.Schema, error) {
	return get[directory.Schema](ctx, c, appPath(appID, "schema"), nil)
}

// Status tells of an app's job.
func (c *Client) Status(ctx context.Context, appID string) (status.Job, error) {
	return get[status.Job](ctx, c, appPath(appID, "status"), nil)
}

// Warnings tells what a plan should say about an app.
func (c *Client) Warnings(ctx context.Context, appID string) ([]api.Warning, error) {
	return get[[]api.Warning](ctx, c, appPath(appID, "warnings"), nil)
}

// Audit queries the provisioning log.
func (c *Client) Audit(ctx context.Context, query audit.Query) ([]audit.Entry, error) {
	return get[[]audit.Entry](ctx, c, "/v1/audit", auditParameters(query))
}

// FollowAudit gives entries as they are written until ctx ends, and that error
// then, or that of yield.
func (c *Client) FollowAudit(ctx context.Context, query audit.Query, yield func(audit.Entry) error) error {
	path := auditParameters(query).under("/v1/audit/follow")
	_, err := reach(ctx, c, http.MethodGet, path, nil, func(m api.Message[struct{}]) error {
		if m.Entry == nil {
			return nil
		}
		return yield(*m.Entry)
	})
	return c.unbroken(ctx, err)
}

// Preview tells what a cycle would do now.
func (c *Client) Preview(ctx context.Context, appID string, request api.PreviewRequest, progress func(status.Progress)) (status.Preview, error) {
	preview, err := reach(ctx, c, http.MethodPost, appPath(appID, "preview"), request, receive[status.Preview](progress))
	return preview, c.unbroken(ctx, err)
}

// maxRestarts bounds how many agents one Wait starts: one that dies of what it
// waits for would die again.
const maxRestarts = 5

// How often a Wait tries to reach an agent on another machine again, and for how
// long: a machine may restart meanwhile.
const (
	returnInterval = 2 * time.Second
	returnTimeout  = 5 * time.Minute
)

// Wait blocks until the awaited cycle has ended. When the agent ends meanwhile,
// it goes on with the next one, which Autostart starts. When the connection to an
// agent on another machine breaks, it goes on once that one can be reached again.
func (c *Client) Wait(ctx context.Context, appID string, request api.WaitRequest, progress func(status.Progress)) (api.WaitResult, error) {
	for restarts := 0; ; restarts++ {
		result, err := reach(ctx, c, http.MethodPost, appPath(appID, "wait"), request, receive[api.WaitResult](progress))
		gone := errors.Is(err, errBroken) || isUnavailable(err)
		switch {
		case gone && c.remote():
			err = c.reconnect(ctx)
		case gone && c.options.Autostart && restarts < maxRestarts:
			err = c.connect(ctx)
		default:
			return result, c.unbroken(ctx, err)
		}
		if err != nil {
			return api.WaitResult{}, err
		}
	}
}

// reconnect reaches an agent on another machine that may come back soon.
func (c *Client) reconnect(ctx context.Context) error {
	patient, cancel := context.WithTimeout(ctx, returnTimeout)
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(returnInterval):
		}
		if err := c.connect(ctx); !isUnavailable(err) || patient.Err() != nil {
			return err
		}
	}
}

// StartJob lifts a pause or quarantine and runs a cycle at once.
func (c *Client) StartJob(ctx context.Context, appID, by string) error {
	return c.post(ctx, appPath(appID, "start"), api.JobRequest{By: by})
}

// PauseJob stops the job after the objects in hand.
func (c *Client) PauseJob(ctx context.Context, appID, by string) error {
	return c.post(ctx, appPath(appID, "pause"), api.JobRequest{By: by})
}

// RestartJob begins an initial cycle.
func (c *Client) RestartJob(ctx context.Context, appID, by string, scope []string) error {
	return c.post(ctx, appPath(appID, "restart"), api.RestartRequest{By: by, Scope: scope})
}

// ApproveRemovals lets a held set go.
func (c *Client) ApproveRemovals(ctx context.Context, appID, by, digest string) error {
	return c.post(ctx, appPath(appID, "approve"), api.ApproveRequest{By: by, Digest: digest})
}

// Provision carries out the decision about single objects now.
func (c *Client) Provision(ctx context.Context, appID string, request api.ProvisionRequest) ([]api.ProvisionResult, error) {
	var results []api.ProvisionResult
	err := c.call(ctx, http.MethodPost, appPath(appID, "provision"), request, &results)
	return results, err
}

// TestConnection tries a source or app as it is stored.
func (c *Client) TestConnection(ctx context.Context, kind config.Kind, id string) ([]connector.Finding, error) {
	var findings []connector.Finding
	err := c.call(ctx, http.MethodPost, thingPath(kind, id)+"/test", nil, &findings)
	return findings, err
}

// Backup writes a copy of the store. The agent of an endpoint refuses it.
func (c *Client) Backup(ctx context.Context, to io.Writer) error {
	w := &taker{Writer: to}
	if err := c.call(ctx, http.MethodGet, "/v1/backup", nil, w); w.err == nil {
		return err
	}
	return w.err
}

// taker notes why a writer did not take what it was given.
type taker struct {
	io.Writer
	err error
}

func (t *taker) Write(data []byte) (n int, err error) {
	n, err = t.Writer.Write(data)
	t.err = err
	return n, err
}

// Identity tells which store answers.
func (c *Client) Identity(ctx context.Context) (api.Identity, error) {
	return get[api.Identity](ctx, c, "/v1/identity", nil)
}

func (c *Client) post(ctx context.Context, path string, in any) error {
	return c.call(ctx, http.MethodPost, path, in, nil)
}

func get[T any](ctx context.Context, c *Client, path string, given parameters) (T, error) {
	var out T
	err := c.call(ctx, http.MethodGet, given.under(path), nil, &out)
	return out, err
}

// list gets things of one type as what all things are.
func list[T any, P interface {
	*T
	config.Thing
}](ctx context.Context, c *Client, path string, given parameters) ([]config.Thing, error) {
	found, err := get[[]T](ctx, c, path, given)
	if err != nil {
		return nil, err
	}
	things := make([]config.Thing, len(found))
	for i := range found {
		things[i] = P(&found[i])
	}
	return things, nil
}

// reach is stream with an agent that is started again if it is gone before the
// stream begins.
func reach[R any](ctx context.Context, c *Client, method, path string, in any, each func(api.Message[R]) error) (R, error) {
	result, err := stream(ctx, c, method, path, in, each)
	if !isDial(err) {
		return result, err
	}
	if err := c.connect(ctx); err != nil {
		return result, err
	}
	return stream(ctx, c, method, path, in, each)
}

// unbroken makes the errors of a stream an *api.Error.
func (c *Client) unbroken(ctx context.Context, err error) error {
	if errors.Is(err, errBroken) {
		return c.cutOff(ctx, err)
	}
	return c.unanswered(ctx, err)
}

// receive takes the progress out of messages. progress may be nil.
func receive[R any](progress func(status.Progress)) func(api.Message[R]) error {
	return func(m api.Message[R]) error {
		if m.Progress != nil && progress != nil {
			progress(*m.Progress)
		}
		return nil
	}
}

func thingPath(kind config.Kind, id string) string {
	return "/v1/" + api.Collection(kind) + "/" + url.PathEscape(id)
}

func appPath(appID, operation string) string {
	return thingPath(config.KindApp, appID) + "/" + operation
}

// parameters of a query; empty ones are left out.
type parameters map[string]string

func (p parameters) under(path string) string {
	values := url.Values{}
	for name, value := range p {
		if value != "" {
			values.Set(name, value)
		}
	}
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}

func auditParameters(q audit.Query) parameters {
	p := parameters{
		"app_id": q.AppID, "category": string(q.Category), "action": string(q.Action), "status": string(q.Status),
		"object": q.Object, "cycle_id": q.CycleID,
	}
	if !q.Since.IsZero() {
		p["since"] = q.Since.Format(time.RFC3339Nano)
	}
	if !q.Until.IsZero() {
		p["until"] = q.Until.Format(time.RFC3339Nano)
	}
	if q.Limit > 0 {
		p["limit"] = strconv.Itoa(q.Limit)
	}
	return p
}
