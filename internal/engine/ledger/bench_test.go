package ledger

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// BenchmarkLedger writes, in chunks of 256, links of fifteen values with the ends
// of their intents, makes the rows of one link, and reads the links: whole, and no more than it takes to refer to
// their accounts.
func BenchmarkLedger(b *testing.B) {
	const chunk = 256
	s, err := store.Open(filepath.Join(b.TempDir(), "store"), store.Options{Create: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	l := Open(s, "app", "target")
	keys := make([]directory.Key, chunk)
	for i := range keys {
		keys[i] = user(fmt.Sprintf("%08d", i))
	}
	link := func(i, round int) *provision.Link {
		made := &provision.Link{TargetID: fmt.Sprint(i), Display: "Somebody", LinkedAt: now, ChangedAt: now, Cycle: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
			Claims: []provision.Claim{{Path: "userName", Value: fmt.Sprint("user", i)}}}
		sent := make(map[string]provision.Sent)
		for at := range 15 {
			sent[fmt.Sprint("attribute", at)] = provision.Sent{Value: directory.Text(fmt.Sprint("value ", round)), Own: true}
		}
		made.Sent = provision.NewSentValues(sent)
		return made
	}
	perLink := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/chunk, "ns/link")
	}
	b.Run("put", func(b *testing.B) {
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			var mutations []store.Mutation
			for i, key := range keys {
				put, err := l.Put(key, nil, link(i, n))
				if err != nil {
					b.Fatal(err)
				}
				mutations = append(append(mutations, put...), l.EndIntent(key))
			}
			if err := s.Commit(b.Context(), mutations...); err != nil {
				b.Fatal(err)
			}
		}
		perLink(b)
	})
	b.Run("rows", func(b *testing.B) {
		b.ReportAllocs()
		made := link(1, 1)
		for b.Loop() {
			if rows, err := l.Put(keys[1], nil, made); err != nil || len(rows) != 3 {
				b.Fatal(rows, err)
			}
		}
	})
	b.Run("intents", func(b *testing.B) {
		b.ReportAllocs()
		path := directory.MustPath("userName")
		for b.Loop() {
			for i, key := range keys {
				intent := Intent{Key: key, Kind: connector.Create, At: now, Display: "Somebody",
					Matches: []IntentMatch{{Path: path, Value: directory.Text(fmt.Sprint("user", i))}}}
				if m, err := l.BeginIntent(intent); err != nil || len(m.Value) == 0 {
					b.Fatal(err)
				}
			}
		}
		perLink(b)
	})
	b.Run("anchors", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if anchors, err := l.Anchors("User", "", chunk); err != nil || len(anchors) != chunk {
				b.Fatal(anchors, err)
			}
		}
		perLink(b)
	})
	b.Run("links", func(b *testing.B) {
		for b.Loop() {
			if links, err := l.LinksOf(keys); err != nil || links[chunk-1] == nil {
				b.Fatal(links, err)
			}
		}
		perLink(b)
	})
	b.Run("page", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if links, err := l.Links("User", "", chunk); err != nil || len(links) != chunk {
				b.Fatal(links, err)
			}
		}
		perLink(b)
	})
	b.Run("heads", func(b *testing.B) {
		for b.Loop() {
			if heads, err := l.HeadsOf(keys); err != nil || heads[chunk-1].TargetID != fmt.Sprint(chunk-1) {
				b.Fatal(heads, err)
			}
		}
		perLink(b)
	})
}
