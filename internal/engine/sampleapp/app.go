// Package sampleapp is a SCIM 2.0 app of our own (RFC 7643, RFC 7644), kept in
// memory: what the demo, the benchmark and the tests provision to. It abides
// by the standard unless told otherwise: Quirks make it behave like servers
// that people deploy, Rules make chosen requests fail in chosen ways.
package sampleapp

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/clock"
)

// Names of the two resource types.
const (
	User  = "User"
	Group = "Group"
)

// Options shape an App. The zero value is an app without access check that
// abides by the standard.
type Options struct {
	// Token is the bearer token that is accepted, Username and Password the
	// basic credential. The client of ClientID and ClientSecret gets access tokens
	// at /oauth/token below the base path, each good for TokenLife; 0: an hour.
	// With none of these, everybody is let in.
	Token                  string
	Username, Password     string
	ClientID, ClientSecret string
	TokenLife              time.Duration

	// PageSize is the most resources in one page, and how many come when no
	// count is asked for; 0: 200.
	PageSize int
	// MaxBody is the largest request body in bytes, above which the answer is
	// 413; 0: 16 MiB.
	MaxBody int64
	// Latency passes before each request is looked at.
	Latency time.Duration
	// SearchLag is how long a new resource stays invisible to searches and lists.
	SearchLag time.Duration
	// Budget limits the rate of requests; the zero value does not.
	Budget Budget
	// KeepRequests is how many requests the log holds, the newest; 0: 10,000.
	KeepRequests int
	// Record takes every request with its body, to be read by ReadExchange; nil:
	// nothing does. Each exchange is one Write, before its answer leaves.
	Record io.Writer

	Quirks Quirks

	// Now and Sleep are the clock; nil: the machine's.
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error
	// NewID gives the id of a new resource, never the same twice; nil: numbers
	// counted up.
	NewID func(typ string) string
}

// Budget answers 429 to every request beyond the first Requests of each
// window of length Per.
type Budget struct {
	Requests   int
	Per        time.Duration
	RetryAfter string // the header's value; empty: none is sent
}

// App is the SCIM app, an http.Handler. Endpoints are found under any base
// path: /Users and /scim/v2/Users are the same.
type App struct {
	options Options

	mu     sync.RWMutex // guards the resources
	users  *collection
	groups *collection
	nextID uint64

	journal journal
	faults  schedule
	oauth   authorizationServer

	budgetMu    sync.Mutex
	windowStart time.Time
	windowUsed  int
}

// New gives an empty app.
func New(options Options) *App {
	if options.PageSize <= 0 {
		options.PageSize = 200
	}
	if options.MaxBody <= 0 {
		options.MaxBody = 16 << 20
	}
	if options.KeepRequests <= 0 {
		options.KeepRequests = 10_000
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Sleep == nil {
		options.Sleep = clock.Sleep
	}
	if options.TokenLife <= 0 {
		options.TokenLife = time.Hour
	}
	a := &App{options: options}
	a.oauth.secret, a.oauth.tokens = options.ClientSecret, map[string]time.Time{}
	a.journal.keep = options.KeepRequests
	a.Reset()
	return a
}

// Reset forgets all resources, requests, counts and rules. Ids go on: none is
// given twice.
func (a *App) Reset() {
	a.mu.Lock()
	a.users = newCollection(User)
	a.groups = newCollection(Group)
	a.mu.Unlock()
	a.journal.reset()
	a.faults.reset()
	a.budgetMu.Lock()
	a.windowStart, a.windowUsed = time.Time{}, 0
	a.budgetMu.Unlock()
}

func (a *App) collection(typ string) *collection {
	if typ == Group {
		return a.groups
	}
	return a.users
}

func (a *App) newID(typ, name string) string {
	switch {
	case a.options.Quirks.IDIsName:
		return name
	case a.options.NewID != nil:
		return a.options.NewID(typ)
	}
	a.nextID++
	id := fmt.Sprintf("%08d", a.nextID)
	if a.options.Quirks.SlashInIDs {
		id = "org/" + id + "?x=1#"
	}
	return id
}

// call is one request as it is understood.
type call struct {
	operation OperationKind
	typ       string // User, Group, or the endpoint's name for discovery
	id        string
	name      string // the name in the body or filter, or of the resource of that id
	query     url.Values
	header    http.Header
	method    string
	base      string // absolute URL that endpoints stand under
	body      []byte
	request   resource // the body's resource, for create and replace
	patch     patchRequest
	filter    Filter
	problem   *problem // why the request cannot be understood
}

// answer is what goes back.
type answer struct {
	status      int
	header      http.Header
	contentType string // empty: application/scim+json
	body        []byte
}

// ServeHTTP answers one SCIM request.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, a.options.MaxBody))
	c := a.understand(r, body)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		c.problem = &problem{status: http.StatusRequestEntityTooLarge, detail: "the request is too large"}
	} else if err != nil {
		return // the client is gone
	}
	came := a.options.Now()

	if a.options.Latency > 0 {
		if a.options.Sleep(r.Context(), a.options.Latency) != nil {
			return
		}
	}
	fault := a.faults.match(c)
	if fault != nil && fault.Delay > 0 {
		if a.options.Sleep(r.Context(), fault.Delay) != nil {
			return
		}
	}

	out := a.answer(r, c, fault)
	a.journal.add(a.options.Now(), r, c, out.status, len(body))
	if a.options.Record != nil {
		record(a.options.Record, came, r, body, out)
	}
	if fault != nil {
		fault.spoil(r.Context(), &out)
	}
	write(w, out)
}

