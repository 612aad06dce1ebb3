package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strconv"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// StreamType is the media type of a stream: a JSON value a line.
const StreamType = "application/x-ndjson"

// writeTimeout bounds how long a peer may leave a line of a stream unread.
const writeTimeout = 30 * time.Second

// Message is one line of a stream. At most one field is set; none is: the
// stream lives, and has nothing to tell. A stream ends with a Result or an
// Error; one that ends without was cut off.
type Message[R any] struct {
	Progress *status.Progress `json:"progress,omitempty"`
	Entry    *audit.Entry     `json:"entry,omitempty"`
	Account  *status.Account  `json:"account,omitempty"`
	Result   *R               `json:"result,omitempty"`
	Error    *Error           `json:"error,omitempty"`
}

// stream registers an operation that takes long and answers as a stream. call
// may send from several goroutines. Its ctx ends when the peer is gone or the
// agent is ending.
func stream[I, R any](r routes, op huma.Operation, call func(ctx context.Context, in *I, send func(Message[R])) (R, error)) {
	op.Responses = map[string]*huma.Response{strconv.Itoa(http.StatusOK): {
		Description: "A message a line; the last one holds the result or the error.",
		Content: map[string]*huma.MediaType{
			StreamType: {Schema: r.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Message[R]](), true, "")},
		},
	}}
	huma.Register(r.api, op, func(_ context.Context, in *I) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(request huma.Context) {
			ctx, cancel := context.WithCancel(request.Context())
			defer cancel()
			_, w := humago.Unwrap(request)
			request.SetHeader("Content-Type", StreamType)
			request.SetStatus(http.StatusOK)
			s := &streamWriter{controller: http.NewResponseController(w), encoder: json.NewEncoder(w), cancel: cancel}
			finished := s.watch(ctx, r.Heartbeat, r.Ending)

			var result R
			err := r.guard(ctx, op.OperationID, func() (err error) {
				result, err = call(ctx, in, func(m Message[R]) { s.write(m) })
				return err
			})
			last := Message[R]{Result: &result}
			if err != nil {
				last = Message[R]{Error: errFault}
				errors.As(err, &last.Error)
			}
			finished()
			s.write(last)
			s.controller.SetWriteDeadline(time.Time{}) // the connection may serve another request
		}}, nil
	})
}

// progress makes a receiver of progress a sender of messages.
func progress[R any](send func(Message[R])) func(status.Progress) {
	return func(p status.Progress) { send(Message[R]{Progress: &p}) }
}

// streamWriter writes lines, and cancels when the peer does not take them.
type streamWriter struct {
	mu         sync.Mutex
	controller *http.ResponseController
	encoder    *json.Encoder
	cancel     context.CancelFunc
}

func (s *streamWriter) write(message any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.controller.SetWriteDeadline(time.Now().Add(writeTimeout)) // where there are none, the peer's end is noticed later
	err := s.encoder.Encode(message)
	if err == nil {
		err = s.controller.Flush()
	}
	if err != nil {
		s.cancel()
	}
}

// watch shows the peer that the stream lives, and cancels when the agent is
// ending. It stops, and is waited for, with the function that it gives.
func (s *streamWriter) watch(ctx context.Context, heartbeat time.Duration, ending <-chan struct{}) (finished func()) {
	stop, done := make(chan struct{}), make(chan struct{})
	s.write(struct{}{}) // so that the peer sees at once that it is served
	go func() {
		defer close(done)
		ticker := time.NewTicker(heartbeat)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				s.write(struct{}{})
			case <-ending:
				s.cancel()
				ending = nil
			case <-ctx.Done():
				return
			case <-stop:
				return
			}
		}
	}()
	return func() {
		close(stop)
		<-done
	}
}
