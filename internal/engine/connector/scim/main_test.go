package scim

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "canary-token-5f1d"

// connect opens a target on a server, which ends with the test.
func connect(t testing.TB, handler http.Handler, dialect string) *target {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return open(t, server.URL+"/scim/v2", dialect)
}

func open(t testing.TB, baseURL, dialect string) *target {
	t.Helper()
	connection, err := json.Marshal(Connection{BaseURL: baseURL})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := Open(connector.Options{
		Connection: connection,
		Dialect:    json.RawMessage(dialect),
		Credential: bearer(token),
		UserAgent:  "provisioning/test",
	})
	if err != nil {
		t.Fatal(err)
	}
	made := opened.(*target)
	made.timeout = 10 * time.Second
	t.Cleanup(func() { _ = made.Close() })
	return made
}

func bearer(value string) connector.Credential {
	return connector.Credential{Kind: "bearer", Fields: map[string]connector.Secret{
		"token": func(context.Context) (string, error) { return value, nil },
	}}
}

// play opens a target on a sample app that behaves by the quirks.
func play(t testing.TB, quirks sampleapp.Quirks, dialect string) (*sampleapp.App, *target) {
	t.Helper()
	app := sampleapp.New(sampleapp.Options{Token: token, Quirks: quirks})
	return app, connect(t, app, dialect)
}

func add(t testing.TB, app *sampleapp.App, typ, name string, more ...any) string {
	t.Helper()
	attributes := map[string]any{"userName": name}
	if typ == sampleapp.Group {
		attributes = map[string]any{"displayName": name}
	}
	for i := 0; i+1 < len(more); i += 2 {
		attributes[more[i].(string)] = more[i+1]
	}
	id, err := app.Add(typ, attributes)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func set(path string, value directory.Value) connector.Modification {
	return connector.Modification{Path: directory.MustPath(path), Verb: connector.Set, Value: value}
}

func cleared(path string) connector.Modification {
	return connector.Modification{Path: directory.MustPath(path), Verb: connector.Clear}
}

func members(verb connector.Verb, ids ...string) connector.Modification {
	return connector.Modification{Path: membersPath, Verb: verb, Value: directory.Texts(ids...), Reference: true}
}

func creating(typ string, modifications ...connector.Modification) connector.Operation {
	return connector.Operation{Kind: connector.Create, Type: typ, Modifications: modifications}
}

func updating(typ, id string, modifications ...connector.Modification) connector.Operation {
	return connector.Operation{Kind: connector.Update, Type: typ, ID: id, Modifications: modifications}
}

func disabling(id string) connector.Operation {
	off := false
	return connector.Operation{Kind: connector.Update, Type: directory.User, ID: id, Enabled: &off}
}

func send(t testing.TB, target connector.Target, o connector.Operation) connector.Receipt {
	t.Helper()
	receipt, err := target.Send(t.Context(), o)
	if err != nil {
		t.Fatalf("%v: %v", o, err)
	}
	return receipt
}

// refused checks the class and code of an error, and that it holds no secret.
func refused(t testing.TB, err error, class connector.Class, code string) *connector.Error {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want %s %s", class, code)
	}
	e := connector.AsError(err)
	if e.Class != class || e.Code != code {
		t.Errorf("%s %s (%v); want %s %s", e.Class, e.Code, err, class, code)
	}
	if strings.Contains(e.Error()+e.Advice, token) {
		t.Errorf("the error holds the token: %v", e)
	}
	return e
}

func group(t testing.TB, app *sampleapp.App, id string) []string {
	t.Helper()
	r, ok := app.Resource(sampleapp.Group, id)
	if !ok {
		t.Fatalf("group %s is gone", id)
	}
	return r.Members
}

func paths(texts ...string) []directory.Path {
	list := make([]directory.Path, len(texts))
	for i, text := range texts {
		list[i] = directory.MustPath(text)
	}
	return list
}

func find(t testing.TB, target connector.Target, typ, path, value string) ([]string, error) {
	t.Helper()
	found, err := target.Find(t.Context(), typ, directory.MustPath(path), directory.Text(value), nil)
	var ids []string
	for _, account := range found {
		ids = append(ids, account.ID)
	}
	return ids, err
}

func list(t testing.TB, target connector.Target, typ string) (ids []string, complete bool) {
	t.Helper()
	complete, err := target.List(t.Context(), typ, nil, func(account connector.Account) error {
		ids = append(ids, account.ID)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids, complete
}

func mail(address string) any {
	return []any{map[string]any{"type": "work", "value": address}}
}

func sorted(list []string) []string { slices.Sort(list); return list }
