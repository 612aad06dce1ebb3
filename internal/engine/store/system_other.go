//go:build !unix || solaris || illumos || aix

package store

import "os"

// syncDir has nothing to do where directories cannot be synced.
func syncDir(string) error { return nil }

// abandon lets go of the file of a bbolt that is not closed.
func abandon(file *os.File) error { return file.Close() }
