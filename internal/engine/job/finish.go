package job

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/cycle"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/ledger"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// longestQuarantine passes before a job in quarantine is disabled.
const longestQuarantine = 28 * 24 * time.Hour

// finish records what an attempt came to, and reports whether it went well.
// summary is nil when there was nothing to do, or the cycle never began.
func (a *activity) finish(ctx context.Context, summary *cycle.Summary, err error, cause error) (bool, error) {
	switch {
	case cause != nil && (summary == nil && err != nil || summary != nil && summary.Stopped):
		return false, a.stopped(ctx, summary, cause)
	case err != nil:
		return false, a.failed(ctx, summary, err)
	case summary == nil:
		return true, a.idle(ctx)
	}
	return true, a.succeeded(ctx, summary)
}

// stopped keeps what is to be resumed. A cycle that was overtaken by a new
// configuration is not.
func (a *activity) stopped(ctx context.Context, summary *cycle.Summary, cause error) error {
	return a.update(ctx, func(s *State) {
		if errors.Is(cause, errReconfigured) {
			// A cycle that is resumed finds its removals in the log.
			s.noteRemoved(summary, a.m.Clock.Now())
			s.Running = nil
			s.StartedAt = time.Time{}
		}
	})
}

// idle notes that a look found nothing to do: that is no cycle (decisions 48).
func (a *activity) idle(ctx context.Context) error {
	return a.update(ctx, func(s *State) {
		a.reached(s)
		s.SteadyLast = s.CheckedAt
	})
}

// reached notes what holds after any look that went well.
func (a *activity) reached(s *State) {
	s.CheckedAt = a.m.Clock.Now()
	s.Position, s.SourceID, s.Epoch = a.report.Sequence, a.released.Source.ID, a.epoch
	s.Shape, s.Done = a.released.Shape(), a.released.Digest()
	s.Restart, s.Running, s.Quarantine, s.LastFailure = false, nil, nil, nil
	s.Emptied = nil
	for _, typ := range a.report.Emptied {
		if s.Emptied == nil {
			s.Emptied = make(map[string]int)
		}
		s.Emptied[typ], _ = a.snapshot.Count(typ)
	}
	s.ApprovedEmpty = slices.DeleteFunc(slices.Clone(s.ApprovedEmpty), func(typ string) bool { return s.Emptied[typ] == 0 })
}

func (a *activity) succeeded(ctx context.Context, summary *cycle.Summary) error {
	ended := a.cycle
	ended.EndedAt, ended.Counts, ended.State = a.m.Clock.Now(), summary.Counts, status.Succeeded
	ended.Requests = a.requests.Total()
	if summary.Failed > 0 {
		ended.State = status.EntryErrors
	}
	if summary.Held != nil {
		ended.Held = summary.Held.Count
	}
	if err := a.dropSuperseded(ctx); err != nil {
		return err
	}
	managed, escrowed, err := a.totals()
	if err != nil {
		return err
	}
	return a.update(ctx, func(s *State) {
		read := s.Position != a.report.Sequence
		a.reached(s)
		if s.Releases == a.state.Releases {
			s.Touched = nil
		}
		s.Doubtful = s.Doubtful && ended.Kind != status.Initial
		s.Managed, s.Escrowed, s.Held = managed, escrowed, keepSince(s.Held, summary.Held)
		s.noteRemoved(summary, ended.EndedAt)
		if s.First == nil {
			s.First = &ended
		}
		if ended.Kind == status.Initial || read || summary.Sent() > 0 || summary.Writes > 0 {
			s.Last = &ended
			s.LastSuccessful = &ended
		}
		if s.SteadyFirst.IsZero() {
			s.SteadyFirst = ended.EndedAt
		}
		s.SteadyLast = ended.EndedAt
		a.judgeFailures(s, summary)
	})
}

func keepSince(before, now *status.HeldRemovals) *status.HeldRemovals {
	if before != nil && now != nil && before.Digest == now.Digest {
		now.Since = before.Since
	}
	return now
}

// totals counts the links by mapped object type, and the escrows.
func (a *activity) totals() (managed map[string]int64, escrowed int64, err error) {
	managed = make(map[string]int64)
	for _, p := range a.programs {
		if managed[p.ObjectType], err = a.ledger.CountLinks(p.ObjectType); err != nil {
			return nil, 0, err
		}
	}
	err = a.ledger.EachEscrow(func(ledger.Escrow) error {
		escrowed++
		return nil
	})
	return managed, escrowed, err
}

