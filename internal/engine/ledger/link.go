// Package ledger keeps, for each app, what is known of its accounts: the links
// between source objects and accounts, the members sent to groups, the intents
// written before a send, the escrows of what failed, and how far a job has come.
// It lays these out as rows of a store; every change is a mutation that the
// caller commits together with what belongs to it.
package ledger

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// Tables of the ledger. Keys begin with the app's id, but for owners.
const (
	tableLinks   store.Table = "links"
	tableClaims  store.Table = "claims"  // of links
	tableWaiting store.Table = "waiting" // claims of escrows
	tableOwners  store.Table = "owners"
	tableDue     store.Table = "due"
	tableMembers store.Table = "members"
	tableIntents store.Table = "intents"
	tableEscrows store.Table = "escrows"
)

// Ledger reads the rows of one app.
type Ledger struct {
	r          store.Reader
	app        string
	connection string
}

// Open gives the ledger of an app whose target is that connection.
func Open(r store.Reader, appID, connection string) *Ledger {
	return &Ledger{r, appID, connection}
}

// Linked is a link and whose it is.
type Linked struct {
	Key  directory.Key
	Link provision.Link
}

// Link gives the link of an object, nil when there is none.
func (l *Ledger) Link(key directory.Key) (*provision.Link, error) {
	data, err := l.r.Get(tableLinks, store.Key(l.app, key.Type, key.Anchor))
	if err != nil || data == nil {
		return nil, err
	}
	link, err := decodeLink(data)
	if err != nil {
		return nil, fmt.Errorf("link of %s: %w", key, err)
	}
	return &link, nil
}

// Has reports whether an object has a link.
func (l *Ledger) Has(key directory.Key) (bool, error) {
	have, err := l.HaveLinks([]directory.Key{key})
	return have[0], err
}

// Links gives up to limit links of a type, ascending by anchor, after that
// anchor.
func (l *Ledger) Links(typ, after string, limit int) ([]Linked, error) {
	prefix := store.Prefix(l.app, typ)
	from := prefix
	if after != "" {
		from = append(store.Key(l.app, typ, after), 0)
	}
	var links []Linked
	err := l.r.Walk(tableLinks, from, store.Successor(prefix), limit, func(row store.Row) error {
		link, err := decodeLink(row.Value)
		links = append(links, Linked{directory.Key{Type: typ, Anchor: string(row.Key[len(prefix):])}, link})
		return err
	})
	if err != nil {
		return nil, err
	}
	return links, nil
}

// Anchors gives up to limit anchors of linked objects of a type after that
// anchor, without reading the links.
func (l *Ledger) Anchors(typ, after string, limit int) ([]string, error) {
	prefix := store.Prefix(l.app, typ)
	from := prefix
	if after != "" {
		from = append(store.Key(l.app, typ, after), 0)
	}
	var anchors []string
	err := l.r.Keys(tableLinks, from, store.Successor(prefix), limit, func(key []byte) error {
		anchors = append(anchors, string(key[len(prefix):]))
		return nil
	})
	return anchors, err
}

// Put gives the mutations that store a link in place of the one before, with
// its claims, ownership and due time. Either may be nil: no link.
func (l *Ledger) Put(key directory.Key, before, after *provision.Link) ([]store.Mutation, error) {
	mutations := make([]store.Mutation, 0, 4) // as many as a new link of one claim takes
	if before != nil {
		for _, claim := range before.Claims {
			mutations = append(mutations, store.Delete(tableClaims, l.claimKey(key.Type, claim, key.Anchor)))
		}
		if !before.Due.IsZero() {
			mutations = append(mutations, store.Delete(tableDue, l.dueKey(before.Due, key)))
		}
		// Of an unproven link's account somebody else may be the owner.
		if !before.Unproven && (after == nil || after.TargetID != before.TargetID || after.Unproven) {
			mutations = append(mutations, store.Delete(tableOwners, l.ownerKey(key.Type, before.TargetID)))
		}
	}
	if after == nil {
		return append(mutations, store.Delete(tableLinks, store.Key(l.app, key.Type, key.Anchor))), nil
	}
	// What is put are parts of one text, behind each other.
	text := make([]byte, 0, l.sizeOf(key, after))
	part := func(longer []byte) []byte {
		start := len(text)
		text = longer
		return text[start:len(text):len(text)]
	}
	row := part(store.AppendKey(text, l.app, key.Type, key.Anchor))
	longer, err := appendLink(text, after)
	if err != nil {
		return nil, fmt.Errorf("link of %s: %w", key, err)
	}
	mutations = append(mutations, store.Put(tableLinks, row, part(longer)))
	for _, claim := range after.Claims {
		mutations = append(mutations, store.Put(tableClaims, part(l.appendClaimKey(text, key.Type, claim, key.Anchor)), nil))
	}
	if !after.Due.IsZero() {
		mutations = append(mutations, store.Put(tableDue, l.dueKey(after.Due, key), nil))
	}
	if !after.Unproven {
		account := part(store.AppendKey(text, l.connection, key.Type, after.TargetID))
		mutations = append(mutations, store.Put(tableOwners, account, part(appendOwner(text, Owner{l.app, key}))))
	}
	return mutations, nil
}

