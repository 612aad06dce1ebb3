package ledger

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// Escrow remembers an object that failed, and when it is tried again.
type Escrow struct {
	Key      directory.Key `json:"key"`
	Code     string        `json:"code"`
	Detail   string        `json:"detail"`
	First    time.Time     `json:"first"`
	Last     time.Time     `json:"last"`
	Attempts int           `json:"attempts"`
	Next     time.Time     `json:"next"` // zero: not before the object changes
	// Removal escrows never expire (decisions 17).
	Removal bool `json:"removal,omitempty"`
	// GivenUp after 28 days: listed until the object changes.
	GivenUp bool   `json:"given_up,omitempty"`
	Display string `json:"display,omitempty"`
	// Claims are matching values that another object has too: it must not come
	// to have them alone while this one waits.
	Claims []provision.Claim `json:"claims,omitempty"`
	// Sequence of the object in the snapshot when it failed: a newer one resets
	// the ladder.
	Sequence uint64 `json:"sequence,omitempty"`
}

// Failure is one failed attempt.
type Failure struct {
	Code, Detail, Display string
	Removal               bool
	Soon                  bool // transient: always tried in the next cycle
	Sequence              uint64
}

// The ladder of cycles section 6 with decisions 17 and 42.
const (
	expiry     = 28 * 24 * time.Hour
	daily      = 24 * time.Hour
	firstRungs = 2 // attempts that come in the next cycles
)

// After gives the escrow after one more failure; e is nil for the first. The
// first two retries come in the next two cycles, then at least 1, 2, 4 …
// minutes pass up to 6, 12 and 24 hours after the first failure, then daily.
func (e *Escrow) After(key directory.Key, now time.Time, f Failure) Escrow {
	next := Escrow{Key: key, First: now, Last: now}
	if e != nil && (e.Sequence == f.Sequence || f.Removal) && !e.GivenUp {
		next = *e
	}
	// A leap of the clock, or a job that stood still, is no time of trying.
	trying := now.Sub(next.Last) <= 2*daily
	next.Code, next.Detail, next.Display = f.Code, f.Detail, f.Display
	next.Removal, next.Sequence, next.Last = f.Removal, f.Sequence, now
	next.Attempts++
	age := now.Sub(next.First)
	switch {
	case !f.Removal && age >= expiry && trying:
		next.GivenUp, next.Next = true, time.Time{}
	case f.Soon || next.Attempts <= firstRungs:
		next.Next = now
	default:
		next.Next = now.Add(rung(next.Attempts, age))
	}
	return next
}

// rung gives the least wait before the next attempt.
func rung(attempts int, age time.Duration) time.Duration {
	wait := time.Minute
	for i := firstRungs + 1; i < attempts && wait < 6*time.Hour; i++ {
		wait *= 2
	}
	switch {
	case wait < 6*time.Hour:
		return wait
	case age < 12*time.Hour:
		return 6 * time.Hour
	case age < daily:
		return 12 * time.Hour
	}
	return daily
}

// Escrow gives an object's escrow, nil when there is none.
func (l *Ledger) Escrow(key directory.Key) (*Escrow, error) {
	data, err := l.r.Get(tableEscrows, store.Key(l.app, key.Type, key.Anchor))
	if err != nil || data == nil {
		return nil, err
	}
	var e Escrow
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, fmt.Errorf("escrow of %s: %w", key, err)
	}
	return &e, nil
}

// EachEscrow gives every escrow of the app.
func (l *Ledger) EachEscrow(f func(Escrow) error) error {
	return store.Each(l.r, tableEscrows, store.Prefix(l.app), func(row store.Row) error {
		var e Escrow
		if err := json.Unmarshal(row.Value, &e); err != nil {
			return fmt.Errorf("an escrow of app %s: %w", l.app, err)
		}
		return f(e)
	})
}

// SettleEscrow gives the mutations that put an escrow in place of the one
// before. Either may be nil: none.
func (l *Ledger) SettleEscrow(before, after *Escrow) []store.Mutation {
	var mutations []store.Mutation
	if before != nil {
		for _, claim := range before.Claims {
			mutations = append(mutations, store.Delete(tableWaiting, l.claimKey(before.Key.Type, claim, before.Key.Anchor)))
		}
		if after == nil {
			mutations = append(mutations, store.Delete(tableEscrows, store.Key(l.app, before.Key.Type, before.Key.Anchor)))
		}
	}
	if after == nil {
		return mutations
	}
	data, err := json.Marshal(after)
	if err != nil {
		panic(fmt.Sprintf("ledger: an escrow cannot be encoded: %v", err)) // plain data always can
	}
	for _, claim := range after.Claims {
		mutations = append(mutations, store.Put(tableWaiting, l.claimKey(after.Key.Type, claim, after.Key.Anchor), nil))
	}
	return append(mutations, store.Put(tableEscrows, store.Key(l.app, after.Key.Type, after.Key.Anchor), data))
}
