package ledger

import (
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
)

// fail fails an object again and again, at each time that its escrow names or at
// the next cycle, for that long. It gives the times of the attempts.
func fail(from time.Time, lasting, interval time.Duration, f Failure) (attempts []time.Duration, last Escrow) {
	var escrow *Escrow
	for at := from; at.Sub(from) < lasting; at = at.Add(interval) {
		if escrow != nil && (escrow.Next.IsZero() || at.Before(escrow.Next)) {
			continue
		}
		next := escrow.After(user("1"), at, f)
		attempts, escrow = append(attempts, at.Sub(from)), &next
	}
	return attempts, *escrow
}

func TestEscrow_ladder(t *testing.T) {
	const day = 24 * time.Hour
	attempts, last := fail(now, 40*day, 10*time.Second, Failure{Code: "Conflict"})
	want := []time.Duration{0, 10 * time.Second, 20 * time.Second, 80 * time.Second, 200 * time.Second, 440 * time.Second}
	for i, at := range want {
		if attempts[i] != at {
			t.Errorf("attempt %d after %v, want %v", i+1, attempts[i], at)
		}
	}
	for i := 3; i < len(attempts); i++ {
		before, wait := attempts[i-1]-attempts[i-2], attempts[i]-attempts[i-1]
		if wait < before || wait > day {
			t.Errorf("attempt %d waits %v after %v", i+1, wait, before)
		}
	}
	end := attempts[len(attempts)-1]
	if !last.GivenUp || !last.Next.IsZero() || end < 28*day || end > 29*day || last.Attempts != len(attempts) || !last.First.Equal(now) {
		t.Errorf("after %d attempts, the last after %v: %+v", len(attempts), end, last)
	}
	if n := len(attempts); n < 35 || n > 50 {
		t.Errorf("%d attempts", n)
	}
}

func TestEscrow_removal(t *testing.T) {
	const day = 24 * time.Hour
	attempts, last := fail(now, 40*day, time.Minute, Failure{Code: "InternalServerError", Removal: true})
	end := attempts[len(attempts)-1]
	if last.GivenUp || last.Next.IsZero() || end < 39*day || !last.Removal {
		t.Errorf("the last after %v: %+v", end, last)
	}
	if wait := end - attempts[len(attempts)-2]; wait != day {
		t.Errorf("the last wait is %v", wait)
	}
}

func TestEscrow_soon(t *testing.T) {
	attempts, _ := fail(now, time.Hour, time.Minute, Failure{Code: "TooManyRequests", Soon: true})
	if len(attempts) != 60 {
		t.Errorf("%d attempts in 60 cycles", len(attempts))
	}
}

func TestEscrow_After(t *testing.T) {
	const day = 24 * time.Hour
	old := Escrow{Key: user("1"), First: now.Add(-10 * day), Last: now.Add(-day), Attempts: 20, Sequence: 7}
	after := func(e Escrow, at time.Time, f Failure) Escrow { return e.After(e.Key, at, f) }

	if got := after(old, now, Failure{Sequence: 8}); got.Attempts != 1 || !got.First.Equal(now) || !got.Next.Equal(now) {
		t.Errorf("a change of the object: %+v", got)
	}
	if got := after(old, now, Failure{Sequence: 8, Removal: true}); got.Attempts != 21 || !got.First.Equal(old.First) {
		t.Errorf("a change of a leaver: %+v", got)
	}
	given := old
	given.GivenUp = true
	if got := after(given, now, Failure{Sequence: 7}); got.GivenUp || got.Attempts != 1 {
		t.Errorf("tried again after it was given up: %+v", got)
	}

	// The clock leaps, or the job stood still for a month.
	leapt := after(old, now.Add(30*day), Failure{Sequence: 7})
	if leapt.GivenUp {
		t.Error("a leap of the clock gives up")
	}
	if again := after(leapt, now.Add(31*day), Failure{Sequence: 7}); !again.GivenUp {
		t.Errorf("a day of trying later: %+v", again)
	}
	if back := after(leapt, now, Failure{Sequence: 7}); back.GivenUp || back.Next.Before(now) || back.Next.After(now.Add(day)) {
		t.Errorf("the clock goes back: %+v", back)
	}
	if back := after(Escrow{First: now}, now.Add(-time.Hour), Failure{}); back.GivenUp || back.Next.After(now) {
		t.Errorf("the clock goes back at once: %+v", back)
	}
}

func TestSettleEscrow(t *testing.T) {
	w := newWorld(t)
	l := w.app("a")
	claim := provision.Claim{Path: "userName", Value: "x"}
	first := (*Escrow)(nil).After(user("1"), now, Failure{Code: "DuplicateSourceEntries", Detail: "d", Display: "Anna", Sequence: 3})
	first.Claims = []provision.Claim{claim}
	w.commit(l.SettleEscrow(nil, &first)...)
	got, err := l.Escrow(user("1"))
	if err != nil || got == nil || got.Code != first.Code || got.Sequence != 3 || !got.First.Equal(now) || got.Display != "Anna" {
		t.Fatalf("kept %+v, %v", got, err)
	}
	// It must not be taken for the only one with the value while it waits.
	if others, err := claimants(l, user("2"), claim); err != nil || len(others) != 1 {
		t.Errorf("claimed by %v, %v", others, err)
	}
	// A link with the same value keeps it when the escrow ends after it began.
	link := &provision.Link{TargetID: "1", Claims: []provision.Claim{claim}}
	w.put(l, user("1"), nil, link)
	w.commit(l.SettleEscrow(got, nil)...)
	if others, err := claimants(l, user("2"), claim); err != nil || len(others) != 1 {
		t.Errorf("claimed by %v, %v", others, err)
	}
	w.commit(l.SettleEscrow(nil, got)...)
	if others, err := claimants(l, user("2"), claim); err != nil || len(others) != 1 {
		t.Errorf("claimed by %v, %v", others, err)
	}
	w.put(l, user("1"), link, nil)
	second := got.After(user("1"), now, Failure{Code: "Timeout", Sequence: 3})
	second.Claims = nil
	w.commit(l.SettleEscrow(got, &second)...)
	if others, err := claimants(l, user("2"), claim); err != nil || len(others) > 0 {
		t.Errorf("still claimed by %v, %v", others, err)
	}
	n := 0
	if err := l.EachEscrow(func(e Escrow) error { n++; return nil }); err != nil || n != 1 {
		t.Errorf("%d escrows, %v", n, err)
	}
	w.commit(l.SettleEscrow(&second, nil)...)
	if rows := w.rows(); len(rows) > 0 {
		t.Errorf("left: %q", rows)
	}
	if got := l.SettleEscrow(nil, nil); len(got) > 0 {
		t.Errorf("nothing becomes nothing by %v", got)
	}
}
