package connector_test

import (
	"context"
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
