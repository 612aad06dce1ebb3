package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestLogFile_rotation(t *testing.T) {
	path := filepath.Join(privateDir(t), logName)
	log, err := openLog(path, 100, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	// What another holder of the file appends, as a crash does, must not be lost.
	other, err := OpenLog(path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for i := range 40 {
		fmt.Fprintf(log, "record %02d\n", i) // 10 bytes: ten a file
	}
	fmt.Fprintln(other, "crash")
	for name, want := range map[string]string{"": "record 30\n", ".1": "record 20\n", ".2": "record 10\n", ".3": "record 00\n"} {
		text, err := os.ReadFile(path + name)
		if err != nil || !strings.HasPrefix(string(text), want) || strings.Count(string(text), "record") != 10 {
			t.Errorf("%s%s is %q, %v", logName, name, text, err)
		}
		if info, err := os.Stat(path + name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s%s: %v, %v", logName, name, info, err)
		}
	}
	if text, _ := os.ReadFile(path); !strings.HasSuffix(string(text), "record 39\ncrash\n") {
		t.Errorf("the log is %q", text)
	}
	fmt.Fprintln(log, strings.Repeat("x", 1000)) // longer than a file may be
	fmt.Fprintln(log, "after")
	if text, _ := os.ReadFile(path); string(text) != "after\n" {
		t.Errorf("the log is %q", text)
	}
	if found, _ := filepath.Glob(path + "*"); len(found) != 4 {
		t.Errorf("there are %v", found)
	}
}

func TestLogFile_cannotRotate(t *testing.T) {
	path := filepath.Join(privateDir(t), logName)
	log, err := openLog(path, 10, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if err := errors.Join(os.MkdirAll(path+".3/x", 0o700), os.WriteFile(path+".2", nil, 0o600)); err != nil {
		t.Fatal(err) // .2 cannot move to .3
	}
	for range 3 {
		if _, err := fmt.Fprintln(log, "0123456789"); err != nil {
			t.Error(err)
		}
	}
	if text, _ := os.ReadFile(path); strings.Count(string(text), "0123456789") != 3 {
		t.Errorf("records were lost: %q", text)
	}
}

func TestReadLog(t *testing.T) {
	dir := privateDir(t)
	read := func(lines int) string {
		t.Helper()
		var out bytes.Buffer
		if err := ReadLog(t.Context(), dir, &out, LogOptions{Lines: lines}); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if got := read(0); got != "" {
		t.Errorf("no log is %q", got)
	}
	for text, want := range map[string][3]string{ // all, the last one, the last two
		"":           {"", "", ""},
		"\n":         {"\n", "\n", "\n"},
		"a\n":        {"a\n", "a\n", "a\n"},
		"a\nb\nc\n":  {"a\nb\nc\n", "c\n", "b\nc\n"},
		"a\nb\ntorn": {"a\nb\ntorn", "torn", "b\ntorn"},
	} {
		if err := os.WriteFile(LogPath(dir), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if got := read(i); got != want[i] {
				t.Errorf("%d lines of %q are %q, want %q", i, text, got, want[i])
			}
		}
	}
}

// lockedBuffer is a bytes.Buffer for two goroutines.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

// TestReadLog_follow: nothing is lost or told twice when the log is emptied
// meanwhile.
func TestReadLog_follow(t *testing.T) {
	dir := privateDir(t)
	log, err := openLog(LogPath(dir), 1000, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	var out lockedBuffer
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- ReadLog(ctx, dir, &out, LogOptions{Follow: true}) }()
	var want strings.Builder
	for i := range 12 { // two rotations, one at a time between two looks
		for j := range 20 {
			record := fmt.Sprintf("record %d.%d\n", i, j)
			want.WriteString(record)
			fmt.Fprint(log, record)
		}
		deadline := time.Now().Add(20 * time.Second)
		for out.String() != want.String() {
			if time.Now().After(deadline) {
				t.Fatalf("got\n%s\nwant\n%s", out.String(), want.String())
			}
			time.Sleep(time.Millisecond)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
