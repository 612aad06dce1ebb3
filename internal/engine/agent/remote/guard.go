package remote

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
)

const (
	// bodyTimeout bounds how long the body of a request may take to come in.
	bodyTimeout = time.Minute
	// recheckInterval is how often the token of a request that goes on is looked
	// at again: a stream may last for hours.
	recheckInterval = 5 * time.Second
	// Wrong tokens beyond so many at once, and so many a second after them, are
	// refused without a word in the log.
	failureBurst, failuresPerSecond = 20, 2
)

// guard lets through who has a token.
type guard struct {
	next     http.Handler
	tokens   Tokens
	logger   *slog.Logger
	now      func() time.Time
	failures *rate.Limiter
	recheck  time.Duration
}

// Guard lets those requests through to next that carry an active token of the
// data directory as "Authorization: Bearer …" (RFC 6750 section 2.1), and others
// to /healthz and /readyz alone, which tell nothing. Everybody else is answered
// with an api.Error of CodeUnauthorized. A request whose token is revoked
// meanwhile ends with that error.
//
// Who sends a good token is let in however many bad ones come, so that nobody
// can lock others out; that many come only bounds what is written about them.
// What callers change is in the log, with the name of the token.
func Guard(next http.Handler, tokens Tokens, logger *slog.Logger, now func() time.Time) http.Handler {
	return &guard{
		next: next, tokens: tokens, logger: logger, now: now, recheck: recheckInterval,
		failures: rate.NewLimiter(failuresPerSecond, failureBurst),
	}
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
		g.next.ServeHTTP(w, r)
		return
	}
	secret := bearer(r.Header)
	token, refusal := g.check(secret)
	if refusal != nil {
		g.refuse(w, r, refusal)
		return
	}
	if r.Method != http.MethodGet {
		g.logger.Info("remote call", "token", token.Name, "method", r.Method, "path", r.URL.Path, "from", r.RemoteAddr)
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	stopped := g.watch(ctx, secret, cancel)
	defer stopped()
	r = r.WithContext(ctx)
	boundBody(w, r)
	g.next.ServeHTTP(w, r)
}

// check gives the token of a secret, or why it opens nothing.
func (g *guard) check(secret string) (Token, *api.Error) {
	refusal := &api.Error{Code: api.CodeUnauthorized, Summary: "The agent does not accept the token"}
	if secret == "" {
		refusal.Summary = "The agent asks for a token"
		refusal.Detail = "the request had none"
		refusal.Advice = "Give the one that `token create` printed on the agent's machine."
		return Token{}, refusal
	}
	token, ok, err := g.tokens.find(secret)
	switch {
	case err != nil:
		g.logger.Error("the tokens cannot be read", "error", err)
		return Token{}, &api.Error{
			Code: api.CodeUnavailable, Summary: "The agent cannot tell who may use it",
			Detail: "its tokens cannot be read", Advice: "Look into the log on the agent's machine with `agent logs`.",
		}
	case !ok:
		refusal.Detail = "it knows no such token"
		refusal.Advice = "Give a token of this agent: `token list` on its machine names them, and `token create` makes one."
		return Token{}, refusal
	}
	switch token.State(g.now()) {
	case Revoked:
		refusal.Detail = fmt.Sprintf("the token %q was revoked on %s", token.Name, token.RevokedAt.Format(time.RFC3339))
	case Expired:
		refusal.Detail = fmt.Sprintf("the token %q expired on %s", token.Name, token.ExpiresAt.Format(time.RFC3339))
	default:
		return token, nil
	}
	refusal.Advice = "Make another one with `token create` on the agent's machine."
	return token, refusal
}

// refuse answers who is not let in. What he sent is not read.
func (g *guard) refuse(w http.ResponseWriter, r *http.Request, refusal *api.Error) {
	status := refusal.GetStatus()
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
		if g.failures.AllowN(g.now(), 1) {
			g.logger.Warn("remote call refused", "reason", refusal.Detail, "path", r.URL.Path, "from", r.RemoteAddr)
		} else {
			status = http.StatusTooManyRequests
			w.Header().Set("Retry-After", "1")
		}
	}
	w.Header().Set("Connection", "close")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(refusal) // a peer that is gone hears nothing
}

// watch ends a request whose token counts no more. It stops, and is waited for,
// with the function that it gives.
func (g *guard) watch(ctx context.Context, secret string, end context.CancelCauseFunc) (stopped func()) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(g.recheck)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				if _, refusal := g.check(secret); refusal != nil {
					end(refusal)
					return
				}
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

// bearer gives the token of a request, "" when there is none.
func bearer(header http.Header) string {
	scheme, secret, _ := strings.Cut(header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(secret)
}

// boundBody bounds how long the request's body may take. The bound ends with the
// body: what waits for the end of the connection must not run into it.
func boundBody(w http.ResponseWriter, r *http.Request) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	controller := http.NewResponseController(w)
	if controller.SetReadDeadline(time.Now().Add(bodyTimeout)) == nil {
		r.Body = &boundedBody{r.Body, controller}
	}
}

type boundedBody struct {
	io.ReadCloser
	controller *http.ResponseController
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.unbound()
	}
	return n, err
}

func (b *boundedBody) Close() error {
	err := b.ReadCloser.Close()
	b.unbound()
	return err
}

func (b *boundedBody) unbound() {
	_ = b.controller.SetReadDeadline(time.Time{}) // it could be set, so that it can be lifted
}
