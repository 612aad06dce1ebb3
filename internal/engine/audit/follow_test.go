package audit

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

func TestFollow(t *testing.T) {
	b := newBench(t, store.Memory())
	b.add(entry("app", "old"))
	b.flush()
	b.add(entry("app", "in the outbox"), entry("other", "of another"))
	enough := errors.New("enough")
	follow := func(q Query) (<-chan string, <-chan error) {
		got, end := make(chan string), make(chan error, 1)
		go func() {
			end <- b.Follow(t.Context(), q, func(e Entry) error {
				if got <- e.Reason; e.Reason == "last" {
					return enough
				}
				return nil
			})
		}()
		return got, end
	}
	got, end := follow(Query{AppID: "app", Since: noon})
	if reason := <-got; reason != "old" {
		t.Fatalf("%q is first", reason)
	}
	b.flush()
	if reason := <-got; reason != "in the outbox" {
		t.Fatalf("%q is second", reason)
	}
	b.clock.advance(24 * time.Hour)
	b.add(entry("app", "next day"), entry("app", "last"))
	b.flush()
	if reason := <-got; reason != "next day" {
		t.Fatalf("%q is third", reason)
	}
	if reason := <-got; reason != "last" {
		t.Fatalf("%q is fourth", reason)
	}
	if err := <-end; err != enough {
		t.Errorf("ended with %v", err)
	}
	if err := b.Follow(t.Context(), Query{AppID: ".."}, nil); err == nil {
		t.Error("followed an app that cannot be")
	}
}

// TestFollowFromNow has none of the past, and ends with its context.
func TestFollowFromNow(t *testing.T) {
	b := newBench(t, store.Memory())
	b.add(entry("app", "old"))
	b.flush()
	ctx, cancel := context.WithCancel(t.Context())
	started, end := make(chan struct{}), make(chan error, 1)
	var got []string
	go func() {
		end <- b.Follow(ctx, Query{}, func(e Entry) error {
			if got = append(got, e.Reason); len(got) == 1 {
				close(started)
			}
			return nil
		})
	}()
	for came := false; !came; { // it may not have begun to follow when the first is added
		b.add(entry("app", "1"))
		b.flush()
		select {
		case <-started:
			came = true
		case <-time.After(10 * time.Millisecond):
		}
	}
	cancel()
	if err := <-end; !errors.Is(err, context.Canceled) || slices.Contains(got, "old") {
		t.Errorf("ended with %v after %q", err, got)
	}
}
