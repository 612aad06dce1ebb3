package file

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// fuzz reads whatever there is, and demands that each row is given, is a
// problem, or makes the read an error that gave nothing.
func fuzz(f *testing.F, name string, check func(t *testing.T, data []byte, r reading, anchors map[string]int)) {
	path := filepath.Join(f.TempDir(), name)
	encoded, err := json.Marshal(map[string]any{"users": map[string]any{"path": path, "id": "id", "references": map[string]string{"manager": "boss"}}})
	if err != nil {
		f.Fatal(err)
	}
	source := open(f, string(encoded), nil)
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		var given int
		anchors := make(map[string]int)
		result, err := source.Read(t.Context(), connector.ReadRequest{Types: both}, func(change connector.Change) error {
			given++
			switch change.Kind {
			case connector.Whole:
				anchors[change.Object.Anchor]++
				if anchors[change.Object.Anchor] > 1 {
					t.Errorf("%q was given twice", change.Object.Anchor)
				}
				if _, err := change.Object.Attributes.AppendBinary(nil); err != nil {
					t.Error(err)
				}
			case connector.EdgeAdded:
				if change.Edge.To.Value == "" || strings.ContainsRune(change.Edge.To.Value, 0) {
					t.Errorf("edge %+v", change.Edge)
				}
			}
			if key := change.Object.Key; change.Kind != connector.EdgeAdded && (key.Anchor == "" || strings.ContainsRune(key.Anchor, 0)) {
				t.Errorf("given: %+v", change)
			}
			return nil
		})
		if err != nil {
			var failed *connector.Error
			if !errors.As(err, &failed) || failed.Class != connector.Fatal || given > 0 || len(result.Coverage) > 0 {
				t.Fatalf("after %d changes: %v", given, err)
			}
			return
		}
		for _, problem := range result.Problems {
			if problem.Detail == "" || problem.Where == "" {
				t.Errorf("problem %+v", problem)
			}
			if problem.Key.Anchor == "" && result.Coverage[directory.User] == connector.Complete {
				t.Errorf("complete in spite of %+v", problem)
			}
			if anchors[problem.Key.Anchor] > 0 {
				t.Errorf("%q was given in spite of %+v", problem.Key.Anchor, problem)
			}
		}
		if check != nil {
			check(t, data, reading{result: result}, anchors)
		}
	})
}

func FuzzCSV(f *testing.F) {
	for _, seed := range []string{
		"", "id,boss\n", "id,boss\r\n1,\"a\"\"b\"\r\n2,1\r\n", "\ufeffid,boss\n1,\n1,\n", "boss,id\n\"a\nb\",1\n,2,3\n", "id,boss\n\x00,1\n1,\x00\n", "id,boss\n1,\"x", "id,boss\n1,a\"b\n\"c\"d,e\n", "\xff\xfe", "id,boss\n1,\xfc\n",
	} {
		f.Add([]byte(seed))
	}
	// The library's reader, which takes documents that are sound as a whole, is
	// the judge of what a sound document holds.
	fuzz(f, "p.csv", func(t *testing.T, data []byte, r reading, anchors map[string]int) {
		if len(r.result.Problems) > 0 {
			return
		}
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(data), "\ufeff"))).ReadAll()
		if err != nil {
			t.Fatalf("sound, but not for encoding/csv: %v", err)
		}
		if len(anchors) != len(rows)-1 {
			t.Errorf("%d rows were given of %d", len(anchors), len(rows)-1)
		}
	})
}

func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		"", "[]", `[{"id":"1","boss":[1,"2"]},{"id":2}]`, `[{"id":"1","id":"2"}]`, `[{"id":"\u0000"},{"id":"1","a":"\u0000"},3]`, `[{"id":"1","a":[[[[{}]]]]}`, `[[[[`, `{"id":1}`, "\ufeff[{}]", `[{"id":"1"}] 7`,
	} {
		f.Add([]byte(seed))
	}
	fuzz(f, "p.json", func(t *testing.T, data []byte, r reading, anchors map[string]int) {
		var rows []json.RawMessage
		if err := json.Unmarshal([]byte(strings.TrimPrefix(string(data), "\ufeff")), &rows); err != nil {
			t.Fatalf("taken, but no JSON: %v", err)
		}
		if len(r.result.Problems) == 0 && len(anchors) != len(rows) {
			t.Errorf("%d rows were given of %d", len(anchors), len(rows))
		}
	})
}

func FuzzLines(f *testing.F) {
	for _, seed := range []string{
		"", "\n\r\n", `{"id":"1"}` + "\n" + `{"id":1}`, `{"id":"1","boss":["x",null]}` + "\r\n{", "null\n[]\n\"x\"\n{}", "\x00\n",
	} {
		f.Add([]byte(seed))
	}
	fuzz(f, "p.jsonl", func(t *testing.T, data []byte, r reading, anchors map[string]int) {
		rows := 0
		for line := range strings.SplitSeq(strings.TrimPrefix(string(data), "\ufeff"), "\n") {
			if strings.TrimSpace(line) != "" {
				rows++
			}
		}
		if len(r.result.Problems) == 0 && len(anchors) != rows {
			t.Errorf("%d rows were given of %d", len(anchors), rows)
		}
	})
}
