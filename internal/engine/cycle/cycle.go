// Package cycle carries out one run of a job: it takes keys of source objects,
// has package provision decide about each, and sends what was decided. Initial
// and incremental cycles, provisioning on demand and the preview are one driver:
// they differ in keys, store and target.
//
// The order is fixed. Open intents are resolved first; then users, groups
// without their members, references, and removals last, when their number is
// known. A write is sent only after its intent is durable, and its outcome is
// recorded in one transaction with the link, the log entry and the intent's
// end.
package cycle

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/audit"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/ledger"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/snapshot"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// Sizes of the driver. A crash leaves at most two chunks of open intents.
const (
	chunkSize = 256
	// inFlight is how many objects are sent or looked up at a time, unless the
	// job allows more requests than that. How many requests that makes is up to
	// the target.
	inFlight = 64
	// lookUpsBeforeListing is how many unlinked objects are looked up one by one
	// before one pass over the target is cheaper.
	lookUpsBeforeListing = 100
	// settle passes between a crash and the look-up that tells what became of
	// the requests that were under way.
	settle = 2 * time.Second
)

// Job is what a cycle runs on. It is not changed while a cycle runs.
type Job struct {
	AppID       string
	AppName     string
	InitiatedBy string
	Cycle       status.Cycle // its id, kind and start
	Resumed     bool         // the cycle was begun by an agent that died
	Programs    []*provision.Program
	Entitled    Entitlements
	Features    connector.Features
	Threshold   config.Threshold
	Concurrency int // requests that the job allows at a time; 0: it does not say
	// Recent counts removals carried out in the hour before this cycle that were
	// not approved, by object type; Memberships likewise.
	Recent map[string]int64
	// LogAll writes an entry for unchanged objects too.
	LogAll bool
	// Preview collects removals and lets the threshold judge them, but nothing
	// is asked of a human.
	Preview bool
}

// Memberships is the key under which memberships are counted beside object
// types.
const Memberships = "memberships"

// Environment is what a cycle works with.
type Environment struct {
	Store    store.Store
	Snapshot *snapshot.Snapshot
	Ledger   *ledger.Ledger
	Target   connector.Target
	Log      Log
	Clock    connector.Clock
	Progress func(status.Progress) // called now and then; may be nil
	// Earlier gives the entries that a resumed cycle has written before.
	Earlier func(ctx context.Context, f func(audit.Entry)) error
}

// Log takes the entries of a cycle. Mutations gives what is committed together
// with what the entries tell of, and Append does so behind what else is.
type Log interface {
	Mutations(entries ...audit.Entry) ([]store.Mutation, error)
	Append(mutations []store.Mutation, entry audit.Entry) ([]store.Mutation, error)
	Wake()
}

// Summary is what a cycle amounts to.
type Summary struct {
	status.Counts
	Held *status.HeldRemovals // nil when nothing is held
	// Removed counts removals that were carried out and not approved, by object
	// type and Memberships.
	Removed map[string]int64
	// Stopped tells that ctx ended before all keys were done.
	Stopped bool
	// Writes counts requests that were sent to change something.
	Writes int64
}

// Run carries out one cycle over the keys. When ctx ends, the objects in hand
// are finished and the cycle is Stopped. An error means that the target as a
// whole, or the store, cannot be used: no object is blamed for it. All that was
// done is durable when Run returns.
func Run(ctx context.Context, job Job, keys Keys, env Environment) (Summary, error) {
	r := &run{
		Job: job, Environment: env,
		programs: make(map[string]*provision.Program),
		values:   make(map[string]directory.Key),
		groups:   make(map[directory.Key]provision.MemberRule),
		holders:  make(map[directory.Key]bool),
		stale:    make(map[directory.Key]bool),
		failures: make(map[directory.Key]bool),
		again:    make(map[string][]item),
		summary:  Summary{Removed: make(map[string]int64)},
		indexes:  make(map[string]*matchIndex),
		listing:  make(chan struct{}, 1),
		counted:  make(map[directory.Key]bool),
		blocked:  make(map[directory.Key]bool),
		doubted:  make(map[directory.Key]bool),
		due:      make(map[ledger.Membership]bool),
	}
	for _, p := range job.Programs {
		r.programs[p.ObjectType] = p
	}
	r.sends = newWorkers(r.inFlight())
	defer r.sends.dismiss()
	err := r.run(ctx, keys)
	r.launch.Wait()
	if waited := r.sends.Wait(); err == nil {
		err = waited
	}
	if err == nil {
		err = r.broken()
	}
	r.absolve() // what waits is of a phase that was not ended
	if settled := r.flush(); err == nil {
		err = settled
	}
	r.Log.Wake()
	if err != nil && ctx.Err() != nil {
		// What a target says while it is changed, or its credential, is no word
		// about what comes after.
		if _, open := connector.OpenCause(err); open || errors.Is(err, ctx.Err()) {
			err = nil
		}
	}
	r.summary.Stopped = err == nil && ctx.Err() != nil
	return r.summary, err
}

