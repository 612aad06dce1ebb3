package secret

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Redacted stands where a secret was.
const Redacted = "[Redact]"

const (
	// minRedacted is the length from which a secret is taken out of text: a
	// shorter one would take half the text with it.
	minRedacted = 4
	// maxKnown bounds how many secrets are known; the oldest goes first.
	maxKnown = 256
)

// Redactor takes the secrets it knows out of text: the last line of defence for
// what nobody meant to log. The zero value knows none. It is safe for concurrent
// use.
type Redactor struct {
	mu       sync.RWMutex
	known    []string
	replacer *strings.Replacer
}

// Add makes a secret known. One of fewer than four bytes is not taken; of more
// than 256, the latest are kept.
func (r *Redactor) Add(secret string) {
	if len(secret) < minRedacted {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.Contains(r.known, secret) {
		return
	}
	r.known = append(r.known, secret)
	if len(r.known) > maxKnown {
		r.known = slices.Delete(r.known, 0, 1)
	}
	var forms []string
	for _, secret := range r.known {
		forms = append(forms, written(secret)...)
	}
	// A secret may begin with another: the longest wins.
	slices.SortStableFunc(forms, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	var pairs []string
	for _, form := range forms {
		pairs = append(pairs, form, Redacted)
	}
	r.replacer = strings.NewReplacer(pairs...)
}

// written gives the forms in which a secret may stand in text: as it is, and
// encoded as URLs, JSON and headers do.
func written(secret string) []string {
	quoted, _ := json.Marshal(secret) // a string has no error
	return []string{
		secret,
		url.QueryEscape(secret),
		url.PathEscape(secret),
		string(quoted[1 : len(quoted)-1]),
		base64.StdEncoding.EncodeToString([]byte(secret)),
		base64.RawStdEncoding.EncodeToString([]byte(secret)),
		base64.RawURLEncoding.EncodeToString([]byte(secret)),
	}
}

// Redact gives the text without the secrets that are known.
func (r *Redactor) Redact(text string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.replacer == nil {
		return text
	}
	return r.replacer.Replace(text)
}
