package audit

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Follow calls f with the entries that match: with those since q.Since, when it
// is set, else with none of the past, and then with each one as it comes into
// its day file. Those of one app come in the order in which they were
// written. It returns the error of f, or of ctx once that has ended; q.Limit
// does not count. A slow f holds up nothing.
func (l *Log) Follow(ctx context.Context, q Query, f func(Entry) error) error {
	if q.AppID != "" && !isApp(q.AppID) {
		return errors.New("follow the provisioning log: no app has such an id")
	}
	read := map[string]int64{} // by file
	matching := func(e Entry) error {
		if !q.matches(e) {
			return nil
		}
		return f(e)
	}
	give := matching
	if q.Since.IsZero() {
		give = nil
	}
	for {
		changed := l.change()
		names, err := l.dayFiles(q.AppID, q.AppID == "")
		if err != nil {
			return err
		}
		for _, name := range slices.Backward(names) {
			day, _ := dayOf(name)
			if !q.Since.IsZero() && !day.AddDate(0, 0, 1).After(q.Since) {
				continue
			}
			if err := l.readOn(ctx, name, read, give); err != nil {
				return err
			}
		}
		give = matching
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *Log) change() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

// readOn calls f with the entries that came into a file since it was read last;
// a nil f passes them over.
func (l *Log) readOn(ctx context.Context, name string, read map[string]int64, f func(Entry) error) error {
	file, err := os.Open(filepath.Join(l.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		delete(read, name)
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	length, err := l.durable(name, file)
	if err != nil {
		return err
	}
	if read[name] > length {
		read[name] = 0 // another file by now
	}
	return forward(file, read[name], length, func(line []byte, end int64) error {
		read[name] = end
		if err := ctx.Err(); err != nil {
			return err
		}
		if f == nil {
			return nil
		}
		entry, err := decode(line)
		if err != nil {
			l.damaged.Add(1)
			return nil
		}
		return f(entry)
	})
}

// durable gives up to where a file may be read: what is behind may be written
// again.
func (l *Log) durable(name string, file *os.File) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if day := l.days[name]; day != nil {
		return day.length, nil
	}
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
