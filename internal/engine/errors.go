package engine

import (
	"errors"
	"fmt"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/catalog"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/job"
)

// readable gives a kind as it stands in sentences.
func readable(kind config.Kind) string {
	text := strings.ReplaceAll(string(kind), "_", " ")
	return strings.ToUpper(text[:1]) + text[1:]
}

// describe names a thing in a sentence: source "people".
func describe(thing config.Thing) string {
	identity := thing.Identity()
	return fmt.Sprintf("%s %q", strings.ReplaceAll(string(identity.Kind), "_", " "), identity.Name)
}

// invalid makes the error of a thing that is wrong by itself.
func invalid(thing config.Thing, problems config.Problems) error {
	e := &api.Error{Code: api.CodeInvalid, Summary: fmt.Sprintf("Cannot save %s", describe(thing)), Problems: problems}
	if len(problems) > 0 {
		e.Path = problems[0].Path
		e.Detail = problems.Error()
	}
	return e
}

// connectionFailed makes the error of a test on saving.
func connectionFailed(thing config.Thing, err error) *api.Error {
	kind := thing.Identity().Kind
	e := &api.Error{Code: api.CodeConnectionFailed, Summary: fmt.Sprintf("Cannot connect %s", describe(thing)), Detail: config.Sentence(err.Error())}
	failure := connector.AsError(err)
	if e.Advice = failure.Advice; e.Advice == "" {
		e.Advice = audit.Explain(failure.Code).Advice
	}
	e.Advice = config.Sentence(e.Advice)
	if kind == config.KindSource || kind == config.KindApp {
		var connection string
		switch x := thing.(type) {
		case *config.Source:
			connection, _ = x.Connector()
		case *config.App:
			connection, _ = x.Connector()
		}
		e.Path = []string{connection}
	}
	return e
}

// told gives an error of the packages below as an *api.Error.
func told(err error) error {
	var already *api.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &already):
		return already
	case errors.Is(err, catalog.ErrNotFound), errors.Is(err, job.ErrNoApp):
		return &api.Error{Code: api.CodeNotFound, Summary: "Not found", Detail: config.Sentence(err.Error()),
			Advice: "Correct the id, or see that this is the agent on which it was applied."}
	case errors.Is(err, job.ErrNoJob):
		return &api.Error{Code: api.CodeConflict, Summary: "Not possible now", Detail: config.Sentence(err.Error()),
			Advice: "Declare a provisioning_job for the app and apply it."}
	case errors.Is(err, job.ErrNotHeld):
		return &api.Error{Code: api.CodeConflict, Summary: "Not possible now", Detail: config.Sentence(err.Error()),
			Advice: "A held set gets another digest when it changes, and goes with its cause: see what is held now with the command status."}
	}
	return internal(err)
}

func internal(err error) error {
	return &api.Error{Code: api.CodeInternal, Summary: "The agent could not do it", Detail: config.Sentence(err.Error()),
		Advice: "Look into the agent's log (the command agent logs), and report it if it stays."}
}
