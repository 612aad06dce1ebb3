package ledger

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func user(anchor string) directory.Key { return directory.Key{Type: directory.User, Anchor: anchor} }

type world struct {
	t testing.TB
	s store.Store
}

func newWorld(t testing.TB) world { return world{t, store.Memory()} }

func (w world) app(id string) *Ledger { return Open(w.s, id, "target") }

func (w world) commit(mutations ...store.Mutation) {
	w.t.Helper()
	if err := w.s.Commit(context.Background(), mutations...); err != nil {
		w.t.Fatal(err)
	}
}

func (w world) put(l *Ledger, key directory.Key, before, after *provision.Link) {
	w.t.Helper()
	mutations, err := l.Put(key, before, after)
	if err != nil {
		w.t.Fatal(err)
	}
	w.commit(mutations...)
}

// rows gives every row of the ledger's tables, as text.
func (w world) rows() []string {
	var rows []string
	for _, table := range []store.Table{tableLinks, tableClaims, tableWaiting, tableOwners, tableDue, tableMembers, tableIntents, tableEscrows, tableHeld, tableApproved, tableApprovedMembers} {
		err := store.Each(w.s, table, nil, func(row store.Row) error {
			rows = append(rows, fmt.Sprintf("%s %q %q", table, row.Key, row.Value))
			return nil
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return rows
}

func same(a, b provision.Link) bool {
	text := func(l provision.Link) string {
		d := l.Disabled
		l.Disabled = nil
		return fmt.Sprintf("%+v %+v", l, d)
	}
	return text(a) == text(b)
}

func anyLink() *rapid.Generator[provision.Link] {
	anchor := rapid.StringMatching(`[a-zA-Z0-9/ äß:]{1,12}`)
	at := rapid.Custom(func(t *rapid.T) time.Time {
		return time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "seconds"), rapid.Int64Range(0, 999).Draw(t, "nanos")).UTC()
	})
	return rapid.Custom(func(t *rapid.T) provision.Link {
		l := provision.Link{
			TargetID: anchor.Draw(t, "id"), CreatedByUs: rapid.Bool().Draw(t, "created"), Unproven: rapid.Bool().Draw(t, "unproven"),
			Display: rapid.String().Draw(t, "display"), Cycle: anchor.Draw(t, "cycle"), LinkedAt: at.Draw(t, "linked"), ChangedAt: at.Draw(t, "changed"),
			Action: rapid.SampledFrom([]provision.Action{"", provision.ActionCreate, provision.ActionNone}).Draw(t, "action"),
		}
		if rapid.Bool().Draw(t, "due") {
			l.Due = at.Draw(t, "due at")
		}
		if rapid.Bool().Draw(t, "disabled") {
			l.Disabled = &provision.Disabled{Loss: provision.LossAbsent, At: at.Draw(t, "disabled at")}
		}
		for _, value := range rapid.SliceOfN(rapid.String(), 0, 2).Draw(t, "claims") {
			l.Claims = append(l.Claims, provision.Claim{Path: "userName", Value: value})
		}
		if rapid.Bool().Draw(t, "assigned") {
			l.Assignment = []string{anchor.Draw(t, "assignment")}
		}
		sent := map[string]provision.Sent{}
		for _, path := range rapid.SliceOfNDistinct(anchor, 0, 4, rapid.ID[string]).Draw(t, "paths") {
			value := rapid.OneOf(rapid.Just(directory.Null), rapid.Map(rapid.String(), directory.Text), rapid.Map(rapid.Int64(), directory.Integer),
				rapid.Map(rapid.SliceOf(rapid.String()), func(s []string) directory.Value { return directory.Texts(s...) })).Draw(t, "value")
			sent[path] = provision.Sent{Value: value, Own: rapid.Bool().Draw(t, "own")}
		}
		l.Sent = provision.NewSentValues(sent)
		return l
	})
}

func TestLink_stored(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		l := w.app("a")
		link := anyLink().Draw(rt, "link")
		w.put(l, user("1"), nil, &link)
		got, err := l.Link(user("1"))
		if err != nil || got == nil || !same(*got, link) {
			rt.Fatalf("%+v comes back as %+v, %v", link, got, err)
		}
		data, _ := appendLink(nil, &link)
		again, _ := appendLink(nil, got)
		if string(again) != string(data) {
			rt.Fatal("equal links have other bytes")
		}
		for cut := range len(data) {
			if _, err := decodeLink(data[:cut]); err == nil {
				rt.Fatalf("a link cut at %d is read", cut)
			}
		}
	})
}

