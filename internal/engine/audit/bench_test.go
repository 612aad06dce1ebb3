package audit

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// typical is the entry of an account that is created.
func typical(n int) Entry {
	id := fmt.Sprintf("%08d", n)
	mail := fmt.Sprintf("given%d.family%d@example.com", n, n)
	e := Entry{
		AppID: "4afe01df22850f715830", CycleID: "01M7ZG757RX8C4SAPDN3S28SYK", Category: Provisioning, Action: Create, Status: Success,
		Source: Identity{"User", id, "Given Family"}, Target: Identity{"User", "2819c223-7f76-453a-919d-413861904646", "Given Family"},
		Steps: []Step{
			{"EntryImport", StepImport, Success, "read from the source", nil},
			{"EntrySynchronizationScoping", StepScoping, Success, "in scope", Details{{"IsActive", "True"}, {"Assigned", "Scope sync all"},
				{"IsEffectivelyEntitledForProvisioning", "True"}, {"employees type equals employee", "True"}}},
			{"EntryMatching", StepMatching, Success, "no account in the app has a matching value", Details{{"userName = " + mail, "0 found"}}},
			{"EntrySynchronizationAdd", StepProcessing, Success, "an account is created", nil},
			{"EntryExportAdd", StepExport, Success, "the app accepted it", nil},
		},
		InitiatedBy: "system", DurationMS: 58,
	}
	for _, p := range []struct{ name, value string }{
		{"active", "True"},
		{`addresses[type eq "work"].locality`, "City 47"},
		{`addresses[type eq "work"].streetAddress`, "47 Example Street"},
		{"displayName", "Given Family"},
		{`emails[type eq "work"].value`, mail},
		{"externalId", id},
		{"name.familyName", "Family"},
		{"name.givenName", "Given"},
		{`phoneNumbers[type eq "work"].value`, "+1 555 0000047"},
		{"preferredLanguage", "en"},
		{"title", "Senior Specialist for Research & Development"},
		{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "Abteilung für Übersetzungen"},
		{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber", "E00000047"},
		{"userName", mail},
	} {
		e.ModifiedProperties = append(e.ModifiedProperties, Property{Name: p.name, New: &p.value})
	}
	return e
}

func BenchmarkAppend(b *testing.B) {
	l := newBench(b, store.Memory())
	e := typical(47)
	var mutations []store.Mutation
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if mutations, err = l.Append(mutations[:0], e); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFlush brings entries from the outbox to their file; an operation is
// one entry.
func BenchmarkFlush(b *testing.B) {
	s, err := store.Open(filepath.Join(b.TempDir(), "store"), store.Options{Create: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	l := newBench(b, s)
	entries := make([]Entry, 500)
	for i := range entries {
		entries[i] = typical(i)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += len(entries) {
		b.StopTimer()
		l.add(entries...)
		b.StartTimer()
		if err := l.bring(b.Context(), false); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkQuery(b *testing.B) {
	l := newBench(b, store.Memory())
	for i := range 5000 {
		l.add(typical(i))
	}
	l.flush()
	for name, q := range map[string]Query{"newest": {Limit: 100}, "object": {Object: "00000047"}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if entries, err := l.Query(b.Context(), q); err != nil || len(entries) == 0 {
					b.Fatalf("%d entries, error %v", len(entries), err)
				}
			}
		})
	}
}
