package job

import (
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/cycle"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/ledger"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/snapshot"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// keys names what the cycle looks at, and tells whether there is anything.
func (a *activity) keys() (cycle.Keys, bool, error) {
	return keysOf(a.cycle.Kind, a.snapshot, a.ledger, &a.state, entitlements(a.released), a.programs, a.m.Clock.Now())
}

// keysOf names the objects of a cycle. An incremental one looks at what changed
// in the source since the last, at what is due, and at those whose assignment
// changed.
func keysOf(kind status.CycleKind, s *snapshot.Snapshot, l *ledger.Ledger, state *State, e cycle.Entitlements, programs []*provision.Program, now time.Time) (cycle.Keys, bool, error) {
	timed := false
	for _, p := range programs {
		timed = timed || p.Mapping.TimeDependent()
	}
	if kind == status.Initial || timed || state.Position == 0 { // 0 is from before anything was read
		keys, err := cycle.Everything(s, l, e)
		return keys, true, err
	}
	set := make(map[directory.Key]bool)
	position := state.Position
	for {
		changes, err := s.Changes(position, 1000)
		if err != nil {
			return nil, false, err
		}
		for _, c := range changes {
			set[c.Key] = true
			position = c.Sequence
		}
		if len(changes) < 1000 {
			break
		}
	}
	due, err := l.Due(now)
	if err != nil {
		return nil, false, err
	}
	for _, key := range due {
		set[key] = true
	}
	held, err := l.Held()
	if err != nil {
		return nil, false, err
	}
	for _, key := range held.Keys {
		set[key] = true
	}
	for _, m := range held.Members {
		set[m.Holder] = true
	}
	stale, err := l.Stale()
	if err != nil {
		return nil, false, err
	}
	err = l.EachEscrow(func(escrow ledger.Escrow) error {
		if !escrow.GivenUp && !escrow.Next.IsZero() && !escrow.Next.After(now) {
			set[escrow.Key] = true
		}
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	for _, key := range state.Touched {
		if err := cycle.Reached(s, key, set); err != nil {
			return nil, false, err
		}
	}
	intents, err := l.Intents()
	if err != nil {
		return nil, false, err
	}
	return cycle.List(set), len(set) > 0 || len(intents) > 0 || len(stale) > 0 || state.Running != nil, nil
}
