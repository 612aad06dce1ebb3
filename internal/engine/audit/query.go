package audit

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// DefaultLimit is the limit of a Query that names none.
const DefaultLimit = 1000

// Query says which entries are wanted; a field that is empty lets all pass.
type Query struct {
	AppID    string
	Category Category
	Action   Action
	Status   Status
	Object   string // id, or display name in any case, of source or target
	CycleID  string
	Since    time.Time // the first moment
	Until    time.Time // the first moment after
	Limit    int       // 0: DefaultLimit
}

func (q Query) matches(e Entry) bool {
	return (q.AppID == "" || q.AppID == e.AppID) &&
		(q.Category == "" || q.Category == e.Category) &&
		(q.Action == "" || q.Action == e.Action) &&
		(q.Status == "" || q.Status == e.Status) &&
		(q.CycleID == "" || q.CycleID == e.CycleID) &&
		(q.Object == "" || e.Source.is(q.Object) || e.Target.is(q.Object)) &&
		(q.Since.IsZero() || !e.Time.Before(q.Since)) &&
		(q.Until.IsZero() || e.Time.Before(q.Until))
}

func (i Identity) is(object string) bool {
	return i.ID == object || directory.Fold(i.DisplayName) == directory.Fold(object)
}

// Query gives the entries that match, newest first: those of the day files and
// those that were just committed alike. Lines that cannot be read are skipped
// and counted.
func (l *Log) Query(ctx context.Context, q Query) ([]Entry, error) {
	if q.AppID != "" && !isApp(q.AppID) {
		return nil, nil
	}
	found := newest{limit: q.Limit}
	if found.limit <= 0 {
		found.limit = DefaultLimit
	}
	// The outbox first: what moves to a file meanwhile is seen twice, not missed.
	unmoved := map[string]bool{}
	err := l.eachUnmoved(func(row store.Row) error {
		for line := range linesOf(row) {
			entry, err := decode(line)
			if err != nil {
				l.damaged.Add(1)
			} else if q.matches(entry) {
				unmoved[entry.ID] = true
				found.add(entry)
			}
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	names, err := l.dayFiles(q.AppID, q.AppID == "")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		day, _ := dayOf(name)
		end := day.AddDate(0, 0, 1)
		if !q.Since.IsZero() && !end.After(q.Since) || found.full() && !found.oldest().Time.Before(end) {
			break
		}
		if !q.Until.IsZero() && !day.Before(q.Until) {
			continue
		}
		err := l.search(ctx, name, func(line []byte) {
			if id := lineID(line); id != "" && (found.full() && id < found.oldest().ID || unmoved[id]) {
				return
			}
			entry, err := decode(line)
			if err != nil {
				l.damaged.Add(1)
			} else if q.matches(entry) && !unmoved[entry.ID] {
				found.add(entry)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return found.sorted(), nil
}

// search calls f with each line of a day file, the last first. A file that has
// gone meanwhile has none.
func (l *Log) search(ctx context.Context, name string, f func(line []byte)) error {
	file, err := os.Open(filepath.Join(l.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	return backward(file, info.Size(), func(line []byte) error {
		f(line)
		return ctx.Err()
	})
}

// newest keeps the entries with the greatest ids, which are the newest. The
// oldest of them is the root of a heap.
type newest struct {
	limit   int
	entries []Entry
}

func (n *newest) Len() int           { return len(n.entries) }
func (n *newest) Less(i, j int) bool { return n.entries[i].ID < n.entries[j].ID }
func (n *newest) Swap(i, j int)      { n.entries[i], n.entries[j] = n.entries[j], n.entries[i] }
func (n *newest) Push(e any)         { n.entries = append(n.entries, e.(Entry)) }
func (n *newest) Pop() any           { panic("audit: entries are replaced, not taken") }

func (n *newest) full() bool    { return len(n.entries) == n.limit }
func (n *newest) oldest() Entry { return n.entries[0] }

func (n *newest) add(e Entry) {
	switch {
	case !n.full():
		heap.Push(n, e)
	case e.ID > n.oldest().ID:
		n.entries[0] = e
		heap.Fix(n, 0)
	}
}

func (n *newest) sorted() []Entry {
	slices.SortFunc(n.entries, func(a, b Entry) int { return cmp.Compare(b.ID, a.ID) })
	return n.entries
}
