package store

import (
	"encoding/binary"
	"fmt"
	"os"
)

// The layout of bbolt's two meta pages, which stand at the start of the file and
// one page behind it, in the machine's byte order.
const (
	metaMagic       = 0xED0CDAED
	metaAt          = 16 // after the page's head
	metaPageSizeAt  = metaAt + 8
	metaTxidAt      = metaAt + 48
	metaSize        = metaAt + 64
	largestPageSize = 64 << 10
)

// Commits gives the number of the last transaction that is durable in the
// store's file at path. The difference between two calls is how often the store
// committed meanwhile; each commit costs two fsyncs. Another process may have
// the store open.
func Commits(path string) (uint64, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	first, second := make([]byte, metaSize), make([]byte, metaSize)
	if _, err := file.ReadAt(first, 0); err != nil {
		return 0, fmt.Errorf("read %s: %w", path, err)
	}
	pageSize := binary.NativeEndian.Uint32(first[metaPageSizeAt:])
	if binary.NativeEndian.Uint32(first[metaAt:]) != metaMagic || pageSize > largestPageSize {
		return 0, fmt.Errorf("read %s: %w", path, ErrCorrupt)
	}
	if _, err := file.ReadAt(second, int64(pageSize)); err != nil {
		return 0, fmt.Errorf("read %s: %w", path, err)
	}
	return max(binary.NativeEndian.Uint64(first[metaTxidAt:]), binary.NativeEndian.Uint64(second[metaTxidAt:])), nil
}
