package secret

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseReference(t *testing.T) {
	for text, want := range map[string]string{
		"env:SLACK_TOKEN":     "env:SLACK_TOKEN",
		"env:_a1":             "env:_a1",
		"file:/run/secrets/x": "file:/run/secrets/x",
		"file:///run/../x":    "file:/x",
		"file:/a b:c":         "file:/a b:c",
	} {
		r, err := ParseReference(text)
		if err != nil || r.String() != want {
			t.Errorf("%q is %q, error %v", text, r, err)
		}
	}
	for _, text := range []string{"", "env", "env:", "env:1A", "env:A B", "env:A=canary", "env: A", "ENV:A", "file:", "file:canary/x",
		"file:./canary", "file:~/canary", "file:/canary\x00", "canary-token", "xoxb:canary", "https://canary"} {
		_, err := ParseReference(text)
		if err == nil {
			t.Errorf("%q was taken", text)
			continue
		}
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: the error repeats it: %v", text, err)
		}
	}
}

func FuzzParseReference(f *testing.F) {
	for _, seed := range []string{"env:A", "file:/a", "file:///", "canary", ":", "env:file:/a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseReference(text)
		if err != nil {
			if r != (Reference{}) {
				t.Fatalf("%q: an error and %q", text, r)
			}
			return
		}
		again, err := ParseReference(r.String())
		if err != nil || again != r {
			t.Fatalf("%q is %q, read again %q, error %v", text, r, again, err)
		}
	})
}

func resolve(t *testing.T, text string) (string, error) {
	t.Helper()
	r, err := ParseReference(text)
	if err != nil {
		t.Fatal(err)
	}
	return r.Resolve(t.Context())
}

func TestResolveEnv(t *testing.T) {
	t.Setenv("SECRET_TEST_A", " value\n")
	t.Setenv("SECRET_TEST_EMPTY", "")
	if value, err := resolve(t, "env:SECRET_TEST_A"); err != nil || value != " value\n" {
		t.Errorf("%q, error %v", value, err)
	}
	for _, name := range []string{"SECRET_TEST_EMPTY", "SECRET_TEST_MISSING"} {
		_, err := resolve(t, "env:"+name)
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "stop the agent") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestResolveFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "secret")
	for data, want := range map[string]string{
		"s3cret": "s3cret", "s3cret\n": "s3cret", "s3cret\r\n": "s3cret", "a\nb\n": "a\nb", " s \n\n": " s \n",
		strings.Repeat("x", maxSecret): strings.Repeat("x", maxSecret),
	} {
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		if value, err := resolve(t, "file:"+path); err != nil || value != want {
			t.Errorf("%.20q is %.20q, error %v", data, value, err)
		}
	}
	for _, data := range []string{"", "\n", "\xff\xfec\x00a\x00n\x00a\x00r\x00y", "canary" + strings.Repeat("x", maxSecret)} {
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		value, err := resolve(t, "file:"+path)
		if err == nil || value != "" || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%.20q is %.20q, error %v", data, value, err)
		}
	}
	for _, path := range []string{dir, filepath.Join(dir, "missing"), os.DevNull} {
		if _, err := resolve(t, "file:"+path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (Reference{schemeFile, path}).Resolve(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
	if _, err := (Reference{}).Resolve(t.Context()); err == nil {
		t.Error("no reference was resolved")
	}
}
