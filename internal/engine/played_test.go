package engine_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/scim"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

// played is a world whose app is reached over HTTP and misbehaves as a real
// server was seen to.
type played struct {
	*world
	app *sampleapp.App
}

// play runs a test in a world whose app has these options, in a bubble.
func play(t *testing.T, options sampleapp.Options, dialect string, f func(*testing.T, *played)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		options.Token = token
		p := &played{app: sampleapp.New(options)}
		p.world = newWorld(t)
		p.connectTo(p.app, dialect)
		f(t, p)
		p.close()
	})
}

// connectTo has every connection from now on lead to an HTTP server.
func (w *world) connectTo(server http.Handler, dialect string) {
	connection, err := json.Marshal(scim.Connection{BaseURL: firstServer})
	if err != nil {
		w.t.Fatal(err)
	}
	credential := connector.Credential{Kind: "bearer", Fields: map[string]connector.Secret{"token": func(context.Context) (string, error) { return token, nil }}}
	w.route(func(connector.Target) connector.Target {
		target, err := scim.Open(connector.Options{
			Connection: connection, Dialect: json.RawMessage(dialect), Credential: credential,
			Sleep: connector.SystemClock().Sleep, Transport: &inProcess{server},
		})
		if err != nil {
			w.t.Error(err)
		}
		return target
	})
}

// inProcess carries requests to a server without a network, so that they take
// place in a bubble.
type inProcess struct{ server http.Handler }

func (p *inProcess) RoundTrip(r *http.Request) (answer *http.Response, err error) {
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	defer func() {
		if recover() != nil { // the server ends the connection
			answer, err = nil, io.ErrUnexpectedEOF
		}
		if r.Context().Err() != nil {
			answer, err = nil, r.Context().Err()
		}
	}()
	received := r.Clone(r.Context())
	if received.Body == nil {
		received.Body = http.NoBody
	}
	recorder := httptest.NewRecorder()
	p.server.ServeHTTP(recorder, received)
	return recorder.Result(), nil
}

// declare declares the app with everybody in scope, two teams, and a job.
func (p *played) declare() {
	p.t.Helper()
	p.open()
	p.declareApp(config.ScopeAll)
	p.apply()
}

// found is what the app holds of a user: who is the manager by user name.
type found struct {
	active         bool
	title, manager string
}

func (p *played) users() map[string]found {
	users := map[string]found{}
	names := map[string]string{}
	for _, u := range p.app.Users() {
		names[u.ID] = strings.ToLower(u.Name)
	}
	for _, u := range p.app.Users() {
		title, _ := u.Attributes["title"].(string)
		enterprise, _ := u.Attributes["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"].(map[string]any)
		manager, _ := enterprise["manager"].(map[string]any)
		id, _ := manager["value"].(string)
		users[strings.ToLower(u.Name)] = found{u.Active(), title, names[id]}
	}
	return users
}

// memberNames gives the user names of a group's members, as often as they are
// in it.
func (p *played) memberNames(group string) []string {
	p.t.Helper()
	g, ok := p.app.Group(group)
	if !ok {
		p.t.Errorf("there is no group %s", group)
	}
	names := []string{}
	for _, id := range g.Members {
		user, ok := p.app.Resource(sampleapp.User, id)
		if !ok {
			user.Name = "nobody with the id " + id
		}
		names = append(names, strings.ToLower(user.Name))
	}
	slices.Sort(names)
	return names
}

// settle lets failed objects be tried again, and then expects that nothing is
// left to be done: no failure, and not one request.
func (p *played) settle() {
	p.t.Helper()
	time.Sleep(5 * time.Hour)
	for key, e := range p.escrows() {
		p.t.Errorf("%s is in escrow: %s %s", key, e.Code, e.Detail)
	}
	p.app.ForgetRequests()
	time.Sleep(6 * time.Hour)
	for i, r := range p.app.Requests() {
		if i < 5 {
			p.t.Errorf("with nothing to do it sends %s %s %s", r.Method, r.Path, r.Body)
		}
	}
}

// warnings gives the entries that tell of values that the app did not take.
func (p *played) notTaken() []audit.Entry {
	p.t.Helper()
	return slices.DeleteFunc(p.entries(audit.Query{}), func(e audit.Entry) bool { return e.Reason != audit.AttributeNotTaken })
}
