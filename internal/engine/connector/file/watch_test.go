package file

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
)

// clock is a clock that stands until it is set.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

func TestUnchanged(t *testing.T) {
	folder := t.TempDir()
	written := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	content := "id,name\n1,a\n"
	path := write(t, folder, "p.csv", content)
	touch := func(at time.Time) {
		t.Helper()
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	connection := fmt.Sprintf(`{"users":{"path":%q,"id":"id"}}`, path)
	var now clock
	source := open(t, connection, now.now)
	must := func(since connector.Watermark, unchanged bool) connector.Watermark {
		t.Helper()
		r, err := read(t, source, since)
		if err != nil {
			t.Fatal(err)
		}
		if r.result.Unchanged != unchanged || unchanged != (len(r.given) == 0) {
			t.Errorf("unchanged %t, want %t; given %q", r.result.Unchanged, unchanged, r.given)
		}
		return r.result.Next
	}

	// Read at once after it was written, the file may change within the same
	// step of the clock: only its content tells.
	touch(written)
	now.Time = written.Add(time.Second)
	first := must(nil, false)
	write(t, folder, "p.csv", "id,name\n1,b\n")
	touch(written)
	first = must(first, false)
	must(first, true)

	// Left alone for a while, its time tells.
	now.Time = written.Add(time.Minute)
	settled := must(first, true)
	if bytes.Equal(first, settled) {
		t.Error("the watermark does not say that the file has settled")
	}
	if again := must(settled, true); !bytes.Equal(again, settled) {
		t.Errorf("the watermark moves without a cause: %s, %s", settled, again)
	}

	// Touched, or put in its place with the same content: unchanged.
	touch(written.Add(time.Second))
	settled = must(settled, true)
	write(t, folder, "q.csv", "id,name\n1,b\n")
	if err := os.Rename(folder+"/q.csv", path); err != nil {
		t.Fatal(err)
	}
	touch(written.Add(time.Second))
	settled = must(settled, true)

	write(t, folder, "p.csv", "id,name\n1,c\n")
	touch(written.Add(2 * time.Second))
	settled = must(settled, false)

	// Other settings make other objects of the same file.
	source = open(t, fmt.Sprintf(`{"users":{"path":%q,"id":"id","references":{"manager":"name"}}}`, path), now.now)
	must(settled, false)
}

func TestChangesMeanwhile(t *testing.T) {
	content := "id,name\n" + strings.Repeat("x,y\n", 3)
	for name, change := range map[string]func(t *testing.T, folder, path string){
		"appended": func(t *testing.T, folder, path string) { write(t, folder, "p.csv", content+"z,z\n") },
		"overwritten": func(t *testing.T, folder, path string) {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			write(t, folder, "p.csv", strings.ReplaceAll(content, "y", "w"))
			if err := os.Chtimes(path, info.ModTime(), info.ModTime().Add(time.Second)); err != nil {
				t.Fatal(err)
			}
		},
		"replaced": func(t *testing.T, folder, path string) {
			write(t, folder, "q.csv", content)
			if err := os.Rename(folder+"/q.csv", path); err != nil {
				t.Fatal(err)
			}
		},
		"removed": func(t *testing.T, folder, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			path := write(t, folder, "p.csv", content)
			source := open(t, fmt.Sprintf(`{"users":{"path":%q,"id":"id"}}`, path), nil)
			done := false
			result, err := source.Read(t.Context(), connector.ReadRequest{Types: both}, func(connector.Change) error {
				if !done {
					done = true
					change(t, folder, path)
				}
				return nil
			})
			want := connector.Transient
			if name == "removed" {
				want = connector.Fatal
			}
			if failed := failure(t, err); failed.Class != want || result.Next != nil || len(result.Coverage) > 0 {
				t.Errorf("%v %v, %+v", failed.Class, failed, result)
			}
		})
	}
}

// A change between the passes that leaves no trace outside shows in the
// content.
func TestChangesUnseen(t *testing.T) {
	folder := t.TempDir()
	path := write(t, folder, "p.csv", "id\n1\n")
	d, err := newDocument("User", "users", declaration{Path: path, ID: "id"})
	if err != nil {
		t.Fatal(err)
	}
	survey, err := d.survey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	write(t, folder, "p.csv", "id\n2\n")
	if survey.identity, err = d.identify(); err != nil {
		t.Fatal(err)
	}
	_, err = d.give(t.Context(), survey, func(connector.Change) error { return nil })
	if failed := failure(t, err); failed.Code != codeChanged {
		t.Error(err)
	}
}
