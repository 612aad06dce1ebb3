package store

import (
	"context"
	"io"

	"go.etcd.io/bbolt"
)

// Backup lets commits go on while it copies, except those that need the file to
// grow beyond its mapping.
func (b *bolt) Backup(ctx context.Context, to io.Writer) error {
	err := b.view(func(tx *bbolt.Tx) error {
		_, err := tx.WriteTo(cancellable{ctx, to})
		return err
	})
	if err != nil && ctx.Err() != nil {
		err = ctx.Err() // bbolt gives it as text
	}
	if err != nil {
		return wrap("back up", b.path, err)
	}
	return nil
}

// cancellable is a Writer that fails once ctx has ended.
type cancellable struct {
	ctx context.Context
	to  io.Writer
}

func (c cancellable) Write(data []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.to.Write(data)
}
