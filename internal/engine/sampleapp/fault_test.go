package sampleapp

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRulesMatchWhatIsAskedFor(t *testing.T) {
	a := New(Options{})
	a.Schedule(
		Rule{Operation: Create, Type: User, Target: "ADA", Attempts: []int{1, 2}, Fault: Fault{Status: 503, Header: http.Header{"Retry-After": {"1"}}}},
		Rule{Operation: Create, Attempts: []int{2}, Fault: Fault{Status: 500, Commit: true}},
		Rule{Operation: List, Target: "101", Times: 1, Fault: Fault{Status: 502, Body: "<html>", ContentType: "text/html"}},
		Rule{Type: "ServiceProviderConfig", Fault: Fault{Status: 404}},
		Rule{Target: "never", Fault: Fault{Status: 500}},
	)
	var codes []int
	post := func(name string) {
		code, _, _ := exchange(t, a, "POST", "/Users", `{"userName":"`+name+`"}`)
		codes = append(codes, code)
	}
	for _, name := range []string{"bob", "ada", "eve", "Ada", "ada", "eve"} {
		post(name)
	}
	if want := []int{201, 503, 201, 503, 201, 500}; !slices.Equal(codes, want) {
		t.Errorf("%v, want %v", codes, want)
	}
	for _, want := range []int{502, 200} {
		if code, _, _ := exchange(t, a, "GET", "/Users?startIndex=101", ""); code != want {
			t.Errorf("list: %d, want %d", code, want)
		}
	}
	if code, _, _ := exchange(t, a, "GET", "/ServiceProviderConfig", ""); code != 404 {
		t.Errorf("discovery: %d", code)
	}
	if fired := a.Fired(); !slices.Equal(fired, []int{2, 1, 1, 1, 0}) {
		t.Errorf("fired %v", fired)
	}
	if idle := a.Unfired(); len(idle) != 1 || idle[0].Target != "never" {
		t.Errorf("unfired %v", idle)
	}
	if a.Len(User) != 3 {
		t.Errorf("%d users", a.Len(User))
	}
}

func TestFaultsOnTheWire(t *testing.T) {
	for name, test := range map[string]struct {
		fault Fault
		made  bool
		check func(*http.Response, error) bool
	}{
		"reset before": {Fault{Reset: true}, false, func(_ *http.Response, err error) bool { return errors.Is(err, io.EOF) }},
		"reset after":  {Fault{Reset: true, Commit: true}, true, func(_ *http.Response, err error) bool { return errors.Is(err, io.EOF) }},
		"hang":         {Fault{Hang: true, Commit: true}, true, func(_ *http.Response, err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
		"truncated": {Fault{Truncate: 9}, true, func(r *http.Response, err error) bool {
			return err == nil && r.ContentLength == 9 && r.StatusCode == 201
		}},
		"garbage": {Fault{Replace: true, Body: "?"}, true, func(r *http.Response, err error) bool {
			return err == nil && r.ContentLength == 1 && r.StatusCode == 201
		}},
		"delay alone": {Fault{Delay: time.Nanosecond}, true, func(r *http.Response, err error) bool { return err == nil && r.StatusCode == 201 }},
	} {
		t.Run(name, func(t *testing.T) {
			a := New(Options{})
			a.Schedule(Rule{Operation: Create, Fault: test.fault})
			server := httptest.NewServer(a)
			defer server.Close()
			defer server.Client().CloseIdleConnections()
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			r, err := http.NewRequestWithContext(ctx, "POST", server.URL+"/Users", strings.NewReader(`{"userName":"a"}`))
			if err != nil {
				t.Fatal(err)
			}
			answer, err := server.Client().Do(r)
			if err == nil {
				defer func() { _ = answer.Body.Close() }()
			}
			if !test.check(answer, err) {
				t.Errorf("%v, %v", answer, err)
			}
			if _, made := a.User("a"); made != test.made {
				t.Errorf("made: %t", made)
			}
		})
	}
}

func TestBudget(t *testing.T) {
	now := time.Unix(0, 0)
	a := New(Options{Now: func() time.Time { return now }, Budget: Budget{Requests: 2, Per: time.Second, RetryAfter: "1"}})
	for i, want := range []int{200, 200, 429, 429} {
		if code, _, header := exchange(t, a, "GET", "/Users", ""); code != want || (want == 429) != (header.Get("Retry-After") == "1") {
			t.Errorf("request %d: %d, want %d", i, code, want)
		}
	}
	now = now.Add(time.Second)
	if code, _, _ := exchange(t, a, "GET", "/Users", ""); code != 200 {
		t.Errorf("in the next window: %d", code)
	}
}

func TestSearchLag(t *testing.T) {
	now := time.Unix(0, 0)
	a := New(Options{Now: func() time.Time { return now }, SearchLag: time.Minute})
	id := mustAdd(t, a, User, map[string]any{"userName": "a"})
	for _, want := range []float64{0, 1} {
		for _, query := range []string{"", "?filter=userName+eq+%22a%22"} {
			if _, body, _ := exchange(t, a, "GET", "/Users"+query, ""); body["totalResults"] != want {
				t.Errorf("%q: %v, want %v", query, body["totalResults"], want)
			}
		}
		if code, _, _ := exchange(t, a, "GET", "/Users/"+id, ""); code != 200 {
			t.Errorf("by id: %d", code)
		}
		now = now.Add(time.Minute)
	}
}
