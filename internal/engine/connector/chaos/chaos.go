// Package chaos is a target around a target that fails as a schedule says. Its
// rules match logical operations (a method, an object type, an account, a
// value, which attempt) and never the order in which goroutines run, so that a
// test's faults are the same in every run.
package chaos

import (
	"context"
	"sync"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Target passes calls on, but for those that a rule matches.
type Target struct {
	target connector.Target
	clock  connector.Clock
	rules  []Rule

	mu       sync.Mutex
	attempts []map[string]int // by rule and subject
	fired    []int            // by rule
}

var _ connector.Target = (*Target)(nil)

// New gives a Target with these rules. Of several that match a call the first
// happens, and all count the attempt. The clock is what delays wait by.
func New(target connector.Target, clock connector.Clock, rules ...Rule) *Target {
	t := &Target{target: target, clock: clock, rules: rules, attempts: make([]map[string]int, len(rules)), fired: make([]int, len(rules))}
	for i := range t.attempts {
		t.attempts[i] = map[string]int{}
	}
	return t
}

// Fired gives how often each rule happened, in the order of New.
func (t *Target) Fired() []int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]int(nil), t.fired...)
}

// AssertAllFired fails the test when a rule never happened: a fault that did
// not occur proves nothing.
func (t *Target) AssertAllFired(tb testing.TB) {
	tb.Helper()
	for i, fired := range t.Fired() {
		if fired == 0 {
			tb.Errorf("rule %d never fired: %s", i+1, t.rules[i])
		}
	}
}

// match counts the attempt and gives the rule that is to happen, an empty one
// when none is.
func (t *Target) match(c call) Rule {
	t.mu.Lock()
	defer t.mu.Unlock()
	happens := -1
	for i, rule := range t.rules {
		subject, ok := rule.subject(c)
		if !ok {
			continue
		}
		t.attempts[i][subject]++
		if happens < 0 && rule.concerns(t.attempts[i][subject]) {
			happens = i
		}
	}
	if happens < 0 {
		return Rule{}
	}
	t.fired[happens]++
	return t.rules[happens]
}

// around carries out a call as its rule says. replace takes the receipt of the
// rule, when it has one.
func (t *Target) around(ctx context.Context, c call, carryOut func() error, replace func(connector.Receipt)) error {
	rule := t.match(c)
	if rule.Delay > 0 {
		if err := t.clock.Sleep(ctx, rule.Delay); err != nil {
			return &connector.Error{Class: connector.Transient, Code: "Timeout", Detail: "cancelled in a delay", Err: err}
		}
	}
	if rule.Before != nil {
		return rule.Before
	}
	if err := carryOut(); err != nil {
		return err
	}
	if rule.Receipt != nil && replace != nil {
		replace(*rule.Receipt)
	}
	return rule.After
}

// Describe passes on, as the rules say.
func (t *Target) Describe(ctx context.Context) (features connector.Features, schema directory.Schema, err error) {
	err = t.around(ctx, call{method: connector.MethodDescribe}, func() error {
		features, schema, err = t.target.Describe(ctx)
		return err
	}, nil)
	return features, schema, err
}

// Test passes on, as the rules say.
func (t *Target) Test(ctx context.Context, matching map[string]directory.Path) (findings []connector.Finding, err error) {
	err = t.around(ctx, call{method: connector.MethodTest}, func() error {
		findings, err = t.target.Test(ctx, matching)
		return err
	}, nil)
	return findings, err
}

// List passes on, as the rules say. An error After comes when all accounts
// were given.
func (t *Target) List(ctx context.Context, typ string, want []directory.Path, yield func(connector.Account) error) (complete bool, err error) {
	err = t.around(ctx, call{method: connector.MethodList, typ: typ}, func() error {
		complete, err = t.target.List(ctx, typ, want, yield)
		return err
	}, nil)
	return complete && err == nil, err
}

// Find passes on, as the rules say.
func (t *Target) Find(ctx context.Context, typ string, path directory.Path, value directory.Value, want []directory.Path) (found []connector.Account, err error) {
	err = t.around(ctx, call{method: connector.MethodFind, typ: typ, path: path, value: value}, func() error {
		found, err = t.target.Find(ctx, typ, path, value, want)
		return err
	}, nil)
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Get passes on, as the rules say.
func (t *Target) Get(ctx context.Context, typ, id string, want []directory.Path) (account connector.Account, err error) {
	err = t.around(ctx, call{method: connector.MethodGet, typ: typ, id: id}, func() error {
		account, err = t.target.Get(ctx, typ, id, want)
		return err
	}, nil)
	if err != nil {
		return connector.Account{}, err
	}
	return account, nil
}

// Send passes on, as the rules say. An error After hides the receipt.
func (t *Target) Send(ctx context.Context, operation connector.Operation) (receipt connector.Receipt, err error) {
	c := call{method: connector.MethodSend, typ: operation.Type, id: operation.ID, operation: operation}
	err = t.around(ctx, c, func() error {
		receipt, err = t.target.Send(ctx, operation)
		return err
	}, func(r connector.Receipt) { receipt = r })
	if err != nil {
		return connector.Receipt{}, err
	}
	return receipt, nil
}
