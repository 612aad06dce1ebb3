package audit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// flushSize is how many bytes of entries move at a time, but for those of one
// row more, and flushRows of how many rows, should these be short.
const (
	flushSize = 2 << 20
	flushRows = 8 << 10
)

// eachPage is how many rows of the outbox are read at a time: each may hold many
// entries.
const eachPage = 32

// lineEnd parts the entries of a row.
var lineEnd = []byte("\n")

// linesOf gives the entries of a row of the outbox.
func linesOf(row store.Row) iter.Seq[[]byte] { return bytes.SplitSeq(row.Value, lineEnd) }

// eachUnmoved calls f for each row of the outbox.
func (l *Log) eachUnmoved(f func(store.Row) error) error {
	return store.EachPaged(l.store, outbox, nil, eachPage, f)
}

// dayState is what the writer knows of a day file.
type dayState struct {
	length int64 // its bytes that are durable
	// written holds the ids in the file that may still be in the outbox, because a
	// process died, or a commit failed, between the two.
	written map[string]bool
}

// Flush brings all entries of the outbox to their day files. After an error
// they are in the outbox still, and none is twice in a file.
func (l *Log) Flush(ctx context.Context) error { return l.bring(ctx, true) }

// bring is Flush, which need not wait until what it brought has left the outbox:
// that may share a transaction with what comes next. Then it wakes the log to see
// to it.
func (l *Log) bring(ctx context.Context, wait bool) error {
	l.files.Lock()
	defer l.files.Unlock()
	err := l.flush(ctx)
	if err == nil && wait {
		err = l.settle(ctx)
	}
	if err != nil {
		err = fmt.Errorf("write the provisioning log: %w", err)
	} else if l.leaving != nil {
		l.Wake()
	}
	l.mu.Lock()
	l.err = err
	l.mu.Unlock()
	return err
}

func (l *Log) flush(ctx context.Context) error {
	if err := l.settle(ctx); err != nil { // else it would be read again
		return err
	}
	var from []byte
	for {
		rows, more, err := l.gather(from)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			l.lines = nil // it has become quiet
			return nil
		}
		if err := l.move(ctx, rows); err != nil || !more {
			return err
		}
		from = append(bytes.Clone(rows[len(rows)-1]), 0)
	}
}

var errEnough = errors.New("enough")

// gather copies the lines of rows of the outbox from a key on, each with its end,
// to the memory that every move uses, and gives the rows' keys. It tells whether
// there may be more.
func (l *Log) gather(from []byte) (rows [][]byte, more bool, err error) {
	l.lines = l.lines[:0]
	err = l.store.Walk(outbox, from, nil, flushRows, func(row store.Row) error {
		rows = append(rows, bytes.Clone(row.Key))
		l.lines = append(append(l.lines, row.Value...), lineEnd...)
		if len(l.lines) < flushSize {
			return nil
		}
		return errEnough
	})
	if errors.Is(err, errEnough) {
		return rows, true, nil
	}
	return rows, len(rows) == flushRows, err
}

// batch is what moves to one day file at a time.
type batch struct {
	file string
	runs []run
	met  []string // the ids of those that were in the file already
}

// run is where lines that follow each other stand in what was gathered.
type run struct{ from, to int }

func (b *batch) add(from, to int) {
	if n := len(b.runs); n > 0 && b.runs[n-1].to == from {
		b.runs[n-1].to = to
	} else {
		b.runs = append(b.runs, run{from, to})
	}
}

// leaving is what is in day files and on its way out of the outbox.
type leaving struct {
	batches []*batch
	ticket  store.Ticket
}

