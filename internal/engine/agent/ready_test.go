//go:build unix

package agent

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
)

func TestReadReady(t *testing.T) {
	told := &api.Error{Code: api.CodeConflict, Summary: "s", Detail: "two\nlines", Advice: "a", Path: []string{"data_dir"}}
	w := newWord()
	r := &readiness{to: w}
	r.fail(told)
	r.succeed() // too late
	line := <-w.said
	var got *api.Error
	if err := ReadReady(strings.NewReader(line)); !errors.As(err, &got) || got.Error() != told.Error() || got.Path[0] != "data_dir" {
		t.Errorf("%q became %v", line, err)
	}
	if err := ReadReady(strings.NewReader("ready\n")); err != nil {
		t.Error(err)
	}
	for _, noWord := range []string{"", "read", "ready", "panic: x\n", "{}\n", "null\n", "[]\n", strings.Repeat("x", 2<<20)} {
		if err := ReadReady(strings.NewReader(noWord)); !errors.Is(err, ErrNoWord) {
			t.Errorf("%.20q became %v", noWord, err)
		}
	}
	broken := errors.New("broken")
	if err := ReadReady(io.MultiReader(strings.NewReader("rea"), failing{broken})); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	(&readiness{}).succeed() // nobody waits
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestReadyPipe(t *testing.T) {
	for _, none := range []string{"", "x", "-1"} {
		t.Setenv(ReadyVariable, none)
		if pipe := ReadyPipe(); pipe != nil {
			t.Errorf("%q is a pipe", none)
		}
	}
	from, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	inherited, err := syscall.Dup(int(to.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	to.Close()
	t.Setenv(ReadyVariable, strconv.Itoa(inherited))
	(&readiness{to: ReadyPipe()}).succeed()
	if err := ReadReady(from); err != nil {
		t.Error(err)
	}
	if value, there := os.LookupEnv(ReadyVariable); there {
		t.Errorf("the variable is still %q", value)
	}
}

func FuzzReadReady(f *testing.F) {
	f.Add("ready\n")
	f.Add(`{"code":"conflict","summary":"s"}` + "\n")
	f.Fuzz(func(t *testing.T, said string) {
		err := ReadReady(strings.NewReader(said))
		var told *api.Error
		switch {
		case err == nil:
			if !strings.HasPrefix(said, "ready\n") {
				t.Errorf("%q is ready", said)
			}
		case errors.As(err, &told):
			if told.Code == "" {
				t.Errorf("%q became an error without a code", said)
			}
		case !errors.Is(err, ErrNoWord):
			t.Errorf("%q became %v", said, err)
		}
	})
}

// TestServiceManager is told once that an agent serves, and nothing of one that
// does not.
func TestServiceManager(t *testing.T) {
	if manager := ServiceManager(); manager != nil {
		t.Error("there is a service manager")
	}
	address := &net.UnixAddr{Name: filepath.Join(privateDir(t), "notify"), Net: "unixgram"}
	t.Setenv(managerVariable, address.Name)
	if manager := ServiceManager(); manager != nil {
		t.Error("there is one that does not listen")
	}
	socket, err := net.ListenUnixgram("unixgram", address)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()

	t.Setenv(managerVariable, address.Name)
	(&readiness{to: ServiceManager()}).fail(api.Errorf(api.CodeConflict, "s", "d"))
	t.Setenv(managerVariable, address.Name)
	(&readiness{to: ServiceManager()}).succeed()
	if os.Getenv(managerVariable) != "" {
		t.Error("those whom the agent starts would speak for it")
	}
	said := make([]byte, 100)
	if n, err := socket.Read(said); err != nil || string(said[:n]) != "READY=1" {
		t.Errorf("got %q, %v", said[:n], err)
	}
}
