//go:build unix

package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

var ctx = context.Background()

// The environment variable that makes the test binary a child: the path of the
// store, and what to do with it.
const childEnv = "STORE_TEST_CHILD"

func TestMain(m *testing.M) {
	role, path, found := strings.Cut(os.Getenv(childEnv), ":")
	if !found {
		os.Exit(m.Run())
	}
	err := map[string]func(string) error{"write": writeForEver, "fill": fillDisk}[role](path)
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

func child(t *testing.T, role, path string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+role+":"+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

const rowsPerCommit = 40

// writeForEver commits n = 1, 2, … as rows over two tables, and prints each n
// that is durable.
func writeForEver(path string) error {
	s, err := store.Open(path, store.Options{Create: true})
	if err != nil {
		return err
	}
	last, err := s.Get("last", []byte("n"))
	if err != nil {
		return err
	}
	n, _ := strconv.Atoi(string(last))
	var tickets []store.Ticket
	for {
		for range 4 {
			n++
			tickets = append(tickets, s.Enqueue(numbered(n)...))
		}
		for i, ticket := range tickets {
			if err := ticket.Wait(ctx); err != nil {
				return err
			}
			fmt.Println(n - len(tickets) + 1 + i)
		}
		tickets = tickets[:0]
	}
}

func numbered(n int) []store.Mutation {
	text := fmt.Append(nil, n)
	mutations := []store.Mutation{store.Put("last", []byte("n"), text)}
	for i := range rowsPerCommit {
		mutations = append(mutations,
			store.Put("rows", store.Key(fmt.Sprint(i), fmt.Sprintf("%09d", n)), text),
			store.Put("same", fmt.Append(nil, i), text))
	}
	return mutations
}

// TestKilled kills a writing process again and again. Each commit is there as a
// whole or not at all, and each that was acknowledged is there.
func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	random := rand.New(rand.NewPCG(1, 2))
	acknowledged := 0
	for range 15 {
		cmd, lines := child(t, "write", path)
		stop := acknowledged + 1 + random.IntN(60)
		for lines.Scan() {
			n, err := strconv.Atoi(lines.Text())
			if err != nil {
				t.Fatal(lines.Text())
			}
			if acknowledged = max(acknowledged, n); n >= stop {
				break
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		acknowledged = verifyNumbered(t, path, acknowledged)
	}
}

func verifyNumbered(t *testing.T, path string, acknowledged int) int {
	t.Helper()
	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	text, err := s.Get("last", []byte("n"))
	if err != nil {
		t.Fatal(err)
	}
	last, _ := strconv.Atoi(string(text))
	if last < acknowledged {
		t.Fatalf("%d was acknowledged, the last is %d", acknowledged, last)
	}
	rows := 0
	err = errors.Join(
		store.Each(s, "rows", nil, func(store.Row) error { rows++; return nil }),
		store.Each(s, "same", nil, func(row store.Row) error {
			if string(row.Value) != string(text) {
				return fmt.Errorf("row %s is of commit %s, the last is %s", row.Key, row.Value, text)
			}
			return nil
		}))
	if err != nil || rows != last*rowsPerCommit {
		t.Fatalf("%d rows after %d commits of %d, error %v", rows, last, rowsPerCommit, err)
	}
	return last
}

// fillDisk writes until a limit on the size of files refuses it, reads, gets
// more room, and writes again.
func fillDisk(path string) error {
	s, err := store.Open(path, store.Options{Create: true})
	if err != nil {
		return err
	}
	if err := s.Commit(ctx, store.Put("t", []byte("before"), []byte("1"))); err != nil {
		return err
	}
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	small := limit
	small.Cur = 1 << 20
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
		return err
	}
	big := store.Put("t", []byte("big"), make([]byte, 4<<20))
	for range 3 {
		if err := s.Commit(ctx, big, store.Put("t", []byte("half"), nil)); !tooLarge(err) {
			return fmt.Errorf("on a full disk: %w", err)
		}
		if err := s.Enqueue(big).Wait(ctx); !tooLarge(err) {
			return fmt.Errorf("enqueued on a full disk: %w", err)
		}
		rows, err := s.Page("t", nil, nil, 10)
		if err != nil || len(rows) != 1 {
			return fmt.Errorf("reading on a full disk: %d rows, %w", len(rows), err)
		}
	}
	if err := s.Commit(ctx, store.Put("u", []byte("small"), nil)); err != nil {
		return fmt.Errorf("a small one that still fits: %w", err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	if err := s.Commit(ctx, big); err != nil {
		return fmt.Errorf("with room again: %w", err)
	}
	if err := s.Close(); err != nil {
		return err
	}
	fmt.Println("done")
	return nil
}

// tooLarge goes by the text, since bbolt does not wrap the error of growing.
func tooLarge(err error) bool {
	return err != nil && strings.Contains(err.Error(), syscall.EFBIG.Error())
}

func TestDiskFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	cmd, lines := child(t, "fill", path)
	lines.Scan()
	if err := cmd.Wait(); err != nil || lines.Text() != "done" {
		t.Fatalf("%s (%v)", lines.Text(), err)
	}
	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rows, err := s.Page("t", nil, nil, 10)
	if err != nil || len(rows) != 2 {
		t.Errorf("%d rows, want before and big; error %v", len(rows), err)
	}
}
