package api

import (
	"context"
	"net/http"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// schemas registers what connected systems tell of their attributes.
func (r routes) schemas() {
	for kind, ask := range map[config.Kind]func(context.Context, string) (directory.Schema, error){
		config.KindSource: r.service.SourceSchema, config.KindApp: r.service.TargetSchema,
	} {
		tag := Collection(kind)
		answer(r, operation(http.MethodGet, "/v1/"+tag+"/{id}/schema", tag, "schema-of-"+string(kind), "Tell which attributes the connected system has"),
			func(ctx context.Context, in *byID) (directory.Schema, error) { return ask(ctx, in.ID) })
	}
}
