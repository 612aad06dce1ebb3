package audit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/clock"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// The tables of the log: entries that are not yet in their day file, a row of
// lines by the id of the first one, and by the name of a day file how many of its
// bytes hold entries that are no longer in the outbox.
const (
	outbox    store.Table = "audit.outbox"
	positions store.Table = "audit.positions"
)

// Options of Open; the zero value is for use, not for tests.
type Options struct {
	Now    func() time.Time
	Random io.Reader
	Sleep  func(ctx context.Context, d time.Duration) error
}

// Log is the provisioning log. All methods are safe for concurrent use.
type Log struct {
	dir    string
	store  store.Store
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error
	opened time.Time

	ids     sync.Mutex
	entropy ulid.MonotonicReader

	files   sync.Mutex // held by what changes day files
	leaving *leaving   // of the last move; nil once it is known to be durable
	lines   []byte     // of the move under way, used again by the next

	mu      sync.Mutex
	days    map[string]*dayState // of the files that this process has written to
	changed chan struct{}        // closed when entries came into day files
	err     error                // of the last flush

	damaged atomic.Int64
	wake    chan struct{}
	stop    context.CancelFunc
	stopped chan struct{}
}

// Open opens the log whose day files are below dir, which is made when it is
// missing, and whose outbox is in the store. Entries that a process which died
// has left in the outbox are brought to their files.
func Open(dir string, s store.Store, options Options) (*Log, error) {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Random == nil {
		options.Random = rand.Reader
	}
	if options.Sleep == nil {
		options.Sleep = clock.Sleep
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the provisioning log: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	l := &Log{
		dir: dir, store: s, now: options.Now, sleep: options.Sleep, opened: options.Now(),
		entropy: ulid.Monotonic(options.Random, 0),
		days:    map[string]*dayState{}, changed: make(chan struct{}),
		wake: make(chan struct{}, 1), stop: stop, stopped: make(chan struct{}),
	}
	go l.run(ctx)
	l.Wake()
	return l, nil
}

// isApp reports whether an app can have the id, which names a folder: letters,
// digits, and behind the first of them _ and -.
func isApp(id string) bool {
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case i == 0 || c != '_' && c != '-':
			return false
		}
	}
	return 0 < len(id) && len(id) <= 128
}

// Mutations gives what the caller commits together with what the entries tell
// of, and sets the ids and times of entries, ascending. After the commit it
// calls Wake.
func (l *Log) Mutations(entries ...Entry) ([]store.Mutation, error) {
	mutations := make([]store.Mutation, 0, len(entries))
	for i := range entries {
		var err error
		if mutations, err = l.add(mutations, &entries[i]); err != nil {
			return nil, err
		}
	}
	return mutations, nil
}

// Append is Mutations of one entry behind what else the caller commits.
func (l *Log) Append(mutations []store.Mutation, entry Entry) ([]store.Mutation, error) {
	return l.add(mutations, &entry)
}

func (l *Log) add(mutations []store.Mutation, e *Entry) ([]store.Mutation, error) {
	if e.AppID != "" && !isApp(e.AppID) {
		return nil, fmt.Errorf("log entry: %q is no id of an app", e.AppID)
	}
	if err := l.stamp(e); err != nil {
		return nil, err
	}
	line, err := encode(e)
	if err != nil {
		return nil, fmt.Errorf("log entry: %w", err)
	}
	id := line[len(linePrefix) : len(linePrefix)+len(e.ID)]
	return append(mutations, store.Line(outbox, id, line)), nil
}

// stamp sets an entry's time, and an id above all before it.
func (l *Log) stamp(e *Entry) error {
	l.ids.Lock()
	defer l.ids.Unlock()
	e.Time = l.now().UTC().Truncate(time.Millisecond)
	id, err := ulid.New(ulid.Timestamp(e.Time), l.entropy)
	if err != nil {
		return fmt.Errorf("log entry: make an id: %w", err)
	}
	e.ID = id.String()
	return nil
}

// Wake has the outbox brought to the day files soon.
func (l *Log) Wake() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Err gives the error of the last attempt to write day files, nil when it went
// well. Meanwhile entries are safe in the outbox, which grows.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Damaged counts the lines that could not be read and were skipped, once for
// each time that one was met.
func (l *Log) Damaged() int64 { return l.damaged.Load() }

// Close brings the outbox to the day files; the store must still be open. What
// it could not bring stays in the outbox.
func (l *Log) Close() error {
	l.stop()
	<-l.stopped
	return l.Flush(context.Background())
}

const (
	// flushDelay lets the entries of a moment share one sync of their file.
	flushDelay = 200 * time.Millisecond
	// maxRetryDelay bounds the time between attempts while they fail.
	maxRetryDelay = time.Minute
)

func (l *Log) run(ctx context.Context) {
	defer close(l.stopped)
	delay := flushDelay
	for {
		select {
		case <-l.wake:
		case <-ctx.Done():
			return
		}
		if l.sleep(ctx, delay) != nil {
			return
		}
		err := l.bring(ctx, delay > flushDelay) // what fails is waited for
		switch {
		case err == nil:
			delay = flushDelay
		case errors.Is(err, store.ErrClosed):
			return
		default:
			delay = min(2*delay, maxRetryDelay)
			l.Wake()
		}
	}
}
