// Package slapdtest starts real OpenLDAP servers for tests: on the loopback
// interface, without root, with everything in one folder.
package slapdtest

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
)

// Suffix is the DN that every server holds, and Password that of all its
// identities.
const (
	Suffix   = "dc=example,dc=org"
	Password = "secret"
)

// The identities, as bind DNs.
const (
	Writer  = "cn=writer," + Suffix  // writes everything
	Replica = "cn=replica," + Suffix // reads without limits
	Reader  = "cn=reader," + Suffix  // reads at most 100 entries a search, or pages of up to 100
)

//go:embed slapd.sh
var script string

// Server is one server that runs, or did.
type Server struct {
	LDAP, LDAPS string // addresses, as "127.0.0.1:20389"
	CA          string // of its certificate, in PEM
	Log         string // path of the file of all operations since the start
	dir         string
}

// Start starts a server that keeps everything in a folder. Where one was
// stopped there, it holds what that one held, at the same addresses.
func Start(dir string) (*Server, error) {
	out, err := run("start", dir)
	if err != nil {
		return nil, err
	}
	told := make(map[string]string)
	for line := range strings.Lines(out) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		told[name] = value
	}
	ca, err := os.ReadFile(told["CA"])
	if err != nil {
		return nil, err
	}
	return &Server{LDAP: told["LDAP"], LDAPS: told["LDAPS"], CA: string(ca), Log: told["LOG"], dir: dir}, nil
}

// Stop ends the server.
func (s *Server) Stop() error {
	_, err := run("stop", s.dir)
	return err
}

func run(verb, dir string) (string, error) {
	var problem strings.Builder
	command := exec.Command("bash", "-c", script, "slapd.sh", verb, dir)
	command.Stderr = &problem
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s an OpenLDAP server: %w: %s", verb, err, strings.TrimSpace(problem.String()))
	}
	return string(out), nil
}

// New starts a server that ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	// Not t.TempDir: with the name of a test the path gets too long for slapd.
	dir, err := os.MkdirTemp("", "slapd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s, err := Start(dir)
	Need(t, err)
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Need skips the test where no server could be started, but on CI, where that
// fails it.
func Need(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatal(err)
	default:
		t.Skipf("NOT TESTED: %v", err)
	}
}

// Restart starts the server again after a Stop.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	if _, err := Start(s.dir); err != nil {
		t.Fatal(err)
	}
}

// Connect gives a connection that may write everything.
func (s *Server) Connect(t testing.TB) *goldap.Conn {
	t.Helper()
	conn, err := goldap.DialURL("ldap://" + s.LDAP)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.Bind(Writer, Password); err != nil {
		t.Fatal(err)
	}
	return conn
}
