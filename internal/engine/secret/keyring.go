// Package secret keeps secrets from being read: it seals those that are stored,
// and resolves references to those that are kept elsewhere.
package secret

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"filippo.io/age"
)

// keyFile is the name of the key in the data directory.
const keyFile = "secrets.key"

// Keyring seals and opens secrets with the key of one data directory. It is safe
// for concurrent use.
type Keyring struct {
	path     string
	identity *age.X25519Identity
}

// OpenKeyring reads the key in dir, and makes one where there is none: a file of
// age identities that its owner alone may read. Who loses it has to set all
// sealed secrets again. A file that is no key, or that others may read, is an
// error, and stays as it is.
func OpenKeyring(dir string) (*Keyring, error) {
	path := filepath.Join(dir, keyFile)
	identity, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createKey(path); err != nil && !errors.Is(err, fs.ErrExist) { // another process may have been faster
			return nil, fmt.Errorf("create the key for secrets: %w", err)
		}
		identity, err = readKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the key for secrets: %w", err)
	}
	return &Keyring{path, identity}, nil
}

func readKey(path string) (*age.X25519Identity, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s has mode %04o, so that others may read it; set it with chmod 600, "+
			"and set the secrets anew if somebody did", path, info.Mode().Perm())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	// The error of age could hold a part of the key.
	identities, err := age.ParseIdentities(bytes.NewReader(data))
	if err == nil && len(identities) == 1 {
		if identity, ok := identities[0].(*age.X25519Identity); ok {
			return identity, nil
		}
	}
	return nil, fmt.Errorf("%s does not hold one age identity; put back a backup of it, "+
		"or remove it and set all secrets again", path)
}

// createKey makes a whole file beside path and gives it its name then, unless
// there is one: fs.ErrExist.
func createKey(path string) error {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	file, err := os.CreateTemp(dir, keyFile+".new-*") // exclusively, with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = fmt.Fprintf(file, "# public key: %s\n%s\n", identity.Recipient(), identity)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes the names in a folder durable, where the system can.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Seal gives what can be stored in place of the secret. Sealing twice gives two
// different results.
func (k *Keyring) Seal(plain string) ([]byte, error) {
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, k.identity.Recipient())
	if err != nil {
		return nil, fmt.Errorf("seal a secret: %w", err)
	}
	if _, err := io.WriteString(w, plain); err != nil {
		return nil, fmt.Errorf("seal a secret: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("seal a secret: %w", err)
	}
	return sealed.Bytes(), nil
}

// Open gives back what Seal was given. What was changed since, or sealed with
// another key, is an error.
func (k *Keyring) Open(sealed []byte) (string, error) {
	r, err := age.Decrypt(bytes.NewReader(sealed), k.identity)
	var other *age.NoIdentityMatchError
	if errors.As(err, &other) {
		return "", fmt.Errorf("open a sealed secret: it was sealed with another key than that in %s; "+
			"put back the key, or set the secret again", k.path)
	}
	if err != nil {
		return "", errDamaged
	}
	var plain strings.Builder
	if _, err := io.Copy(&plain, r); err != nil {
		return "", errDamaged
	}
	return plain.String(), nil
}

var errDamaged = errors.New("open a sealed secret: it is damaged; set the secret again")