// move appends the lines that were gathered to their day files and then has the
// rows deleted. When it is cut short in between, the ids in the file tell the
// next one. It waits for the move before it: the position of a file is behind
// nothing that stayed.
func (l *Log) move(ctx context.Context, rows [][]byte) error {
	if err := l.settle(ctx); err != nil {
		return err
	}
	var batches []*batch
	byFile := map[string]*batch{}
	var name []byte
	at := 0
	for line := range bytes.Lines(l.lines) {
		from := at
		at += len(line)
		var ok bool
		if name, ok = appendFileOf(name[:0], line); !ok {
			l.damaged.Add(1)
			continue
		}
		b := byFile[string(name)]
		if b == nil {
			b = &batch{file: string(name)}
			byFile[b.file] = b
			batches = append(batches, b)
		}
		b.add(from, at)
	}
	mutations := make([]store.Mutation, 0, len(rows)+len(batches))
	for _, key := range rows {
		mutations = append(mutations, store.Delete(outbox, key))
	}
	for i, b := range batches {
		length, err := l.append(b, string(rows[0]))
		if err != nil {
			l.forget(batches[:i])
			return err
		}
		mutations = append(mutations, store.Put(positions, []byte(b.file), binary.AppendUvarint(nil, uint64(length))))
	}
	l.announce()
	l.leaving = &leaving{batches, l.store.Enqueue(mutations...)}
	return nil
}

// settle waits until what is on its way has left the outbox. After an error of ctx
// it still may.
func (l *Log) settle(ctx context.Context) error {
	if l.leaving == nil {
		return nil
	}
	err := l.leaving.ticket.Wait(ctx)
	if err != nil && ctx.Err() != nil {
		return err
	}
	batches := l.leaving.batches
	l.leaving = nil
	if err != nil {
		l.forget(batches)
		return err
	}
	for _, b := range batches {
		if day := l.days[b.file]; day != nil {
			for _, id := range b.met {
				delete(day.written, id)
			}
		}
	}
	return nil
}

// forget has the files of batches that are in the outbox still looked at again:
// they tell what is in them.
func (l *Log) forget(batches []*batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range batches {
		delete(l.days, b.file)
	}
}

// appendFileOf appends the name of the day file of a line that encode wrote. It
// reads no further than to the fields that tell, which come first.
func appendFileOf(name, line []byte) (_ []byte, ok bool) {
	_, rest, _ := bytes.Cut(line, []byte(`","time":"`))
	text, rest, _ := bytes.Cut(rest, []byte(`","app_id":"`))
	app, _, ok := bytes.Cut(rest, []byte(`"`))
	at, err := time.Parse(time.RFC3339Nano, string(text))
	if !ok || err != nil || at.IsZero() || len(app) > 0 && !isApp(string(app)) {
		return name, false
	}
	return appendDayFile(name, string(app), at), true
}

// append writes the lines that are not yet in their file, and gives its length
// once they are durable. No entry in the outbox is older than the oldest.
func (l *Log) append(b *batch, oldest string) (length int64, err error) {
	file, err := openDay(filepath.Join(l.dir, b.file))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	day, err := l.day(b.file, file, oldest)
	if err != nil {
		return 0, err
	}
	// What stands behind the length is the rest of an attempt that failed.
	if err := file.Truncate(day.length); err != nil {
		return 0, err
	}
	length = day.length
	out := bufio.NewWriterSize(io.NewOffsetWriter(file, length), 32<<10)
	write := func(lines []byte) {
		_, _ = out.Write(lines) // Flush has its error
		length += int64(len(lines))
	}
	for _, run := range b.runs {
		lines := l.lines[run.from:run.to]
		if len(day.written) == 0 {
			write(lines)
			continue
		}
		for line := range bytes.Lines(lines) {
			if id := lineID(line); day.written[id] {
				b.met = append(b.met, id)
			} else {
				write(line)
			}
		}
	}
	if err := out.Flush(); err != nil {
		return 0, err
	}
	if err := file.Sync(); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	day.length = length
	return length, nil
}

// day gives the state of a file. The first time, it looks which entries that may
// be in the outbox are in it behind the position of the last commit, and leaves
// out a line that was cut off.
func (l *Log) day(name string, file *os.File, oldest string) (*dayState, error) {
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
		} else if entry.ID >= oldest {
			day.written[entry.ID] = true
		}
		return nil
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
