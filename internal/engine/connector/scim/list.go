package scim

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"net/url"
	"strconv"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// maxAccounts ends a list that has no end.
const maxAccounts = 20_000_000

// listing is one list under way. Only what was seen counts, never what was
// announced alone: totalResults is the page's size on some servers, and some
// give the first page for every startIndex.
type listing struct {
	typ     string
	want    []*attribute
	members bool
	seed    maphash.Seed
	seen    map[uint64]struct{} // hashes of ids
	last    string              // id of the last new account
	total   int                 // the most that was announced
	flawed  bool                // something came twice, or without an id
}

// List gives every account, page by page. The end is where an answer holds
// nothing new; where the number announced may be that of the page alone, the
// last account is asked for once more, which tells whether one follows and
// whether the server keeps to positions, and never asks past the end.
func (t *target) List(ctx context.Context, typ string, want []directory.Path, yield func(connector.Account) error) (bool, error) {
	if t.dialect.NoList {
		return false, rejected(codeNotOffered, "the app cannot list its accounts", nil)
	}
	l := &listing{
		typ: typ, want: t.attributes(typ, want), members: wantsMembers(typ, want),
		seed: maphash.MakeSeed(), seen: map[uint64]struct{}{},
	}
	for {
		p, err := t.laterPage(ctx, l)
		if err != nil {
			return false, err
		}
		if err := t.take(l, p, yield); err != nil {
			return false, err
		}
		switch {
		case p.fresh == 0:
			l.flawed = l.flawed || len(p.resources) > 0
			return l.complete(), nil
		case len(l.seen) < l.total:
			continue
		case p.total > len(p.resources):
			return l.complete(), nil
		}
		end, err := t.atEnd(ctx, l, yield)
		if err != nil || end {
			return l.complete(), err
		}
	}
}

func (l *listing) complete() bool { return !l.flawed && len(l.seen) >= l.total }

// laterPage asks for the page after what was seen. Of a list that has begun a
// page is repeated where the list as a whole cannot be, since what was given
// cannot be taken back.
func (t *target) laterPage(ctx context.Context, l *listing) (p *freshPage, err error) {
	if len(l.seen) == 0 {
		return t.nextPage(ctx, l, 1)
	}
	err = t.repeat(ctx, func() error {
		p, err = t.nextPage(ctx, l, len(l.seen)+1)
		return err
	})
	return p, err
}

// repeat repeats a read that may be: nobody else does so in mid-list.
func (t *target) repeat(ctx context.Context, read func() error) error {
	return connector.RepeatRead(ctx, t.clock, rand.Float64, read)
}

// freshPage is a page and how many of its accounts were not seen before.
type freshPage struct {
	page
	fresh int
}

// nextPage asks for the page from start, and at the beginning for smaller ones
// where the server fails on their size.
func (t *target) nextPage(ctx context.Context, l *listing, start int) (*freshPage, error) {
	for count := t.learned.count(); ; {
		p, err := t.query(ctx, l.typ, window(start, count), l.members)
		if err == nil {
			if l.total = max(l.total, p.total); len(l.seen) > maxAccounts {
				return nil, rejected(codeIncompatible, fmt.Sprintf("the list of %ss does not end after %d accounts", l.typ, maxAccounts), nil)
			}
			t.learned.limitCount(count)
			return &freshPage{page: p}, nil
		}
		if start > 1 || count <= 10 || !refusesCount(err) {
			return nil, err
		}
		count = max(count/2, 10)
	}
}

func window(start, count int) url.Values {
	return url.Values{"startIndex": {strconv.Itoa(start)}, "count": {strconv.Itoa(count)}}
}

// refusesCount reports whether an error may be due to the count that was asked
// for.
func refusesCount(err error) bool {
	var e *connector.Error
	return errors.As(err, &e) && (e.Code == codeServer && e.Class == connector.Transient || e.Code == codeUnprocessable || e.Code == codeInvalidValue)
}

// take yields what is new on a page.
func (t *target) take(l *listing, p *freshPage, yield func(connector.Account) error) error {
	for _, r := range p.resources {
		id := r.id()
		if id == "" {
			l.flawed = true
			continue
		}
		hash := maphash.String(l.seed, id)
		if _, known := l.seen[hash]; known {
			l.flawed = true
			continue
		}
		l.seen[hash] = struct{}{}
		l.last = id
		p.fresh++
		if err := yield(t.account(l.typ, r, r.version(""), l.want)); err != nil {
			return err
		}
	}
	return nil
}

// atEnd asks for the last account and the one after it. There is none: the
// end. There is: it is yielded, and the list goes on.
func (t *target) atEnd(ctx context.Context, l *listing, yield func(connector.Account) error) (bool, error) {
	const count = 2
	var p page
	err := t.repeat(ctx, func() (err error) {
		p, err = t.query(ctx, l.typ, window(len(l.seen), count), l.members)
		return err
	})
	if err != nil {
		return false, err
	}
	if len(p.resources) == 0 || p.resources[0].id() != l.last {
		// Positions are not kept to, unless all accounts come at once, whatever is
		// asked for.
		l.flawed = len(p.resources) < count || len(p.resources) < len(l.seen)
		return true, nil
	}
	rest := &freshPage{page: page{total: p.total, resources: p.resources[1:]}}
	if err := t.take(l, rest, yield); err != nil {
		return false, err
	}
	return rest.fresh == 0, nil
}
