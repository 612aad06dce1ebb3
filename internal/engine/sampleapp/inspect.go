package sampleapp

import (
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Resource is one user or group as the app holds it.
type Resource struct {
	ID         string
	Name       string // userName or displayName
	ExternalID string
	Attributes map[string]any // as decoded JSON, without id, meta and members
	Members    []string       // of a group, in the order of their coming
	Version    uint64         // 1 for a new resource, one more with each change
	Created    time.Time
	Modified   time.Time
}

// Active reports whether a user's active is absent or true.
func (r Resource) Active() bool { return r.Attributes["active"] != false }

func (r *resource) inspect() Resource {
	out := Resource{
		ID: r.id, Name: r.name, ExternalID: r.externalID, Attributes: r.attributes(),
		Version: r.version, Created: r.created, Modified: r.modified,
	}
	for m := range r.members.all() {
		out.Members = append(out.Members, m.value)
	}
	return out
}

// Users gives all users in order of creation.
func (a *App) Users() []Resource { return a.inspectAll(User) }

// Groups gives all groups in order of creation.
func (a *App) Groups() []Resource { return a.inspectAll(Group) }

func (a *App) inspectAll(typ string) []Resource {
	a.mu.RLock()
	defer a.mu.RUnlock()
	var list []Resource
	for _, r := range a.collection(typ).order {
		if r != nil {
			list = append(list, r.inspect())
		}
	}
	return list
}

// User gives the user of that userName, folded case.
func (a *App) User(userName string) (Resource, bool) { return a.inspectNamed(User, userName) }

// Group gives the group of that displayName, folded case.
func (a *App) Group(displayName string) (Resource, bool) { return a.inspectNamed(Group, displayName) }

func (a *App) inspectNamed(typ, name string) (Resource, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if found := a.collection(typ).byName[fold(name)]; len(found) > 0 {
		return found[0].inspect(), true
	}
	return Resource{}, false
}

// Resource gives the resource of that id.
func (a *App) Resource(typ, id string) (Resource, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if r := a.collection(typ).byID[id]; r != nil {
		return r.inspect(), true
	}
	return Resource{}, false
}

// Len gives the number of resources of a type.
func (a *App) Len(typ string) int {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.collection(typ).len()
}

// Request is one request that came.
type Request struct {
	Time      time.Time
	Method    string
	Path      string // with the query
	Operation OperationKind
	Type      string // User, Group, or the endpoint in lower case for discovery
	ID        string
	Target    string // the name concerned, as Rule.Target matches it
	Status    int    // 0 when there was no answer
	Body      string // up to its first 4 KiB
}

// Count is what was counted of one kind of request.
type Count struct {
	Requests int
	Bytes    int64 // of request bodies
}

type journal struct {
	mu     sync.Mutex
	keep   int
	recent []Request // a ring, once full
	next   int
	counts map[string]Count
}

func (j *journal) reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.recent, j.next, j.counts = nil, 0, map[string]Count{}
}

func (j *journal) add(now time.Time, r *http.Request, c *call, status, size int) {
	request := Request{
		Method: r.Method, Path: r.URL.RequestURI(), Operation: c.operation, Type: c.typ, ID: c.id, Target: c.name,
		Status: status, Body: string(c.body[:min(len(c.body), 4096)]), Time: now,
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	key := string(c.operation) + " " + c.typ
	count := j.counts[key]
	count.Requests++
	count.Bytes += int64(size)
	j.counts[key] = count
	if len(j.recent) < j.keep {
		j.recent = append(j.recent, request)
		return
	}
	j.recent[j.next] = request
	j.next = (j.next + 1) % j.keep
}

// Requests gives the newest requests, oldest first.
func (a *App) Requests() []Request {
	j := &a.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Concat(j.recent[j.next:], j.recent[:j.next])
}

// Counts gives how many requests of each kind came since the last Reset, by
// operation and type: "create User", "search Group".
func (a *App) Counts() map[string]Count {
	a.journal.mu.Lock()
	defer a.journal.mu.Unlock()
	return maps.Clone(a.journal.counts)
}

// ForgetRequests empties the log of requests and the counts, and keeps the
// resources.
func (a *App) ForgetRequests() { a.journal.reset() }