// dropSuperseded forgets unproven links whose account another object has been
// matched with since: the account's owner is that one.
func (a *activity) dropSuperseded(ctx context.Context) error {
	if a.cycle.Kind != status.Initial || !a.state.Doubtful {
		return nil
	}
	var mutations []store.Mutation
	for _, p := range a.programs {
		err := a.ledger.EachLink(p.ObjectType, func(key directory.Key, link provision.Link) error {
			if !link.Unproven {
				return nil
			}
			owner, err := a.ledger.Owner(key.Type, link.TargetID)
			if err != nil || owner == nil || owner.Key == key {
				return err
			}
			m, err := a.ledger.Put(key, &link, nil)
			mutations = append(mutations, m...)
			return err
		})
		if err != nil {
			return err
		}
	}
	if len(mutations) == 0 {
		return nil
	}
	return a.store.Commit(ctx, mutations...)
}

// failed records a cycle that could not be run to its end. Its keys stay due.
func (a *activity) failed(ctx context.Context, summary *cycle.Summary, err error) error {
	code, reason, advice := failure(err)
	ended := a.cycle
	ended.State, ended.EndedAt, ended.Reason = status.Failed, a.m.Clock.Now(), reason
	if summary != nil {
		ended.Counts = summary.Counts
	}
	if a.requests != nil {
		ended.Requests = a.requests.Total()
	}
	a.m.Logger.Warn("a cycle failed", "app", a.appID, "cycle", ended.ID, "code", code, "reason", reason)
	isDenied := denied(err, code)
	var noted []store.Mutation
	a.mu.Lock()
	known := a.runner.state.LastFailure != nil && a.runner.state.LastFailure.Reason == reason
	a.mu.Unlock()
	if !known {
		noted, err = a.m.Log.Mutations(audit.Entry{
			AppID: a.appID, CycleID: ended.ID, Category: audit.Job, Action: audit.Other, Status: audit.Failure,
			Reason: reason, ErrorCode: code, RecommendedAction: advice, InitiatedBy: "system",
		})
		if err != nil {
			return err
		}
	}
	return a.update(ctx, func(s *State) {
		s.Running, s.LastFailure, s.FailureAdvice = nil, &ended, advice
		s.Last = &ended
		s.CheckedAt = ended.EndedAt
		s.noteRemoved(summary, ended.EndedAt)
		if isDenied {
			a.quarantine(s, "EncounteredQuarantineException", reason, advice)
		} else if s.Quarantine != nil {
			a.quarantine(s, s.Quarantine.Reason, reason, advice)
		}
	}, noted...)
}

func denied(err error, code string) bool {
	if cause, open := connector.OpenCause(err); open {
		return cause.Class == connector.Denied
	}
	return connector.ClassOf(err) == connector.Denied || code == "Unauthorized"
}

// quarantine puts or keeps the job in quarantine: the next attempt comes after
// 1, 2, 4, 8 … intervals, at most a day.
func (a *activity) quarantine(s *State, reason, message, advice string) {
	now := a.m.Clock.Now()
	q := &status.QuarantineRecord{Since: now}
	if s.Quarantine != nil {
		*q = *s.Quarantine // readers may hold the record of before
	}
	s.Quarantine = q
	q.Reason, q.Message, q.Advice = reason, message, advice
	q.SeriesCount++
	wait := a.job.IntervalDuration()
	for i := 1; i < q.SeriesCount && wait < 24*time.Hour; i++ {
		wait *= 2
	}
	q.NextAttempt = now.Add(min(wait, 24*time.Hour))
	if now.Sub(q.Since) > longestQuarantine {
		s.Disabled = true
	}
}

// judgeFailures puts a job in quarantine when most of its objects fail (cycles
// section 7).
func (a *activity) judgeFailures(s *State, summary *cycle.Summary) {
	const (
		least      = 5000
		base       = 40_000
		proportion = 0.40
	)
	f, ok := summary.Failed, summary.Sent()+summary.Unchanged
	switch {
	case f < least:
	case float64(f)/float64(f+ok) > proportion:
		a.quarantine(s, "EncounteredEscrowProportionThreshold", "too large a share of the objects fails", "Look at the failures with audit, and correct what they have in common.")
	case f > base:
		a.quarantine(s, "EncounteredBaseEscrowThreshold", "too many objects fail", "Look at the failures with audit, and correct what they have in common.")
	}
}
