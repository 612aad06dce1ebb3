//go:build !unix

package file

import "io/fs"

// inode tells a file from another one that was put in its place. Here nothing
// does, and size, time and content must do.
func inode(fs.FileInfo) uint64 { return 0 }
