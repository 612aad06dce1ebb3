package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api/apitest"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const canary = "s3cret-canary"

// handler gives a handler and the log that it writes.
func handler(service apitest.Service, o api.Options) (http.Handler, *bytes.Buffer) {
	var log bytes.Buffer
	o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return api.Handler(service, func() api.Handshake { return api.Handshake{API: api.Version, Version: "1.2.3"} }, o), &log
}

func ask(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, httptest.NewRequest(method, path, strings.NewReader(body)))
	return recorder
}

func told(t *testing.T, answer *httptest.ResponseRecorder) api.Error {
	t.Helper()
	var e api.Error
	if err := json.Unmarshal(answer.Body.Bytes(), &e); err != nil || e.Code == "" || e.Summary == "" {
		t.Fatalf("%d %q is no error: %v", answer.Code, answer.Body, err)
	}
	if kind := answer.Header().Get("Content-Type"); kind != "application/json" {
		t.Errorf("its type is %q", kind)
	}
	return e
}

func succeed(context.Context, string, ...any) (any, error) { return nil, nil }

func TestHandler_badRequests(t *testing.T) {
	h, log := handler(func(_ context.Context, method string, _ ...any) (any, error) {
		t.Errorf("%s was called", method)
		return nil, nil
	}, api.Options{})
	secret := `"secrets":{"token":"` + canary + `"}`
	tests := []struct {
		name, method, path, body string
		status                   int
		code                     api.Code
	}{
		{"no such address", "GET", "/v1/nothing", "", 404, api.CodeNotFound},
		{"root", "GET", "/", "", 404, api.CodeNotFound},
		{"wrong method", "PATCH", "/v1/apps", "", 404, api.CodeNotFound},
		{"no body", "POST", "/v1/apps", "", 400, api.CodeInvalid},
		{"not JSON", "POST", "/v1/apps", canary, 422, api.CodeInvalid},
		{"two values", "POST", "/v1/apps", `{"thing":{}}{}`, 422, api.CodeInvalid},
		{"unknown field", "POST", "/v1/apps", `{"thing":{"nmae":"x"},` + secret + `}`, 422, api.CodeInvalid},
		{"wrong type", "POST", "/v1/apps", `{"thing":{"name":"` + canary + `","labels":["` + canary + `"]}}`, 422, api.CodeInvalid},
		{"secret of another type", "POST", "/v1/credentials", `{"thing":{},"secrets":{"token":["` + canary + `"]}}`, 422, api.CodeInvalid},
		{"number as secret", "POST", "/v1/credentials", `{"thing":{},"secrets":{"token":4242}}`, 422, api.CodeInvalid},
		{"too large", "POST", "/v1/credentials", `{"thing":{},"secrets":{"token":"` + strings.Repeat(canary, 1<<19) + `"}}`, 413, api.CodeInvalid},
		{"two ids", "PUT", "/v1/apps/a", `{"thing":{"id":"b"}}`, 422, api.CodeInvalid},
		{"unknown parameter", "GET", "/v1/apps?nmae=x", "", 422, api.CodeInvalid},
		{"missing parameter", "GET", "/v1/generations?kind=app", "", 422, api.CodeInvalid},
		{"unknown status", "GET", "/v1/audit?status=failed", "", 422, api.CodeInvalid},
		{"no time", "GET", "/v1/audit?since=yesterday", "", 422, api.CodeInvalid},
		{"unknown state", "GET", "/v1/accounts?state=gone", "", 422, api.CodeInvalid},
		{"negative number", "GET", "/v1/accounts?limit=-1", "", 422, api.CodeInvalid},
		{"misspelt drop", "POST", "/v1/apps/a/drop-link", `{"objekt":"1"}`, 422, api.CodeInvalid},
		{"negative limit", "GET", "/v1/audit?limit=-1", "", 422, api.CodeInvalid},
		{"no number", "GET", "/v1/audit?limit=many", "", 422, api.CodeInvalid},
		{"stream with a bad body", "POST", "/v1/apps/a/preview", `{"pednig":true}`, 422, api.CodeInvalid},
		{"other content", "POST", "/v1/apps", `{"thing":{}}`, 0, ""}, // see below
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.status == 0 {
				request := httptest.NewRequest(tt.method, tt.path, strings.NewReader(tt.body))
				request.Header.Set("Content-Type", "text/xml")
				recorder := httptest.NewRecorder()
				h.ServeHTTP(recorder, request)
				if recorder.Code < 400 || told(t, recorder).Code != api.CodeInvalid {
					t.Errorf("got %d %s", recorder.Code, recorder.Body)
				}
				return
			}
			answer := ask(h, tt.method, tt.path, tt.body)
			if e := told(t, answer); answer.Code != tt.status || e.Code != tt.code {
				t.Errorf("got %d %+v", answer.Code, e)
			}
			for _, secret := range []string{canary, "4242"} {
				if strings.Contains(answer.Body.String(), secret) || strings.Contains(log.String(), secret) {
					t.Errorf("it tells the secret: %s, log: %s", answer.Body, log)
				}
			}
		})
	}
}

