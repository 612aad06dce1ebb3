package cycle

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/expression"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/ledger"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/snapshot"
)

// item is one object on its way through a cycle.
type item struct {
	key directory.Key

	// How it comes here, when not for the first time.
	fresh     bool   // look the account up in the target, not in the listing
	read      bool   // read the linked account before anything is sent
	recovered string // id of an account that a lost create made
	refused   string // the target's word about a conflict
	final     bool   // references are final
	remove    bool   // removals may be sent
	approved  bool   // by an operator: it is not counted against the threshold
	attempts  int

	view      mapping.View // of the situation
	situation provision.Situation
	failure   *connector.Error // of a look-up
	decision  provision.Decision
	sequence  uint64
	escrow    *ledger.Escrow
	intent    *ledger.Intent // open from before

	random     seed               // of the present decision
	candidates map[candidate]bool // unique values asked for: whether somebody has them
	awaited    []awaited          // references that lead to nobody yet
}

// awaited is a reference whose object has no account yet.
type awaited struct {
	place  int // among the situation's references
	object directory.Key
}

// prepare reads what the snapshot and the ledger know of objects.
func (r *run) prepare(p *provision.Program, items ...*item) error {
	keys := make([]directory.Key, len(items))
	for i, it := range items {
		keys[i] = it.key
	}
	links, err := r.Ledger.LinksOf(keys)
	if err != nil {
		return err
	}
	escrows, err := r.Ledger.EscrowsOf(keys)
	if err != nil {
		return err
	}
	intents, err := r.Ledger.IntentsOf(keys)
	if err != nil {
		return err
	}
	if err := r.look(p, keys, items); err != nil {
		return err
	}
	for i, it := range items {
		it.escrow, it.intent, it.situation.Link = escrows[i], intents[i], links[i]
	}
	return r.refer(p, items)
}

// look reads of objects, whose keys are given too, what their matching values
// come from: what the source says of them, and by which assignments they may be
// in scope.
func (r *run) look(p *provision.Program, keys []directory.Key, items []*item) error {
	records, err := r.Snapshot.ObjectsOf(keys)
	if err != nil {
		return err
	}
	for i, it := range items {
		if err := r.regard(p, it, records[i]); err != nil {
			return err
		}
	}
	return nil
}

// regard makes the situation of an object of what the source says of it, nil for
// nothing.
func (r *run) regard(p *provision.Program, it *item, record *snapshot.Record) error {
	it.view = mapping.View{Aliases: p.Mapping.Source.Aliases}
	s := provision.Situation{Now: r.Clock.Now(), Random: it.seed(r.AppID), Key: it.key, View: &it.view, ReferencesFinal: it.final, Refused: it.refused}
	if record != nil {
		it.view.Object = record.Object
		it.sequence = record.Sequence
		s.Presence, s.Since, s.Problem = presence(record), record.Since, record.Problem
	}
	it.view.Object.Key = it.key
	if r.Entitled.Whole(it.key.Type) {
		s.Assigned = true
	}
	assignments, err := r.Entitled.Of(r.Snapshot, it.key)
	if err != nil {
		return err
	}
	for _, a := range assignments {
		s.Assigned = true
		s.Assignments = append(s.Assignments, a.ID)
	}
	it.view.Roles = roles(assignments)
	it.situation, it.awaited = s, nil
	return nil
}

func presence(record *snapshot.Record) provision.Presence {
	switch {
	case record.Orphaned:
		return provision.Orphaned
	case record.State == snapshot.SoftDeleted:
		return provision.SoftDeleted
	case record.State == snapshot.Absent:
		return provision.Absent
	case record.State == snapshot.Deleted:
		return provision.Deleted
	case record.Problem != nil || !record.Known:
		return provision.Unreadable
	}
	return provision.Present
}

// seed gives a stream of random bytes that is the same for an object each time,
// so that a decision made again is the same decision.
func (it *item) seed(appID string) io.Reader {
	it.random = seed{appID: appID, key: it.key}
	return &it.random
}

// seed is such a stream, which is made when it is first read: few mappings ask
// for random values.
type seed struct {
	appID  string
	key    directory.Key
	stream *rand.ChaCha8
}

func (s *seed) Read(p []byte) (int, error) {
	if s.stream == nil {
		s.stream = rand.NewChaCha8(sha256.Sum256(fmt.Appendf(nil, "%q %q %q", s.appID, s.key.Type, s.key.Anchor)))
	}
	return s.stream.Read(p)
}

