package remote

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
)

const (
	tokensName     = "tokens.json"
	tokensLockName = "tokens.lock"
	tokensVersion  = 1
)

// tokenPrefix begins every token, so that those who look for leaked secrets
// know one.
const tokenPrefix = "provisioning_"

// lockPatience bounds how long a change of the tokens waits for another one.
const lockPatience = 5 * time.Second

// Token is what is known of a token; the token itself is kept nowhere.
type Token struct {
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // zero: never
	RevokedAt time.Time `json:"revoked_at,omitzero"` // zero: it was not
}

// State of a token at a moment.
type State string

// The states.
const (
	Active  State = "active"
	Expired State = "expired"
	Revoked State = "revoked"
)

// State tells whether the token opens anything at a moment.
func (t Token) State(now time.Time) State {
	switch {
	case !t.RevokedAt.IsZero():
		return Revoked
	case !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt):
		return Expired
	}
	return Active
}

// record is a token as it is stored. A token is 256 random bits, which nobody
// finds by trying; a hash that is slow on purpose, as passwords need, would add
// nothing, and be paid with each request.
type record struct {
	Token
	SHA256 string `json:"sha256"`
}

// Tokens are the tokens of a data directory: a file that its owner alone may
// read. It is read anew each time, so that a token that is made or revoked counts
// at once, and it is no part of the store, so that restoring a backup brings no
// revoked token back.
type Tokens struct{ dir string }

// TokensOf gives the tokens of a data directory.
func TokensOf(dir string) Tokens { return Tokens{dir} }

var tokenName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Create makes a token and gives it; nobody can give it a second time. A zero
// expires is never. The name of a token that is active is taken; that of one
// that is revoked or has expired can be used again.
func (t Tokens) Create(ctx context.Context, name string, now, expires time.Time) (string, error) {
	summary := fmt.Sprintf("Cannot make token %q", name)
	if !tokenName.MatchString(name) {
		return "", &api.Error{
			Code: api.CodeInvalid, Summary: summary, Detail: "a name is up to 64 letters, digits, dots, underscores and hyphens",
			Advice: "Name it after who will use it, such as \"ci\".",
		}
	}
	random := make([]byte, 32)
	if _, err := rand.Read(random); err != nil {
		return "", fmt.Errorf("make a token: %w", err)
	}
	secret := tokenPrefix + base64.RawURLEncoding.EncodeToString(random)
	err := t.change(ctx, func(records []record) ([]record, error) {
		at := named(records, name)
		if at >= 0 && records[at].State(now) == Active {
			return nil, &api.Error{
				Code: api.CodeExists, Summary: summary, Detail: "there is one of that name",
				Advice: fmt.Sprintf("Give it another name, or revoke that one first with `token revoke %s`.", name),
			}
		}
		if at >= 0 {
			records = slices.Delete(records, at, at+1)
		}
		return append(records, record{Token{Name: name, CreatedAt: now.UTC(), ExpiresAt: expires.UTC()}, hash(secret)}), nil
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// Revoke makes a token worthless. One that is revoked already stays so.
func (t Tokens) Revoke(ctx context.Context, name string, now time.Time) error {
	return t.change(ctx, func(records []record) ([]record, error) {
		at := named(records, name)
		if at < 0 {
			return nil, &api.Error{
				Code: api.CodeNotFound, Summary: fmt.Sprintf("There is no token %q", name),
				Advice: "See which there are with `token list`.",
			}
		}
		if records[at].RevokedAt.IsZero() {
			records[at].RevokedAt = now.UTC()
		}
		return records, nil
	})
}

// List gives all tokens, by name, those that are worthless as well.
func (t Tokens) List() ([]Token, error) {
	records, err := t.read()
	if err != nil {
		return nil, err
	}
	tokens := make([]Token, len(records))
	for i, r := range records {
		tokens[i] = r.Token
	}
	slices.SortFunc(tokens, func(a, b Token) int { return strings.Compare(a.Name, b.Name) })
	return tokens, nil
}

// find gives the token whose secret this is. Who measures how long it takes
// learns nothing of those that are stored.
func (t Tokens) find(secret string) (found Token, ok bool, err error) {
	records, err := t.read()
	if err != nil {
		return Token{}, false, err
	}
	given := []byte(hash(secret))
	for _, r := range records {
		if subtle.ConstantTimeCompare(given, []byte(r.SHA256)) == 1 {
			found, ok = r.Token, true
		}
	}
	return found, ok, nil
}

func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func named(records []record, name string) int {
	return slices.IndexFunc(records, func(r record) bool { return r.Name == name })
}

type tokensFile struct {
	Version int      `json:"version"`
	Tokens  []record `json:"tokens"`
}

// read gives what the file holds; no file is no tokens.
func (t Tokens) read() ([]record, error) {
	path := filepath.Join(t.dir, tokensName)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the tokens: %w", err)
	}
	var file tokensFile
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("%s is damaged (%w); remove it and make the tokens anew", path, err)
	}
	if file.Version != tokensVersion {
		return nil, fmt.Errorf("%s was written by a newer version of this program; install that one", path)
	}
	return file.Tokens, nil
}

// change replaces the file by one with what f makes of the records. Only one
// process does so at a time; a crash leaves the old file or the new one.
func (t Tokens) change(ctx context.Context, f func([]record) ([]record, error)) error {
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	lock := flock.New(filepath.Join(t.dir, tokensLockName), flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, 10*time.Millisecond); err != nil {
		return fmt.Errorf("another process is changing the tokens: %w", err)
	}
	defer func() { _ = lock.Unlock() }() // nothing can be done when it fails; the process's end does it
	if err := giveToOwner(lock.Path(), t.dir); err != nil {
		return err
	}
	records, err := t.read()
	if err != nil {
		return err
	}
	if records, err = f(records); err != nil {
		return err
	}
	data, err := json.MarshalIndent(tokensFile{tokensVersion, records}, "", "  ")
	if err != nil {
		return err
	}
	return writeWhole(t.dir, tokensName, append(data, '\n'))
}

// writeWhole writes a file of a data directory, whole or not at all, for the
// directory's owner alone.
func writeWhole(dir, name string, data []byte) error {
	file, err := os.CreateTemp(dir, name+".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer os.Remove(file.Name())
	_, err = file.Write(data)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := giveToOwner(file.Name(), dir); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), filepath.Join(dir, name)); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return syncDir(dir)
}
