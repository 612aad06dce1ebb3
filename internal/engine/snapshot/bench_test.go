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
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

const benchmarked = 100_000

// people are the files of a directory.
type people struct{ users, groups string }

// writePeople writes a CSV file of users, of whom every hundredth can be other
// than in another file, and one of JSON Lines of groups: of a hundred users each,
// and one of every second.
func writePeople(b *testing.B, folder, mark string) people {
	b.Helper()
	return people{writeUsers(b, folder, mark), writeGroups(b, folder)}
}

func writeUsers(b *testing.B, folder, mark string) string {
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
	return write(b, filepath.Join(folder, "people-"+mark+".csv"), out.Bytes())
}

func writeGroups(b *testing.B, folder string) string {
	b.Helper()
	const size = 100
	var out, half bytes.Buffer
	for g := range benchmarked / size {
		fmt.Fprintf(&out, `{"id":"g%07d","name":"Group %d","members":["%08d"`, g, g, g*size)
		for i := g*size + 1; i < (g+1)*size; i++ {
			fmt.Fprintf(&out, `,"%08d"`, i)
			if i%2 == 1 {
				fmt.Fprintf(&half, `,"%08d"`, i)
			}
		}
		out.WriteString("]}\n")
	}
	fmt.Fprintf(&out, `{"id":"half","name":"Every second","members":[%s]}`+"\n", half.Bytes()[1:])
	return write(b, filepath.Join(folder, "groups.jsonl"), out.Bytes())
}

func write(b *testing.B, path string, data []byte) string {
	b.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

func (p people) open(b *testing.B) connector.Source {
	b.Helper()
	source, err := file.Open(connector.Options{Connection: json.RawMessage(fmt.Sprintf(`{
		"users":{"path":%q,"id":"id","references":{"manager":"manager_id"}},
		"groups":{"path":%q,"id":"id","members":"members"}}`, p.users, p.groups))})
	if err != nil {
		b.Fatal(err)
	}
	return source
}

// BenchmarkImport reads 100,000 users of a CSV file, and groups of 150,000
// members: into an empty snapshot, and again with nothing and with one user in a
// hundred changed. Each is held against a bare loop that reads the same rows and
// hashes them.
func BenchmarkImport(b *testing.B) {
	folder := b.TempDir()
	same, changed := writePeople(b, folder, "a"), writePeople(b, folder, "b")
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
			importPeople(b, snapshot, []people{changed, same}[n%2], benchmarked/100)
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

func importPeople(b *testing.B, s *Snapshot, p people, changed int) {
	b.Helper()
	report, err := s.Import(b.Context(), p.open(b), types, nil)
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

func readBare(b *testing.B, p people) {
	b.Helper()
	readBareUsers(b, p.users)
	readBareGroups(b, p.groups)
}

func readBareUsers(b *testing.B, path string) {
	b.Helper()
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

func readBareGroups(b *testing.B, path string) {
	b.Helper()
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	in := json.NewDecoder(f)
	for {
		var group struct {
			ID, Name string
			Members  []string
		}
		err := in.Decode(&group)
		if err == io.EOF {
			return
		}
		if err != nil {
			b.Fatal(err)
		}
		for _, member := range group.Members {
			sha256.Sum256([]byte(member))
		}
	}
}

// BenchmarkObjectsOf reads what a cycle wants to know of a chunk of users, and
// what it wants to know of them before it begins.
func BenchmarkObjectsOf(b *testing.B) {
	folder := b.TempDir()
	s, err := store.Open(filepath.Join(folder, "store"), store.Options{Create: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	snapshot := Open(s, "s1", Options{})
	importPeople(b, snapshot, writePeople(b, folder, "a"), benchmarked)
	const chunk = 256
	keys := make([]directory.Key, chunk)
	for i := range keys {
		keys[i] = directory.Key{Type: directory.User, Anchor: fmt.Sprintf("%08d", 5000+i)}
	}
	for name, read := range map[string]func() ([]*Record, error){
		"all":  func() ([]*Record, error) { return snapshot.ObjectsOf(keys) },
		"some": func() ([]*Record, error) { return snapshot.SomeOf(keys, []string{"email"}) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				records, err := read()
				if err != nil || records[0] == nil || records[chunk-1] == nil {
					b.Fatal(records, err)
				}
			}
		})
	}
}

// BenchmarkAnchors goes over all users as an initial cycle does.
func BenchmarkAnchors(b *testing.B) {
	folder := b.TempDir()
	s, err := store.Open(filepath.Join(folder, "store"), store.Options{Create: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	snapshot := Open(s, "s1", Options{})
	importPeople(b, snapshot, writePeople(b, folder, "a"), benchmarked)
	b.ReportAllocs()
	for b.Loop() {
		const page = 1000
		n, after := 0, ""
		for {
			anchors, err := snapshot.Anchors(directory.User, after, page)
			if err != nil {
				b.Fatal(err)
			}
			if n += len(anchors); len(anchors) < page {
				break
			}
			after = anchors[page-1]
		}
		if n != benchmarked {
			b.Fatalf("%d anchors", n)
		}
	}
}