// sizeOf gives about how many bytes the rows of a link take.
func (l *Ledger) sizeOf(key directory.Key, link *provision.Link) int {
	object := len(l.app) + len(key.Type) + len(key.Anchor) + 2
	size := 2*object + linkSize(link) + len(l.connection) + len(key.Type) + len(link.TargetID) + 2
	for _, claim := range link.Claims {
		size += object + len(claim.Path) + len(claim.Value) + 12
	}
	return size
}

// Owner is who manages an account.
type Owner struct {
	AppID string        `json:"app"`
	Key   directory.Key `json:"key"`
}

// Owner gives who manages an account on this connection, over all apps.
func (l *Ledger) Owner(typ, targetID string) (*Owner, error) {
	data, err := l.r.Get(tableOwners, l.ownerKey(typ, targetID))
	if err != nil || data == nil {
		return nil, err
	}
	owner, err := decodeOwner(data)
	if err != nil {
		return nil, fmt.Errorf("owner of account %q: %w", targetID, err)
	}
	return &owner, nil
}

// Claiming is an object and one of its matching values.
type Claiming struct {
	Key   directory.Key
	Claim provision.Claim
}

// Claimants gives of each of the claims, in their order, the objects, other than
// its own, that hold the value and are linked, or failed because several hold it:
// at most two of each.
func (l *Ledger) Claimants(claims ...Claiming) ([][]directory.Key, error) {
	others := make([][]directory.Key, len(claims))
	prefixes := make([][]byte, len(claims))
	for i, c := range claims {
		prefixes[i] = l.claimKey(c.Key.Type, c.Claim, "")
	}
	found := make([]int, len(claims))
	for _, table := range []store.Table{tableClaims, tableWaiting} {
		clear(found)
		err := l.r.PageAll(table, prefixes, 3, func(i int, row store.Row) error {
			other := directory.Key{Type: claims[i].Key.Type, Anchor: string(row.Key[len(prefixes[i]):])}
			if other == claims[i].Key || found[i] == 2 {
				return nil
			}
			found[i]++
			if !slices.Contains(others[i], other) {
				others[i] = append(others[i], other)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return others, nil
}

// Due gives the keys whose time has come.
func (l *Ledger) Due(now time.Time) ([]directory.Key, error) {
	prefix := store.Prefix(l.app)
	var keys []directory.Key
	err := store.Each(l.r, tableDue, prefix, func(row store.Row) error {
		at, key, ok := parseDue(row.Key[len(prefix):])
		if !ok {
			return fmt.Errorf("a due row of app %s is damaged", l.app)
		}
		if at > now.Unix() {
			return errStop
		}
		keys = append(keys, key)
		return nil
	})
	if err != nil && !errors.Is(err, errStop) {
		return nil, err
	}
	return keys, nil
}

var errStop = errors.New("stop")

func (l *Ledger) claimKey(typ string, claim provision.Claim, anchor string) []byte {
	size := len(l.app) + len(typ) + len(claim.Path) + len(claim.Value) + len(anchor) + 12
	return l.appendClaimKey(make([]byte, 0, size), typ, claim, anchor)
}

func (l *Ledger) appendClaimKey(key []byte, typ string, claim provision.Claim, anchor string) []byte {
	// The value is free text: its length keeps it apart from the anchor.
	var size [4]byte
	binary.BigEndian.PutUint32(size[:], uint32(len(claim.Value)))
	key = append(store.AppendKey(key, l.app, typ, claim.Path), 0)
	key = append(hex.AppendEncode(key, size[:]), claim.Value...)
	return append(append(key, 1), anchor...)
}

func (l *Ledger) ownerKey(typ, targetID string) []byte {
	return store.Key(l.connection, typ, targetID)
}

func (l *Ledger) dueKey(at time.Time, key directory.Key) []byte {
	return store.Key(l.app, fmt.Sprintf("%016x", uint64(at.Unix())), key.Type, key.Anchor)
}

func parseDue(rest []byte) (int64, directory.Key, bool) {
	var at uint64
	if len(rest) < 18 {
		return 0, directory.Key{}, false
	}
	if _, err := fmt.Sscanf(string(rest[:16]), "%016x", &at); err != nil {
		return 0, directory.Key{}, false
	}
	typ, anchor, ok := cut(rest[17:])
	return int64(at), directory.Key{Type: typ, Anchor: anchor}, ok
}

// cut parts a key at its first zero byte.
func cut(key []byte) (head, tail string, ok bool) {
	i := slices.Index(key, 0)
	if i < 0 {
		return "", "", false
	}
	return string(key[:i]), string(key[i+1:]), true
}
