package connector

import (
	"context"
	"sync/atomic"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Method names a method of Target.
type Method string

// The methods.
const (
	MethodDescribe Method = "describe"
	MethodTest     Method = "test"
	MethodList     Method = "list"
	MethodFind     Method = "find"
	MethodGet      Method = "get"
	MethodSend     Method = "send"
)

// Counter counts the calls of a Target by method. A call is one request for
// Find, Get and Send of most connectors; List counts as one, whatever its
// pages.
type Counter struct {
	target                                Target
	describe, test, list, find, get, send atomic.Int64
}

var _ Target = (*Counter)(nil)

// Count gives a Target that counts what reaches the target. It belongs next to
// the connector, below Limit and Retry, so that repeated calls are counted.
func Count(target Target) *Counter { return &Counter{target: target} }

// Total gives the number of all calls so far.
func (c *Counter) Total() int64 {
	var total int64
	for _, n := range c.Calls() {
		total += n
	}
	return total
}

// Calls gives the number of calls so far, by method.
func (c *Counter) Calls() map[Method]int64 {
	return map[Method]int64{
		MethodDescribe: c.describe.Load(), MethodTest: c.test.Load(), MethodList: c.list.Load(),
		MethodFind: c.find.Load(), MethodGet: c.get.Load(), MethodSend: c.send.Load(),
	}
}

// Describe counts and passes on.
func (c *Counter) Describe(ctx context.Context) (Features, directory.Schema, error) {
	c.describe.Add(1)
	return c.target.Describe(ctx)
}

// Test counts and passes on.
func (c *Counter) Test(ctx context.Context, matching map[string]directory.Path) ([]Finding, error) {
	c.test.Add(1)
	return c.target.Test(ctx, matching)
}

// List counts once and passes on.
func (c *Counter) List(ctx context.Context, typ string, want []directory.Path, yield func(Account) error) (bool, error) {
	c.list.Add(1)
	return c.target.List(ctx, typ, want, yield)
}

// Find counts and passes on.
func (c *Counter) Find(ctx context.Context, typ string, path directory.Path, value directory.Value, want []directory.Path) ([]Account, error) {
	c.find.Add(1)
	return c.target.Find(ctx, typ, path, value, want)
}

// Get counts and passes on.
func (c *Counter) Get(ctx context.Context, typ, id string, want []directory.Path) (Account, error) {
	c.get.Add(1)
	return c.target.Get(ctx, typ, id, want)
}

// Send counts and passes on.
func (c *Counter) Send(ctx context.Context, operation Operation) (Receipt, error) {
	c.send.Add(1)
	return c.target.Send(ctx, operation)
}
