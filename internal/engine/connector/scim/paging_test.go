package scim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

// Paging that lies gives nobody twice, misses nobody unless it says so, and
// ends.
func TestLists(t *testing.T) {
	for name, test := range map[string]struct {
		quirks     sampleapp.Quirks
		pageSize   int
		accounts   int
		dialect    string
		incomplete bool
		missing    bool
		requests   int // at most
	}{
		"none":                         {accounts: 0, requests: 1},
		"one":                          {accounts: 1, requests: 2},
		"some":                         {accounts: 5, requests: 2},
		"a full page":                  {accounts: 100, requests: 2},
		"a page and one":               {accounts: 101, requests: 2},
		"many pages":                   {accounts: 1234, requests: 13},
		"small pages of the server":    {accounts: 55, pageSize: 20, requests: 3},
		"total is the page's size":     {quirks: sampleapp.Quirks{TotalIsPageSize: true}, accounts: 250, requests: 7},
		"the same, small pages":        {quirks: sampleapp.Quirks{TotalIsPageSize: true}, accounts: 41, pageSize: 20, requests: 8},
		"past the end the first again": {quirks: sampleapp.Quirks{TotalIsPageSize: true, PastEndRestarts: true}, accounts: 200, requests: 7},
		"every page is the first":      {quirks: sampleapp.Quirks{SamePage: true}, accounts: 250, incomplete: true, missing: true, requests: 3},
		"the same, total of the page":  {quirks: sampleapp.Quirks{SamePage: true, TotalIsPageSize: true}, accounts: 250, incomplete: true, missing: true, requests: 3},
		"count is too large":           {quirks: sampleapp.Quirks{MaxCount: 30}, accounts: 70, requests: 6},
		"page size of the dialect":     {accounts: 70, dialect: `{"page_size":30}`, requests: 4},
	} {
		t.Run(name, func(t *testing.T) {
			app := sampleapp.New(sampleapp.Options{Token: token, Quirks: test.quirks, PageSize: test.pageSize})
			target := connect(t, app, test.dialect)
			var want []string
			for i := range test.accounts {
				want = append(want, add(t, app, sampleapp.User, fmt.Sprintf("u%d", i)))
			}
			got, complete := list(t, target, directory.User)
			if complete == test.incomplete {
				t.Errorf("complete: %t", complete)
			}
			if !test.missing && !slices.Equal(got, want) {
				t.Errorf("%d accounts, want %d", len(got), len(want))
			}
			slices.Sort(got)
			if len(slices.Compact(got)) != len(got) {
				t.Error("somebody came twice")
			}
			if n := len(app.Requests()); n > test.requests {
				t.Errorf("%d requests, want %d at most", n, test.requests)
			}
		})
	}
}