func TestHandler_errors(t *testing.T) {
	tests := []struct {
		err    error
		status int
		code   api.Code
	}{
		{&api.Error{Code: api.CodeInvalid, Summary: "s"}, 422, api.CodeInvalid},
		{&api.Error{Code: api.CodeConnectionFailed, Summary: "s"}, 422, api.CodeConnectionFailed},
		{&api.Error{Code: api.CodeNotFound, Summary: "s"}, 404, api.CodeNotFound},
		{&api.Error{Code: api.CodeExists, Summary: "s"}, 409, api.CodeExists},
		{&api.Error{Code: api.CodeInUse, Summary: "s"}, 409, api.CodeInUse},
		{&api.Error{Code: api.CodeAmbiguous, Summary: "s"}, 409, api.CodeAmbiguous},
		{&api.Error{Code: api.CodeConflict, Summary: "s"}, 409, api.CodeConflict},
		{&api.Error{Code: api.CodeIncompatible, Summary: "s"}, 409, api.CodeIncompatible},
		{&api.Error{Code: api.CodeUnavailable, Summary: "s"}, 503, api.CodeUnavailable},
		{&api.Error{Code: api.CodeInternal, Summary: "s"}, 500, api.CodeInternal},
		{errors.Join(errors.New("outer"), &api.Error{Code: api.CodeInUse, Summary: "s"}), 409, api.CodeInUse},
		{errors.New("unforeseen, with " + canary), 500, api.CodeInternal},
	}
	for _, tt := range tests {
		h, log := handler(func(context.Context, string, ...any) (any, error) { return nil, tt.err }, api.Options{})
		for _, request := range [][2]string{{"GET", "/v1/apps/a"}, {"DELETE", "/v1/apps/a"}, {"GET", "/v1/apps/a/status"}} {
			answer := ask(h, request[0], request[1], "")
			e := told(t, answer)
			if answer.Code != tt.status || e.Code != tt.code {
				t.Errorf("%v: %v gives %d %+v", request, tt.err, answer.Code, e)
			}
			if strings.Contains(answer.Body.String(), canary) {
				t.Errorf("%v tells what was unforeseen: %s", request, answer.Body)
			}
		}
		var foreseen *api.Error
		if logged := strings.Contains(log.String(), "an operation failed"); logged == errors.As(tt.err, &foreseen) {
			t.Errorf("of %v, the log has %s", tt.err, log)
		}
		answer := ask(h, "POST", "/v1/apps/a/wait", "{}")
		var last api.Message[api.WaitResult]
		lines := strings.Split(strings.TrimSpace(answer.Body.String()), "\n")
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.Error == nil || last.Error.Code != tt.code {
			t.Errorf("the stream ends in %s", lines[len(lines)-1])
		}
	}
}

func TestHandler_panic(t *testing.T) {
	h, log := handler(func(context.Context, string, ...any) (any, error) { panic("boom") }, api.Options{})
	if e := told(t, ask(h, "GET", "/v1/apps/a/status", "")); e.Code != api.CodeInternal {
		t.Errorf("got %+v", e)
	}
	if body := ask(h, "POST", "/v1/apps/a/preview", "{}").Body.String(); !strings.Contains(body, `"error":{"code":"internal"`) {
		t.Errorf("the stream is %s", body)
	}
	if !strings.Contains(log.String(), "boom") || !strings.Contains(log.String(), "handler_test.go") {
		t.Errorf("the log does not tell where: %s", log)
	}
}

func TestHandler_statuses(t *testing.T) {
	stopped := 0
	h, _ := handler(func(_ context.Context, method string, _ ...any) (any, error) {
		if method == "Create" {
			return &config.App{ID: "1", Name: "chat"}, nil
		}
		return nil, nil
	}, api.Options{Stop: func() { stopped++ }})
	for _, tt := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/v1/apps", `{"thing":{"name":"chat"}}`, 201},
		{"DELETE", "/v1/apps/1", "", 204},
		{"GET", "/v1/apps", "", 200},
		{"POST", "/v1/apps/1/start", "{}", 204},
		{"POST", "/v1/stop", "", 202},
		{"GET", "/healthz", "", 200},
		{"GET", "/readyz", "", 200},
	} {
		if answer := ask(h, tt.method, tt.path, tt.body); answer.Code != tt.status {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, answer.Code, answer.Body)
		}
	}
	if stopped != 1 {
		t.Errorf("stopped %d times", stopped)
	}
	if list := ask(h, "GET", "/v1/apps", "").Body.String(); strings.TrimSpace(list) != "[]" {
		t.Errorf("no apps are %s", list)
	}
}

func TestHandler_wrongThing(t *testing.T) {
	h, log := handler(func(context.Context, string, ...any) (any, error) { return &config.Job{}, nil }, api.Options{})
	if e := told(t, ask(h, "GET", "/v1/apps/a", "")); e.Code != api.CodeInternal {
		t.Errorf("got %+v", e)
	}
	if !strings.Contains(log.String(), "*config.Job") {
		t.Errorf("the log is %s", log)
	}
}

