package expression

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// vector is one case of testdata/expressions.json.
type vector struct {
	ID         string
	Expression string
	Source     directory.Attributes
	Expected   json.RawMessage
	Error      bool
	Ignore     string
	Matches    []string
	Now        string
	Taken      []string
}

func readVectors(t testing.TB) []vector {
	t.Helper()
	data, err := os.ReadFile("testdata/expressions.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	return vectors
}

func (v vector) environment(t testing.TB) *Environment {
	t.Helper()
	env := &Environment{Attribute: v.Source.Get, Random: seeded(1)}
	if v.Now != "" {
		now, err := time.Parse(time.RFC3339, v.Now)
		if err != nil {
			t.Fatal(err)
		}
		env.Now = func() (time.Time, error) { return now, nil }
	}
	env.Taken = func(value string) (bool, bool, error) {
		return slices.ContainsFunc(v.Taken, func(s string) bool { return strings.EqualFold(s, value) }), true, nil
	}
	return env
}

// seeded gives the same bytes for the same seed.
func seeded(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }

// canonical gives a value as the vectors write it: texts and lists.
func canonical(v directory.Value) any {
	switch v.Kind() {
	case directory.KindNull:
		return nil
	case directory.KindList:
		list := []any{}
		for _, element := range v.Values() {
			list = append(list, canonical(element))
		}
		return list
	case directory.KindComplex:
		object := map[string]any{}
		for _, member := range v.Members() {
			if b, ok := member.Value.AsBoolean(); ok {
				object[member.Name] = b
				continue
			}
			object[member.Name] = canonical(member.Value)
		}
		return object
	}
	return v.String()
}

func TestVectors(t *testing.T) {
	vectors := readVectors(t)
	if len(vectors) < 234 {
		t.Fatalf("%d vectors, fewer than there were", len(vectors))
	}
	for _, v := range vectors {
		t.Run(v.ID, func(t *testing.T) {
			e, err := Parse(v.Expression)
			var result Result
			if err == nil {
				result, err = e.Evaluate(v.environment(t))
			}
			switch {
			case v.Error:
				if err == nil {
					t.Fatalf("%s gives %v, not an error", v.Expression, result.Value)
				}
				t.Log(err)
			case err != nil:
				t.Fatalf("%s: %v", v.Expression, err)
			case v.Ignore != "":
				want := map[string]Ignore{"attribute": IgnoreAttribute, "object": IgnoreObject}[v.Ignore]
				if result.Ignore != want {
					t.Fatalf("%s: ignores %d, want %d", v.Expression, result.Ignore, want)
				}
			case v.Matches != nil:
				for seed := range byte(100) {
					env := v.environment(t)
					env.Random = seeded(seed)
					result, err := e.Evaluate(env)
					if err != nil {
						t.Fatal(err)
					}
					for _, pattern := range v.Matches {
						if !regexp.MustCompile(pattern).MatchString(result.Value.String()) {
							t.Fatalf("%s gives %q, which does not match %s", v.Expression, result.Value, pattern)
						}
					}
				}
			default:
				got, err := json.Marshal(canonical(result.Value))
				if err != nil {
					t.Fatal(err)
				}
				var want any
				if err := json.Unmarshal(v.Expected, &want); err != nil {
					t.Fatal(err)
				}
				wanted, err := json.Marshal(want)
				if err != nil {
					t.Fatal(err)
				}
				if result.Ignore != IgnoreNothing || !bytes.Equal(got, wanted) {
					t.Fatalf("%s gives %s (ignore %d), want %s", v.Expression, got, result.Ignore, wanted)
				}
			}
		})
	}
}
