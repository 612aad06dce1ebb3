package connector_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// ready carries every operation out at once.
type ready struct{ connector.Target }

func (ready) Send(_ context.Context, o connector.Operation) (connector.Receipt, error) {
	return connector.Receipt{ID: o.ID}, nil
}

// BenchmarkSend measures what the Targets around a target cost.
func BenchmarkSend(b *testing.B) {
	clock := connector.SystemClock()
	limited := connector.Limit(connector.Count(ready{}), connector.LimitOptions{Clock: clock})
	target := connector.Breaker(connector.Retry(limited, clock, nil), nil)
	operation := connector.Operation{Kind: connector.Update, Type: directory.User, ID: "1"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := target.Send(b.Context(), operation); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSendInTurn has most calls wait for others.
func BenchmarkSendInTurn(b *testing.B) {
	target := connector.Limit(yielding{}, connector.LimitOptions{Clock: connector.SystemClock(), MaxConcurrency: 1})
	operation := connector.Operation{Kind: connector.Update, Type: directory.User, ID: "1"}
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := target.Send(b.Context(), operation); err != nil {
				b.Error(err)
			}
		}
	})
}

// yielding lets others run while it carries an operation out.
type yielding struct{ ready }

func (y yielding) Send(ctx context.Context, o connector.Operation) (connector.Receipt, error) {
	runtime.Gosched()
	return y.ready.Send(ctx, o)
}
