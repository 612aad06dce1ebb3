package remote

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
)

func TestTokens(t *testing.T) {
	dir := t.TempDir()
	tokens := TokensOf(dir)
	if list, err := tokens.List(); err != nil || len(list) != 0 {
		t.Errorf("before any: %v, %v", list, err)
	}
	ci := create(t, tokens, "ci", time.Hour)
	ada := create(t, tokens, "ada", 0)
	if ci == ada || len(ci) != len(tokenPrefix)+43 || !strings.HasPrefix(ci, tokenPrefix) { // 43 digits of base64 are 32 bytes
		t.Errorf("the tokens are %q and %q", ci, ada)
	}
	_, err := tokens.Create(t.Context(), "ci", noon, time.Time{})
	if told := wantCode(t, err, api.CodeExists); !strings.Contains(told.Advice, "token revoke ci") {
		t.Errorf("the advice is %q", told.Advice)
	}
	revoke(t, tokens, "ada")
	revoke(t, tokens, "ada")
	list, err := tokens.List()
	want := []Token{
		{Name: "ada", CreatedAt: noon, RevokedAt: noon},
		{Name: "ci", CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)},
	}
	if err != nil || !slices.Equal(list, want) {
		t.Errorf("got %+v, %v, want %+v", list, err, want)
	}
	for at, state := range map[time.Time]State{noon: Active, noon.Add(time.Hour - 1): Active, noon.Add(time.Hour): Expired} {
		if got := list[1].State(at); got != state {
			t.Errorf("at %v it is %s, want %s", at, got, state)
		}
	}
	if got := list[0].State(noon); got != Revoked {
		t.Errorf("it is %s, want %s", got, Revoked)
	}
	if found, ok, err := tokens.find(ci); err != nil || !ok || found.Name != "ci" {
		t.Errorf("found %+v, %t, %v", found, ok, err)
	}
	if _, ok, err := tokens.find(ci + "x"); err != nil || ok {
		t.Errorf("another one was found: %t, %v", ok, err)
	}

	// A name that is free again: the new token is another one.
	again := create(t, tokens, "ada", 0)
	if _, ok, _ := tokens.find(ada); ok || again == ada {
		t.Error("the revoked token is known still")
	}
	wantCode(t, tokens.Revoke(t.Context(), "bob", noon), api.CodeNotFound)
}

// TestTokens_secret: no file holds a token, and others can read none.
func TestTokens_secret(t *testing.T) {
	dir := t.TempDir()
	secret := create(t, TokensOf(dir), "ci", 0)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		t.Fatalf("%d files, %v", len(entries), err)
	}
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil || strings.Contains(string(data), secret) || strings.Contains(string(data), strings.TrimPrefix(secret, tokenPrefix)) {
			t.Errorf("%s holds the token, or cannot be read: %v", entry.Name(), err)
		}
		info, err := entry.Info()
		if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", entry.Name(), info.Mode(), err)
		}
	}
}

func TestTokens_names(t *testing.T) {
	tokens := TokensOf(t.TempDir())
	for _, name := range []string{"", "a b", "../x", "-x", "ä", strings.Repeat("x", 65), "a\nb"} {
		_, err := tokens.Create(t.Context(), name, noon, time.Time{})
		wantCode(t, err, api.CodeInvalid)
	}
	for _, name := range []string{"ci", "ci-2.main_x", strings.Repeat("x", 64)} {
		create(t, tokens, name, 0)
	}
}

// TestTokens_atOnce: whoever makes tokens at the same time loses none.
func TestTokens_atOnce(t *testing.T) {
	tokens := TokensOf(t.TempDir())
	var made sync.WaitGroup
	for _, name := range strings.Split("abcdefgh", "") {
		made.Go(func() {
			if _, err := tokens.Create(t.Context(), name, noon, time.Time{}); err != nil {
				t.Error(err)
			}
		})
	}
	made.Wait()
	if list, err := tokens.List(); err != nil || len(list) != 8 {
		t.Errorf("there are %d, %v", len(list), err)
	}
}

// TestTokens_damaged: a file that cannot be understood stays as it is, and lets
// nobody in.
func TestTokens_damaged(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "garbage": "garbage", "newer": `{"version": 2, "tokens": []}`} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, tokensName)
			write(t, path, []byte(text))
			if _, err := TokensOf(dir).Create(t.Context(), "ci", noon, time.Time{}); err == nil {
				t.Error("a token was made")
			}
			if _, ok, err := TokensOf(dir).find("x"); err == nil || ok {
				t.Errorf("found %t, %v", ok, err)
			}
			if data, err := os.ReadFile(path); err != nil || string(data) != text {
				t.Errorf("the file is %q, %v", data, err)
			}
		})
	}
}