// answer carries the request out, unless the fault keeps it from that.
func (a *App) answer(r *http.Request, c *call, fault *Fault) answer {
	switch {
	case !a.withinBudget():
		out := a.fail(&problem{status: http.StatusTooManyRequests, detail: "too many requests"})
		if a.options.Budget.RetryAfter != "" {
			out.header.Set("Retry-After", a.options.Budget.RetryAfter)
		}
		return out
	case c.operation != Token && !a.authorized(r):
		if a.options.Quirks.AuthFailureIsOK {
			return answer{status: http.StatusOK, contentType: "application/json", body: []byte(`{"status":"error","msg":"please sign in first"}`)}
		}
		out := a.fail(&problem{status: http.StatusUnauthorized, detail: "the credential is not accepted"})
		out.header.Set("WWW-Authenticate", "Bearer")
		return out
	case fault != nil && !fault.commits():
		return answer{status: fault.Status}
	case c.problem != nil:
		return a.fail(c.problem)
	}
	out, p := a.carryOut(c)
	if p != nil {
		return a.fail(p)
	}
	return out
}

func (a *App) carryOut(c *call) (answer, *problem) {
	switch c.operation {
	case Token:
		return a.token(c), nil
	case Discover:
		return a.discover(c)
	case Create:
		return a.create(c)
	case Get:
		return a.get(c)
	case Search, List:
		return a.list(c)
	case Replace:
		return a.replace(c)
	case Patch:
		return a.patch(c)
	case Delete:
		return a.delete(c)
	}
	return answer{}, &problem{status: http.StatusNotFound, detail: "there is no such endpoint"}
}

func (a *App) withinBudget() bool {
	if a.options.Budget.Requests <= 0 {
		return true
	}
	a.budgetMu.Lock()
	defer a.budgetMu.Unlock()
	now := a.options.Now()
	if a.windowStart.IsZero() || now.Sub(a.windowStart) >= a.options.Budget.Per {
		a.windowStart, a.windowUsed = now, 0
	}
	a.windowUsed++
	return a.windowUsed <= a.options.Budget.Requests
}

func (a *App) authorized(r *http.Request) bool {
	o := a.options
	if o.Token == "" && o.Username == "" && o.ClientID == "" {
		return true
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return o.Token != "" && same(token, o.Token) || a.oauth.accepts(token, o.Now())
	}
	username, password, ok := r.BasicAuth()
	return ok && o.Username != "" && same(username, o.Username) && same(password, o.Password)
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func write(w http.ResponseWriter, out answer) {
	for name, values := range out.header {
		w.Header()[name] = values
	}
	contentType := out.contentType
	if contentType == "" {
		contentType = "application/scim+json"
	}
	if len(out.body) > 0 {
		w.Header().Set("Content-Type", contentType)
	}
	w.WriteHeader(out.status)
	_, _ = w.Write(out.body) // a client that left has no use for it
}
