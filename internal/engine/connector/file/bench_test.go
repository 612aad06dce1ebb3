package file

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
)

// BenchmarkRead reads 10,000 users with managers of a CSV file, and groups of a
// hundred members each of JSON Lines.
func BenchmarkRead(b *testing.B) {
	const count, size = 10_000, 100
	var users, groups bytes.Buffer
	users.WriteString("id,mail,first_name,last_name,display_name,title,department,phone,mobile,street,city,country,type,manager_id,notes\n")
	for i := range count {
		fmt.Fprintf(&users, "%08d,user%d@example.com,Given%d,Family%d,Given%d Family%d,Engineer,Department %d,+1 555 %07d,+1 556 %07d,%d Example Street,City %d,US,employee,%08d,\"%0550d, and a comma\"\n",
			i, i, i, i, i, i, i%60, i, i, i%900, i%300, i/8, i)
	}
	for g := range count / size {
		fmt.Fprintf(&groups, `{"id":"g%07d","name":"Group %d","members":["%08d"`, g, g, g*size)
		for i := g*size + 1; i < (g+1)*size; i++ {
			fmt.Fprintf(&groups, `,"%08d"`, i)
		}
		groups.WriteString("]}\n")
	}
	folder := b.TempDir()
	for name, data := range map[string][]byte{"users.csv": users.Bytes(), "groups.jsonl": groups.Bytes()} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	source := open(b, fmt.Sprintf(`{
		"users":{"path":%q,"id":"id","references":{"manager":"manager_id"}},
		"groups":{"path":%q,"id":"id","members":"members"}}`, filepath.Join(folder, "users.csv"), filepath.Join(folder, "groups.jsonl")), nil)
	b.SetBytes(int64(users.Len() + groups.Len()))
	b.ReportAllocs()
	for b.Loop() {
		changes := 0
		_, err := source.Read(b.Context(), connector.ReadRequest{Types: both}, func(connector.Change) error {
			changes++
			return nil
		})
		if want := count + count/size + count + count; err != nil || changes != want {
			b.Fatalf("%d changes, want %d; %v", changes, want, err)
		}
	}
}
