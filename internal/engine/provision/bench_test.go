package provision

import (
	"fmt"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
)

// wide is a mapping of fifteen attributes, and an object that has them all.
func wide(b *testing.B) (*Program, values) {
	a, v := plain(), annas()
	a["externalId"] = from("employee")
	v["employee"] = txt("E1")
	for i := len(a); i < 15; i++ {
		name := fmt.Sprint("extra", i)
		a[fmt.Sprintf(`addresses[type eq "work"].%s`, name)] = from(name)
		v[name] = txt("value of " + name)
	}
	return users(b, a), v
}

// BenchmarkDecide decides about an object of fifteen mapped attributes: one
// that has to be matched first, one without an account, and one whose account is
// as it should be. The bare one only evaluates the mapping.
func BenchmarkDecide(b *testing.B) {
	p, v := wide(b)
	s := present(v)
	s.Matches = matched()
	created := Decide(s, p)
	if created.Action != ActionCreate {
		b.Fatalf("decided %+v", shapeOf(created))
	}
	created.After.TargetID = "1"
	var d Decider
	b.Run("match", func(b *testing.B) {
		unmatched := present(v)
		if d := Decide(unmatched, p); len(d.Need) != 1 {
			b.Fatalf("decided %+v", shapeOf(d))
		}
		b.ReportAllocs()
		for b.Loop() {
			d.Decide(unmatched, p)
		}
	})
	b.Run("create", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			d.Decide(s, p)
		}
	})
	b.Run("unchanged", func(b *testing.B) {
		linked := present(v)
		linked.Link = created.After
		if d := Decide(linked, p); d.Outcome != Unchanged {
			b.Fatalf("decided %+v", shapeOf(d))
		}
		b.ReportAllocs()
		for b.Loop() {
			d.Decide(linked, p)
		}
	})
	b.Run("bare", func(b *testing.B) {
		var e mapping.Evaluation
		in := mapping.Input{View: view(directory.Key{Type: directory.User, Anchor: "1"}, v), Now: now}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := e.Evaluate(p.Mapping, in, true); err != nil {
				b.Fatal(err)
			}
		}
	})
}
