package engine_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/sampleapp"
)

// An app that throttles, however it says so, gets everybody in the end, once;
// after each complaint nobody sends anything for as long as it asks, up to a
// quarter of an hour.
func TestThrottledApp(t *testing.T) {
	for name, test := range map[string]struct {
		retryAfter string
		pause      time.Duration // at least, between a complaint and the next request
		within     time.Duration // all of it
	}{
		"in seconds":  {"7", 7 * time.Second, 10 * time.Minute},
		"by a date":   {"Sat, 01 Jan 2000 00:01:00 GMT", 0, 10 * time.Minute},
		"not said":    {"", 400 * time.Millisecond, 10 * time.Minute},
		"in a day":    {"86400", 15 * time.Minute, 4 * time.Hour},
		"in the past": {"-5", 400 * time.Millisecond, 10 * time.Minute},
		"nonsense":    {"soon", 400 * time.Millisecond, 10 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			options := sampleapp.Options{Budget: sampleapp.Budget{Requests: 25, Per: 20 * time.Second, RetryAfter: test.retryAfter}}
			play(t, options, "", func(t *testing.T, p *played) {
				began := time.Now()
				p.staff(40)
				p.save()
				p.declare()
				p.wait("initial_cycle")
				if took := time.Since(began); took > test.within {
					t.Errorf("it takes %v", took)
				}
				complaints := 0
				var complained, until time.Time
				for _, r := range p.app.Requests() {
					inFlight := r.Time.Equal(complained) // it was on its way already
					if r.Time.Before(until) && !inFlight {
						t.Errorf("%s %s is sent %v too early", r.Method, r.Path, until.Sub(r.Time))
					}
					if r.Status == http.StatusTooManyRequests {
						complaints++
						complained, until = r.Time, r.Time.Add(test.pause)
					}
				}
				p.settle() // who was put off too often comes with the next cycle
				if complaints == 0 || p.app.Len(sampleapp.User) != 40 {
					t.Errorf("%d complaints, %d accounts", complaints, p.app.Len(sampleapp.User))
				}
			})
		})
	}
}

// A complaint that looks like something else is one all the same, where the
// dialect says so: nothing is unknown, and nobody fails.
func TestThrottledInDisguise(t *testing.T) {
	const dialect = `{"throttled":[{"status":500,"contains":"rate limit"},{"status":200,"contains":"slow down"}]}`
	for name, fault := range map[string]sampleapp.Fault{
		"500": {Status: http.StatusInternalServerError, Body: "Rate limit exceeded"},
		"200": {Status: http.StatusOK, Body: `{"error":"slow down"}`, Header: http.Header{"Retry-After": {"3"}}},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, sampleapp.Options{}, dialect, func(t *testing.T, p *played) {
				p.staff(10)
				p.save()
				p.open()
				p.declareApp(config.ScopeAll)
				p.app.Schedule(sampleapp.Rule{Operation: sampleapp.Create, Times: 3, Fault: fault},
					sampleapp.Rule{Operation: sampleapp.Search, Times: 2, Fault: fault})
				p.apply()
				if cycle := p.wait("initial_cycle"); cycle.Created != 10 || cycle.Failed != 0 {
					t.Errorf("created %d, failed %d", cycle.Created, cycle.Failed)
				}
				p.settle()
			})
		})
	}
}

// A list whose later pages are throttled is waited for, and everybody adopted.
func TestThrottledInMidList(t *testing.T) {
	play(t, sampleapp.Options{PageSize: 50}, "", func(t *testing.T, p *played) {
		p.staff(150)
		for i := range 150 {
			p.add(sampleapp.User, map[string]any{"userName": fmt.Sprintf("USER%d@example.com", i+1)})
		}
		p.app.Schedule(sampleapp.Rule{Operation: sampleapp.List, Target: "51", Times: 2, Fault: sampleapp.Fault{Status: 429, Header: http.Header{"Retry-After": {"20"}}}},
			sampleapp.Rule{Operation: sampleapp.List, Target: "101", Times: 1, Fault: sampleapp.Fault{Status: 503}})
		p.save()
		p.declare()
		if cycle := p.wait("initial_cycle"); cycle.Created != 0 || cycle.Failed != 0 || p.app.Len(sampleapp.User) != 150 {
			t.Errorf("created %d, failed %d, %d accounts", cycle.Created, cycle.Failed, p.app.Len(sampleapp.User))
		}
		if n := p.app.Counts()["search User"].Requests; n > 10 {
			t.Errorf("%d look-ups one by one", n)
		}
		if idle := p.app.Unfired(); len(idle) > 0 {
			t.Errorf("never happened: %v", idle)
		}
	})
}

// Answers to creates are lost while the search shows a new account after a
// minute only: nobody is made twice.
func TestLostAnswersWhileTheSearchLags(t *testing.T) {
	for name, fault := range map[string]sampleapp.Fault{
		"reset":         {Commit: true, Reset: true},
		"500":           {Commit: true, Status: http.StatusInternalServerError},
		"503":           {Commit: true, Status: http.StatusServiceUnavailable},
		"no answer":     {Commit: true, Hang: true},
		"never arrived": {Reset: true},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, sampleapp.Options{SearchLag: time.Minute}, "", func(t *testing.T, p *played) {
				p.app.Schedule(sampleapp.Rule{Operation: sampleapp.Create, Type: sampleapp.User, Times: 5, Fault: fault},
					sampleapp.Rule{Operation: sampleapp.Create, Type: sampleapp.Group, Times: 1, Fault: fault})
				p.staff(8)
				p.team(team{"g1", "Everybody", []string{"1", "2", "3"}})
				p.save()
				p.declare()
				p.wait("initial_cycle")
				p.settle()
				if users, groups := p.app.Len(sampleapp.User), p.app.Len(sampleapp.Group); users != 8 || groups != 1 || len(p.users()) != 8 {
					t.Errorf("%d users, %d groups, %v", users, groups, p.users())
				}
				same(t, p.memberNames("Everybody"), "user1@example.com", "user2@example.com", "user3@example.com")
			})
		})
	}
}
