package scim

import (
	"slices"
	"sync"
	"time"
)

// learned is what was found out about the server while working with it.
type learned struct {
	mu                sync.Mutex
	pageSize          int
	membersPerRequest int
	put               bool // PATCH is not offered
	active            activeForm
	extension         extensionForm
	removal           MemberRemoval   // the form that was seen working; empty: not known
	excludedForms     []MemberRemoval // that were seen to take others along
	removing          sync.Mutex      // held during the first removals, until a form was seen working
	filters           map[string]verdict
}

// activeForm is how a change of active takes effect.
type activeForm string

const (
	activeUnproven activeForm = ""
	activeByPatch  activeForm = "patch"
	activeByPut    activeForm = "put"
	activeNever    activeForm = "never"
)

// extensionForm is how a change of an extension's attributes takes effect.
type extensionForm string

const (
	extensionUnproven extensionForm = ""
	extensionByPatch  extensionForm = "patch"
	extensionByPut    extensionForm = "put"
)

// verdict says whether searches by an attribute can be believed, and since when.
type verdict struct {
	trust trust
	at    time.Time
}

type trust uint8

const (
	unproven   trust = iota // there was no account to try it on
	untried                 // there were accounts, none of them with a value
	trusted                 // a value that exists was found
	distrusted              // it was not, or others came back
)

// current reports whether the verdict is to be gone by. What is found missing
// soon after there was no account at all was not there before, either.
func (v verdict) current(now time.Time) bool {
	age := now.Sub(v.at)
	switch v.trust {
	case trusted:
		return true
	case distrusted:
		return age < 10*time.Minute
	}
	return age < time.Minute
}

func (l *learned) memberLimit() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.membersPerRequest
}

// limitMembers notes that a request with n members was too large.
func (l *learned) limitMembers(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.membersPerRequest == 0 || n < l.membersPerRequest {
		l.membersPerRequest = max(n, 1)
	}
}

func (l *learned) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pageSize
}

// limitCount notes that lists of more than n are refused.
func (l *learned) limitCount(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pageSize = min(n, l.pageSize)
}

func (l *learned) noPatch() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.put = true
}

func (l *learned) puts() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.put
}

func (l *learned) activeForm() activeForm {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.active
}

func (l *learned) setActiveForm(form activeForm) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.active = form
}

func (l *learned) extensionForm() extensionForm {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.extension
}

func (l *learned) setExtensionForm(form extensionForm) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.extension = form
}

func (l *learned) canDisable() bool { return l.activeForm() != activeNever }

func (l *learned) removalForm() MemberRemoval {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.removal
}

// excludeForm notes that a form of member removal takes others along.
func (l *learned) excludeForm(form MemberRemoval) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.excludedForms = append(l.excludedForms, form)
}

func (l *learned) excluded(form MemberRemoval) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Contains(l.excludedForms, form)
}

func (l *learned) setRemovalForm(form MemberRemoval) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.removal = form
}

// filter gives the verdict on searches by an attribute; ok is false when there
// is none to go by.
func (l *learned) filter(key string, now time.Time) (v trust, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known, ok := l.filters[key]
	return known.trust, ok && known.current(now)
}

func (l *learned) setFilter(key string, v verdict) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.filters == nil {
		l.filters = map[string]verdict{}
	}
	l.filters[key] = v
}

// memory gives what is worth remembering. A page's size is not: a list that fails
// once makes it smaller than it need be.
func (l *learned) memory() memory {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := memory{
		MembersPerRequest: l.membersPerRequest, Put: l.put,
		Active: l.active, Extension: l.extension, Removal: l.removal, ExcludedForms: slices.Clone(l.excludedForms),
	}
	for key, v := range l.filters {
		if v.trust == trusted {
			m.Filters = append(m.Filters, key)
		}
	}
	slices.Sort(m.Filters)
	return m
}

// recall takes up what was remembered. The dialect may have come to say less of
// members than is remembered.
func (l *learned) recall(m memory, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m.MembersPerRequest > 0 && (l.membersPerRequest == 0 || m.MembersPerRequest < l.membersPerRequest) {
		l.membersPerRequest = m.MembersPerRequest
	}
	l.put, l.active, l.extension, l.removal, l.excludedForms = m.Put, m.Active, m.Extension, m.Removal, m.ExcludedForms
	l.filters = map[string]verdict{}
	for _, key := range m.Filters {
		l.filters[key] = verdict{trusted, now}
	}
}
