package scim

import (
	"context"
	"sync"
	"time"
)

// patience ends requests that take too long.
type patience struct {
	mu     sync.Mutex
	shared context.Context
	until  time.Time // whoever begins before has its time in shared
}

// bound gives a context that ends with ctx, or when a request that begins now had its
// time. Those that nothing else ends, as the writes of a cycle, share one when they
// begin at about the same time, and have a little more.
func (p *patience) bound(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if ctx.Done() != nil {
		return context.WithTimeout(ctx, timeout)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); !now.Before(p.until) {
		more := timeout / 16
		shared, cancel := context.WithTimeout(context.Background(), timeout+more)
		context.AfterFunc(shared, cancel)
		p.shared, p.until = shared, now.Add(more)
	}
	return &bounded{p.shared, ctx}, func() {}
}

// bounded ends as one context, and has the values of another.
type bounded struct {
	context.Context
	values context.Context
}

func (b *bounded) Value(key any) any {
	if value := b.Context.Value(key); value != nil {
		return value
	}
	return b.values.Value(key)
}
