package secret

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"
)

func keyring(t testing.TB, dir string) *Keyring {
	t.Helper()
	k, err := OpenKeyring(dir)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealAndOpen(t *testing.T) {
	dir := t.TempDir()
	k := keyring(t, dir)
	for _, plain := range []string{"", "s3cret", "zwölf\x00\n", strings.Repeat("long", 100_000)} {
		sealed, err := k.Seal(plain)
		if err != nil {
			t.Fatal(err)
		}
		if plain != "" && bytes.Contains(sealed, []byte(plain)) {
			t.Error("the secret stands in what was sealed")
		}
		again, _ := k.Seal(plain)
		if bytes.Equal(sealed, again) {
			t.Error("sealed twice alike")
		}
		if got, err := keyring(t, dir).Open(sealed); err != nil || got != plain {
			t.Errorf("opened %d bytes as %d, error %v", len(plain), len(got), err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	k := keyring(t, t.TempDir())
	sealed, _ := k.Seal("canary-secret")
	for name, data := range map[string][]byte{
		"nothing": nil, "text": []byte("canary-secret"), "cut": sealed[:len(sealed)-1], "longer": append(bytes.Clone(sealed), 0),
	} {
		if plain, err := k.Open(data); err == nil || plain != "" || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: opened as %q, error %v", name, plain, err)
		}
	}
	for at := range sealed {
		changed := bytes.Clone(sealed)
		changed[at] ^= 1
		if plain, err := k.Open(changed); err == nil {
			t.Errorf("byte %d changed: opened as %q", at, plain)
		}
	}
	if _, err := keyring(t, t.TempDir()).Open(sealed); err == nil || !strings.Contains(err.Error(), "another key") {
		t.Errorf("another key: %v", err)
	}
}

func TestKeyFile(t *testing.T) {
	dir := t.TempDir()
	keyring(t, dir)
	path := filepath.Join(dir, keyFile)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, error %v", info.Mode(), err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("%d files were left", len(files))
	}
	whole, _ := os.ReadFile(path)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKeyring(dir); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key that the group may read: %v", err)
	}
	os.Chmod(path, 0o600)
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		"empty": "", "text": "AGE-SECRET-KEY-CANARY", "cut": string(whole[:len(whole)-3]), "two": string(whole) + string(whole),
		"of another kind": hybrid.String() + "\n",
	} {
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := OpenKeyring(dir)
		if err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "SECRET-KEY") {
			t.Errorf("%s: %v", name, err)
		}
		if after, _ := os.ReadFile(path); string(after) != data {
			t.Errorf("%s: the file was changed", name)
		}
	}
	if _, err := OpenKeyring(filepath.Join(dir, "missing")); err == nil {
		t.Error("a key in a folder that does not exist")
	}
}

func TestKeyringsOpenedAtOnceShareOneKey(t *testing.T) {
	dir := t.TempDir()
	var wait sync.WaitGroup
	keyrings := make([]*Keyring, 8)
	for i := range keyrings {
		wait.Go(func() {
			var err error
			if keyrings[i], err = OpenKeyring(dir); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	sealed, _ := keyrings[0].Seal("s")
	for _, k := range keyrings {
		if _, err := k.Open(sealed); err != nil {
			t.Error(err)
		}
	}
}