func TestHandler_cannotStop(t *testing.T) {
	h, _ := handler(succeed, api.Options{})
	if answer := ask(h, "POST", "/v1/stop", ""); answer.Code != http.StatusConflict {
		t.Errorf("got %d %s", answer.Code, answer.Body)
	}
}

func TestHandler_ending(t *testing.T) {
	ending := make(chan struct{})
	h, _ := handler(func(ctx context.Context, _ string, _ ...any) (any, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}, api.Options{Ending: ending})
	if answer := ask(h, "GET", "/readyz", ""); answer.Code != http.StatusOK {
		t.Errorf("before: %d", answer.Code)
	}
	close(ending)
	if answer := ask(h, "GET", "/readyz", ""); answer.Code != http.StatusServiceUnavailable {
		t.Errorf("after: %d", answer.Code)
	}
	if answer := ask(h, "GET", "/healthz", ""); answer.Code != http.StatusOK {
		t.Errorf("it is healthy all the same: %d", answer.Code)
	}
	if body := ask(h, "POST", "/v1/apps/a/wait", "{}").Body.String(); !strings.Contains(body, `"code":"unavailable"`) {
		t.Errorf("a wait gives %s", body)
	}
}

func TestHandler_metrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "provisioning_cycles_total", Help: "Cycles."})
	registry.MustRegister(counter)
	counter.Inc()
	began := time.Unix(1000, 0)
	h, _ := handler(func(_ context.Context, method string, _ ...any) (any, error) {
		if method == "List" {
			return []config.Thing{&config.App{ID: "a", Name: "chat"}}, nil
		}
		return status.Job{
			AppName: "chat", Code: status.Active, Managed: map[string]int64{"User": 7}, Escrowed: 2, CheckedAt: began,
			HeldRemovals: []status.HeldRemovals{{Count: 3}, {Count: 4}},
			LastCycle:    &status.Cycle{StartedAt: began, EndedAt: began.Add(1500 * time.Millisecond), Counts: status.Counts{Created: 5}},
		}, nil
	}, api.Options{Metrics: registry})
	body := ask(h, "GET", "/metrics", "").Body.String()
	for _, line := range []string{
		"provisioning_cycles_total 1",
		`provisioning_job_state{app="chat",state="active"} 1`,
		`provisioning_accounts{app="chat",type="User"} 7`,
		`provisioning_failed_objects{app="chat"} 2`,
		`provisioning_held_removals{app="chat"} 7`,
		`provisioning_last_cycle_objects{app="chat",outcome="created"} 5`,
		`provisioning_last_cycle_duration_seconds{app="chat"} 1.5`,
		`provisioning_checked_timestamp_seconds{app="chat"} 1000`,
	} {
		if !strings.Contains(body, line+"\n") {
			t.Errorf("%s is not in\n%s", line, body)
		}
	}
}

func TestStream_lines(t *testing.T) {
	h, _ := handler(func(_ context.Context, _ string, args ...any) (any, error) {
		args[2].(func(status.Progress))(status.Progress{Phase: "users", Done: 3})
		return status.Preview{AppName: "chat", Changes: []status.Change{}}, nil
	}, api.Options{})
	answer := ask(h, "POST", "/v1/apps/a/preview", "{}")
	if kind := answer.Header().Get("Content-Type"); kind != api.StreamType {
		t.Errorf("its type is %s", kind)
	}
	decoder := json.NewDecoder(answer.Body)
	var messages []api.Message[status.Preview]
	for {
		var m api.Message[status.Preview]
		if err := decoder.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		messages = append(messages, m)
	}
	if len(messages) != 3 || messages[0] != (api.Message[status.Preview]{}) ||
		messages[1].Progress.Done != 3 || messages[2].Result.AppName != "chat" {
		t.Errorf("got %+v", messages)
	}
}

// FuzzHandler: no request makes the handler fail, whatever it holds.
func FuzzHandler(f *testing.F) {
	h, _ := handler(func(_ context.Context, method string, args ...any) (any, error) {
		switch method {
		case "Create", "Update":
			return args[0], nil
		case "Get":
			return config.New(args[0].(config.Kind)), nil
		}
		return nil, nil
	}, api.Options{})
	for _, path := range []string{"/v1/jobs", "/v1/apps/a/wait", "/v1/audit?since=2026-11-21T02:30:00Z", "/v1/generations?kind=app&name=x", "/v1/apps/a%2Fb"} {
		for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
			f.Add(method, path, `{"thing":{"name":"x","revisions":null},"secrets":{}}`)
		}
	}
	f.Fuzz(func(t *testing.T, method, path, body string) {
		request, err := http.NewRequest(method, "http://agent"+path, strings.NewReader(body))
		if err != nil || request.URL.Host != "agent" {
			t.Skip()
		}
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, request)
		if answer.Code >= 500 {
			t.Errorf("%s %s: %d %s", method, path, answer.Code, answer.Body)
		}
	})
}
