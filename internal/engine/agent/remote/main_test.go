package remote

import (
	"encoding/pem"
	"errors"
	"log/slog"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	noon  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	quiet = slog.New(slog.DiscardHandler)
)

// create makes a token; a zero life is for ever.
func create(t *testing.T, tokens Tokens, name string, life time.Duration) string {
	t.Helper()
	var expires time.Time
	if life > 0 {
		expires = noon.Add(life)
	}
	secret, err := tokens.Create(t.Context(), name, noon, expires)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func revoke(t *testing.T, tokens Tokens, name string) {
	t.Helper()
	if err := tokens.Revoke(t.Context(), name, noon); err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, code api.Code) *api.Error {
	t.Helper()
	var told *api.Error
	if !errors.As(err, &told) || told.Code != code {
		t.Fatalf("got %v, want code %s", err, code)
	}
	return told
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func toPEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