// refer resolves the single references of those items that are present.
func (r *run) refer(p *provision.Program, items []*item) error {
	for _, reference := range p.Mapping.References() {
		if reference.Multi {
			continue
		}
		present, keys := make([]*item, 0, len(items)), make([]directory.Key, 0, len(items))
		for _, it := range items {
			if it.situation.Presence == provision.Present {
				present, keys = append(present, it), append(keys, it.key)
			}
		}
		edges, err := r.Snapshot.EdgesOf(keys, reference.Attribute, 2)
		if err != nil {
			return err
		}
		refs := make([]directory.Ref, 0, len(present))
		holders := make([]*item, 0, len(present)) // of each
		for i, it := range present {
			for _, edge := range edges[i] {
				refs, holders = append(refs, edge.To), append(holders, it)
			}
		}
		objects, accounts, err := r.accountsOf(refs)
		if err != nil {
			return err
		}
		referred := make([]provision.Referred, len(refs))
		for i, ref := range refs {
			it := holders[i]
			referred[i] = provision.Referred{Attribute: reference.Attribute, Name: ref.Value}
			if usable(accounts[i]) {
				referred[i].TargetID = accounts[i].TargetID
			} else if accounts[i] == nil && !objects[i].IsZero() {
				it.awaited = append(it.awaited, awaited{len(it.situation.References), objects[i]})
			}
			if it.situation.References == nil {
				it.situation.References = referred[i : i+1 : i+1] // few have more than one
			} else {
				it.situation.References = append(it.situation.References, referred[i])
			}
		}
	}
	return nil
}

// complete decides once more about a new account, when its turn has come, if
// references came to lead to somebody since: they go along, and need no write of
// their own. Unique values are not chosen a second time.
func (r *run) complete(p *provision.Program, it *item) {
	if it.decision.Operation.Kind != connector.Create || len(it.candidates) > 0 {
		return
	}
	came := false
	r.mu.Lock()
	for _, a := range it.awaited {
		if id, ok := r.created.get(a.object); ok {
			it.situation.References[a.place].TargetID, came = id, true
		}
	}
	r.mu.Unlock()
	if !came {
		return
	}
	it.situation.Random = it.seed(r.AppID)
	if d := provision.Decide(it.situation, p); d.Outcome == provision.Sends && d.Operation.Kind == connector.Create {
		it.decision = d
	}
}

// accountsOf gives the objects that references lead to, and the heads of their
// links; the zero Key and nil for nobody.
func (r *run) accountsOf(refs []directory.Ref) ([]directory.Key, []*provision.Head, error) {
	keys, err := r.Snapshot.ResolveAll(refs)
	if err != nil {
		return nil, nil, err
	}
	heads, err := r.Ledger.HeadsOf(keys)
	return keys, heads, err
}

// usable reports whether others may refer to a linked account: it exists, and
// its object is in scope.
func usable(link *provision.Head) bool {
	return link != nil && !link.Unproven && (link.Disabled == nil || link.Disabled.Loss == provision.LossDisabled)
}

// rounds bounds how often a decision may ask to know more: a match, the
// account, and each candidate for a unique value, of which an expression names
// fewer than its characters.
const rounds = expression.MaxLength

// decide makes the decisions about items, looking up what they need, several at
// a time.
func (r *run) decide(ctx context.Context, p *provision.Program, items []item) error {
	all := make([]*item, len(items))
	for i := range items {
		all[i] = &items[i]
	}
	if err := r.prepare(p, all...); err != nil {
		return err
	}
	var doubtful []*item
	for _, it := range all {
		if it.recovered != "" || it.read && it.situation.Link != nil {
			doubtful = append(doubtful, it)
		}
	}
	if err := each(doubtful, r.inFlight(), func(it *item) error { return r.readFirst(ctx, p, it) }); err != nil {
		return err
	}
	pending := slices.DeleteFunc(all, func(it *item) bool { return it.decision.Outcome == provision.Failed })
	var decider provision.Decider
	for range rounds {
		var asking []*item
		for _, it := range pending {
			it.situation.Random = it.seed(r.AppID)
			it.decision = decider.Decide(it.situation, p)
			if len(it.decision.Need) > 0 {
				asking = append(asking, it)
			}
		}
		if len(asking) == 0 {
			return nil
		}
		if err := r.findRivals(p, asking); err != nil {
			return err
		}
		if err := each(asking, r.inFlight(), func(it *item) error { return r.lookUp(ctx, p, it) }); err != nil {
			return err
		}
		r.reserveUnique(asking)
		pending = pending[:0]
		for _, it := range asking {
			if it.decision.Outcome != provision.Failed {
				pending = append(pending, it)
			}
		}
	}
	return fmt.Errorf("the decision about %s asks for more without end", pending[0].key)
}

