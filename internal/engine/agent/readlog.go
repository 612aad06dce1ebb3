package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/clock"
)

// followInterval is how often a log that is followed is looked at.
const followInterval = 250 * time.Millisecond

// LogOptions say what of a log is wanted.
type LogOptions struct {
	Lines  int  // the last ones only; 0: all
	Follow bool // go on with what is written, until ctx ends
}

// ReadLog writes the agent's log to w. No log yet is an empty one. An agent
// that is not running has its log all the same.
func ReadLog(ctx context.Context, dataDir string, w io.Writer, options LogOptions) error {
	path := LogPath(dataDir)
	text, err := readFrom(path, 0)
	if err != nil {
		return err
	}
	position := int64(len(text))
	if options.Lines > 0 {
		text = lastLines(text, options.Lines)
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	for options.Follow {
		if clock.Sleep(ctx, followInterval) != nil {
			return nil
		}
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read the agent's log: %w", err)
		}
		if info.Size() < position { // it moved away, with an end that is not read yet
			rest, err := readFrom(oldLog(path, 1), position)
			if err != nil {
				return err
			}
			if _, err := w.Write(rest); err != nil {
				return err
			}
			position = 0
		}
		text, err := readFrom(path, position)
		if err != nil {
			return err
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
		position += int64(len(text))
	}
	return nil
}

// readFrom reads a file from a position to its end.
func readFrom(path string, position int64) ([]byte, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the agent's log: %w", err)
	}
	defer file.Close()
	if _, err := file.Seek(position, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read the agent's log: %w", err)
	}
	return io.ReadAll(file)
}

func lastLines(text []byte, n int) []byte {
	at := len(text)
	if bytes.HasSuffix(text, []byte("\n")) {
		at--
	}
	for ; n > 0 && at >= 0; n-- {
		at = bytes.LastIndexByte(text[:at], '\n')
	}
	return text[at+1:]
}
