package api

import (
	"context"
	"io"
	"net/http"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

type none struct{}

// agent registers what concerns the agent and its store as a whole.
func (r routes) agent(handshake func() Handshake) {
	answer(r, operation(http.MethodGet, "/v1/handshake", "agent", "handshake", "What the agent tells of itself"),
		func(context.Context, *none) (Handshake, error) { return handshake(), nil })

	answer(r, operation(http.MethodGet, "/v1/identity", "agent", "identity", "Which store answers"),
		func(ctx context.Context, _ *none) (Identity, error) { return r.service.Identity(ctx) })

	// The caller makes a file of it: an agent that is a service may write nothing
	// outside of its directory, and has a /tmp of its own.
	download(r, operation(http.MethodGet, "/v1/backup", "agent", "backup", "A copy of the store"),
		func(ctx context.Context, to io.Writer) error {
			if r.Remote {
				return errRemote
			}
			return r.service.Backup(ctx, to)
		})

	stop := operation(http.MethodPost, "/v1/stop", "agent", "stop", "End the agent after the objects in hand")
	stop.DefaultStatus = http.StatusAccepted
	act(r, stop, func(context.Context, *none) error {
		if r.Remote {
			return errRemote
		}
		if r.Stop == nil {
			return Errorf(CodeConflict, "Cannot stop the agent", "this one cannot be stopped from outside")
		}
		r.Stop()
		return nil
	})

	answer(r, operation(http.MethodGet, "/v1/generations", "things", "generation", "Which id a new thing of a name would have"),
		func(ctx context.Context, in *struct {
			Kind   config.Kind `query:"kind" required:"true"`
			Parent string      `query:"parent"`
			Name   string      `query:"name" required:"true"`
		}) (Generation, error) {
			return r.service.Generation(ctx, config.Identity{Kind: in.Kind, Parent: in.Parent, Name: in.Name})
		})
}
