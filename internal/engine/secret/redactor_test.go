package secret

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func TestRedact(t *testing.T) {
	var r Redactor
	if got := r.Redact("text"); got != "text" {
		t.Errorf("knowing nothing: %q", got)
	}
	r.Add("")
	r.Add("abc")
	r.Add("token/1+2")
	r.Add("token/1+2-longer")
	r.Add("line\n\"two\"")
	for text, want := range map[string]string{
		"abc stays":                              "abc stays",
		"a token/1+2.":                           "a [Redact].",
		"a token/1+2-longer.":                    "a [Redact].",
		"token/1+2token/1+2":                     "[Redact][Redact]",
		"?t=" + url.QueryEscape("token/1+2"):     "?t=[Redact]",
		fmt.Sprintf(`{"p":%q}`, "line\n\"two\""): `{"p":"[Redact]"}`,
		"b " + base64.StdEncoding.EncodeToString([]byte("token/1+2-longer")): "b [Redact]",
	} {
		if got := r.Redact(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestRedactorIsBounded(t *testing.T) {
	var r Redactor
	for i := range maxKnown + 10 {
		r.Add(fmt.Sprintf("secret %04d", i))
		r.Add(fmt.Sprintf("secret %04d", i))
	}
	if len(r.known) != maxKnown {
		t.Errorf("%d secrets are known", len(r.known))
	}
	if got := r.Redact(fmt.Sprintf("secret %04d", maxKnown+9)); got != Redacted {
		t.Errorf("the latest is %q", got)
	}
}

func TestRedactorConcurrently(t *testing.T) {
	var r Redactor
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			secret := fmt.Sprintf("secret %d", i)
			r.Add(secret)
			if got := r.Redact(secret); got != Redacted {
				t.Errorf("%q is %q", secret, got)
			}
		})
	}
	wait.Wait()
}

// TestNoSecretSurvives puts secrets into text at random.
func TestNoSecretSurvives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r Redactor
		secrets := rapid.SliceOfN(rapid.StringMatching(`[ab/+\n]{4,8}`), 1, 5).Draw(t, "secrets")
		var text strings.Builder
		for _, secret := range secrets {
			r.Add(secret)
			text.WriteString(rapid.StringMatching(`[xyz ]{1,5}`).Draw(t, "between") + secret)
		}
		got := r.Redact(text.String())
		for _, secret := range secrets {
			if strings.Contains(got, secret) {
				t.Fatalf("%q survives in %q", secret, got)
			}
		}
	})
}
