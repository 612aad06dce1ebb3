package agent

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

const (
	logName     = "agent.log"
	maxLogBytes = 10 << 20
	keptLogs    = 3 // agent.log.1 is the youngest
)

// LogPath gives the path of the log of a data directory's agent.
func LogPath(dir string) string { return filepath.Join(dir, logName) }

// logFile is a log that is kept within bounds. When it is full, its content
// moves to another file and it is emptied: it stays the same file, since the
// process's standard error, where a crash is told, appends to it as well.
type logFile struct {
	mu   sync.Mutex
	path string
	max  int64
	kept int
	file *os.File
}

func openLog(path string, max int64, kept int) (*logFile, error) {
	file, err := OpenLog(path)
	if err != nil {
		return nil, err
	}
	return &logFile{path: path, max: max, kept: kept, file: file}, nil
}

// OpenLog opens a log to append to it.
func OpenLog(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the agent's log: %w", err)
	}
	return file, nil
}

// Write appends one record. When room cannot be made, the log grows on.
func (l *logFile) Write(record []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if info, err := l.file.Stat(); err == nil && info.Size() > 0 && info.Size()+int64(len(record)) > l.max {
		if err := l.rotate(); err != nil {
			fmt.Fprintf(l.file, "the log cannot be rotated: %v\n", err)
		}
	}
	return l.file.Write(record)
}

func (l *logFile) rotate() error {
	for i := l.kept; i > 1; i-- {
		if err := os.Rename(l.old(i-1), l.old(i)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := l.copy(l.old(1)); err != nil {
		return err
	}
	return l.file.Truncate(0)
}

func (l *logFile) copy(path string) error {
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, io.NewSectionReader(l.file, 0, 1<<62))
	return errors.Join(err, to.Close())
}

func (l *logFile) old(i int) string { return oldLog(l.path, i) }

func oldLog(path string, i int) string { return fmt.Sprintf("%s.%d", path, i) }

func (l *logFile) Close() error { return l.file.Close() }
