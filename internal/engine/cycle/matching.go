package cycle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"hash/maphash"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/ledger"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
)

// matchIndex holds who has which matching value in the target, from one pass
// over its accounts: 20 bytes a value and the ids.
type matchIndex struct {
	complete bool
	late     bool // made in mid-phase, for an object that look-ups did not find
	entries  []matchEntry
	ids      []byte   // all ids, one after the other
	ends     []uint32 // where each id ends
}

type matchEntry struct {
	digest  [16]byte
	account uint32
}

func digestOf(claim provision.Claim) (digest [16]byte) {
	sum := sha256.Sum256([]byte(claim.Path + "\x00" + claim.Value))
	copy(digest[:], sum[:])
	return digest
}

func (x *matchIndex) id(account uint32) string {
	start := uint32(0)
	if account > 0 {
		start = x.ends[account-1]
	}
	return string(x.ids[start:x.ends[account]])
}

// find gives the ids of the accounts that hold a value.
func (x *matchIndex) find(claim provision.Claim) []string {
	digest := digestOf(claim)
	at, _ := slices.BinarySearchFunc(x.entries, digest, func(e matchEntry, d [16]byte) int { return bytes.Compare(e.digest[:], d[:]) })
	var ids []string
	for ; at < len(x.entries) && x.entries[at].digest == digest; at++ {
		if id := x.id(x.entries[at].account); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// list builds the index of a type by one pass over the target.
func (r *run) list(ctx context.Context, p *provision.Program) error {
	paths := p.Mapping.MatchingPaths()
	x := &matchIndex{}
	complete, err := r.Target.List(ctx, p.ObjectType, paths, func(account connector.Account) error {
		number := uint32(len(x.ends))
		x.ids = append(x.ids, account.ID...)
		x.ends = append(x.ends, uint32(len(x.ids)))
		for _, path := range paths {
			value, ok := account.Values[path.String()]
			if !ok || value.IsEmpty() {
				continue
			}
			claim := provision.Claim{Path: path.String(), Value: provision.Fold(p.Mapping, path, value)}
			x.entries = append(x.entries, matchEntry{digestOf(claim), number})
		}
		if number%1000 == 999 {
			r.advance(1000)
		}
		return ctx.Err()
	})
	if err != nil {
		if _, open := connector.OpenCause(err); open || ctx.Err() != nil {
			return err
		}
		complete = false // what was seen is true; the rest is looked up one by one
	}
	slices.SortFunc(x.entries, func(a, b matchEntry) int { return bytes.Compare(a.digest[:], b.digest[:]) })
	x.complete = complete
	r.mu.Lock()
	r.indexes[p.ObjectType] = x
	r.mu.Unlock()
	return nil
}

func (r *run) index(typ string) *matchIndex {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.indexes[typ]
}

// match answers a LookupMatch: who in the target has one of the object's matching
// values, unless somebody else in the source has.
func (r *run) match(ctx context.Context, p *provision.Program, it *item, matches []mapping.Match) error {
	if len(it.situation.Rivals) > 0 {
		it.situation.Matches = []provision.MatchResult{}
		return nil
	}
	claims := provision.Claims(p.Mapping, matches)
	results := make([]provision.MatchResult, 0, len(matches))
	for i, m := range matches {
		ids, err := r.findMatch(ctx, p, it, m, claims[i])
		if err != nil {
			return err
		}
		results = append(results, provision.MatchResult{Match: m, Accounts: ids})
		if len(ids) > 0 {
			break
		}
	}
	it.situation.Matches = results
	return nil
}

// findMatch asks the listing where it can be trusted, else the target. Where
// the target cannot filter, a listing is made; that nobody has a value is only
// said when the listing is whole.
func (r *run) findMatch(ctx context.Context, p *provision.Program, it *item, m mapping.Match, claim provision.Claim) ([]string, error) {
	x := r.index(p.ObjectType)
	if x != nil && !it.fresh {
		if ids := x.find(claim); len(ids) > 0 || x.complete {
			return ids, nil
		}
	}
	accounts, err := r.Target.Find(ctx, p.ObjectType, m.Path, m.Value, []directory.Path{m.Path})
	if err == nil && (len(accounts) > 0 || it.refused == "") {
		ids := make([]string, len(accounts))
		for i, account := range accounts {
			ids[i] = account.ID
		}
		return ids, nil
	}
	if err != nil && !errors.Is(err, connector.ErrCannotFilter) {
		return nil, err
	}
	if err := r.listOnce(ctx, p); err != nil {
		return nil, err
	}
	x = r.index(p.ObjectType)
	ids := x.find(claim)
	if len(ids) == 0 && !x.complete && err != nil {
		return nil, &connector.Error{Class: connector.Transient, Code: "UnprocessableEntity",
			Detail: "the app can neither filter by " + m.Path.String() + " nor list its accounts reliably, so it cannot be told whether the account exists"}
	}
	return ids, nil
}

// listOnce makes the listing for those who come to need one in mid-phase.
func (r *run) listOnce(ctx context.Context, p *provision.Program) error {
	select {
	case r.listing <- struct{}{}:
		defer func() { <-r.listing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if x := r.index(p.ObjectType); x != nil && (x.complete || x.late) {
		return nil
	}
	if err := r.list(ctx, p); err != nil {
		return err
	}
	r.index(p.ObjectType).late = true
	return nil
}

// rivals knows which matching values several unlinked objects of one type have.
type rivals struct {
	seed  maphash.Seed
	twice map[uint64][]directory.Key
}

// survey is what one look over all keys of a type tells before anything is
// written.
type survey struct {
	keys     int64
	unlinked int64 // objects that will have to be matched
	rivals   *rivals
}

// survey counts the keys and finds matching values that an unlinked object
// shares with another, linked or not.
func (r *run) survey(ctx context.Context, p *provision.Program, keys Keys) (survey, error) {
	s := survey{rivals: &rivals{seed: maphash.MakeSeed(), twice: make(map[uint64][]directory.Key)}}
	var hashes []uint64
	err := r.eachClaims(ctx, p, keys, false, func(_ directory.Key, claims []provision.Claim) {
		s.keys++
		if len(claims) > 0 {
			s.unlinked++
			for _, claim := range claims {
				hashes = append(hashes, s.rivals.hash(claim))
			}
		}
	})
	if err != nil || len(hashes) == 0 {
		return s, err
	}
	slices.Sort(hashes)
	for i := 1; i < len(hashes); i++ {
		if hashes[i] == hashes[i-1] {
			s.rivals.twice[hashes[i]] = nil
		}
	}
	if !r.unlinked {
		err := r.share(ctx, p, keys, true, s.rivals, func(hash uint64) bool {
			_, wanted := slices.BinarySearch(hashes, hash)
			return wanted
		})
		if err != nil {
			return s, err
		}
	}
	if len(s.rivals.twice) == 0 {
		return s, nil
	}
	return s, r.share(ctx, p, keys, false, s.rivals, func(hash uint64) bool {
		_, shared := s.rivals.twice[hash]
		return shared
	})
}

// share notes who has those of the values that are wanted, linked or not as
// asked, in the order of their keys.
func (r *run) share(ctx context.Context, p *provision.Program, keys Keys, linked bool, x *rivals, wanted func(hash uint64) bool) error {
	found := make(map[uint64][]directory.Key)
	err := r.eachClaims(ctx, p, keys, linked, func(key directory.Key, claims []provision.Claim) {
		for _, claim := range claims {
			if hash := x.hash(claim); wanted(hash) {
				found[hash] = append(found[hash], key)
			}
		}
	})
	for hash, sharing := range found {
		slices.SortFunc(sharing, directory.Key.Compare)
		x.twice[hash] = append(x.twice[hash], sharing...)
	}
	return err
}

// eachClaims calls f for every key of a type, in any order, with what claimsIf
// gives of it: several pages are read at a time, for nothing else is done yet.
func (r *run) eachClaims(ctx context.Context, p *provision.Program, keys Keys, linked bool, f func(directory.Key, []provision.Claim)) error {
	var pages errgroup.Group
	pages.SetLimit(runtime.GOMAXPROCS(0))
	var mu sync.Mutex // held while f is called
	err := eachPage(ctx, p.ObjectType, keys, func(page []directory.Key) error {
		pages.Go(func() error {
			claims, err := r.claimsIf(p, page, linked)
			mu.Lock()
			defer mu.Unlock()
			for i := range claims {
				f(page[i], claims[i])
			}
			return err
		})
		return nil
	})
	return errors.Join(err, pages.Wait())
}

// eachKey calls f for every key of a type.
func eachKey(ctx context.Context, objectType string, keys Keys, f func(directory.Key) error) error {
	return eachPage(ctx, objectType, keys, func(page []directory.Key) error {
		for _, key := range page {
			if err := f(key); err != nil {
				return err
			}
		}
		return nil
	})
}

// eachPage calls f with all keys of a type, a page at a time.
func eachPage(ctx context.Context, objectType string, keys Keys, f func([]directory.Key) error) error {
	after := ""
	for {
		anchors, err := keys.Page(objectType, after, chunkSize)
		if err != nil {
			return err
		}
		page := make([]directory.Key, len(anchors))
		for i, anchor := range anchors {
			page[i] = directory.Key{Type: objectType, Anchor: anchor}
		}
		if err := f(page); err != nil {
			return err
		}
		if len(anchors) < chunkSize || ctx.Err() != nil {
			return ctx.Err()
		}
		after = anchors[len(anchors)-1]
	}
}

func (x *rivals) hash(claim provision.Claim) uint64 {
	return maphash.Comparable(x.seed, claim)
}

// claimsIf gives of each object the matching values that it has now, if it is in
// scope, and linked or not as asked.
func (r *run) claimsIf(p *provision.Program, keys []directory.Key, linked bool) ([][]provision.Claim, error) {
	have, err := r.Ledger.HaveLinks(keys)
	if err != nil {
		return nil, err
	}
	wanted := make([]directory.Key, 0, len(keys))
	places := make([]int, 0, len(keys)) // of each
	for i, key := range keys {
		if have[i] == linked {
			wanted, places = append(wanted, key), append(places, i)
		}
	}
	records, err := r.Snapshot.SomeOf(wanted, p.Matched())
	if err != nil {
		return nil, err
	}
	claims := make([][]provision.Claim, len(keys))
	var it item // one after the other
	var decider provision.Decider
	for i, key := range wanted {
		it.key = key
		if err := r.regard(p, &it, records[i]); err != nil {
			return nil, err
		}
		for _, need := range decider.Decide(it.situation, p).Need {
			if need.Kind == provision.LookupMatch {
				claims[places[i]] = provision.Claims(p.Mapping, need.Matches)
			}
		}
	}
	return claims, nil
}

// findRivals finds for those who ask for a match who else in the source has one of
// their matching values: linked objects, ones that failed for it before, and
// unlinked ones of this cycle.
func (r *run) findRivals(p *provision.Program, asking []*item) error {
	claims := make([]ledger.Claiming, 0, len(asking))
	holders := make([]*item, 0, len(asking)) // of each
	for _, it := range asking {
		for _, need := range it.decision.Need {
			if need.Kind != provision.LookupMatch {
				continue
			}
			it.situation.Rivals = nil
			for _, claim := range provision.Claims(p.Mapping, need.Matches) {
				claims, holders = append(claims, ledger.Claiming{Key: it.key, Claim: claim}), append(holders, it)
			}
		}
	}
	claimants, err := r.Ledger.Claimants(claims...)
	if err != nil {
		return err
	}
	for i, it := range holders {
		if err := r.findRivalsFor(it, claims[i].Claim, claimants[i]); err != nil {
			return err
		}
	}
	return nil
}

// findRivalsFor adds to an object's rivals those who have one claim of it: who
// claims it in the ledger, and who does in this cycle.
func (r *run) findRivalsFor(it *item, claim provision.Claim, claimants []directory.Key) error {
	rivals := it.situation.Rivals
	for _, other := range claimants {
		// Who is not in the source, or was before its epoch changed, claims
		// nothing: whoever comes in their place is matched (decisions 23).
		record, known, err := r.Snapshot.Object(other)
		if err != nil {
			return err
		}
		if known && !record.Orphaned {
			rivals = append(rivals, other)
		}
	}
	if r.rivals != nil {
		for _, other := range r.rivals.twice[r.rivals.hash(claim)] {
			if other != it.key && !slices.Contains(rivals, other) && len(rivals) < 4 {
				rivals = append(rivals, other)
			}
		}
	}
	it.situation.Rivals = rivals
	return nil
}
