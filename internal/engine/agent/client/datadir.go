package client

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

const dirName = "terraform-provider-provisioning"

// DefaultDataDir gives the data directory of a user who names none: where the
// system keeps what programs must not lose and users do not edit. It creates
// nothing.
//
//	Linux and others  $XDG_STATE_HOME or ~/.local/state
//	macOS             ~/Library/Application Support
//	Windows           %LocalAppData%
func DefaultDataDir() (string, error) {
	parent, err := stateDir(runtime.GOOS)
	if err != nil {
		return "", fmt.Errorf("no default data directory: %w; set data_dir", err)
	}
	return filepath.Join(parent, dirName), nil
}

func stateDir(system string) (string, error) {
	switch system {
	case "darwin", "ios":
		return os.UserConfigDir()
	case "windows":
		return os.UserCacheDir()
	}
	// A relative one is to be ignored: XDG Base Directory Specification.
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, ".local", "state"), nil
}
