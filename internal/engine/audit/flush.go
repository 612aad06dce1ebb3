package audit

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// flushSize is how many entries move at a time.
const flushSize = 500

// dayState is what the writer knows of a day file.
type dayState struct {
	length int64 // its bytes that are durable
	// written holds the ids in the file whose rows may still be in the outbox,
	// because a process died, or a commit failed, between the two.
	written map[string]bool
}

// Flush brings all entries of the outbox to their day files. After an error
// they are in the outbox still, and none is twice in a file.
func (l *Log) Flush(ctx context.Context) error {
	l.files.Lock()
	defer l.files.Unlock()
	err := l.flush(ctx)
	if err != nil {
		err = fmt.Errorf("write the provisioning log: %w", err)
	}
	l.mu.Lock()
	l.err = err
	l.mu.Unlock()
	return err
}

func (l *Log) flush(ctx context.Context) error {
	for {
		rows, err := l.store.Page(outbox, nil, nil, flushSize)
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			if err := l.move(ctx, rows); err != nil {
				return err
			}
		}
		if len(rows) < flushSize {
			return nil
		}
	}
}

// move appends the rows to their day files and then deletes them. When it is
// cut short in between, the ids in the file tell the next one.
func (l *Log) move(ctx context.Context, rows []store.Row) error {
	var mutations []store.Mutation
	byFile := map[string][]store.Row{}
	var names []string
	for _, row := range rows {
		mutations = append(mutations, store.Delete(outbox, row.Key))
		name, err := fileOf(row.Value)
		if err != nil {
			l.damaged.Add(1)
			continue
		}
		if byFile[name] == nil {
			names = append(names, name)
		}
		byFile[name] = append(byFile[name], row)
	}
	for _, name := range names {
		length, err := l.append(name, byFile[name])
		if err != nil {
			return err
		}
		mutations = append(mutations, store.Put(positions, []byte(name), binary.AppendUvarint(nil, uint64(length))))
	}
	l.announce()
	if err := l.store.Commit(ctx, mutations...); err != nil {
		return err
	}
	for _, name := range names {
		for _, row := range byFile[name] {
			delete(l.days[name].written, string(row.Key))
		}
	}
	return nil
}

// fileOf names the day file of an entry's line. It reads no further than to the
// fields that tell, which come first.
func fileOf(line []byte) (string, error) {
	var entry Entry
	in := json.NewDecoder(bytes.NewReader(line))
	if _, err := in.Token(); err != nil {
		return "", err
	}
	for _, field := range []struct {
		name string
		into any
	}{{"id", &entry.ID}, {"time", &entry.Time}, {"app_id", &entry.AppID}} {
		name, err := in.Token()
		if err == nil && name != field.name {
			err = fmt.Errorf("the entry has %v where %s is to be", name, field.name)
		}
		if err == nil {
			err = in.Decode(field.into)
		}
		if err != nil {
			return "", err
		}
	}
	if entry.Time.IsZero() {
		return "", errNoTime
	}
	return dayFile(entry.AppID, entry.Time), nil
}

// append writes the rows that are not yet in the file, and gives its length
// once they are durable.
func (l *Log) append(name string, rows []store.Row) (length int64, err error) {
	path := filepath.Join(l.dir, name)
	file, err := openDay(path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	day, err := l.day(name, file)
	if err != nil {
		return 0, err
	}
	var lines []byte
	var ids []string
	for _, row := range rows {
		if id := string(row.Key); !day.written[id] {
			ids = append(ids, id)
			lines = append(append(lines, row.Value...), '\n')
		}
	}
	// What stands behind the length is the rest of an attempt that failed.
	if err := file.Truncate(day.length); err != nil {
		return 0, err
	}
	if _, err := file.WriteAt(lines, day.length); err != nil {
		return 0, err
	}
	if err := file.Sync(); err != nil {
		return 0, err
	}
	for _, id := range ids {
		day.written[id] = true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	day.length += int64(len(lines))
	return day.length, nil
}

// day gives the state of a file. The first time, it looks which entries of the
// outbox are in it behind the position of the last commit, and leaves out a
// line that was cut off.
func (l *Log) day(name string, file *os.File) (*dayState, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if day := l.days[name]; day != nil && day.length <= info.Size() {
		return day, nil
	}
	value, err := l.store.Get(positions, []byte(name))
	if err != nil {
		return nil, err
	}
	position, _ := binary.Uvarint(value)
	day := &dayState{length: int64(position), written: map[string]bool{}}
	if !endsLine(file, day.length) {
		day.length = 0 // another file than the one that the position is of
	}
	err = forward(file, day.length, info.Size(), func(line []byte, end int64) error {
		day.length = end
		entry, err := decode(line)
		if err != nil {
			l.damaged.Add(1)
			return nil
		}
		row, err := l.store.Get(outbox, []byte(entry.ID))
		if row != nil {
			day.written[entry.ID] = true
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.days[name] = day
	return day, nil
}

// endsLine reports whether a line of the file ends at that length.
func endsLine(file io.ReaderAt, length int64) bool {
	if length == 0 {
		return true
	}
	var last [1]byte
	_, err := file.ReadAt(last[:], length-1)
	return err == nil && last[0] == '\n'
}

// announce wakes those who follow.
func (l *Log) announce() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
}

// openDay opens a day file for writing. A new one has a durable name.
func openDay(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if !errors.Is(err, fs.ErrNotExist) {
		return file, err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for _, dir := range slices.Compact([]string{dir, filepath.Dir(dir)}) {
		if err := syncDir(dir); err != nil {
			return nil, errors.Join(err, file.Close())
		}
	}
	return file, nil
}