func TestListEndsWithTheReceiver(t *testing.T) {
	app, target := play(t, sampleapp.Quirks{}, "")
	add(t, app, sampleapp.User, "a")
	stop := errors.New("enough")
	if _, err := target.List(t.Context(), directory.User, nil, func(connector.Account) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := target.List(ctx, directory.User, nil, func(connector.Account) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// patient is a clock by which a wait is over at once, and noted.
type patient struct{ waits []time.Duration }

func (p *patient) Now() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }

func (p *patient) Sleep(ctx context.Context, d time.Duration) error {
	p.waits = append(p.waits, d)
	return ctx.Err()
}

// A page that fails in the middle of a list is asked for again when the time
// has come: nobody is missing and nobody comes twice.
func TestListGoesOnAfterAPageThatFailed(t *testing.T) {
	for name, test := range map[string]struct {
		fault sampleapp.Fault
		times int
		least time.Duration // of all waits together
		fails bool
	}{
		"429 that says when":  {fault: sampleapp.Fault{Status: 429, Header: http.Header{"Retry-After": {"30"}}}, times: 2, least: time.Minute},
		"429 for a day":       {fault: sampleapp.Fault{Status: 429, Header: http.Header{"Retry-After": {"86400"}}}, times: 1, least: 15 * time.Minute},
		"429 that does not":   {fault: sampleapp.Fault{Status: 429}, times: 4, least: 7 * time.Second},
		"429 without end":     {fault: sampleapp.Fault{Status: 429}, fails: true},
		"503":                 {fault: sampleapp.Fault{Status: 503}, times: 2, least: time.Second},
		"502 in HTML":         {fault: sampleapp.Fault{Status: 502, Body: "<html>bad gateway</html>", ContentType: "text/html"}, times: 3},
		"connection reset":    {fault: sampleapp.Fault{Reset: true}, times: 1},
		"500 without end":     {fault: sampleapp.Fault{Status: 500}, fails: true},
		"refused, not failed": {fault: sampleapp.Fault{Status: 403}, times: 1, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			app, target := play(t, sampleapp.Quirks{}, "")
			clock := &patient{}
			target.clock = clock
			var want []string
			for i := range 250 {
				want = append(want, add(t, app, sampleapp.User, fmt.Sprint("u", i)))
			}
			app.Schedule(sampleapp.Rule{Operation: sampleapp.List, Target: "101", Times: test.times, Fault: test.fault})
			var got []string
			complete, err := target.List(t.Context(), directory.User, nil, func(account connector.Account) error {
				got = append(got, account.ID)
				return nil
			})
			if test.fails {
				if err == nil || complete || len(got) != 100 {
					t.Errorf("complete %t with %d accounts, %v", complete, len(got), err)
				}
				return
			}
			if err != nil || !complete || !slices.Equal(got, want) {
				t.Errorf("complete %t with %d accounts, %v", complete, len(got), err)
			}
			var waited time.Duration
			for _, d := range clock.waits {
				waited += d
			}
			if waited < test.least || len(clock.waits) > test.times {
				t.Errorf("waits %v", clock.waits)
			}
		})
	}
}

// Nothing is asked for past the end that is known: there are servers that do
// not survive it.
func TestNothingIsAskedForPastTheEnd(t *testing.T) {
	for _, accounts := range []int{0, 1, 99, 100, 101, 200, 350} {
		app := sampleapp.New(sampleapp.Options{Token: token})
		target := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var start int
			if _, err := fmt.Sscan(r.URL.Query().Get("startIndex"), &start); err == nil && start > max(accounts, 1) {
				t.Errorf("it asks for %d of %d", start, accounts)
			}
			app.ServeHTTP(w, r)
		}), "")
		for i := range accounts {
			add(t, app, sampleapp.User, fmt.Sprint("u", i))
		}
		if ids, complete := list(t, target, directory.User); len(ids) != accounts || !complete {
			t.Errorf("%d of %d, complete %t", len(ids), accounts, complete)
		}
	}
}

// A server that dies of a startIndex past the end, and tells no total, is asked
// for its last account in place of the one after it.
func TestServerThatDiesPastTheEnd(t *testing.T) {
	for _, accounts := range []int{1, 100, 200, 230} {
		target := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var start, count int
			if _, err := fmt.Sscan(r.URL.Query().Get("startIndex")+" "+r.URL.Query().Get("count"), &start, &count); err != nil {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			if start > accounts {
				t.Errorf("it asks for %d of %d", start, accounts)
				panic(http.ErrAbortHandler)
			}
			var page []string
			for i := start; i <= accounts && len(page) < count; i++ {
				page = append(page, fmt.Sprintf(`{"id":"%d","userName":"u%d"}`, i, i))
			}
			_, _ = fmt.Fprintf(w, `{"totalResults":%d,"Resources":[%s]}`, len(page), strings.Join(page, ","))
		}), "")
		if ids, complete := list(t, target, directory.User); len(ids) != accounts || !complete {
			t.Errorf("%d of %d, complete %t", len(ids), accounts, complete)
		}
	}
}