// run is one cycle under way.
type run struct {
	Job
	Environment

	programs map[string]*provision.Program
	indexes  map[string]*matchIndex
	rivals   *rivals
	logged   map[directory.Key]bool // skipped and failed before the cycle was resumed
	unlinked bool                   // the app had no link when the cycle began

	launch  sync.WaitGroup // of the chunk whose writes are going out
	sends   *workers       // writes under way
	listing chan struct{}  // holds one token while a listing is made in mid-phase
	phase   string
	total   int64

	mu       sync.Mutex // guards what follows
	done     int64
	summary  Summary
	tickets  []store.Ticket                         // of what was enqueued and is not known to be durable
	fatal    error                                  // why the target or store cannot be used
	accounts recent[directory.Key]                  // objects by the accounts that they were joined to
	created  recent[string]                         // ids of accounts by the objects that they were created for
	values   map[string]directory.Key               // unique ones that were given
	groups   map[directory.Key]provision.MemberRule // groups whose members are to be compared
	holders  map[directory.Key]bool                 // objects whose references are to be looked at again
	stale    map[directory.Key]bool                 // of these, those that the ledger was told of
	failures map[directory.Key]bool                 // objects that failed in this cycle
	doubtful []failure                              // failures that may be the target's as a whole
	again    map[string][]item                      // by type: objects to be decided again in this phase
	removal  []directory.Key
	lost     lost
	counted  map[directory.Key]bool // groups whose members were written
	blocked  map[directory.Key]bool // objects whose last write is not known yet
	doubted  map[directory.Key]bool // groups of whose last write it is not known which members it added

	approved map[ledger.Membership]bool // losses that an operator let go
	due      map[ledger.Membership]bool // of these, those that are still to be sent
}

func (r *run) inFlight() int { return max(inFlight, r.Concurrency) }

func (r *run) run(ctx context.Context, keys Keys) error {
	if err := r.resume(ctx); err != nil {
		return err
	}
	linked, err := r.Ledger.LinkedTypes()
	if err != nil {
		return err
	}
	r.unlinked = len(linked) == 0
	if err := r.recallStale(); err != nil {
		return err
	}
	recovered, err := r.resolveIntents(ctx)
	if err != nil {
		return err
	}
	for _, p := range r.Programs {
		if !p.Mapping.Enabled {
			continue
		}
		if err := r.objects(ctx, p, keys, recovered[p.ObjectType]); err != nil {
			return err
		}
	}
	if err := r.references(ctx); err != nil {
		return err
	}
	if err := r.removals(ctx); err != nil {
		return err
	}
	return r.settleStale(ctx)
}

