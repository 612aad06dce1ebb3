package scim

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/conformance"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// TestScimmy runs the suite on a server that is not ours: scimmy-routers, under
// Express 4 and under Express 5, where it loses filters and startIndex.
func TestScimmy(t *testing.T) {
	folder := installScimmy(t)
	for framework, change := range map[string]func(*conformance.Caps){
		"express":  func(*conformance.Caps) {},
		"express5": func(c *conformance.Caps) { c.Searches, c.ListsCompletely = false, false },
	} {
		t.Run(framework, func(t *testing.T) {
			server := startScimmy(t, folder, framework)
			tenant := 0
			conformance.Target(t, func(t *testing.T) (connector.Target, conformance.Caps) {
				changed := caps
				changed.Versions = false
				changed.CaseFolds = false
				change(&changed)
				tenant++
				return open(t, fmt.Sprintf("%s/%d/scim", server, tenant), ""), changed
			})
		})
	}
}

// The names differ in case: the search misses, the create is refused, and the
// list shows who stands in the way.
func TestScimmyCase(t *testing.T) {
	target := open(t, startScimmy(t, installScimmy(t), "express")+"/1/scim", "")
	id := send(t, target, creating(directory.User, set("userName", directory.Text("Ada")))).ID
	_, err := target.Send(t.Context(), creating(directory.User, set("userName", directory.Text("ADA"))))
	refused(t, err, connector.Conflict, codeEntryConflict)
	if ids, complete := list(t, target, directory.User); !complete || len(ids) != 1 || ids[0] != id {
		t.Errorf("%v, complete %t", ids, complete)
	}
	for _, name := range []string{`a"b`, `a\b`} { // refused, and silently not found
		send(t, target, creating(directory.User, set("userName", directory.Text(name))))
		if found, err := find(t, target, directory.User, "userName", name); !errors.Is(err, connector.ErrCannotFilter) {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
}

// installScimmy puts the server's packages into a folder that is kept.
var installScimmy = func() func(t *testing.T) string {
	var once sync.Once
	var folder string
	var problem error
	return func(t *testing.T) string {
		t.Helper()
		for _, program := range []string{"node", "npm"} {
			if _, err := exec.LookPath(program); err != nil {
				if os.Getenv("CI") == "true" {
					t.Fatalf("%s is missing", program)
				}
				t.Skipf("SKIPPED: %s is missing, so that nothing is tested against a server that is not ours; install Node.js 20", program)
			}
		}
		once.Do(func() { folder, problem = install() })
		if problem != nil {
			t.Fatal(problem)
		}
		return folder
	}
}()

// install runs npm ci unless that was done for the same lock file.
func install() (string, error) {
	root, err := filepath.Abs("../../../..")
	if err != nil {
		return "", err
	}
	folder := filepath.Join(root, ".build", "scimmy")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	lock, err := os.ReadFile("testdata/scimmy/package-lock.json")
	if err != nil {
		return "", err
	}
	stamp := filepath.Join(folder, "installed")
	done, err := os.ReadFile(stamp)
	fresh := err == nil && bytes.Equal(done, lock)
	for _, name := range []string{"package.json", "package-lock.json", "server.mjs"} {
		data, err := os.ReadFile(filepath.Join("testdata/scimmy", name))
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o644); err != nil {
			return "", err
		}
	}
	if fresh {
		return folder, nil
	}
	npm := exec.Command("npm", "ci", "--no-audit", "--no-fund")
	npm.Dir = folder
	if out, err := npm.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm ci in %s: %w\n%s", folder, err, out)
	}
	return folder, os.WriteFile(stamp, lock, 0o644)
}

// startScimmy starts a server, which ends with the test, and gives its address.
func startScimmy(t *testing.T, folder, framework string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*time.Minute)
	command := exec.CommandContext(ctx, "node", "server.mjs")
	command.Dir = folder
	command.Env = append(os.Environ(), "TOKEN="+token, "EXPRESS="+framework)
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
			t.Logf("the server said:\n%s", problems.String())
		}
	})
	port, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatalf("the server did not start: %v\n%s", err, problems.String())
	}
	return "http://127.0.0.1:" + strings.TrimSpace(port)
}
