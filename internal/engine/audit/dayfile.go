package audit

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// noApp is the folder of the entries that belong to no app. No id of an app
// begins like it.
const noApp = "_"

const (
	dayLayout = "2006-01-02"
	daySuffix = ".jsonl"
)

func folder(appID string) string {
	if appID == "" {
		return noApp
	}
	return appID
}

// appendDayFile appends the name, below the log's folder, of the file that
// holds an app's entries of that time's day in UTC.
func appendDayFile(name []byte, appID string, at time.Time) []byte {
	name = append(append(name, folder(appID)...), '/')
	return append(at.UTC().AppendFormat(name, dayLayout), daySuffix...)
}

// dayOf gives the day of a file's name; ok is false for a file of another kind.
func dayOf(name string) (day time.Time, ok bool) {
	text, ok := strings.CutSuffix(path.Base(name), daySuffix)
	if !ok {
		return time.Time{}, false
	}
	day, err := time.Parse(dayLayout, text)
	return day, err == nil
}

// dayFiles gives the names of the day files of an app, or with all of every
// app, the newest day first.
func (l *Log) dayFiles(appID string, all bool) ([]string, error) {
	folders := []string{folder(appID)}
	if all {
		folders = nil
		entries, err := os.ReadDir(l.dir)
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			if entry.IsDir() {
				folders = append(folders, entry.Name())
			}
		}
	}
	var names []string
	for _, folder := range folders {
		entries, err := os.ReadDir(filepath.Join(l.dir, folder))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, entry := range entries {
			if _, ok := dayOf(entry.Name()); ok {
				names = append(names, path.Join(folder, entry.Name()))
			}
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		if c := strings.Compare(path.Base(b), path.Base(a)); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
	return names, nil
}

// forward calls f with each whole line that begins at from or later and ends at
// to or before, and where it ends. A line longer than any entry comes empty.
func forward(file io.ReaderAt, from, to int64, f func(line []byte, end int64) error) error {
	reader := bufio.NewReaderSize(io.NewSectionReader(file, from, to-from), 64<<10)
	var line []byte
	long := false
	for end := from; ; {
		part, err := reader.ReadSlice('\n')
		end += int64(len(part))
		if long = long || len(line)+len(part) > maxLine+1; long {
			line = line[:0]
		} else {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if err := f(bytes.TrimSuffix(line, []byte("\n")), end); err != nil {
			return err
		}
		line, long = line[:0], false
	}
}

// blockSize is how much backward reads at a time.
const blockSize = 256 << 10

// backward calls f with each whole line up to size, the last first. A line
// longer than any entry comes empty.
func backward(file io.ReaderAt, size int64, f func(line []byte) error) error {
	var rest []byte // the end of the line that begins before what was read
	whole := false  // rest is followed by a line end
	long := false
	for size > 0 {
		block := min(blockSize, size)
		size -= block
		data := make([]byte, block, int(block)+len(rest))
		n, err := file.ReadAt(data, size)
		if err != nil && err != io.EOF {
			return err
		}
		data = append(data[:n], rest...)
		for {
			at := bytes.LastIndexByte(data, '\n')
			if at < 0 {
				break
			}
			line := data[at+1:]
			if long || len(line) > maxLine {
				line, long = nil, false
			}
			if whole {
				if err := f(line); err != nil {
					return err
				}
			}
			data, whole = data[:at], true
		}
		if rest = data; len(rest) > maxLine {
			rest, long = nil, true
		}
	}
	if !whole {
		return nil
	}
	if long {
		rest = nil
	}
	return f(rest)
}

// syncDir makes the names in a folder durable, where the system can.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
