//go:build unix

package remote

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// giveToOwner gives a file to the owner of a data directory, when root made it
// in another user's: the agent, which is that user, must read it.
func giveToOwner(path, dir string) error {
	info, err := os.Stat(dir)
	if err != nil || os.Geteuid() != 0 {
		return err
	}
	owner := info.Sys().(*syscall.Stat_t)
	if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
		return fmt.Errorf("give %s to the owner of its directory: %w", path, err)
	}
	return nil
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
