package client

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/agent"
)

// binDir is where, in a data directory, the copies of the program stand that
// agents run from: the original may be replaced or removed meanwhile.
const binDir = "bin"

// install copies a program into the data directory, under its digest, and gives
// the copy's path.
func install(program, dir string) (string, error) {
	digest, err := agent.FileDigest(program)
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, binDir)
	path := filepath.Join(bin, digest+executableSuffix)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(bin, 0o700); err != nil {
		return "", fmt.Errorf("copy the program: %w", err)
	}
	if err := copyProgram(program, bin, path); err != nil {
		return "", fmt.Errorf("copy the program: %w", err)
	}
	return path, nil
}

func copyProgram(program, bin, path string) error {
	from, err := os.Open(program)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.CreateTemp(bin, "new-*")
	if err != nil {
		return err
	}
	defer os.Remove(to.Name())
	_, err = io.Copy(to, from)
	if err = errors.Join(err, to.Chmod(0o700), to.Sync(), to.Close()); err != nil {
		return err
	}
	return os.Rename(to.Name(), path)
}

// removeOthers removes the copies of other programs, once one serves. One that
// still runs, on a system that keeps it for that, is removed another time.
func removeOthers(path string) {
	bin := filepath.Dir(path)
	entries, err := os.ReadDir(bin)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if entry.Name() != filepath.Base(path) {
			os.Remove(filepath.Join(bin, entry.Name()))
		}
	}
}
