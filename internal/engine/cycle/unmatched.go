package cycle

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/similar"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/snapshot"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/status"
)

// Bounds of a report of what is unmatched.
const (
	maxUnmatched = 5000 // accounts, and objects, that it names
	maxNear      = 3    // that it names for each
)

// ErrCannotList says that a target cannot tell which accounts it has.
var ErrCannotList = errors.New("the app cannot list its accounts")

// Unmatched tells which accounts of the target no link holds and nobody in
// scope matches, and who in the source may be meant by each. It reads the
// target by one listing of each object type and writes nothing. Memory follows
// the matching values of those that are not linked, not the accounts.
func Unmatched(ctx context.Context, job Job, keys Keys, env Environment) (status.Unmatched, error) {
	report := status.Unmatched{
		AppID: job.AppID, AppName: job.AppName, Complete: true, Accounts: []status.UnmatchedAccount{}, Doubtful: []status.UnmatchedObject{},
	}
	if !job.Features.CanList {
		return report, ErrCannotList
	}
	r := &run{Job: job, Environment: env}
	for _, p := range job.Programs {
		if !p.Mapping.Enabled {
			continue
		}
		u := &unmatched{run: r, program: p, report: &report, index: similar.New()}
		if err := u.compare(ctx, keys); err != nil {
			return report, err
		}
	}
	return report, nil
}

// unmatched compares the accounts and objects of one type.
type unmatched struct {
	*run
	program  *provision.Program
	report   *status.Unmatched
	wanted   []wanted // ascending by digest
	accounts []status.UnmatchedAccount
	index    *similar.Index // of accounts
}

// wanted is a matching value by which an object finds its account.
type wanted struct {
	digest [16]byte
	found  bool // an account has it
}

