package ledger

import (
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
)

// TestMany reads the rows of several objects at once: each gets what it gets
// alone, in the order asked for.
func TestMany(t *testing.T) {
	w := newWorld(t)
	l := w.app("app")
	disabled := &provision.Disabled{Loss: provision.LossAbsent, At: now}
	w.put(l, user("b"), nil, &provision.Link{TargetID: "B", Disabled: disabled})
	w.put(l, user("d"), nil, &provision.Link{TargetID: "D", Unproven: true, Sent: provision.NewSentValues(map[string]provision.Sent{"title": {Value: directory.Text("x"), Own: true}})})
	begun, err := l.BeginIntent(Intent{Key: user("c"), Display: "C"})
	if err != nil {
		t.Fatal(err)
	}
	w.commit(begun)
	w.commit(l.SettleEscrow(nil, &Escrow{Key: user("a"), Code: "x"})...)

	keys := []directory.Key{user("d"), user("a"), user("b"), {}, user("c")}
	links, err := l.LinksOf(keys)
	if err != nil {
		t.Fatal(err)
	}
	heads, err := l.HeadsOf(keys)
	if err != nil {
		t.Fatal(err)
	}
	have, err := l.HaveLinks(keys)
	if err != nil {
		t.Fatal(err)
	}
	intents, err := l.IntentsOf(keys)
	if err != nil {
		t.Fatal(err)
	}
	escrows, err := l.EscrowsOf(keys)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"D", "", "B", "", ""} {
		if have[i] != (want != "") || (links[i] != nil) != have[i] || (heads[i] != nil) != have[i] {
			t.Fatalf("%v: link %v, head %v, %t", keys[i], links[i], heads[i], have[i])
		}
		if want == "" {
			continue
		}
		if links[i].TargetID != want || heads[i].TargetID != want {
			t.Errorf("%v is linked to %s and %s, want %s", keys[i], links[i].TargetID, heads[i].TargetID, want)
		}
		if heads[i].Unproven != links[i].Unproven || (heads[i].Disabled == nil) != (links[i].Disabled == nil) {
			t.Errorf("the head of %v is %+v, its link %+v", keys[i], heads[i], links[i])
		}
	}
	if !links[0].Sent[0].Own || heads[2].Disabled.Loss != provision.LossAbsent {
		t.Errorf("link %+v, head %+v", links[0], heads[2])
	}
	for i := range keys {
		if (intents[i] != nil) != (i == 4) || i == 4 && (intents[i].Key != keys[i] || intents[i].Display != "C") || (escrows[i] != nil) != (i == 1) {
			t.Errorf("%v: intent %v, escrow %v", keys[i], intents[i], escrows[i])
		}
	}
}
