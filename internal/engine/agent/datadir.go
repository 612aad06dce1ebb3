package agent

import (
	"fmt"
	"os"
	"path/filepath"
)

// PrepareDir gives the absolute path of a data directory, which is created for
// its owner alone when it is not there. One that others may write to is
// refused: they could put a socket of their own there.
func PrepareDir(dir string) (string, error) {
	if dir == "" {
		return "", fmt.Errorf("no data directory is given; set data_dir")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("data directory %q: %w", dir, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("create data directory: %w", err)
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return "", fmt.Errorf("data directory: %w", err)
	}
	if err := checkDir(dir, othersWrite); err != nil {
		return "", err
	}
	return dir, nil
}
