// Package peer runs SCIM servers that are not ours, for tests. Each is installed
// once, by npm as its lock file says, into .build/peers of the checkout.
package peer

import (
	"bufio"
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

//go:embed jackson scimmy
var files embed.FS

// Scimmy starts a server made with scimmy-routers under that version of Express
// ("express" or "express5"). Below the address that it gives, each tenant has a
// directory of its own: /TENANT/scim. The server ends with the test.
func Scimmy(t testing.TB, framework, token string) string {
	t.Helper()
	return "http://127.0.0.1:" + start(t, "scimmy", "TOKEN="+token, "EXPRESS="+framework)[0]
}

// Jackson starts the directory sync of SAML Jackson, in memory, and gives the
// address and secret of an empty directory. It ends with the test.
func Jackson(t testing.TB) (url, token string) {
	t.Helper()
	words := start(t, "jackson", "DO_NOT_TRACK=1")
	return words[0], words[1]
}

// start runs a peer and gives the words that follow READY in what it prints.
func start(t testing.TB, name string, environment ...string) []string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is missing", program)
			}
			t.Skipf("SKIPPED: %s is missing, so that nothing is tested against %s, a server that is not ours; install Node.js 20", program, name)
		}
	}
	folder, err := install(name)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*time.Minute)
	command := exec.CommandContext(ctx, "node", "server.mjs")
	command.Dir = folder
	command.Env = append(os.Environ(), environment...)
	var problems bytes.Buffer
	command.Stderr = &problems
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = input.Close()
		_, _ = io.Copy(io.Discard, output)
		_ = command.Wait()
		cancel()
		if t.Failed() && problems.Len() > 0 {
			t.Logf("%s said:\n%s", name, problems.String())
		}
	})
	for lines := bufio.NewScanner(output); lines.Scan(); {
		if words, ready := strings.CutPrefix(lines.Text(), "READY "); ready {
			return strings.Fields(words)
		}
	}
	t.Fatalf("%s did not start:\n%s", name, problems.String())
	return nil
}

// install runs npm ci unless that was done for the same lock file. Tests of
// several packages may ask at once.
func install(name string) (folder string, err error) {
	root, err := checkout()
	if err != nil {
		return "", err
	}
	folder = filepath.Join(root, ".build", "peers", name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	lock := flock.New(folder + ".lock")
	if err := lock.Lock(); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	stamp := filepath.Join(folder, "installed")
	done, err := os.ReadFile(stamp)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	var pinned []byte
	for _, file := range []string{"package.json", "package-lock.json", "server.mjs"} {
		data, err := files.ReadFile(path.Join(name, file))
		if err != nil {
			return "", err
		}
		if file == "package-lock.json" {
			pinned = data
		}
		if err := os.WriteFile(filepath.Join(folder, file), data, 0o644); err != nil {
			return "", err
		}
	}
	if bytes.Equal(done, pinned) {
		return folder, nil
	}
	npm := exec.Command("npm", "ci", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = folder
	if out, err := npm.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm ci in %s: %w\n%s", folder, err, out)
	}
	return folder, os.WriteFile(stamp, pinned, 0o644)
}

// checkout gives the folder of the module that the test is of.
func checkout() (string, error) {
	folder, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		if parent := filepath.Dir(folder); parent != folder {
			folder = parent
			continue
		}
		return "", errors.New("no go.mod above the working directory")
	}
	return "", err
}