func FuzzDecodeLink(f *testing.F) {
	data, _ := appendLink(nil, &provision.Link{TargetID: "1", Sent: provision.NewSentValues(map[string]provision.Sent{"a": {Value: directory.Text("b"), Own: true}})})
	f.Add(data)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, data []byte) {
		link, err := decodeLink(data)
		if err != nil {
			return
		}
		stored, err := appendLink(nil, &link)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := decodeLink(stored); err != nil || !same(again, link) {
			t.Fatalf("%+v comes back as %+v, %v", link, again, err)
		}
	})
}

func FuzzDecodeIntent(f *testing.F) {
	data, err := encodeIntent(&Intent{Kind: connector.Create, At: now, Display: "Anna", Unknown: true,
		Matches: []IntentMatch{{directory.MustPath(`emails[type eq "work"].value`), directory.Text("a")}},
		Unique:  []IntentMatch{{directory.MustPath("userName"), directory.Text("b")}}})
	if err != nil {
		f.Fatal(err)
	}
	for cut := range len(data) {
		if _, err := decodeIntent(data[:cut]); err == nil {
			f.Errorf("an intent cut at %d is read", cut)
		}
	}
	f.Add(data)
	f.Add([]byte(`{"key":{"type":"User","anchor":"1"},"kind":"update"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		intent, err := decodeIntent(data)
		if err != nil {
			return
		}
		stored, err := encodeIntent(intent)
		if err != nil {
			t.Fatal(err)
		}
		intent.Key = directory.Key{} // stands in the row's key
		intent.At = intent.At.UTC()  // as it is stored
		if again, err := decodeIntent(stored); err != nil || fmt.Sprint(*again) != fmt.Sprint(*intent) {
			t.Fatalf("%+v comes back as %+v, %v", intent, again, err)
		}
	})
}

// Whatever a link becomes, its claims, its ownership and its due time follow,
// and nothing stays when it goes.
func TestPut_follows(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		l := w.app("a")
		var before *provision.Link
		for range rapid.IntRange(1, 4).Draw(rt, "changes") {
			link := anyLink().Draw(rt, "link")
			w.put(l, user("1"), before, &link)
			before = &link
			owner, err := l.Owner(directory.User, link.TargetID)
			if err != nil || (owner != nil) == link.Unproven {
				rt.Fatalf("unproven %t, owner %+v, %v", link.Unproven, owner, err)
			}
			for _, claim := range link.Claims {
				if others, err := claimants(l, user("2"), claim); err != nil || len(others) != 1 || others[0] != user("1") {
					rt.Fatalf("%+v is claimed by %v, %v", claim, others, err)
				}
				if others, err := claimants(l, user("1"), claim); err != nil || len(others) > 0 {
					rt.Fatalf("it is its own rival: %v, %v", others, err)
				}
			}
			due, err := l.Due(time.Unix(5e9, 0))
			if err != nil || (len(due) == 1) == link.Due.IsZero() {
				rt.Fatalf("due %v: %v, %v", link.Due, due, err)
			}
		}
		w.put(l, user("1"), before, nil)
		if rows := w.rows(); len(rows) > 0 {
			rt.Fatalf("left: %q", rows)
		}
	})
}

// One account, one owner, over all apps on a connection. An unproven link owns
// nothing, and takes nothing from the owner when it changes.
func TestOwner(t *testing.T) {
	w := newWorld(t)
	a, b := w.app("a"), w.app("b")
	elsewhere := Open(w.s, "c", "another target")
	link := &provision.Link{TargetID: "id1"}
	w.put(a, user("1"), nil, link)
	for _, l := range []*Ledger{a, b} {
		if owner, err := l.Owner(directory.User, "id1"); err != nil || owner == nil || *owner != (Owner{"a", user("1")}) {
			t.Errorf("owned by %+v, %v", owner, err)
		}
	}
	for _, other := range []struct {
		l       *Ledger
		typ, id string
	}{{elsewhere, directory.User, "id1"}, {a, directory.Group, "id1"}, {a, directory.User, "ID1"}} {
		if owner, err := other.l.Owner(other.typ, other.id); err != nil || owner != nil {
			t.Errorf("%s %s is owned by %+v, %v", other.typ, other.id, owner, err)
		}
	}

	doubted := &provision.Link{TargetID: "id1", Unproven: true}
	w.put(a, user("1"), link, doubted)
	w.put(a, user("2"), nil, &provision.Link{TargetID: "id1"})
	w.put(a, user("1"), doubted, &provision.Link{TargetID: "id2"})
	if owner, err := a.Owner(directory.User, "id1"); err != nil || owner == nil || owner.Key != user("2") {
		t.Errorf("owned by %+v, %v", owner, err)
	}
	w.put(a, user("3"), nil, doubted)
	w.put(a, user("3"), doubted, nil)
	if owner, err := a.Owner(directory.User, "id1"); err != nil || owner == nil || owner.Key != user("2") {
		t.Errorf("owned by %+v, %v", owner, err)
	}
}

// Claims tell values apart whatever they hold.
// claimants gives who else holds one claim.
func claimants(l *Ledger, key directory.Key, claim provision.Claim) ([]directory.Key, error) {
	others, err := l.Claimants(Claiming{key, claim})
	if err != nil {
		return nil, err
	}
	return others[0], nil
}

func TestClaimants(t *testing.T) {
	w := newWorld(t)
	l := w.app("a")
	for anchor, value := range map[string]string{"1": "x", "2": "x", "3": "x\x01", "4": "", "5": "x\x00", "6": "x"} {
		w.put(l, user(anchor), nil, &provision.Link{TargetID: anchor, Claims: []provision.Claim{{Path: "userName", Value: value}}})
	}
	for value, want := range map[string]string{"x": "[User/1 User/2]", "x\x01": "[User/3]", "": "[User/4]", "x\x00": "[User/5]", "y": "[]"} {
		others, err := claimants(l, user("9"), provision.Claim{Path: "userName", Value: value})
		if err != nil || fmt.Sprint(others) != want {
			t.Errorf("%q is claimed by %v, %v", value, others, err)
		}
	}
	if others, err := claimants(l, user("1"), provision.Claim{Path: "userName", Value: "x"}); err != nil || len(others) != 2 {
		t.Errorf("beside 1: %v, %v", others, err)
	}
	for _, none := range []struct {
		l    *Ledger
		key  directory.Key
		path string
	}{{w.app("b"), user("9"), "userName"}, {l, directory.Key{Type: directory.Group, Anchor: "9"}, "userName"}, {l, user("9"), "externalId"}} {
		if others, err := claimants(none.l, none.key, provision.Claim{Path: none.path, Value: "x"}); err != nil || len(others) > 0 {
			t.Errorf("%+v: %v, %v", none, others, err)
		}
	}
}

func TestDue(t *testing.T) {
	w := newWorld(t)
	l := w.app("a")
	for anchor, at := range map[string]time.Time{"past": now.Add(-time.Hour), "now": now, "later": now.Add(time.Second), "never": {}} {
		w.put(l, user(anchor), nil, &provision.Link{TargetID: anchor, Due: at})
	}
	w.put(w.app("b"), user("another's"), nil, &provision.Link{TargetID: "x", Due: now})
	if keys, err := l.Due(now); err != nil || fmt.Sprint(keys) != "[User/past User/now]" {
		t.Errorf("due: %v, %v", keys, err)
	}
}

func TestLinks_pages(t *testing.T) {
	w := newWorld(t)
	l := w.app("a")
	var want []string
	for i := range 25 {
		anchor := fmt.Sprintf("%02d", i)
		want = append(want, anchor)
		link := &provision.Link{TargetID: anchor}
		if i%5 == 0 {
			link.Disabled = &provision.Disabled{Loss: provision.LossDisabled, At: now}
		}
		w.put(l, user(anchor), nil, link)
	}
	w.put(l, user("05\x00x"), nil, &provision.Link{TargetID: "odd"})
	w.put(l, directory.Key{Type: directory.Group, Anchor: "g"}, nil, &provision.Link{TargetID: "g"})
	w.put(w.app("ab"), user("00"), nil, &provision.Link{TargetID: "other"})
	want = slices.Insert(want, 6, "05\x00x")
	var got []string
	for after := ""; ; {
		page, err := l.Links(directory.User, after, 4)
		if err != nil {
			t.Fatal(err)
		}
		anchors, err := l.Anchors(directory.User, after, 4)
		if err != nil || len(anchors) != len(page) {
			t.Fatalf("%d anchors of %d links, %v", len(anchors), len(page), err)
		}
		for i, linked := range page {
			got = append(got, linked.Key.Anchor)
			if anchors[i] != linked.Key.Anchor {
				t.Errorf("anchor %q of link %q", anchors[i], linked.Key.Anchor)
			}
		}
		if len(page) < 4 {
			break
		}
		after = page[3].Key.Anchor
	}
	if !slices.Equal(got, want) {
		t.Errorf("links of %q", got)
	}
	links, err := l.CountLinks(directory.User)
	active, err2 := l.CountActive(directory.User)
	if links != 26 || active != 21 || err != nil || err2 != nil {
		t.Errorf("%d links, %d active, %v, %v", links, active, err, err2)
	}
	if has, err := l.Has(user("05")); !has || err != nil {
		t.Errorf("has: %t, %v", has, err)
	}
	if has, err := l.Has(user("99")); has || err != nil {
		t.Errorf("has another: %t, %v", has, err)
	}
}

func TestMembers(t *testing.T) {
	w := newWorld(t)
	l := w.app("a")
	staff, crew := directory.Key{Type: directory.Group, Anchor: "staff"}, directory.Key{Type: directory.Group, Anchor: "staff2"}
	for i := range 7 {
		w.commit(l.PutMember(staff, "members", Member{user(fmt.Sprint(i)), fmt.Sprint("id", i), i%2 == 0}),
			l.PutMember(crew, "members", Member{user(fmt.Sprint(i)), "x", true}))
	}
	w.commit(l.DropMember(staff, "members", user("3")))
	var got []string
	for after := (directory.Key{}); ; {
		page, err := l.Members(staff, "members", after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page {
			got = append(got, fmt.Sprintf("%s %s %t", m.Key.Anchor, m.ID, m.Own))
		}
		if len(page) < 2 {
			break
		}
		after = page[1].Key
	}
	if want := "0 id0 true, 1 id1 false, 2 id2 true, 4 id4 true, 5 id5 false, 6 id6 true"; strings.Join(got, ", ") != want {
		t.Errorf("members %q", got)
	}
	if n, err := l.CountMembers(); n != 13 || err != nil {
		t.Errorf("%d members, %v", n, err)
	}
}

func TestIntents(t *testing.T) {
	w := newWorld(t)
	l := w.app("a")
	want := Intent{Key: user("1"), Kind: connector.Create, At: now, Display: "Anna", Unknown: true,
		Matches: []IntentMatch{{Path: directory.MustPath(`emails[type eq "work"].value`), Value: directory.Text("<a&b>")}},
		Unique:  []IntentMatch{{Path: directory.MustPath("userName"), Value: directory.Text("anna1")}, {Path: directory.MustPath("n"), Value: directory.Integer(7)}}}
	m, err := l.BeginIntent(want)
	other, err2 := w.app("b").BeginIntent(want)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	w.commit(m, other)
	intents, err := l.Intents()
	if err != nil || len(intents) != 1 || fmt.Sprintf("%+v", intents[0]) != fmt.Sprintf("%+v", want) {
		t.Errorf("intents %+v, %v", intents, err)
	}
	w.commit(l.EndIntent(user("1")))
	if got, err := l.Intent(user("1")); got != nil || err != nil {
		t.Errorf("after its end: %+v, %v", got, err)
	}
	if got, err := w.app("b").Intent(user("1")); got == nil || err != nil {
		t.Errorf("another app's: %+v, %v", got, err)
	}
}

// Forget leaves nothing of the app and everything of the others.
func TestForget(t *testing.T) {
	w := newWorld(t)
	fill := func(app string) {
		l := Open(w.s, app, "target")
		for i := range 1500 {
			key := user(fmt.Sprintf("%s-%04d", app, i))
			link := &provision.Link{TargetID: key.Anchor, Due: now, Claims: []provision.Claim{{Path: "userName", Value: key.Anchor}}}
			w.put(l, key, nil, link)
		}
		key := user(app)
		member := l.PutMember(directory.Key{Type: directory.Group, Anchor: "g"}, "members", Member{key, "id", true})
		intent, err := l.BeginIntent(Intent{Key: key})
		if err != nil {
			t.Fatal(err)
		}
		escrow := (*Escrow)(nil).After(key, now, Failure{Code: "x"})
		escrow.Claims = []provision.Claim{{Path: "userName", Value: "both"}}
		w.commit(append(l.SettleEscrow(nil, &escrow), member, intent)...)
		membership := Membership{directory.Key{Type: directory.Group, Anchor: "g"}, key}
		w.commit(l.Hold("digest", []directory.Key{key}, []Membership{membership}))
		w.commit(l.Approve(Held{Digest: "digest", Keys: []directory.Key{key}, Members: []Membership{membership}})...)
	}
	fill("a")
	only := w.rows()
	fill("b")
	fill("a2")
	forget := func(app string) {
		err := Forget(w.s, app, func(mutations ...store.Mutation) error {
			if len(mutations) > 1000 {
				t.Errorf("a page of %d", len(mutations))
			}
			return w.s.Commit(context.Background(), mutations...)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	forget("b")
	forget("a2")
	if got := w.rows(); !slices.Equal(got, only) {
		t.Errorf("%d rows are left of %d", len(got), len(only))
	}
	forget("a")
	if got := w.rows(); len(got) > 0 {
		t.Errorf("left: %q", got[:min(len(got), 5)])
	}
}

// Rows that an older version wrote are read: links, owners, intents and members were JSON.
func TestOlderRows(t *testing.T) {
	w := newWorld(t)
	l := w.app("a")
	g := directory.Key{Type: directory.Group, Anchor: "g"}
	head := `{"t":"7","c":true,"d":{"loss":"absent","at":"2026-01-02T03:04:05.6Z"},"u":true,"due":"2026-02-02T00:00:00Z","n":"Ada",` +
		`"m":[{"path":"userName","value":"ada"}],"a":["x"],"l":"2026-01-01T00:00:00Z","w":"2026-01-02T00:00:00Z","y":"c1","x":"create","o":"10"}`
	values, err := directory.Attributes{{Name: "a", Value: directory.Text("1")}, {Name: "b", Value: directory.Boolean(true)}}.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	row := append(append(binary.AppendUvarint(nil, uint64(len(head))), head...), values...)
	w.commit(store.Put(tableLinks, store.Key("a", directory.User, "1"), row),
		store.Put(tableOwners, store.Key("target", directory.User, "7"), []byte(`{"app":"a","key":{"type":"User","anchor":"1"}}`)),
		store.Put(tableIntents, store.Key("a", directory.User, "2"), []byte(`{"key":{"type":"User","anchor":"2"},"kind":"create","cycle":"c1","change":"",`+
			`"at":"2026-01-02T00:00:00Z","matches":[{"path":"userName","value":"bob"}],"display":"Bob","unknown":true}`)),
		store.Put(tableMembers, store.Key("a", directory.Group, "g", "members", directory.User, "1"), []byte(`{"id":"7","own":true}`)))

	day := func(month, day int) time.Time { return time.Date(2026, time.Month(month), day, 0, 0, 0, 0, time.UTC) }
	want := provision.Link{TargetID: "7", CreatedByUs: true, Unproven: true, Due: day(2, 2), Display: "Ada",
		Disabled: &provision.Disabled{Loss: provision.LossAbsent, At: time.Date(2026, 1, 2, 3, 4, 5, 6e8, time.UTC)},
		Claims:   []provision.Claim{{Path: "userName", Value: "ada"}}, Assignment: []string{"x"}, LinkedAt: day(1, 1), ChangedAt: day(1, 2),
		Cycle: "c1", Action: provision.ActionCreate,
		Sent: provision.NewSentValues(map[string]provision.Sent{"a": {Value: directory.Text("1"), Own: true}, "b": {Value: directory.Boolean(true)}})}
	if link, err := l.Link(user("1")); err != nil || !same(*link, want) {
		t.Errorf("link %+v, %v, want %+v", link, err, want)
	}
	begun := Intent{Key: user("2"), Kind: connector.Create, At: day(1, 2), Display: "Bob", Unknown: true,
		Matches: []IntentMatch{{directory.MustPath("userName"), directory.Text("bob")}}}
	if intent, err := l.Intent(user("2")); err != nil || fmt.Sprint(*intent) != fmt.Sprint(begun) {
		t.Errorf("intent %+v, %v, want %+v", intent, err, begun)
	}
	if intents, err := l.Intents(); err != nil || len(intents) != 1 || fmt.Sprint(intents[0]) != fmt.Sprint(begun) {
		t.Errorf("intents %+v, %v", intents, err)
	}
	if heads, err := l.HeadsOf([]directory.Key{user("1")}); err != nil || heads[0].TargetID != "7" || !heads[0].Unproven || heads[0].Disabled == nil {
		t.Errorf("head %+v, %v", heads, err)
	}
	if owner, err := l.Owner(directory.User, "7"); err != nil || *owner != (Owner{"a", user("1")}) {
		t.Errorf("owner %+v, %v", owner, err)
	}
	if members, err := l.Members(g, "members", directory.Key{}, 9); err != nil || len(members) != 1 || members[0] != (Member{user("1"), "7", true}) {
		t.Errorf("members %+v, %v", members, err)
	}
}

// What is damaged is an error, never no link.
func TestDamaged(t *testing.T) {
	w := newWorld(t)
	l := w.app("a")
	bad := []byte{9, '{'}
	for _, table := range []store.Table{tableLinks, tableEscrows, tableIntents} {
		w.commit(store.Put(table, store.Key("a", directory.User, "1"), bad))
	}
	w.commit(store.Put(tableOwners, store.Key("target", directory.User, "1"), bad), store.Put(tableHeld, store.Key("a"), bad),
		store.Put(tableMembers, store.Key("a", directory.Group, "g", "members", directory.User, "1"), bad),
		store.Put(tableDue, store.Key("a", "soon"), nil))
	_, link := l.Link(user("1"))
	_, links := l.Links(directory.User, "", 9)
	_, escrow := l.Escrow(user("1"))
	_, intent := l.Intent(user("1"))
	_, intents := l.Intents()
	_, owner := l.Owner(directory.User, "1")
	_, held := l.Held()
	_, members := l.Members(directory.Key{Type: directory.Group, Anchor: "g"}, "members", directory.Key{}, 9)
	_, due := l.Due(now)
	for i, err := range []error{link, links, escrow, intent, intents, owner, held, members, due, l.EachEscrow(func(Escrow) error { return nil })} {
		if err == nil {
			t.Errorf("%d: no error", i)
		}
	}
}

// TestLinkedTypes names each type that has a link in this app, once.
func TestLinkedTypes(t *testing.T) {
	w := newWorld(t)
	l := w.app("a")
	link := &provision.Link{TargetID: "1"}
	for _, key := range []directory.Key{user("1"), user("2"), {Type: "Group", Anchor: "1"}, {Type: "Users", Anchor: "1"}} {
		w.put(l, key, nil, link)
	}
	w.put(w.app("b"), directory.Key{Type: "Device", Anchor: "1"}, nil, link)
	for app, want := range map[string][]string{"a": {"Group", "User", "Users"}, "b": {"Device"}, "c": nil} {
		if got, err := w.app(app).LinkedTypes(); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v, want %v", app, got, err, want)
		}
	}
}
