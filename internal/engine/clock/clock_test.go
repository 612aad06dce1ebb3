package clock_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/clock"
)

func TestSleep(t *testing.T) {
	tests := []struct {
		name    string
		d       time.Duration
		timeout time.Duration
		want    time.Duration
		err     error
	}{
		{"to the end", time.Minute, time.Hour, time.Minute, nil},
		{"until the context ends", time.Hour, time.Minute, time.Minute, context.DeadlineExceeded},
		{"nothing", 0, time.Minute, 0, nil},
		{"less than nothing", -time.Minute, time.Minute, 0, nil},
		{"nothing with a context that has ended", 0, -time.Minute, 0, context.DeadlineExceeded},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), test.timeout)
				defer cancel()
				began := time.Now()
				err := clock.Sleep(ctx, test.d)
				if !errors.Is(err, test.err) || time.Since(began) != test.want {
					t.Errorf("slept %v with error %v, want %v with %v", time.Since(began), err, test.want, test.err)
				}
			})
		})
	}
}
