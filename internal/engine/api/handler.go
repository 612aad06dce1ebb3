package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path"
	"reflect"
	"runtime/debug"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"
)

// DefaultHeartbeat is how often a quiet stream shows that it lives.
const DefaultHeartbeat = 10 * time.Second

// maxBody bounds the body of a request.
const maxBody = 4 << 20

// Options of Handler. The zero value serves.
type Options struct {
	// Logger is told of faults; nil: slog.Default().
	Logger *slog.Logger
	// Remote says that the callers are on other machines: to end the agent and to
	// copy its store is refused.
	Remote bool
	// Metrics is what /metrics gives beside the figures of jobs; nil: nothing.
	Metrics prometheus.Gatherer
	// Stop begins to end the agent and returns at once; nil: /v1/stop is refused.
	Stop func()
	// Ending is closed when the agent begins to end: streams end with
	// CodeUnavailable then, and /readyz says no. Nil: never.
	Ending <-chan struct{}
	// Heartbeat is how often a quiet stream shows that it lives; 0:
	// DefaultHeartbeat.
	Heartbeat time.Duration
}

// Handler carries a Service as JSON under /v1, with its OpenAPI document at
// /v1/openapi.json, and answers /healthz, /readyz and /metrics. Errors are an
// Error with a fitting status. What takes long or has no bound answers as a
// stream of Messages.
//
// It checks no caller: whoever can connect may do everything, but for what
// Remote refuses.
func Handler(service Service, handshake func() Handshake, options Options) http.Handler {
	if options.Logger == nil {
		options.Logger = slog.Default()
	}
	if options.Metrics == nil {
		options.Metrics = prometheus.NewRegistry()
	}
	if options.Heartbeat == 0 {
		options.Heartbeat = DefaultHeartbeat
	}
	mux := http.NewServeMux()
	r := routes{
		api:     humago.New(mux, apiConfig(handshake().Version)),
		service: service,
		Options: options,
	}
	r.agent(handshake)
	r.things()
	r.apps()
	r.accounts()
	r.schemas()
	r.log()

	document, err := json.Marshal(r.api.OpenAPI())
	if err != nil {
		panic(fmt.Sprintf("api: the OpenAPI document cannot be written: %v", err)) // it depends on types alone
	}
	mux.HandleFunc("GET /v1/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		w.Write(document)
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		select {
		case <-options.Ending:
			writeError(w, errEnding)
		default:
			_, _ = io.WriteString(w, "ok\n")
		}
	})
	mux.Handle("GET /metrics", metrics(service, options.Metrics, options.Logger))
	mux.HandleFunc("/", func(w http.ResponseWriter, req *http.Request) {
		writeError(w, Errorf(CodeNotFound, "No such address", "%s %s is not part of this API", req.Method, req.URL.Path))
	})
	return mux
}

// routes registers the operations of a Service.
type routes struct {
	Options
	api     huma.API
	service Service
}

func apiConfig(version string) huma.Config {
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			Info: &huma.Info{
				Title:       "Provisioning engine",
				Version:     version,
				Description: "What can be asked of an engine: things declared, jobs, the provisioning log.",
			},
			Components: &huma.Components{Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName)},
		},
		Formats:                      map[string]huma.Format{"application/json": strictJSON},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
	}
}

// schemaName puts the package before a type's name, since packages share names;
// types of this package go without.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	pkg := path.Base(t.PkgPath())
	if t.Name() == "" || pkg == "api" {
		return name
	}
	return strings.ToUpper(pkg[:1]) + pkg[1:] + name
}

// strictJSON refuses what a request should not hold, so that a misspelt field
// is not lost without a word.
var strictJSON = huma.Format{
	Marshal: huma.DefaultJSONFormat.Marshal,
	Unmarshal: func(data []byte, v any) error {
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(v); err != nil {
			return err
		}
		if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
			return errors.New("something follows the JSON value")
		}
		return nil
	},
}

// operation describes one operation. No other has its id.
func operation(method, path, tag, id, summary string) huma.Operation {
	return huma.Operation{
		Method: method, Path: path, Tags: []string{tag}, OperationID: id, Summary: summary,
		MaxBodyBytes: maxBody,
		// Its deadline would outlive the body and end the request's context.
		BodyReadTimeout: -1,
		// The schema cannot tell null from absent; the Service judges the content.
		SkipValidateBody: true,
	}
}

// output is an answer with a body.
type output[T any] struct{ Body T }

// answer registers an operation that gives a T.
func answer[I, T any](r routes, op huma.Operation, call func(context.Context, *I) (T, error)) {
	huma.Register(r.api, op, func(ctx context.Context, in *I) (*output[T], error) {
		out := new(output[T])
		err := r.guard(ctx, op.OperationID, func() (err error) {
			out.Body, err = call(ctx, in)
			return err
		})
		if err != nil {
			return nil, err
		}
		return out, nil
	})
}

// act registers an operation that answers with its success alone.
func act[I any](r routes, op huma.Operation, call func(context.Context, *I) error) {
	huma.Register(r.api, op, func(ctx context.Context, in *I) (*struct{}, error) {
		if err := r.guard(ctx, op.OperationID, func() error { return call(ctx, in) }); err != nil {
			return nil, err
		}
		return nil, nil
	})
}

// guard calls f and makes whatever goes wrong an *Error. The result is nil or
// an *Error. Where the context was ended with an *Error, it is that.
func (r routes) guard(ctx context.Context, id string, f func() error) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			r.Logger.Error("an operation panicked", "operation", id, "fault", fault, "stack", string(debug.Stack()))
			err = errFault
		}
	}()
	err = f()
	var known *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case errors.As(context.Cause(ctx), &known):
		return known
	case ctx.Err() != nil:
		return errEnding
	}
	r.Logger.Error("an operation failed", "operation", id, "error", err)
	return errFault
}
