package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
)

// ThingRequest is the body of a create or update.
type ThingRequest[T any] struct {
	Thing T `json:"thing"`
	// Secrets are write-only values by field; absent, those that are kept stay.
	Secrets config.Secrets `json:"secrets,omitzero"`
}

// Collection gives the part of the path under which the things of a kind
// stand: "attribute-mappings".
func Collection(kind config.Kind) string {
	return strings.ReplaceAll(string(kind), "_", "-") + "s"
}

// things registers the operations on what is declared.
func (r routes) things() {
	collection[config.Credential](r, config.KindCredential)
	collection[config.Source](r, config.KindSource)
	collection[config.App](r, config.KindApp)
	collection[config.Mapping](r, config.KindMapping)
	collection[config.Filter](r, config.KindFilter)
	collection[config.Assignment](r, config.KindAssignment)
	collection[config.Job](r, config.KindJob)

	answer(r, operation(http.MethodPost, "/v1/check", "things", "check", "Tell what would be refused of a planned piece"),
		func(ctx context.Context, in *struct{ Body CheckRequest }) ([]Warning, error) {
			return listed(r.service.Check(ctx, in.Body))
		})
}

// thing is a pointer to a T.
type thing[T any] interface {
	*T
	config.Thing
}

type byID struct {
	ID string `path:"id"`
}

func collection[T any, P thing[T]](r routes, kind config.Kind) {
	tag := Collection(kind)
	all, one := "/v1/"+tag, "/v1/"+tag+"/{id}"
	title := strings.ReplaceAll(string(kind), "_", " ")
	typed := func(found config.Thing, err error) (T, error) {
		if err != nil {
			var zero T
			return zero, err
		}
		p, ok := found.(P)
		if !ok || p == nil {
			var zero T
			return zero, fmt.Errorf("the service gave a %T for a %s", found, kind)
		}
		return *p, nil
	}

	answer(r, operation(http.MethodGet, all, tag, "list-"+tag, "List each "+title),
		func(ctx context.Context, in *struct {
			Name  string `query:"name"`
			AppID string `query:"app_id"`
		}) ([]T, error) {
			found, err := r.service.List(ctx, kind, ListQuery{Name: in.Name, AppID: in.AppID})
			if err != nil {
				return nil, err
			}
			things := make([]T, len(found))
			for i := range found {
				if things[i], err = typed(found[i], nil); err != nil {
					return nil, err
				}
			}
			return things, nil
		})

	create := operation(http.MethodPost, all, tag, "create-"+string(kind), "Store a new "+title)
	create.DefaultStatus = http.StatusCreated
	answer(r, create, func(ctx context.Context, in *struct{ Body ThingRequest[T] }) (T, error) {
		return typed(r.service.Create(ctx, P(&in.Body.Thing), in.Body.Secrets))
	})

	answer(r, operation(http.MethodGet, one, tag, "get-"+string(kind), "Get one "+title),
		func(ctx context.Context, in *byID) (T, error) { return typed(r.service.Get(ctx, kind, in.ID)) })

	answer(r, operation(http.MethodPut, one, tag, "update-"+string(kind), "Replace one "+title),
		func(ctx context.Context, in *struct {
			ID   string `path:"id"`
			Body ThingRequest[T]
		}) (T, error) {
			given := P(&in.Body.Thing)
			if id := given.GetID(); id != "" && id != in.ID {
				var zero T
				return zero, Errorf(CodeInvalid, "Two ids for one "+title, "the address names %q and the body %q", in.ID, id)
			}
			given.SetID(in.ID)
			return typed(r.service.Update(ctx, given, in.Body.Secrets))
		})

	act(r, operation(http.MethodDelete, one, tag, "delete-"+string(kind), "Remove one "+title),
		func(ctx context.Context, in *byID) error { return r.service.Delete(ctx, kind, in.ID) })
}
