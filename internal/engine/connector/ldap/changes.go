package ldap

import (
	"context"
	"errors"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// overlap is how far before the youngest modifyTimestamp changes are looked
// for: a change that another server made arrives with its own, older time.
const overlap = 10 * time.Minute

// listing is who is there, of one search.
type listing struct {
	tally
	anchors []anchor
	partly  bool // not everyone could be told
}

// delta is what changed, of one search.
type delta struct {
	given map[anchor]bool
	added sum // the names of the entries made since
}

// changes gives what has changed since the old positions. It reports false
// when that cannot be told, or takes reading everything.
func (r *reading) changes(ctx context.Context, old map[string]position) (told bool, err error) {
	listings, deltas, err := r.synchronized(ctx, old)
	if errors.Is(err, errNoSynchronization) && r.incremental != incrementalSyncrepl {
		listings, deltas, err = r.byTime(ctx, old)
	}
	switch {
	case errors.Is(err, errNoSynchronization):
		return false, r.unsynchronized()
	case errors.Is(err, errFull):
		return false, nil
	case err != nil:
		return false, err
	}
	for _, d := range r.searches {
		listed, changed := listings[d.typ], deltas[d.typ]
		if listed == nil {
			r.result.Coverage[d.typ] = connector.ChangesOnly
			continue
		}
		names := old[d.typ].Names
		if changed != nil {
			names.add(changed.added)
		}
		if names != listed.Names {
			return false, nil
		}
		r.at[d.typ] = position{Cookie: r.at[d.typ].Cookie, Fresh: listed.tally != old[d.typ].tally, tally: listed.tally}
		if err := r.stand(d, listed, changed); err != nil {
			return false, err
		}
	}
	r.result.Unchanged = !r.given && len(r.result.Problems) == 0
	return true, nil
}

// errFull says that everything has to be read.
var errFull = errors.New("everything has to be read")

// synchronized gives the changes by content synchronization, and lists the
// anchors of those searches whose cookie moved.
func (r *reading) synchronized(ctx context.Context, old map[string]position) (map[string]*listing, map[string]*delta, error) {
	listings, deltas := make(map[string]*listing), make(map[string]*delta)
	if synchronize, err := r.synchronizes(); err != nil {
		return nil, nil, err
	} else if !synchronize {
		return nil, nil, errNoSynchronization
	}
	for _, d := range r.searches {
		was := old[d.typ]
		if len(was.Cookie) == 0 {
			return nil, nil, errNoSynchronization
		}
		request, err := r.wholeRequest(ctx, d, "")
		if err != nil {
			return nil, nil, err
		}
		changed := &delta{given: make(map[anchor]bool)}
		cookie, err := r.refresh(ctx, r.doing(d), request, was.Cookie, r.taker(d, was, changed))
		code, _ := resultCode(err)
		if code == goldap.LDAPResultSyncRefreshRequired || code == goldap.LDAPResultProtocolError || errors.Is(err, errReferral) {
			return nil, nil, errFull
		}
		if err != nil {
			return nil, nil, err
		}
		r.at[d.typ] = position{Cookie: cookie, Fresh: was.Fresh, tally: was.tally}
		if len(changed.given) > 0 || string(cookie) != string(was.Cookie) {
			deltas[d.typ] = changed
		}
	}
	for _, d := range r.searches {
		if deltas[d.typ] == nil {
			continue
		}
		listed, err := r.list(ctx, d)
		if err != nil {
			return nil, nil, err
		}
		listings[d.typ] = listed
	}
	return listings, deltas, nil
}

// byTime lists the anchors, and where anything differs reads the entries whose
// modifyTimestamp is young. It has whole seconds, so that after a change the
// entries of the youngest one are read once more.
func (r *reading) byTime(ctx context.Context, old map[string]position) (map[string]*listing, map[string]*delta, error) {
	listings, deltas := make(map[string]*listing), make(map[string]*delta)
	for _, d := range r.searches {
		was := old[d.typ]
		if was.Latest.IsZero() {
			return nil, nil, errFull
		}
		listed, err := r.list(ctx, d)
		if err != nil {
			return nil, nil, err
		}
		listings[d.typ] = listed
	}
	for _, d := range r.searches {
		was := old[d.typ]
		from := was.Latest.Add(-overlap)
		if listings[d.typ].tally == was.tally {
			if from = was.Latest; !was.Fresh {
				continue
			}
		}
		young := "(" + modifiedAttribute + ">=" + from.UTC().Format("20060102150405Z") + ")"
		request, err := r.wholeRequest(ctx, d, young)
		if err != nil {
			return nil, nil, err
		}
		changed := &delta{given: make(map[anchor]bool)}
		if err := r.paged(ctx, r.doing(d), request, r.taker(d, was, changed)); err != nil && !errors.Is(err, errReferral) {
			return nil, nil, err
		}
		deltas[d.typ] = changed
	}
	return listings, deltas, nil
}

// taker gives what takes the changed entries of a search.
func (r *reading) taker(d *search, was position, changed *delta) func(*goldap.Entry) error {
	return func(entry *goldap.Entry) error {
		a, problem := anchorOf(entry)
		if problem != "" {
			return nil // the listing tells of it
		}
		if !changed.given[a] && timestamp(entry, createdAttribute).After(was.Latest) {
			changed.added.add(nameSum(a, entry))
		}
		changed.given[a] = true
		return r.give(d, a, entry)
	}
}

// list reads the anchors of all entries of a search.
func (r *reading) list(ctx context.Context, d *search) (*listing, error) {
	listed := &listing{}
	request := d.request("", []string{anchorAttribute, modifiedAttribute})
	err := r.paged(ctx, "list "+d.block+" below "+d.base, request, func(entry *goldap.Entry) error {
		a, problem := anchorOf(entry)
		if problem == "" {
			listed.add(a, entry)
			listed.anchors = append(listed.anchors, a)
			return nil
		}
		if listed.partly {
			return nil
		}
		listed.partly = true
		return r.problem(d, "", entry.DN, problem)
	})
	if errors.Is(err, errReferral) {
		listed.partly, err = true, r.referred(d)
	}
	return listed, err
}

// stand says of those who did not change that they are there, where others did:
// so that the references of those are known to be all that there are.
func (r *reading) stand(d *search, listed *listing, changed *delta) error {
	r.result.Coverage[d.typ] = connector.ChangesOnly
	if changed == nil || len(changed.given) == 0 {
		return nil
	}
	for _, a := range listed.anchors {
		if changed.given[a] {
			continue
		}
		seen := connector.Change{Kind: connector.Seen, Object: directory.Object{Key: directory.Key{Type: d.typ, Anchor: a.String()}}}
		if err := r.yield(seen); err != nil {
			return err
		}
	}
	if !listed.partly {
		r.result.Coverage[d.typ] = connector.Complete
	}
	return nil
}
