package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// download registers an operation that answers with bytes. An error before the
// first of them is told; one after it cuts the answer off, which the peer sees.
func download(r routes, op huma.Operation, call func(ctx context.Context, to io.Writer) error) {
	const binary = "application/octet-stream"
	op.Responses = map[string]*huma.Response{strconv.Itoa(http.StatusOK): {
		Description: "All of it; what was cut off is not to be used.",
		Content:     map[string]*huma.MediaType{binary: {}},
	}}
	huma.Register(r.api, op, func(context.Context, *none) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(request huma.Context) {
			_, w := humago.Unwrap(request)
			w.Header().Set("Content-Type", binary)
			d := &downloadWriter{to: w, controller: http.NewResponseController(w)}
			err := r.guard(request.Context(), op.OperationID, func() error { return call(request.Context(), d) })
			var told *Error
			switch {
			case errors.As(err, &told) && d.begun:
				r.Logger.Warn("an answer was cut off", "operation", op.OperationID, "error", err)
				panic(http.ErrAbortHandler)
			case told != nil:
				writeError(w, told)
			}
			d.controller.SetWriteDeadline(time.Time{}) // the connection may serve another request
		}}, nil
	})
}

// downloadWriter fails when the peer does not take what it asked for.
type downloadWriter struct {
	to         io.Writer
	controller *http.ResponseController
	begun      bool
}

func (d *downloadWriter) Write(data []byte) (int, error) {
	d.begun = true
	d.controller.SetWriteDeadline(time.Now().Add(writeTimeout)) // where there are none, the peer's end is noticed later
	return d.to.Write(data)
}
