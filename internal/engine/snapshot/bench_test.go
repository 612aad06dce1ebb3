package snapshot

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/file"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

const benchmarked = 100_000

// people writes a CSV file of users, of whom every hundredth can be other than
// in another file, and gives its path.
func people(b *testing.B, folder, mark string) string {
	b.Helper()
	var out bytes.Buffer
	out.WriteString("id,email,first_name,last_name,title,department,office,phone,mobile,street,city,state,zip,country,company,notes,manager_id\n")
	for i := range benchmarked {
		m := "same"
		if i%100 == 0 {
			m = mark
		}
		fmt.Fprintf(&out, "%08d,user%d@example.com,First%d,Last%d,Engineer %s,Department %d,Office %d,+1 555 %07d,+1 556 %07d,%d Example Street,City %d,State %d,%05d,Country,Company,\"%0300d\",%08d\n",
			i, i, i, i, m, i%50, i%20, i, i, i%900, i%300, i%50, i%99999, i, i/10)
	}
	path := filepath.Join(folder, "people-"+mark+".csv")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

func openPeople(b *testing.B, path string) connector.Source {
	b.Helper()
	source, err := file.Open(connector.Options{Connection: json.RawMessage(fmt.Sprintf(`{"users":{"path":%q,"id":"id","references":{"manager":"manager_id"}}}`, path))})
	if err != nil {
		b.Fatal(err)
	}
	return source
}

// BenchmarkImport reads 100,000 users of a CSV file: into an empty snapshot,
// and again with nothing and with one in a hundred changed. Each is held
// against a bare loop that reads the same rows and hashes them.
func BenchmarkImport(b *testing.B) {
	folder := b.TempDir()
	same, changed := people(b, folder, "a"), people(b, folder, "b")
	var bare time.Duration
	b.Run("bare", func(b *testing.B) {
		start := time.Now()
		for b.Loop() {
			readBare(b, same)
		}
		bare = time.Since(start) / time.Duration(b.N)
	})
	against := func(b *testing.B, start time.Time) {
		if bare > 0 {
			b.ReportMetric(float64(time.Since(start))/float64(b.N)/float64(bare), "×bare")
		}
	}
	s, err := store.Open(filepath.Join(folder, "store"), store.Options{Create: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	n := 0 // of empty snapshots
	b.Run("first", func(b *testing.B) {
		start := time.Now()
		for ; b.Loop(); n++ {
			importPeople(b, Open(s, fmt.Sprintf("first%d", n), Options{}), same, benchmarked)
		}
		against(b, start)
	})
	snapshot := Open(s, "again", Options{})
	importPeople(b, snapshot, same, benchmarked)
	b.Run("unchanged", func(b *testing.B) {
		start := time.Now()
		for b.Loop() {
			forgetWatermark(b, snapshot)
			importPeople(b, snapshot, same, 0)
		}
		against(b, start)
	})
	b.Run("one in a hundred", func(b *testing.B) {
		start := time.Now()
		for n := 0; b.Loop(); n++ {
			importPeople(b, snapshot, []string{changed, same}[n%2], benchmarked/100)
		}
		against(b, start)
	})
	b.Run("untouched file", func(b *testing.B) {
		importPeople(b, snapshot, same, -1)
		for b.Loop() {
			importPeople(b, snapshot, same, 0)
		}
	})
}

func importPeople(b *testing.B, s *Snapshot, path string, changed int) {
	b.Helper()
	report, err := s.Import(b.Context(), openPeople(b, path), types[:1], nil)
	if err != nil {
		b.Fatal(err)
	}
	if got := report.Types["User"].Changed; changed >= 0 && got != changed {
		b.Fatalf("%d changed, want %d", got, changed)
	}
}

// forgetWatermark makes the next import read everything.
func forgetWatermark(b *testing.B, s *Snapshot) {
	b.Helper()
	err := s.update(b.Context(), func(batch *batch) error {
		batch.meta.Watermark, batch.dirty = nil, true
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

func readBare(b *testing.B, path string) {
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	in := csv.NewReader(bufio.NewReaderSize(f, 64<<10))
	in.ReuseRecord = true
	var buffer []byte
	for {
		fields, err := in.Read()
		if err == io.EOF {
			return
		}
		if err != nil {
			b.Fatal(err)
		}
		buffer = buffer[:0]
		for _, field := range fields {
			buffer = append(append(buffer, field...), 0)
		}
		sha256.Sum256(buffer)
	}
}
