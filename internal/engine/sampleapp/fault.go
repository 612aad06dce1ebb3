package sampleapp

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Rule makes requests fail that ask for a certain thing, whatever the order
// in which requests come.
type Rule struct {
	// What it matches; an empty field matches everything.
	Operation OperationKind
	Type      string
	// Target is the name or id of the resource concerned, folded case: what a
	// create names, what a search asks for, the startIndex of a list.
	Target string
	// Attempts are counted from 1, for each operation on each resource apart,
	// from the first rule on.
	Attempts []int
	// Times bounds how often the rule fires; 0: no bound.
	Times int

	Fault Fault
}

func (r Rule) String() string {
	return fmt.Sprintf("%s %s %q attempts %v", r.Operation, r.Type, r.Target, r.Attempts)
}

// Fault is what happens in place of a regular answer. Nothing is written
// unless Commit says so.
type Fault struct {
	Delay  time.Duration // before anything else; alone, the request is carried out afterwards
	Commit bool          // the request is carried out, whatever the answer says

	// One of these is the answer. None of them: the regular one, and Commit is
	// understood.
	Status   int  // with Header and Body
	Reset    bool // the connection ends without an answer
	Hang     bool // no answer until the client gives up
	Truncate int  // the regular answer's first bytes alone; Commit is understood
	Replace  bool // the regular status with Header and Body; Commit is understood

	Header      http.Header
	Body        string
	ContentType string
}

func (f *Fault) commits() bool {
	return f.Commit || f.Truncate > 0 || f.Replace || f.Status == 0 && !f.Reset && !f.Hang
}

// spoil turns the regular answer into the faulty one.
func (f *Fault) spoil(ctx context.Context, out *answer) {
	switch {
	case f.Hang:
		<-ctx.Done()
		panic(http.ErrAbortHandler)
	case f.Reset:
		panic(http.ErrAbortHandler)
	case f.Truncate > 0:
		out.body = out.body[:min(f.Truncate, len(out.body))]
	case f.Status != 0:
		*out = answer{status: f.Status, header: f.Header, contentType: f.ContentType, body: []byte(f.Body)}
	case f.Replace:
		*out = answer{status: out.status, header: f.Header, contentType: f.ContentType, body: []byte(f.Body)}
	}
}

// schedule holds the rules and how often each fired.
type schedule struct {
	mu       sync.Mutex
	rules    []Rule
	fired    []int
	attempts map[string]int
}

func (s *schedule) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules, s.fired, s.attempts = nil, nil, nil
}

// match counts the attempt and gives the fault of the first rule that matches.
func (s *schedule) match(c *call) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.rules) == 0 {
		return nil
	}
	subject := c.id
	if subject == "" {
		subject = strings.ToLower(c.name)
	}
	key := string(c.operation) + "\x00" + c.typ + "\x00" + subject
	s.attempts[key]++
	attempt := s.attempts[key]
	for i, r := range s.rules {
		if r.Operation != "" && r.Operation != c.operation ||
			r.Type != "" && !strings.EqualFold(r.Type, c.typ) ||
			r.Target != "" && r.Target != c.id && !strings.EqualFold(r.Target, c.name) ||
			len(r.Attempts) > 0 && !slices.Contains(r.Attempts, attempt) ||
			r.Times > 0 && s.fired[i] >= r.Times {
			continue
		}
		s.fired[i]++
		fault := r.Fault
		return &fault
	}
	return nil
}

// Schedule adds rules. Of several that match a request the first one fires.
func (a *App) Schedule(rules ...Rule) {
	a.faults.mu.Lock()
	defer a.faults.mu.Unlock()
	if a.faults.attempts == nil {
		a.faults.attempts = map[string]int{}
	}
	a.faults.rules = append(a.faults.rules, rules...)
	a.faults.fired = append(a.faults.fired, make([]int, len(rules))...)
}

// Fired gives how often each rule fired, in the order in which they were added.
func (a *App) Fired() []int {
	a.faults.mu.Lock()
	defer a.faults.mu.Unlock()
	return slices.Clone(a.faults.fired)
}

// Unfired names the rules that never fired.
func (a *App) Unfired() []Rule {
	a.faults.mu.Lock()
	defer a.faults.mu.Unlock()
	var idle []Rule
	for i, r := range a.faults.rules {
		if a.faults.fired[i] == 0 {
			idle = append(idle, r)
		}
	}
	return idle
}