// objects decides about every object of one type and sends what is no removal.
func (r *run) objects(ctx context.Context, p *provision.Program, keys Keys, recovered []item) error {
	r.begin(phaseOf(p.ObjectType))
	defer delete(r.indexes, p.ObjectType)
	survey, err := r.survey(ctx, p, keys)
	if err != nil {
		return err
	}
	r.rivals, r.total = survey.rivals, survey.keys
	if survey.unlinked > lookUpsBeforeListing && r.Features.CanList {
		r.begin("listing accounts")
		if err := r.list(ctx, p); err != nil {
			return err
		}
		r.begin(phaseOf(p.ObjectType))
		r.total = survey.keys
	}
	if err := r.chunk(ctx, p, recovered); err != nil {
		return err
	}
	first := make(map[string]bool, len(recovered))
	for _, it := range recovered {
		first[it.key.Anchor] = true
	}
	after := ""
	for {
		anchors, err := keys.Page(p.ObjectType, after, chunkSize)
		if err != nil {
			return err
		}
		items := make([]item, 0, len(anchors))
		for _, anchor := range anchors {
			key := directory.Key{Type: p.ObjectType, Anchor: anchor}
			if !first[anchor] && !r.blocked[key] {
				items = append(items, item{key: key})
			}
		}
		if err := r.chunk(ctx, p, items); err != nil {
			return err
		}
		if len(anchors) < chunkSize {
			break
		}
		after = anchors[len(anchors)-1]
	}
	return r.repeat(ctx, p)
}

func phaseOf(objectType string) string {
	switch objectType {
	case directory.User:
		return "users"
	case directory.Group:
		return "groups"
	}
	return objectType
}

// repeat waits for what is in flight and decides once more about objects whose
// first answer asked for it: an account that was gone, a conflict, an outcome
// that is not known.
func (r *run) repeat(ctx context.Context, p *provision.Program) error {
	r.launch.Wait()
	if err := r.halted(ctx); err != nil {
		return err
	}
	if err := r.settled(); err != nil {
		return err
	}
	r.mu.Lock()
	items := r.again[p.ObjectType]
	delete(r.again, p.ObjectType)
	r.mu.Unlock()
	for start := 0; start < len(items); start += chunkSize {
		if err := r.chunk(ctx, p, items[start:min(start+chunkSize, len(items))]); err != nil {
			return err
		}
	}
	return r.settled()
}

// settled waits for all sends and for their results to be durable, so that what
// follows reads them.
func (r *run) settled() error {
	r.launch.Wait()
	if err := r.sends.Wait(); err != nil {
		return err
	}
	if err := r.broken(); err != nil {
		return err
	}
	if err := r.blame(); err != nil {
		return err
	}
	return r.flush()
}

// flush waits until all that was enqueued is durable.
func (r *run) flush() error { return r.await(0) }

// await waits until at most so many of the latest tickets are left. Each must
// be asked: one transaction may fail and the next succeed.
func (r *run) await(left int) error {
	r.mu.Lock()
	n := max(len(r.tickets)-left, 0)
	tickets := r.tickets[:n:n]
	r.tickets = r.tickets[n:]
	r.mu.Unlock()
	for _, ticket := range tickets {
		if err := ticket.Wait(context.Background()); err != nil {
			return fmt.Errorf("record what was done: %w", err)
		}
	}
	return nil
}

// halted tells why nothing more is to be begun: because ctx has ended, whatever
// came of what was under way then, or because the target or store cannot be used.
func (r *run) halted(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return r.broken()
}

func (r *run) broken() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fatal
}

// enqueue hands mutations to the store in the order of the calls.
func (r *run) enqueue(mutations ...store.Mutation) {
	if len(mutations) > 0 {
		r.tickets = append(r.tickets, r.Store.Enqueue(mutations...))
	}
}

func (r *run) begin(phase string) {
	r.mu.Lock()
	r.phase, r.done, r.total = phase, 0, 0
	r.mu.Unlock()
	r.report()
}

func (r *run) advance(n int64) {
	r.mu.Lock()
	r.done += n
	r.mu.Unlock()
	r.report()
}

func (r *run) report() {
	if r.Progress == nil {
		return
	}
	r.mu.Lock()
	p := status.Progress{
		CycleID: r.Cycle.ID, Kind: r.Cycle.Kind, Phase: r.phase, Done: r.done, Total: r.total,
		Counts: r.summary.Counts, StartedAt: r.Cycle.StartedAt,
	}
	r.mu.Unlock()
	r.Progress(p)
}

// count adds to the counters.
func (r *run) count(f func(*status.Counts)) {
	r.mu.Lock()
	f(&r.summary.Counts)
	r.mu.Unlock()
}
