package engine_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/ledger"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
)

// links gives every link of the app.
func (w *world) links() map[directory.Key]provision.Link {
	w.t.Helper()
	links := make(map[directory.Key]provision.Link)
	for _, typ := range []string{directory.User, directory.Group} {
		err := w.ledger().EachLink(typ, func(key directory.Key, link provision.Link) error {
			links[key] = link
			return nil
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return links
}

func (w *world) escrows() map[directory.Key]ledger.Escrow {
	w.t.Helper()
	escrows := make(map[directory.Key]ledger.Escrow)
	err := w.ledger().EachEscrow(func(e ledger.Escrow) error {
		escrows[e.Key] = e
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return escrows
}

func (w *world) ledger() *ledger.Ledger { return ledger.Open(w.store, w.app.ID, "memory") }

// picture is all that the target and the ledger hold, but for times and ids of
// cycles: what a resumed run must come to as well.
func (w *world) picture() string {
	w.t.Helper()
	var out strings.Builder
	for _, typ := range []string{directory.User, directory.Group} {
		accounts := w.target().Accounts(typ)
		slices.SortFunc(accounts, func(a, b connector.Account) int { return strings.Compare(a.ID, b.ID) })
		for _, a := range accounts {
			fmt.Fprintf(&out, "%s %s\n", typ, a.ID)
			for _, path := range slices.Sorted(maps.Keys(a.Values)) {
				fmt.Fprintf(&out, "  %s = %s\n", path, a.Values[path])
			}
		}
	}
	links := w.links()
	for _, key := range slices.SortedFunc(maps.Keys(links), directory.Key.Compare) {
		link := links[key]
		fmt.Fprintf(&out, "link %s -> %s created=%t unproven=%t assignments=%d", key, link.TargetID, link.CreatedByUs, link.Unproven, len(link.Assignment))
		if link.Disabled != nil {
			fmt.Fprintf(&out, " disabled=%s", link.Disabled.Loss)
		}
		for _, sent := range link.Sent {
			if !sent.Value.IsNull() {
				// What was written to an adopted account just before a cut counts as found
				// there: that is the safe side, and no difference to hold against it.
				fmt.Fprintf(&out, " %s=%s/%t", sent.Path, sent.Value, sent.Own && link.CreatedByUs)
			}
		}
		out.WriteString("\n")
		if key.Type == directory.Group {
			members, err := w.ledger().Members(key, "members", directory.Key{}, 10_000)
			if err != nil {
				w.t.Fatal(err)
			}
			for _, m := range members {
				fmt.Fprintf(&out, "  member %s -> %s own=%t\n", m.Key, m.ID, m.Own)
			}
		}
	}
	escrows := w.escrows()
	for _, key := range slices.SortedFunc(maps.Keys(escrows), directory.Key.Compare) {
		fmt.Fprintf(&out, "escrow %s %s\n", key, escrows[key].Code)
	}
	return out.String()
}

// assertInvariants holds what is true after every settled cycle, whatever
// happened before it.
func (w *world) assertInvariants() {
	w.t.Helper()
	links, escrows := w.links(), w.escrows()
	owners := make(map[string]directory.Key)
	for key, link := range links {
		id := key.Type + " " + link.TargetID
		if other, taken := owners[id]; taken && !link.Unproven {
			w.t.Errorf("the account %s belongs to %s and to %s", id, other, key)
		}
		owners[id] = key
	}
	for _, typ := range []string{directory.User, directory.Group} {
		holders := make(map[string]string)
		for _, a := range w.target().Accounts(typ) {
			external, ok := a.Values["externalId"]
			if !ok {
				continue
			}
			if other, taken := holders[external.String()]; taken {
				w.t.Errorf("object %s %s has the accounts %s and %s", typ, external, other, a.ID)
			}
			holders[external.String()] = a.ID
		}
	}
	intents, err := w.ledger().Intents()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, intent := range intents {
		if !intent.Unknown || escrows[intent.Key].Code == "" {
			w.t.Errorf("the intent for %s is still open: %+v", intent.Key, intent)
		}
	}
	for key, e := range escrows {
		if e.Code == "" || e.Detail == "" {
			w.t.Errorf("the escrow of %s gives no reason: %+v", key, e)
		}
	}
	for _, violation := range slices.Concat(w.unlogged(links), w.touchedStrangers(), w.unapplied(links, escrows)) {
		w.t.Error(violation)
	}
}