func (u *unmatched) compare(ctx context.Context, keys Keys) error {
	u.begin("comparing " + phaseOf(u.program.ObjectType))
	err := eachKey(ctx, u.program.ObjectType, keys, func(key directory.Key) error {
		j, err := u.judge(key)
		if err != nil {
			return err
		}
		for _, claim := range j.finds {
			u.wanted = append(u.wanted, wanted{digest: digestOf(claim)})
		}
		u.advance(1)
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(u.wanted, func(a, b wanted) int { return bytes.Compare(a.digest[:], b.digest[:]) })
	u.wanted = slices.CompactFunc(u.wanted, func(a, b wanted) bool { return a.digest == b.digest })
	if err := u.listAccounts(ctx); err != nil {
		return err
	}
	u.begin("comparing " + phaseOf(u.program.ObjectType))
	if err := u.resemble(ctx); err != nil {
		return err
	}
	slices.SortFunc(u.accounts, func(a, b status.UnmatchedAccount) int { return strings.Compare(a.ID, b.ID) })
	u.report.Accounts = append(u.report.Accounts, u.accounts...)
	return nil
}

// judged is what is known of an object without asking the target.
type judged struct {
	*item
	linked  bool // by a link that is proven
	inScope bool // and would be matched, or get an account
	// finds are the matching values that find its account: those that it has,
	// if it is in scope, and those that an unproven link was made by.
	finds []provision.Claim
}

func (u *unmatched) judge(key directory.Key) (judged, error) {
	j := judged{item: &item{key: key}}
	if err := u.prepare(u.program, j.item); err != nil {
		return j, err
	}
	if link := j.situation.Link; link != nil {
		if !link.Unproven {
			j.linked = true
			return j, nil
		}
		j.finds, j.situation.Link = link.Claims, nil
	}
	j.decision = provision.Decide(j.situation, u.program)
	for _, need := range j.decision.Need {
		if need.Kind == provision.LookupMatch {
			j.inScope, j.finds = true, append(slices.Clone(j.finds), provision.Claims(u.program.Mapping, need.Matches)...)
		}
	}
	return j, nil
}

// find notes that an account has what somebody wants.
func (u *unmatched) find(digest [16]byte) bool {
	at, ok := u.at(digest)
	if ok {
		u.wanted[at].found = true
	}
	return ok
}

func (u *unmatched) at(digest [16]byte) (int, bool) {
	return slices.BinarySearchFunc(u.wanted, digest, func(w wanted, d [16]byte) int { return bytes.Compare(w.digest[:], d[:]) })
}

// listAccounts reads the accounts, and keeps those that nobody has and nobody
// wants.
func (u *unmatched) listAccounts(ctx context.Context) error {
	u.begin("listing accounts")
	typ, matching := u.program.ObjectType, u.program.Mapping.MatchingPaths()
	want := slices.Clone(matching)
	for _, path := range u.program.Mapping.Paths() {
		if namingOf(path) != notNaming && !slices.Contains(want, path) {
			want = append(want, path)
		}
	}
	complete, err := u.Target.List(ctx, typ, want, func(account connector.Account) error {
		u.report.Listed++
		u.advance(1)
		owner, err := u.Ledger.Owner(typ, account.ID)
		switch {
		case err != nil:
			return err
		case owner != nil:
			u.report.Linked++
			return ctx.Err()
		}
		matched := false
		for _, path := range matching {
			if value, ok := account.Values[path.String()]; ok && !value.IsEmpty() {
				claim := provision.Claim{Path: path.String(), Value: provision.Fold(u.program.Mapping, path, value)}
				matched = u.find(digestOf(claim)) || matched
			}
		}
		switch {
		case matched:
			u.report.Matched++
		case len(u.report.Accounts)+len(u.accounts) == maxUnmatched:
			u.report.More++
		default:
			u.keep(account, matching)
		}
		return ctx.Err()
	})
	if err == nil {
		u.report.Complete = u.report.Complete && complete
	}
	return err
}

func (u *unmatched) keep(account connector.Account, matching []directory.Path) {
	kept := status.UnmatchedAccount{
		ObjectType: u.program.ObjectType, AccountEnd: status.AccountEnd{ID: account.ID}, Enabled: account.Enabled,
		Protected: u.program.Protected[account.ID], Near: []status.Near{},
	}
	for _, path := range matching {
		if value := account.Values[path.String()].String(); value != "" {
			kept.Matching = cmp.Or(kept.Matching, value)
			kept.Protected = kept.Protected || u.program.Protected[value] || u.program.Protected[directory.Fold(value)]
		}
	}
	var p similar.Profile
	given, family := "", ""
	for _, text := range slices.Sorted(maps.Keys(account.Values)) {
		path, err := directory.ParsePath(text)
		if err != nil {
			continue
		}
		switch name := account.Values[text].String(); namingOf(path) {
		case handle:
			p.Handles = append(p.Handles, name)
		case fullName:
			p.Names = append(p.Names, name)
			kept.DisplayName = cmp.Or(kept.DisplayName, name)
		case givenName:
			given = name
		case familyName:
			family = name
		}
	}
	if full := strings.TrimSpace(given + " " + family); full != "" {
		p.Names = append(p.Names, full)
		kept.DisplayName = cmp.Or(kept.DisplayName, full)
	}
	kept.DisplayName = cmp.Or(kept.DisplayName, kept.Matching, account.ID)
	u.index.Add(p)
	u.accounts = append(u.accounts, kept)
}

// resemble looks, for each object of the source that has no account, which of
// the accounts that are left may be its own.
func (u *unmatched) resemble(ctx context.Context) error {
	after := ""
	for {
		records, err := u.Snapshot.Objects(u.program.ObjectType, after, chunkSize)
		if err != nil {
			return err
		}
		for _, record := range records {
			if err := u.resembleOne(record); err != nil {
				return err
			}
		}
		u.advance(int64(len(records)))
		if len(records) < chunkSize || ctx.Err() != nil {
			return ctx.Err()
		}
		after = records[len(records)-1].Anchor
	}
}

func (u *unmatched) resembleOne(record snapshot.Record) error {
	if record.State != snapshot.Present || !record.Known || record.Orphaned {
		return nil
	}
	j, err := u.judge(record.Key)
	if err != nil || j.linked {
		return err
	}
	for _, claim := range j.finds {
		if at, ok := u.at(digestOf(claim)); ok && u.wanted[at].found {
			return nil
		}
	}
	if j.inScope {
		u.report.New++
	}
	view := j.situation.View
	found := u.index.Near(profileOf(view, u.matchesOf(j.item)))
	if len(found) == 0 {
		return nil
	}
	end := status.AccountEnd{ID: record.Anchor, DisplayName: view.Display()}
	object := status.UnmatchedObject{ObjectType: u.program.ObjectType, AccountEnd: end, Near: []status.Near{}}
	for _, likeness := range found {
		account := &u.accounts[likeness.Item]
		near := status.Near{AccountEnd: end, Score: likeness.Score, Because: likeness.Because}
		if !j.inScope {
			near.Reason = j.decision.Reason
		}
		account.Near = addNear(account.Near, near)
		near.AccountEnd, near.Reason = status.AccountEnd{ID: account.ID, DisplayName: cmp.Or(account.Matching, account.DisplayName)}, ""
		object.Near = addNear(object.Near, near)
	}
	switch {
	case !j.inScope:
	case len(u.report.Doubtful) == maxUnmatched:
		u.report.MoreDoubtful++
	default:
		u.report.Doubtful = append(u.report.Doubtful, object)
	}
	return nil
}

// matchesOf gives an object's matching values, in scope or not.
func (u *unmatched) matchesOf(it *item) []mapping.Match {
	matches, err := u.program.Mapping.Matches(mapping.Input{View: it.situation.View, Now: it.situation.Now, Random: it.seed(u.AppID)})
	if err != nil {
		return nil // it is near by its other names
	}
	return matches
}

func addNear(list []status.Near, near status.Near) []status.Near {
	list = append(list, near)
	slices.SortFunc(list, func(a, b status.Near) int { return cmp.Or(cmp.Compare(b.Score, a.Score), strings.Compare(a.ID, b.ID)) })
	return list[:min(len(list), maxNear)]
}

// profileOf gives what an object of the source goes by, there and in the app.
func profileOf(view *mapping.View, matches []mapping.Match) similar.Profile {
	text := func(name string) string {
		value, _ := view.Attribute(name)
		return value.String()
	}
	p := similar.Profile{Names: []string{text("displayName"), text("givenName") + " " + text("surname")}}
	for _, name := range []string{"userPrincipalName", "mail", "mailNickname"} {
		p.Handles = append(p.Handles, text(name))
	}
	for _, m := range matches {
		switch namingOf(m.Path) {
		case handle:
			p.Handles = append(p.Handles, m.Value.String())
		case fullName:
			p.Names = append(p.Names, m.Value.String())
		}
	}
	return p
}

// naming is how an attribute of an account names it.
type naming uint8

const (
	notNaming naming = iota
	handle           // a user name or mail address
	fullName
	givenName
	familyName
)

// namingOf tells by what systems commonly call their attributes.
func namingOf(path directory.Path) naming {
	name := strings.ToLower(path.Name())
	if path.Sub() != "" && name != "emails" {
		name = strings.ToLower(path.Sub())
	}
	switch name {
	case "username", "emails", "email", "mail", "userprincipalname", "samaccountname", "uid", "login", "mailnickname", "nickname":
		return handle
	case "displayname", "formatted", "cn":
		return fullName
	case "givenname", "firstname":
		return givenName
	case "familyname", "lastname", "surname", "sn":
		return familyName
	}
	return notNaming
}
