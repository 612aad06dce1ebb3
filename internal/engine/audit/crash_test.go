//go:build unix

package audit

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// childEnv makes the test binary a process that writes to a log in the folder
// it names until it is killed.
const childEnv = "AUDIT_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		fmt.Println("error:", logForEver(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func openIn(dir string) (store.Store, *Log, error) {
	s, err := store.Open(filepath.Join(dir, "store.db"), store.Options{Create: true})
	if err != nil {
		return nil, nil, err
	}
	noWait := func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	l, err := Open(filepath.Join(dir, "audit"), s, Options{Sleep: noWait})
	return s, l, err
}

// logForEver commits entries 1, 2, … each with a row of its own, and prints
// each that is durable.
func logForEver(dir string) error {
	ctx := context.Background()
	s, l, err := openIn(dir)
	if err != nil {
		return err
	}
	last, err := s.Get("last", []byte("n"))
	if err != nil {
		return err
	}
	n, _ := strconv.Atoi(string(last))
	for {
		n++
		mutations, err := l.Mutations(entry("app", fmt.Sprint(n)))
		if err != nil {
			return err
		}
		if err := s.Commit(ctx, append(mutations, store.Put("last", []byte("n"), fmt.Append(nil, n)))...); err != nil {
			return err
		}
		l.Wake()
		fmt.Println(n)
	}
}

// TestKilled kills a logging process again and again. Each entry that was
// committed is in the files exactly once.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(3, 4))
	acknowledged := 0
	for range 15 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stop := acknowledged + 1 + random.IntN(80)
		for lines := bufio.NewScanner(out); acknowledged < stop && lines.Scan(); {
			if acknowledged, err = strconv.Atoi(lines.Text()); err != nil {
				t.Fatal(lines.Text())
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
	}
	s, l, err := openIn(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	text, _ := s.Get("last", []byte("n"))
	last, _ := strconv.Atoi(string(text))
	if last < acknowledged {
		t.Fatalf("%d was acknowledged, the last is %d", acknowledged, last)
	}
	count := map[string]int{}
	names, err := l.dayFiles("app", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := l.search(t.Context(), name, func(line []byte) {
			e, err := decode(line)
			if err != nil {
				t.Errorf("%s: %v", line, err)
			}
			count[e.Reason]++
		}); err != nil {
			t.Fatal(err)
		}
	}
	for n := 1; n <= last; n++ {
		if count[fmt.Sprint(n)] != 1 {
			t.Errorf("entry %d is there %d times", n, count[fmt.Sprint(n)])
		}
	}
	if len(count) != last {
		t.Errorf("%d entries, want %d", len(count), last)
	}
}