// readFirst reads the account that a lost write is about.
func (r *run) readFirst(ctx context.Context, p *provision.Program, it *item) error {
	id := it.recovered
	if id == "" {
		id = it.situation.Link.TargetID
	}
	if err := r.lookAt(ctx, p, it, id); err != nil {
		if err := it.failLookUp(ctx, err); err != nil {
			return err
		}
		return r.keepIntent(it)
	}
	it.situation.Recovered = true
	if it.recovered != "" {
		it.situation.Matches = []provision.MatchResult{{Accounts: []string{it.recovered}}}
	}
	return nil
}

// lookUp answers what one decision needs. A failure of the target is the
// object's failure, unless the target as a whole is down.
func (r *run) lookUp(ctx context.Context, p *provision.Program, it *item) error {
	for _, need := range it.decision.Need {
		var err error
		switch need.Kind {
		case provision.LookupMatch:
			err = r.match(ctx, p, it, need.Matches)
		case provision.LookupCurrent:
			err = r.lookAt(ctx, p, it, need.ID)
		case provision.LookupUnique:
			err = r.unique(ctx, p, it, need)
		}
		if err != nil {
			return it.failLookUp(ctx, err)
		}
	}
	return nil
}

// keepIntent leaves an intent open whose outcome a look-up was to tell, and did
// not.
func (r *run) keepIntent(it *item) error {
	if it.intent == nil {
		return nil
	}
	it.intent.Unknown = true
	open, err := r.Ledger.BeginIntent(*it.intent)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.enqueue(open)
	return nil
}

// failLookUp makes a failed look-up the failure of its object. It gives the error
// back when it is not the object's: the target as a whole cannot be used.
func (it *item) failLookUp(ctx context.Context, err error) error {
	if _, open := connector.OpenCause(err); open || connector.ClassOf(err) == connector.Fatal || ctx.Err() != nil {
		return err
	}
	failure := connector.AsError(err)
	it.failure = failure
	it.decision = provision.Decision{Outcome: provision.Failed, Reason: failure.Code, Detail: failure.Detail, After: it.situation.Link}
	it.decision.Steps = append(it.decision.Steps, failedLookUp(failure))
	return nil
}

// lookAt reads an account and tells whose it is.
func (r *run) lookAt(ctx context.Context, p *provision.Program, it *item, id string) error {
	it.situation.Sought, it.situation.Current, it.situation.Missing, it.situation.Owner = id, nil, false, ""
	account, err := r.Target.Get(ctx, p.ObjectType, id, r.wanted(p))
	switch {
	case connector.ClassOf(err) == connector.Gone:
		it.situation.Missing = true
		return nil
	case err != nil:
		return err
	}
	it.situation.Current = &account
	if it.situation.Owner, err = r.ownerOf(it.key, p.ObjectType, account.ID); err != nil {
		return err
	}
	return nil
}

// claim takes for an object the account that the decision joins it to. Of two
// objects that find one account in the same cycle the first has it.
func (r *run) claim(p *provision.Program, it *item) {
	s, after := &it.situation, it.decision.After
	if after == nil || after == s.Link || after.TargetID == "" || it.decision.Outcome == provision.Failed || s.Link != nil && !s.Link.Unproven {
		return
	}
	if s.Owner = r.reserve(it.key, after.TargetID); s.Owner != "" {
		it.decision = provision.Decide(*s, p)
	}
}

// reserve takes an account for an object, or names who has it already.
func (r *run) reserve(key directory.Key, id string) (owner string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if first := r.accounts.take(directory.Key{Type: key.Type, Anchor: id}, key); first != key {
		return first.String()
	}
	return ""
}

// ownerOf names who else manages an account; "" for nobody.
func (r *run) ownerOf(key directory.Key, typ, id string) (string, error) {
	owner, err := r.Ledger.Owner(typ, id)
	if err != nil || owner == nil || owner.AppID == r.AppID && owner.Key == key {
		return "", err
	}
	if owner.AppID == r.AppID {
		return owner.Key.String(), nil
	}
	return owner.Key.String() + " of app " + owner.AppID, nil
}

// wanted gives the paths that are read of an account: all mapped ones but
// members, and whether it is enabled.
func (r *run) wanted(p *provision.Program) []directory.Path {
	paths := p.Mapping.Paths()
	for _, reference := range p.Mapping.References() {
		if !reference.Multi {
			paths = append(paths, reference.Path)
		}
	}
	return paths
}
